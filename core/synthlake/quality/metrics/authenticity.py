"""Are rows made anew, or next to one that was learned from?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthlake.ports import MetricKind, Score
from synthlake.quality.attacks.rates import rate
from synthlake.quality.classifier import one_thread
from synthlake.quality.dataset import DataSet
from synthlake.quality.metric import Comparison, Direction, Ground, Metric, Scored, Subject
from synthlake.quality.metrics.memorised import fields_of, unplaced
from synthlake.quality.neighbours import (
    Cloud,
    Floats,
    Region,
    Space,
    cloud,
    points,
    products,
    region_of,
)
from synthlake.quality.settings import Tier
from synthlake.quality.supports import Doubles, matched

MIN_ROWS = 40
_QUERIES = 5_000


@dataclass(frozen=True)
class _Near:
    """Training rows of a table in a region, and how far each is from the next one."""

    region: Region
    space: Space
    train: Cloud

    def queries(self, ground: Ground, data: DataSet, table: str) -> Floats:
        """Points of a data set in the same region."""
        fields = fields_of(ground, table)
        return self.space.place(points(data, table, fields, self.region, _QUERIES))


class Authenticity:
    """Share of rows farther from the nearest training row than this is from the next: 0 all copies.

    Honest rows reach about a half: see the ceiling. The next one of a training row that occurs
    twice is the nearest that differs from it: with itself beside it, no copy would be near enough.

    Privacy: finds copies and near copies; it guarantees nothing. Rows in a seeded region, as for
    ``memorised``.

    Source: Alaa et al. (2022), arXiv:2102.08921, section 4.3 and equation 8.
    """

    name, title = "authenticity", "Copy detector: authenticity"
    kind: MetricKind = "copy"
    tier: Tier = "deep"
    best = 1.0
    direction: Direction = "high"

    def score(self, comparison: Comparison) -> Iterator[Scored]:
        """A score for each table."""
        for table in comparison.ground.tables:
            reason = unplaced(comparison, table.name)
            if not reason and comparison.ground.train.rows(table.name) < MIN_ROWS:
                reason = f"fewer than {MIN_ROWS} training rows"
            score = Score(None, reason=reason) if reason else _one(comparison, table.name)
            yield Subject(table.name), score


def _one(comparison: Comparison, table: str) -> Score:
    ground = comparison.ground
    near = ground.train.once(("authenticity", table), lambda: _near(ground, table))
    queries = near.queries(ground, comparison.candidate, table)
    rows = (int(near.train.rows.sum()), len(queries))
    if len(near.train.points) < 2 or not len(queries):
        return Score(None, rows=rows, reason="too few distinct rows in the compared region")
    with one_thread():
        place, gap = matched(queries, near.train.points)
        met, which = np.unique(place, return_inverse=True)
        own = _next(near.train, met)[which]
    authentic = rate(gap > own, place)
    return Score(authentic.value, authentic.interval(), rows, detail={"tries": authentic.rows})


def _near(ground: Ground, table: str) -> _Near:
    limit, fields = ground.settings.max_rows, fields_of(ground, table)
    bins = [b for b in ground.bins(table) if b.field in fields]
    region = region_of(bins, ground.train.rows(table), limit, ground.settings.seed)
    frame = points(ground.train, table, fields, region, 2 * limit)
    space = Space(fields, frame)
    return _Near(region, space, cloud(space.place(frame)))


def _next(among: Cloud, chosen: NDArray[np.int64]) -> Doubles:
    """Distance of chosen points to the nearest other point."""
    norms = np.einsum("ij,ij->i", among.points, among.points)
    out = np.zeros(len(chosen))
    for start in range(0, len(chosen), 256):
        own = chosen[start : start + 256]
        block = among.points[own]
        gaps = norms - 2 * products(block, among.points)
        gaps[np.arange(len(own)), own] = np.inf
        best = gaps.argmin(axis=1)
        exact = ((block - among.points[best]) ** 2).sum(axis=1, dtype=np.float64)
        out[start : start + len(own)] = np.sqrt(exact)
    return out


METRICS: tuple[Metric, ...] = (Authenticity(),)
