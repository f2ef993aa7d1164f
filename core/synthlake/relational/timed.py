"""Stubs in the order of time: a child finds a parent that has children at about its time.

A code and a slice of time together are a cell. Cells of a code follow each other in time, and so
do the stubs of its parents, wherever these stand; the n-th part of its children has the n-th part
of its stubs. So every parent has all its children, as without time, and they lie close together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from synthlake.ports import Codes
from synthlake.relational.feistel import strided
from synthlake.relational.kin import groups_of, shared_out
from synthlake.relational.model import Link, Model, link_id
from synthlake.relational.parents import Stubs
from synthlake.relational.recent import Recent
from synthlake.relational.rows import Block
from synthlake.relational.spans import slices_of
from synthlake.seed import Words, below, mulhigh

Index = NDArray[np.int64]
_CODE_BITS = 40  # of a stub's number within its code
_MOST = 2**22  # children up to which it counts what they share
_HELD = 2**20  # children of slices of time that are held at once
_FIRST_TRY = 10  # number of the first further try, see ``uniqueness``


def cells_of_stubs(link: Link) -> int:
    """Codes of a reference, each of them in every slice of time."""
    return link.size * max(link.slices, 1)


def cells_of_codes(link: Link) -> int:
    """The same of children, each of them for every group of what those of one parent share."""
    return cells_of_stubs(link) * (link.kin.groups if link.kin else 1)


def with_slices(block: Block, link: Link, model: Model, codes: Codes) -> Codes:
    """Cells of the rows of a block; their codes where time does not count."""
    if not link.slices or not len(codes):
        return codes
    cells = codes.astype(np.int64) * link.slices + slices_of(block, link, model)
    if link.kin is not None:
        cells = cells * link.kin.groups + groups_of(block, link_id(block.model.links.index(link)))
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
    """Which parent each child of a cluster key has, where time counts; codes are cells.

    Those of children lie within those of stubs, group after group of what siblings share.

    Attributes:
        owner: of stubs, by their cells and numbers within these.
        shared: which of the children in a slice of time have which of the stubs.
    """

    owner: Callable[[Codes, Index], Index]
    shared: Recent = field(default_factory=partial(Recent, _HELD, len))

    @property
    def _groups(self) -> int:
        return self.link.kin.groups if self.link.kin else 1

    @property
    def _cells(self) -> int:
        """Children's cells of a code."""
        return self.link.slices * self._groups

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
    def _earlier(self) -> Index:
        """Children of each code before each cell."""
        return _before(self._children, self._cells)

    @cached_property
    def _totals(self) -> Index:
        """Children of each code."""
        totals: Index = self._children.reshape(-1, self._cells).sum(1)
        return totals

    @cached_property
    def _begun(self) -> Index:
        """Children of each code before each slice of time."""
        return self._earlier[:: self._groups]

    @cached_property
    def _within(self) -> Index:
        """Children of each code in each slice of time."""
        within: Index = self._children.reshape(-1, self._groups).sum(1)
        return within

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
            inner = ranks[known]
            inner = inner if self._kin else strided(inner, self._children[at], self._keys[at])
            place[known] = self._taken(at // self._cells, self._earlier[at] + inner)
        return self._at(codes, place)

    @cached_property
    def _kin(self) -> bool:
        return self._groups > 1 and int(self._totals.sum()) <= _MOST

    def _taken(self, codes: Index, place: Index) -> Index:
        """Places of the stubs of children, by their places among the children of a code."""
        if not self._kin:
            return place
        out = place.copy()
        for code in np.unique(codes):
            rows = np.flatnonzero(codes == code)
            out[rows] = self._turns(int(code))[place[rows]]
        return out

    def _turns(self, code: int) -> Index:
        """Of the children of a code, slice after slice and group after group: places of stubs."""
        return self.shared.get(code, partial(self._make_turns, code))

    def _make_turns(self, code: int) -> Index:
        places = np.arange(self._totals[code])
        cells = np.full(len(places), code * self._cells, np.int32)
        stubs, numbers = self._at(cells, places)
        owner = self.owner(stubs, numbers)
        ends = np.flatnonzero(np.append(owner[1:] != owner[:-1], True)) + 1
        counts = self._children[code * self._cells : (code + 1) * self._cells]
        starts = stubs[np.append(0, ends[:-1])] % self.link.slices if len(places) else ends[:0]
        return in_turns(counts.reshape(-1, self._groups), ends, starts, self._room_of_slices)

    @cached_property
    def _room_of_slices(self) -> Index:
        held = self._children.reshape(-1, self.link.slices, self._groups).astype(np.float64)
        held[held == 0] = np.nan
        import warnings
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return np.nan_to_num(np.nanquantile(held, 0.9, axis=(0, 2))).astype(np.int64)

    def others(self, codes: Codes, words: Words, again: int) -> tuple[Codes, Index]:
        """Stubs of about the same time, the farther the later the try."""
        slices = self.link.slices
        known, cells = codes >= 0, np.maximum(codes, 0).astype(np.int64) // self._groups
        code, at = cells // slices, cells % slices
        far = again - _FIRST_TRY
        low = self._begun[code * slices + np.maximum(at - far, 0)]
        last = code * slices + np.minimum(at + far, slices - 1)
        high = self._begun[last] + self._within[last]
        place = np.where(known, low + below(words, np.maximum(high - low, 1)), 0)
        place[known] = self._taken(code[known], place[known])
        return self._at(codes, place)

    def times(self, cells: Index, stubs: Index) -> NDArray[np.float64]:
        """In which slice the children of stubs are, and how far into it.

        Args:
            cells: of the stubs.
            stubs: their numbers within these.
        """
        code, total = cells // self.link.slices, self._sizes
        place = (self._first[cells] + stubs) / np.maximum(total[code], 1) * self._totals[code]
        if self._kin:
            for one in np.unique(code):
                rows = np.flatnonzero(code == one)
                if self._totals[one]:
                    back = np.argsort(self._turns(int(one)))
                    place[rows] = back[
                        np.minimum(place[rows], self._totals[one] - 1).astype(np.int64)
                    ]
        wanted = (code.astype(np.float64) * 2.0**_CODE_BITS) + np.minimum(
            place, np.maximum(self._totals[code] - 1, 0)
        )
        begins = (np.arange(len(self._begun)) // self.link.slices) * 2.0**_CODE_BITS
        cell = np.searchsorted(begins + self._begun, wanted, side="right") - 1
        into = (place - self._begun[cell]) / np.maximum(self._within[cell], 1)
        found: NDArray[np.float64] = (cell % self.link.slices).astype(np.float64)
        found += np.clip(into, 0.0, 1.0)
        return found

    def _at(self, codes: Codes, place: Index) -> tuple[Codes, Index]:
        """Cells of stubs and these, at places among the children of the codes of cells."""
        code = np.where(codes < 0, -1, codes // self._cells).astype(np.int32)
        standing = self.standing(code)
        totals = np.append(self._totals, 1)[code]
        stub = mulhigh(np.minimum(place, totals - 1), self.room(standing), totals)
        wanted = (np.maximum(standing, 0).astype(np.int64) << _CODE_BITS) + stub
        cell = np.searchsorted(self._sorted, wanted, side="right") - 1
        known = standing >= 0
        stub = np.where(known, stub - self._first[cell], stub)
        return np.where(known, cell, standing).astype(np.int32), stub


def in_turns(counts: Index, ends: Index, starts: Index, room: Index) -> Index:
    """Which stubs children of a code have, if those of a group have one parent after the other.

    Args:
        counts: children, shape (slices, groups).
        ends: where the stubs of each parent end, parents in the order of time.
        starts: in which slice each of them begins.
        room: children that a parent has in a slice at most, shape (slices,).

    Returns:
        Shape (children,), of children slice after slice and group after group.
    """
    out = np.empty(int(counts.sum()), np.int64)
    left, at = np.diff(ends, prepend=0).tolist(), np.append(0, ends[:-1]).tolist()
    due = starts.tolist()
    held: dict[int, int] = {}
    idle: list[int] = []
    fresh, done = 0, 0
    for slice_, row in enumerate(counts):
        groups = np.flatnonzero(row).tolist()
        here = set(groups)
        for group in [g for g in held if g not in here]:
            idle.append(held.pop(group))
        used: dict[int, int] = {}
        done_of = dict(zip(groups, (done + np.cumsum(row[groups]) - row[groups]).tolist()))
        most = int(room[slice_])
        for group in sorted(groups, key=lambda g: (g not in held, -row[g])):
            wanted = int(row[group])
            while wanted:
                parent = held.get(group, -1)
                if parent < 0 or not left[parent]:
                    parent = -1
                    idle = [p for p in idle if left[p]]
                    if idle:
                        parent = min(idle)
                        idle.remove(parent)
                    elif not (fresh < len(left) and due[fresh] <= slice_ + int(__import__("os").environ.get("AHEAD","0"))):
                        able = [p for p in set(held.values()) if left[p] and used.get(p, 0) + min(wanted, left[p]) <= most * float(__import__("os").environ.get("PART","1"))]
                        if able:
                            parent = max(able, key=lambda p: (left[p], -p))
                    if parent < 0 and fresh < len(left):
                        parent, fresh = fresh, fresh + 1
                    if parent < 0:
                        parent = max((p for p in held.values() if left[p]), key=lambda p: (left[p], -p))
                    held[group] = parent
                some = min(wanted, left[parent])
                out[done_of[group] : done_of[group] + some] = np.arange(at[parent], at[parent] + some)
                at[parent] += some
                left[parent] -= some
                done_of[group] += some
                used[parent] = used.get(parent, 0) + some
                wanted -= some
        done += int(row.sum())
    return out
