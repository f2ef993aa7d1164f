"""Are numbers, dates and times distributed alike?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from synthlake.ports import MetricKind, Score
from synthlake.quality.columns import each_column
from synthlake.quality.layout import Field
from synthlake.quality.metric import Comparison, Direction, Metric, Scored
from synthlake.quality.settings import Tier


class KolmogorovSmirnov:
    """Largest difference of the distribution functions; NULL counts as lowest, NaN as highest."""

    name, title = "ks", "KS distance"
    kind: MetricKind = "fidelity"
    tier: Tier = "standard"
    best = 0.0
    direction: Direction = "low"

    def score(self, comparison: Comparison) -> Iterator[Scored]:
        """A score for each column that has an order."""
        yield from each_column(comparison, ("number", "time", "name"), 1.0, _distance)


def _distance(comparison: Comparison, field: Field) -> Score:
    both = comparison.aligned(field)
    real, other = both.shares()
    gap = np.abs(np.cumsum(real) - np.cumsum(other))[:-1]
    detail: dict[str, object] = {} if both.exact else {"resolution": 1 / len(both.real)}
    if field.kind == "name":
        detail["of"] = "presence and length of a text with many values"
    return Score(float(gap.max(initial=0.0)), rows=comparison.rows(field.table), detail=detail)


METRICS: tuple[Metric, ...] = (KolmogorovSmirnov(),)
