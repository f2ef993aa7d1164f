"""What a leaf keeps: ranges of codes that k entities share, and how often each is drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthlake.models.cart import Tree
from synthlake.ports import Codes, Feature

_SHIFT = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)
_NEAR, _SPIKE, _SPIKE_SHARE = 4, 4.0, 0.02  # codes on either side; times their mean; of all rows
_RARE = 1e-4  # share of a leaf below which a folded category is left out


@dataclass(frozen=True)
class Leaves:
    """Cells of all leaves of a tree, leaf after leaf.

    Attributes:
        key: shape (cells,), uint64 ascending: number of the leaf << 32 | share drawn before it.
        first, last: codes of a cell, inclusive; -1 is NULL.
        number: shape (nodes,), number of a leaf by its node; -1 for inner nodes.
        cumulative: shape (codes + 1,), rows before each code in the whole table.

    Privacy: a cell has k entities or more, or is folded into the nearest node where it has.
    """

    key: NDArray[np.uint64]
    first: Codes
    last: Codes
    number: NDArray[np.int32]
    cumulative: NDArray[np.int64]

    def draw(self, node: NDArray[np.int32], words: NDArray[np.uint64]) -> Codes:
        """A code for each row: the upper half of its word picks the cell, the lower the code."""
        leaf = self.number[node].astype(np.uint64) << _SHIFT
        cell = np.searchsorted(self.key, leaf | (words >> _SHIFT), side="right") - 1
        first, last = self.first[cell], self.last[cell]
        out = first.copy()
        wide = np.flatnonzero(last > first)
        if len(wide):
            start = self.cumulative[first[wide]]
            mass = (self.cumulative[last[wide] + 1] - start).astype(np.uint64)
            step = ((words[wide] & _LOW) * mass) >> _SHIFT
            at = start + step.astype(np.int64)
            out[wide] = np.searchsorted(self.cumulative, at, side="right") - 1
        return out


def build_leaves(
    tree: Tree, node: NDArray[np.int32], column: Feature, group: NDArray[np.int64], k: int
) -> Leaves:
    """Cells of the leaves from the rows that fell into them; UNKNOWN codes are passed over."""
    known = column.codes >= -1
    node, codes, group = node[known], column.codes[known], group[known]
    counts = np.bincount(codes[codes >= 0], minlength=column.size)
    cumulative = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    leaves = np.flatnonzero(tree.feature < 0)
    number = np.full(len(tree.feature), -1, np.int32)
    number[leaves] = np.arange(len(leaves))
    if column.ordered:
        parts = _ordered_cells(tree, node, codes, group, (k, _segments(counts)))
    else:
        parts = _category_cells(tree, node, codes, group, k, column.size)
    leaf, first, last, weight = parts
    order = np.lexsort((first, number[leaf]))
    leaf, first, last, weight = number[leaf][order], first[order], last[order], weight[order]
    return Leaves(_keys(leaf, weight, len(leaves)), first.astype(np.int32),
                  last.astype(np.int32), number, cumulative)  # fmt: skip


def _segments(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """A number per code that changes around spikes: a range holds a spike alone, or none.

    Codes of a range are drawn as often as in the whole table; a spike in it, such as 0 among
    small numbers, would be drawn too often wherever it is rare.
    """
    if not len(counts):
        return np.zeros(0, np.int64)
    padded = np.concatenate([[0.0], np.cumsum(counts.astype(float))])
    at = np.arange(len(counts))
    low, high = np.maximum(at - _NEAR, 0), np.minimum(at + _NEAR + 1, len(counts))
    others = (padded[high] - padded[low] - counts) / np.maximum(high - low - 1, 1)
    spike = (counts > _SPIKE * others) & (counts > _SPIKE_SHARE * counts.sum())
    begins = spike | np.append(False, spike[:-1])
    return np.cumsum(begins).astype(np.int64)


def _keys(
    leaf: NDArray[np.int32], weight: NDArray[np.float64], leaves: int
) -> NDArray[np.uint64]:
    """Number of the leaf and the share drawn before each cell."""
    total = np.bincount(leaf, weight, leaves)
    before = np.cumsum(weight) - weight
    starts = np.concatenate([[0.0], np.cumsum(total)])[:-1]
    share = np.clip((before - starts[leaf]) / np.maximum(total[leaf], 1e-300), 0.0, 1.0)
    first_of = np.append(True, leaf[1:] != leaf[:-1]) if len(leaf) else np.zeros(0, bool)
    part = np.where(first_of, 0, np.minimum(share * 2.0**32, 2.0**32 - 1)).astype(np.uint64)
    return (leaf.astype(np.uint64) << _SHIFT) | part


_Cells = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]


def distinct(keys: NDArray[np.int64], group: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Distinct groups per key in [0, size); groups are numbers from 0 (``dense``)."""
    if not len(keys):
        return np.zeros(size, np.int64)
    width = int(group.max()) + 1
    pairs = np.sort(keys.astype(np.int64) * width + group)
    fresh = np.append(True, pairs[1:] != pairs[:-1])
    return np.bincount(pairs[fresh] // width, minlength=size)


def dense(group: NDArray[np.int64]) -> NDArray[np.int64]:
    """The same groups, numbered from 0."""
    return np.unique(group, return_inverse=True)[1].astype(np.int64)


def entity_share(group: NDArray[np.int64]) -> NDArray[np.float64]:
    """1 / rows of each row's entity: a sum over rows is at most their distinct entities."""
    sizes = np.bincount(group)
    return 1.0 / sizes[group]


def _ordered_cells(
    tree: Tree, node: NDArray[np.int32], codes: Codes, group: NDArray[np.int64],
    limits: tuple[int, NDArray[np.int64]],
) -> _Cells:  # fmt: skip
    """NULL by folded rates; the rest as ranges of codes with k entities each.

    What lies scattered between codes that stand alone, fewer than k, is drawn as in the node
    above, or else as in the whole table.
    """
    null_share = _null_shares(tree, node, codes < 0, group, limits[0])
    there = codes >= 0
    node, codes, group = node[there], codes[there], group[there]
    up = np.where(tree.parent[node] >= 0, tree.parent[node], 0)
    base = _Ranges.of(np.zeros(len(node), np.int32), codes, group, limits, len(tree.feature))
    above = _Ranges.of(up.astype(np.int32), codes, group, limits, len(tree.feature)).filled(base, None)
    cells = _Ranges.of(node, codes, group, limits, len(tree.feature)).filled(above, tree.parent)
    leaves = np.flatnonzero(tree.feature < 0)
    leaf, first, last, weight = cells.of_nodes(leaves, base)
    total = np.bincount(leaf, weight, len(tree.feature))
    weight = weight / total[leaf] * (1.0 - null_share[leaf])
    nulls = leaves[(null_share[leaves] > 0) | ~np.isin(leaves, leaf)]
    mass = np.where(np.isin(nulls, leaf), null_share[nulls], 1.0)
    gone = np.full(len(nulls), -1, np.int32)
    return (np.concatenate([leaf, nulls.astype(np.int32)]), np.concatenate([first, gone]),
            np.concatenate([last, gone]), np.concatenate([weight, mass]))  # fmt: skip


@dataclass(frozen=True)
class _Ranges:
    """Ranges of codes of some nodes, node after node.

    Attributes:
        start: shape (nodes + 1,), where the ranges of a node begin.
        scattered: shape (nodes,), rows that are in no range.
    """

    start: NDArray[np.int64]
    first: Codes
    last: Codes
    weight: NDArray[np.float64]
    scattered: NDArray[np.float64]

    @classmethod
    def of(
        cls, node: NDArray[np.int32], codes: Codes, group: NDArray[np.int64],
        limits: tuple[int, NDArray[np.int64]], nodes: int,
    ) -> _Ranges:  # fmt: skip
        """Ranges of the nodes that rows lie in; ``limits``: k, and the segment of each code."""
        k, segment = limits
        order = np.lexsort((codes, node))
        node, codes, group = node[order], codes[order], group[order]
        cell, heavy = _first_cut(node, codes, group, limits)
        dead = np.zeros(len(heavy), bool)
        for _ in range(64):
            start = np.searchsorted(cell, np.arange(len(heavy)))
            weak = (distinct(cell, group, len(heavy)) < k) & ~dead
            if not weak.any():
                break
            zone = node[start].astype(np.int64) * (len(segment) + 1) + segment[codes[start]]
            before, after = _neighbours(zone, heavy | dead)
            joins = np.zeros(len(heavy) + 1, bool)  # True: a cell belongs to the one before it
            joins[np.flatnonzero(weak & before)] = True
            joins[np.flatnonzero(weak & ~before & after) + 1] = True
            dead |= weak & ~before & ~after
            kept = ~joins[: len(heavy)]
            cell = (np.cumsum(kept) - 1)[cell]
            heavy, dead = heavy[kept], dead[kept]
        edges = np.searchsorted(cell, np.arange(len(heavy) + 1))
        owner, rows = node[edges[:-1]], np.diff(edges).astype(float)
        good = ~dead
        return cls(
            np.searchsorted(owner[good], np.arange(nodes + 1)), codes[edges[:-1]][good],
            codes[edges[1:] - 1][good], rows[good], np.bincount(owner[dead], rows[dead], nodes),
        )  # fmt: skip

    def filled(self, other: _Ranges, parent: NDArray[np.int32] | None) -> _Ranges:
        """The same with scattered rows given to the ranges of the node above (or of the root)."""
        parts = [(np.repeat(np.arange(len(self.scattered)), np.diff(self.start)),
                  self.first, self.last, self.weight)]  # fmt: skip
        for node in np.flatnonzero(self.scattered > 0):
            up = int(parent[node]) if parent is not None else 0
            part = slice(other.start[max(up, 0)], other.start[max(up, 0) + 1])
            total = other.weight[part].sum()
            if total > 0:
                share = other.weight[part] / total * self.scattered[node]
                owner = np.full(len(share), node)
                parts.append((owner, other.first[part], other.last[part], share))
        owner, first, last, weight = (np.concatenate(p) for p in zip(*parts, strict=True))
        order = np.argsort(owner, kind="stable")
        start = np.searchsorted(owner[order], np.arange(len(self.scattered) + 1))
        return _Ranges(start, first[order], last[order], weight[order], self.scattered * 0)

    def of_nodes(self, nodes: NDArray[np.int64], other: _Ranges) -> _Cells:
        """Ranges of some nodes; one without any takes those of the root."""
        parts = []
        for node in nodes:
            source, at = (self, node) if self.start[node] < self.start[node + 1] else (other, 0)
            part = slice(source.start[at], source.start[at + 1])
            owner = np.full(part.stop - part.start, node, np.int32)
            parts.append((owner, source.first[part], source.last[part], source.weight[part]))
        leaf, first, last, weight = (np.concatenate(p) for p in zip(*parts, strict=True))
        return leaf, first, last, weight


def _neighbours(
    owner: NDArray[np.int64], closed: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether the cell before, and the one after, is of the same node and open to be joined."""
    same = owner[1:] == owner[:-1]
    return np.append(False, same & ~closed[:-1]), np.append(same & ~closed[1:], False)


def _first_cut(
    node: NDArray[np.int32], codes: Codes, group: NDArray[np.int64],
    limits: tuple[int, NDArray[np.int64]],
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:  # fmt: skip
    """Cells of about k rows along sorted codes, and which of them are one code with k entities."""
    rows, (k, segment) = len(node), limits
    if not rows:
        return np.zeros(0, np.int64), np.zeros(0, bool)
    fresh_node = np.append(True, node[1:] != node[:-1])
    fresh = fresh_node | np.append(True, codes[1:] != codes[:-1])
    run = np.cumsum(fresh) - 1
    run_start = np.flatnonzero(fresh)
    heavy = distinct(run, group, len(run_start)) >= k
    node_start = np.maximum.accumulate(np.where(fresh_node, np.arange(rows), 0))[run_start]
    window = (run_start - node_start) // max(k + k // 4, 1)
    heads, part = node[run_start], segment[codes[run_start]]
    begins = np.append(
        True, (heads[1:] != heads[:-1]) | (window[1:] != window[:-1]) | (part[1:] != part[:-1])
    )
    begins |= heavy | np.append(False, heavy[:-1])
    cells: NDArray[np.int64] = (np.cumsum(begins) - 1)[run]
    return cells, heavy[begins]


def _null_shares(
    tree: Tree, node: NDArray[np.int32], null: NDArray[np.bool_], group: NDArray[np.int64], k: int
) -> NDArray[np.float64]:
    """Share of NULL per node."""
    matrix = _folded(tree, node, null.astype(np.int32), group, k, 2)
    total = matrix.sum(1)
    return np.where(total > 0, matrix[:, 1] / np.maximum(total, 1e-300), 0.0)


def _category_cells(
    tree: Tree, node: NDArray[np.int32], codes: Codes, group: NDArray[np.int64], k: int, size: int
) -> _Cells:
    """One cell a category; NULL is a category like the others."""
    matrix = _folded(tree, node, codes + 1, group, k, size + 1)
    leaves = np.flatnonzero(tree.feature < 0)
    part = matrix[leaves]
    part = np.where(part >= _RARE * part.sum(1, keepdims=True), part, 0.0)
    empty = part.sum(1) == 0
    part[empty, 0] = 1.0  # no category has support anywhere: NULL is all that may be said
    row, code = np.nonzero(part)
    code = (code - 1).astype(np.int32)
    return leaves[row].astype(np.int32), code, code, part[row, code + 1]


def _folded(
    tree: Tree, node: NDArray[np.int32], codes: Codes, group: NDArray[np.int64], k: int, size: int
) -> NDArray[np.float64]:
    """Rows per (node, category), where cells below k entities take the rate of the node above.

    The folded cells of a category are scaled by one factor, so that its rows over all leaves are
    as many as it has.
    """
    nodes = len(tree.feature)
    key = node.astype(np.int64) * size + codes
    shape = (nodes, size)
    rows = np.bincount(key, minlength=nodes * size).reshape(shape).astype(float)
    people = distinct(key, group, nodes * size).reshape(shape).astype(float)
    least = np.bincount(key, entity_share(group), nodes * size).reshape(shape)
    for child in range(nodes - 1, 0, -1):  # a node has at least the entities of either child
        up = int(tree.parent[child])
        rows[up] += rows[child]
        least[up] += least[child]
        people[up] = np.maximum(np.maximum(people[up], people[child]), np.floor(least[up] + 1e-9))
    people[0] = distinct(codes.astype(np.int64), group, size)
    supported = people >= k
    made = np.where(supported, rows, 0.0)
    total = rows.sum(1)
    for child in range(1, nodes):  # parents come before children
        up = int(tree.parent[child])
        rate = made[up] / max(made[up].sum(), 1e-300)
        made[child] = np.where(supported[child], rows[child], rate * total[child])
    leaves = np.flatnonzero(tree.feature < 0)
    folded = ~supported[leaves]
    given = np.where(folded, made[leaves], 0.0).sum(0)
    wanted = np.where(supported[0], rows[0], 0.0) - np.where(folded, 0.0, rows[leaves]).sum(0)
    factor = np.where(given > 0, np.clip(wanted, 0.0, None) / np.maximum(given, 1e-300), 0.0)
    made[leaves] = np.where(folded, made[leaves] * factor, made[leaves])
    return made
