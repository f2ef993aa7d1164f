"""Do two columns say as much about each other as in the real data?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from synthlake.ports import MetricKind, Score
from synthlake.quality.metric import Comparison, Direction, Metric, Scored, Subject
from synthlake.quality.metrics.pairs import unscored
from synthlake.quality.settings import Tier


class MutualInformation:
    """Difference of the normalised mutual information of the pairs of codes."""

    name, title = "mutual_information", "Difference of mutual information"
    kind: MetricKind = "fidelity"
    tier: Tier = "standard"
    best = 0.0
    direction: Direction = "low"

    def score(self, comparison: Comparison) -> Iterator[Scored]:
        """A score for each pair of columns of a table."""
        for table in comparison.ground.tables:
            yield from unscored(comparison, table.name)
            if comparison.missing(table.name):
                continue
            real, other = comparison.pairs(table.name)
            for pair, cells in real.items():
                a, b = normalised(cells), normalised(other[pair])
                yield (
                    Subject(table.name, pair),
                    Score(abs(a - b), rows=comparison.rows(table.name),
                          detail={"real": a, "candidate": b}),
                )  # fmt: skip


def normalised(cells: NDArray[np.int64]) -> float:
    """Mutual information by the smaller entropy: 0 independent, 1 one follows from the other."""
    shares = cells / max(int(cells.sum()), 1)
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    least = min(_entropy(rows), _entropy(columns))
    if least <= 1e-12:
        return 0.0
    shared = _entropy(rows) + _entropy(columns) - _entropy(shares.ravel())
    return float(min(max(shared / least, 0.0), 1.0))


def _entropy(shares: NDArray[np.float64]) -> float:
    some = shares[shares > 0]
    return float(-np.sum(some * np.log(some)))


METRICS: tuple[Metric, ...] = (MutualInformation(),)
