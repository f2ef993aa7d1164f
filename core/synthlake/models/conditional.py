"""Leaves of which only some codes are admitted, and how likely a code is in a leaf."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthlake.models.leaves import Leaves, keys_of
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
    weight = leaves.weights * share
    leaf = (leaves.key >> _SHIFT).astype(np.int64)
    size = int(leaves.number.max()) + 1
    likely = np.bincount(leaf, weight, size)
    there = weight > 0
    made = Leaves(
        keys_of(leaf[there], weight[there], size), leaves.first[there], leaves.last[there],
        leaves.number, _cumulative(counts * shares[:-1]), leaves.code,
    )  # fmt: skip
    return made, np.minimum(likely, 1.0)


def _cumulative(mass: Floats) -> NDArray[np.int64]:
    """Mass before each code, as whole numbers of which all that is admitted has some."""
    scale = _FINE / max(float(mass.sum()), 1e-300)
    whole = np.ceil(mass * min(scale, 1e12)).astype(np.int64)
    return np.concatenate([[0], np.cumsum(whole)]).astype(np.int64)
