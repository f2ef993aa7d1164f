"""Does a value follow another as often as in the real data?"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from synthlake.ports import MetricKind, Score
from synthlake.quality.bins import Counts
from synthlake.quality.metric import Comparison, Direction, Metric, Scored, Subject
from synthlake.quality.sequences import Order, ordered_fields, orders
from synthlake.quality.settings import Tier
from synthlake.quality.steps import transitions

_LEAST = 40  # pairs of rows on a side


class TransitionVariation:
    """Total variation of what a column is with what it was in the row before, in one sequence.

    Ten intervals or values a column, NULL apart, over all rows that follow another.

    Cost: one sort a table and 60 columns.
    """

    name, title = "transitions", "Total variation of transitions"
    kind: MetricKind = "fidelity"
    tier: Tier = "standard"
    best = 0.0
    direction: Direction = "low"

    def score(self, comparison: Comparison) -> Iterator[Scored]:
        """A score for each column of each table whose rows have an order."""
        for order in orders(comparison.ground):
            yield from _table(comparison, order)


def _table(comparison: Comparison, order: Order) -> Iterator[Scored]:
    kinds = ("number", "time", "category", "name", "opaque")
    fields, listed = ordered_fields(comparison, order, kinds)
    yield from listed
    rows = comparison.rows(order.table)
    if order.by in fields:
        why = Score(None, rows=rows, reason="puts the rows in order")
        yield Subject(order.table, (order.by.name,)), why
    used = [b for b in comparison.ground.bins(order.table)
            if b.field in fields and b.field != order.by]  # fmt: skip
    if not used:
        return
    real, other = (
        transitions(side, order, used, comparison.settings.seed)
        for side in (comparison.reference, comparison.candidate)
    )
    for name, cells in real.items():
        yield Subject(order.table, (name,)), _variation(cells, other[name])


def _variation(real: Counts, other: Counts) -> Score:
    rows = int(real.sum()), int(other.sum())
    if min(rows) < _LEAST:
        return Score(None, rows=rows, reason=f"fewer than {_LEAST} rows follow another on a side")
    gap = real / rows[0] - other / rows[1]
    value = min(float(np.abs(gap).sum() / 2), 1.0)
    alone = max(float(np.abs(gap.sum(axis=axis)).sum() / 2) for axis in (0, 1))
    used = int(((real > 0) | (other > 0)).sum())
    # E|p - q| of a cell is at most sqrt(2 p (1/a + 1/b) / pi), and sqrt is concave
    noise = math.sqrt(used * (1 / rows[0] + 1 / rows[1]) / (2 * math.pi))
    # what the column alone does not explain
    detail = {"beyond_column": max(value - alone, 0.0), "noise": noise}
    return Score(value, rows=rows, detail=detail)


METRICS: tuple[Metric, ...] = (TransitionVariation(),)
