"""Parents of children that are not made with them: by code, by stubs, then by their keys."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.encode.axis import empty
from synthlake.ports import Codes
from synthlake.relational.model import CODE, Link, link_id
from synthlake.relational.owners import Owners, first_stubs
from synthlake.relational.parents import Stubs, ranks_of
from synthlake.relational.plan import ROOT_BLOCK
from synthlake.relational.rows import Block
from synthlake.relational.shelf import Shelf
from synthlake.relational.spans import clock_name, in_slices
from synthlake.relational.timed import FIRST_TRY, TimedStubs, by_slice, with_slices
from synthlake.relational.uniqueness import pairing, unlike
from synthlake.schema.modes import unique_target
from synthlake.seed import Words, below, digest

if TYPE_CHECKING:
    from synthlake.relational.generate import Generator

Index = NDArray[np.int64]
_FAR = 8  # parents before and after, of whom one takes the place of another


class Matching:
    """Finds the parents of one sample's children.

    Args:
        generator: makes the parents' codes, degrees and keys.
        shelf: for what is worked out of all parents.
    """

    def __init__(self, generator: Generator, shelf: Shelf) -> None:
        self._generator = generator
        self._shelf, self._owners = shelf, dict[str, Owners]()
        self._stubs: dict[str, Stubs] = {}

    def columns(
        self, block: Block, number: int, link: Link, met: dict[int, Index]
    ) -> dict[str, pa.Array[Any]]:
        """Columns of one foreign key; ``met`` tells keys before it apart, and gets its parents."""
        table = block.model.table
        if link_id(number) not in block.drawn:  # nothing was learned of it
            return {c: empty(block.rows, table.column(c).type) for c in link.fk.columns}
        parent = self._parents(block, link, block.drawn[link_id(number)])
        if pairing(block.model) == number and block.family is not None:
            parent = self._unlike(block, number, parent, met)
        elif link_id(number) in block.model.apart and block.family is not None:
            parent = self._unlike(block, number, parent, None)
        met[number] = parent
        words = partial(block.words, f"part:{link.fk.label(table.name)}", 0)
        return self._generator.referring(table, link.fk, link.fk.columns, parent, words)

    def _parents(self, block: Block, link: Link, codes: Codes) -> Index:
        """The parent of each row: of whom the plan says, else by its code; -1 for none."""
        generator, name = self._generator, block.model.table.name
        label = link.fk.label(name)
        career = generator.plan.careers.get(label)
        if career is not None:
            parent = career.parent[block.start : block.start + block.rows].astype(np.int64)
            return self._somebody(block, link, np.where(codes < 0, -1, parent), codes >= 0)
        starts = generator.plan.starts.get(name)
        place = block.start // ROOT_BLOCK
        if starts is not None:
            place = int(np.searchsorted(starts, block.start, side="right")) - 1
        codes = with_slices(block, link, generator.model, codes)
        ranks = ranks_of(codes, generator.plan.codes[label].before(place))
        parent = self._owner(link, label, *self._stubs_of(link, label).found(codes, ranks))
        return self._somebody(block, link, parent, np.zeros(len(parent), np.bool_))

    def _somebody(
        self, block: Block, link: Link, parent: Index, wanted: NDArray[np.bool_]
    ) -> Index:
        """Any parent for rows that found none, where there has to be one, or one is ``wanted``."""
        rows, strict = self._generator.plan.rows[link.fk.references], not block.model.loose(link.fk)
        nobody = np.flatnonzero((parent < 0) & (wanted | strict))
        if len(nobody) and rows:
            words = block.words(f"any:{link.fk.label(block.model.table.name)}", 0)[nobody]
            near = self._near(block, link, nobody, words, _FAR)
            parent[nobody] = below(words, rows) if near is None else near
        return parent

    def _near(self, block: Block, link: Link, rows: Index, words: Words, far: int) -> Index | None:
        """Parents who have children at the time of some rows; None where no plan says when."""
        career = self._generator.plan.careers.get(link.fk.label(block.model.table.name))
        if career is None or not len(career.code):
            return None
        clock = clock_name(self._generator.model, link)
        return career.near(block.context[clock][rows].astype(np.float64), words, far)

    def _stubs_of(self, link: Link, label: str) -> Stubs:
        """The stubs of a key, with what they have worked out."""
        if label not in self._stubs:
            kind = TimedStubs if link.slices else Stubs
            made = kind(link, label, self._generator.plan, self._generator.seed)
            self._stubs.setdefault(label, made)
        return self._stubs[label]

    def _unlike(
        self, block: Block, number: int, parent: Index, met: dict[int, Index] | None
    ) -> Index:
        """Parents that make the primary key unique within each family.

        Without ``met`` it is the parents alone that differ, as far as there are enough of them.
        """
        model, link = block.model, block.model.links[number]
        assert block.family is not None
        keys: list[NDArray[np.integer[Any]]] = [block.family]
        for name in model.distinct if met is not None else ():
            if name == link_id(number) or met is None:
                continue
            other = next((p for n, p in met.items() if link_id(n) == name), None)
            keys.append(block.drawn[name] if other is None else other)
        where = model.table.key_text if met is not None else ""
        rows, named = self._generator.plan.rows[link.fk.references], partial(self._named, link)
        return unlike(parent, keys, partial(self._again, block, number), rows, where, named)

    def _again(self, block: Block, number: int, rows: Index, again: int) -> Index:
        """Parents of some rows by the words of another number: of like ones, if it tells who is."""
        link = block.model.links[number]
        label = link.fk.label(block.model.table.name)
        words = block.words(f"pair:{label}", again)[rows]
        near = self._near(block, link, rows, words, _FAR * (again - FIRST_TRY + 1))
        if near is not None:
            return near
        stubs = self._stubs_of(link, label)
        codes = with_slices(block, link, self._generator.model, block.drawn[link_id(number)])
        return self._owner(link, label, *stubs.others(codes[rows], words, again))

    def _named(self, link: Link, parent: Index) -> Index:
        """Numbers of parents by what children refer to, which several may share."""
        table = self._generator.model.tables[link.fk.references].table
        if unique_target(link.fk, table) or not len(parent):
            return parent
        distinct, place = np.unique(parent, return_inverse=True)
        there = np.flatnonzero(distinct >= 0)
        keys = self._generator.key_columns(link.fk.references, link.fk.to, distinct[there])
        rows = zip(*(keys[name].to_pylist() for name in link.fk.to), strict=True)
        numbers = np.full(len(distinct), -1, np.int64)
        numbers[there] = [int.from_bytes(digest(repr(row))[:7]) for row in rows]
        return numbers[place]

    def _owner(self, link: Link, label: str, codes: Codes, stubs: Index) -> Index:
        """The parent that owns each stub; where nobody has stubs, they number the parents."""
        out = np.where(codes == Stubs.ANY, stubs, -1)
        known = np.flatnonzero(codes >= 0)
        if len(known):
            out[known] = self._owners_of(link, label).of(codes[known], stubs[known])
        return out

    def _owners_of(self, link: Link, label: str) -> Owners:
        """Who owns the stubs of a key."""
        if label not in self._owners:
            plan = self._generator.plan
            parents = partial(self.parents, link, label)
            made = Owners(label, link.fk.references, plan, self._shelf, parents, bool(link.slices))
            self._owners.setdefault(label, made)
        return self._owners[label]

    def parents(self, link: Link, label: str, number: int) -> tuple[Index, Index, Index]:
        """Codes, degrees and places of a block of parents, as learned; beyond real ones, phantoms.

        Where children find their parents by time, a parent stands once for each slice of time, by
        the code with that slice, with as many children as it has then.
        """
        generator, table = self._generator, link.fk.references
        real = generator.plan.rows[table]
        if number >= -(-real // ROOT_BLOCK):
            codes, degrees = generator.phantom_parents(link, label)
            return codes + link.codes, degrees, np.arange(len(codes))
        low, high = number * ROOT_BLOCK, min((number + 1) * ROOT_BLOCK, real)
        parts = [
            self._held(block, link, label, rows)
            for block, rows in self.family(link, label, low, high)
        ]
        codes, degrees = (np.concatenate(held) for held in zip(*parts, strict=True))
        # a code without support is none: where nothing of the parents may be told, all are alike
        codes, parent = np.clip(codes, 0, link.codes - 1), np.arange(high - low)
        if not link.slices:
            return codes, degrees, parent
        return by_slice(link, codes, degrees, parent)

    def times(self, link: Link, label: str, number: int) -> tuple[Index, NDArray[np.float64]]:
        """Parents of a block that have children, and the slice of time of the first of them."""
        stubs = self._stubs_of(link, label)
        assert isinstance(stubs, TimedStubs)
        held = self._generator.plan.stubs[label]
        cells, before, place = first_stubs(self.parents(link, label, number), held, number)
        at = stubs.times(cells, held[number][cells] + before)
        rows, each = np.unique(place, return_inverse=True)
        first = np.full(len(rows), np.inf)
        np.minimum.at(first, each, at)
        return rows, first

    def family(self, link: Link, label: str, low: int, high: int) -> Iterator[tuple[Block, slice]]:
        """Blocks of parents in a range, with what they are to others, and their rows in it."""
        generator, table = self._generator, link.fk.references
        if generator.model.tables[table].own is not None:
            yield from generator.slices(table, low, high)
            return
        block = generator.open_block(table, low // ROOT_BLOCK)
        block.draw(generator.barren.family(block.model, label))
        yield block, slice(0, block.rows)

    def _held(self, block: Block, link: Link, label: str, rows: slice) -> tuple[Index, Index]:
        """Codes and numbers of children of parents; in each slice of time, if that counts."""
        codes = block.drawn[CODE].astype(np.int64)
        degrees = self._generator.barren.stubs(block, label)
        if link.slices:
            degrees = in_slices(block, link, self._generator.model, degrees)
        return codes[rows], degrees[rows]
