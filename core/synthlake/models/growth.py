"""Regression trees are grown level by level, from sums of rows by node and code.

Of the two children of a node the smaller one is counted, and what it leaves of the parent is the
other one (as of histograms in LightGBM: Ke et al. 2017, section 2.1). A feature that splits no node
of a level splits none below, and is not counted again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from synthlake.models.cart import Features, Floats, Index, Tree

_EQUAL = 1e-9  # share by which gains of one split differ, as sums are rounded
_MOST_HELD = 1 << 22  # numbers of a level, of all features, that the next level takes up


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

    @property
    def fewest(self) -> int:
        """Rows that every leaf has, as it has the entities."""
        return max(self.min_rows, int(np.ceil(self.min_entities)))


@dataclass(frozen=True)
class _Given:
    """What a tree is fitted to: see ``grow``; codes of feature i are below ``widths[i]``."""

    features: Features
    target: Floats
    group: NDArray[np.int64] | None
    growth: Growth
    widths: Sequence[int]


@dataclass(frozen=True)
class _Level:
    """Nodes of one level that may be split.

    Attributes:
        nodes: shape (nodes,), their numbers in the tree.
        active: rows of these nodes.
        slot: shape (active,), number of the row's node within the level.
        counted: rows that are counted.
        part: shape (counted,), the number of what each of them is counted for.
        place: shape (nodes,), of each node among what is counted, and then what that leaves.
        parent: of what is counted, its parent's number within the level above.
    """

    nodes: Index
    active: NDArray[np.int64]
    slot: NDArray[np.int64]
    counted: NDArray[np.int64]
    part: NDArray[np.int64]
    place: NDArray[np.int64]
    parent: NDArray[np.int64]

    def whole(self) -> _Level:
        """The level with all its rows counted, for want of its parents' sums."""
        every = np.arange(len(self.nodes))
        return _Level(self.nodes, self.active, self.slot, self.active, self.slot, every, every[:0])


class _Sums:
    """Rows and sums of the outputs by node and code, of all features at one level."""

    def __init__(self, given: _Given, level: _Level, above: _Sums | None) -> None:
        level = level if above else level.whole()
        self._given, self._level, self._above = given, level, above
        self._weights = given.target[:, level.counted]
        self._held: dict[int, Floats] = {}
        self._numbers = 0

    @property
    def features(self) -> list[int]:
        """Those that may split a node."""
        if self._above is not None:
            return list(self._above._held)
        return [place for place, width in enumerate(self._given.widths) if width > 1]

    def of(self, feature: int) -> Floats:
        """Shape (1 + outputs, nodes, width): rows, and sums of each output."""
        level, width = self._level, self._given.widths[feature]
        parts = len(level.parent) or len(level.nodes)
        key = level.part * width + self._given.features[feature][level.counted]
        held = np.empty((1 + len(self._weights), parts, width))
        for into, weights in zip(held, (None, *self._weights), strict=True):
            into[:] = np.bincount(key, weights, parts * width).reshape(parts, width)
        if self._above is None:
            return held
        left = self._above._held[feature][:, level.parent] - held
        left[1:, left[0] == 0] = 0  # what rounding leaves of sums of no row
        return np.concatenate([held, left], axis=1)[:, level.place]

    def hold(self, feature: int, sums: Floats) -> None:
        """Keep what the next level needs, unless it takes too much memory."""
        self._numbers += sums.size
        if self._numbers > _MOST_HELD:
            self._held.clear()
        else:
            self._held[feature] = sums

    def handed_down(self) -> _Sums | None:
        """What the next level begins with; None where it would take too much memory."""
        self._above = None
        return self if self._numbers <= _MOST_HELD else None


class _Search:
    """The best split of each node of a level; the first feature of equals."""

    def __init__(self, given: _Given, level: _Level) -> None:
        nodes = len(level.nodes)
        self._given, self._level = given, level
        self.gain = np.zeros(nodes)
        self.feature = np.full(nodes, -1, np.int16)
        self.threshold = np.zeros(nodes, np.int32)

    def look(self, feature: int, sums: Floats) -> bool:
        """Take a feature's thresholds where they are better; whether any leaves enough rows."""
        below = np.cumsum(sums, axis=2)
        rows, size = below[0, :, :-1], below[0, :, -1:]
        fewest = self._given.growth.fewest
        allowed = (rows >= fewest) & (size - rows >= fewest)
        if not allowed.any():
            return False
        score = np.zeros(rows.shape)
        with np.errstate(divide="ignore", invalid="ignore"):
            for output in below[1:]:
                left, whole = output[:, :-1], output[:, -1:]
                score += left**2 / rows + (whole - left) ** 2 / (size - rows) - whole**2 / size
        gain = np.where(allowed, score, -1.0)
        if self._given.group is not None:  # entities are only counted where they can decide
            better = np.flatnonzero(gain.max(1) > self.gain)
            gain[better] = np.where(self._peopled(feature, better), gain[better], -1.0)
        self._take(feature, gain)
        return True

    def _take(self, feature: int, gain: Floats) -> None:
        threshold = np.argmax(gain, axis=1)
        value = gain[np.arange(len(gain)), threshold]
        better = value > self.gain * (1 + _EQUAL)
        self.gain[better] = value[better]
        self.feature[better] = feature
        self.threshold[better] = threshold[better]

    def _peopled(self, feature: int, nodes: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether both sides of each threshold have the entities, shape (nodes, width - 1).

        An entity is at or below a threshold if its least value is, and above if its greatest is.
        """
        width, least = self._given.widths[feature], self._given.growth.min_entities
        order, begins, node = self._of(nodes)
        if not len(order):
            return np.zeros((len(nodes), width - 1), bool)
        ordered = self._given.features[feature][order]
        counts = []
        for extreme in (np.minimum, np.maximum):
            key = node * width + extreme.reduceat(ordered, begins)
            held = np.bincount(key, minlength=len(nodes) * width).reshape(len(nodes), width)
            counts.append(np.cumsum(held, 1))
        low, high = counts
        return (low[:, :-1] >= least) & (high[:, -1:] - high[:, :-1] >= least)

    def _of(
        self, nodes: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """As ``_entities``, of some nodes alone, which are numbered anew."""
        order, begins, node = self._entities
        if len(nodes) == len(self.gain):
            return order, begins, node
        number = np.full(len(self.gain), -1, np.int64)
        number[nodes] = np.arange(len(nodes))
        kept = number[node] >= 0
        rows = np.diff(begins, append=len(order))
        order = order[np.repeat(kept, rows)]
        rows = rows[kept]
        return order, np.cumsum(rows) - rows, number[node[kept]]

    @cached_property
    def _entities(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Rows in the order of node and entity, where each entity of a node begins, its node."""
        assert self._given.group is not None
        slot, group = self._level.slot, self._given.group[self._level.active]
        order = np.lexsort((group, slot))
        slot, group = slot[order], group[order]
        fresh = np.append(True, (slot[1:] != slot[:-1]) | (group[1:] != group[:-1]))
        begins = np.flatnonzero(fresh)
        return self._level.active[order], begins, slot[begins]


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

    Cost: O(levels x features x outputs x rows), of which each level counts half the rows or fewer.
    """
    rows = features.shape[1]
    nodes: list[list[int]] = [[-1, 0, 0, -1]]  # feature, threshold, left, parent
    node = np.zeros(rows, np.int32)
    floor = max(growth.min_gain * float(np.var(target, axis=1).sum()) * rows, 1e-9)
    widths = [int(f.max(initial=0)) + 1 for f in features]
    given = _Given(features, target, group, growth, widths)
    above: _Sums | None = None
    level = _root(rows, growth)
    for _ in range(growth.max_depth):
        if not len(level.active):
            break
        sums, best = _Sums(given, level, above), _Search(given, level)
        for feature in sums.features:
            counted = sums.of(feature)
            if best.look(feature, counted):
                sums.hold(feature, counted)
        split = np.flatnonzero(best.gain > floor)
        if not len(split):
            break
        for at in split:
            parent = int(level.nodes[at])
            nodes[parent][:3] = [int(best.feature[at]), int(best.threshold[at]), len(nodes)]
            nodes += [[-1, 0, 0, parent], [-1, 0, 0, parent]]
        table = np.asarray(nodes, np.int32)
        active = _of_split(level, split)
        asked = node[active]
        right = features[table[asked, 0], active] > table[asked, 1]
        node[active] = table[asked, 2] + right
        level, above = _below(table, node, active, level, split, growth), sums.handed_down()
    done = np.asarray(nodes, np.int32).reshape(-1, 4)
    parts = [done[:, place].copy() for place in range(4)]
    return Tree(parts[0].astype(np.int16), *parts[1:]), node


def _root(rows: int, growth: Growth) -> _Level:
    """The level of the root, which has no parent."""
    active = np.arange(rows if rows >= 2 * growth.fewest else 0)
    none = np.zeros(len(active), np.int64)
    return _Level(np.zeros(1, np.int32), active, none, active, none, none[:1], none[:0])


def _of_split(level: _Level, split: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows of the nodes that are split."""
    chosen = np.zeros(len(level.nodes), bool)
    chosen[split] = True
    return level.active[chosen[level.slot]]


def _below(
    table: Index, node: Index, active: NDArray[np.int64], level: _Level, split: NDArray[np.int64],
    growth: Growth,
) -> _Level:  # fmt: skip
    """Children with rows for two leaves, as no other one can be split, and what to count of them.

    Args:
        table: feature, threshold, left child and parent of each node of the tree.
        node: of each row.
        active: rows of the nodes that were split.
        level: that of these nodes.
        split: their numbers in it.
        growth: limits.
    """
    left, here = table[level.nodes[split], 2], node[active]
    rows = np.bincount(here, minlength=len(table))
    pairs = np.flatnonzero(np.maximum(rows[left], rows[left + 1]) >= 2 * growth.fewest)
    left = left[pairs]
    small = left + (rows[left + 1] < rows[left])
    large = 2 * left + 1 - small
    place = np.full(len(table), -1, np.int64)
    place[np.concatenate([small, large])] = np.arange(2 * len(pairs))
    nodes = np.concatenate([left, left + 1])
    nodes = nodes[rows[nodes] >= 2 * growth.fewest]
    kept, slot = _numbered(nodes, here, len(table))
    counted, part = _numbered(small, here, len(table))
    return _Level(nodes, active[kept], slot, active[counted], part, place[nodes], split[pairs])


def _numbered(nodes: Index, here: Index, most: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which rows are in some nodes, and in which of them; ``here`` are all rows' nodes."""
    number = np.full(most, -1, np.int64)
    number[nodes] = np.arange(len(nodes))
    found = number[here]
    kept = np.flatnonzero(found >= 0)
    return kept, found[kept]
