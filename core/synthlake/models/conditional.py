"""Leaves of which only some codes are admitted, and how likely a code is in a leaf."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthlake.models.leaves import Leaves
from synthlake.ports import Admission, Codes

Floats = NDArray[np.float64]
_SHIFT, _LOW = np.uint64(32), np.uint64(0xFFFFFFFF)
_WHOLE = 2.0**32
_FINE = 2.0**31  # what a column's codes weigh together


@dataclass(frozen=True)
class LeafRows:
    """The distribution of a column for each row: that of its leaf.

    Attributes:
        leaves: of the column.
        node: shape (rows,), leaf of each row.
    """

    leaves: Leaves
    node: NDArray[Any]

    def draw(self, words: NDArray[np.uint64]) -> Codes:
        """A code for each row."""
        if not len(self.leaves.key):
            return np.full(len(words), -1, np.int32)
        codes = self.leaves.draw(self.node, words)
        # where nothing is admitted, whatever is drawn counts for nothing, but it has to be a code
        return np.minimum(codes, np.int32(len(self.leaves.cumulative) - 2))

    def within(self, admission: Admission) -> tuple[LeafRows, Floats]:
        """The same of admitted codes alone, and how likely these are for each row.

        Cost: O(cells) the first time, then O(rows).
        """
        if "leaves" not in admission.held:
            admission.held["leaves"] = within(self.leaves, admission.shares)
        held: tuple[Leaves, Floats] = admission.held["leaves"]
        return LeafRows(held[0], self.node), held[1][self.leaves.number[self.node]]

    def likelihood(self, codes: Codes) -> Floats:
        """How likely a code of each row is, shape (rows,); -1 is NULL.

        Cost: O(rows).
        """
        return self.leaves.probability(self.node, codes)


def within(leaves: Leaves, shares: Floats) -> tuple[Leaves, Floats]:
    """Leaves that draw admitted codes alone, and how likely these are by number of the leaf.

    Args:
        leaves: of a column.
        shares: shape (codes + 1,), the share of each code's values that is admitted; NULL last.
    """
    counts = np.diff(leaves.cumulative)
    if len(leaves.code):
        shares = np.append(shares[leaves.code], shares[-1])
    admitted = np.concatenate([[0.0], np.cumsum(counts * shares[:-1])])
    wide = leaves.last > leaves.first
    mass = leaves.cumulative[leaves.last + 1] - leaves.cumulative[leaves.first]
    inside = admitted[leaves.last + 1] - admitted[leaves.first]
    share = np.where(wide, inside / np.maximum(mass, 1), shares[leaves.first])
    weight = _weights(leaves) * share
    leaf = (leaves.key >> _SHIFT).astype(np.int64)
    size = int(leaves.number.max()) + 1
    likely = np.bincount(leaf, weight, size)
    there = weight > 0
    made = Leaves(
        _keys(leaf[there], weight[there], size), leaves.first[there], leaves.last[there],
        leaves.number, _cumulative(counts * shares[:-1]), leaves.code,
    )  # fmt: skip
    return made, np.minimum(likely, 1.0)


def _weights(leaves: Leaves) -> Floats:
    """The share of its leaf that each cell has."""
    leaf, before = leaves.key >> _SHIFT, (leaves.key & _LOW).astype(np.float64)
    last = np.append(leaf[1:] != leaf[:-1], True)[: len(leaf)]
    after = np.where(last, _WHOLE, np.append(before[1:], _WHOLE)[: len(leaf)])
    weights: Floats = (after - before) / _WHOLE
    return weights


def _keys(leaf: NDArray[np.int64], weight: Floats, leaves: int) -> NDArray[np.uint64]:
    """Number of the leaf, and the share drawn before each cell."""
    total = np.bincount(leaf, weight, leaves)
    before = np.cumsum(weight) - weight
    starts = np.concatenate([[0.0], np.cumsum(total)])[:-1]
    share = np.clip((before - starts[leaf]) / np.maximum(total[leaf], 1e-300), 0.0, 1.0)
    begins = np.append(True, leaf[1:] != leaf[:-1])[: len(leaf)]
    part = np.where(begins, 0, np.minimum(share * _WHOLE, _WHOLE - 1)).astype(np.uint64)
    keys: NDArray[np.uint64] = (leaf.astype(np.uint64) << _SHIFT) | part
    return keys


def _cumulative(mass: Floats) -> NDArray[np.int64]:
    """Mass before each code, as whole numbers of which all that is admitted has some."""
    scale = _FINE / max(float(mass.sum()), 1e-300)
    whole = np.ceil(mass * min(scale, 1e12)).astype(np.int64)
    return np.concatenate([[0], np.cumsum(whole)]).astype(np.int64)
