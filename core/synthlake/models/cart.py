"""Regression trees on codes: what leads rows to leaves; ``growth`` fits them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Index = NDArray[np.int32]
Features = NDArray[np.int32]
_LEFT, _FEATURE, _OFFSET, _MASK = 16, 38, 25, 0xFFFF  # of the word of a node
_CHILD = (1 << _FEATURE) - 1
_AT_ONCE = 16_384  # rows that are led down together, whose features the cache holds
_DEEP, _AGAIN = 8, 3  # from which level, and how often, rows that have arrived are left alone


@dataclass(frozen=True)
class Tree:
    """Nodes of a binary tree; node 0 is the root.

    Attributes:
        feature: shape (nodes,), which feature a node asks; -1 for a leaf.
        threshold: rows with feature <= threshold go left.
        left: the left child; the right child is the next node.
        parent: -1 for the root.
    """

    feature: NDArray[np.int16]
    threshold: Index
    left: Index
    parent: Index

    def apply(self, features: NDArray[Any]) -> Index:
        """The leaf (a node) of each row.

        Args:
            features: shape (features, rows), whole numbers from 0 below 2**16.
        """
        rows, out = features.shape[1], np.empty(features.shape[1], np.int32)
        for some, held in at_once(rows, len(features)):
            part = features[:, some]
            held[:, : part.shape[1]] = part
            out[some] = self.descend(held, part.shape[1])
        return out

    def descend(self, features: NDArray[np.uint16], rows: int) -> Index:
        """The leaf of each of the first rows of what ``at_once`` gave, filled.

        Cost: about 3.5 nanoseconds a row and level.
        """
        flat, packed = features.reshape(-1), self._packed(features.shape[1])
        row, node = np.arange(rows), np.zeros(rows, np.int64)
        asked, value = np.empty(rows, np.int64), np.empty(rows, flat.dtype)
        out: Index | None = None
        for level in range(int(self.depths.max(initial=0))):
            if level >= _DEEP and level % _AGAIN == 0:  # few rows go on: the others are done
                inner = self._inner.take(node, mode="clip")
                out = np.zeros(rows, np.int32) if out is None else out
                out[row] = node
                row, node = row[inner], node[inner]
                asked, value = asked[: len(row)], value[: len(row)]
            packed.take(node, out=asked, mode="clip")  # unlike [], without a look at all bounds
            np.right_shift(asked, _FEATURE, out=node)
            node += row
            flat.take(node, out=value, mode="clip")
            np.bitwise_and(asked, _CHILD, out=node)
            node += value  # beyond the threshold it carries: the next child
            node >>= _LEFT
        if out is None:
            return node.astype(np.int32)
        out[row] = node
        return out

    def _packed(self, width: int) -> NDArray[np.int64]:
        """A node in one word: where its feature's rows begin, its left child, its threshold.

        The threshold is held as what is missing to 2**16 - 1; a leaf leads to itself.
        """
        if width not in self._words:
            leaf = self.feature < 0
            left = np.where(leaf, np.arange(len(leaf)), self.left).astype(np.int64)
            asks = np.where(leaf, 0, self.feature).astype(np.int64)
            missing = np.where(leaf, 0, _MASK - self.threshold).astype(np.int64)
            self._words[width] = ((asks * width) << _FEATURE) | (left << _LEFT) | missing
        return self._words[width]

    @cached_property
    def _words(self) -> dict[int, NDArray[np.int64]]:
        return {}

    @cached_property
    def _inner(self) -> NDArray[np.bool_]:
        return self.feature >= 0

    @cached_property
    def depths(self) -> NDArray[np.int64]:
        """Levels between the root and each node."""
        depth = np.zeros(len(self.parent), np.int64)
        for child in range(1, len(depth)):  # parents come before children
            depth[child] = depth[self.parent[child]] + 1
        return depth


def at_once(rows: int, features: int) -> Iterator[tuple[slice, NDArray[np.uint16]]]:
    """Rows that are led down together, and where their features go: the cache holds these.

    All have the same width, so that the words of nodes are those of any number of rows.
    """
    width = max(min(_AT_ONCE, (1 << _OFFSET) // max(features, 1)), 1)
    held = np.empty((features, width), np.uint16)
    for start in range(0, rows, width):
        yield slice(start, min(start + width, rows)), held
