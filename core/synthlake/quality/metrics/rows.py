"""How many rows there are."""

from __future__ import annotations

from collections.abc import Iterator

from synthlake.ports import MetricKind, Score
from synthlake.quality.metric import Comparison, Direction, Metric, Scored, Subject
from synthlake.quality.settings import Tier


class RowRatio:
    """Rows of the smaller table as a share of the larger: 1 for equally many."""

    name, title = "rows", "Row counts, smaller to larger"
    kind: MetricKind = "integrity"
    tier: Tier = "quick"
    best = 1.0
    direction: Direction = "high"

    def score(self, comparison: Comparison) -> Iterator[Scored]:
        """A score for each table."""
        for table in comparison.ground.tables:
            rows = comparison.rows(table.name)
            if comparison.role != "twin":
                score = Score(None, rows=rows, reason="of other size by design")
            elif not max(rows):
                score = Score(1.0, rows=rows)
            else:
                score = Score(min(rows) / max(rows), rows=rows)
            yield Subject(table.name), score


METRICS: tuple[Metric, ...] = (RowRatio(),)
