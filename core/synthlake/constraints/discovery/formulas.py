"""Columns that can be computed from others: sums, differences, ratios, clocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthlake.constraints.clock import DAY, ClockSum, find_clocks, minutes
from synthlake.constraints.discovery.grid import Grid, Numbers, mixed, quoted
from synthlake.constraints.discovery.proposal import (
    LEAST,
    ROUNDED,
    Proposal,
    reason_of,
    scored,
    surprising,
)
from synthlake.constraints.rule import Cells, Rule
from synthlake.constraints.sums import Sum, SumRule, find_sums

_RATIO_ROWS = 60
_FILLED = 50  # rows in which a ratio says something
_SHARP = 20  # how many units of its last decimal a ratio is worth, or rounding explains it
_RATIO_COLUMNS = 80


def numeric(grid: Grid, *families: str) -> list[str]:
    """Columns on an axis with a fixed number of decimals and more than one value."""
    found = []
    for name, held in grid.numbers.items():
        known = held.values[~np.isnan(held.values)]
        varies = len(known) >= LEAST and known.min() < known.max()
        if held.family in families and held.decimals is not None and varies:
            found.append(name)
    return found


def sums(grid: Grid, rules: Sequence[Rule]) -> list[Proposal]:
    """Sums and differences.

    Args:
        grid: the rows.
        rules: formulas that are kept without being declared.
    """
    out = []
    for names in (numeric(grid, "number", "date"), numeric(grid, "timestamp", "span")):
        if len(names) < 2:
            continue
        held = [grid.numbers[n] for n in names]
        values = np.stack([h.values for h in held], axis=1)
        for found in find_sums(values, [h.decimals or 0 for h in held]):
            if _sensible(found, held):
                out.append(_sum(found, names, grid, rules))
    return out


def _sensible(found: Sum, held: Sequence[Numbers]) -> bool:
    """Whether the types can be added: a date is a date and a number of days."""
    points = [p for p in found.parts if held[p].family in ("date", "timestamp")]
    wanted = int(held[found.total].family in ("date", "timestamp"))
    return len(points) == wanted


def _sum(found: Sum, names: Sequence[str], grid: Grid, rules: Sequence[Rule]) -> Proposal:
    total, parts = names[found.total], [names[p] for p in found.parts]
    if len(parts) == 1:
        declaration: Mapping[str, Any] = {
            "when": f"{quoted(total)} IS NOT NULL AND {quoted(parts[0])} IS NOT NULL",
            "then": f"{quoted(total)} = {quoted(parts[0])}",
        }
    else:
        declaration = _written(total, parts, grid)
    score = scored(found.rows, found.exceptions, float(found.rows), grid.rows)
    kept = {total, *parts} in [{*r.makes, *r.needs} for r in rules if isinstance(r, SumRule)]
    reason = reason_of(found.exceptions, kept)
    if not (found.exceptions or found.exact):
        reason = ROUNDED
    return Proposal(declaration, found.rows, found.exceptions, score, reason=reason,
                    automatic=kept)  # fmt: skip


def _written(total: str, parts: Sequence[str], grid: Grid) -> Mapping[str, Any]:
    """A sum, or a difference where the last column is what is left of the others."""
    every = [total, *parts]
    last = max(every, key=grid.place)
    points = grid.numbers[total].family in ("date", "timestamp")
    if len(parts) == 2 and (points or last != total):
        spans = [p for p in parts if grid.numbers[p].family in ("number", "span")]
        made = last if last in spans else spans[-1]
        other = next(p for p in parts if p != made)
        return {"difference": made, "of": [total, other]}
    return {"sum": total, "of": list(parts)}


def ratios(grid: Grid) -> list[Proposal]:
    """``ratio = first / second``, within the rounding of the ratio or of the first."""
    names = numeric(grid, "number")
    if not 3 <= len(names) <= _RATIO_COLUMNS:
        return []
    values = np.stack([grid.numbers[n].values for n in names], axis=1)
    out: list[Proposal] = []
    said: set[tuple[int, frozenset[int]]] = set()
    for ratio, first, second in _candidates(values, [grid.numbers[n].decimals or 0 for n in names]):
        key = (first, frozenset((ratio, second)))
        if key in said:
            continue
        found = _ratio(grid, [names[i] for i in (ratio, first, second)])
        if found is not None:
            said.add(key)
            out.append(found)
    return out


def _candidates(
    values: NDArray[np.float64], decimals: Sequence[int]
) -> Iterator[tuple[int, int, int]]:
    """Triples that hold in one row that has them all, and in nearly all of some tens of rows."""
    half = 0.5 * 10.0 ** -np.asarray(decimals, float)
    for ratio in reversed(range(values.shape[1])):
        there = np.flatnonzero(np.abs(values[:, ratio]) > _SHARP * half[ratio])
        if len(there) < _FILLED:
            continue
        rows = there[mixed(len(there))[:_RATIO_ROWS]]
        some = values[rows]
        with np.errstate(divide="ignore", invalid="ignore"):
            quotients = some[:, :, None] / some[:, None, :]
        wanted = some[:, ratio][:, None, None]
        near = np.abs(quotients - wanted) <= half[ratio] * 1.001 + 1e-9 * np.abs(wanted)
        known = np.isfinite(quotients)
        fits = (near.sum(axis=0) >= 0.9 * known.sum(axis=0)) & (known.sum(axis=0) >= 10)
        for first, second in np.argwhere(fits):
            if len({ratio, int(first), int(second)}) == 3:
                yield ratio, int(first), int(second)


def _ratio(grid: Grid, names: Sequence[str]) -> Proposal | None:
    ratio, first, second = (grid.numbers[n] for n in names)
    half = 0.5 * 10.0 ** -float(ratio.decimals or 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        made = first.values / second.values
    known = np.isfinite(made) & np.isfinite(ratio.values)
    made, wanted = made[known], ratio.values[known]
    telling = np.abs(wanted) > _SHARP * half
    if telling.sum() < _FILLED or len(np.unique(second.values[known])) < 3:
        return None

    def off(against: NDArray[np.float64]) -> NDArray[np.bool_]:
        wrong: NDArray[np.bool_] = np.abs(made - against) > half * 1.001 + 1e-9 * np.abs(against)
        return wrong

    exceptions = int(off(wanted).sum())
    expected = float(off(wanted[mixed(len(wanted))]).sum())
    if not surprising(len(wanted), exceptions, expected) or expected < 0.5 * len(wanted):
        return None
    reason = reason_of(exceptions)
    declaration = {"ratio": names[0], "of": [names[1], names[2]]}
    score = scored(len(wanted), exceptions, expected, grid.rows)
    return Proposal(declaration, len(wanted), exceptions, score, reason=reason)


def clocks(grid: Grid, whole: Sequence[str], rules: Sequence[Rule]) -> list[Proposal]:
    """Times of day written HHMM that differ by a column of minutes, modulo a day.

    Args:
        grid: the rows.
        whole: columns of integers.
        rules: formulas that are kept without being declared.
    """
    cells = {n: _cells(grid.numbers[n]) for n in whole}
    named = find_clocks(cells, whole)
    out = []
    for later, earlier in permutations(named, 2):
        for more in (n for n in whole if n not in named):
            found = _clock(grid, cells, (later, earlier, more))
            if found is not None:
                support, exceptions, expected = found
                score = scored(support, exceptions, expected, grid.rows)
                automatic = any(
                    isinstance(r, ClockSum)
                    and (r.clock, r.base, r.minutes) == (later, earlier, more)
                    for r in rules
                )
                reason = reason_of(exceptions, automatic)
                out.append(Proposal(_clock_text(grid, later, earlier, more), support, exceptions,
                                    score, reason=reason, automatic=automatic))  # fmt: skip
    return out


def _clock(
    grid: Grid, cells: Mapping[str, Cells], names: tuple[str, str, str]
) -> tuple[int, int, float] | None:
    later, earlier, more = (cells[n] for n in names)
    known = np.flatnonzero(~(later.null | earlier.null | more.null))
    if len(known) < _FILLED or len(np.unique(more.ticks[known])) < 3:
        return None
    gap = (minutes(later.ticks) - minutes(earlier.ticks))[known]
    wanted = more.ticks[known]
    wrong = (gap - wanted) % DAY != 0
    chance = (gap - wanted[mixed(len(wanted))]) % DAY != 0
    support, exceptions, expected = len(known), int(wrong.sum()), float(chance.sum())
    return (support, exceptions, expected) if surprising(support, exceptions, expected) else None


def _clock_text(grid: Grid, later: str, earlier: str, more: str) -> Mapping[str, Any]:
    a, b, c = (quoted(n) for n in (later, earlier, more))
    gap = f"(({a} - {a} % 100) / 100 * 60 + {a} % 100) - (({b} - {b} % 100) / 100 * 60 + {b} % 100)"
    known = " AND ".join(f"{n} IS NOT NULL" for n in (a, b, c))
    return {"when": known, "then": f"({gap} - {c}) % 1440 = 0"}


def _cells(held: Numbers) -> Cells:
    null = np.isnan(held.values)
    return Cells(np.where(null, 0, held.values).astype(np.int64), null)
