"""Do two numbers rise and fall together as in the real data?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from synthlake.ports import MetricKind, Score
from synthlake.quality.dataset import DataSet
from synthlake.quality.metric import Comparison, Direction, Metric, Scored, Subject
from synthlake.quality.metrics.pairs import left_out
from synthlake.quality.moments import Grid, grid_of, pearson
from synthlake.quality.pairing import Pair
from synthlake.quality.settings import Tier

Correlations = dict[tuple[str, str], float]


def grids(comparison: Comparison, table: str) -> list[Grid]:
    """Grids of all numbers and times of a table that are in both and not constant."""
    out = []
    for field in comparison.ground.fields(table).values():
        if field.reason or field.kind not in ("number", "time"):
            continue
        grid = grid_of(field, comparison.ground.real.marginal(field))
        if grid and comparison.candidate.has(field):
            out.append(grid)
    return out


class _Correlation:
    """Difference from the real coefficient, for each pair of numbers."""

    kind: MetricKind = "fidelity"
    tier: Tier = "standard"
    best = 0.0
    direction: Direction = "low"

    def __init__(self, name: str, title: str) -> None:
        self.name, self.title = name, title

    def score(self, comparison: Comparison) -> Iterator[Scored]:
        """A score for each pair of numbers of a table; constant columns are listed."""
        for table in comparison.ground.tables:
            if comparison.missing(table.name):
                yield Subject(table.name), Score(None, reason=comparison.missing(table.name))
                continue
            yield from left_out(comparison, table.name)
            used = grids(comparison, table.name)
            yield from self._listed(comparison, table.name, {g.field.name for g in used})
            if len(used) < 2:
                continue
            real, other = (
                self._all(side, comparison, table.name, used)
                for side in (comparison.reference, comparison.candidate)
            )  # fmt: skip
            for pair, value in real.items():
                score = _difference(value, other[pair], comparison.rows(table.name))
                yield Subject(table.name, pair), score

    def _all(
        self, side: DataSet, comparison: Comparison, table: str, used: list[Grid]
    ) -> Correlations:
        names = {g.field.name for g in used}
        blocks = [[p for p in b if names >= {*p}] for b in comparison.ground.blocks(table)]
        if self.name == "pearson":
            return {p: r for b in blocks for p, r in _of_block(side, table, used, b).items()}
        counts = comparison.pairs(table)[side is comparison.candidate]
        return {p: spearman(counts[p]) for p in chain.from_iterable(blocks)}

    @staticmethod
    def _listed(comparison: Comparison, table: str, used: set[str]) -> Iterator[Scored]:
        for field in comparison.ground.fields(table).values():
            if field.kind in ("number", "time") and field.name not in used:
                there = comparison.candidate.has(field)
                why = field.reason or ("constant in the real data" if there else "missing")
                yield Subject(table, (field.name,)), Score(None, reason=why)


def _of_block(
    side: DataSet, table: str, used: Sequence[Grid], pairs: Sequence[Pair]
) -> Correlations:
    """Coefficients of a block's pairs: of a wide table no others are looked at."""
    named = {name for pair in pairs for name in pair}
    return pearson(side, table, [g for g in used if g.field.name in named], pairs) if named else {}


def _difference(real: float, other: float, rows: tuple[int, int]) -> Score:
    if math.isnan(real):
        return Score(None, rows=rows, reason="constant where the other is known")
    other = 0.0 if math.isnan(other) else other
    return Score(abs(real - other), rows=rows, detail={"real": real, "candidate": other})


def spearman(cells: NDArray[np.int64]) -> float:
    """Rank correlation of two columns of codes; intervals are ties, NULL and NaN are left out."""
    known = cells[1 : cells.shape[0] - 1, 1 : cells.shape[1] - 1]
    total = int(known.sum())
    if not total:
        return math.nan
    ranks = [_middle(known.sum(axis=axis)) / total - 0.5 for axis in (1, 0)]
    shares = [known.sum(axis=axis) / total for axis in (1, 0)]
    variances = [float(np.sum(s * r * r)) for s, r in zip(shares, ranks, strict=True)]
    if min(variances) <= 1e-15:
        return math.nan
    covariance = float(ranks[0] @ (known / total) @ ranks[1])
    return covariance / math.sqrt(variances[0] * variances[1])


def _middle(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.cumsum(counts) - counts / 2


METRICS: tuple[Metric, ...] = (
    _Correlation("pearson", "Difference of Pearson correlation"),
    _Correlation("spearman", "Difference of rank correlation"),
)
