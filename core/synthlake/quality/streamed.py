"""Counts from a stream of rows, for engines in this process: one pass, memory of a few batches.

A database is asked for counts; DuckDB hands rows over without a copy, and numpy counts them at a
tenth of the CPU-seconds that groupings of as many columns take.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.quality.dataset import DataSet

_ROWS = 2**17  # rows counted at a time: they and their counts stay in the cache
_BLOCK = 2**12  # rows whose products are summed as floats: they stay in the cache
_CELLS = 2**20  # of a block, where columns are many
_PANEL = 64  # columns whose sums of pieces become integers without bounds at a time
_BLOCKS = 2**9  # of these, whose sums are added up as 64 bits
_SINGLE = 2**18  # below this a number is one piece
_PIECE = 15  # bits of each of the three pieces of others
_PIECES = (2 ** (2 * _PIECE), 2**_PIECE, 1)

_ALL = slice(None)

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]
Sums = NDArray[np.object_]


def streams(data: DataSet) -> bool:
    """Whether rows cost nothing to hand over."""
    return data.tables.engine.dialect == "duckdb"


def pair_counts(
    data: DataSet, select: str, sizes: Sequence[int], pairs: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], Counts]:
    """Rows of each pair of codes, shape (sizes[a], sizes[b]) for the pair (a, b).

    Two columns are one code, and of two such codes all combinations are counted at once: that is
    six pairs in one count.

    Args:
        data: where the rows are.
        select: statement with a column of codes from 0 for each size; none is NULL.
        sizes: number of codes of each column; the product of two is at most 2**16.
        pairs: columns by number, the smaller first.

    Cost: O(rows x pairs / 4), and 8 bytes for each combination of four codes.
    """
    couples = [tuple(range(at, min(at + 2, len(sizes)))) for at in range(0, len(sizes), 2)]
    width = [int(np.prod([sizes[c] for c in couple])) for couple in couples]
    wanted = sorted({(a // 2, b // 2) for a, b in pairs})
    totals = {(g, h): np.zeros(width[g] * (width[h] if g != h else 1), np.int64)
              for g, h in wanted}  # fmt: skip
    for columns in _chunks(data.tables.engine.batches(select)):
        joined = [_joined([columns[c] for c in couple], sizes[couple[-1]]) for couple in couples]
        both = np.empty(len(columns[0]), np.int64)
        for (g, h), cells in totals.items():
            if g == h:
                cells += np.bincount(joined[g], minlength=len(cells))
                continue
            np.multiply(joined[g], width[h], out=both)
            both += joined[h]
            cells += np.bincount(both, minlength=len(cells))
    return {pair: _cells(pair, totals[pair[0] // 2, pair[1] // 2], sizes, couples)
            for pair in pairs}  # fmt: skip


def _chunks(batches: Iterator[pa.RecordBatch]) -> Iterator[list[NDArray[Any]]]:
    """Columns of codes, some batches together: a count costs its cells once each time."""
    held: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        held.append(batch)
        rows += batch.num_rows
        if rows >= _ROWS:
            yield _columns(held)
            held, rows = [], 0
    if rows:
        yield _columns(held)


def _columns(batches: Sequence[pa.RecordBatch]) -> list[NDArray[Any]]:
    return [np.concatenate([batch.column(i).to_numpy(zero_copy_only=False) for batch in batches])
            for i in range(batches[0].num_columns)]  # fmt: skip


def _joined(columns: Sequence[NDArray[Any]], size: int) -> Counts:
    """Two columns of codes as one."""
    joined = columns[0].astype(np.int64)
    if len(columns) == 2:
        joined *= size
        joined += columns[1]
    return joined


def _cells(
    pair: tuple[int, int], cells: Counts, sizes: Sequence[int], couples: Sequence[tuple[int, ...]]
) -> Counts:
    """What was counted of four columns as the counts of two of them."""
    first, second = couples[pair[0] // 2], couples[pair[1] // 2]
    axes = first if first == second else first + second
    rest = tuple(i for i, column in enumerate(axes) if column not in pair)
    found: Counts = cells.reshape([sizes[c] for c in axes]).sum(axis=rest)
    return found


class Moments:
    """Sums of whole numbers and of their products in pairs, over the rows where both are known.

    Numbers are cut into pieces so small that each sum of a block is exact in floating point, in
    any order: matrix products then give integers.

    Args:
        width: number of columns.
    """

    def __init__(self, width: int) -> None:
        shape = (width, width)
        self.rows, self.sums, self.squares, self.products = (
            np.zeros(shape, dtype=object) for _ in range(4)
        )
        self._large, self._holes = np.zeros(width, bool), np.zeros(width, bool)
        self._open: list[Counts] = []
        self._blocks = 0

    def add(self, columns: Sequence[Floats]) -> None:
        """Count rows; NaN is unknown, all else a whole number of at most 2**44 in magnitude."""
        size = min(_BLOCK, max(_CELLS // max(len(columns), 1), 1))
        for start in range(0, len(columns[0]), size):
            self._add([column[start : start + size] for column in columns])

    def of(self, i: int, j: int) -> tuple[int, int, int, int, int, int]:
        """Of two columns: rows, sum of products, sums of each, sums of squares of each."""
        self._close()
        return (
            self.rows[i, j], self.products[i, j], self.sums[i, j], self.sums[j, i],
            self.squares[i, j], self.squares[j, i],
        )  # fmt: skip

    def less(self, part: Moments) -> Moments:
        """The same of the rows that are not in a part."""
        self._close()
        part._close()
        left = Moments(len(self.rows))
        left.rows, left.sums = self.rows - part.rows, self.sums - part.sums
        left.squares = self.squares - part.squares
        left.products = self.products - part.products
        return left

    def _add(self, columns: Sequence[Floats]) -> None:
        # once a column has had a hole or a large number, it counts as one that may have more
        holes = self._holes | [bool(np.isnan(column).any()) for column in columns]
        known = {i: ~np.isnan(columns[i]) for i in np.flatnonzero(holes).tolist()}
        filled = [np.where(known[i], c, 0.0) if i in known else c for i, c in enumerate(columns)]
        large = self._large | [bool(max(c.max(), -c.min()) >= _SINGLE) for c in filled]
        if self._blocks == _BLOCKS or (holes != self._holes).any() or (large != self._large).any():
            self._close()
        self._holes, self._large = holes, large
        flat = np.empty((len(columns) + 2 * int(large.sum()), len(columns[0])))
        for rows, i in zip(_places(large), range(len(columns)), strict=True):
            _cut(filled[i], flat[rows])
        mask = np.ones((len(known) + 1, len(columns[0])))
        for row, some in enumerate(known.values(), 1):
            mask[row] = some
        found = [flat @ flat.T, mask @ mask.T, flat @ mask.T, _squares(flat, large) @ mask.T]
        sums = [f.astype(np.int64) for f in found]  # each below 2**53
        self._open = [a + b for a, b in zip(self._open, sums, strict=True)] if self._open else sums
        self._blocks += 1

    def _close(self) -> None:
        """Add the sums of pieces up, as integers without bounds."""
        if not self._open:
            return
        gram, rows, sums, squares = self._open
        singles, doubles = _worth(self._large)
        place = np.where(self._holes, np.cumsum(self._holes), 0)
        self.rows += rows[np.ix_(place, place)]
        for start in range(0, len(place), _PANEL):
            some = slice(start, start + _PANEL)
            self.products[some] += singles.added(singles.added(gram, some).T).T
            self.sums[some] += singles.added(sums, some)[:, place]
            self.squares[some] += doubles.added(squares, some)[:, place]
        self._open, self._blocks = [], 0


def _places(large: NDArray[np.bool_]) -> Iterator[slice]:
    """Where the pieces of each column are."""
    at = 0
    for split in large:
        yield slice(at, at + (3 if split else 1))
        at += 3 if split else 1


def _cut(column: Floats, out: Floats) -> None:
    """Write a column's pieces: three of 15 bits, or the column."""
    rest = column
    for piece, worth in zip(out[:-1], _PIECES, strict=False):
        np.floor(rest / worth, out=piece)
        rest = rest - piece * worth
    out[-1] = rest


def _squares(flat: Floats, large: NDArray[np.bool_]) -> Floats:
    """Products of each column's pieces with each other."""
    if not large.any():
        return flat * flat
    out = []
    for rows in _places(large):
        own = flat[rows]
        out += [own[a] * own[b] for a in range(len(own)) for b in range(a, len(own))]
    return np.stack(out)


@dataclass(frozen=True)
class _Worth:
    """What pieces are worth to the numbers that they are of.

    Attributes:
        worth: of each piece, whole numbers without bounds.
        start: the first piece of each number.
    """

    worth: Sums
    start: Counts

    @classmethod
    def of(cls, numbers: Sequence[Sequence[int]]) -> _Worth:
        """The same of each number's pieces."""
        sizes = [len(pieces) for pieces in numbers]
        worth = np.array([w for pieces in numbers for w in pieces], dtype=object)
        return cls(worth, np.cumsum([0, *sizes[:-1]]))

    def added(self, pieces: NDArray[Any], some: slice = _ALL) -> Sums:
        """Sums of some numbers, shape (numbers, n), from those of all pieces, shape (pieces, n)."""
        start = self.start[some]
        first, last = start[0], self._end(some)
        exact = pieces[first:last].astype(object) * self.worth[first:last, None]
        found: Sums = np.add.reduceat(exact, start - first, axis=0)
        return found

    def _end(self, some: slice) -> int:
        stop = len(self.start) if some.stop is None else min(some.stop, len(self.start))
        return int(self.start[stop]) if stop < len(self.start) else len(self.worth)


def _worth(large: NDArray[np.bool_]) -> tuple[_Worth, _Worth]:
    """What each piece is worth to its column, and each product of its pieces to its square."""
    of_each = [_PIECES if split else (1,) for split in large]
    products = [
        [(1 if a == b else 2) * w[a] * w[b] for a in range(len(w)) for b in range(a, len(w))]
        for w in of_each
    ]
    return _Worth.of(of_each), _Worth.of(products)


def moments_of(data: DataSet, select: str, width: int) -> Moments:
    """Sums of all pairs of a statement's columns.

    Args:
        data: where the rows are.
        select: columns of whole numbers below 2**44 in magnitude, as doubles or integers.
        width: number of columns.

    Cost: O(rows x width**2), in blocks that stay in the cache.
    """
    found = Moments(width)
    for batch in data.tables.engine.batches(select):
        if batch.num_rows:
            found.add([_numbers(batch.column(i)) for i in range(width)])
    return found


def _numbers(column: pa.Array[Any]) -> Floats:
    """Numbers with NaN for NULL."""
    return column.to_numpy(zero_copy_only=False).astype(np.float64, copy=False)
