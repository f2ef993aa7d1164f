"""Rows of a sample plan: any range of any table, whoever asks for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.encode.axis import empty, indices
from synthlake.errors import SampleError
from synthlake.ports import Codes
from synthlake.relational.above import Ancestors
from synthlake.relational.barren import Barren
from synthlake.relational.candidates import GivenBlock, asked_of
from synthlake.relational.chaining import ordinals, places_in
from synthlake.relational.closing import Closing
from synthlake.relational.items import nested_arrays
from synthlake.relational.keys import KeyFrame
from synthlake.relational.matching import Matching
from synthlake.relational.model import Link, Model, TableModel, link_id, parent_id
from synthlake.relational.narrower import lost_columns
from synthlake.relational.parents import (
    PhantomParents,
    as_type,
    drawn_of,
    multiplied,
    null_families,
    typed,
    virtual_rows,
    with_nulls,
)
from synthlake.relational.placing import Placing, key_of
from synthlake.relational.plan import ROOT_BLOCK, SamplePlan, beyond
from synthlake.relational.polymorphic import rejoined
from synthlake.relational.reading import Reading
from synthlake.relational.recent import Recent
from synthlake.relational.redraw import keep_rules
from synthlake.relational.refined import kind_of
from synthlake.relational.rows import Block
from synthlake.relational.shelf import Shelf
from synthlake.relational.spans import by_plan
from synthlake.relational.totals import Totals
from synthlake.relational.uniqueness import often, tells_all, unlike
from synthlake.relational.within import Within
from synthlake.schema.model import ForeignKey, Table
from synthlake.seed import Seed, Words, below

_KEPT_BLOCKS = 6

Index = NDArray[np.int64]


class Generator:
    """Makes rows. Pure: the same model and plan give the same rows for any cut of a range.

    Args:
        model: what was learned.
        plan: made by ``plan_sample`` for this model.
        shared: a folder for what is worked out of many rows, for all processes that have the same
            model and plan; None for temporary files of this one.
    """

    def __init__(self, model: Model, plan: SamplePlan, shared: Path | None = None) -> None:
        self.model, self.plan = model, plan
        self.seed = Seed(plan.seed, model.scope)
        self._blocks = {name: Recent(_KEPT_BLOCKS) for name in model.tables}
        self._phantoms, shelf = Recent(64), Shelf(shared)
        self._needy = {
            own.fk.label(name): held for name, held in model.tables.items()
            if (own := held.own) is not None and any(k.kind == "within" for k in held.links)
        }  # fmt: skip
        self._asked = {
            name: asked_of(model.tables[name], held) for name, held in plan.given.items()
        }
        self.barren = Barren(self)
        self.matching, self.closing = Matching(self, shelf), Closing(self)
        self.reading = Reading(self, shelf)
        self._ancestors, self._totals = Ancestors(self), Totals(self)
        self._placing, self._within = Placing(self), Within(self)

    def rows(self, table: str) -> int:
        """Rows of a table in this sample."""
        return self.plan.rows[table]

    def starts(self, table: str) -> Index:
        """Where the blocks of a table begin, and where it ends."""
        starts = self.plan.starts.get(table)
        if starts is not None:
            return starts
        return np.append(np.arange(0, self.rows(table), ROOT_BLOCK), self.rows(table))

    def batches(self, table: str, start: int, stop: int) -> Iterator[pa.RecordBatch]:
        """Rows ``start .. stop`` of a table, in batches.

        Raises:
            SampleError: the range lies outside the table.
        """
        total = self.rows(table)
        if not 0 <= start <= stop <= total:
            raise SampleError(
                f"rows {start} to {stop} of {table} were asked for, which has {total}",
                hint="ask for a range within the table",
            )
        model = self.model.tables[table]
        schema = self.model.schema[table].written.arrow
        if model.kept is not None:
            yield from model.kept.slice(start, stop - start).cast(schema).to_batches()
            return
        for number in self._numbers(table, start, stop):
            block = self.block(table, number)
            low, high = max(start - block.start, 0), min(stop - block.start, block.rows)
            batch = self._batch(block, number, schema)
            yield batch.slice(low, high - low)

    def _batch(self, block: Block, number: int, schema: pa.Schema) -> pa.RecordBatch:
        """All columns of a block."""
        columns = {**nested_arrays(block), **self.references(block)}
        columns |= self.closing.columns(block, number)
        columns |= self._placing.placed(block.model.table.name, columns)
        columns |= rejoined(self, block, columns)
        arrays = [as_type(columns[f.name], f.type) for f in schema]
        return pa.RecordBatch.from_arrays(arrays, schema=schema)

    # blocks

    def _numbers(self, table: str, start: int, stop: int) -> range:
        """Blocks that hold a range of rows."""
        if start >= stop:
            return range(0)
        starts = self.plan.starts.get(table)
        if starts is None:
            return range(start // ROOT_BLOCK, (stop - 1) // ROOT_BLOCK + 1)
        first = int(np.searchsorted(starts, start, side="right")) - 1
        return range(first, int(np.searchsorted(starts, stop, side="left")))

    def block(self, table: str, number: int) -> Block:
        """A block with all its columns drawn."""

        def make() -> Block:
            block = self.open_block(table, number)
            block.timed = by_plan(self, block, number)
            block.draw(block.model.order)
            keep_rules(block)
            if self._totals.touches(block.model):
                block.finish = self._totals.settle
            return block

        return self._blocks[table].get(number, make)

    def open_block(self, table: str, number: int) -> Block:
        """A block of which nothing is drawn yet."""
        model = self.model.tables[table]
        own = model.own
        if own is None:
            start = number * ROOT_BLOCK
            rows = min(ROOT_BLOCK, self.plan.rows[table] - start)
            known = self._made_keys(model, np.arange(start, start + rows))
            frame = self._frame(table)
            if table in self._asked:
                asked = self._asked[table]
                return GivenBlock(
                    model, self.seed, start, rows, known, {}, frame=frame, asked=asked
                )
            return kind_of(model)(
                model, self.seed, start, rows, known, {}, frame=frame,
                places=places_in(model, known, None),
            )  # fmt: skip
        return self._child_block(model, own, number)

    def _child_block(self, model: TableModel, own: Link, number: int) -> Block:
        """Rows of the families of one block of parents."""
        label = own.fk.label(model.table.name)
        width = self.plan.width[label]
        total = virtual_rows(self.plan, own.fk.references, label)
        low, high = number * width, min((number + 1) * width, total)
        counts = self.children(own, label, low, high)
        parent = np.repeat(np.arange(low, high), counts)
        starts = self.plan.starts.get(model.table.name)
        start = int(starts[number]) if starts is not None else 0
        known = self._own_keys(model, own, label, parent, start)
        known |= self._made_keys(model, np.arange(start, start + len(parent)))
        context = self._context(own, parent, low, high)
        most = often(model, self.plan.rows)
        frame = self._frame(model.table.name)
        nobody = self.plan.rows[own.fk.references] + self.plan.phantoms.get(label, 0)
        places = places_in(model, known, np.where(parent >= nobody, -1, parent))
        if places is not None:
            known |= ordinals(model, places)
            context |= {name: feature.codes for name, feature in places.features().items()}
        return kind_of(model)(
            model, self.seed, start, len(parent), known, context, parent, most, frame,
            places=places, uppers=self._ancestors.of(model, parent),
            careers=self._careers(model, start, len(parent)),
        )  # fmt: skip

    def _careers(self, model: TableModel, start: int, rows: int) -> dict[str, Codes | None]:
        """Codes of the parents that children are given, by feature; None before it is known."""
        found = {link_id(n): self.plan.careers.get(k.fk.label(model.table.name))
                 for n, k in enumerate(model.links)}  # fmt: skip
        return {name: held.codes(start, rows) for name, held in found.items() if held is not None}

    def _made_keys(self, model: TableModel, index: Index) -> dict[str, pa.Array[Any]]:
        """Primary keys that are functions of the row's number."""
        key = key_of(model, self.model.tables, self.plan.rows)
        return {} if key is None else key.make(index, self._frame(model.table.name))

    def _frame(self, table: str) -> KeyFrame:
        rows = self.plan.rows[table]
        extra = sum(
            self.plan.phantoms.get(label, 0)
            for child, fk in (
                *self.model.schema.children(table), *self.model.schema.loops(table)
            )
            for label in (fk.label(child.name), beyond(fk.label(child.name)))
        )  # fmt: skip
        return KeyFrame(self.seed, table, rows, rows + extra)

    # parents

    def children(self, own: Link, label: str, low: int, high: int) -> Index:
        """Children of each parent in a range of real, phantom and null parents."""
        parent = own.fk.references
        real = self.plan.rows[parent]
        parts = [
            self.barren.count(block, label)[rows]
            for block, rows in self.slices(parent, low, min(high, real))
        ]
        counts = np.concatenate(parts) if parts else np.zeros(0, np.int64)
        times = np.full(len(counts), self.plan.even.get(label, self.plan.bias.get(label, 1.0)))
        missing = self.plan.phantoms.get(label, 0)
        if high > real and missing:
            degrees = self.phantom_parents(own, label)[1]
            counts = np.append(counts, degrees[max(low - real, 0) : max(high - real, 0)])
            times = np.append(times, np.ones(len(counts) - len(times)))
        words = self.seed.words(label, "times", low, len(counts))
        counts = multiplied(counts, times * self.plan.times.get(label, 1.0), words)
        if label in self.plan.limits:
            counts = np.minimum(counts, self.plan.limits[label])
        needy, there = self._needy.get(label), max(min(high, real) - low, 0)
        most = self._within.room(needy, low, low + there) if needy and there else None
        if most is not None:
            counts[:there] = np.minimum(counts[:there], most)
        if high > real + missing:
            nobody = null_families(self.plan.nulls.get(label, 0))
            counts = np.append(counts, nobody[max(low - real - missing, 0) : high - real - missing])
        return counts.astype(np.int64)

    def grown(self, block: Block, label: str) -> Index:
        """Children of each row of a block, as ``children`` counts them."""
        if label not in block.model.degrees:
            return np.zeros(block.rows, np.int64)
        bias = self.plan.even.get(label, self.plan.bias.get(label, 1.0))
        times = np.full(block.rows, bias * self.plan.times.get(label, 1.0))
        words = self.seed.words(label, "times", block.start, block.rows)
        counts = multiplied(self.barren.count(block, label), times, words)
        most = self.plan.limits.get(label)
        return counts if most is None else np.minimum(counts, most)

    def phantom_parents(self, link: Link, label: str) -> tuple[Index, Index]:
        """Codes and degrees of all phantoms of a key."""

        def make() -> tuple[Index, Index]:
            assert link.phantoms is not None
            counted = self.plan.codes.get(label)
            children = None if counted is None else counted.total[link.codes :]
            count = self.plan.phantoms[label]
            missing = PhantomParents(label, link.phantoms, count, self.seed, children)
            return missing.codes(), missing.degrees()

        return self._phantoms.get(label, make)

    def slices(self, table: str, low: int, high: int) -> Iterator[tuple[Block, slice]]:
        """Blocks of a table and the part of each that lies in a range of rows."""
        for number in self._numbers(table, low, max(low, high)):
            block = self.block(table, number)
            first, last = max(low - block.start, 0), min(high - block.start, block.rows)
            yield block, slice(first, last)

    def _context(self, own: Link, parent: Index, low: int, high: int) -> dict[str, Codes]:
        """Features of the own parent for each child; NULL for a phantom."""
        name, real = own.fk.references, self.plan.rows[own.fk.references]
        parts = [b.take(rows) for b, rows in self.slices(name, low, min(high, real))]
        out = {}
        for feature in self.model.tables[name].order:
            codes = [p[feature] for p in parts] or [np.zeros(0, np.int32)]
            whole = np.append(np.concatenate(codes), np.int32(-1)).astype(np.int32)
            place = np.where(parent < real, parent - low, len(whole) - 1)
            out[parent_id(feature)] = whole[place]
        return out

    def _own_keys(
        self, model: TableModel, own: Link, label: str, parent: Index, start: int
    ) -> dict[str, pa.Array[Any]]:
        """Columns of the own key of rows from ``start`` on."""
        real, missing = self.plan.rows[own.fk.references], self.plan.phantoms.get(label, 0)
        index = np.where(parent >= real, parent + self.plan.offsets.get(label, 0), parent)
        index = np.where(parent >= real + missing, -1, index)
        words = partial(self.seed.words, label, "part", start, len(parent))
        return self.referring(model.table, own.fk, own.fk.columns, index, words)

    def referring(
        self, table: Table, fk: ForeignKey, names: Sequence[str], parent: Index,
        words: Callable[[], Words],
    ) -> dict[str, pa.Array[Any]]:  # fmt: skip
        """Columns of a foreign key by the numbers of parents.

        Rows without a parent (-1) have NULL in all of them that may be; what the others hold is of
        any row, chosen by the words.
        """
        rows = self.plan.rows[fk.references]
        if not rows and (parent >= 0).any() and not self._makes(fk.references, fk.to):
            parent = self._none(table, fk, names, parent)
        gone = parent < 0
        strict = [c for c in names if rows and not table.column(c).nullable] if gone.any() else []
        if gone.all() and not strict:
            return {c: empty(len(parent), table.column(c).type) for c in names}
        any_row = below(words(), rows) if strict else int(parent.max(initial=0))
        keys = self.key_columns(fk.references, fk.to, np.where(gone, any_row, parent))
        made = {c: a for c, a in typed(keys, fk, table).items() if c in names}
        return {**with_nulls(made, gone), **{c: made[c] for c in strict}}

    def _makes(self, table: str, names: Sequence[str]) -> bool:
        """Whether keys that no row has need nothing of a row."""
        model = self.model.tables[table]
        if model.key is not None or model.own is None:
            return set(names) <= set(model.key.columns if model.key is not None else ())
        fk = model.own.fk
        above = self.plan.rows[fk.references] or self._makes(fk.references, fk.to)
        return bool(above) and set(names) <= set(fk.columns)

    def _none(self, table: Table, fk: ForeignKey, names: Sequence[str], parent: Index) -> Index:
        """No parent at all where there is no row to take a part of a missing one's key from.

        Raises:
            SampleError: and NULL is not allowed.
        """
        strict = [c for c in names if not table.column(c).nullable]
        if strict:
            raise SampleError(
                f"{fk.label(table.name)} has no parents in this sample, and {strict[0]} allows no"
                " NULL",
                hint=f"ask for more rows of {self.model.schema.chain(fk.references)[-1]}",
            )
        return np.full_like(parent, -1)

    def key_columns(
        self, table: str, names: tuple[str, ...], index: Index
    ) -> dict[str, pa.Array[Any]]:
        """Columns that children refer to, of parents by number (phantoms lie beyond the rows)."""
        model = self.model.tables[table]
        if not len(index):
            return {n: empty(0, model.table.column(n).type) for n in names}
        if model.kept is not None:
            return {n: model.kept[n].take(indices(index)).combine_chunks() for n in names}
        distinct, place = np.unique(index, return_inverse=True)
        if model.key is not None and set(names) <= set(model.key.columns):
            made = self._made_keys(model, distinct)
        else:
            made = self._learned_keys(model, names, distinct)
        return {n: made[n].take(indices(place)) for n in names}

    def _learned_keys(
        self, model: TableModel, names: tuple[str, ...], index: Index
    ) -> dict[str, pa.Array[Any]]:
        """Key columns that are data: read from the rows, as far as there are rows."""
        table = model.table.name
        real = self.plan.rows[table]
        missing = index[index >= real] - real
        made = self.reading.rows(table, names, index[index < real])
        if not len(missing):
            return made
        other = self._phantom_keys(model, names, missing)
        return {n: pa.concat_arrays([made[n], other[n]]) for n in names}

    def _phantom_keys(
        self, model: TableModel, names: tuple[str, ...], missing: Index
    ) -> dict[str, pa.Array[Any]]:
        """Keys that no row has: of some row, but for the parts that come from beyond all rows."""
        table, own = model.table.name, model.own
        real = self.plan.rows[table]
        out: dict[str, pa.Array[Any]] = {}
        if real:
            rows, place = np.unique(missing % real, return_inverse=True)
            out = {
                n: a.take(indices(place)) for n, a in self.reading.rows(table, names, rows).items()
            }
        if model.key is not None:
            made = self._made_keys(model, missing + real)
        elif own is not None:
            label = own.fk.label(table)
            first = self.plan.rows[own.fk.references] + self.plan.offsets[beyond(label)]
            keys = self.key_columns(own.fk.references, own.fk.to, missing + first)
            made = typed(keys, own.fk, model.table)
        return {n: made[n] if n in made else out[n] for n in names}

    # references

    def references(self, block: Block) -> dict[str, pa.Array[Any]]:
        """Columns of all foreign keys that are drawn."""
        out: dict[str, pa.Array[Any]] = {}
        met: dict[int, Index] = {}
        links = list(enumerate(block.model.links))
        for number, link in sorted(links, key=lambda held: held[1].kind != "within"):
            if link.kind == "identity":
                out |= self._identity(block, number, link)
            elif link.kind == "cluster":
                out |= self.matching.columns(block, number, link, met)
            elif link.kind == "within":  # before those that give way, as codes may share a parent
                out |= self._within.columns(block, number, link, met)
        return {**out, **lost_columns(self, block, out)}

    def _identity(self, block: Block, number: int, link: Link) -> dict[str, pa.Array[Any]]:
        """Keys that are categories."""
        assert link.values is not None
        codes, listed = block.drawn[link_id(number)], link.values.num_rows
        label = link.fk.label(block.model.table.name)
        if not block.model.loose(link.fk) and (link.size or len(self._unlisted(label, link)[0])):
            words = block.words(f"any:{label}", 0)  # what is too rare is any
            codes = np.where(codes < 0, below(words, max(link.size, 1)), codes)
        place = indices(np.where((codes < 0) | (codes >= listed), 0, codes), codes < 0)
        columns, known = {}, place
        keys = [link.values[c].combine_chunks() for c in link.fk.columns]
        if (codes < 0).any():  # of a key that is NULL in part, the rest is of any row
            words = block.words(f"part:{label}", 0)
        if listed and (codes < 0).any():
            known = indices(np.where((codes < 0) | (codes >= listed), below(words, listed), codes))
        elif (codes < 0).any() and len(found := self._unlisted(label, link)[0]):
            known = indices(below(words, len(found)))
            keys = self._unlisted(label, link)
        for column, values in zip(link.fk.columns, keys, strict=True):
            held = block.model.table.column(column)
            some = place if held.nullable else known
            told = listed or (not held.nullable and len(values))
            columns[column] = (
                as_type(values.take(some), held.type)
                if told
                else (empty(len(codes), link.values[column].type))
            )
        rest = np.flatnonzero(codes >= listed)
        return self._with_rest(block, link, columns, rest) if len(rest) else columns

    def _with_rest(
        self, block: Block, link: Link, columns: dict[str, pa.Array[Any]], rest: Index
    ) -> dict[str, pa.Array[Any]]:
        """Keys of parents that are too rare to be categories: any of them."""
        label = link.fk.label(block.model.table.name)
        others, key = self._unlisted(label, link), self.seed.key(f"rest:{label}", "rest")
        place = np.arange(block.rows)
        rows, size = self.plan.rows[block.model.table.name], block.model.rows
        whole = round(link.often * rows / max(size, 1)) or len(rest)
        first = block.start * whole // max(rows, 1)  # of those in blocks before, about
        parent = drawn_of(link, len(others[0]), key, first + np.arange(len(rest)), whole)
        place[rest] = block.rows + self._apart(block, link, parent, rest)
        return {
            column: pa.concat_arrays([columns[column], as_type(kept, columns[column].type)]).take(
                indices(place)
            )
            for column, kept in zip(link.fk.columns, others, strict=True)
        }

    def _apart(self, block: Block, link: Link, parent: Index, rest: Index) -> Index:
        """Parents that are too rare, of which no two rows of a family have the same if none may."""
        model = block.model
        name = link_id(model.links.index(link))
        if block.family is None or name not in {*model.apart, *model.distinct}:
            return parent
        label = link.fk.label(model.table.name)
        many = len(self._unlisted(label, link)[0])

        def redraw(rows: Index, number: int) -> Index:
            return below(block.words(f"rest:{label}", number)[rest[rows]], many)

        keys = [block.family[rest]]
        keys += [block.drawn[n][rest].astype(np.int64) for n in model.distinct
                 if name in model.distinct and n != name and n in block.drawn]  # fmt: skip
        where = model.table.key_text if tells_all(model, name, block.often) else ""
        return unlike(parent, keys, redraw, many, where)

    def _unlisted(self, label: str, link: Link) -> list[pa.Array[Any]]:
        """Keys of a public table that are no categories of their own, column by column."""
        made: list[pa.Array[Any]] = self._phantoms.get(f"rest:{label}", lambda: self._others(link))
        return made

    def _others(self, link: Link) -> list[pa.Array[Any]]:
        kept = self.model.tables[link.fk.references].kept
        assert kept is not None
        assert link.values is not None
        known = {tuple(row.values()) for row in link.values.to_pylist()}
        keys = [tuple(row.values()) for row in kept.select(list(link.fk.to)).to_pylist()]
        first = dict(zip(keys[::-1], range(len(keys))[::-1], strict=True))  # several have one
        rows = sorted(i for key, i in first.items() if key not in known and None not in key)
        return [
            as_type(kept[to], kept[to].type).take(indices(np.asarray(rows, np.int64)))
            for to in link.fk.to
        ]
