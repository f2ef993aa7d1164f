"""Which parent owns each stub of a key: worked out block by block of parents, and shelved."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray

from synthlake.ports import Codes
from synthlake.relational.parents import fitting
from synthlake.relational.plan import ROOT_BLOCK, SamplePlan
from synthlake.relational.shelf import Shelf

Index = NDArray[np.int64]
Block = tuple[Index, Index, Index]
Parents = Callable[[int], Block]
_STUB_BITS = 40  # of a stub's number within its code
_LONG = np.dtype(np.int64)


class Owners:
    """The owners of one key's stubs.

    Stubs have a second number, by which they lie block by block of parents, in a block code by
    code, of a code parent by parent: so where each parent's stubs begin ascends over all parents,
    and the same search finds the owners of any stubs.

    Args:
        label: of the key.
        parent: table that it refers to.
        plan: has the stubs of each block and code.
        shelf: for what is worked out.
        parents: codes, degrees as learned, and places of a block of parents; blocks beyond those of
            real parents hold phantoms.
        several: whether a parent may stand several times in its block, by other codes.

    Cost: of a block of parents, its codes and degrees once; of n stubs, O(n log parents).
    """

    def __init__(
        self, label: str, parent: str, plan: SamplePlan, shelf: Shelf, parents: Parents,
        several: bool = False,
    ) -> None:  # fmt: skip
        self._stubs, self._parents, self._several = plan.stubs[label], parents, several
        self._real, missing = plan.rows[parent], plan.phantoms.get(label, 0)
        self._beyond = plan.offsets.get(label, 0)
        held, codes = self._stubs.shape
        starts = np.arange(codes + 1) * held
        self._blocks = shelf.get(("stubs", label), starts, [_LONG, _LONG])
        starts = np.append(np.arange(0, self._real, ROOT_BLOCK), self._real).astype(np.int64)
        starts = np.append(starts, self._real + missing) if missing else starts
        self._first = starts
        starts = self._stubs.sum(axis=1) if several else starts  # an owner a stub, or a parent
        most = (int(self._stubs[-1].sum()), max(ROOT_BLOCK, missing))
        self._owners = shelf.get(("owners", label), starts, [np.min_scalar_type(n) for n in most])

    def of(self, codes: Codes, stubs: Index) -> Index:
        """Numbers of the parents that own some stubs; phantoms lie beyond the rows.

        Args:
            codes: of stubs, of which there are some.
            stubs: their numbers within the code.
        """
        if not len(codes):
            return np.zeros(0, np.int64)
        order, block, number = self.placed(codes, stubs)
        self._owners.need(np.unique(block), self._block)
        rank = self._owners.last(0, number, block)
        first = self._first[block]
        first = np.where(first < self._real, first, first + self._beyond)
        out = np.empty(len(codes), np.int64)
        out[order] = first + self._owners.take(1, rank)
        return out

    def placed(self, codes: Codes, stubs: Index) -> tuple[Index, Index, Index]:
        """The order of stubs by their second number; in it, their blocks and these numbers."""
        key = (codes.astype(np.int64) << _STUB_BITS) + stubs
        order = np.argsort(key, kind="stable")
        self._blocks.need(np.unique(codes), partial(self._code, cache(self._shifts)))
        at = self._blocks.last(0, key[order], key[order] >> _STUB_BITS)
        number = stubs[order] + self._blocks.take(1, at)
        block = at % len(self._stubs)
        again = np.argsort(number, kind="stable")
        return order[again], block[again], number[again]

    def _code(self, shifts: Callable[[], Index], code: int) -> tuple[Index, Index]:
        """Of each block: where stubs of a code begin, and how far off their second number is."""
        begins: Index = (code << _STUB_BITS) + self._stubs[:, code]
        return begins, np.append(shifts()[:, code], 0)

    def _shifts(self) -> Index:
        """The second number of each block's and code's stubs, less that within the code."""
        each = np.diff(self._stubs, axis=0)
        shifts: Index = np.cumsum(each, axis=1)
        shifts -= each
        shifts -= self._stubs[:-1]
        shifts += self._stubs.sum(axis=1)[:-1, None]
        return shifts

    def _block(self, number: int) -> tuple[Index, Index]:
        """Of each parent of a block, by code: its first stub's second number, and its place.

        Of each stub, where a parent may stand several times.
        """
        codes, degrees, place = _fitted(self._parents(number), self._stubs, number)
        totals = self._stubs[number + 1] - self._stubs[number]
        first = self._stubs[number].sum() + np.cumsum(totals) - totals
        if self._several:
            begin = int(self._stubs[number].sum())
            return np.arange(begin, begin + int(totals.sum())), np.repeat(place, degrees)
        return first[codes] + _before(codes, degrees), place


def first_stubs(block: Block, stubs: Index, number: int) -> Block:
    """Codes, first stubs (counted within the block and code) and places of those that have any.

    Args:
        block: codes, degrees and places of parents.
        stubs: before each block.
        number: of the block.
    """
    codes, degrees, place = _fitted(block, stubs, number)
    some = degrees > 0
    return codes[some], _before(codes, degrees)[some], place[some]


def _fitted(block: Block, stubs: Index, number: int) -> Block:
    """A block of parents by code, with degrees that add up to its stubs."""
    codes, degrees, place = block
    degrees = fitting(codes, degrees, stubs[number + 1] - stubs[number])
    order = np.argsort(codes, kind="stable")
    return codes[order], degrees[order], place[order]


def _before(codes: Index, degrees: Index) -> Index:
    """Stubs before each parent's within its code; codes ascend."""
    before: Index = np.cumsum(degrees) - degrees
    before -= before[np.searchsorted(codes, codes, side="left")]
    return before
