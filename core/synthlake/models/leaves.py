"""What a leaf keeps: ranges of codes that k entities share, and how often each is drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthlake.models.cart import Tree
from synthlake.ports import Codes, Feature

_SHIFT = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)
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
        parts = _ordered_cells(tree, node, codes, group, k)
    else:
        parts = _category_cells(tree, node, codes, group, k, column.size)
    leaf, first, last, weight = parts
    order = np.lexsort((first, number[leaf]))
    leaf, first, last, weight = number[leaf][order], first[order], last[order], weight[order]
    return Leaves(_keys(leaf, weight, len(leaves)), first.astype(np.int32),
                  last.astype(np.int32), number, cumulative)  # fmt: skip


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
    """Distinct groups per key in [0, size)."""
    _, dense = np.unique(group, return_inverse=True)
    pairs = np.unique(keys * (int(dense.max(initial=0)) + 1) + dense)
    return np.bincount(pairs // (int(dense.max(initial=0)) + 1), minlength=size)


def entity_share(group: NDArray[np.int64]) -> NDArray[np.float64]:
    """1 / rows of each row's entity: a sum over rows is at most their distinct entities."""
    _, place, sizes = np.unique(group, return_inverse=True, return_counts=True)
    return 1.0 / sizes[place]


def _ordered_cells(
    tree: Tree, node: NDArray[np.int32], codes: Codes, group: NDArray[np.int64], k: int
) -> _Cells:
    """NULL by folded rates; the rest as ranges of codes with k entities each."""
    null_share = _null_shares(tree, node, codes < 0, group, k)
    there = codes >= 0
    node, codes, group = node[there], codes[there], group[there]
    while True:  # leaves without support use the rows of the node above
        leaf, first, last, weight, weak = _ranges(node, codes, group, k)
        if not len(weak) or (tree.parent[weak] < 0).all():
            break
        node = np.where(np.isin(node, weak) & (tree.parent[node] >= 0), tree.parent[node], node)
    leaf, first, last, weight = _spread(tree, leaf, first, last, weight)
    total = np.bincount(leaf, weight, len(tree.feature))
    share = null_share[leaf]
    weight = weight / total[leaf] * (1.0 - share)
    leaves = np.flatnonzero(tree.feature < 0)
    nulls = leaves[(null_share[leaves] > 0) | ~np.isin(leaves, leaf)]
    mass = np.where(np.isin(nulls, leaf), null_share[nulls], 1.0)
    gone = np.full(len(nulls), -1, np.int32)
    return (np.concatenate([leaf, nulls.astype(np.int32)]), np.concatenate([first, gone]),
            np.concatenate([last, gone]), np.concatenate([weight, mass]))  # fmt: skip


def _spread(
    tree: Tree, node: NDArray[np.int32], first: Codes, last: Codes, weight: NDArray[np.float64]
) -> _Cells:
    """Cells of leaves; a leaf without any takes those of the nearest node above that has some."""
    order = np.argsort(node, kind="stable")
    node, first, last, weight = node[order], first[order], last[order], weight[order]
    start = np.searchsorted(node, np.arange(len(tree.feature) + 1))
    leaves, places = [], []
    for leaf in np.flatnonzero(tree.feature < 0):
        at = int(leaf)
        while at >= 0 and start[at] == start[at + 1]:
            at = int(tree.parent[at])
        if at >= 0:
            found = np.arange(start[at], start[at + 1])
            places.append(found)
            leaves.append(np.full(len(found), leaf, np.int32))
    if not places:
        return node[:0], first[:0], last[:0], weight[:0]
    rows = np.concatenate(places)
    return np.concatenate(leaves), first[rows], last[rows], weight[rows]


def _ranges(
    node: NDArray[np.int32], codes: Codes, group: NDArray[np.int64], k: int
) -> tuple[NDArray[np.int32], Codes, Codes, NDArray[np.float64], NDArray[np.int32]]:
    """Ranges of codes per node, and the nodes in which not even one range has support."""
    order = np.lexsort((codes, node))
    node, codes, group = node[order], codes[order], group[order]
    cell = _first_cut(node, codes, group, k)
    for _ in range(64):
        size = int(cell.max(initial=-1)) + 1
        enough = distinct(cell, group, size) >= k
        start = np.searchsorted(cell, np.arange(size))
        owner = node[start] if size else node[:0]
        alone = np.append(True, owner[1:] != owner[:-1]) & np.append(owner[1:] != owner[:-1], True)
        weak = np.flatnonzero(~enough & ~alone[: len(enough)])
        if not len(weak):
            break
        head = np.append(True, owner[1:] != owner[:-1])
        joins = np.zeros(size + 1, bool)  # True: this cell belongs to the one before it
        joins[weak[~head[weak]]] = True
        joins[weak[head[weak]] + 1] = True
        joins[:size][head] = False
        cell = (np.cumsum(~joins[:size]) - 1)[cell]
    size = int(cell.max(initial=-1)) + 1
    start = np.searchsorted(cell, np.arange(size + 1))
    owner = node[start[:-1]]
    enough = distinct(cell, group, size) >= k
    first, last = codes[start[:-1]], codes[start[1:] - 1]
    weight = np.diff(start).astype(float)
    return owner[enough], first[enough], last[enough], weight[enough], np.unique(owner[~enough])


def _first_cut(
    node: NDArray[np.int32], codes: Codes, group: NDArray[np.int64], k: int
) -> NDArray[np.int64]:
    """Cells of about k rows along sorted codes; a code with k entities stands alone."""
    rows = len(node)
    if not rows:
        return np.zeros(0, np.int64)
    fresh_node = np.append(True, node[1:] != node[:-1])
    fresh = fresh_node | np.append(True, codes[1:] != codes[:-1])
    run = np.cumsum(fresh) - 1
    run_start = np.flatnonzero(fresh)
    heavy = distinct(run, group, len(run_start)) >= k
    node_start = np.maximum.accumulate(np.where(fresh_node, np.arange(rows), 0))[run_start]
    window = (run_start - node_start) // max(k + k // 4, 1)
    begins = np.append(True, (node[run_start][1:] != node[run_start][:-1]) | (window[1:] != window[:-1]))
    begins |= heavy | np.append(False, heavy[:-1])
    cells: NDArray[np.int64] = (np.cumsum(begins) - 1)[run]
    return cells


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
