"""What a leaf keeps: ranges of codes that k entities share, and how often each is drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthlake.models.cart import Tree
from synthlake.models.folding import folded
from synthlake.models.ranges import Cells, Scale, ordered_ranges
from synthlake.ports import Codes, Feature

_SHIFT = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)
_NEAR, _SPIKE, _SPIKE_SHARE = 4, 4.0, 0.02  # codes on either side; times their mean; of all rows
_RARE = 1e-3  # share of a leaf below which cells are gathered in fewer leaves, if there are
_MANY = 1_000_000  # of them


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
    """Cells of the leaves from the rows that fell into them.

    An UNKNOWN code counts as no NULL and otherwise as unseen.
    """
    counts = np.bincount(column.codes[column.codes >= 0], minlength=column.size)
    cumulative = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    leaves = np.flatnonzero(tree.feature < 0)
    number = np.full(len(tree.feature), -1, np.int32)
    number[leaves] = np.arange(len(leaves))
    nulls = folded(tree, node, (column.codes == -1).astype(np.int32), group, k, 2)
    null_share = nulls[:, 1] / np.maximum(nulls.sum(1), 1e-300)
    known = column.codes >= 0
    seen = (node[known], column.codes[known], group[known])
    if column.ordered:
        cells = _ordered_cells(tree, seen, k, cumulative, number)
    else:
        cells = _category_cells(tree, seen, k, column.size)
    return _packed(cells, null_share, number, cumulative)


_Rows = tuple[NDArray[np.int32], Codes, NDArray[np.int64]]  # node, code and entity of each
_Cells = tuple[NDArray[np.int32], Codes, Codes, NDArray[np.float64]]  # leaf, first, last, weight


def _packed(
    cells: _Cells, null_share: NDArray[np.float64], number: NDArray[np.int32],
    cumulative: NDArray[np.int64],
) -> Leaves:  # fmt: skip
    """Cells and shares of NULL as leaves; one without any cell can only say NULL."""
    leaf, first, last, weight = cells
    leaves = len(null_share)
    total = np.bincount(leaf, weight, leaves)
    weight = weight / np.maximum(total, 1e-300)[leaf] * (1.0 - null_share[leaf])
    null_share = np.where(total > 0, null_share, 1.0)
    nulls = np.flatnonzero(null_share > 0).astype(np.int32)
    gone = np.full(len(nulls), -1, np.int32)
    leaf, first = np.concatenate([leaf, nulls]), np.concatenate([first, gone])
    last, weight = np.concatenate([last, gone]), np.concatenate([weight, null_share[nulls]])
    there = weight > 0
    leaf, first, last, weight = leaf[there], first[there], last[there], weight[there]
    order = np.lexsort((first, leaf))
    return Leaves(_keys(leaf[order], weight[order], leaves), first[order].astype(np.int32),
                  last[order].astype(np.int32), number, cumulative)  # fmt: skip


def _keys(leaf: NDArray[np.int32], weight: NDArray[np.float64], leaves: int) -> NDArray[np.uint64]:
    """Number of the leaf and the share drawn before each cell."""
    total = np.bincount(leaf, weight, leaves)
    before = np.cumsum(weight) - weight
    starts = np.concatenate([[0.0], np.cumsum(total)])[:-1]
    share = np.clip((before - starts[leaf]) / np.maximum(total[leaf], 1e-300), 0.0, 1.0)
    first_of = np.append(True, leaf[1:] != leaf[:-1]) if len(leaf) else np.zeros(0, bool)
    part = np.where(first_of, 0, np.minimum(share * 2.0**32, 2.0**32 - 1)).astype(np.uint64)
    return (leaf.astype(np.uint64) << _SHIFT) | part


def _ordered_cells(
    tree: Tree, seen: _Rows, k: int, cumulative: NDArray[np.int64], number: NDArray[np.int32]
) -> _Cells:
    """Spikes as categories, and ranges of all other codes."""
    node, codes, group = seen
    scale = Scale.of(cumulative)
    spikes = np.flatnonzero(scale.spike).astype(np.int32)
    rest = len(spikes)
    kind = np.where(scale.spike[codes], np.searchsorted(spikes, codes), rest).astype(np.int32)
    rows = folded(tree, node, kind, group, k, rest + 1)
    plain = kind == rest
    other = ordered_ranges(tree, node[plain], codes[plain], group[plain], k, scale)
    leaf, first, last, weight = _of_leaves(other, number)
    weight = weight / np.bincount(leaf, weight, len(rows))[leaf] * rows[leaf, rest]
    at, spike = np.nonzero(rows[:, :rest])
    found = spikes[spike]
    return (np.concatenate([leaf, at.astype(np.int32)]), np.concatenate([first, found]),
            np.concatenate([last, found]), np.concatenate([weight, rows[at, spike]]))  # fmt: skip


def _of_leaves(cells: Cells, number: NDArray[np.int32]) -> _Cells:
    """Ranges by number of the leaf; a leaf without any takes those of the whole table."""
    leaf = number[cells.node]
    parts = [(leaf, cells.first, cells.last, cells.weight)]
    whole = cells.at(0)
    for missing in np.setdiff1d(number[number >= 0], leaf):
        where = np.full(len(whole.node), missing, np.int32)
        parts.append((where, whole.first, whole.last, whole.weight))
    leaf, first, last, weight = (np.concatenate(p) for p in zip(*parts, strict=True))
    kept = leaf >= 0
    return leaf[kept], first[kept], last[kept], weight[kept]


def _category_cells(tree: Tree, seen: _Rows, k: int, size: int) -> _Cells:
    """One cell a category; a leaf in which no category is known takes those of the whole table."""
    node, codes, group = seen
    if not size or not len(codes):
        none = np.zeros(0, np.int32)
        return none, none, none, np.zeros(0)
    rows = folded(tree, node, codes, group, k, size)
    rows = np.where(rows.sum(1, keepdims=True) > 0, rows, rows.sum(0))
    rows = _thinned(rows)
    leaf, code = np.nonzero(rows)
    found = code.astype(np.int32)
    return leaf.astype(np.int32), found, found, rows[leaf, code]


def _thinned(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows per leaf and category, where many tiny cells of a category become few larger ones.

    A category keeps its rows over all leaves; an artifact holds at most ``1 / _RARE`` cells a leaf.
    """
    if rows.size < _MANY:
        return rows
    least = _RARE * rows.sum(1, keepdims=True)
    tiny = (rows > 0) & (rows < least)
    filled = np.cumsum(np.where(tiny, rows / np.maximum(least, 1e-300), 0.0), axis=0)
    steps = np.floor(filled + 0.5)
    kept = tiny & (np.diff(steps, axis=0, prepend=0.0) > 0)
    return np.where(tiny, np.where(kept, least, 0.0), rows)
