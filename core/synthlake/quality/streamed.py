"""Counts from a stream of rows, for engines in this process: one pass, memory of a few batches.

A database is asked for counts; DuckDB hands rows over without a copy, and numpy counts them at a
tenth of the CPU-seconds that groupings of as many columns take.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.quality.dataset import DataSet

_ROWS = 2**17  # rows counted at a time: they and their counts stay in the cache
_CELLS = 2**22  # numbers of a block whose products are summed
_SINGLE = 2**18  # below this a number is one piece
_PIECE = 15  # bits of each of the three pieces of others
_PIECES = (2 ** (2 * _PIECE), 2**_PIECE, 1)

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

    def add(self, columns: Sequence[Floats]) -> None:
        """Count rows; NaN is unknown, all else a whole number below 2**44 in magnitude."""
        block = max(_CELLS // (8 * max(len(columns), 1)), 1)
        for start in range(0, len(columns[0]), min(block, 2**16)):
            self._add([c[start : start + min(block, 2**16)] for c in columns])

    def _add(self, columns: Sequence[Floats]) -> None:
        known = [~np.isnan(column) for column in columns]
        holes = [i for i, k in enumerate(known) if not k.all()]
        columns = [np.where(known[i], c, 0.0) if i in holes else c for i, c in enumerate(columns)]
        pieces = [_pieces(column) for column in columns]
        flat = np.column_stack([p for of_one in pieces for p, _ in of_one])
        mask = np.column_stack([np.ones(len(flat)), *(known[i].astype(np.float64) for i in holes)])
        spread = _spread(pieces)
        self.products += spread @ _whole(flat.T @ flat) @ spread.T
        place = np.zeros(len(columns), int)
        place[holes] = np.arange(1, len(holes) + 1)
        self.rows += _whole(mask.T @ mask)[np.ix_(place, place)]
        self.sums += (spread @ _whole(flat.T @ mask))[:, place]
        self.squares += np.array([_squares(of_one, mask) for of_one in pieces])[:, place]


def _pieces(column: Floats) -> list[tuple[Floats, int]]:
    """A column as pieces and what each is worth; one piece if it is small."""
    if not len(column) or np.abs(column).max() < _SINGLE:
        return [(column, 1)]
    out, rest = [], column
    for worth in _PIECES:
        piece = np.floor(rest / worth)
        out.append((piece, worth))
        rest = rest - piece * worth
    return out


def _spread(pieces: Sequence[Sequence[tuple[Floats, int]]]) -> Sums:
    """What each piece is worth to each column."""
    spread = np.zeros((len(pieces), sum(map(len, pieces))), dtype=object)
    at = 0
    for i, of_one in enumerate(pieces):
        for _, worth in of_one:
            spread[i, at] = worth
            at += 1
    return spread


def _squares(of_one: Sequence[tuple[Floats, int]], mask: Floats) -> Sums:
    """Sums of a column's squares over the rows of each mask."""
    total = np.zeros(mask.shape[1], dtype=object)
    for piece, worth in of_one:
        total += _whole((piece * piece) @ mask) * (worth * worth)
    for (a, x), (b, y) in combinations(of_one, 2):
        total += _whole((a * b) @ mask) * (2 * x * y)
    return total


def _whole(sums: Floats) -> Sums:
    """Sums below 2**53, exact, as integers without bounds."""
    found: Sums = sums.astype(np.int64).astype(object)
    return found


def moments(data: DataSet, select: str, width: int) -> Moments:
    """Sums of all pairs of a statement's columns.

    Args:
        data: where the rows are.
        select: columns of whole numbers below 2**44 in magnitude, as doubles or integers.
        width: number of columns.

    Cost: O(rows x width**2), in blocks of at most 32 MB.
    """
    found = Moments(width)
    for batch in data.tables.engine.batches(select):
        if batch.num_rows:
            found.add([_numbers(batch.column(i)) for i in range(width)])
    return found


def _numbers(column: pa.Array[Any]) -> Floats:
    """Numbers with NaN for NULL."""
    return column.to_numpy(zero_copy_only=False).astype(np.float64, copy=False)
