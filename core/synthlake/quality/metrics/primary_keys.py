"""Is the primary key a key?"""

from __future__ import annotations

from collections.abc import Iterator

from synthlake.ports import MetricKind, Score
from synthlake.quality.metric import Comparison, Direction, Metric, Scored, Subject
from synthlake.quality.settings import Tier


class PrimaryKeyDuplicates:
    """Rows beyond the first of each primary key, and rows with a NULL in it."""

    name, title = "primary_key", "Primary key duplicates"
    kind: MetricKind = "integrity"
    tier: Tier = "quick"
    best = 0.0
    direction: Direction = "low"

    def score(self, comparison: Comparison) -> Iterator[Scored]:
        """A score for each table that has a primary key."""
        for table in comparison.ground.tables:
            rows, candidate = comparison.rows(table.name), comparison.candidate
            if not table.primary_key:
                score = Score(None, rows=rows, reason="no primary key")
            elif table.name not in candidate.found or not all(
                candidate.found[table.name].has(c) for c in table.primary_key
            ):
                score = Score(None, rows=rows, reason="the table or its key is missing")
            else:
                detail = {"real": comparison.reference.duplicates(table.name)}
                score = Score(float(candidate.duplicates(table.name)), rows=rows, detail=detail)
            yield Subject(table.name), score


METRICS: tuple[Metric, ...] = (PrimaryKeyDuplicates(),)
