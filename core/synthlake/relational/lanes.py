"""Which children have one parent after the other: lanes within the children of a code.

Children of a code in a slice of time stand in lanes, each of which has one row of a family at most,
and what siblings share in common as far as can be. There are as many as parents of the code have
children then. A lane has one parent until all of its children are there, then the next one: so no
parent has two rows of a family, and each stays with what its lane shares.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush, heapreplace

import numpy as np
from numpy.typing import NDArray

from synthlake.encode.mixing import mix

Index = NDArray[np.int64]


def lanes_of(family: Index, slot: Index, parents: int, names: int) -> Index:
    """The lane of each child of a code in a slice of time.

    Args:
        family: of each row.
        slot: what it shares with siblings; no two rows of a family have the same.
        parents: how many have children of the code then, and so lanes that there are, from 0; rows
            of families that have more of the code have further ones.
        names: that lanes have.

    Source: rendezvous hashing (Thaler and Ravishankar 1998): where there is a lane more, few slots
    change theirs.
    """
    slots, each, count = np.unique(slot, return_inverse=True, return_counts=True)
    lanes, out = [set[int]() for _ in range(names)], np.zeros(len(slot), np.int64)
    most = np.arange(max(min(parents, names), 1), dtype=np.uint64)
    liked = np.argsort(mix(slots.astype(np.uint64)[:, None] * np.uint64(names) + most), axis=1)
    further = range(len(most), names)
    for one in np.lexsort((slots, -count)).tolist():
        rows = np.flatnonzero(each == one)
        families = family[rows].tolist()
        wanted = (*liked[one].tolist(), *further)
        lane = next((n for n in wanted[: len(most)] if lanes[n].isdisjoint(families)), -1)
        for row, own in zip(rows.tolist(), families, strict=True):
            place = lane if lane >= 0 else next((n for n in wanted if own not in lanes[n]), 0)
            out[row] = place
            lanes[place].add(own)
    return out


@dataclass
class _Parents:
    """Parents of a code, whose stubs are taken in the order of time.

    Attributes:
        stubs: of all parents, one parent after the other.
        time: the slice of each of them.
        at, end: the next stub of each parent in these, and where they end.
        due: stubs of each up to now, those taken taken off; below 0 where some were taken early.
        held: the parent of each lane.
        lane: the lane of each parent that has one.
        busy: parents that have children in this slice.
        soon: parents by the slice of their next stub; some more than once, some that have none.
    """

    stubs: Index
    time: list[int]
    at: list[int]
    end: list[int]
    due: list[int]
    held: dict[int, int] = field(default_factory=dict)
    lane: dict[int, int] = field(default_factory=dict)
    busy: set[int] = field(default_factory=set)
    soon: list[tuple[int, int]] = field(default_factory=list)
    waiting: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, parent: Index, time: Index) -> _Parents:
        """Those that own stubs; parents are numbered from 0."""
        stubs = np.lexsort((time, parent))
        end = np.cumsum(np.bincount(parent)).tolist()
        at = [0, *end[:-1]]
        out = cls(stubs, time[stubs].tolist(), at, end, [0] * len(end))
        out.soon = [(out.time[first], one) for one, first in enumerate(at)]
        heapify(out.soon)
        return out

    def arrive(self, parents: Index, some: Index) -> None:
        """Another slice of time begins, in which parents have some stubs each."""
        self.busy.clear()
        for one, more in zip(parents.tolist(), some.tolist(), strict=True):
            self.due[one] += more
            self.waiting.add(one)
        self.waiting = {one for one in self.waiting if self.due[one] > 0}

    def take(self, parent: int, lane: int, most: int) -> Index:
        """The next stubs of a parent, at most so many, for a lane."""
        first = self.at[parent]
        some = min(most, self.end[parent] - first)
        self.at[parent] += some
        self.due[parent] -= some
        if self.held.get(lane) not in self.busy and self.lane.get(parent) != lane:
            self.held.pop(self.lane.pop(parent, -1), None)
            self.lane.pop(self.held.get(lane, -1), None)
            self.held[lane], self.lane[parent] = parent, lane
        self.busy.add(parent)
        if self.at[parent] < self.end[parent]:
            heappush(self.soon, (self.time[self.at[parent]], parent))
        return self.stubs[first : first + some]

    def ready(self) -> list[int]:
        """Parents that are due stubs and have no children in this slice, most stubs first."""
        return sorted(self.waiting - self.busy, key=lambda one: (self.time[self.at[one]], one))

    def next(self, lane: int) -> tuple[int, int]:
        """Who comes next, if nobody is due any more, and how many stubs at once.

        The parent of the lane or one without children in this slice, whose turn is sooner; else any.
        """
        aside, best = [], None
        while self.soon and best is None:
            time, one = heappop(self.soon)
            if self.at[one] == self.end[one] or self.time[self.at[one]] != time:
                continue  # it has gone on since
            if one in self.busy:
                aside.append((time, one))
            else:
                best = time, one
        own = next((held for held in aside if held[1] == self.held.get(lane)), None)
        for held in (*aside, *([best] if best else [])):
            heappush(self.soon, held)
        if own is not None and (best is None or own[0] <= best[0]):
            best = own
        time, one = best or aside[0]
        some = bisect_right(self.time, time, self.at[one], self.end[one]) - self.at[one]
        return one, some


def in_turns(counts: Index, parent: Index, time: Index) -> Index:
    """Which stubs children of a code have, if those of a lane have one parent after the other.

    In each slice of time the parent of a lane has as many of its children as it is due; then those
    that are due children and have no lane, each in one; and what is left goes to whose turn is next.

    Args:
        counts: children, shape (slices, lanes).
        parent: of each stub, from 0; as many stubs as children.
        time: the slice of each stub.

    Returns:
        Shape (children,), of children slice after slice and lane after lane.

    Cost: a step for each parent of a lane in a slice.
    """
    parents = _Parents.of(parent, time)
    out, begin = np.empty(len(parent), np.int64), 0
    arrivals, some = np.unique(time * np.int64(len(parents.at)) + parent, return_counts=True)
    ends = np.searchsorted(arrivals // len(parents.at), np.arange(len(counts) + 1))
    for at, row in enumerate(counts):
        new = slice(ends[at], ends[at + 1])
        parents.arrive(arrivals[new] % len(parents.at), some[new])
        taken = _slice(parents, {n: int(row[n]) for n in np.flatnonzero(row).tolist()})
        for lane in sorted(taken):
            for stubs in taken[lane]:
                out[begin : begin + len(stubs)] = stubs
                begin += len(stubs)
    return out


def _slice(parents: _Parents, left: dict[int, int]) -> dict[int, list[Index]]:
    """The stubs that the children of each lane have in a slice of time.

    Args:
        parents: of the code.
        left: children of each lane; none are left afterwards.
    """
    taken: dict[int, list[Index]] = {lane: [] for lane in left}

    def take(parent: int, lane: int, most: int) -> None:
        stubs = parents.take(parent, lane, min(most, left[lane]))
        taken[lane].append(stubs)
        left[lane] -= len(stubs)

    for lane in sorted(left, key=lambda n: -left[n]):
        held = parents.held.get(lane)
        if held is not None and parents.at[held] < parents.end[held]:
            take(held, lane, left[lane])
    free = [(-room, lane) for lane, room in left.items() if room]
    heapify(free)
    for one in parents.ready():
        if not free:
            break
        lane = free[0][1]
        take(one, lane, left[lane])
        if left[lane]:
            heapreplace(free, (-left[lane], lane))
        else:
            heappop(free)
    for lane in sorted(left, key=lambda n: -left[n]):
        while left[lane]:
            one, some = parents.next(lane)
            take(one, lane, some)
    return taken
