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
from synthlake.sql.results import as_type, in_order
from synthlake.sql.tables import Tables, used
from synthlake.sql.trees import Cut, cuts_of

ENTITY = "__entity"
"""Last column of every drawn table: the hash of the row's root, int64."""


def draw(train: Source, schema: Schema, max_rows: int) -> dict[str, pa.Table]:
    """An intact sample of every table that is not skipped.

    Families are drawn by hash (see ``trees``), at most ``max_rows`` rows a tree of own keys; the
    parents that drawn rows refer to are pulled in beyond that. Kept tables are whole.

    Returns:
        By table: the columns that are not skipped or belong to a key, in the schema's types, then
        ``__entity``; sorted by entity, the hash of the row's key, and the columns, so that neither
        the engine nor the order of the data shows.

    Raises:
        SchemaError: a key has a float in it, the references form a cycle, or a column is called
            ``__entity``.
        SourceError: a value cannot be turned into the schema's type.

    Privacy: these rows are all that leaves the engine as rows.
    """
    for table in schema:
        if not table.skip and table.has(ENTITY):
            raise SchemaError(
                f"{table.name} has a column {ENTITY!r}, which samples use",
                hint="skip the table or rename the column in a view",
            )
    tables = Tables(train.engine(), schema)
    cut = cuts_of(tables, max_rows)
    stored: dict[str, str] = {}
    found: dict[str, pa.Table] = {}
    with ExitStack() as stack:
        # children first: what they refer to is then known when their parents are drawn
        for number, table in enumerate(reversed(schema.order())):
            sql = drawn(tables, table, cut[table.name], _pulling(schema, table, stored))
            name = stack.enter_context(tables.materialised(f"__synthlake_drawn_{number}", sql))
            stored[table.name] = name
            found[table.name] = _fetched(tables, table, name)
    return {table.name: found[table.name] for table in schema if table.name in found}


@dataclass(frozen=True)
class Pull:
    """A drawn child whose parents must be there too."""

    child: Table
    fk: ForeignKey
    stored: str


def drawn(tables: Tables, table: Table, cut: Cut | None, pulls: Sequence[Pull]) -> str:
    """Rows of a table in the sample: ``c0, c1, ...``, ``h`` (hash of the key) and ``e`` (entity).

    Args:
        tables: where the tables are.
        table: whose rows.
        cut: which families are drawn; None for all rows.
        pulls: drawn children whose parents are taken whatever their family.
    """
    of = tables.primitives
    columns = [
        f"{of.learnable(tables.column(c.name), c.type)} AS c{number}"
        for number, c in enumerate(used(table))
    ]
    of_row = entity(tables, table)
    columns += [f"{identity(tables, table)} AS h", f"{of_row.value} AS e"]
    read = f"SELECT {', '.join(columns)} FROM {tables.read(table.name)}{of_row.join}"
    if cut is None:
        return read
    family = entity(tables, table, cut.tops, alias="q")
    read, taken = read + family.join, [f"{family.value} <= {cut.bound}"]
    for number, pull in enumerate(pulls):
        wanted = f"r{number}"
        read += (
            f" LEFT JOIN ({_keys(tables, pull)}) AS {wanted} ON {_on(tables, table, pull, wanted)}"
        )
        taken.append(f"{wanted}.k0 IS NOT NULL")
    return f"{read} WHERE {' OR '.join(taken)}"


def _pulling(schema: Schema, table: Table, stored: dict[str, str]) -> list[Pull]:
    return [Pull(child, fk, stored[child.name]) for child, fk in schema.children(table.name)
            if child.name in stored]  # fmt: skip


def _keys(tables: Tables, pull: Pull) -> str:
    places = {column.name: f"c{number}" for number, column in enumerate(used(pull.child))}
    values = [places[name] for name in pull.fk.columns]
    keys = compared(tables, reference(tables, pull.child, pull.fk, values))
    named = ", ".join(f"{key} AS k{number}" for number, key in enumerate(keys))
    return f"SELECT DISTINCT {named} FROM {pull.stored}"


def _on(tables: Tables, table: Table, pull: Pull, wanted: str) -> str:
    keys = compared(tables, parts(tables, table, pull.fk.to))
    return " AND ".join(f"{key} = {wanted}.k{number}" for number, key in enumerate(keys))


def _fetched(tables: Tables, table: Table, stored: str) -> pa.Table:
    columns = used(table)
    listed = ", ".join(f"c{number}" for number in range(len(columns)))
    rows = tables.engine.query(f"SELECT {listed}, h, e FROM {stored}")
    # sorted in the engine's types: Arrow has types that it cannot sort
    rows = in_order(rows, ["e", "h", *(f"c{number}" for number in range(len(columns)))])
    arrays = [
        as_type(rows.column(number), c.type, f"{table.name}.{c.name}")
        for number, c in enumerate(columns)
    ]
    fields = [pa.field(c.name, c.type, c.nullable) for c in columns]
    schema = pa.schema([*fields, pa.field(ENTITY, pa.int64(), nullable=False)])
    return pa.table([*arrays, rows.column("e")], schema=schema)
