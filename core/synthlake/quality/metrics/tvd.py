"""Are categories as frequent?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from synthlake.ports import MetricKind, Score
from synthlake.quality.columns import each_column
from synthlake.quality.layout import Field
from synthlake.quality.metric import Comparison, Direction, Metric, Scored
from synthlake.quality.settings import Tier


class TotalVariation:
    """Half the sum of the differences of shares over all categories; NULL is one of them."""

    name, title = "tvd", "Total variation"
    kind: MetricKind = "fidelity"
    tier: Tier = "standard"
    best = 0.0
    direction: Direction = "low"

    def score(self, comparison: Comparison) -> Iterator[Scored]:
        """A score for each categorical column."""
        yield from each_column(comparison, ("category",), 1.0, _distance)


def _distance(comparison: Comparison, field: Field) -> Score:
    both = comparison.aligned(field)
    real, other = both.shares()
    detail = {} if both.exact else {"pooled": "categories beyond the 20,000 most frequent"}
    value = float(np.abs(real - other).sum() / 2)
    return Score(min(value, 1.0), rows=comparison.rows(field.table), detail=detail)


METRICS: tuple[Metric, ...] = (TotalVariation(),)
