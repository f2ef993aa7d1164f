"""Are there values that the real data never reaches?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from synthlake.ports import MetricKind, Score
from synthlake.quality.columns import each_column
from synthlake.quality.layout import Field
from synthlake.quality.metric import Comparison, Direction, Metric, Scored
from synthlake.quality.settings import Tier


class OutOfRange:
    """Share of rows below the smallest or above the largest real value.

    Privacy: the range itself is never shown.
    """

    name, title = "range", "Rows outside the real range"
    kind: MetricKind = "fidelity"
    tier: Tier = "quick"
    best = 0.0
    direction: Direction = "low"

    def score(self, comparison: Comparison) -> Iterator[Scored]:
        """A score for each column that has an order."""
        yield from each_column(comparison, ("number", "time", "name"), 1.0, _outside)


def _outside(comparison: Comparison, field: Field) -> Score:
    real = comparison.reference.marginal(field)
    other = comparison.candidate.marginal(field)
    if not len(real.values):
        outside = other.known
    elif other.complete:
        beyond = (other.values < real.least) | (other.values > real.most)
        outside = int(other.counts[beyond].sum())
    else:
        ends = (float(np.nextafter(real.least, -np.inf)), real.most)
        cells = comparison.candidate.intervals(field, ends)
        outside = int(cells[1] + cells[3])
    rows = comparison.rows(field.table)
    return Score(outside / rows[1], rows=rows, detail={"rows_outside": outside})


METRICS: tuple[Metric, ...] = (OutOfRange(),)
