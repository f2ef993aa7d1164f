"""Are as many values missing?"""

from __future__ import annotations

from collections.abc import Iterator

from synthlake.ports import MetricKind, Score
from synthlake.quality.metric import Comparison, Direction, Metric, Scored, Subject
from synthlake.quality.settings import Tier


class NullRates:
    """Difference of the shares of NULL, for every column, keys and opaque ones too."""

    name, title = "null_rate", "Difference of NULL shares"
    kind: MetricKind = "fidelity"
    tier: Tier = "quick"
    best = 0.0
    direction: Direction = "low"

    def score(self, comparison: Comparison) -> Iterator[Scored]:
        """A score for each column."""
        for table in comparison.ground.tables:
            missing, rows = comparison.missing(table.name), comparison.rows(table.name)
            for field in comparison.ground.fields(table.name).values():
                subject = Subject(table.name, (field.name,))
                if missing or not comparison.candidate.has(field):
                    yield subject, Score(None, rows=rows, reason=missing or "the column is missing")
                    continue
                sides = comparison.reference, comparison.candidate
                if table.column(field.name).action == "null":
                    yield subject, Score(None, rows=rows, reason=field.reason)
                    continue
                real, other = (
                    side.nulls(table.name)[field.name] / n
                    for side, n in zip(sides, rows, strict=True)
                )
                detail = {"real": real, "candidate": other}
                yield subject, Score(abs(real - other), rows=rows, detail=detail)


METRICS: tuple[Metric, ...] = (NullRates(),)
