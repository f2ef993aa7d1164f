"""Ordered codes of a leaf: those that k entities share, and ranges for what lies between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthlake.models.cart import Tree
from synthlake.models.support import distinct
from synthlake.ports import Codes

Index = NDArray[np.int64]
Floats = NDArray[np.float64]
_NEAR, _TIMES, _SHARE = 4, 4.0, 0.02  # of a spike: codes on either side, their mean, of all rows


@dataclass(frozen=True)
class Cells:
    """Ranges of codes, by node.

    Attributes:
        node: shape (cells,), whose range.
        first, last: shape (cells,), codes, inclusive.
        weight: shape (cells,), rows.
        alone: shape (cells,), whether it is one code with k entities of its own.
    """

    node: Index
    first: Codes
    last: Codes
    weight: Floats
    alone: NDArray[np.bool_]

    def of(self, kept: NDArray[np.bool_]) -> Cells:
        """Some of the cells."""
        return Cells(*(part[kept] for part in self._parts))

    def sorted(self) -> Cells:
        """Node after node."""
        order = np.argsort(self.node, kind="stable")
        return Cells(*(part[order] for part in self._parts))

    def at(self, node: int) -> Cells:
        """Cells of one node; cells are sorted."""
        start, stop = np.searchsorted(self.node, [node, node + 1])
        return Cells(*(part[start:stop] for part in self._parts))

    @property
    def _parts(self) -> tuple[NDArray[Any], ...]:
        return self.node, self.first, self.last, self.weight, self.alone


@dataclass(frozen=True)
class Thin:
    """Nodes in which some rows are in no range, as they belong to fewer than k entities.

    Attributes:
        node: shape (nodes,).
        rows: shape (nodes,), all rows of each.
        most: shape (nodes,), rows that half of k entities have.
    """

    node: Index
    rows: Floats
    most: Floats


@dataclass(frozen=True)
class Scale:
    """The codes of a column.

    Attributes:
        cumulative: shape (codes + 1,), rows before each code in the whole table.
        spike: shape (codes,), whether a code is far more frequent than those around it: drawn as
            one of a range, it would be too frequent wherever it is rare.
    """

    cumulative: Index
    spike: NDArray[np.bool_]

    @classmethod
    def of(cls, cumulative: Index) -> Scale:
        """Find the spikes."""
        counts, size = np.diff(cumulative), len(cumulative) - 1
        at = np.arange(size)
        low, high = np.maximum(at - _NEAR, 0), np.minimum(at + _NEAR + 1, size)
        near = cumulative[high] - cumulative[low] - counts
        mean = near / np.maximum(high - low - 1, 1)
        return cls(cumulative, (counts > _TIMES * mean) & (counts > _SHARE * cumulative[-1]))


def joined(parts: list[Cells]) -> Cells:
    """Cells of several lists, node after node."""
    whole = [np.concatenate(part) for part in zip(*(p._parts for p in parts), strict=True)]
    return Cells(*whole).sorted()


def ordered_ranges(
    tree: Tree, node: NDArray[np.int32], codes: Codes, group: Index, k: int, scale: Scale
) -> Cells:
    """Ranges of all leaves that have rows, and of node 0 as if it were a leaf.

    Args:
        tree: of the leaves.
        node: shape (rows,), leaf of each row.
        codes: shape (rows,), without NULL and spikes.
        group: entity of each row, numbered from 0.
        k: least entities.
        scale: of the column.

    Privacy: a code stands alone if k entities share it in a leaf. Of all others, neighbours are
    counted together until they have k entities, and what those share is spread as in the whole
    table. Where all others have fewer, they are drawn as in the node above.
    """
    own, thin = _ranges(node.astype(np.int64), codes, group, k, scale)
    whole, _ = _ranges(np.zeros(len(node), np.int64), codes, group, k, scale)
    if len(tree.feature) == 1:
        return whole
    wanted = np.zeros(len(tree.feature), bool)
    wanted[tree.parent[thin.node]] = True
    rows, up = _beneath(tree, node, wanted)
    above, poor = _ranges(up, codes[rows], group[rows], k, scale)
    above = _filled(above, poor, whole, np.zeros(len(tree.feature), np.int64))
    return joined([_filled(own, thin, above, tree.parent), whole.of(whole.node == 0)])


def _beneath(tree: Tree, node: NDArray[np.int32], wanted: NDArray[np.bool_]) -> tuple[Index, Index]:
    """Rows of wanted inner nodes, and the node of each."""
    rows, found = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    at, place = np.arange(len(node)), tree.parent[node]
    while len(at):
        here = wanted[place]
        rows.append(at[here])
        found.append(place[here].astype(np.int64))
        going = place > 0
        at, place = at[going], tree.parent[place[going]]
    return np.concatenate(rows), np.concatenate(found)


def _ranges(node: Index, codes: Codes, group: Index, k: int, scale: Scale) -> tuple[Cells, Thin]:
    """Cells of nodes from their own rows alone, and the nodes where some rows are left over."""
    order = np.lexsort((codes, node))
    node, codes, group = node[order], codes[order], group[order]
    key = node * len(scale.spike) + codes
    fresh = np.append(True, key[1:] != key[:-1])[: len(key)]
    run = np.cumsum(fresh) - 1
    alone = distinct(run, group, int(fresh.sum())) >= k
    start = np.flatnonzero(fresh)[alone]
    many = np.bincount(run, minlength=len(alone))[alone].astype(float)
    points = Cells(node[start], codes[start], codes[start], many, np.ones(len(start), bool))
    light = ~alone[run]
    window = _windows(node[light], run[light], group[light], k)
    windows, left = _bundled(node[light], codes[light], window, group[light], k)
    cells = joined([points, _pieces(windows, points, scale)])
    return cells, _thin(node, group, left, k)


def _thin(node: Index, group: Index, left: Index, k: int) -> Thin:
    nodes = int(node.max(initial=-1)) + 1
    rows = np.bincount(node, minlength=nodes).astype(float)[left]
    people = distinct(node, group, nodes)[left]
    return Thin(left, rows, rows / np.maximum(people, 1) * k / 2)


def _windows(node: Index, run: Index, group: Index, k: int) -> Index:
    """A number for each light row; rows of one number are neighbours with k entities.

    A node has one number with fewer only if all its light rows together have fewer.
    """
    rows = len(node)
    if not rows:
        return np.zeros(0, np.int64)
    begins = np.append(True, run[1:] != run[:-1])
    fresh_node = np.append(True, node[1:] != node[:-1])
    node_start = np.maximum.accumulate(np.where(fresh_node, np.arange(rows), 0))
    run_start = np.maximum.accumulate(np.where(begins, np.arange(rows), 0))
    block = (run_start - node_start) // k
    window = np.cumsum(fresh_node | np.append(True, block[1:] != block[:-1])) - 1
    while True:
        count = int(window[-1]) + 1
        owner = node[np.searchsorted(window, np.arange(count))]
        joins = _joins(distinct(window, group, count) < k, owner)
        if not joins.any():
            return window
        window = (np.cumsum(~joins) - 1)[window]


def _joins(weak: NDArray[np.bool_], owner: Index) -> NDArray[np.bool_]:
    """Which windows join the one before them: pairs of weak ones, and a weak one left alone."""
    same: NDArray[np.bool_] = np.append(False, owner[1:] == owner[:-1])
    follows = weak & np.append(False, weak[:-1]) & same  # the one before is weak as well
    place = np.arange(len(weak))
    start = np.maximum.accumulate(np.where(weak & ~follows, place, 0))
    second = follows & ((place - start) % 2 == 1)
    paired = second | np.append(second[1:], False)
    single = weak & ~paired
    joins: NDArray[np.bool_] = second | (single & same)
    behind = single & ~same & np.append(same[1:], False)
    joins[np.flatnonzero(behind) + 1] = True
    return joins


def _bundled(node: Index, codes: Codes, window: Index, group: Index, k: int) -> tuple[Cells, Index]:
    """Windows as cells, and the nodes of those with fewer than k entities."""
    count = int(window[-1]) + 1 if len(window) else 0
    edge = np.searchsorted(window, np.arange(count + 1))
    good = distinct(window, group, count) >= k
    cells = Cells(node[edge[:-1]], codes[edge[:-1]], codes[edge[1:] - 1],
                  np.diff(edge).astype(float), np.zeros(count, bool))  # fmt: skip
    return cells.of(good), cells.node[~good]


def _pieces(windows: Cells, points: Cells, scale: Scale) -> Cells:
    """Windows without spikes and codes that stand alone, weighted by the whole table."""
    cumulative, size = scale.cumulative, len(scale.spike)
    spikes, nodes = np.flatnonzero(scale.spike), np.unique(windows.node)
    key = np.unique(np.concatenate([
        points.node * size + points.first, (nodes[:, None] * size + spikes[None, :]).ravel()
    ]))  # fmt: skip
    low = np.searchsorted(key, windows.node * size + windows.first)
    high = np.searchsorted(key, windows.node * size + windows.last, side="right")
    count = high - low + 1
    owner = np.repeat(np.arange(len(count)), count)
    place = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    codes = np.append(key, 0) % max(size, 1)
    first = np.where(place > 0, codes[low[owner] + place - 1] + 1, windows.first[owner])
    last = np.where(place < count[owner] - 1, codes[low[owner] + place] - 1, windows.last[owner])
    mass = np.where(first <= last, cumulative[np.maximum(last + 1, first)] - cumulative[first], 0)
    total = np.bincount(owner, mass, len(count))
    weight = windows.weight[owner] * mass / np.maximum(total, 1)[owner]
    made = Cells(windows.node[owner], first.astype(np.int32), last.astype(np.int32), weight,
                 np.zeros(len(owner), bool))  # fmt: skip
    return made.of(mass > 0)


def _filled(cells: Cells, thin: Thin, other: Cells, up: NDArray[Any]) -> Cells:
    """Cells with what is left over in some nodes drawn as in the nodes above them."""
    parts = [cells]
    for node, rows, most in zip(thin.node, thin.rows, thin.most, strict=True):
        own, given = cells.at(int(node)), other.at(int(up[node]))
        fits = ~(given.alone & np.isin(given.first, own.first[own.alone]))
        share = given.weight / max(float(given.weight.sum()), 1e-300)
        mass = float(share[fits].sum())
        if mass <= 0:
            continue
        weight = share[fits] / mass * min(mass * rows, most)
        count = int(fits.sum())
        parts.append(Cells(np.full(count, node), given.first[fits], given.last[fits], weight,
                           np.zeros(count, bool)))  # fmt: skip
    return joined(parts)
