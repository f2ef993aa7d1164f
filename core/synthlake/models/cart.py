"""Regression trees on codes, grown level by level from histograms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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


@dataclass(frozen=True)
class Growth:
    """Limits of a tree.

    Attributes:
        min_rows: least rows of a leaf.
        min_entities: least entities of a leaf.
        max_depth: levels below the root.
        min_gain: least share of the root's variance that a split must explain.
    """

    min_rows: int
    min_entities: float
    max_depth: int = 18
    min_gain: float = 1e-5


@dataclass(frozen=True)
class _Level:
    """Rows of one level of nodes.

    Attributes:
        slot: shape (rows,), number of the row's node within the level.
        nodes: how many nodes.
        target: shape (outputs, rows).
        group: shape (rows,), see ``grow``; None where every row is an entity of its own.
        growth: limits.
    """

    slot: NDArray[np.int64]
    nodes: int
    target: Floats
    group: NDArray[np.int64] | None
    growth: Growth

    def best(self, features: Features, widths: Sequence[int]) -> _Splits:
        """The best split of each node; the first feature of equals."""
        found = _Splits.none(self.nodes)
        for place, values in enumerate(features):
            if widths[place] > 1:
                self._try(found, place, values, widths[place])
        return found

    def _try(self, found: _Splits, place: int, values: NDArray[np.int32], width: int) -> None:
        """Take the splits by one feature where they are better."""
        key = self.slot * width + values
        rows = self._left(key, width, None)
        size = self._size[:, None]
        allowed = self._allowed(rows, size)
        if not allowed.any():
            return
        score = np.zeros(rows.shape)
        with np.errstate(divide="ignore", invalid="ignore"):
            for values_of, sums in zip(self.target, self._sums, strict=True):
                left = self._left(key, width, values_of)
                score += left**2 / rows + (sums[:, None] - left) ** 2 / (size - rows)
        gain = np.where(allowed, score - self._whole[:, None], -1.0)
        if self.group is not None:  # entities are only counted where they can decide
            better = np.flatnonzero(gain.max(1) > found.gain)
            gain[better] = np.where(self._peopled(values, width, better), gain[better], -1.0)
        found.take(place, gain)

    def _left(self, key: NDArray[np.int64], width: int, weights: Floats | None) -> Floats:
        """Rows, or sums, at or below each threshold, shape (nodes, width - 1)."""
        sums = np.bincount(key, weights, self.nodes * width).reshape(self.nodes, width)
        below: Floats = np.cumsum(sums, 1, dtype=np.float64)[:, :-1]
        return below

    def _allowed(self, rows: Floats, size: Floats) -> NDArray[np.bool_]:
        """Whether both sides of each threshold have the rows that a leaf needs."""
        fewest = self.growth.min_rows
        if self.group is None:
            fewest = max(fewest, int(np.ceil(self.growth.min_entities)))
        allowed: NDArray[np.bool_] = (rows >= fewest) & (size - rows >= fewest)
        return allowed

    def _peopled(
        self, values: NDArray[np.int32], width: int, nodes: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Whether both sides of each threshold have the entities, shape (nodes, width - 1).

        An entity is at or below a threshold if its least value is, and above if its greatest is.
        """
        order, begins, node = self._of(nodes)
        if not len(order):
            return np.zeros((len(nodes), width - 1), bool)
        ordered = values[order]
        counts = []
        for extreme in (np.minimum, np.maximum):
            key = node * width + extreme.reduceat(ordered, begins)
            held = np.bincount(key, minlength=len(nodes) * width).reshape(len(nodes), width)
            counts.append(np.cumsum(held, 1))
        low, high = counts
        least = self.growth.min_entities
        return (low[:, :-1] >= least) & (high[:, -1:] - high[:, :-1] >= least)

    def _of(
        self, nodes: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """As ``_entities``, of some nodes alone, which are numbered anew."""
        order, begins, node = self._entities
        if len(nodes) == self.nodes:
            return order, begins, node
        number = np.full(self.nodes, -1, np.int64)
        number[nodes] = np.arange(len(nodes))
        kept = number[node] >= 0
        rows = np.diff(begins, append=len(order))
        order = order[np.repeat(kept, rows)]
        rows = rows[kept]
        return order, np.cumsum(rows) - rows, number[node[kept]]

    @cached_property
    def _entities(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Rows in the order of node and entity, where each entity of a node begins, its node."""
        assert self.group is not None
        order = np.lexsort((self.group, self.slot))
        slot, group = self.slot[order], self.group[order]
        fresh = np.append(True, (slot[1:] != slot[:-1]) | (group[1:] != group[:-1]))
        begins = np.flatnonzero(fresh)
        return order, begins, slot[begins]

    @cached_property
    def _size(self) -> Floats:
        return np.bincount(self.slot, minlength=self.nodes).astype(float)

    @cached_property
    def _sums(self) -> list[Floats]:
        return [np.bincount(self.slot, t, self.nodes).astype(np.float64) for t in self.target]

    @cached_property
    def _whole(self) -> Floats:
        squares: Floats = sum(t**2 for t in self._sums) / np.maximum(self._size, 1)
        return squares


@dataclass(frozen=True)
class _Splits:
    """The best split found of each node; no gain, no split."""

    gain: Floats
    feature: NDArray[np.int16]
    threshold: Index

    @classmethod
    def none(cls, nodes: int) -> _Splits:
        """No split of any node."""
        return cls(np.zeros(nodes), np.full(nodes, -1, np.int16), np.zeros(nodes, np.int32))

    def take(self, feature: int, gain: Floats) -> None:
        """Take a feature's best threshold, shape (nodes, thresholds), where it gains more."""
        threshold = np.argmax(gain, axis=1)
        value = gain[np.arange(len(gain)), threshold]
        better = value > self.gain
        self.gain[better] = value[better]
        self.feature[better] = feature
        self.threshold[better] = threshold[better]


def _divisible(
    level: Index, active: NDArray[np.int64], node: Index, growth: Growth
) -> tuple[Index, NDArray[np.int64]]:
    """Nodes with rows for two leaves, and their rows: no other one can be split."""
    fewest = max(growth.min_rows, int(np.ceil(growth.min_entities)))
    large = np.bincount(node, minlength=int(level.max()) + 1) >= 2 * fewest
    return level[large[level]], active[large[node]]


def grow(
    features: Features, target: Floats, group: NDArray[np.int64] | None, growth: Growth
) -> tuple[Tree, Index]:
    """Fit a tree by variance reduction.

    Args:
        features: shape (features, rows), small non-negative codes.
        target: shape (outputs, rows).
        group: shape (rows,), entities; None where every row is one of its own.
        growth: limits.

    Returns:
        The tree, and the leaf of each row.

    Cost: O(levels x features x outputs x rows).
    """
    rows = features.shape[1]
    nodes: list[list[int]] = [[-1, 0, 0, -1]]  # feature, threshold, left, parent
    node = np.zeros(rows, np.int32)
    floor = growth.min_gain * float(np.var(target, axis=1).sum()) * rows
    level = np.zeros(1, np.int32)
    active = np.arange(rows)
    widths = [int(f.max(initial=0)) + 1 for f in features]
    for _ in range(growth.max_depth):
        level, active = _divisible(level, active, node[active], growth)
        if not len(active):
            break
        place = np.full(len(nodes), -1, np.int64)
        place[level] = np.arange(len(level))
        slot = place[node[active]]
        people = None if group is None else group[active]
        rows_of = _Level(slot, len(level), target[:, active], people, growth)
        best = rows_of.best(features[:, active], widths)
        split = np.flatnonzero(best.gain > max(floor, 1e-9))
        if not len(split):
            break
        for at in split:
            parent = int(level[at])
            nodes[parent][:3] = [int(best.feature[at]), int(best.threshold[at]), len(nodes)]
            nodes += [[-1, 0, 0, parent], [-1, 0, 0, parent]]
        chosen = np.full(len(level), False)
        chosen[split] = True
        active = active[chosen[slot]]
        at = node[active]
        table = np.asarray(nodes, np.int32)
        right = features[table[at, 0], active] > table[at, 1]
        node[active] = table[at, 2] + right
        level = np.concatenate([table[level[split], 2], table[level[split], 2] + 1])
    done = np.asarray(nodes, np.int32).reshape(-1, 4)
    parts = [done[:, place].copy() for place in range(4)]
    return Tree(parts[0].astype(np.int16), *parts[1:]), node
