"""Which of many columns a column's tree may ask: those that say something of it by themselves."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from synthlake.ports import Codes, Feature

WIDEST = 60  # columns up to which a tree may ask all before it
KEPT = 40  # of more
ROWS = 8_000  # that decide
_BINS = 8
_SURE = 3.0  # standard deviations above what independent columns have
_BLOCK = 64  # columns that are counted at once
_DECIMALS = 6  # of scores: their order is not to depend on the last digits of a processor

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass
class Screen:
    """Coarse bins of the columns of a table, on some rows.

    Attributes:
        rows: shape (rows,), which rows decide.
        always: names that every tree may ask: what is given, such as the parent's row.
        bins: shape (rows,) each, of the columns that were asked so far, by name.
    """

    rows: NDArray[np.int64]
    always: Collection[str]
    bins: dict[str, NDArray[np.uint8]] = field(default_factory=dict)

    def of(self, column: Feature, done: Mapping[str, Feature]) -> Mapping[str, Feature]:
        """What a tree of a column may ask, in the order of ``done``.

        All where no more than ``WIDEST`` columns came before. Else, beside what is always asked,
        at most ``KEPT`` of them: the highest in mutual information with the column, in coarse bins
        and less what chance gives, and only such as are above chance by ``_SURE`` standard
        deviations. A column that matters only together with another is not found.

        Args:
            column: what is to be drawn.
            done: what is known by then; codes of a name are the same in every call.

        Privacy: all rows of ``rows`` take part, and so do values that fewer than k entities have;
            they decide which columns are asked and nothing else. That choice is stored as names of
            columns, as the order of columns is. Splits, positions and leaves follow from the rows
            under the rules of k, whatever is asked.
        Source: Miller (1955) for the bias of mutual information; 2 n I is chi-square distributed
            for independent columns (Wilks 1938).
        Cost: about 2 nanoseconds a row and column.
        """
        names = [n for n in done if n not in self.always]
        if len(names) <= WIDEST:
            return done
        codes = column.codes[self.rows]
        known = np.flatnonzero(codes >= -1)
        goal = binned(codes[known], column)
        scores = np.concatenate([
            _scores(self._stacked(names[at : at + _BLOCK], done)[:, known], goal)
            for at in range(0, len(names), _BLOCK)
        ])  # fmt: skip
        best = np.argsort(-scores, kind="stable")[:KEPT]
        kept = {names[place] for place in best if scores[place] > 0}
        return {n: f for n, f in done.items() if n in kept or n in self.always}

    def _stacked(self, names: list[str], done: Mapping[str, Feature]) -> NDArray[np.uint8]:
        """Bins of columns, shape (columns, rows)."""
        for name in names:
            if name not in self.bins:
                self.bins[name] = binned(done[name].codes[self.rows], done[name])
        return np.stack([self.bins[name] for name in names])


def binned(codes: Codes, column: Feature) -> NDArray[np.uint8]:
    """Codes in bins of about as many rows, or the most frequent ones; unknown and NULL apart."""
    index = codes + 2
    counts = np.bincount(index[index >= 0], minlength=column.size + 2)
    if column.size <= _BINS:
        place = np.arange(column.size)
    elif column.ordered:
        before = np.cumsum(counts[2:]) - counts[2:] / 2
        place = (before * _BINS / max(int(counts[2:].sum()), 1)).astype(np.int64)
    else:
        place = np.full(column.size, _BINS - 1)
        top = np.argsort(-counts[2:], kind="stable")[: _BINS - 1]
        place[top] = np.arange(len(top))
    of = np.concatenate([[0, 1], np.minimum(place, _BINS - 1) + 2]).astype(np.uint8)
    return np.where(index < 0, np.uint8(0), of[np.maximum(index, 0)])


def _scores(bins: NDArray[np.uint8], goal: NDArray[np.uint8]) -> Floats:
    """Mutual information of each column with the goal beyond chance; 0 where chance explains it."""
    size = _BINS + 2
    first = np.arange(len(bins), dtype=np.int32)[:, None] * size * size
    key = first + bins.astype(np.int32) * size + goal
    cells = np.bincount(key.ravel(), minlength=len(bins) * size * size)
    table = cells.reshape(len(bins), size, size)
    rows = max(len(goal), 1)
    down, across = table.sum(1), table.sum(2)
    info = (_logs(table).sum((1, 2)) - _logs(down).sum(1) - _logs(across).sum(1)) / rows
    info += np.log(rows)
    free = ((down > 0).sum(1) - 1.0) * ((across > 0).sum(1) - 1.0)
    free = np.maximum(free, 0.0)
    sure = 2 * rows * info > free + _SURE * np.sqrt(2 * free)
    return np.round(np.where(sure, info - free / (2.0 * rows), 0.0), _DECIMALS).astype(np.float64)


def _logs(counts: Counts) -> Floats:
    """Of each count n, n log n."""
    number = counts.astype(np.float64)
    return number * np.log(np.maximum(number, 1.0))
