"""Totals of children: learned and drawn with their parent, and kept by apportioning the children.

A parent's total is drawn as any column is, then held to what as many children as it has can add up
to. Its children are drawn as well, and their values scaled to the total: shares of what lies above
the least value, rounded down to whole ticks, the ticks that are left over going to the largest
remainders. All this is a function of the family, which one block of children holds as a whole.
Source: method of largest remainders (Hare).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from synthlake.constraints.bounds import per_tick
from synthlake.constraints.joined import family_key, part_of
from synthlake.constraints.rule import Cells, Mask
from synthlake.constraints.terms import terms_of
from synthlake.encode.axis import Axis
from synthlake.encode.numeric import NumericCodec
from synthlake.errors import LearnError, SampleError
from synthlake.relational.across import Total
from synthlake.relational.apportion import apportioned, pinned
from synthlake.relational.balancing import slack_of
from synthlake.relational.columns import TableData, axis_of
from synthlake.relational.declare import unlearn
from synthlake.relational.joins import resolve
from synthlake.relational.model import Model, TableModel, column_id

if TYPE_CHECKING:
    import pyarrow as pa

    from synthlake.relational.attributes import Frame
    from synthlake.relational.generate import Generator
    from synthlake.relational.rows import Block
    from synthlake.schema.model import Schema, Table

Index = NDArray[np.int64]
_EXACT = 2**53


# learning


def with_totals(
    frame: Frame, data: TableData, table: Table, schema: Schema,
    samples: Mapping[str, pa.Table], partial: Callable[[str], bool],
) -> Frame:  # fmt: skip
    """The frame of a table with its totals; nobody learns from those that are wrong.

    Args:
        frame: without them.
        data: what is learned from.
        table: of the totals.
        schema: with all modes decided.
        samples: rows by table.
        partial: whether only some families of a table are in its sample.

    Raises:
        LearnError: fewer than k entities keep a rule, or a total has no supported number.
    """
    totals, drawn = list[Total](), dict(frame.drawn)
    for rule in table.constraints:
        if "aggregate" not in rule:
            continue
        child, fk = family_key(rule, table, schema)
        where = f"{table.name}.{rule['aggregate']}"
        part, function = part_of(rule, table, schema), rule.get("function", "sum")
        total = Total(rule["aggregate"], function, child.name, fk.label(child.name), part)
        if child.name in samples and samples[child.name].num_rows:
            join = resolve(samples[child.name], data.sample, fk, child.foreign_keys.index(fk))
            wrong, empty = _judged(data, total, samples[child.name], (table, child), join.parent)
            if partial(child.name):
                wrong &= np.isin(np.arange(len(wrong)), join.parent)
            _check_support(where, data, wrong)
            total = replace(total, empty=empty)
            key = column_id(total.column)
            unlearn(drawn, key, wrong)
        _check_number(where, data, frame, total)
        totals.append(total)
    across = replace(frame.across, totals=tuple(totals))
    return replace(frame, drawn=drawn, across=across)


def _check_support(where: str, data: TableData, wrong: Mask) -> None:
    if len(np.unique(data.group[~wrong])) < data.k:
        raise LearnError(
            f"{where} agrees with its children in {int((~wrong).sum())} of {len(wrong)} real rows,"
            f" of fewer than k = {data.k} entities",
            hint="check the rule against the data",
        )


def _check_number(where: str, data: TableData, frame: Frame, total: Total) -> None:
    codec = next((a.codec for a in frame.attributes if a.column == total.column), None)
    if not isinstance(codec, NumericCodec) or not len(codec.low):
        raise LearnError(
            f"{where}: no number is shared by k = {data.k} entities, and it is a total",
            hint="leave the rule out, or lower k",
        )
    if _wide(codec.axis):
        raise LearnError(
            f"{where} has decimals of more than 18 digits, which are not added up",
            hint="leave the rule out, or declare fewer digits",
        )


def _wide(axis: Axis) -> bool:
    import pyarrow as pa

    return axis.continuous and bool(pa.types.is_decimal(axis.value_type))


def _judged(
    data: TableData, total: Total, sample: pa.Table, tables: tuple[Table, Table], parent: Index
) -> tuple[Mask, bool]:
    """Rows whose total is not that of their children, and whether it is NULL where there are none.

    A row whose children are not in the sample, as only some families are, cannot be judged.
    """
    table, child = tables
    rows = data.sample.num_rows
    mine = axis_of(data, table.column(total.column))
    ticks, null = mine.ticks(data.sample[total.column])
    count = np.bincount(parent[parent >= 0], minlength=rows)
    bare = (count == 0) & (null | (ticks == 0))
    empty = bool(bare.any() and null[bare].mean() > 0.5)
    if total.function == "count":
        return np.where(null, 0, ticks) != count * 10 ** (mine.decimals or 0), empty
    column = sample[total.part]
    # an axis that tells all values of the sample apart
    from synthlake.encode.axis import axis_for

    axis = axis_for(child.column(total.part).type, _decimals(column), column)
    given, gone = axis.ticks(column)
    there = (parent >= 0) & ~gone
    if total.function != "sum":
        found = _ends(total.function, given[there], parent[there], rows)
        some = np.bincount(parent[there], minlength=rows) > 0
        return some & (null | (found != ticks)), empty
    worth, unit = float(per_tick(axis)), float(per_tick(mine))
    added = np.bincount(parent[there], given[there].astype(float) * worth, rows)
    sizes = np.bincount(parent[there], np.abs(given[there].astype(float)) * worth, rows)
    held = np.where(null, 0.0, ticks.astype(float) * unit)
    types = (t.column(n).type for t, n in zip(tables, (total.column, total.part), strict=True))
    slack = max(map(slack_of, types)) * (sizes + np.abs(held) + 1)
    if not mine.continuous:
        slack = slack + 0.500001 * unit
    return np.abs(held - added) > slack, empty


def _decimals(column: Any) -> int | None:
    """Digits that write all floats of a column; None for other types, or too many."""
    import pyarrow as pa

    if not pa.types.is_floating(Axis(column.type).value_type):
        return 0
    floats = np.asarray(column.cast(pa.float64()).combine_chunks().fill_null(0.0))
    floats = floats[np.isfinite(floats)]
    for digits in range(10):
        scaled = floats * 10.0**digits
        if (np.abs(scaled - np.rint(scaled)) <= 1e-6 * 10.0**-6 * (1 + np.abs(scaled))).all():
            return digits
    return None


def _ends(function: str, ticks: NDArray[Any], parent: Index, rows: int) -> NDArray[Any]:
    """The least or greatest tick of each parent's children; 0 where there are none."""
    order = np.lexsort((ticks if function == "min" else -ticks, parent))
    owner = parent[order]
    first = np.flatnonzero(np.append(True, owner[1:] != owner[:-1])) if len(owner) else owner
    out = np.zeros(rows, ticks.dtype)
    out[owner[first]] = ticks[order][first]
    return out


# making


@dataclass(frozen=True)
class _Part:
    """What children are added up by.

    Attributes:
        axis: of their column.
        low, high: least and greatest tick that one may have; ``high`` None for no bound.
        usual: a tick in the middle.
        factor: ticks of it that one tick of the total is worth.
    """

    axis: Axis
    low: Any
    high: Any
    usual: Any
    factor: Fraction

    @property
    def whole(self) -> bool:
        """Whether ticks are whole numbers."""
        return not self.axis.continuous

    def inward(self, ticks: NDArray[Any], total: Axis) -> NDArray[Any]:
        """A total in ticks of the part, a whole number of them."""
        if not self.whole:
            return ticks.astype(float) * float(self.factor)
        if total.continuous or self.factor.denominator > 1:
            return np.rint(ticks.astype(float) * float(self.factor)).astype(np.int64)
        made: NDArray[Any] = ticks.astype(np.int64) * self.factor.numerator
        return made

    def outward(self, ticks: NDArray[Any], total: Axis) -> NDArray[Any]:
        """The same in ticks of the total."""
        if total.continuous:
            return ticks.astype(float) / float(self.factor)
        if not self.whole:
            return np.rint(ticks / float(self.factor)).astype(np.int64)
        wide = ticks.astype(np.int64) * self.factor.denominator
        made: NDArray[Any] = wide // self.factor.numerator
        return made

    def held(self, ticks: NDArray[Any], children: Index, total: Axis) -> NDArray[Any]:
        """Totals that so many children can add up to."""
        least = children * self.low
        step = self.factor.numerator if self.whole and not total.continuous else 1
        if step > 1 and self.factor.denominator == 1:
            least = -(-least // step) * step
        made: NDArray[Any] = np.maximum(ticks, least)
        if self.high is not None:
            most = children * self.high
            if step > 1 and self.factor.denominator == 1:
                most = most // step * step
            made = np.maximum(np.minimum(made, most), least)
        return made


class Totals:
    """Settles the totals of one sample, and what they are totals of.

    Args:
        generator: knows how many children rows have, and makes their parents.
    """

    def __init__(self, generator: Generator) -> None:
        self._generator = generator
        self._model: Model = generator.model
        self._shares = {name: tuple(self._of_parent(t)) for name, t in self._model.tables.items()}

    def settle(self, block: Block) -> dict[str, Cells]:
        """Cells of a block's totals, and of columns that those of its parents are made of.

        Raises:
            SampleError: a total is beyond what its type holds.
        """
        model = block.model
        out = self._totals(block) if model.across.totals else {}
        shares = self._shares.get(model.table.name, ())
        return {**out, **self._parts(block, shares)} if shares else out

    def touches(self, model: TableModel) -> bool:
        """Whether a table has anything to settle."""
        return bool(model.across.totals or self._shares.get(model.table.name))

    def _of_parent(self, model: TableModel) -> list[Total]:
        own = model.own
        if own is None:
            return []
        parent = self._model.tables[own.fk.references]
        return [t for t in parent.across.totals if t.child == model.table.name and t.part]

    def _part(self, total: Total, axis: Axis) -> _Part | None:
        """The children's column; None where nothing was learned of it."""
        child = self._model.tables[total.child]
        codec = next((a.codec for a in child.attributes if a.column == total.part), None)
        if not isinstance(codec, NumericCodec) or not len(codec.low):
            return None
        limits = terms_of(child.table).limits.get(total.part)
        low, high = limits.ticks(codec.axis) if limits is not None else (None, None)
        number: Any = float if codec.axis.continuous else int
        most = codec.axis.limits[1]
        if high is None and most < _EXACT:
            high = most
        middle = len(codec.low) // 2
        factor = Fraction(1)
        if total.function == "sum":
            factor = per_tick(axis) / per_tick(codec.axis)
        return _Part(
            codec.axis, number(codec.low[0]) if low is None else low, high,
            number(codec.low[middle]), factor,
        )  # fmt: skip

    # parents

    def _totals(self, block: Block) -> dict[str, Cells]:
        out: dict[str, Cells] = {}
        for total in block.model.across.totals:
            axis = self._axis(block.model, total.column)
            children = self._generator.grown(block, total.label)
            made = self._total(block, total, axis, children)
            self._check(block, total, axis, made)
            out[total.column] = made
        return self._in_order(block, out)

    def _axis(self, model: TableModel, column: str) -> Axis:
        codec = next(a.codec for a in model.attributes if a.column == column)
        assert isinstance(codec, NumericCodec)
        return codec.axis

    def _total(self, block: Block, total: Total, axis: Axis, children: Index) -> Cells:
        rows, none = block.rows, children == 0
        drawn = block.cells.get(total.column, Cells(np.zeros(rows, np.int64), np.ones(rows, bool)))
        nullable = block.model.table.column(total.column).nullable
        empty = none & (total.empty and nullable)
        if total.function == "count":
            return Cells(children * 10 ** (axis.decimals or 0), empty)
        part = self._part(total, axis)
        if part is None:  # all children are NULL there
            return Cells(np.zeros_like(drawn.ticks), np.full(rows, nullable))
        if total.function != "sum":
            ticks = np.where(drawn.null, part.usual, drawn.ticks)
            return Cells(ticks.astype(drawn.ticks.dtype), none & nullable)
        ticks = part.inward(drawn.ticks, axis)
        ticks = np.where(drawn.null, children * part.usual, ticks)
        ticks = part.held(ticks, children, axis)
        ticks = np.where(none, 0, ticks)
        return Cells(part.outward(ticks, axis), empty)

    def _check(self, block: Block, total: Total, axis: Axis, made: Cells) -> None:
        low, high = axis.limits
        beyond = ~made.null & ((made.ticks < low) | (made.ticks > high))
        if beyond.any():
            raise SampleError(
                f"{block.model.table.name}.{total.column} is {axis.type}, which {int(beyond.sum())}"
                f" totals of {total.child} are beyond",
                hint="give it a wider type, or leave the rule out",
            )

    def _in_order(self, block: Block, made: dict[str, Cells]) -> dict[str, Cells]:
        """A greatest value is not below a least one, and equal where there is one child."""
        totals = block.model.across.totals
        for low in [t for t in totals if t.function == "min"]:
            for high in totals:
                if (high.function, high.label, high.part) != ("max", low.label, low.part):
                    continue
                one = self._generator.grown(block, low.label) < 2
                least, most = made[low.column], made[high.column]
                ticks = np.where(one, least.ticks, np.maximum(least.ticks, most.ticks))
                made[high.column] = Cells(ticks, most.null)
        return made

    # children

    def _parts(self, block: Block, shares: Sequence[Total]) -> dict[str, Cells]:
        own = block.model.own
        assert own is not None
        assert block.family is not None
        parent, real = own.fk.references, self._generator.plan.rows[own.fk.references]
        rows = np.flatnonzero(block.family < real)
        if not len(rows):
            return {}
        low, high = int(block.family[rows[0]]), int(block.family[rows[-1]]) + 1
        settled = [(b.finished(), part) for b, part in self._generator.slices(parent, low, high)]
        family = block.family[rows] - low
        out: dict[str, Cells] = {}
        for name in dict.fromkeys(total.part for total in shares):
            drawn = block.cells.get(name)
            if drawn is None:
                continue
            goals = {
                t: np.concatenate([cells[t.column].ticks[part] for cells, part in settled])
                for t in shares
                if t.part == name
            }
            mine = Cells(drawn.ticks[rows], drawn.null[rows])
            made = self._made(self._model.tables[parent], mine, family, goals)
            out[name] = drawn if made is None else _placed(drawn, rows, made)
        return out

    def _made(
        self, above: TableModel, drawn: Cells, family: Index, goals: Mapping[Total, NDArray[Any]]
    ) -> Cells | None:
        """Values of one column of children as their parents' totals want them."""
        by = {total.function: goal for total, goal in goals.items()}
        if "sum" not in by:
            return pinned(drawn, family, by.get("min"), by.get("max"))
        total = next(iter(goals))
        axis = self._axis(above, total.column)
        part = self._part(total, axis)
        if part is None:
            return None
        goal = part.inward(by["sum"], axis)
        return apportioned(drawn, family, goal, (part.low, part.high))


def _placed(whole: Cells, rows: Index, made: Cells) -> Cells:
    ticks, null = whole.ticks.copy(), whole.null.copy()
    ticks[rows], null[rows] = made.ticks, made.null
    return Cells(ticks, null)
