"""How many of each code come before each block, held as the few that are in each."""

from __future__ import annotations

from collections.abc import Sequence
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
    def of(
        cls, counts: Sequence[NDArray[np.integer]] | NDArray[np.integer], codes: int
    ) -> Cumulated:
        """From the counts of each block, each of shape (codes,)."""
        most = max((int(found.max(initial=0)) for found in counts), default=0)
        held = np.zeros((len(counts), codes), np.min_scalar_type(most))
        for number, found in enumerate(counts):
            held[number] = found
        begins = range(0, len(held), _EVERY)
        sums = [held[n : n + _EVERY].sum(axis=0, dtype=np.int64) for n in begins]
        marks = np.zeros((len(sums) + 1, codes), np.int64)
        for number, more in enumerate(sums):
            marks[number + 1] = marks[number] + more
        return cls(held, marks)

    @classmethod
    def of_sums(cls, sums: NDArray[np.integer]) -> Cumulated:
        """From the sums before each block, shape (blocks + 1, codes)."""
        return cls.of(np.diff(sums, axis=0), sums.shape[1])

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
