"""Which children have one parent after the other: lanes within the children of a code.

Children of a code in a slice of time stand in lanes, each of which has one row of a family at most,
and what siblings share in common as far as can be. There are as many as parents of the code have
children then. A lane has one parent until all of its children are there, then the next one: so no
parent has two rows of a family, and each stays with what its lane shares.
"""

from __future__ import annotations

from dataclasses import dataclass, field

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
        names: that lanes have; rows of families with more of the code share some.

    Source: rendezvous hashing (Thaler and Ravishankar 1998): where there is a lane more, few slots
    change theirs.
    """
    most = np.arange(max(min(parents, names), 1), dtype=np.uint64)
    if len(set(family.tolist())) == len(family):  # nobody is in the way
        first: Index = _liking(slot, most, names).argmin(axis=1)
        return first
    slots, each, count = np.unique(slot, return_inverse=True, return_counts=True)
    lanes, out = [set[int]() for _ in range(names)], np.zeros(len(slot), np.int64)
    liked = np.argsort(_liking(slots, most, names), axis=1)
    further, ends = range(len(most), names), np.cumsum(count)
    ordered = np.argsort(each, kind="stable")
    for one in np.lexsort((slots, -count)).tolist():
        rows = ordered[ends[one] - count[one] : ends[one]]
        families = family[rows].tolist()
        wanted = (*liked[one].tolist(), *further)
        lane = next((n for n in wanted[: len(most)] if lanes[n].isdisjoint(families)), -1)
        for row, own in zip(rows.tolist(), families, strict=True):
            place = lane if lane >= 0 else next((n for n in wanted if own not in lanes[n]), -1)
            place = place if place >= 0 else min(range(names), key=lambda n: len(lanes[n]))
            out[row] = place
            lanes[place].add(own)
    return out


def _liking(slot: Index, lanes: NDArray[np.uint64], names: int) -> NDArray[np.uint64]:
    """How much slots like lanes, the less the more; shape (slots, lanes)."""
    return mix(slot.astype(np.uint64)[:, None] * np.uint64(names) + lanes)


@dataclass
class _Parents:
    """Parents of a code whose children are taken one by one.

    Attributes:
        at, left: the next child of each, and how many more it has.
        fresh: the first one that has not begun.
        held: by lane.
        idle: that have begun, and whose lanes are not there.
    """

    at: list[int]
    left: list[int]
    fresh: int = 0
    held: dict[int, int] = field(default_factory=dict)
    idle: list[int] = field(default_factory=list)

    def release(self, lanes: set[int]) -> None:
        """Parents of lanes that are no longer there may go to others."""
        for lane in [n for n in self.held if n not in lanes]:
            self.idle.append(self.held.pop(lane))

    def take(self, lane: int, most: int) -> tuple[int, int]:
        """The next children of a lane's parent, at most so many: the first one, and how many."""
        if lane not in self.held:
            self.held[lane] = self._next()
        parent = self.held[lane]
        first, some = self.at[parent], min(most, self.left[parent])
        self.at[parent] += some
        self.left[parent] -= some
        if not self.left[parent]:
            del self.held[lane]
        return first, some

    def _next(self) -> int:
        """The first that has begun and is idle, else the next one, else one of another lane."""
        if self.idle:
            parent = min(self.idle)
            self.idle.remove(parent)
        elif self.fresh < len(self.left):
            parent, self.fresh = self.fresh, self.fresh + 1
        else:
            parent = self.held.pop(max(self.held, key=lambda n: self.left[self.held[n]]))
        return parent


def in_turns(counts: Index, parent: Index, time: Index) -> Index:
    """Which stubs children of a code have, if those of a lane have one parent after the other.

    Args:
        counts: children, shape (slices, lanes).
        parent: of each stub, from 0; as many stubs as children.
        time: the slice of each stub; parents begin in the order of their first ones.

    Returns:
        Shape (children,), of children slice after slice and lane after lane.

    Cost: O(children), and a step for each lane of a slice and each parent.
    """
    first = np.full(int(parent.max(initial=-1)) + 1, len(counts))
    np.minimum.at(first, parent, time)
    stubs = np.lexsort((time, parent, first[parent]))  # of one parent after the other
    ends = np.flatnonzero(np.append(np.diff(parent[stubs]) != 0, True)) + 1
    out, done = np.empty(len(parent), np.int64), 0
    parents = _Parents(np.append(0, ends[:-1]).tolist(), np.diff(ends, prepend=0).tolist())
    for row in counts:
        lanes = np.flatnonzero(row).tolist()
        parents.release(set(lanes))
        begins = dict(zip(lanes, (done + np.cumsum(row[lanes]) - row[lanes]).tolist(), strict=True))
        done += int(row.sum())
        # lanes that have a parent keep it, and large ones choose first
        for lane in sorted(lanes, key=lambda n: (n not in parents.held, -row[n])):
            wanted = int(row[lane])
            while wanted:
                at, some = parents.take(lane, wanted)
                out[begins[lane] : begins[lane] + some] = stubs[at : at + some]
                begins[lane] += some
                wanted -= some
    return out
