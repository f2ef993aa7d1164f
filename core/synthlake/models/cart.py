"""Regression trees on codes, grown level by level from histograms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Index = NDArray[np.int32]


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

    def apply(self, features: NDArray[np.int32]) -> Index:
        """The leaf (a node) of each row; ``features`` has shape (features, rows)."""
        rows = features.shape[1]
        node = np.zeros(rows, np.int32)
        active = np.arange(rows)
        while len(active):
            at = node[active]
            asks = self.feature[at]
            inner = asks >= 0
            if not inner.all():
                active, at, asks = active[inner], at[inner], asks[inner]
            if not len(active):
                break
            right = features[asks, active] > self.threshold[at]
            node[active] = self.left[at] + right
        return node


@dataclass(frozen=True)
class Growth:
    """Limits of a tree.

    Attributes:
        min_rows: least rows of a leaf.
        min_entities: least entities of a leaf, counted by ``share``.
        max_depth: levels below the root.
        min_gain: least share of the root's variance that a split must explain.
    """

    min_rows: int
    min_entities: float
    max_depth: int = 18
    min_gain: float = 1e-5


@dataclass
class _Level:
    """What one level of nodes needs: rows' nodes and the best split found so far."""

    slot: NDArray[np.int64]
    count: int
    gain: Floats
    feature: NDArray[np.int16]
    threshold: Index


def grow(
    features: NDArray[np.int32], target: Floats, share: Floats, growth: Growth
) -> tuple[Tree, Index]:
    """Fit a tree by variance reduction.

    Args:
        features: shape (features, rows), small non-negative codes.
        target: shape (outputs, rows).
        share: shape (rows,); 1 / size of the row's entity. Their sum over some rows is at most
            the number of distinct entities among them, so that limits hold for certain.
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
        place = np.full(len(nodes), -1, np.int64)
        place[level] = np.arange(len(level))
        slot = place[node[active]]
        if not len(active):
            break
        best = _best_splits(features[:, active], target[:, active], share[active],
                            slot, len(level), widths, growth)  # fmt: skip
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
    tree = Tree(done[:, 0].astype(np.int16), done[:, 1].copy(), done[:, 2].copy(), done[:, 3].copy())
    return tree, node


def _best_splits(
    features: NDArray[np.int32], target: Floats, share: Floats, slot: NDArray[np.int64],
    count: int, widths: list[int], growth: Growth,
) -> _Level:  # fmt: skip
    """The best split of each node of a level."""
    level = _Level(slot, count, np.zeros(count), np.full(count, -1, np.int16), np.zeros(count, np.int32))
    total = [np.bincount(slot, t, count) for t in target]
    size = np.bincount(slot, minlength=count).astype(float)
    whole = sum(t**2 for t in total) / np.maximum(size, 1)
    for place, values in enumerate(features):
        width = widths[place]
        if width < 2:
            continue
        key = slot * width + values
        shape = (count, width)
        rows = np.cumsum(np.bincount(key, minlength=count * width).reshape(shape), 1)[:, :-1]
        people = np.cumsum(np.bincount(key, share, count * width).reshape(shape), 1)
        left_people, all_people = people[:, :-1], people[:, -1:]
        allowed = (rows >= growth.min_rows) & (size[:, None] - rows >= growth.min_rows)
        allowed &= (left_people >= growth.min_entities) & (
            all_people - left_people >= growth.min_entities
        )
        if not allowed.any():
            continue
        score = np.zeros(rows.shape)
        with np.errstate(divide="ignore", invalid="ignore"):
            for values_of, sums in zip(target, total, strict=True):
                left = np.cumsum(np.bincount(key, values_of, count * width).reshape(shape), 1)
                left = left[:, :-1]
                score += left**2 / rows + (sums[:, None] - left) ** 2 / (size[:, None] - rows)
        gain = np.where(allowed, score - whole[:, None], -1.0)
        bin_of = np.argmax(gain, axis=1)
        value = gain[np.arange(count), bin_of]
        better = value > level.gain
        level.gain[better] = value[better]
        level.feature[better] = place
        level.threshold[better] = bin_of[better]
    return level
