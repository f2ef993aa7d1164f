"""Children of parents that have theirs within a time: what a plan needs to know to hand them out.

Rows are drawn as far as the reference by which they find these parents, and parents as far as the
time of their children; ``careers`` says who has whom.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from synthlake.models.support import joint
from synthlake.relational.careers import Career, Children, Due, evened, handed_on, in_time
from synthlake.relational.feistel import strided
from synthlake.relational.kin import kin_of
from synthlake.relational.model import CODE, LENGTH, START, link_id
from synthlake.relational.parents import fitting
from synthlake.relational.plan import ROOT_BLOCK
from synthlake.relational.refined import Fixed
from synthlake.relational.spans import clock_name, clock_of_model, follows_plan, start_of, ticks_at
from synthlake.seed import Words

if TYPE_CHECKING:
    from synthlake.relational.generate import Generator
    from synthlake.relational.model import Link, TableModel
    from synthlake.relational.rows import Block

Index = NDArray[np.int64]
Floats = NDArray[np.float64]
MOST_HANDED = 2**20
"""Children up to which it is worked out who has which parent, for all of them at once."""
_THERE = 10**8  # parents of all families that may be looked at
_APART = 2_000  # numbers of words from one draw to the next
_DRAWS, _EVENED = 8, 4_096  # of when parents have their children, and of parents that choose


def is_handed(table: TableModel, number: int, rows: int) -> bool:
    """Whether children of a table find their parents by a reference in the order of time.

    Siblings have no two of one parent then. Others find theirs by slices of time (``timed``).
    """
    link, name = table.links[number], link_id(number)
    mapped = any(rule.made == name for rule in table.maps)
    return link.once and name in table.order and not mapped and rows <= MOST_HANDED


def career_of(generator: Generator, table: TableModel, number: int) -> Career | None:
    """Who has whom; None where there are too many to be looked at.

    Args:
        generator: makes the rows, and the parents.
        table: of the children.
        number: of the reference by which they find these parents.
    """
    link = table.links[number]
    drawn = _children(generator, table, number)
    code, count, begin, end = _parents(generator, link, link.fk.label(table.table.name))
    known = drawn.rows((drawn.code >= 0) & (drawn.time >= 0))
    moments = _Moments(known.time, known.family, clock_of_model(generator.model, link).size)
    parent, found = np.full(len(drawn.code), -1, np.int32), np.zeros(0, np.int64)
    if count.any() and (drawn.code >= 0).any():
        count = fitting(np.zeros(len(count), np.int64), count, np.array([(drawn.code >= 0).sum()]))
    if count.any() and len(known.code):
        begin, end = _as_before(generator, link, begin, end)
        count = moments.there(count, begin, end)
        timed = fitting(np.zeros(len(count), np.int64), count, np.array([len(known.code)]))
        due = moments.due(timed, begin, end, code)
        if float((due.end - due.begin).sum()) > _THERE:
            return None
        found = handed_on(Children(moments.family, known.code, known.shared, known.taken), due)
        parent[known.at] = found
    late = np.flatnonzero((drawn.code >= 0) & (drawn.time < 0))
    parent[late] = _whenever(count - np.bincount(found[found >= 0], minlength=len(count)), late)
    first, last = moments.ends(found, len(code))
    return Career(parent, code.astype(np.int32), first, last)


def _whenever(left: Index, rows: Index) -> Index:
    """Parents of rows of which nobody knows when they are: who has children left, far apart."""
    owners = np.repeat(np.arange(len(left)), np.maximum(left, 0))
    out = np.full(len(rows), -1, np.int64)
    some = min(len(rows), len(owners))
    every = np.full(some, len(owners))
    out[:some] = owners[strided(np.arange(some), every, np.zeros(some, np.uint64))]
    return out


def _as_before(
    generator: Generator, link: Link, begin: Floats, end: Floats
) -> tuple[Floats, Floats]:
    """When parents have their children, in codes of the time: as those of another table do."""
    begin, end = (ticks_at(generator.model, link, ticks) for ticks in (begin, end))
    for name, model in generator.model.tables.items():
        for other in model.links:
            held = generator.plan.careers.get(other.fk.label(name))
            same = other.fk.references == link.fk.references and held is not None
            if not same or held is None or not len(held.parent):
                continue
            some = np.isfinite(held.first)
            return np.where(some, held.first, begin), np.where(some, held.last, end)
    return begin, end


@dataclass
class _Otherwise(Fixed):
    """Rows of which all is as it was but when they have their first children, and what follows.

    Attributes:
        draw_number: of the other words of that time.
    """

    draw_number: int = 0

    def words(self, column: str, number: int) -> Words:
        """Words of the rows, which are others for the time of the first child alone."""
        return super().words(column, number + self.draw_number * _APART * (column == START))


class _Moments:
    """Families of children in the order of time, of some rows.

    Attributes:
        family: of each row, numbered in this order.
        sizes: rows of each.
        when: each is, in codes of the time.
    """

    def __init__(self, time: Index, family: Index, size: int) -> None:
        self.family = joint([time, family])
        self.sizes = np.bincount(self.family)
        first = np.unique(self.family, return_index=True)[1]
        code = time[first]
        self._before = np.append(0, np.cumsum(np.bincount(code, minlength=size)))
        rank = np.arange(len(code)) - self._before[code]
        self.when = code + (rank + 0.5) / np.diff(self._before)[code]

    def there(self, count: Index, begin: Floats, end: Floats) -> Index:
        """Children of parents, those of who is never there at such a time with one who has none.

        Args:
            count: children of each parent.
            begin: when, in codes of the time, shape (draws, parents).
            end: likewise.
        """
        outside = ((begin > self.when.max()) | (end < self.when.min())).all(0)
        gone = np.flatnonzero(outside & (count > 0))
        free = np.flatnonzero(~outside & (count == 0))
        out, some = count.copy(), min(len(gone), len(free))
        near = np.argsort(np.abs(begin[0, free] - np.median(self.when)), kind="stable")[:some]
        out[free[near]], out[gone[:some]] = count[gone[:some]], 0
        return out

    def due(self, count: Index, begin: Floats, end: Floats, code: Index) -> Due:
        """Parents with their children's times among the families, of each the draw that fits.

        Args:
            count: children of each parent.
            begin: when, in codes of the time, shape (draws, parents).
            end: likewise.
            code: of each parent.
        """
        before = self._before.astype(np.float64)
        begin, end = (np.interp(t, np.arange(len(before)), before) for t in (begin, end))
        begin, end = in_time(begin, end, count, len(self.sizes))
        draw = np.zeros(len(count), np.int64)
        draw = evened(count, begin, end, self.sizes) if len(begin) > 1 else draw
        every = np.arange(len(count))
        return Due(count, begin[draw, every], end[draw, every], code)

    def ends(self, found: Index, parents: int) -> tuple[Floats, Floats]:
        """When each parent has its first and its last child."""
        first, last = np.full(parents, np.inf), np.full(parents, -np.inf)
        some = np.flatnonzero(found >= 0)
        when = self.when[self.family[some]]
        np.minimum.at(first, found[some], when)
        np.maximum.at(last, found[some], when)
        return first, np.where(np.isfinite(last), last, np.inf)


@dataclass(frozen=True)
class _Drawn:
    """Children as they are drawn.

    Attributes:
        at: their numbers.
        time: when each is, in codes of the time; -1 where nobody knows.
        family, code, shared, taken: as ``Children`` has them.
    """

    at: Index
    time: Index
    family: Index
    code: Index
    shared: Index | None
    taken: Index | None

    def rows(self, which: NDArray[np.bool_]) -> _Drawn:
        """The same of some."""
        shared = None if self.shared is None else self.shared[which]
        taken = None if self.taken is None else self.taken[which]
        return _Drawn(self.at[which], self.time[which], self.family[which], self.code[which],
                      shared, taken)  # fmt: skip


def _children(generator: Generator, table: TableModel, number: int) -> _Drawn:
    """All children of a table."""
    link, name, kin = table.links[number], link_id(number), kin_of(table, link_id(number))
    clock, parts = clock_name(generator.model, link), list[Index]()
    last = table.order.index(name)
    for place in range(len(generator.starts(table.table.name)) - 1):
        block = generator.open_block(table.table.name, place)
        block.draw(table.order[: last + 1])
        if not block.rows:
            continue
        assert block.family is not None
        shared = block.drawn[name] if kin is None else block.drawn[kin.name]
        parts.append(np.stack([
            block.context[clock], block.family, block.drawn[name], shared + 1
        ]).astype(np.int64))  # fmt: skip
    whole = np.concatenate([np.zeros((4, 0), np.int64), *parts], axis=1)
    before = (
        generator.plan.careers.get(other.fk.label(table.table.name))
        for other in table.links[:number]
        if other.fk.references == link.fk.references
    )
    taken = [c.parent for c in before if c is not None and len(c.parent)]  # fmt: skip
    return _Drawn(
        np.arange(whole.shape[1]), whole[0], whole[1], whole[2], None if kin is None else whole[3],
        np.stack(taken, axis=1).astype(np.int64) if taken else None,
    )  # fmt: skip


def _parents(generator: Generator, link: Link, label: str) -> tuple[Index, Index, Floats, Floats]:
    """Codes of parents, children that each is due, and draws of when, shape (draws, parents)."""
    rows = generator.plan.rows[link.fk.references]
    free = follows_plan(generator, generator.model.tables[link.fk.references])
    draws = _DRAWS if free and rows <= _EVENED else 1
    parts: list[tuple[Index, Index, Floats, Floats]] = []
    for low in range(0, rows, ROOT_BLOCK):
        for block, some in generator.matching.family(link, label, low, min(low + ROOT_BLOCK, rows)):
            begin, end = zip(*(_when(generator, block, n) for n in range(draws)), strict=True)
            degrees = generator.barren.stubs(block, label).astype(np.int64)
            code = np.clip(block.drawn[CODE], 0, link.codes - 1).astype(np.int64)
            parts.append((code[some], degrees[some], np.stack(begin)[:, some],
                          np.stack(end)[:, some]))  # fmt: skip
    none = np.zeros(0, np.int64)
    parts = parts or [(none, none, np.zeros((1, 0)), np.zeros((1, 0)))]
    code, count = (np.concatenate([p[at] for p in parts]) for at in (0, 1))
    first, last = (np.concatenate([p[at] for p in parts], axis=1) for at in (2, 3))
    return code, count, first, last


def _when(generator: Generator, block: Block, draw: int) -> tuple[Floats, Floats]:
    """When parents have their first and their last child, by the draw of a number."""
    spans, order = block.model.spans, block.model.order
    assert spans is not None
    made = block
    if draw:
        before = order[: order.index(START)]
        made = _Otherwise(
            block.model, block.seed, block.start, block.rows, block.known, block.context,
            frame=block.frame, draw_number=draw,
            fixed={n: (block.drawn[n], block.codes[n]) for n in before},
        )  # fmt: skip
        made.draw(order[: order.index(LENGTH) + 1])
    start = start_of(made)
    length, _ = spans.length.draw(made.drawn[LENGTH], made.words(LENGTH, 1))
    middle = float(np.median(start.ticks[~start.null])) if not start.null.all() else 0.0
    first = np.where(start.null, middle, start.ticks).astype(np.float64)
    return first, first + np.maximum(length, 0)
