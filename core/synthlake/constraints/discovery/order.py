"""Columns of which one is never above the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from synthlake.constraints.discovery.grid import Grid, mixed
from synthlake.constraints.discovery.proposal import FEW, Proposal, reason_of, scored, surprising

_FIRST = 4_000  # rows that refute most pairs
_TELLING = 0.05  # share of rows that would break it by chance, or the ranges say it


def inequalities(grid: Grid) -> list[Proposal]:
    """``low <= high`` between columns of one family whose ranges overlap."""
    found: dict[tuple[str, str], Proposal] = {}
    for family in ("number", "date", "timestamp", "span"):
        names = [n for n, held in grid.numbers.items() if held.family == family]
        for low, high in _left(grid, names):
            held = _held(grid, low, high)
            if held is not None:
                found[low, high] = held
    return _without_implied(found)


def _left(grid: Grid, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Pairs that some rows do not refute."""
    if not names:
        return
    rows = mixed(grid.rows)[:_FIRST]
    values = np.stack([grid.numbers[n].values[rows] for n in names], axis=1)
    for place, low in enumerate(names):
        above = values[:, place][:, None] > values  # never true of NaN
        broken = above.sum(axis=0)
        for other, high in enumerate(names):
            if other != place and broken[other] <= 2 * FEW * len(rows) + 3:
                yield low, high


def _held(grid: Grid, low: str, high: str) -> Proposal | None:
    below, above = grid.numbers[low].values, grid.numbers[high].values
    known = ~(np.isnan(below) | np.isnan(above))
    below, above = below[known], above[known]
    broken, equal = int((below > above).sum()), int((below == above).sum())
    expected = _by_chance(below, above)
    if expected < _TELLING * len(below) or equal == len(below):
        return None
    if not surprising(len(below), broken, expected):
        return None
    declaration = {"inequality": [low, high], "strict": not equal}
    score = scored(len(below), broken, expected, grid.rows)
    return Proposal(declaration, len(below), broken, score, reason=reason_of(broken))


def _by_chance(below: NDArray[np.float64], above: NDArray[np.float64]) -> float:
    """Rows that would break it if the columns had nothing to do with each other."""
    return float((below > above[mixed(len(above))]).sum())


def _without_implied(found: dict[tuple[str, str], Proposal]) -> list[Proposal]:
    """Those that do not follow from two others that hold everywhere."""
    exact = {pair for pair, held in found.items() if not held.exceptions}
    names = {name for pair in found for name in pair}
    return [
        held
        for (low, high), held in found.items()
        if not any((low, n) in exact and (n, high) in exact for n in names - {low, high})
    ]
