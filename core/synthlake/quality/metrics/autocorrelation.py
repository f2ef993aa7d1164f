"""Does a number follow the row before it as in the real data?"""

from __future__ import annotations

import math
from collections.abc import Iterator

from synthlake.ports import MetricKind, Score
from synthlake.quality.metric import Comparison, Direction, Metric, Scored, Subject
from synthlake.quality.moments import grid_of
from synthlake.quality.sequences import Order, ordered_fields, orders
from synthlake.quality.settings import Tier
from synthlake.quality.steps import LAGS, MIN_LENGTH, Lagged, autocorrelations

_LEAST = 40  # pairs of rows on a side


class Autocorrelation:
    """Difference of the correlation with earlier rows of the same sequence, the worst lag of three.

    Within sequences (children of a parent, a series along a time), from their means, over all rows:
    what only tells sequences from each other does not count. Sequences of fewer than ten known rows
    are left out, as there the mean takes most of the order away. Tables without an order have none.

    Cost: one sort a table and 16 columns.
    """

    name, title = "autocorrelation", "Difference of autocorrelation"
    kind: MetricKind = "fidelity"
    tier: Tier = "standard"
    best = 0.0
    direction: Direction = "low"

    def score(self, comparison: Comparison) -> Iterator[Scored]:
        """A score for each number of each table whose rows have an order."""
        for order in orders(comparison.ground):
            yield from _table(comparison, order)


def _table(comparison: Comparison, order: Order) -> Iterator[Scored]:
    fields, listed = ordered_fields(comparison, order, ("number",))
    yield from listed
    rows, grids = comparison.rows(order.table), []
    for field in fields:
        grid = grid_of(field, comparison.ground.real.marginal(field))
        subject = Subject(order.table, (field.name,))
        if field == order.by:
            yield subject, Score(None, rows=rows, reason="puts the rows in order")
        elif grid is None:
            yield subject, Score(None, rows=rows, reason="constant in the real data")
        else:
            grids.append(grid)
    if not grids:
        return
    seed = comparison.settings.seed
    real, other = (
        autocorrelations(side, order, grids, seed)
        for side in (comparison.reference, comparison.candidate)
    )
    for name, lags in real.items():
        yield Subject(order.table, (name,)), _difference(lags, other[name])


def _difference(real: tuple[Lagged, ...], other: tuple[Lagged, ...]) -> Score:
    """The largest difference over lags; a candidate that is constant in a sequence has 0."""
    rows = real[0].pairs, other[0].pairs
    if not all(any(lag.pairs for lag in side) for side in (real, other)):
        few = f"sequences too short: none has {MIN_LENGTH} known rows on a side"
        return Score(None, rows=rows, reason=few)
    if min(rows) < _LEAST:
        return Score(None, rows=rows, reason=f"fewer than {_LEAST} rows follow another on a side")
    by_lag = [_pair(a, b) for a, b in zip(real, other, strict=True)]
    used = {lag: pair for lag, pair in zip(LAGS, by_lag, strict=True) if pair is not None}
    if not used:
        return Score(None, rows=rows, reason="constant in each sequence of the real data")
    lag = max(used, key=lambda k: abs(used[k][0] - used[k][1]))
    a, b = used[lag]
    detail = {
        "lag": lag, "real": a, "candidate": b, "noise": 3.3 * math.sqrt(1 / rows[0] + 1 / rows[1]),
        "real by lag": [p and p[0] for p in by_lag],
        "candidate by lag": [p and p[1] for p in by_lag],
    }  # fmt: skip
    return Score(abs(a - b), rows=rows, detail=detail)


def _pair(real: Lagged, other: Lagged) -> tuple[float, float] | None:
    """Both correlations at a lag; None where there are too few rows, or real ones are constant."""
    if min(real.pairs, other.pairs) < _LEAST or math.isnan(real.value):
        return None
    return real.value, 0.0 if math.isnan(other.value) else other.value


METRICS: tuple[Metric, ...] = (Autocorrelation(),)
