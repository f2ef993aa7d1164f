"""Codes as numbers that a regression tree can split and predict."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from synthlake.models.leaves import Places
from synthlake.ports import Codes, Feature

MAX_WIDTH = 384  # distinct positions of a feature
_OUTPUTS = 6  # dimensions of a category with many values
_COMPANY = 4  # those of an ordered column, beside its rank
_SURE = 2.0  # times what chance makes, from which an axis of these counts
_JUDGED = 50_000  # rows that these are found by
_ENOUGH = 1_500  # rows from which one table of dealt values says what chance does
_NOTHING = 1e-9  # strength of an axis that rounding alone makes
_SMALL = 8  # categories up to here are predicted one by one
_PROFILE_BINS = 24
_SPREAD = 0.5  # weight of how far a rank is from the middle: a tree that sees means alone is blind
# to groups that differ in spread

_Profile = tuple[NDArray[np.int64], int]  # the bin of each row, and how many there are


@dataclass(frozen=True)
class Recode:
    """A feature's codes as positions: position of code c is ``place[c + 2]`` (unknown, NULL first).

    Positions are ordered so that neighbours are alike.
    """

    place: NDArray[np.int32]

    def __call__(self, codes: Codes) -> NDArray[np.int32]:
        """The positions of codes."""
        if self._plain:
            return np.add(codes, 2)
        return np.take(self._turned, codes, mode="wrap")

    def into(self, codes: Codes, out: NDArray[np.uint16]) -> None:
        """Write the positions of codes, which are below 2**16."""
        if self._plain:
            np.add(codes, 2, out=out, casting="unsafe")
        else:
            np.take(self._short, codes, out=out, mode="wrap")

    @cached_property
    def _plain(self) -> bool:
        return bool(np.array_equal(self.place, np.arange(len(self.place))))

    @cached_property
    def _short(self) -> NDArray[np.uint16]:
        return self._turned.astype(np.uint16)

    @cached_property
    def _turned(self) -> NDArray[np.int32]:
        """Positions from code 0 on; those of unknown and NULL are last, where -2 and -1 point."""
        return np.concatenate([self.place[2:], self.place[:2]])


def ordered_recode(feature: Feature) -> Recode:
    """Positions in the order of the codes, at most ``MAX_WIDTH`` of about equal weight."""
    size = feature.size + 2
    if size <= MAX_WIDTH:
        return Recode(np.arange(size, dtype=np.int32))
    counts = np.bincount(feature.codes + 2, minlength=size)
    before = np.cumsum(counts) - counts
    total = max(int(counts[2:].sum()), 1)
    cut = ((before - before[2]) * (MAX_WIDTH - 2)) // total
    place = np.maximum.accumulate(np.maximum(cut, 0)) + 2
    place[:2] = (0, 1)
    return Recode(np.minimum(place, MAX_WIDTH - 1).astype(np.int32))


def sorted_recode(
    feature: Feature, target: NDArray[np.float64], known: NDArray[np.bool_]
) -> Recode:
    """Positions of categories by the mean of a target.

    Args:
        feature: the categories.
        target: shape (rows,).
        known: shape (size + 2,), which of unknown, NULL and the categories k entities have among
            these rows (``support.known``); the others are placed as the whole is.

    Privacy: a position says where the mean of k entities or more lies among others.
    Source: Fisher (1958), for a single target the best binary split is among those of this order.
    """
    size = feature.size + 2
    index = feature.codes + 2
    counts = np.bincount(index, minlength=size)
    means = np.bincount(index, target, size) / np.maximum(counts, 1)
    means = np.where(known, means, float(target.mean()) if len(target) else 0.0)
    rank = np.empty(size, np.int64)
    rank[np.argsort(means, kind="stable")] = np.arange(size)
    if size > MAX_WIDTH:
        by_rank = np.zeros(size)
        by_rank[rank] = counts
        before = np.cumsum(by_rank) - by_rank
        rank = (before[rank] * (MAX_WIDTH - 1) // max(by_rank.sum(), 1)).astype(np.int64)
    return Recode(rank.astype(np.int32))


def target_of(column: Feature, features: list[Feature], k: int) -> NDArray[np.float64]:
    """What a tree predicts for a column; shape (outputs, rows).

    Ranks and how far they are from the middle; indicators of few categories; an embedding of many.

    Args:
        column: shape (rows,).
        features: what is known of the rows.
        k: rows that a category's share of a feature's bin is of, see ``embedding``.
    """
    index = column.codes + 1
    size = column.size + 1
    counts = np.bincount(index, minlength=size)
    if column.ordered:
        middle = np.cumsum(counts) - counts / 2
        rank = _scaled((middle[index] / max(len(index), 1))[None, :])
        return np.concatenate([rank, _SPREAD * _scaled(rank**2)])
    present = np.flatnonzero(counts)
    if not len(present):  # no value has support
        return np.zeros((1, 0))
    if len(present) <= _SMALL:
        return np.stack([(index == c).astype(float) for c in present]) - (
            counts[present][:, None] / max(len(index), 1)
        )
    return _scaled(embedding(index, size, features, k).T[:, index])


def company(column: Feature, features: list[Feature], k: int) -> NDArray[np.float64]:
    """What an ordered column's values occur with, beyond their rank; shape (outputs, rows).

    Coordinates of its positions by the features: amounts by law, say, are in other company than
    their neighbours. Axes count from twice the strength of the largest one of values that are
    dealt to the rows anew; fewer than 1,500 rows have none.

    Args:
        column: shape (rows,), each of an entity of its own.
        features: what is known of the rows.
        k: least entities.

    Privacy: a value's share of a feature's bin counts only where k entities have both, or would
        have by the frequencies of the two; so an axis is of k entities or more, and NULLs and
        codes of fewer are where the mean is.
    Cost: as one more level of the tree, of 50,000 rows at most.
    Source: correspondence analysis, as ``embedding``; how many axes: parallel analysis (Horn,
        Psychometrika 30, 1965).
    """
    if len(column.codes) < _ENOUGH:
        return np.empty((0, len(column.codes)))
    counts = np.bincount(column.codes[column.codes >= 0], minlength=column.size)
    places = Places.build(counts, True)
    every = np.append(places.of + 1, np.int32(0))[column.codes]
    order = np.random.Generator(np.random.Philox(key=0)).permutation(len(every))[:_JUDGED]
    index, size = every[order], len(places.first) + 1
    profiles = [(spot[order], width) for spot, width in map(_profile, features)]
    found, chance = (_axes(i, size, profiles, _COMPANY, k) for i in (index, np.roll(index, 1)))
    rows = np.bincount(index, minlength=size)[:, None]
    strength, most = (rows * found**2).sum(0), (rows * chance**2).sum(0).max()
    return _scaled(found.T[strength > max(_SURE * most, _NOTHING * len(index))][:, every])


def embedding(
    index: NDArray[np.int32], size: int, features: list[Feature], k: int, outputs: int = _OUTPUTS
) -> NDArray[np.float64]:
    """Coordinates of categories by the features they occur with, shape (size, outputs).

    Privacy: a category's share of a feature's bin counts only where k rows have both, or would
        have by the frequencies of the two.
    Source: correspondence analysis (Greenacre 1984, sec. 4.1) of the stacked contingency tables.
    """
    return _axes(index, size, [_profile(feature) for feature in features], outputs, k)


def _axes(
    index: NDArray[np.int32], size: int, profiles: list[_Profile], outputs: int, k: int
) -> NDArray[np.float64]:
    """As ``embedding``, of features in bins.

    Cells say nothing that have fewer than k rows, and would have by the frequencies.
    """
    counts = np.maximum(np.bincount(index, minlength=size), 1).astype(float)
    total = len(index)
    blocks: list[NDArray[np.float64]] = []
    for spot, width in profiles:
        table = np.bincount(index * width + spot, minlength=size * width).reshape(size, width)
        base = table.sum(0) / total
        seen = base > 0
        rates = table[:, seen] / counts[:, None] - base[seen]
        rates[(table[:, seen] < k) & (counts[:, None] * base[seen] < k)] = 0.0
        blocks.append(rates / np.sqrt(base[seen]))
    if not blocks:
        return np.arange(size, dtype=float)[:, None]
    joined = np.hstack(blocks) * np.sqrt(counts / total)[:, None]
    return principal(joined, outputs) / np.sqrt(counts / total)[:, None]


def principal(matrix: NDArray[np.float64], outputs: int) -> NDArray[np.float64]:
    """The rows' coordinates on the leading principal axes, shape (rows, at most outputs)."""
    rows, columns = matrix.shape
    if rows <= columns:
        strength, left = np.linalg.eigh(matrix @ matrix.T)
        kept = np.argsort(-strength, kind="stable")[:outputs]
        scores: NDArray[np.float64] = left[:, kept] * np.sqrt(np.maximum(strength[kept], 0.0))
        return scores
    strength, right = np.linalg.eigh(matrix.T @ matrix)
    kept = np.argsort(-strength, kind="stable")[:outputs]
    made: NDArray[np.float64] = matrix @ right[:, kept]
    return made


def _profile(feature: Feature) -> _Profile:
    """A feature in few bins: by rank where ordered, else its most frequent values and the rest."""
    size = feature.size + 2
    index = feature.codes + 2
    if size <= _PROFILE_BINS:
        return index.astype(np.int64), size
    counts = np.bincount(index, minlength=size)
    if feature.ordered:
        before = np.cumsum(counts) - counts
        place = before * (_PROFILE_BINS - 1) // max(len(index), 1)
    else:
        place = np.full(size, _PROFILE_BINS - 1)
        top = np.argsort(-counts, kind="stable")[: _PROFILE_BINS - 1]
        place[top] = np.arange(len(top))
    return place[index].astype(np.int64), _PROFILE_BINS


def _scaled(target: NDArray[np.float64]) -> NDArray[np.float64]:
    """Outputs with mean 0, and total variance 1."""
    target = target - target.mean(axis=1, keepdims=True)
    spread = np.sqrt(np.var(target, axis=1).sum())
    scaled: NDArray[np.float64] = target / spread if spread > 0 else target
    return scaled
