"""How far would values have to be moved?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from synthlake.ports import MetricKind, Score
from synthlake.quality.columns import each_column
from synthlake.quality.layout import Field
from synthlake.quality.marginal import MOST, Aligned
from synthlake.quality.metric import Comparison, Direction, Metric, Scored
from synthlake.quality.settings import Tier


class Wasserstein:
    """First Wasserstein distance of finite values, in standard deviations of the real ones."""

    name, title = "wasserstein", "Wasserstein distance / std"
    kind: MetricKind = "fidelity"
    tier: Tier = "standard"
    best = 0.0
    direction: Direction = "low"

    def score(self, comparison: Comparison) -> Iterator[Scored]:
        """A score for each column that has an order."""
        yield from each_column(comparison, ("number", "time", "name"), None, _distance)


def _distance(comparison: Comparison, field: Field) -> Score:
    both, rows = comparison.aligned(field), comparison.rows(field.table)
    finite = np.isfinite(both.values)
    real, other = both.real[finite], both.other[finite]
    if not real.sum() or not other.sum():
        same = real.sum() == other.sum()
        return Score(0.0 if same else None, rows=rows, reason="" if same else "no finite values")
    value = moved(both)
    return Score(value, rows=rows, reason="the real column is constant" if value is None else "")


def moved(both: Aligned) -> float | None:
    """First Wasserstein distance of finite values, which both have, in real standard deviations.

    None where the real ones are constant and the others are not.
    """
    finite = np.isfinite(both.values)
    values = both.values[finite].clip(-MOST, MOST)
    real, other = both.real[finite], both.other[finite]
    p, q = real / real.sum(), other / other.sum()
    if np.array_equal(real, other):
        return 0.0
    mean = float(np.sum(p * values))
    spread = float(np.sqrt(np.sum(p * (values - mean) ** 2)))
    if not spread:
        return None
    return float(np.sum(np.abs(np.cumsum(p) - np.cumsum(q))[:-1] * np.diff(values))) / spread


METRICS: tuple[Metric, ...] = (Wasserstein(),)
