"""Tables by which draws find their cell and their code in a step or two (see ``encode.guide``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthlake.encode.guide import Guide
from synthlake.ports import Codes
from synthlake.seed import Words

Index = NDArray[np.int64]
SHIFT, LOW = np.uint64(32), np.uint64(0xFFFFFFFF)
_FIELD, _SIX = 6, 63  # bits that hold how far a share is shifted
_CODE = np.uint64(0x7FFFFFFF)
_STEPS = 2  # that are tried before a search: some parts of a leaf hold hundreds of thin cells


@dataclass(frozen=True)
class CellGuide:
    """Which cell of a leaf a share falls into.

    Attributes:
        key: see ``Leaves``.
        part: shape (nodes,), the first entry of a leaf in ``begin`` << 6 | bits of a share to drop.
        begin: shape (parts,), the last cell that begins before each of a leaf's equal parts.
        record: shape (cells,), the last share of a cell << 32 | its first code + 1 << 1 | whether
            it has more of them: all that most draws ask, in one place of memory.
    """

    key: NDArray[np.uint64]
    part: Index
    begin: NDArray[np.int32]
    record: NDArray[np.uint64]

    @classmethod
    def build(
        cls, key: NDArray[np.uint64], first: Codes, last: Codes, number: NDArray[np.int32]
    ) -> CellGuide:
        """The guide of cells as ``Leaves`` has them.

        Cost: about 15 nanoseconds a cell; 16 to 24 octets of memory each.
        """
        leaf = (key >> SHIFT).view(np.int64)
        cells = np.bincount(leaf, minlength=int(number.max(initial=0)) + 1)
        bits = np.ceil(np.log2(np.maximum(2 * cells, 1))).astype(np.int64)
        start = np.cumsum(1 << bits) - (1 << bits)
        packed = (start << _FIELD) | (32 - bits)
        begins = _begins(key, leaf, start, 32 - bits)
        counts = np.diff(begins, prepend=0, append=int((1 << bits).sum()))
        begin = np.repeat(np.arange(-1, len(key), dtype=np.int32), counts)
        begin[begin < 0] = len(key) - 1  # the first leaves may have no cell
        return cls(key, packed[np.maximum(number, 0)], begin, _records(key, leaf, first, last))

    def find(self, node: NDArray[Any], share: Index) -> tuple[NDArray[np.uint64], Index]:
        """The record of each row's cell, and the cell.

        Args:
            node: shape (rows,), the leaf of each row.
            share: shape (rows,), uniform in 0 .. 2**32 - 1.
        """
        at = self.part.take(node, mode="clip")  # unlike [], without a look at all bounds
        part = share >> (at & _SIX)
        at >>= _FIELD
        part += at
        cell = self.begin.take(part, mode="clip").astype(np.int64)
        record = self.record.take(cell, mode="clip")
        late = np.flatnonzero((record >> SHIFT).view(np.int64) < share)
        for _ in range(_STEPS):
            if not len(late):
                return record, cell
            cell[late] += 1
            found = self.record.take(cell[late], mode="clip")
            record[late] = found
            late = late[(found >> SHIFT).view(np.int64) < share[late]]
        leaf = self.key[cell[late]] & ~LOW
        wanted = leaf | share[late].view(np.uint64)
        cell[late] = np.searchsorted(self.key, wanted, side="right") - 1
        record[late] = self.record[cell[late]]
        return record, cell


def _begins(key: NDArray[np.uint64], leaf: Index, start: Index, drop: Index) -> Index:
    """The part in which each cell begins, or the next one if that does not begin with it."""
    drops = drop[leaf]
    part = (key & LOW).view(np.int64)
    part += 1 << drops
    part -= 1
    part >>= drops
    part += start[leaf]
    return part


def _records(key: NDArray[np.uint64], leaf: Index, first: Codes, last: Codes) -> NDArray[np.uint64]:
    """See ``CellGuide.record``."""
    ends = np.full(len(key), LOW)
    ends[:-1] = np.where(leaf[1:] == leaf[:-1], (key[1:] - np.uint64(1)) & LOW, LOW)
    ends <<= SHIFT
    code = (first + np.int32(1)).astype(np.uint64)
    code <<= np.uint64(1)
    ends |= code
    ends |= last > first
    return ends


def first_codes(record: NDArray[np.uint64]) -> Codes:
    """The first code of the cell of each record."""
    return ((record >> np.uint64(1)) & _CODE).astype(np.int32) - np.int32(1)


def wide(record: NDArray[np.uint64]) -> Index:
    """The rows whose cell has several codes."""
    return np.flatnonzero(record & np.uint64(1))


@dataclass(frozen=True)
class CodeGuide:
    """Which code a row of the whole table has, all rows in the order of their codes.

    Attributes:
        cumulative: see ``Leaves``.
        rows: by the last row of each code.
    """

    cumulative: Index
    rows: Guide

    @classmethod
    def build(cls, cumulative: Index) -> CodeGuide:
        """The guide of a column."""
        return cls(cumulative, Guide.build(cumulative[1:]))

    def draw(self, first: Codes, last: Codes, words: Words) -> Codes:
        """A code of each range, as frequent as in the whole table; words are below 2**32."""
        start = self.cumulative.take(first, mode="clip")
        mass = self.cumulative.take(last + np.int32(1), mode="clip")
        mass -= start
        at = words * mass.view(np.uint64)
        at >>= SHIFT
        row = at.view(np.int64)
        row += start
        return self.rows.find(row)
