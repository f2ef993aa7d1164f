"""The samples of the three classifier tests, with what their folds must not share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from synthlake.quality.children import aggregated
from synthlake.quality.classifier import Block
from synthlake.quality.dataset import DataSet
from synthlake.quality.layout import Field
from synthlake.quality.metric import Comparison, Ground
from synthlake.quality.sample import Choice, Column, Frame, Join, Wanted, day_field, draw, hit
from synthlake.schema.model import ForeignKey, Table
from synthlake.sql.keys import parts, row_hash
from synthlake.sql.tables import used

DAY = "__day"
_MICROS_A_DAY = 86_400_000_000
_MIN_DAYS = 9
_MAX_BLOCKS = 3


@dataclass(frozen=True)
class Shape:
    """What is drawn of a table: columns, joined parents, and what blocks are made of.

    Attributes:
        columns: what the model sees, and the day.
        joins: parents and grandparents.
        blocks: names of the columns that make up a parent's content, by the parent's alias.
    """

    columns: tuple[Wanted, ...]
    joins: tuple[Join, ...] = ()
    blocks: tuple[tuple[str, tuple[str, ...]], ...] = ()


def visible(fields: Mapping[str, Field]) -> list[Field]:
    """Columns that a model may see: no keys, nothing opaque."""
    return [f for f in fields.values() if not f.key and f.kind != "opaque"]


def single(ground: Ground, table: str) -> Shape:
    """A table on its own."""
    fields = ground.fields(table)
    columns = [Wanted(f.name, f) for f in visible(fields)]
    day = day_field(fields)
    return Shape((*columns, *([Wanted(DAY, day)] if day else [])))


def with_parents(comparison: Comparison, table: Table) -> Shape:
    """A table with the columns of all its parents."""
    ground = comparison.ground
    own = single(ground, table.name)
    day = day_field(ground.fields(table.name))
    columns, joins = list(own.columns), []
    blocks: list[tuple[str, tuple[str, ...]]] = []
    for i, fk in enumerate(table.foreign_keys):
        join = Join(f"p{i}", fk.references, fk, "t", table.name)
        joins.append(join)
        label = f"{'+'.join(fk.columns)}."
        seen = [Wanted(label + f.name, f, join.alias)
                for f in visible(ground.fields(fk.references))]  # fmt: skip
        columns += seen
        if day is not None and day.name in fk.columns:
            continue  # a parent of one hour is kept apart by its day
        above = _grandparents(comparison, join, f"g{i}")
        for upper, content in above:
            joins.append(upper)
            columns += content
            blocks.append((upper.alias, tuple(w.name for w in content)))
        if not above and seen and not same_table(comparison, fk.references):
            blocks.append((join.alias, tuple(w.name for w in seen)))
    return Shape(tuple(columns), tuple(joins), tuple(blocks))


def _grandparents(
    comparison: Comparison, join: Join, prefix: str
) -> list[tuple[Join, list[Wanted]]]:
    out = []
    parent = comparison.schema[join.table]
    for i, fk in enumerate(parent.foreign_keys):
        if fk.references == parent.name or same_table(comparison, fk.references):
            continue
        upper = Join(f"{prefix}_{i}", fk.references, fk, join.alias, parent.name)
        fields = visible(comparison.ground.fields(fk.references))
        content = [Wanted(f"__{upper.alias}.{f.name}", f, upper.alias) for f in fields]
        if content:
            out.append((upper, content))
    return out


def same_table(comparison: Comparison, table: str) -> bool:
    """Whether a table is the same in both data sets: kept, or equal rows."""
    if comparison.schema[table].keep:
        return True
    sums = [side.once(("sum", table), partial(_sum, side, table))
            for side in (comparison.reference, comparison.candidate)]  # fmt: skip
    return sums[0] == sums[1]


def _sum(data: DataSet, table: str) -> tuple[Any, ...]:
    """Number of rows and a sum of their hashes."""
    tables = data.tables
    names = [c.name for c in used(data.schema[table]) if data.found[table].has(c.name)]
    hashed = row_hash(tables.primitives, parts(tables, data.schema[table], names))
    row = data.query(
        f"SELECT COUNT(*) AS n, SUM(h % 1000000007) AS h FROM "
        f"(SELECT {hashed} AS h FROM {tables.read(table)}) AS s"
    ).to_pylist()[0]
    return int(row["n"]), int(row["h"] or 0)


def frames(comparison: Comparison, table: str, shape: Shape) -> tuple[Frame, Frame]:
    """The rows of both sides, equally many at most."""
    settings = comparison.settings
    limit = min(settings.max_rows, *(max(n, 1) for n in comparison.rows(table)))
    a, b = (
        draw(side, table, shape.columns, Choice(limit, settings.seed), shape.joins)
        for side in (comparison.reference, comparison.candidate)
    )
    return a, b


def blocks(real: Frame, other: Frame, shape: Shape) -> list[Block]:
    """Day and parents, those with the most children each first; at most three."""
    found: list[Block] = []
    if DAY in real:
        days = [_days(frame[DAY]) for frame in (real, other)]
        if len({d for d in days[0] if d is not None}) >= _MIN_DAYS:
            found.append((days[0], days[1]))
    parents: list[tuple[int, int, Block]] = []
    for alias, names in shape.blocks:
        made = [_content(frame, alias, names) for frame in (real, other)]
        parents.append((len(set(made[0])), len(parents), (made[0], made[1])))
    found += [block for _, _, block in sorted(parents)]
    return found[:_MAX_BLOCKS]


def _days(column: Column) -> list[object]:
    numbers = column.astype(np.float64)
    return [None if np.isnan(v) else int(v // _MICROS_A_DAY) for v in numbers]


def _content(frame: Frame, alias: str, names: Sequence[str]) -> list[object]:
    there = frame[hit(alias)]
    columns = [frame[n].tolist() for n in names]
    rows = zip(*columns, strict=True) if columns else [() for _ in there]
    # NaN is not equal to itself, its text is
    return [str(row) if ok else None for ok, row in zip(there, rows, strict=True)]


def parents_with_children(
    comparison: Comparison, table: Table, fk: ForeignKey
) -> tuple[Frame, Frame]:
    """The parents with count, means and distinct counts of their children, for both sides."""
    settings = comparison.settings
    limit = min(settings.max_rows, *(max(n, 1) for n in comparison.rows(fk.references)))
    above = [Wanted(f.name, f) for f in visible(comparison.ground.fields(fk.references))]
    below = visible(comparison.ground.fields(table.name))
    a, b = (
        aggregated(side, above, below, table, fk, (limit, settings.seed))
        for side in (comparison.reference, comparison.candidate)
    )
    return a, b
