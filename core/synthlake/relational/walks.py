"""Rows along a time axis: their draws wander, so that what they give stays what it was a while.

A column's value is where a word lies among the values of its leaf. Words of a series are a random
walk on a circle, folded: each by itself is as even as a word drawn freely, so every row keeps the
distribution that it has without an order, given its calendar and the columns before. How far the
walk goes in a step of time is learned of each column: as far as its values of one hour and the next
are alike in truth.

Source: a stationary Markov chain with a copula (Darsow, Nguyen and Olsen, Illinois J. Math. 36(4),
1992), here that of a reflected random walk, whose stationary distribution is uniform.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from synthlake.encode.mixing import mix
from synthlake.models.trees import FittedTrees, Step
from synthlake.ports import Codes, Feature, TrainingTable
from synthlake.relational.sequence import Places
from synthlake.seed import Words

_LOW = np.uint64(0xFFFFFFFF)
_STEP, _INNER, _INNER_STEP = (np.uint64(n) for n in (1 << 61, 1 << 62, 1 << 63))  # other streams
_LEAST_PAIRS = 200  # rows one step apart, below which nothing is told of a column
_GAIN = 0.05  # of likeness beyond that of rows drawn freely
_HALVED = 10  # times that the length of steps is halved between
_SHORTEST = -2.7  # binary logarithm of the shortest steps, of the whole circle: days go all round

Index = NDArray[np.int64]


def wandering(words: Words, places: Places, length: float) -> Words:
    """Words of which each lies near that of the row before.

    Args:
        words: shape (rows,), drawn freely.
        places: of the rows.
        length: of a step of time, as a share of the circle; 1 for words that are drawn freely.

    Cost: about 0.1 microseconds a row.
    """
    upper = _folded(_walk(words, mix(words + _STEP), places, length))
    inner = mix(words + _INNER)
    lower = _folded(_walk(inner, mix(inner + _INNER_STEP), places, length))
    return (upper & ~_LOW) | (lower >> np.uint64(32))


def _walk(start: Words, steps: Words, places: Places, length: float) -> Words:
    """Places on the circle; whole numbers, so that all machines have the same."""
    assert places.gap is not None
    order, begins = places.chains
    since = np.sqrt(np.maximum(places.gap, 1).astype(np.float64))
    part = ((steps >> np.uint64(11)).astype(np.float64) * 2.0**-53 - 0.5) * (length * since)
    moved = (np.clip(part, -0.4999, 0.4999) * 2.0**64).astype(np.int64).view(np.uint64)
    held = np.where(places.before < 0, start, moved)[order]
    total = np.cumsum(held, dtype=np.uint64)
    out = np.empty_like(start)
    out[order] = total - (total[begins] - held[begins])
    return out


def _folded(circle: Words) -> Words:
    """Both halves of the circle on one line, so that its ends are not neighbours."""
    twice = circle << np.uint64(1)
    return np.where(circle >> np.uint64(63) == 1, ~twice, twice)


def find_walks(
    trees: FittedTrees, training: TrainingTable, places: Places, seed: int
) -> dict[str, float]:
    """Lengths of steps, by column, of those that are more like the row before than by chance.

    Args:
        trees: of the table, drawn without an order.
        training: what they were learned from.
        places: of its rows.
        seed: of the words by which lengths are tried.

    Privacy: a length says how alike rows are that follow each other, over all of them.
    Cost: draws each column eleven times.
    """
    trial = _Trial(training, places, seed)
    for step in trees.steps:
        trial.take(step)
    return trial.lengths


class _Trial:
    """A series that is made column by column, as in a sample, beside the true one."""

    def __init__(self, training: TrainingTable, places: Places, seed: int) -> None:
        self._training, self._places = training, places
        self._random = np.random.Generator(np.random.Philox(key=seed))
        told = {n: f for held in training.told.values() for n, f in held.items()}
        seen = {**training.context, **told, **training.columns, **training.seen}
        self._seen = {name: feature.codes for name, feature in seen.items()}
        self.lengths: dict[str, float] = {}

    def take(self, step: Step) -> None:
        """Draw a column, by words that wander if its values do."""
        name, column = step.column, self._training.columns[step.column]
        node = step.node(self._seen, len(column.codes))
        words = self._random.integers(0, 2**64, len(node), np.uint64)
        fixed = name in self._training.even or column.size < 2
        length = None if fixed else self._length(step, node, words)
        if length is not None:
            self.lengths[name] = length

    def _length(self, step: Step, node: NDArray[np.int32], words: Words) -> float | None:
        """The length of steps by which a column's values are as alike as in truth."""
        column, places = self._training.columns[step.column], self._places
        later = np.flatnonzero((places.gap == 1) & (column.codes >= -1))
        later = later[column.codes[places.before[later]] >= -1]
        people = len(np.unique(self._training.group[later]))
        if len(later) < _LEAST_PAIRS or people < self._training.k:
            return None
        like = _likeness(column, later, places.before[later])
        true = like(column.codes)
        if not true > like(step.leaves.draw(node, words)) + _GAIN:
            return None
        short, long = _SHORTEST, 0.0
        for _ in range(_HALVED):
            middle = (short + long) / 2
            made = like(step.leaves.draw(node, wandering(words, places, 2.0**middle)))
            short, long = (middle, long) if made > true else (short, middle)
        return float(2.0 ** round(long, 3))


def _likeness(column: Feature, later: Index, before: Index) -> Callable[[Codes], float]:
    """How alike rows are to those before: correlation of ranks, or how many are the same."""
    if not column.ordered:
        return lambda codes: float(np.mean(codes[later] == codes[before]))
    counts = np.bincount(np.maximum(column.codes, -1) + 1, minlength=column.size + 1)
    rank = np.cumsum(counts) - counts / 2

    def correlation(codes: Codes) -> float:
        left, right = codes[later], codes[before]
        known = (left >= 0) & (right >= 0)  # where NULLs lie says nothing of what is known
        one, two = rank[left[known] + 1], rank[right[known] + 1]
        if len(one) < 2 or not (one.std() > 0 and two.std() > 0):
            return 1.0
        return float(np.corrcoef(one, two)[0, 1])

    return correlation
