"""Stubs in the order of time: a child finds a parent that has children at about its time.

A code and a slice of time together are a cell. Cells of a code follow each other in time, and so
do the stubs of its parents, wherever these stand; the n-th part of its children has the n-th part
of its stubs. So every parent has all its children, as without time, and they lie close together.
So it is where there are too many children to be handed out one by one (``timeline``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from synthlake.ports import Codes
from synthlake.relational.feistel import strided
from synthlake.relational.model import Link, Model
from synthlake.relational.parents import Stubs
from synthlake.relational.rows import Block
from synthlake.relational.spans import slices_of
from synthlake.seed import Words, below, mulhigh

Index = NDArray[np.int64]
_CODE_BITS = 40  # of a stub's number within its code
FIRST_TRY = 10
"""Number of the first further try, see ``uniqueness``."""


def cells_of_stubs(link: Link) -> int:
    """Codes of a reference, each of them in every slice of time."""
    return link.size * max(link.slices, 1)


def with_slices(block: Block, link: Link, model: Model, codes: Codes) -> Codes:
    """Cells of the rows of a block; their codes where time does not count."""
    if not link.slices or not len(codes):
        return codes
    cells = codes.astype(np.int64) * link.slices + slices_of(block, link, model)
    return np.where(codes < 0, codes, cells).astype(np.int32)


def by_slice(link: Link, codes: Index, degrees: Index, parent: Index) -> tuple[Index, Index, Index]:
    """Cells, degrees and parents, one for each slice in which a parent has children.

    Args:
        link: of the children.
        codes: of the parents, shape (rows,).
        degrees: children in each slice, shape (rows, slices).
        parent: numbers of the parents, shape (rows,).
    """
    rows, at = np.nonzero(degrees)
    return codes[rows] * link.slices + at, degrees[rows, at], parent[rows]


def fitted_in_time(stubs: Index, totals: Index, slices: int) -> Index:
    """Stubs before each block, as many of a code as it has children where these are fewer.

    Args:
        stubs: shape (blocks + 1, cells), before each block of parents.
        totals: shape (cells,), children of each cell.
        slices: of time.
    """
    sizes = stubs[-1].reshape(-1, slices).sum(1)
    wanted = totals.reshape(-1, slices).sum(1)
    fewer = np.repeat((wanted > 0) & (sizes > wanted), slices)
    first = _before(stubs[-1], slices)
    times, by = (np.broadcast_to(np.repeat(v, slices), stubs.shape) for v in (wanted, sizes + 1))
    ends = mulhigh(first + stubs, times, by - 1)
    made = ends - mulhigh(np.broadcast_to(first, stubs.shape), times, by - 1)
    return np.where(fewer, made, stubs)


def _before(sizes: Index, cells: int) -> Index:
    """What comes before each cell within its code."""
    table = sizes.reshape(-1, cells)
    before: Index = (np.cumsum(table, axis=1) - table).ravel()
    return before


@dataclass(frozen=True)
class TimedStubs(Stubs):
    """Which parent each child of a cluster key has, where time counts; codes are cells."""

    @property
    def _sizes(self) -> Index:
        sizes: Index = self.plan.stubs[self.label][-1].reshape(-1, self.link.slices).sum(1)
        return sizes

    @cached_property
    def _children(self) -> Index:
        """Children of each cell."""
        children: Index = self.plan.codes[self.label].total
        return children

    @cached_property
    def _begun(self) -> Index:
        """Children of each code before each cell."""
        return _before(self._children, self.link.slices)

    @cached_property
    def _totals(self) -> Index:
        """Children of each code."""
        totals: Index = self._children.reshape(-1, self.link.slices).sum(1)
        return totals

    @cached_property
    def _first(self) -> Index:
        """Stubs of each code before each cell."""
        return _before(self.plan.stubs[self.label][-1], self.link.slices)

    @cached_property
    def _sorted(self) -> Index:
        """Code after code, ``code << 40 | stubs before`` of each cell."""
        codes = np.arange(len(self._first)) // self.link.slices
        return (codes << _CODE_BITS) + self._first

    def found(self, codes: Codes, ranks: Index) -> tuple[Codes, Index]:
        """The cell and the number of the stub of each child, by its rank within its own cell."""
        place = np.zeros(len(codes), np.int64)
        known = np.flatnonzero(codes >= 0)
        at = codes[known]
        if len(known):
            inner = strided(ranks[known], self._children[at], self._keys[at])
            place[known] = self._begun[at] + inner
        return self._at(codes, place)

    def others(self, codes: Codes, words: Words, again: int) -> tuple[Codes, Index]:
        """Stubs of about the same time, the farther the later the try."""
        slices = self.link.slices
        known, cells = codes >= 0, np.maximum(codes, 0).astype(np.int64)
        code, at = cells // slices, cells % slices
        far = again - FIRST_TRY
        low = self._begun[code * slices + np.maximum(at - far, 0)]
        last = code * slices + np.minimum(at + far, slices - 1)
        high = self._begun[last] + self._children[last]
        place = np.where(known, low + below(words, np.maximum(high - low, 1)), 0)
        return self._at(codes, place)

    def times(self, cells: Index, stubs: Index) -> NDArray[np.float64]:
        """In which slice the children of stubs are, and how far into it.

        Args:
            cells: of the stubs.
            stubs: their numbers within these.

        Returns:
            Infinity where no child has the code.
        """
        code, total = cells // self.link.slices, self._sizes
        place = (self._first[cells] + stubs) / np.maximum(total[code], 1) * self._totals[code]
        some = self._totals[code] > 0
        wanted = (code.astype(np.float64) * 2.0**_CODE_BITS) + np.minimum(
            place, np.maximum(self._totals[code] - 1, 0)
        )
        begins = (np.arange(len(self._begun)) // self.link.slices) * 2.0**_CODE_BITS
        cell = np.searchsorted(begins + self._begun, wanted, side="right") - 1
        into = (place - self._begun[cell]) / np.maximum(self._children[cell], 1)
        found: NDArray[np.float64] = (cell % self.link.slices).astype(np.float64)
        found += np.clip(into, 0.0, 1.0)
        return np.where(some, found, np.inf)  # parents that no child is left for

    def _at(self, codes: Codes, place: Index) -> tuple[Codes, Index]:
        """Cells of stubs and these, at places among the children of the codes of cells."""
        code = np.where(codes < 0, -1, codes // self.link.slices).astype(np.int32)
        standing = self.standing(code)
        totals = np.append(self._totals, 1)[code]
        stub = mulhigh(np.minimum(place, totals - 1), self.room(standing), totals)
        wanted = (np.maximum(standing, 0).astype(np.int64) << _CODE_BITS) + stub
        cell = np.searchsorted(self._sorted, wanted, side="right") - 1
        known = standing >= 0
        stub = np.where(known, stub - self._first[cell], stub)
        return np.where(known, cell, standing).astype(np.int32), stub
