"""Do the real categories occur?"""

from __future__ import annotations

from collections.abc import Iterator

from synthlake.ports import MetricKind, Score
from synthlake.quality.columns import each_column
from synthlake.quality.layout import Field
from synthlake.quality.metric import Comparison, Direction, Metric, Scored
from synthlake.quality.settings import Tier


class CategoryCoverage:
    """Share of real rows whose category occurs in the candidate."""

    name, title = "coverage", "Category coverage"
    kind: MetricKind = "fidelity"
    tier: Tier = "quick"
    best = 1.0
    direction: Direction = "high"

    def score(self, comparison: Comparison) -> Iterator[Scored]:
        """A score for each categorical column."""
        yield from each_column(comparison, ("category",), 0.0, _covered)


def _covered(comparison: Comparison, field: Field) -> Score:
    both, rows = comparison.aligned(field), comparison.rows(field.table)
    listed = int(both.real[:-1].sum())
    unseen = int(both.other[:-1][both.real[:-1] == 0].sum())
    covered = int(both.real[:-1][both.other[:-1] > 0].sum())
    return Score(covered / listed if listed else 1.0, rows=rows, detail={"rows_unseen": unseen})


METRICS: tuple[Metric, ...] = (CategoryCoverage(),)
