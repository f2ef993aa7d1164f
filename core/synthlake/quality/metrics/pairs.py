"""Do two columns occur together as in the real data?"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from synthlake.ports import MetricKind, Score
from synthlake.quality.metric import Comparison, Direction, Metric, Scored, Subject
from synthlake.quality.settings import Tier


def unscored(comparison: Comparison, table: str) -> Iterator[Scored]:
    """Every pair that has no score, with the reason."""
    rows, missing = comparison.rows(table), comparison.missing(table)
    fields = comparison.ground.fields(table)
    for a, b in combinations(fields.values(), 2):
        reason = missing or next(
            (f"{f.name}: {f.reason or 'the column is missing'}"
             for f in (a, b) if f.reason or not comparison.candidate.has(f)), "")  # fmt: skip
        if reason:
            yield Subject(table, (a.name, b.name)), Score(None, rows=rows, reason=reason)


class PairVariation:
    """Total variation of the pairs of codes: ten intervals or values a column, NULL apart."""

    name, title = "pairs", "Total variation of pairs"
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
            rows = comparison.rows(table.name)
            real, other = comparison.pairs(table.name)
            for pair, cells in real.items():
                gap = cells / rows[0] - other[pair] / rows[1]
                value = min(float(np.abs(gap).sum() / 2), 1.0)
                alone = max(float(np.abs(gap.sum(axis=axis)).sum() / 2) for axis in (0, 1))
                # what the worse of the two columns does not explain
                detail = {"beyond_columns": max(value - alone, 0.0)}
                yield Subject(table.name, pair), Score(value, rows=rows, detail=detail)


METRICS: tuple[Metric, ...] = (PairVariation(),)
