"""How many of each code come before each block, held as the few that are in each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Index = NDArray[np.int64]
_EVERY = 64  # blocks between sums that are held


@dataclass(frozen=True)
class Cumulated:
    """Counts before each block of a table.

    A block has few rows of a code, so that an octet mostly holds their count: an eighth of what the
    sums take. Sums are held of every 64th block, the others are added up when they are asked for.

    Attributes:
        counts: shape (blocks, codes), of each block, of the smallest unsigned type that holds them.
        marks: shape (blocks / 64 rounded up + 1, codes), before every 64th block; the last one is
            of all blocks.
    """

    counts: NDArray[np.unsignedinteger]
    marks: Index

    @classmethod
    def of(cls, counts: NDArray[np.unsignedinteger]) -> Cumulated:
        """From the counts of each block, which are held as they are."""
        begins = range(0, len(counts), _EVERY)
        marks = np.zeros((len(begins) + 1, counts.shape[1]), np.int64)
        for number, begin in enumerate(begins):
            more = counts[begin : begin + _EVERY].sum(axis=0, dtype=np.int64)
            marks[number + 1] = marks[number] + more
        return cls(counts, marks)

    @classmethod
    def of_sums(cls, sums: NDArray[np.integer]) -> Cumulated:
        """From the sums before each block, shape (blocks + 1, codes)."""
        tally = Tally(len(sums) - 1, sums.shape[1])
        for number in range(len(sums) - 1):
            tally.add(number, sums[number + 1] - sums[number])
        return tally.done()

    def before(self, number: int) -> Index:
        """Counts of all blocks before one; shape (codes,)."""
        mark = number // _EVERY
        later = self.counts[mark * _EVERY : number].sum(axis=0, dtype=np.int64)
        sums: Index = self.marks[mark] + later
        return sums

    @property
    def total(self) -> Index:
        """Counts of all blocks; shape (codes,)."""
        total: Index = self.marks[-1]
        return total

    def sums(self, code: int) -> Index:
        """Counts of one code before each block, and of all; shape (blocks + 1,)."""
        found = np.zeros(len(self.counts) + 1, np.int64)
        np.cumsum(self.counts[:, code], out=found[1:])
        return found


class Tally:
    """Takes in the counts of one block after the other.

    Args:
        blocks: how many there are.
        codes: how many there are.
    """

    def __init__(self, blocks: int, codes: int) -> None:
        self._counts: NDArray[np.unsignedinteger] = np.zeros((blocks, codes), np.uint8)

    def add(self, number: int, counts: NDArray[np.integer]) -> None:
        """The counts of a block; shape (codes,)."""
        needed = np.min_scalar_type(int(counts.max(initial=0)))
        if needed.itemsize > self._counts.itemsize:
            self._counts = self._counts.astype(needed)
        self._counts[number] = counts

    def done(self) -> Cumulated:
        """What was taken in."""
        return Cumulated.of(self._counts)
