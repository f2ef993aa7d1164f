"""Columns that are the sum of others: which they are, and the rule that adds them up."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.constraints.discovery.grid import mixed
from synthlake.constraints.discovery.proposal import BETTER, FEW, LEAST
from synthlake.constraints.rule import Cells
from synthlake.encode.axis import Axis

_PARTS = 4
_SAMPLE = 20_000  # rows that find what all rows are then asked about
_ENOUGH = 100  # rows of a sum that needs no declaration
_PROBES = 3  # rows by which all combinations are looked up
_BLOCK = 60  # rows that refute most of what one row has in common
_WIDE = {1: 400, 2: 200, 3: 64, 4: 48}  # columns up to which so many parts are tried
_CANDIDATES = 200_000
_HELD = 0.9  # share of the rows in which a part counts that must hold

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Sum:
    """``total`` is the sum of ``parts``, columns by position.

    Attributes:
        rows: in which all are known.
        exceptions: rows of these in which they do not add up, but for what rounding may lose.
        exact: whether they add up in each row, to the last digit.
    """

    total: int
    parts: tuple[int, ...]
    rows: int
    exceptions: int
    exact: bool


def find_sums(values: Values, decimals: Sequence[int]) -> list[Sum]:
    """Sums of one to four columns that few rows break; one part is an equal column.

    Args:
        values: shape (rows, columns); NaN where NULL.
        decimals: of each column; what has none is not rounded.

    Cost: columns^4 / 24 sums of a row or a few; then some tens of rows for what is left.
    """
    search = _Search(values, np.asarray(decimals))
    found: list[Sum] = []
    for parts in range(1, _PARTS + 1):
        if values.shape[1] <= _WIDE[parts]:
            for held in search.sums(parts):
                found = _with(held, found)
    return found


def _with(held: Sum, found: list[Sum]) -> list[Sum]:
    """What is found, and one more unless it says the same as another."""
    # a = b and c = b + d would also say c = a + d
    equal = {o.total: o.parts[0] for o in found if len(o.parts) == 1}
    if held.total in equal or any(p in equal for p in held.parts):
        return found
    if any(o.parts == (held.total,) and held.parts == (o.total,) for o in found):
        return found
    shorter = [o for o in found if o.total == held.total and set(o.parts) <= set(held.parts)]
    fewest = min((o.exceptions for o in shorter), default=None)
    if fewest is not None and (fewest < LEAST or held.exceptions > BETTER * fewest):
        return found
    return [o for o in found if o not in shorter] + [held]


class _Search:
    """Sums of the columns of one table."""

    def __init__(self, values: Values, decimals: NDArray[Any]) -> None:
        self._values, self._decimals = values, decimals
        self._half = 0.5 * 10.0 ** -decimals.astype(float)
        self._loss = np.where(decimals > 0, self._half * (1 + 1e-9), 1e-6)
        self._known = ~np.isnan(values)
        self._blocks = list(self._find_blocks())

    def _find_blocks(self) -> Iterator[NDArray[np.int64]]:
        """Rows in which many columns are known, until each column had its turn."""
        waiting = self._known.sum(axis=0) >= LEAST
        order = mixed(len(self._values))
        known = self._known[order].sum(axis=1)
        first = True
        while waiting.any() and len(order):
            turn = int(np.argmax(waiting))
            there = self._known[order, turn] if not first else np.ones(len(order), bool)
            rows = order[there][np.argsort(-known[there], kind="stable")][:_BLOCK]
            yield rows
            waiting &= ~self._known[rows].all(axis=0)
            if not first:
                waiting[turn] = False
            first = False

    def sums(self, parts: int) -> list[Sum]:
        """Sums of so many parts."""
        seen: set[tuple[int, ...]] = set()
        found = []
        for block in self._blocks:
            usable = np.flatnonzero(self._known[block].all(axis=0))
            chosen = np.array(list(combinations(usable.tolist(), parts)), np.int64)
            if not len(chosen):
                continue
            for probe in range(min(_PROBES, len(block))):
                for total, combo in self._matching(block, probe, chosen, usable):
                    key = (total, *combo)
                    if key not in seen:
                        seen.add(key)
                        held = self._verified(total, combo)
                        found += [held] if held is not None else []
        return sorted(found, key=lambda s: (s.total, s.parts))

    def _matching(
        self, block: NDArray[np.int64], probe: int, chosen: NDArray[np.int64],
        usable: NDArray[np.int64],
    ) -> Iterator[tuple[int, tuple[int, ...]]]:  # fmt: skip
        """Totals and parts that add up in one row, and in nearly all of a block."""
        rows = np.roll(block, -probe * (len(block) // _PROBES))
        sums = self._values[rows[0]][chosen].sum(axis=1)
        order = np.argsort(sums)
        ordered = sums[order]
        for total in usable:
            wanted, near = self._values[rows[0], total], self._near(total, rows[:1])[0]
            low = np.searchsorted(ordered, wanted - near)
            high = np.searchsorted(ordered, wanted + near, side="right")
            left = chosen[order[low : min(high, low + _CANDIDATES)]]
            left = left[(left != total).all(axis=1)]
            for start in (1, 4, 12):  # most are gone after a few rows
                some = rows[start : start * 4 if start < 12 else None]
                if not len(left) or not len(some):
                    break
                left = left[self._broken(total, left, some) <= 0.1 * len(some) + (start < 12)]
            yield from ((int(total), tuple(map(int, combo))) for combo in left)

    def _near(self, total: int, rows: NDArray[np.int64]) -> Values:
        """What four rounded parts and their rounded sum may differ by."""
        scale = np.abs(self._values[rows, total]) * 1e-9
        found: Values = self._loss[total] + _PARTS * self._loss.max(initial=0.0) + scale
        return found

    def _broken(
        self, total: int, combos: NDArray[np.int64], rows: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Rows in which each combination fails."""
        added = self._values[rows][:, combos].sum(axis=2)
        off = np.abs(added - self._values[rows, total][:, None])
        near = self._loss[total] + self._loss[combos].sum(axis=1)
        scale = np.abs(self._values[rows, total]) * 1e-9
        wrong: NDArray[np.int64] = (off > near[None, :] + scale[:, None]).sum(axis=0)
        return wrong

    def _verified(self, total: int, parts: tuple[int, ...]) -> Sum | None:
        """The sum as all rows show it; None if a part does not matter, or too many break it."""
        chosen = list(parts)
        known = np.flatnonzero(self._known[:, total] & self._known[:, chosen].all(axis=1))
        if len(known) < 2 * LEAST:
            return None
        wanted, columns = self._values[known, total], self._values[known][:, chosen]
        off, scale = np.abs(columns.sum(axis=1) - wanted), np.abs(wanted) * 1e-9
        wrong = off > self._loss[total] + self._loss[chosen].sum() + scale
        if wrong.sum() > FEW * len(known):
            return None
        counts = np.abs(columns) > self._half[chosen]
        if len(parts) == 1:
            counts = counts & (np.abs(wanted - wanted[0]) > 0)[:, None]
        if (counts.sum(axis=0) < LEAST).any():
            return None
        if any(wrong[counts[:, n]].mean() > 1 - _HELD for n in range(len(parts))):
            return None
        last = self._half.min() * 1e-3 + scale
        return Sum(total, parts, len(known), int(wrong.sum()), not (off > last).any())


@dataclass(frozen=True)
class SumRule:
    """``total`` is the sum of ``parts`` wherever all parts are known.

    Attributes:
        factors: of each part, ticks of the total in a tick of the part.
    """

    total: str
    parts: tuple[str, ...]
    factors: tuple[int, ...]

    @property
    def makes(self) -> tuple[str, ...]:
        """The total."""
        return (self.total,)

    @property
    def needs(self) -> tuple[str, ...]:
        """The parts."""
        return self.parts

    def apply(self, cells: Mapping[str, Cells]) -> dict[str, Cells]:
        """Exact in every row in which all parts are known."""
        first = cells[self.parts[0]]
        ticks, null = np.zeros(len(first.null), np.int64), np.zeros(len(first.null), bool)
        for part, factor in zip(self.parts, self.factors, strict=True):
            ticks = ticks + cells[part].ticks.astype(np.int64) * factor
            null = null | cells[part].null
        return {self.total: Cells(ticks, null)}

    def to_json(self) -> dict[str, Any]:
        """The rule, for the artifact."""
        return {"rule": "sum", "total": self.total, "parts": list(self.parts),
                "factors": list(self.factors)}  # fmt: skip


@dataclass(frozen=True)
class NearSum:
    """Numbers that add up in all rows but a few: ``total`` is the sum of ``parts``."""

    total: str
    parts: tuple[str, ...]

    def solved(self, column: str) -> dict[str, int]:
        """The sign of each other column in what one of them is."""
        if column == self.total:
            return dict.fromkeys(self.parts, 1)
        return {self.total: 1, **{p: -1 for p in self.parts if p != column}}


Named = tuple[Sum, tuple[str, ...]]
"""A sum, and the names that its columns have by position."""


def named_sums(cells: Mapping[str, Cells], axes: Mapping[str, Axis]) -> list[Named]:
    """Sums of columns that few sampled rows break, of numbers and days, and of moments and spans.

    Args:
        cells: all columns on an axis.
        axes: of the columns that may be added.
    """
    out: list[Named] = []
    for kind in (_day_or_number, _moment_or_span):
        names = [n for n in axes if kind(axes[n]) and _varies(cells[n])]
        if len(names) < 2:
            continue
        decimals = [axes[n].decimals or 0 for n in names]
        some = np.sort(mixed(len(cells[names[0]].null))[:_SAMPLE])
        values = np.stack(
            [np.where(cells[n].null[some], np.nan, cells[n].ticks[some] / 10.0**d)
             for n, d in zip(names, decimals, strict=True)], axis=1
        )  # fmt: skip
        out += [(found, tuple(names)) for found in find_sums(values, decimals)]
    return out


def find_sum_rules(
    sums: Sequence[Named], cells: Mapping[str, Cells], axes: Mapping[str, Axis],
    totals: Sequence[str],
) -> list[SumRule]:  # fmt: skip
    """Sums that hold in every row to the last digit, and can be computed.

    Args:
        sums: what ``named_sums`` found.
        cells: all columns on an axis.
        axes: of the columns that may be added.
        totals: those that may be made from others.
    """
    out = []
    for found, names in sums:
        for held in _oriented(found, names):
            rule = _rule(held, axes) if held[0] in totals else None
            if rule is not None and _always(rule, cells, axes):
                out.append(rule)
                break
    return out


def near_sums(
    sums: Sequence[Named], axes: Mapping[str, Axis], made: Collection[str]
) -> tuple[NearSum, ...]:
    """Sums of numbers that no rule makes.

    Args:
        sums: what ``named_sums`` found.
        axes: of the columns.
        made: columns that rules make.
    """
    out = []
    for found, names in sums:
        held = NearSum(names[found.total], tuple(names[p] for p in found.parts))
        every = [held.total, *held.parts]
        if held.total not in made and all(pa.types.is_primitive(axes[n].value_type) and
                                          not pa.types.is_temporal(axes[n].value_type)
                                          for n in every):  # fmt: skip
            out.append(held)
    return tuple(out)


def solve_sums(
    sums: Sequence[NearSum], sizes: Mapping[str, tuple[int, float]]
) -> dict[str, dict[str, int]]:
    """Which column of each sum is made from the others, with their signs; none from itself.

    One of the finest, as a column of few values would lose them: the total, or else that which
    varies most.

    Args:
        sums: as found.
        sizes: distinct values, and the standard deviation, of each column that may take part.
    """
    out: dict[str, dict[str, int]] = {}
    for near in sums:
        every = (near.total, *near.parts)
        if any(n not in sizes for n in every):
            continue
        fine = [n for n in every if 2 * sizes[n][0] >= max(sizes[m][0] for m in every)]
        made = near.total if near.total in fine else max(fine, key=lambda n: sizes[n][1])
        others = near.solved(made)
        if made not in out and made not in _all_behind(others, out):
            out[made] = others
    return out


def _all_behind(names: Collection[str], made: Mapping[str, Collection[str]]) -> set[str]:
    """Columns, and those that they are made from."""
    todo, seen = list(names), set[str]()
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += made.get(name, ())
    return seen


def _oriented(found: Sum, names: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The total and its parts; of two equal columns, the first may also be made from the second."""
    total, parts = names[found.total], tuple(names[p] for p in found.parts)
    if len(parts) == 1:
        first, last = sorted((total, parts[0]), key=names.index)
        yield last, (first,)
        yield first, (last,)
    else:
        yield total, parts


def _rule(held: tuple[str, tuple[str, ...]], axes: Mapping[str, Axis]) -> SumRule | None:
    """A sum in ticks; None where a part has more decimals than the total, or types do not add."""
    total, parts = held
    moments = [p for p in parts if _moment(axes[p])]
    if len(moments) != int(_moment(axes[total])):
        return None
    if any(axes[p].value_type != axes[total].value_type for p in moments):
        return None
    most = axes[total].decimals or 0
    more = [most - (axes[p].decimals or 0) for p in parts]
    return SumRule(total, parts, tuple(10**m for m in more)) if min(more) >= 0 else None


def _always(rule: SumRule, cells: Mapping[str, Cells], axes: Mapping[str, Axis]) -> bool:
    """Whether a rule is true of all rows, and no sum that can be drawn is beyond the type."""
    made, given = rule.apply(cells)[rule.total], cells[rule.total]
    known = ~made.null
    if known.sum() < _ENOUGH or given.null[known].any():
        return False
    if not np.array_equal(made.ticks[known], given.ticks[known]):
        return False
    low, high = axes[rule.total].limits
    ends = [(cells[p].ticks[~cells[p].null], f) for p, f in
            zip(rule.parts, rule.factors, strict=True)]  # fmt: skip
    least = sum(int(t.min(initial=0)) * f for t, f in ends)
    most = sum(int(t.max(initial=0)) * f for t, f in ends)
    return bool(low <= least and most <= high)


def _varies(cells: Cells) -> bool:
    there = cells.ticks[~cells.null]
    return bool(len(there) >= _ENOUGH and there.min() < there.max())


def _moment(axis: Axis) -> bool:
    dtype = axis.value_type
    return bool(pa.types.is_date(dtype) or pa.types.is_timestamp(dtype))


def _day_or_number(axis: Axis) -> bool:
    """Numbers that add up exactly, and days."""
    dtype = axis.value_type
    number = pa.types.is_integer(dtype) or pa.types.is_floating(dtype) or pa.types.is_decimal(dtype)
    return bool((number and not axis.continuous and not axis.shifted) or pa.types.is_date32(dtype))


def _moment_or_span(axis: Axis) -> bool:
    dtype = axis.value_type
    return bool(pa.types.is_timestamp(dtype) or pa.types.is_duration(dtype))


def sum_rule_from_json(form: Mapping[str, Any]) -> SumRule:
    """The rule that ``to_json`` described."""
    return SumRule(form["total"], tuple(form["parts"]), tuple(form["factors"]))
