"""Do references point to parents as often as in the real data?"""

from __future__ import annotations

from collections.abc import Iterator

from synthlake.ports import MetricKind, Score
from synthlake.quality.keys import each_key
from synthlake.quality.metric import Comparison, Direction, Metric, Scored
from synthlake.quality.settings import Tier
from synthlake.schema.model import ForeignKey, Table


class _Rate:
    """Difference from the real share of references that are orphans, or that are NULL."""

    kind: MetricKind = "integrity"
    tier: Tier = "quick"
    best = 0.0
    direction: Direction = "low"

    def __init__(self, name: str, title: str, part: int) -> None:
        self.name, self.title, self._part = name, title, part

    def score(self, comparison: Comparison) -> Iterator[Scored]:
        """A score for each foreign key."""
        yield from each_key(comparison, self._one)

    def _one(self, comparison: Comparison, table: Table, fk: ForeignKey) -> Score:
        rows, rates = comparison.rows(table.name), []
        for side in (comparison.reference, comparison.candidate):
            found = side.links(table.name, fk)
            rates.append(found[self._part] / found[0])
        return Score(
            abs(rates[0] - rates[1]), rows=rows, detail={"real": rates[0], "candidate": rates[1]}
        )


METRICS: tuple[Metric, ...] = (
    _Rate("orphans", "Difference of orphan shares", 2),
    _Rate("null_keys", "Difference of NULL key shares", 1),
)
