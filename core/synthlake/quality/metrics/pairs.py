"""Do two columns occur together as in the real data?"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import numpy as np

from synthlake.ports import MetricKind, Score
from synthlake.quality.metric import Comparison, Direction, Metric, Scored, Subject
from synthlake.quality.pairing import said_of
from synthlake.quality.settings import Tier


def unscored(comparison: Comparison, table: str) -> Iterator[Scored]:
    """Every pair that is to be judged and has no score, with the reason; how many are judged."""
    rows, missing = comparison.rows(table), comparison.missing(table)
    fields, blocks = comparison.ground.fields(table), comparison.ground.blocks(table)
    yield from left_out(comparison, table)
    for a, b in ((fields[a], fields[b]) for a, b in chain.from_iterable(blocks)):
        reason = missing or next(
            (f"{f.name}: {f.reason or 'the column is missing'}"
             for f in (a, b) if f.reason or not comparison.candidate.has(f)), "")  # fmt: skip
        if reason:
            yield Subject(table, (a.name, b.name)), Score(None, rows=rows, reason=reason)


def left_out(comparison: Comparison, table: str) -> Iterator[Scored]:
    """That of a wide table not all pairs are judged, as a figure of the table without a value."""
    ground = comparison.ground
    said = said_of(list(ground.fields(table)), ground.blocks(table))
    if said:
        yield Subject(table), Score(None, rows=comparison.rows(table), reason=said)


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
