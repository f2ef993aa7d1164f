"""Is it as long from row to row as in the real data?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from synthlake.ports import MetricKind, Score
from synthlake.quality.layout import Field
from synthlake.quality.metric import Comparison, Direction, Metric, Scored, Subject
from synthlake.quality.metrics.wasserstein import moved
from synthlake.quality.sequences import Order, ordered_fields, orders
from synthlake.quality.settings import Tier
from synthlake.quality.steps import gaps

_LEAST = 40  # rows on a side that follow another


class InterEventTimes:
    """KS distance of the steps of a time from each row to the next one of its sequence.

    A row without a step, as the time is NULL there or in the row before, counts as lowest.

    Cost: one sort a time column.
    """

    name, title = "inter_event_times", "KS distance of steps in time"
    kind: MetricKind = "fidelity"
    tier: Tier = "standard"
    best = 0.0
    direction: Direction = "low"

    def score(self, comparison: Comparison) -> Iterator[Scored]:
        """A score for each time of each table whose rows have an order."""
        for order in orders(comparison.ground):
            fields, listed = ordered_fields(comparison, order, ("time", "number"))
            yield from (one for one in listed if _stepped(comparison, order, one[0].columns[0]))
            for field in fields:
                if _stepped(comparison, order, field.name):
                    score = _distance(comparison, order, field)
                    yield Subject(order.table, (field.name,)), score


def _stepped(comparison: Comparison, order: Order, name: str) -> bool:
    """Whether steps of a column mean something: of a time, or of a number that orders the rows."""
    field = comparison.ground.fields(order.table)[name]
    return field.kind == "time" or (field == order.by and not order.counts)


def _distance(comparison: Comparison, order: Order, field: Field) -> Score:
    sides = comparison.reference, comparison.candidate
    both = gaps(*sides, order, field, comparison.settings.seed)
    known = int(both.real.sum()), int(both.other.sum())
    rows = known[0] + both.ends[0][0], known[1] + both.ends[1][0]
    if min(rows) < _LEAST:
        return Score(None, rows=rows, reason=f"fewer than {_LEAST} rows follow another on a side")
    real, other = both.shares()
    value = float(np.abs(np.cumsum(real) - np.cumsum(other))[:-1].max(initial=0.0))
    detail: dict[str, object] = {} if both.exact else {"resolution": 1 / len(both.real)}
    far = moved(both) if all(known) else None
    return Score(value, rows=rows, detail=detail if far is None else {**detail, "wasserstein": far})


METRICS: tuple[Metric, ...] = (InterEventTimes(),)
