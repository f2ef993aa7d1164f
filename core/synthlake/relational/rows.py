"""Making the rows of one block of one table."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.constraints.bounds import value_type
from synthlake.constraints.rule import Cells
from synthlake.encode.axis import Axis, Ticks, coded, empty, indices, is_ordered
from synthlake.encode.mixing import mix
from synthlake.encode.numeric import NumericCodec
from synthlake.encode.presence import PresenceCodec
from synthlake.encode.text import TextCodec
from synthlake.errors import SampleError
from synthlake.models.chained import Asked
from synthlake.models.registry import guided_of
from synthlake.ports import Codes, Redraw
from synthlake.relational.above import Upper, chosen, copied
from synthlake.relational.across import Copy
from synthlake.relational.balancing import Drawn, evened
from synthlake.relational.calendars import calendar_features
from synthlake.relational.chaining import AsDrawn, draw_chained, walks_of, wandered
from synthlake.relational.complete import completed
from synthlake.relational.dated import Live
from synthlake.relational.distinctness import Family, made_distinct, repeated
from synthlake.relational.enforced import Joint, numbered, reached
from synthlake.relational.keys import KeyFrame
from synthlake.relational.masking import masked
from synthlake.relational.model import (
    START,
    Attribute,
    Codec,
    TableModel,
    column_id,
    count_id,
    link_id,
    link_of,
    size_of,
    view_id,
)
from synthlake.relational.parents import as_type
from synthlake.relational.polymorphic import Cases, cases_of_model
from synthlake.relational.seats import rest_of, seated
from synthlake.relational.sequence import Places
from synthlake.relational.spans import as_timed, start_of
from synthlake.relational.spelled import spelled_texts, with_needs
from synthlake.relational.uniqueness import pairing, rewritten, texts_apart, whole_key
from synthlake.relational.unlike import over_families
from synthlake.seed import Seed, Words

WITHIN = 1  # draw number of the place within a bin
_MARK = 2  # draw number of which of several marks of a family stays
_TRIES = range(10, 26)  # of further texts
_ATTEMPT = 1_000  # draw numbers of a row that is drawn again


@dataclass
class Block:
    """Rows of one table.

    Attributes:
        start: number of the first row.
        rows: how many.
        known: key columns that are known before anything is drawn.
        context: features of the own parent, a row for each child.
        family: number of the own parent of each row; None without one.
        often: how often a value of a column may stand in a family.
        frame: what made columns depend on besides the row's number; needed for ``arrays`` only.
        attempts: by column: of which draw each row is, where some were drawn again.
        uppers: columns of parents, by the names by which rules call them.
        finish: settles totals once all columns are drawn; None where there are none.
        places: of the rows in their sequences; None where they have no order.
        stepped: by feature, values that are the value before and a step, and which are NULL.
        timed: by feature, when rows have their children by the plan; None where it does not say.
        careers: by feature of a reference: codes of the parents that the plan gives; None as long
            as it gives none.
    """

    model: TableModel
    seed: Seed
    start: int
    rows: int
    known: Mapping[str, pa.Array[Any]]
    context: Mapping[str, Codes]
    family: NDArray[np.int64] | None = None
    often: Mapping[str, int] = field(default_factory=dict)
    frame: KeyFrame | None = None
    given: dict[str, Codes] = field(default_factory=dict)
    codes: dict[str, Codes] = field(default_factory=dict)
    drawn: dict[str, Codes] = field(default_factory=dict)
    cells: dict[str, Cells] = field(default_factory=dict)
    attempts: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    uppers: Mapping[str, Upper] = field(default_factory=dict)
    finish: Callable[[Block], dict[str, Cells]] | None = None
    _totals: dict[str, Cells] | None = None
    places: Places | None = None
    stepped: dict[str, tuple[Ticks, NDArray[np.bool_]]] = field(default_factory=dict)
    timed: Mapping[str, Cells] | None = None
    careers: Mapping[str, Codes | None] = field(default_factory=dict)

    def finished(self) -> dict[str, Cells]:
        """Totals, and what they are totals of; empty before all columns are drawn."""
        if self._totals is None and self.finish is not None:
            self._totals = self.finish(self)
        return self._totals or {}

    def draw(self, columns: Sequence[str]) -> None:
        """Draw the first columns of the table's order, up to all."""
        if self.model.synthesizer is None or not self.rows:
            return
        placed = calendar_features(self.model.calendars, self.known)
        self.given = {n: f.codes for n, f in placed.items()}
        self._know()
        context = Live({**self.context, **self.given}, self)
        self.given |= {column_id(n): upper.codes for n, upper in self.uppers.items()}
        if not self._chained(Asked(columns, context, self.words, self._settle)):
            self._sample(columns, context)

    def _sample(self, columns: Sequence[str], context: Mapping[str, Codes]) -> None:
        """Draw rows that do not follow each other."""
        guided = guided_of(self.model.synthesizer)
        if guided is not None:
            guided.sample_guided(columns, context, self.words, self._settle, AsDrawn(self))
        elif self.model.synthesizer is not None:
            self.model.synthesizer.sample(columns, context, self.words, self._settle)

    def alone(self, column: str) -> bool:
        """Whether a row's draw may not depend on which rows are made with it: its words wander."""
        return column in walks_of(self.model) or column in self.model.unlike

    def _chained(self, asked: Asked) -> bool:
        """Draw rows given the rows before them; False where they have no order."""
        return draw_chained(self, asked)

    def numeric(self, name: str) -> NumericCodec:
        """The codec of a column that is a number, by its feature."""
        attribute = self._attribute(name)
        assert attribute is not None
        assert isinstance(attribute.codec, NumericCodec)
        return attribute.codec

    def words(self, column: str, number: int) -> Words:
        """Words of this block's rows."""
        words = self.seed.words(self.model.table.name, column, self.start, self.rows, number)
        if not number and self.family is not None and column in self.model.unlike:
            return over_families(words, self.family, self.model.unlike.index(column))
        return wandered(self, column, number, words)

    def _inner(self, name: str, codec: Codec) -> Words:
        """Words of the places within the bins of a codec; zeros where it has none."""
        return np.zeros(self.rows, np.uint64) if codec.exact else self.made_words(name)

    def _know(self) -> None:
        """Known columns, as rules need them."""
        for name, array in self.known.items():
            if is_ordered(array.type):
                self.cells[name] = Cells(*Axis(array.type).ticks(array))
        for name, upper in self.uppers.items():
            if upper.cells is not None:
                self.cells[name] = upper.cells

    def _settle(self, name: str, codes: Codes, redraw: Redraw) -> Codes:
        """What a column's codes are once maps, remainders and the key have had their say."""
        enforced = self.model.enforced
        if enforced is not None and name in enforced.joints:
            return self._combined(name, enforced.joints[name], codes)
        codes = self._marked(name, self._mapped(name, codes, redraw), redraw)
        codes = seated(self, name, codes, redraw)
        codes = self._given(name, codes)
        codes = as_timed(self, name, codes)
        attribute, copy = self._attribute(name), None
        if attribute is not None:
            copy = self.model.across.copy_of(attribute.column)
        codec = (attribute.drawn or attribute.codec) if attribute else None
        if attribute is not None and attribute.gap is not None:
            codes = reached(attribute, codes, self.cells, redraw)
        numeric = codec if isinstance(codec, NumericCodec) else None
        place = self._within(name, numeric, codes) if numeric else None
        most = self.often.get(name)
        if most is not None and self.family is not None:
            others = [self.drawn[n] for n in self._before(name)]
            size = codec.size if codec else size_of(self.model, name)
            family = Family(
                self.family, others, numeric, size, most, self.words, name, *self._many(name, most),
                self.model.enforced is not None or bool(self.model.masks),
            )  # fmt: skip
            codes, place = made_distinct(codes, place, family, redraw)
        if attribute is not None and place is not None and numeric is not None:
            codes, place = self._balanced(attribute, codes, place, (numeric, redraw))
        self.drawn[name] = codes
        seen = codes
        if attribute is not None and place is not None:
            seen = self._placed(attribute, codes, Cells(*place))
        self.codes[name] = seen if copy is None else self._copied(name, copy, seen)
        return self.codes[name]

    def _given(self, name: str, codes: Codes) -> Codes:
        """Codes of the parents that rows are given, which may be others than they are drawn."""
        held = self.careers.get(name)
        return codes if held is None else np.where((codes < 0) | (held < 0), codes, held)

    def _copied(self, name: str, copy: Copy, codes: Codes) -> Codes:
        """Codes of a column that repeats a parent's; as drawn where that has no value."""
        upper, attribute = self.uppers.get(copy.of), self._attribute(name)
        if upper is None or attribute is None or attribute.codec is None:
            return codes
        codec = attribute.codec
        array = as_type(upper.array, codec.axis.type) if isinstance(codec, NumericCodec) else (
            as_type(upper.array, codec.type)
        )  # fmt: skip
        theirs, over = codec.encode(array), copied(copy, upper)
        cells = self.cells.get(attribute.column)
        if cells is not None and isinstance(codec, NumericCodec):
            ticks, null = codec.axis.ticks(array)
            self.cells[attribute.column] = Cells(
                np.where(over, ticks, cells.ticks), np.where(over, null, cells.null)
            )
        return np.where(over & (theirs >= -1), theirs, codes).astype(np.int32)

    def _mapped(self, name: str, codes: Codes, redraw: Redraw) -> Codes:
        """Codes that follow from others: by maps, by masks of NULL, by declared rules."""
        for rule in self.model.maps:
            if rule.made == name:
                codes = rule.apply({**self.given, **self.codes}, codes)
        if self.model.masks:
            codes = self._masked(name, codes, redraw)
        if self.model.enforced is not None:
            codes = self.model.enforced.settle(name, codes, self.codes)
        codes = self._cases.settle(name, codes, self.codes)
        head = self.codes.get(self.model.under.get(name, ""))
        return codes if head is None else np.where(head < 0, -1, codes).astype(np.int32)

    @cached_property
    def _cases(self) -> Cases:
        """What the columns decide that say which table a row refers to."""
        return cases_of_model(self.model)

    def _marked(self, name: str, codes: Codes, redraw: Redraw) -> Codes:
        """Codes of which one of each family marks, where a rule says so."""
        across, own = self.model.across, self.model.own
        if not across.marks or self.family is None or own is None:
            return codes
        mark = across.mark_of(name.removeprefix(column_id("")))
        if mark is None:
            return codes
        return mark.settle(codes, self._kin, self.words(name, _MARK), redraw)

    @property
    def _kin(self) -> NDArray[np.int64]:
        """Number of the own parent of each row; -1 for rows without one."""
        own = self.model.own
        assert own is not None
        assert self.family is not None
        gone = np.asarray(self.known[own.fk.columns[0]].is_null())
        return np.where(gone, -1, self.family)

    def _balanced(
        self, attribute: Attribute, codes: Codes, place: tuple[Ticks, NDArray[np.bool_]],
        drawn: tuple[NumericCodec, Redraw],
    ) -> tuple[Codes, tuple[Ticks, NDArray[np.bool_]]]:  # fmt: skip
        """Codes and values that add up in each family, where a rule says so."""
        balance = self.model.across.balance_of(attribute.column)
        if balance is None or self.family is None or self.model.own is None:
            return codes, place
        words = partial(self.words, column_id(attribute.column))
        where = f"{self.model.table.name}.{attribute.column}"
        return evened(balance, codes, place, Drawn(self._kin, where, *drawn, words))

    def _masked(self, name: str, codes: Codes, redraw: Redraw) -> Codes:
        """Codes that are NULL where those of the columns before them want it."""
        return masked(self, name, codes, redraw, self.drawn)

    def _within(
        self, name: str, codec: NumericCodec, codes: Codes
    ) -> tuple[Ticks, NDArray[np.bool_]]:
        """Numbers within the bins of a column's codes."""
        if name in self.stepped:
            return self.stepped[name]
        words = np.zeros(self.rows, np.uint64) if codec.exact else self.words(name, WITHIN)
        return codec.draw(codes, words)

    def _combined(self, name: str, joint: Joint, codes: Codes) -> Codes:
        """Columns that are drawn as one."""
        for column, own in joint.codes(codes).items():
            self.codes[column] = self.drawn[column] = own
        self.codes[name] = self.drawn[name] = codes
        return codes

    def _before(self, name: str) -> list[str]:
        """Columns of the key that are drawn and do not give way after this one.

        Codes of parents among relatives do not tell rows apart: two codes may meet in one parent.
        """
        if name in self.model.apart:
            return []
        later = pairing(self.model)
        gone = {link_id(n) for n, k in enumerate(self.model.links) if k.kind == "within"}
        gone |= set() if later is None else {link_id(later)}
        return [n for n in self.model.distinct if n in self.drawn and n not in gone]

    def _many(self, name: str, most: int) -> tuple[int | None, int, float | None]:
        """The code of a reference that stands for many parents; how often these may be there.

        In a family, and in all rows if that is known.
        """
        link, rest = link_of(self.model, name), rest_of(self, name)
        if link is None or rest is None:
            return None, 0, None
        some = link.shares and whole_key(self.model)
        return rest.code, most * link.unlisted if some else self.rows, rest.times

    def _attribute(self, name: str) -> Attribute | None:
        return next((a for a in self.model.attributes if column_id(a.column) == name), None)

    def _placed(self, attribute: Attribute, codes: Codes, cells: Cells) -> Codes:
        """Keep a number's value; a remainder becomes the value first."""
        if attribute.base is not None:
            self.cells[view_id(attribute.column)] = cells
            return codes
        codec = attribute.codec
        if attribute.gap is not None and isinstance(codec, NumericCodec):
            value = self._held(attribute, attribute.gap.inverse(self.cells, cells), codec.axis)
            self.cells[attribute.column] = value
            return codec.encode_ticks(value.ticks, value.null)
        if attribute.linear is not None and isinstance(codec, NumericCodec):
            if START in attribute.linear.needs:
                self.cells.setdefault(START, start_of(self))
            value = attribute.linear.inverse(self.cells, cells)
            near = codec.held if attribute.linear.sum else codec.snap
            value = Cells(near(value.ticks), value.null)
            self.cells[attribute.column] = value
            return codec.encode_ticks(value.ticks, value.null)
        self.cells[attribute.column] = cells
        return codes

    def _held(self, attribute: Attribute, value: Cells, axis: Axis) -> Cells:
        """Values that the column's type holds: what a parent pushes beyond it is NULL.

        Raises:
            SampleError: and NULL is not allowed.
        """
        low, high = axis.limits
        beyond = ~value.null & ((value.ticks < low) | (value.ticks > high))
        if not beyond.any():
            return value
        column = self.model.table.column(attribute.column)
        if not column.nullable:
            raise SampleError(
                f"{self.model.table.name}.{column.name} is {axis.type}, which does not reach as far"
                f" as {', '.join(attribute.gap.needs if attribute.gap else ())}",
                hint="give it a wider type, or declare a `range` of what it is compared with",
            )
        return Cells(np.where(beyond, 0, value.ticks), value.null | beyond)

    def count(self, label: str) -> NDArray[np.int64]:
        """Children of each row by one foreign key."""
        name = count_id(label)
        ticks, null = self.model.degrees[label].draw(self.drawn[name], self.words(name, WITHIN))
        return np.where(null, 0, ticks).astype(np.int64)

    def take(self, rows: slice) -> dict[str, Codes]:
        """Visible codes of some rows."""
        return {name: codes[rows] for name, codes in self.codes.items()}

    def made_words(self, column: str) -> Words:
        """Words of the places within bins and shapes, of the draw that each row was taken from."""
        attempts = self.attempts.get(column)
        if attempts is None:
            return self.words(column, WITHIN)
        return mixed(self, column, WITHIN, attempts, np.arange(self.rows))

    def arrays(self, only: Collection[str] | None = None) -> dict[str, pa.Array[Any]]:
        """All attributes and known columns (or some attributes), in their Arrow types."""
        asked, only = only, with_needs(self.model.spelled, only)
        cells = self._ruled()
        out = {**self.known, **self._made(only)}
        if only is not None:
            out = {name: array for name, array in out.items() if name in only}
        for attribute in self.model.attributes:
            if only is not None and attribute.column not in only:
                continue
            column = self.model.table.column(attribute.column)
            if isinstance(attribute.codec, PresenceCodec):
                continue
            made = self._numbered(column.name, self._array(attribute, column.type, cells))
            words = partial(self.made_words, column_id(attribute.column))
            out[column.name] = completed(made, column, attribute.codec, words)
        out |= self._repeated(out, only)
        out |= spelled_texts(self, out)
        return out if asked is None else {n: a for n, a in out.items() if n in asked}

    def _repeated(
        self, made: Mapping[str, pa.Array[Any]], only: Collection[str] | None
    ) -> dict[str, pa.Array[Any]]:
        """Copies of columns of parents, and those columns where rules ask for them."""
        out: dict[str, pa.Array[Any]] = {}
        for copy in self.model.across.copies:
            upper = self.uppers.get(copy.of)
            if upper is not None and copy.column in made:
                mine = made[copy.column]
                theirs = coded(as_type(upper.array, value_type(mine.type)), mine.type)
                out[copy.column] = chosen(copied(copy, upper), theirs, mine)
        return out | {n: self.uppers[n].array for n in only or () if n in self.uppers}

    def _made(self, only: Collection[str] | None) -> dict[str, pa.Array[Any]]:
        """Columns that are made from the row's number, with NULL where that was drawn."""
        out: dict[str, pa.Array[Any]] = {}
        if self.frame is None:
            return out
        for maker in self.model.made:
            if only is not None and not set(only) & set(maker.columns):
                continue
            made = maker.make(np.arange(self.start, self.start + self.rows), self.frame)
            for name, array in made.items():
                codes = self.codes.get(column_id(name))
                if codes is not None and self.model.table.column(name).nullable:
                    array = _without(array, codes < 0)
                out[name] = array
        return out

    def _ruled(self) -> dict[str, Cells]:
        """Values of columns on an axis, after all rules."""
        cells = {**self.cells, **self.finished()}
        for rule in self.model.rules:
            if not all(n in cells for n in rule.needs):
                continue
            for name, made in rule.apply(cells).items():
                old = cells.get(name)
                if old is not None:
                    made = Cells(np.where(made.null, old.ticks, made.ticks), made.null & old.null)
                cells[name] = made
        return cells

    def _numbered(self, name: str, made: pa.Array[Any]) -> pa.Array[Any]:
        """Values of the row's number where a column is declared unique."""
        for unique in self.model.enforced.unique if self.model.enforced else ():
            if unique.column == name:
                made = numbered(unique, made, self.frame, self.start)
        return made

    def _array(
        self, attribute: Attribute, dtype: pa.DataType, cells: Mapping[str, Cells]
    ) -> pa.Array[Any]:
        name, codec = column_id(attribute.column), attribute.codec
        if attribute.column in cells:
            found = cells[attribute.column]
            if isinstance(codec, NumericCodec):
                plain = attribute.drawn is None and attribute.column not in self.finished()
                special = self.drawn.get(name) if plain else None
                return codec.render(found.ticks, found.null, special)
            return Axis(dtype).values(found.ticks, found.null)
        if codec is None or name not in self.codes:
            return empty(self.rows, dtype)
        if isinstance(codec, TextCodec) and name == rewritten(self.model):
            return self._rewritten(name, codec)
        return codec.decode(self.codes[name], self._inner(name, codec))

    def _rewritten(self, name: str, codec: TextCodec) -> pa.Array[Any]:
        """Texts of which no two of a family are equal, as far as their shapes allow."""
        assert self.family is not None
        made = codec.decode(self.codes[name], self.words(name, WITHIN))
        others = [self.codes[n] for n in self.model.distinct if n != name]
        for number in _TRIES:
            texts = np.asarray(made.dictionary_encode().indices.fill_null(-1))
            bad = repeated([texts, *others, self.family])
            if not bad.any():
                break
            again = codec.decode(self.codes[name], self.words(name, number))
            made = pa.compute.if_else(pa.array(bad), again, made)
        else:
            made = texts_apart(made, [*others, self.family], codec, self.codes[name], self.model)
        return made


def _without(array: pa.Array[Any], gone: NDArray[np.bool_]) -> pa.Array[Any]:
    """An array with NULL in some rows."""
    return array.take(indices(np.arange(len(array)), gone)) if gone.any() else array


def mixed(
    block: Block, column: str, number: int, attempts: NDArray[np.int64], place: NDArray[np.int64]
) -> Words:
    """Words of some rows of a block, each of its own attempt; those of attempt 0 are the first.

    Later attempts are bijections of the word of one further draw, so that a thousand of them cost
    little more than one.
    """
    table, last = block.model.table.name, int(place.max(initial=0)) + 1
    first = block.seed.words(table, column, block.start, last, number)[place]
    later = block.seed.words(table, column, block.start, last, number + _ATTEMPT)[place]
    step = attempts.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return np.where(attempts == 0, first, mix(later + step))
