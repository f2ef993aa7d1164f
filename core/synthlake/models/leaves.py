"""What a leaf keeps: ranges of codes that k entities share, and how often each is drawn."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthlake.models.cart import Tree
from synthlake.models.guide import LOW, SHIFT, CellGuide, CodeGuide, first_codes, wide
from synthlake.models.histograms import Floats, Rows, histograms
from synthlake.models.support import distinct, known
from synthlake.ports import Codes, Feature

_WIDTH = 384  # positions of a column
_GRAIN = 8  # steps of density in which neighbours are equal, a factor of two


@dataclass(frozen=True)
class Leaves:
    """Cells of all leaves of a tree, leaf after leaf.

    Attributes:
        key: shape (cells,), uint64 ascending: number of the leaf << 32 | share drawn before it.
        first, last: codes of a cell, inclusive; -1 is NULL.
        number: shape (nodes,), number of a leaf by its node; -1 for inner nodes.
        cumulative: shape (codes + 1,), rows before each code in the whole table.
        code: shape (codes,), which code each number stands for: many categories are numbered so
            that neighbours are alike; empty where every code is its own number.
        rows: shape (leaves,), rows of each leaf as a multiple of k, by which it is weighed against
            further rows; 0 for one of fewer than k entities, empty where nobody has counted.

    Privacy: a cell has k entities or more, or is folded into the nearest node where it has. Rows
        are rounded, so that leaves of several columns do not differ by single rows.
    """

    key: NDArray[np.uint64]
    first: Codes
    last: Codes
    number: NDArray[np.int32]
    cumulative: NDArray[np.int64]
    code: Codes
    rows: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    def draw(self, node: NDArray[np.int32], words: NDArray[np.uint64]) -> Codes:
        """A code for each row: the upper half of its word picks the cell, the lower the code."""
        record, cell = self._cells.find(node, (words >> SHIFT).view(np.int64))
        out = first_codes(record)
        rows = wide(record)
        if len(rows):
            last = self.last.take(cell[rows], mode="clip")
            out[rows] = self._codes.draw(out[rows], last, words[rows] & LOW)
        return self._named.take(out, mode="wrap") if len(self.code) else out

    def probability(self, node: NDArray[np.int32], codes: Codes) -> Floats:
        """How likely each row's leaf draws its code (-1 is NULL)."""
        if not len(self.key):
            return np.zeros(len(codes))
        number = self.numbers(codes)
        order = (self.key & ~LOW) | (self.first + 1).astype(np.uint64)
        wanted = (self.number[node].astype(np.uint64) << SHIFT) | (number + 1).astype(np.uint64)
        cell = np.maximum(np.searchsorted(order, wanted, side="right") - 1, 0)
        same = (self.key[cell] >> SHIFT) == (wanted >> SHIFT)
        inside = same & (self.first[cell] <= number) & (number <= self.last[cell])
        first, last = np.maximum(self.first[cell], 0), np.maximum(self.last[cell], 0)
        most = len(self.cumulative) - 1  # no code at all where all is NULL
        rows = self.cumulative[np.minimum(last + 1, most)] - self.cumulative[first]
        at = np.clip(number, 0, len(self.cumulative) - 2)
        own = self.cumulative[at + 1] - self.cumulative[at]
        part = np.where(number < 0, 1.0, own / np.maximum(rows, 1))
        return np.where(inside, self.weights[cell] * part, 0.0)

    def numbers(self, codes: Codes) -> Codes:
        """The number of each code among ``cumulative`` and the cells; NULL stays."""
        return np.where(codes < 0, codes, self._numbers[codes]) if len(self.code) else codes

    def frequency(self, codes: Codes) -> Floats:
        """How frequent each code is in the whole table; NULL counts as a code among others."""
        size = len(self.cumulative) - 1
        at = np.clip(self.numbers(codes), 0, max(size - 1, 0))
        own = self.cumulative[at + 1] - self.cumulative[at] if size else np.zeros(len(codes))
        share = own / max(float(self.cumulative[-1]), 1.0)
        return np.where(codes < 0, 1 / (size + 1), share)

    @cached_property
    def _numbers(self) -> Codes:
        """The number of each code."""
        numbers = np.empty(len(self.code), np.int32)
        numbers[self.code] = np.arange(len(self.code))
        return numbers

    @cached_property
    def weights(self) -> Floats:
        """The share of its leaf that each cell has."""
        leaf = self.key >> SHIFT
        last = np.append(leaf[1:] != leaf[:-1], True)[: len(leaf)]
        ends = np.where(last, (leaf + np.uint64(1)) << SHIFT, self._ends)
        return (ends - self.key).astype(np.float64) * 2.0**-32

    @cached_property
    def _ends(self) -> NDArray[np.uint64]:
        """Where each cell ends: at the next one, the last of a leaf at the next leaf."""
        leaves = np.uint64(int(self.number.max(initial=0)) + 1)
        return np.append(self.key[1:], leaves << SHIFT)

    @cached_property
    def _cells(self) -> CellGuide:
        return CellGuide.build(self.key, self.first, self.last, self.number)

    @cached_property
    def _codes(self) -> CodeGuide:
        return CodeGuide.build(self.cumulative)

    def forget(self) -> None:
        """Let go of the look-up tables of draws, which take more memory than what they look up in.

        They are made anew when next asked for.
        """
        for name in ("_cells", "_codes"):
            self.__dict__.pop(name, None)

    @cached_property
    def _named(self) -> Codes:
        """The code of each number, and NULL where -1 points."""
        return np.append(self.code, np.int32(-1))


def build_leaves(
    tree: Tree, node: NDArray[np.int32], column: Feature, group: NDArray[np.int64], k: int,
    axis: Floats | None = None,
) -> Leaves:  # fmt: skip
    """Cells of the leaves from the rows that fell into them.

    An UNKNOWN code counts as no NULL and otherwise as unseen.

    Args:
        tree: of the leaves.
        node: shape (rows,), the leaf of each row.
        column: what is drawn.
        group: shape (rows,), entities, numbered from 0.
        k: least entities.
        axis: shape (codes,), where neighbours are alike: too many categories for a histogram of
            their own are counted in this order.
    """
    code = np.zeros(0, np.int32)
    if not column.ordered and column.size:
        column, there = _supported(column, group, k)
        if column.size > _WIDTH and axis is not None:
            code = np.argsort(np.where(there, axis, np.inf), kind="stable").astype(np.int32)
            column = _renumbered(column, code)
    counts = np.bincount(column.codes[column.codes >= 0], minlength=column.size)
    cumulative = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    leaves = np.flatnonzero(tree.feature < 0)
    number = np.full(len(tree.feature), -1, np.int32)
    number[leaves] = np.arange(len(leaves))
    missing = Rows(node, (column.codes == -1).astype(np.int32), group, 2, False)
    nulls = histograms(tree, missing, k)
    null_share = nulls[:, 1] / np.maximum(nulls.sum(1), 1e-300)
    places = Places.build(counts, column.ordered)
    held = column.codes >= 0
    rows = Rows(node[held], places.of[column.codes[held]], group[held], len(places.first),
                 column.ordered)  # fmt: skip
    found = histograms(tree, rows, k)
    found = np.where(found.sum(1, keepdims=True) > 0, found, found.sum(0))
    size = sizes(number[node], group, len(leaves), k)
    return packed(cells_of(found, places), null_share, number, (cumulative, code, size))


def sizes(
    leaf: NDArray[np.int32], group: NDArray[np.int64], leaves: int, k: int
) -> NDArray[np.int64]:
    """Rows of leaves as multiples of k, at least one; 0 where fewer than k entities are.

    Args:
        leaf: shape (rows,), number of the leaf of each.
        group: shape (rows,), entities, numbered from 0.
        leaves: how many.
        k: least entities.
    """
    rows = np.bincount(leaf, minlength=leaves)
    lone = np.bincount(group, minlength=1).max(initial=0) <= 1
    people = rows if lone else distinct(leaf.astype(np.int64), group, leaves)
    return np.where(people >= k, rounded(rows, k), 0)


def rounded(rows: NDArray[Any], k: int) -> NDArray[np.int64]:
    """Numbers of rows as multiples of k, at least one."""
    return (np.maximum(np.rint(rows / k), 1) * k).astype(np.int64)


def _supported(
    column: Feature, group: NDArray[np.int64], k: int
) -> tuple[Feature, NDArray[np.bool_]]:
    """The column with categories of fewer than k entities unknown, and which have k."""
    there = known(column.codes.astype(np.int64) + 2, group, column.size + 2, k)
    codes = np.where((column.codes >= 0) & ~there[column.codes + 2], -2, column.codes)
    return Feature(codes.astype(np.int32), column.size, column.ordered), there[2:]


def _renumbered(column: Feature, code: Codes) -> Feature:
    """The column with code ``code[i]`` written as i, in an order that says something."""
    number = np.empty(column.size + 2, np.int32)
    number[code + 2] = np.arange(column.size)
    number[:2] = (-2, -1)
    return Feature(number[column.codes + 2], column.size, True)


_Cells = tuple[NDArray[np.int32], Codes, Codes, Floats]  # leaf, first, last, weight


def packed(
    cells: _Cells, null_share: NDArray[np.float64], number: NDArray[np.int32],
    whole: tuple[NDArray[np.int64], Codes, NDArray[np.int64]],
) -> Leaves:  # fmt: skip
    """Cells and shares of NULL as leaves; one without any cell can only say NULL.

    Args:
        cells: leaf, first and last code, and weight of each.
        null_share: shape (leaves,).
        number: see ``Leaves``.
        whole: ``cumulative``, ``code`` and ``rows`` of ``Leaves``.
    """
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
    return Leaves(keys_of(leaf[order], weight[order], leaves), first[order].astype(np.int32),
                  last[order].astype(np.int32), number, *whole)  # fmt: skip


def keys_of(leaf: NDArray[Any], weight: Floats, leaves: int) -> NDArray[np.uint64]:
    """Number of the leaf and the share drawn before each cell; cells leaf after leaf."""
    total = np.bincount(leaf, weight, leaves)
    before = np.cumsum(weight) - weight
    starts = np.concatenate([[0.0], np.cumsum(total)])[:-1]
    share = np.clip((before - starts[leaf]) / np.maximum(total[leaf], 1e-300), 0.0, 1.0)
    begins = np.append(True, leaf[1:] != leaf[:-1])[: len(leaf)]
    part = np.where(begins, 0, np.minimum(share * 2.0**32, 2.0**32 - 1)).astype(np.uint64)
    keys: NDArray[np.uint64] = (leaf.astype(np.uint64) << SHIFT) | part
    return keys


def cells_of(found: Floats, scale: Places) -> _Cells:
    """Positions of each leaf as cells; neighbours that are as dense as each other are one."""
    if not found.shape[1]:
        none = np.zeros(0, np.int32)
        return none, none, none, np.zeros(0)
    with np.errstate(divide="ignore"):
        dense = np.rint(np.log2(found / scale.rows) * _GRAIN)
    fresh = np.ones(found.shape, bool)
    if scale.ordered:
        fresh[:, 1:] = dense[:, 1:] != dense[:, :-1]
    leaf, place = np.nonzero(fresh)
    start = np.flatnonzero(fresh)
    weight = np.add.reduceat(found.ravel(), start)
    end = np.append(start[1:], found.size) - 1 - leaf * found.shape[1]
    there = weight > 0
    leaf, place, end, weight = leaf[there], place[there], end[there], weight[there]
    return leaf.astype(np.int32), scale.first[place], scale.last[end], weight


@dataclass(frozen=True)
class Places:
    """Codes in positions: one each, or some neighbours of an ordered column together.

    Attributes:
        of: shape (codes,), position of each code.
        first, last: shape (positions,), codes of each, inclusive.
        rows: shape (positions,), rows of the whole table, at least one.
        ordered: whether neighbouring positions are neighbouring values.
    """

    of: Codes
    first: Codes
    last: Codes
    rows: Floats
    ordered: bool

    @classmethod
    def build(cls, counts: NDArray[np.int64], ordered: bool) -> Places:
        """At most about ``_WIDTH`` positions; a frequent code has its own."""
        size = len(counts)
        if size <= _WIDTH or not ordered:
            of = np.arange(size, dtype=np.int32)
        else:
            least = max(int(counts.sum()) // _WIDTH, 1)
            heavy = counts >= least
            light = np.where(heavy, 0, counts)
            part = (np.cumsum(light) - light) // least
            fresh = np.append(True, heavy[1:] | heavy[:-1] | (part[1:] != part[:-1]))
            of = (np.cumsum(fresh) - 1).astype(np.int32)
        first = np.flatnonzero(np.append(True, of[1:] != of[:-1])[:size]).astype(np.int32)
        last = np.append(first[1:], size)[: len(first)].astype(np.int32) - 1
        rows = np.bincount(of, counts, len(first))
        return cls(of, first, last.astype(np.int32), np.maximum(rows, 1.0), ordered)
