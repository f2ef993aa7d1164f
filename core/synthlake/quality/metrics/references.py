"""Do references point to parents as often as in the real data?"""

from __future__ import annotations

from collections.abc import Iterator

from synthlake.ports import MetricKind, Score
from synthlake.quality.dataset import DataSet
from synthlake.quality.metric import Comparison, Direction, Metric, Scored, Subject
from synthlake.quality.settings import Tier
from synthlake.schema.model import ForeignKey, Table


def absent(data: DataSet, table: Table, fk: ForeignKey) -> str:
    """Why a foreign key cannot be followed; empty if it can."""
    for name, columns in ((table.name, fk.columns), (fk.references, fk.to)):
        if name not in data.found or not all(data.found[name].has(c) for c in columns):
            return f"{name} or its key is missing"
    return "" if data.rows(table.name) else "the table has no rows"


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
        for table in comparison.ground.tables:
            for fk in table.references:
                yield (
                    Subject(table.name, key=fk.label(table.name)),
                    self._one(comparison, table, fk),
                )

    def _one(self, comparison: Comparison, table: Table, fk: ForeignKey) -> Score:
        rows, rates = comparison.rows(table.name), []
        for side in (comparison.reference, comparison.candidate):
            if reason := absent(side, table, fk):
                return Score(None, rows=rows, reason=reason)
            found = side.links(table.name, fk)
            rates.append(found[self._part] / found[0])
        return Score(
            abs(rates[0] - rates[1]), rows=rows, detail={"real": rates[0], "candidate": rates[1]}
        )


METRICS: tuple[Metric, ...] = (
    _Rate("orphans", "Difference of orphan shares", 2),
    _Rate("null_keys", "Difference of NULL key shares", 1),
)
