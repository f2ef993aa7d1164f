"""Which children have which parent, where each parent has its children within a time of its own.

All families of children pass in the order of time. Each is handed parents that are there then:
those whose children are most behind, and rather those that go on with what they share with
siblings, such as a driver with a constructor. So no parent has two rows of a family, each has
as many as it is due, and they lie in its time.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from synthlake.models.support import joint, ranks
from synthlake.seed import Words, below

Index = NDArray[np.int64]
Floats = NDArray[np.float64]
_SWEEPS = 2  # in which parents choose among their draws
_PARTS = 64  # of time, in which it is told what is due


@dataclass(frozen=True)
class Children:
    """Rows that each get a parent.

    Attributes:
        family: of each row, numbered from 0 in the order of time.
        code: of the parent that was drawn for it.
        shared: what it shares with siblings; None where they share nothing.
        taken: parents that it has already by other references, whom nobody of its family gets;
            shape (rows, references).
    """

    family: Index
    code: Index
    shared: Index | None = None
    taken: Index | None = None


@dataclass(frozen=True)
class Due:
    """Parents, and the children that each is due.

    Attributes:
        count: of its children.
        begin, end: of its time, in families.
        code: of each.
    """

    count: Index
    begin: Floats
    end: Floats
    code: Index


def in_time(begin: Floats, end: Floats, count: Index, families: int) -> tuple[Floats, Floats]:
    """Times of parents that lie among the families and are no shorter than they have children.

    Args:
        begin: in families, any shape that ends in (parents,).
        end: likewise.
        count: children of each parent, who has one of a family at most.
        families: how many there are.
    """
    long = np.minimum(np.maximum(end - begin, count), float(families))
    until = np.clip(begin + long, long, float(families))
    return until - long, np.maximum(until, until - long + 1e-6)


def evened(count: Index, begin: Floats, end: Floats, sizes: Index) -> Index:
    """Which of its draws each parent has, so that as many children are due as there are rows.

    What a parent is due is drawn for itself, and a few parents have many children each: they miss
    what all of them are due by a third in a part of the time. Every draw is as likely as the
    other; those are taken that miss it least.

    Args:
        count: children of each parent, shape (parents,).
        begin: in families, shape (draws, parents).
        end: likewise.
        sizes: rows of each family, in the order of time.

    Returns:
        Shape (parents,).

    Cost: memory of 64 numbers a draw and parent; two steps a parent.
    """
    bounds = np.linspace(0.0, len(sizes), _PARTS + 1)
    before = np.append(0, np.cumsum(sizes)).astype(np.float64)
    wanted = np.diff(np.rint(np.interp(bounds, np.arange(len(before)), before)).astype(np.int64))
    # in whole numbers, so that sums are the same on any machine
    done = np.stack([np.rint(16 * count[:, None] * np.clip(
        (bounds - b[:, None]) / np.maximum(e - b, 1e-6)[:, None], 0.0, 1.0
    )).astype(np.int64) for b, e in zip(begin, end, strict=True)])  # fmt: skip
    due = np.diff(done, axis=2)
    chosen = np.zeros(len(count), np.int64)
    beyond = due[0].sum(0) - 16 * wanted
    for _ in range(_SWEEPS):
        for parent in np.argsort(-count, kind="stable").tolist():
            others = beyond - due[chosen[parent], parent]
            tried = due[:, parent] + others
            chosen[parent] = int((tried * tried).sum(1).argmin())
            beyond = tried[chosen[parent]]
    return chosen


def handed_on(children: Children, due: Due) -> Index:
    """The parent of each child; -1 where all there are have a row of its family, or have none.

    Source: as by earliest deadline (Liu and Layland, JACM 20, 1973), but by how far behind.

    Cost: for each family, a step for each parent that is there.
    """
    order = np.argsort(children.family, kind="stable")
    numbers, first = np.unique(children.family[order], return_index=True)
    out, there = np.full(len(order), -1, np.int64), _There(due)
    for number, rows in zip(numbers.tolist(), np.split(order, first[1:]), strict=True):
        shared = None if children.shared is None else children.shared[rows]
        taken = None if children.taken is None else np.unique(children.taken[rows])
        out[rows] = there.take(number, children.code[rows], shared, taken)
    return out


@dataclass
class _There:
    """Parents that have begun, and those that are about to.

    Attributes:
        at: their numbers.
        left: children that they are due and do not have yet.
        shared: what they shared with siblings last; -1 for nothing yet.
        spent: parents without a child left, for families that find nobody else.
    """

    due: Due
    at: Index = field(default_factory=lambda: np.zeros(0, np.int64))
    left: Index = field(init=False)
    shared: Index = field(init=False)
    spent: list[int] = field(default_factory=list)
    _queue: Index = field(init=False)
    _rate: Floats = field(init=False)
    _size: Floats = field(init=False)

    def __post_init__(self) -> None:
        """Nobody is there yet."""
        due = self.due
        self.left = due.count.copy()
        self.shared = np.full(len(due.count), -1, np.int64)
        some = np.flatnonzero(due.count > 0)
        self._queue = some[np.argsort(due.begin[some], kind="stable")]
        self._rate = due.count / np.maximum(due.end - due.begin, 1e-6)
        # who is due few waits longer for one of them, who is due many is behind by more
        some_of = np.sqrt(np.maximum(due.count, 1))
        self._size = some_of * np.sqrt(some_of)

    def take(self, number: int, code: Index, shared: Index | None, taken: Index | None) -> Index:
        """Parents of the rows of the family of a number, none of whom is taken."""
        self._admit(number, len(code) + (0 if taken is None else len(taken)))
        at = self.at if taken is None else self.at[~np.isin(self.at, taken)]
        done = self.due.count[at] - self.left[at]
        behind = self._rate[at] * (number + 1 - self.due.begin[at]) - done
        stays = self._staying(at, behind, shared)
        first = _greatest(behind / self._size[at] + stays, len(code))
        out = self._placed(at[first], stays[first], code, shared)
        found = at[first]
        self.left[found] -= 1
        if shared is not None:
            placed = np.flatnonzero(out >= 0)
            self.shared[out[placed]] = shared[placed]
        if not self.left[found].all():
            gone = self.left[self.at] <= 0
            self.spent = [*self.spent, *self.at[gone].tolist()][-4 * len(code) - 64 :]
            self.at = self.at[~gone]
        return self._filled(out, taken)

    def _admit(self, number: int, rows: int) -> None:
        """Let parents come whose time begins, and further ones if they are too few."""
        queue = self._queue
        some = int(np.searchsorted(self.due.begin[queue], number + 1.0))
        some = max(some, min(rows - len(self.at), len(queue)))
        if some > 0:
            self.at, self._queue = np.concatenate([self.at, queue[:some]]), queue[some:]

    def _staying(self, at: Index, behind: Floats, shared: Index | None) -> NDArray[np.bool_]:
        """Parents that go on with what they shared: those that are most behind, one a row."""
        if shared is None:
            return np.zeros(len(behind), np.bool_)
        values, rows = np.unique(shared, return_counts=True)
        own = self.shared[at]
        place = np.minimum(np.searchsorted(values, own), len(values) - 1)
        known = np.flatnonzero((values[place] == own) & (own >= 0))
        known = known[np.argsort(-behind[known], kind="stable")]
        out = np.zeros(len(behind), np.bool_)
        out[known] = ranks(place[known]) < rows[place[known]]
        return out

    def _placed(
        self, at: Index, stays: NDArray[np.bool_], code: Index, shared: Index | None
    ) -> Index:
        """Parents on rows: those that stay where they did, others by their code if they can."""
        out, own, rest = np.full(len(code), -1, np.int64), at[stays], at[~stays]
        if shared is not None:
            row, who = _paired(shared, self.shared[own])
            out[row] = own[who]
        free = np.flatnonzero(out < 0)
        row, who = _paired(code[free], self.due.code[rest])
        out[free[row]] = rest[who]
        free, rest = np.flatnonzero(out < 0), np.delete(rest, who)
        out[free[: len(rest)]] = rest
        return out

    def _filled(self, out: Index, taken: Index | None) -> Index:
        """Rows that found nobody have who was there last: they go on."""
        free = np.flatnonzero(out < 0)
        if len(free) and self.spent:
            gone = {*out.tolist(), *(() if taken is None else taken.tolist())}
            rest = [p for p in reversed(self.spent) if p not in gone][: len(free)]
            out[free[: len(rest)]] = rest
        return out


def _greatest(value: Floats, many: int) -> Index:
    """Places of the greatest values, the first of equal ones."""
    if many >= len(value):
        return np.arange(len(value))
    least = np.partition(value, len(value) - many)[len(value) - many]
    some = np.flatnonzero(value >= least)
    return some[np.argsort(-value[some], kind="stable")[:many]]


def _paired(one: Index, other: Index) -> tuple[Index, Index]:
    """Places of equal values in two arrays, each place once."""
    both = joint([np.concatenate([one, other])])
    keys = both * (len(both) + 1) + np.concatenate(
        [ranks(both[: len(one)]), ranks(both[len(one) :])]
    )
    _, first, second = np.intersect1d(
        keys[: len(one)], keys[len(one) :], assume_unique=True, return_indices=True
    )
    return first, second


@dataclass(frozen=True)
class Career:
    """What a plan says of the children that find their parents by time.

    Attributes:
        parent: of each child, shape (rows,); -1 for none. Empty as long as it is not known.
        code: of each parent, shape (parents,).
        first, last: when each parent has its first and its last child, in codes of the time;
            infinite for never.
    """

    parent: NDArray[np.int32]
    code: NDArray[np.int32]
    first: Floats
    last: Floats

    @classmethod
    def unknown(cls) -> Career:
        """Children will have one, and not yet."""
        none = np.zeros(0, np.int32)
        return cls(none, none, np.zeros(0), np.zeros(0))

    def near(self, when: Floats, words: Words, far: int) -> Index:
        """Parents who have children at about some times, by words; any of so many on each side."""
        order = np.argsort(np.where(np.isfinite(self.first), self.first + self.last, np.inf),
                           kind="stable")  # fmt: skip
        known = int(np.isfinite(self.first).sum()) or len(order)
        middle = (self.first + self.last)[order[:known]] / 2
        low = np.maximum(np.searchsorted(middle, when) - far, 0)
        high = np.minimum(low + 2 * far, known)
        low = np.maximum(high - 2 * far, 0)
        found: Index = order[low + below(words, high - low)]
        return found

    def codes(self, start: int, rows: int) -> NDArray[np.int32] | None:
        """Codes of the parents of some children, -1 for none; None before they have some."""
        if not len(self.parent):
            return None
        parent = self.parent[start : start + rows]
        return np.append(self.code, np.int32(-1))[parent].astype(np.int32)
