"""Shadows: the same synthesizer fitted to other choices of the same people, and what they make."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from synthlake.errors import EvaluationError, LearnError, SampleError, SpecError
from synthlake.pipeline import learn
from synthlake.pipeline.twin import Twin
from synthlake.pipeline.wanted import Wanted
from synthlake.ports import Source
from synthlake.schema.model import Schema
from synthlake.schema.nearest import nearest
from synthlake.seed import Seed, unit

if TYPE_CHECKING:
    import pyarrow as pa

    from synthlake.quality.attacks.sight import Rows, Seen, Sight
    from synthlake.quality.layout import Field
    from synthlake.sql.split import Split

MIN_ENTITIES = 100

Tables = Mapping[str, "pa.Table"]
Maker = Callable[[Tables, int], Tables]
"""``make(tables, number)`` learns tables and returns a twin of them."""


@dataclass(frozen=True)
class Pool:
    """The rows that shadows are drawn from, held in memory while they are.

    Attributes:
        schema: of these tables, with all roles and modes decided.
        root: the table whose rows are the entities.
        members: the root and all tables below it by own keys, the root first.
        tables: rows with their ``__entity``; those beside the tree are in every shadow as a whole.
    """

    schema: Schema
    root: str
    members: tuple[str, ...]
    tables: Tables

    @cached_property
    def entities(self) -> NDArray[np.int64]:
        """All entities, whether they have a row in the root or not; ascending."""
        from synthlake.sql.draw import ENTITY

        found = [self.tables[n][ENTITY].to_numpy().astype(np.int64) for n in self.members]
        return np.unique(np.concatenate(found))

    def chosen(self, seed: Seed, number: int) -> NDArray[np.bool_]:
        """Who is in a shadow: each entity by a coin of its own, shape (entities,).

        So that one more or one less is all that tells two choices apart, as in the definition of
        differential privacy; of exactly a half, another would be in its place.
        """
        return unit(seed.words("shadows", "member", 0, len(self.entities), number)) < 0.5

    def without(self, member: NDArray[np.bool_]) -> Tables:
        """The tables with only the rows of members in the tree, as a source has them."""
        import pyarrow as pa

        from synthlake.sql.draw import ENTITY

        out = {}
        for name, table in self.tables.items():
            if name in self.members:
                place = np.searchsorted(self.entities, table[ENTITY].to_numpy())
                table = table.filter(pa.array(member[place]))
            out[name] = table.drop_columns([ENTITY])
        return out


def pool(parts: Split, schema: Schema, table: str | None, rows: int, others: int) -> Pool:
    """Whole entities of a tree of tables, by hash, about ``rows`` rows of all its tables together.

    Args:
        parts: the source; only what may be learned from is looked at.
        schema: with all roles and modes decided.
        table: the root; None for that of the tree with most rows.
        rows: of the tree.
        others: most rows of any other tree that this one refers to; what it does not refer to is
            left out.

    Raises:
        SpecError: there is no such table, or it is no root that is learned.
        EvaluationError: there are too few entities.
        SchemaError: the root's key has a float in it, so that no hash of it is the same anywhere.
    """
    from synthlake.source.view import ViewSource
    from synthlake.sql.draw import draw
    from synthlake.sql.keys import SPACE
    from synthlake.sql.split import part
    from synthlake.sql.tables import Tables as Counted
    from synthlake.sql.trees import line

    trees: dict[str, list[str]] = {}
    for one in schema.order():
        if not one.keep:
            trees.setdefault(line(schema, one.name)[-1], []).append(one.name)
    counted = Counted(parts.train.engine(), schema)
    sizes = {root: sum(map(counted.rows, names)) for root, names in trees.items()}
    root = _root(table, schema, sizes)
    least = parts.share if root in parts.tables else 0.0
    share = min(1.0, rows / max(sizes[root], 1))
    bound = int((least + (1 - least) * share) * SPACE)
    cut = {n: part(counted, schema[n], bound, "<") for n in trees[root]} if share < 1 else {}
    view, needed = ViewSource(parts.train, cut), _needed(schema, trees[root])
    most = max(others, sum(map(Counted(view.engine(), needed).rows, trees[root])))
    found = Pool(needed, root, tuple(trees[root]), _by_row(draw(view, needed, most), needed, root))
    if len(found.entities) < MIN_ENTITIES:
        raise EvaluationError(
            f"{root}: {len(found.entities)} entities are too few, {MIN_ENTITIES} the least",
            hint="audit more rows: --rows",
        )
    return found


def _by_row(tables: dict[str, pa.Table], schema: Schema, root: str) -> dict[str, pa.Table]:
    """The tables, where each row of a root without a key and children is an entity of its own.

    Rows that are alike have the same hash: by one coin for all of them, two choices would differ
    by a group, and the bound would be of the epsilon of groups. Rows come in the order of hashes.
    """
    import pyarrow as pa

    from synthlake.sql.draw import ENTITY

    if schema[root].primary_key or schema.children(root):
        return tables
    table = tables[root]
    place = table.column_names.index(ENTITY)
    numbers = pa.array(np.arange(table.num_rows), pa.int64())
    return {**tables, root: table.set_column(place, table.schema.field(place), numbers)}


def _needed(schema: Schema, members: Sequence[str]) -> Schema:
    """The tables of a tree and all that they refer to, directly or not."""
    names, todo = set(members), list(members)
    while todo:
        above = {fk.references for fk in schema[todo.pop()].foreign_keys} - names
        names |= above
        todo += above
    return Schema({t.name: t for t in schema if t.name in names})


def _root(table: str | None, schema: Schema, sizes: Mapping[str, int]) -> str:
    if not sizes:
        raise SpecError("no table is learned", hint="there is nothing to audit in kept tables")
    if table is None:
        return max(sizes, key=lambda root: (sizes[root], root))
    if table not in schema.tables:
        raise SpecError(f"there is no table {table!r}", hint=nearest(table, list(sizes)))
    if table not in sizes:
        learned = not schema[table].keep and not schema[table].skip
        above = schema.chain(table)[-1] if learned else ""
        why = f"its rows are made with {above}'s" if learned else "it is kept or skipped"
        raise SpecError(
            f"{table} cannot be audited: {why}", hint=f"roots are {', '.join(sorted(sizes))}"
        )
    return table


def maker(schema: Schema, settings: learn.FitSettings, max_rows: int) -> Maker:
    """Learns tables as a run would, with a seed of its own each time, and samples as many."""
    from synthlake.source import open_source

    def make(tables: Tables, number: int) -> Tables:
        parts = learn.divide(open_source(dict(tables)), schema, 0.0)
        lesson = learn.study(parts, schema, max_rows, None)
        asked = replace(settings, seed=settings.seed + number, holdout=0.0)
        try:
            return Twin.of(learn.fit(lesson, asked), Wanted(asked.seed)).to_arrow()
        except (LearnError, SampleError) as error:
            raise LearnError(
                f"shadow {number} cannot be learned or sampled: {error.message}",
                hint=f"audit more rows (--rows) or another root (--table); {error.hint}",
            ) from error

    return make


def sight(found: Pool, seed: Seed) -> Sight:
    """How twins of a pool are looked at.

    Raises:
        EvaluationError: there is no column to look at.
    """
    from synthlake.quality.attacks.sight import Sight
    from synthlake.quality.joined import visible
    from synthlake.quality.layout import fields_of

    fields = {n: visible(fields_of(found.schema, found.schema[n])) for n in found.members}
    if not any(fields.values()):
        raise EvaluationError(f"{found.root}: all columns are keys", hint="audit another table")
    return Sight(fields, seen(found, found.tables, fields), seed)


def seen(found: Pool, tables: Tables, fields: Mapping[str, Sequence[Field]]) -> Rows:
    """Rows of the tree, of the pool or of a twin, as an attacker compares them, in a fixed order.

    Args:
        found: the pool.
        tables: its own, with ``__entity``; or a twin's, whose entities are told by their keys.
        fields: columns that are compared, by table.
    """
    from synthlake.source import open_source
    from synthlake.source.flattened import flattened

    source = flattened(open_source(dict(tables)), found.schema)
    return {name: _seen(source, found.schema, name, fields[name]) for name in found.members}


def _seen(source: Source, schema: Schema, name: str, fields: Sequence[Field]) -> Seen:
    from synthlake.quality.attacks.sight import Seen
    from synthlake.quality.expressions import value
    from synthlake.quality.sample import Wanted as Column
    from synthlake.quality.sample import frame_of
    from synthlake.sql.draw import ENTITY
    from synthlake.sql.entities import entity
    from synthlake.sql.tables import Tables as Counted

    here, engine = source.schema()[name], source.engine()
    counted = Counted(engine, schema)
    owner, join = counted.column(ENTITY), ""
    if not here.has(ENTITY):
        of = entity(counted, schema[name])
        owner, join = of.value, of.join
    values = [
        f"{value(counted, f, here.column(f.name).type)} AS c{i}" for i, f in enumerate(fields)
    ]
    order = ", ".join(["e", *(f"c{i}" for i in range(len(fields)))])
    inner = f"SELECT {', '.join([*values, f'{owner} AS e'])} FROM {counted.read(name)}{join}"
    got = engine.query(f"SELECT *, ROW_NUMBER() OVER (ORDER BY {order}) AS __h FROM ({inner}) AS s")
    frame = frame_of(got, [Column(f.name, f) for f in fields], ())
    place = np.argsort(got["__h"].to_numpy(), kind="stable")
    return Seen(frame, got["e"].to_numpy().astype(np.int64)[place])
