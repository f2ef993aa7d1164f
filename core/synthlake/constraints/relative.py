"""Columns learned as their distance from what other columns say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthlake.constraints.clock import DAY, minutes
from synthlake.constraints.rule import Cells

_TERMS = 3  # columns that predict at most
_ENOUGH = 0.95  # share of variance that must be explained: what is left over of less is no simpler
_BETTER = 0.02  # share that a further column must add
_FIT_ROWS = 20_000
_WIDEST, _KEPT, _SCREEN_ROWS = 60, 20, 2_000  # of more columns, so many by what each says alone


@dataclass(frozen=True)
class Linear:
    """What a polynomial of degree three in other columns leaves over.

    Attributes:
        needs: columns that predict.
        center, scale: of each; an unknown value counts as the center.
        terms: products of columns by position; the first is empty (the constant).
        weights: of each term.
        sum: whether the columns add up in nearly all rows: what is made then is that sum, and not
            the nearest value that is known.

    Privacy: coefficients are sums over all rows, values clipped to the supported range.
    """

    needs: tuple[str, ...]
    center: tuple[float, ...]
    scale: tuple[float, ...]
    terms: tuple[tuple[int, ...], ...]
    weights: tuple[float, ...]
    sum: bool = False

    def _predict(self, given: Mapping[str, Cells], rows: int) -> NDArray[np.float64]:
        columns = []
        for name, center, scale in zip(self.needs, self.center, self.scale, strict=True):
            cells = given[name]
            columns.append(np.where(cells.null, 0.0, (cells.ticks - center) / scale))
        total = np.zeros(rows)
        for term, weight in zip(self.terms, self.weights, strict=True):
            product = np.full(rows, weight)
            for place in term:
                product = product * columns[place]
            total = total + product
        return total

    def forward(self, given: Mapping[str, Cells], cells: Cells) -> Cells:
        """The remainder, rounded to a whole tick."""
        rest = np.rint(cells.ticks - self._predict(given, len(cells.ticks)))
        return Cells(rest.astype(np.int64), cells.null)

    def inverse(self, given: Mapping[str, Cells], cells: Cells) -> Cells:
        """Prediction and remainder."""
        made = np.rint(cells.ticks + self._predict(given, len(cells.ticks)))
        return Cells(made.astype(np.int64), cells.null)

    def to_json(self) -> dict[str, Any]:
        """Settings, for the artifact."""
        return {"needs": list(self.needs), "center": list(self.center),
                "scale": list(self.scale), "terms": [list(t) for t in self.terms],
                "weights": list(self.weights), "sum": self.sum}  # fmt: skip


def linear_from_json(form: Mapping[str, Any]) -> Linear:
    """The change that ``to_json`` described."""
    return Linear(tuple(form["needs"]), tuple(form["center"]), tuple(form["scale"]),
                  tuple(tuple(t) for t in form["terms"]), tuple(form["weights"]),
                  form["sum"])  # fmt: skip


def balance(weights: Mapping[str, float]) -> Linear:
    """What a weighed sum of other columns leaves over; unknown values count as 0."""
    size = len(weights)
    terms = tuple((place,) for place in range(size))
    return Linear(
        tuple(weights), (0.0,) * size, (1.0,) * size, terms, tuple(weights.values()), sum=True
    )


def clock_gap(later: Cells, earlier: Cells | None) -> Cells:
    """Minutes from one clock to another, or from midnight, modulo a day."""
    if earlier is None:
        return Cells(minutes(later.ticks) % DAY, later.null)
    gap = (minutes(later.ticks) - minutes(earlier.ticks)) % DAY
    return Cells(gap, later.null | earlier.null)


def find_gap(cells: Mapping[str, Cells], name: str, bases: list[str]) -> str | None:
    """The clock from which another is least far apart; None if none helps."""
    given = cells[name]
    best, found = 0.5 * _spread(minutes(given.ticks)[~given.null]), None
    for base in bases:
        known = ~given.null & ~cells[base].null
        if not known.any() or known.sum() < (~given.null).sum():
            continue
        gap = (minutes(given.ticks) - minutes(cells[base].ticks))[known] % DAY
        if _spread(gap) < best:
            best, found = _spread(gap), base
    return found


def _spread(values: NDArray[Any]) -> float:
    """Mean distance from the median."""
    return float(np.mean(np.abs(values - np.median(values)))) if len(values) else 0.0


def find_linear(cells: Mapping[str, Cells], name: str, target: Cells) -> Linear | None:
    """The polynomial in at most three earlier columns that explains most, if it explains enough."""
    earlier = [n for n in cells if n != name]
    rows = np.flatnonzero(~target.null)
    rows = rows[:: max(1, len(rows) // _FIT_ROWS)]
    if len(rows) < 500 or not earlier:
        return None
    goal = target.ticks[rows].astype(float)
    if goal.std() == 0:
        return None
    columns, scales = {}, {}
    for other in _screened(cells, earlier, rows, goal):
        x, null = cells[other].ticks[rows].astype(float), cells[other].null[rows]
        if null.mean() > 0.2 or x[~null].std() == 0:
            continue
        scales[other] = (float(x[~null].mean()), float(x[~null].std()))
        columns[other] = np.where(null, 0.0, (x - scales[other][0]) / scales[other][1])
    chosen: list[str] = []
    explained = 0.0
    while len(chosen) < _TERMS:
        gains = {
            n: _fit([columns[c] for c in [*chosen, n]], goal)[2] for n in columns if n not in chosen
        }
        name_of = max(gains, key=lambda n: gains[n], default=None)
        if name_of is None or gains[name_of] < explained + _BETTER * (1 - explained) + 1e-9:
            break
        chosen.append(name_of)
        explained = gains[name_of]
    if explained < _ENOUGH:
        return None
    terms, weights, _ = _fit([columns[c] for c in chosen], goal)
    return Linear(tuple(chosen), tuple(scales[c][0] for c in chosen),
                  tuple(scales[c][1] for c in chosen), terms, weights)  # fmt: skip


def _screened(
    cells: Mapping[str, Cells], earlier: list[str], rows: NDArray[np.int64],
    goal: NDArray[np.float64],
) -> list[str]:  # fmt: skip
    """All columns, or of many those that explain most by themselves on some rows."""
    if len(earlier) <= _WIDEST:
        return earlier
    step = max(1, len(rows) // _SCREEN_ROWS)
    rows, goal = rows[::step], goal[::step]
    shares = np.zeros(len(earlier))
    for place, name in enumerate(earlier):
        x, null = cells[name].ticks[rows].astype(float), cells[name].null[rows]
        if goal.std() > 0 and null.mean() <= 0.2 and x[~null].std() > 0:
            known = np.where(null, 0.0, (x - x[~null].mean()) / x[~null].std())
            shares[place] = round(_fit([known], goal)[2], 6)
    best = np.argsort(-shares, kind="stable")[:_KEPT]
    return [earlier[place] for place in np.sort(best)]


def _fit(
    columns: list[NDArray[np.float64]], goal: NDArray[np.float64]
) -> tuple[tuple[tuple[int, ...], ...], tuple[float, ...], float]:
    """Terms, weights and explained share of a ridge regression of degree three."""
    places = range(len(columns))
    terms: list[tuple[int, ...]] = [()]
    for degree in (1, 2, 3):
        terms += list(combinations_with_replacement(places, degree))
    design = np.stack([np.prod([columns[p] for p in t], axis=0) if t else np.ones(len(goal))
                       for t in terms])  # fmt: skip
    penalty = np.eye(len(terms)) * 1e-6 * len(goal)
    weights = np.linalg.solve(design @ design.T + penalty, design @ goal)
    left = goal - weights @ design
    share = 1.0 - float(left.var() / goal.var())
    return tuple(terms), tuple(float(w) for w in weights), share
