"""The intact sample: the rows that leave the engine to be learned from."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import pyarrow as pa

from synthlake.errors import SchemaError
from synthlake.ports import Source
from synthlake.schema.model import ForeignKey, Schema, Table
from synthlake.sql.entities import entity
from synthlake.sql.keys import compared, identity, parts, reference
from synthlake.sql.loops import LEVEL, REFERRED, Loops, Placed, marks
from synthlake.sql.membership import among, distinct, present
from synthlake.sql.results import as_type, in_order
from synthlake.sql.tables import Tables, learned_columns, used
from synthlake.sql.trees import Cut, cuts_of

ENTITY = "__entity"
"""Column after a drawn table's own: the hash of the row's root, int64."""

_LONGEST = 4_000  # characters of free text

ORPHAN = "__orphan_"
"""Before the number of a foreign key: whether its parent is nowhere in the source, boolean."""


def draw(
    train: Source, schema: Schema, max_rows: int, whole: Source | None = None
) -> dict[str, pa.Table]:
    """An intact sample of every table that is not skipped.

    Families are drawn by hash (see ``trees``), at most ``max_rows`` rows a tree of own keys; the
    parents that drawn rows refer to are pulled in beyond that. Kept tables are whole.

    Args:
        train: the rows to learn from.
        schema: with the modes of foreign keys chosen.
        max_rows: of each tree.
        whole: all rows, hold-out included, to tell orphans by; None leaves their columns out.

    Returns:
        By table: the columns that are not skipped or belong to a key, in the schema's types, then
        ``__entity`` and, given ``whole``, ``__orphan_0``, ... for each foreign key, and where
        there are loops ``__level_0``, ... and ``__referred_0``, ... (``loops``). A parent that
        is held out is not in the sample, and its children are no orphans. Rows are sorted by
        entity, the hash of the row's key, and the columns, so that neither the engine nor the
        order of the data shows.

    Raises:
        SchemaError: a key has a float in it, the references form a cycle, or a column is called
            ``__entity``.
        SourceError: a value cannot be turned into the schema's type.

    Privacy: these rows are all that leaves the engine as rows.
    """
    _check_names(schema)
    tables = Tables(train.engine(), schema)
    known = Tables(whole.engine(), schema) if whole is not None else None
    cut = cuts_of(tables, max_rows)
    stored: dict[str, str] = {}
    found: dict[str, pa.Table] = {}
    with ExitStack() as stack:
        loops = Loops(tables, known or tables, stack)
        # children first: what they refer to is then known when their parents are drawn
        for number, table in enumerate(reversed(schema.order())):
            pulls = _pulling(schema, table, stored)
            sql = drawn(tables, table, cut[table.name], pulls, known, loops.placed(table))
            name = stack.enter_context(tables.materialised(f"__synthlake_drawn_{number}", sql))
            stored[table.name] = name
            flags = len(table.foreign_keys) if known else 0
            found[table.name] = _fetched(tables, table, name, flags)
    return {table.name: found[table.name] for table in schema if table.name in found}


def _check_names(schema: Schema) -> None:
    for table in schema:
        for column in table.columns:
            if not table.skip and column.name.startswith((ENTITY, ORPHAN, LEVEL, REFERRED)):
                raise SchemaError(
                    f"{table.name} has a column {column.name!r}, a name that samples use",
                    hint="skip the table or rename the column in a view",
                )


@dataclass(frozen=True)
class Pull:
    """A drawn child whose parents must be there too."""

    child: Table
    fk: ForeignKey
    stored: str


def drawn(
    tables: Tables,
    table: Table,
    cut: Cut | None,
    pulls: Sequence[Pull],
    known: Tables | None = None,
    placed: Placed | None = None,
) -> str:
    """Rows of a table in the sample: ``c0, c1, ...``, ``h`` (hash of the key) and ``e`` (entity).

    Args:
        tables: where the tables are.
        table: whose rows.
        cut: which families are drawn; None for all rows.
        pulls: drawn children whose parents are taken whatever their family.
        known: all rows of the source, to tell orphans (``o0, o1, ...``); None leaves them out.
        placed: where rows lie in loops.
    """
    columns = learned_columns(tables, table, _LONGEST)
    of_row = entity(tables, table)
    columns += [f"{identity(tables, table)} AS h", f"{of_row.value} AS e"]
    orphans = _orphans(tables, known, table) if known is not None else []
    placed = placed or Placed()
    columns += [*(flag for flag, _ in orphans), *placed.columns]
    joins = of_row.join + "".join(join for _, join in orphans) + placed.join
    read = f"SELECT {', '.join(columns)} FROM {tables.read(table.name)}{joins}"
    if cut is None:
        return read
    family = entity(tables, table, cut.tops, alias="q")
    read, taken = read + family.join, [f"{family.value} <= {cut.bound}"]
    for number, pull in enumerate(pulls):
        wanted = among(
            f"r{number}", compared(tables, parts(tables, table, pull.fk.to)), _keys(tables, pull)
        )
        read += wanted.join
        taken.append(wanted.found)
    return f"{read} WHERE {' OR '.join(taken)}"


def _orphans(tables: Tables, known: Tables, table: Table) -> list[tuple[str, str]]:
    """For each foreign key, whether a row's parent is nowhere, and the join that tells."""
    found = []
    for number, fk in enumerate(table.foreign_keys):
        name = f"w{number}"
        mine = compared(tables, reference(tables, table, fk))
        theirs = compared(known, parts(known, known.schema[fk.references], fk.to))
        parents = among(name, mine, distinct(theirs, known.read(fk.references)))
        flag = f"({present(mine)} AND {name}.k0 IS NULL) AS o{number}"
        found.append((flag, parents.join))
    return found


def _pulling(schema: Schema, table: Table, stored: dict[str, str]) -> list[Pull]:
    return [Pull(child, fk, stored[child.name]) for child, fk in schema.children(table.name)
            if child.name in stored]  # fmt: skip


def _keys(tables: Tables, pull: Pull) -> str:
    places = {column.name: f"c{number}" for number, column in enumerate(used(pull.child))}
    values = [places[name] for name in pull.fk.columns]
    keys = compared(tables, reference(tables, pull.child, pull.fk, values))
    return distinct(keys, pull.stored)


def _fetched(tables: Tables, table: Table, stored: str, flags: int) -> pa.Table:
    columns = used(table)
    values = [f"c{number}" for number in range(len(columns))]
    orphans = [f"o{number}" for number in range(flags)]
    loops = marks(tables.schema, table)
    listed = ", ".join([*values, "h", "e", *orphans, *loops])
    rows = tables.engine.query(f"SELECT {listed} FROM {stored}")
    # sorted in the engine's types: Arrow has types that it cannot sort
    rows = in_order(rows, ["e", "h", *values])
    arrays = [
        as_type(rows.column(number), c.type, f"{table.name}.{c.name}")
        for number, c in enumerate(columns)
    ]
    fields = [pa.field(c.name, c.type) for c in columns]
    fields.append(pa.field(ENTITY, pa.int64(), nullable=False))
    fields += [pa.field(f"{ORPHAN}{n}", pa.bool_(), nullable=False) for n in range(flags)]
    fields += [pa.field(name, pa.int64(), nullable=False) for name in loops.values()]
    ours = [rows.column(name) for name in ("e", *orphans)]
    ours += [rows.column(name).cast(pa.int64()) for name in loops]
    return pa.table([*arrays, *ours], schema=pa.schema(fields))
