"""Does a number follow the row before it as in the real data?"""

from __future__ import annotations

import math
from collections.abc import Iterator

from synthlake.ports import MetricKind, Score
from synthlake.quality.metric import Comparison, Direction, Metric, Scored, Subject
from synthlake.quality.moments import grid_of
from synthlake.quality.sequences import Order, order_of, ordered_fields
from synthlake.quality.settings import Tier
from synthlake.quality.steps import LAGS, Lagged, autocorrelations

_LEAST = 40  # pairs of rows on a side


class Autocorrelation:
    """Difference of the correlation with earlier rows of the same sequence, the worst lag of three.

    Within sequences (children of a parent, a series along a time), from their means, over all rows:
    what only tells sequences from each other does not count. Tables without an order have none.

    Cost: one sort a table and 16 columns.
    """

    name, title = "autocorrelation", "Difference of autocorrelation"
    kind: MetricKind = "fidelity"
    tier: Tier = "standard"
    best = 0.0
    direction: Direction = "low"

    def score(self, comparison: Comparison) -> Iterator[Scored]:
        """A score for each number of each table whose rows have an order."""
        for table in comparison.ground.tables:
            order = order_of(comparison.ground, table.name)
            if order is not None:
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
    if min(rows) < _LEAST:
        return Score(None, rows=rows, reason=f"fewer than {_LEAST} rows follow another on a side")
    used = [
        (lag, a.value, 0.0 if math.isnan(b.value) else b.value, min(a.pairs, b.pairs))
        for lag, a, b in zip(LAGS, real, other, strict=True)
        if min(a.pairs, b.pairs) >= _LEAST and not math.isnan(a.value)
    ]
    if not used:
        return Score(None, rows=rows, reason="constant in each sequence of the real data")
    lag, a, b, _ = max(used, key=lambda u: abs(u[1] - u[2]))
    detail = {"lag": lag, "real": a, "candidate": b,
              "noise": 3.3 * math.sqrt(1 / rows[0] + 1 / rows[1])}  # fmt: skip
    return Score(abs(a - b), rows=rows, detail=detail)


METRICS: tuple[Metric, ...] = (Autocorrelation(),)
