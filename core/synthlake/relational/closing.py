"""References that close a cycle, written last: to rows of the same table, or of one below it.

Rows of a group of levels own as many stubs as rows refer to them; those of the next group take
them in a permuted order. In a group of several levels, rows also own stubs for later rows of the
group: the r-th row takes the r-th stub, always that of an earlier one, so that no cycle comes
about. State is a count a block and group; nothing else of other blocks is known.

Source: breadth-first order of a branching process (Otter 1949); configuration model.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.encode.axis import empty
from synthlake.relational.cumulated import Cumulated, Tally
from synthlake.relational.feistel import strided
from synthlake.relational.model import Loop, TableModel, count_id, family_of, level_id
from synthlake.relational.parents import ranks_of
from synthlake.relational.plan import Counts
from synthlake.relational.recent import Recent
from synthlake.seed import below, mulhigh

if TYPE_CHECKING:
    from synthlake.relational.generate import Generator
    from synthlake.relational.rows import Block

Index = NDArray[np.int64]
_KEPT = 1_024  # blocks of rows as parents


@dataclass(frozen=True)
class Owners:
    """Rows of one block and group, as parents.

    Attributes:
        rows: numbers of the rows, ascending.
        before: stubs before each of them, in the block; one more than there are rows.
    """

    rows: Index
    before: Index


class Closing:
    """Finds the parents of one sample's rows by the loops of their table.

    Args:
        generator: makes codes, numbers of referring rows, and keys.
    """

    def __init__(self, generator: Generator) -> None:
        self._generator = generator
        self._owners = Recent(_KEPT)

    def columns(self, block: Block, number: int) -> dict[str, pa.Array[Any]]:
        """Columns of all loops of a block, which is the number-th of its table."""
        out: dict[str, pa.Array[Any]] = {}
        for place, fk in enumerate(block.model.table.loops):
            found = [loop for loop in block.model.loops if loop.fk == fk]
            if not found or level_id(place) not in block.drawn:
                types = [block.model.table.column(c).type for c in fk.columns]
                out |= {c: empty(block.rows, t) for c, t in zip(fk.columns, types, strict=True)}
            else:
                out |= self._one(block, number, place, found[0])
        return out

    def count(self, model: TableModel, place: int, loop: Loop) -> tuple[Cumulated, Counts]:
        """Rows of each code before each block of a table; stubs before each block of parents.

        Cost: draws the codes of the table, and how many refer to each row of the parents.
        """
        generator, name = self._generator, model.table.name
        blocks = len(generator.starts(name)) - 1
        codes = Tally(blocks, loop.groups + 1)
        for number in range(blocks):
            drawn = self._drawn(name, number).drawn.get(level_id(place))
            found = np.zeros(0, np.int64) if drawn is None else np.maximum(drawn, 0)
            codes.add(number, np.bincount(found, minlength=loop.groups + 1))
        stubs = [np.zeros(len(self._parent_groups(loop)), np.int64)]
        for number in range(len(generator.starts(loop.fk.references)) - 1):
            groups = [self._of(name, place, loop, number, g) for g in self._parent_groups(loop)]
            stubs.append(np.array([owners.before[-1] for owners in groups], np.int64))
        return codes.done(), np.cumsum(stubs, axis=0)

    # parents

    def _one(self, block: Block, number: int, place: int, loop: Loop) -> dict[str, pa.Array[Any]]:
        """Columns of one loop."""
        generator, table, fk = self._generator, block.model.table, loop.fk
        label = fk.label(table.name)
        codes = np.maximum(block.drawn[level_id(place)], 0)
        ranks = ranks_of(codes, generator.plan.codes[label].before(number))
        draw = _Draw(self, table.name, place, loop, label)
        parent = np.full(block.rows, -1, np.int64)
        for code in np.unique(codes):
            rows = np.flatnonzero(codes == code)
            words = block.words(f"loop:{label}", 0)[rows]
            parent[rows] = draw.parents(int(code), ranks[rows], words)
        at = np.arange(block.start, block.start + block.rows)
        parent = np.where((parent < 0) & loop.itself, at, parent)
        part = partial(block.words, f"part:{label}", 0)
        return generator.referring(table, fk, fk.columns, parent, part)

    def _parent_groups(self, loop: Loop) -> range:
        """Groups of the rows that are referred to; all are alike in another table."""
        return range(loop.groups if loop.within else 1)

    def _of(self, name: str, place: int, loop: Loop, number: int, group: int) -> Owners:
        """The rows of a group in a block of parents."""

        def make() -> list[Owners]:
            block = self._drawn(loop.fk.references, number)
            label = loop.fk.label(name)
            stubs = block.count(label) if count_id(label) in block.drawn else None
            weights = np.zeros(block.rows, np.int64) if stubs is None else np.maximum(stubs, 0)
            codes = np.zeros(block.rows, np.int64)
            if loop.within and level_id(place) in block.drawn:
                codes = np.maximum(block.drawn[level_id(place)], 0).astype(np.int64)
                if not loop.lumps[0]:
                    codes[codes == loop.groups] = 0  # below one that is nowhere is the top
            out = []
            for code in self._parent_groups(loop):
                rows = np.flatnonzero(codes == code)
                before = np.concatenate([[0], np.cumsum(weights[rows])]).astype(np.int64)
                out.append(Owners(rows + block.start, before))
            return out

        held: list[Owners] = self._owners.get((name, place, number), make)
        return held[group]

    def _drawn(self, table: str, number: int) -> Block:
        """A block as far as its codes and the numbers of those that refer to its rows."""
        block = self._generator.open_block(table, number)
        block.draw(family_of(block.model))
        return block


@dataclass(frozen=True)
class _Draw:
    """The parents of some rows by one loop."""

    closing: Closing
    table: str
    place: int
    loop: Loop
    label: str

    def parents(self, code: int, ranks: Index, words: NDArray[np.uint64]) -> Index:
        """Row numbers of parents; -1 for none. Those of orphans lie beyond the rows."""
        loop, plan = self.loop, self.closing._generator.plan
        if code == loop.groups:
            missing = plan.phantoms.get(self.label, 0)
            if not missing:
                return np.full(len(ranks), -1, np.int64)
            first = plan.rows[loop.fk.references] + plan.offsets[self.label]
            return first + self._spread(code, ranks, missing)
        if not loop.within:
            rows = plan.rows[loop.fk.references]
            return self._by_stubs(code, 0, ranks) if code and rows else np.full(len(ranks), -1)
        pool = next((g for g in range(code - 1, -1, -1) if self._rows(g)), None)
        if pool is None and not code and not loop.lumps[0]:
            return np.full(len(ranks), -1, np.int64)
        if pool is None or loop.lumps[code]:  # small samples may have no row at the top
            return self._in_lump(code, pool, ranks, words)
        return self._by_stubs(code, pool, ranks)

    # sizes

    def _rows(self, group: int) -> int:
        """Rows of a group, as parents."""
        plan = self.closing._generator.plan
        if not self.loop.within:
            return plan.rows[self.loop.fk.references]
        codes = plan.codes[self.label].total
        return int(codes[group]) + (int(codes[-1]) if self._with_lost(group) else 0)

    def _with_lost(self, group: int) -> bool:
        """Whether orphans are among the rows of a group, as parents."""
        return group == 0 and not self.loop.lumps[0]

    def _stubs(self, group: int) -> int:
        return int(self.closing._generator.plan.stubs[self.label][-1][group])

    def _spread(self, code: int, ranks: Index, room: int) -> Index:
        """Places for rows of a code: their ranks, permuted and scaled."""
        generator = self.closing._generator
        total = np.full(len(ranks), generator.plan.codes[self.label].total[code])
        key = generator.seed.key(self.label, f"loop{code}") % 2**64
        spread = strided(ranks, total, np.full(len(ranks), key, np.uint64))
        return mulhigh(spread, np.full(len(ranks), room), total)

    # owners

    def _by_stubs(self, code: int, pool: int, ranks: Index) -> Index:
        """Parents in a group; each row of it may be one where none has stubs."""
        flat = not self._stubs(pool)
        return self._owner(pool, self._spread(code, ranks, self._room(pool)), flat=flat)

    def _room(self, pool: int) -> int:
        return self._stubs(pool) or self._rows(pool)

    def _in_lump(
        self, code: int, pool: int | None, ranks: Index, words: NDArray[np.uint64]
    ) -> Index:
        """Parents among the group above, and earlier rows of the same."""
        above = 0 if pool is None else self._room(pool)
        shift = int(pool is None)  # the first row of all is the root
        total = max(self._rows(code) - shift, 1)
        at = mulhigh(np.maximum(ranks - shift, 0), np.full(len(ranks), above + self._stubs(code)),
                     np.full(len(ranks), total))  # fmt: skip
        free = above + self._before(code, ranks)
        late = at >= free
        at[late] = below(words[late], np.maximum(free[late], 1))
        out = np.full(len(ranks), -1, np.int64)
        inside = np.flatnonzero((at >= above) & (free > above))
        out[inside] = self._owner(code, at[inside] - above, flat=False)
        outside = np.flatnonzero(at < above)
        if pool is not None:
            flat = not self._stubs(pool)
            key = self.closing._generator.seed.key(self.label, f"lump{code}") % 2**64
            place = strided(at[outside], np.full(len(outside), above),
                            np.full(len(outside), key, np.uint64))  # fmt: skip
            out[outside] = self._owner(pool, place, flat=flat)
        lone = np.flatnonzero((out < 0) & (ranks >= shift))  # no earlier row has stubs
        out[lone] = self._owner(code, np.zeros(len(lone), np.int64), flat=True)
        return out

    def _before(self, group: int, ranks: Index) -> Index:
        """Stubs of the rows of a group before those of some ranks."""
        rows, stubs = self._tables(group)
        block = np.searchsorted(rows, ranks, side="right") - 1
        out = np.zeros(len(ranks), np.int64)
        for number in np.unique(block):
            some = np.flatnonzero(block == number)
            owners = self._owners(int(number), group)
            out[some] = stubs[number] + owners.before[ranks[some] - rows[number]]
        return out

    def _owner(self, group: int, places: Index, *, flat: bool) -> Index:
        """The rows of a group that own stubs, or that are the places-th of it."""
        rows, stubs = self._tables(group)
        ends = rows if flat else stubs
        block = np.searchsorted(ends, places, side="right") - 1
        out = np.zeros(len(places), np.int64)
        for number in np.unique(block):
            some = np.flatnonzero(block == number)
            owners, local = self._owners(int(number), group), places[some] - ends[number]
            if not flat:
                local = np.searchsorted(owners.before, local, side="right") - 1
            out[some] = owners.rows[local]
        return out

    def _owners(self, number: int, group: int) -> Owners:
        return self.closing._of(self.table, self.place, self.loop, number, group)

    def _tables(self, group: int) -> tuple[Index, Index]:
        """Rows and stubs of a group before each block of parents."""
        generator = self.closing._generator
        stubs = generator.plan.stubs[self.label][:, group]
        if not self.loop.within:
            return generator.starts(self.loop.fk.references), stubs
        codes = generator.plan.codes[self.label]
        rows = codes.sums(group)
        rows = rows + codes.sums(len(codes.total) - 1) if self._with_lost(group) else rows
        return rows, stubs
