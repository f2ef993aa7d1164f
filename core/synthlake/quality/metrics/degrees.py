"""Have parents as many children as in the real data?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from synthlake.ports import MetricKind, Score
from synthlake.quality.keys import each_key
from synthlake.quality.metric import Comparison, Direction, Metric, Scored
from synthlake.quality.settings import Tier
from synthlake.schema.model import ForeignKey, Table

Ints = NDArray[np.int64]


class DegreeComplement:
    """1 - KS distance of children per distinct parent key, parents without children included."""

    name, title = "degrees", "Children per parent (1 - KS)"
    kind: MetricKind = "fidelity"
    tier: Tier = "standard"
    best = 1.0
    direction: Direction = "high"

    def score(self, comparison: Comparison) -> Iterator[Scored]:
        """A score for each foreign key."""
        yield from each_key(comparison, _one)


def _one(comparison: Comparison, table: Table, fk: ForeignKey) -> Score:
    rows = comparison.rows(table.name)
    if comparison.role == "ceiling" and fk.mode != "own":
        return Score(None, rows=rows, reason="the hold-out divides the children of a parent")
    real, other = (s.degrees(table.name, fk) for s in (comparison.reference, comparison.candidate))
    if not len(real[0]) or not len(other[0]):
        return Score(None, rows=rows, reason="there are no parents")
    return Score(1.0 - distance(real, other), rows=rows)


def distance(real: tuple[Ints, Ints], other: tuple[Ints, Ints]) -> float:
    """KS distance of two lists of values with their counts."""
    values = np.union1d(real[0], other[0])
    upto = []
    for found, counts in (real, other):
        shares = np.zeros(len(values))
        shares[np.searchsorted(values, found)] = counts / counts.sum()
        upto.append(np.cumsum(shares))
    return float(np.abs(upto[0] - upto[1]).max())


METRICS: tuple[Metric, ...] = (DegreeComplement(),)
