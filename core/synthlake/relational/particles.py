"""Cells of given rows, drawn given the other cells of the same row.

Each row is tried several times: missing cells are drawn from the columns before them, and each try
weighs as much as the known cells after them are likely. One try goes on, by weight.

Source: sequential importance resampling within each row (Gordon, Salmond and Smith, IEE
Proceedings F 140(2), 1993), the first draw of a row stratified over its tries.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from synthlake.constraints.mapping import MapRule
from synthlake.constraints.relative import clock_gap
from synthlake.constraints.rule import Cells, Mask
from synthlake.encode.numeric import NumericCodec
from synthlake.models.registry import guided_of
from synthlake.ports import Admission, Codes, Distribution, Redraw
from synthlake.relational.balance import balanced
from synthlake.relational.dated import Live
from synthlake.relational.masking import masked
from synthlake.relational.model import Attribute, column_id, view_id
from synthlake.relational.rows import Block
from synthlake.seed import Words, unit

Floats = NDArray[np.float64]
Index = NDArray[np.int64]
BLOCK = 1_024  # rows that are filled together
_UNLIKELY = 1e-6  # how likely what the model excludes is: real rows have it all the same
_STEEP = 20.0  # how fast remainders become unlikely, a width of their range beyond it
_IMPLIED = 64  # codes of a block from which others are told
_FREE = np.int32(-3)  # no map says what the code is


@dataclass(frozen=True)
class Known:
    """What is known of a column.

    Attributes:
        there: shape (rows,), whether the cell is known; a NULL may be.
        codes: shape (rows,), codes of the values; any where it is not.
        cells: the values on their axis; None for columns that have none.
    """

    there: Mask
    codes: Codes
    cells: Cells | None = None

    def of(self, rows: Index) -> Known:
        """Of some rows, each as often as it is named."""
        cells = self.cells.take(rows) if self.cells is not None else None
        return Known(self.there[rows], self.codes[rows], cells)


@dataclass
class Particles(Block):
    """Tries of the rows of a block; ``start`` is the number of the block's first row.

    Attributes:
        tries: of each row.
        place: shape (filled,), number within the block of each row that is filled.
        facts: what is known by feature name, a cell for each try.
        nulls: whether NULL may be drawn.
        label: tells the words of one pass over the rows from those of others.
        weight: shape (tries of all rows,).
        fresh: shape (filled,), rows of which nothing has been drawn yet.
    """

    tries: int = 1
    place: Index = field(default_factory=lambda: np.zeros(0, np.int64))
    facts: Mapping[str, Known] = field(default_factory=dict)
    nulls: bool = False
    label: str = ""
    weight: Floats = field(default_factory=lambda: np.ones(0))
    fresh: Mask = field(default_factory=lambda: np.zeros(0, bool))
    done: bool = False

    def fill(self) -> None:
        """Draw all columns, and keep one try of each row."""
        self.weight = np.ones(self.rows)
        self.fresh = np.ones(len(self.place), bool)
        guided = guided_of(self.model.synthesizer)
        assert guided is not None
        guided.sample_guided(
            self.model.order, Live(self.context, self), self.words, self._settle, _Filler(self)
        )
        self._agree()
        self._choose()

    def words(self, column: str, number: int) -> Words:
        """Words of all tries, or of the rows once one is chosen."""
        name, tries = self._pool, 1 if self.done else self.tries
        column = f"{column}!" if self.done else column
        whole = self.seed.words(name, column, self.start * tries, BLOCK * tries, number)
        return whole.reshape(BLOCK, tries)[self.place].ravel()

    @property
    def _pool(self) -> str:
        """Name of the words of the tries."""
        return f"{self.model.table.name}!{self.label}"

    def weigh(self, factor: Floats) -> None:
        """Multiply weights, of which only the ratios within a row count."""
        weight = (self.weight * factor).reshape(-1, self.tries)
        most = weight.max(1, keepdims=True)
        self.weight = np.where(most > 0, weight / np.where(most > 0, most, 1.0), 1.0).ravel()

    def fact(self, name: str) -> tuple[Known | None, Mask | bool]:
        """What is given of a feature or follows from that, and tries in which nothing can."""
        fact, attribute = self.facts.get(name), self._attribute(name)
        if fact is None or attribute is None or fact.there.all():
            return fact, False
        return balanced(self, attribute, fact)

    def near(self, name: str, fact: Known) -> Floats | float:
        """1 where a known remainder is one that occurs, and less the farther it lies beyond."""
        attribute = self._attribute(name)
        if attribute is None or attribute.linear is None or attribute.drawn is None:
            return 1.0
        rest, codec = self._rest(attribute, fact), attribute.drawn
        if not len(codec.low):
            return 1.0
        ticks, low, high = (v.astype(float) for v in (rest.ticks, codec.low[:1], codec.high[-1:]))
        beyond = np.maximum(np.maximum(low - ticks, ticks - high), 0.0) / (high - low + 1.0)
        near: Floats = np.where(rest.null, 1.0, np.exp(-np.minimum(_STEEP * beyond, 600.0)))
        return near

    def again(self, column: str) -> Index | None:
        """Resample the tries of rows of which few count; None where no row has to be."""
        weight = self.weight.reshape(-1, self.tries)
        total = weight.sum(1)
        few = np.flatnonzero(total**2 < 0.5 * self.tries * (weight**2).sum(1))
        if not len(few):
            return None
        shift = unit(self.seed.words(self._pool, f"again:{column}", self.start, BLOCK))
        at = (shift[self.place[few], None] + np.arange(self.tries)) / self.tries
        share = np.cumsum(weight[few] / total[few, None], axis=1)
        found = np.minimum((share[:, None, :] < at[:, :, None]).sum(2), self.tries - 1)
        rows = np.arange(self.rows).reshape(-1, self.tries)
        rows[few] = few[:, None] * self.tries + found
        weight[few] = 1.0
        self._take(rows.ravel())
        return rows.ravel()

    def _take(self, rows: Index) -> None:
        self.codes = {n: c[rows] for n, c in self.codes.items()}
        self.drawn = {n: c[rows] for n, c in self.drawn.items()}
        self.cells = {n: c.take(rows) for n, c in self.cells.items()}

    def _agree(self) -> None:
        """Weigh tries by whether known cells are what rules make of the others."""
        made = {n for rule in self.model.rules for n in rule.makes}
        cells = self._ruled()
        for name in made & cells.keys():
            fact = self.facts.get(column_id(name))
            if fact is not None and fact.cells is not None:
                same = (cells[name].ticks == fact.cells.ticks) & ~cells[name].null
                wrong = fact.there & ~fact.cells.null & ~same
                self.weigh(np.where(wrong, _UNLIKELY, 1.0))

    def _choose(self) -> None:
        """Keep one try of each row."""
        weight = self.weight.reshape(-1, self.tries)
        self.done, self.rows = True, len(self.place)
        share = np.cumsum(weight / weight.sum(1, keepdims=True), axis=1)
        at = unit(self.words("choice", 0))
        found = np.minimum((share < at[:, None]).sum(1), self.tries - 1)
        rows = np.arange(self.rows) * self.tries + found
        self._take(rows)
        self.facts = {name: fact.of(rows) for name, fact in self.facts.items()}

    def _settle(self, name: str, codes: Codes, redraw: Redraw) -> Codes:
        seen = super()._settle(name, codes, redraw)
        (fact, _), attribute = self.fact(name), self._attribute(name)
        if fact is None:
            return seen
        drawn, gap = self.as_drawn(name, fact)
        self.drawn[name] = np.where(fact.there, drawn, self.drawn[name])
        visible = drawn if gap is not None else fact.codes
        seen = self.codes[name] = np.where(fact.there, visible, seen).astype(np.int32)
        if attribute is not None and fact.cells is not None:
            place = view_id(attribute.column) if gap is not None else attribute.column
            self.cells[place] = _either(fact.there, gap or fact.cells, self.cells[place])
        return seen

    def _masked(self, name: str, codes: Codes, redraw: Redraw) -> Codes:
        """Missing cells are filled; replaced ones are NULL as the rest of the row wants it."""
        if not self.nulls:
            return codes
        known = {n: fact.codes for n, fact in self.facts.items() if fact.there.all()}
        return masked(self, name, codes, redraw, {**known, **self.drawn})

    def as_drawn(self, name: str, fact: Known) -> tuple[Codes, Cells | None]:
        """Known values as what is drawn for them: themselves, a remainder, or minutes.

        Returns:
            Codes, and the minutes if it is these.
        """
        attribute = self._attribute(name)
        if attribute is None or attribute.drawn is None or fact.cells is None:
            return fact.codes, None
        if attribute.base is not None:
            gap = clock_gap(fact.cells, self._base(attribute.base))
            return attribute.drawn.encode_ticks(gap.ticks, gap.null), gap
        rest = self._rest(attribute, fact)
        return attribute.drawn.encode_ticks(rest.ticks, rest.null), None

    def _rest(self, attribute: Attribute, fact: Known) -> Cells:
        """What a prediction leaves over of known values."""
        assert attribute.linear is not None
        assert fact.cells is not None
        given = {n: self._clipped(n) for n in attribute.linear.needs}
        return attribute.linear.forward(given, _clip(fact.cells, attribute))

    def _base(self, clock: str) -> Cells | None:
        """The clock from which another is measured; None for midnight."""
        if not clock:
            return None
        if clock in self.cells:
            return self.cells[clock]
        fact = self.facts.get(column_id(clock))
        if fact is not None and fact.cells is not None:
            return fact.cells
        return Cells(np.zeros(self.rows, np.int64), np.ones(self.rows, bool))

    def _clipped(self, name: str) -> Cells:
        attribute = self._attribute(column_id(name))
        cells = self.cells[name]
        return cells if attribute is None else _clip(cells, attribute)

    @cached_property
    def admissions(self) -> dict[str, Admission]:
        """All codes but NULL, by feature."""
        out = {}
        for attribute in self.model.attributes:
            codec = attribute.drawn or attribute.codec
            if codec is not None:
                out[column_id(attribute.column)] = Admission(np.append(np.ones(codec.size), 0.0))
        return out


def _clip(cells: Cells, attribute: Attribute) -> Cells:
    """Cells within the supported range, as predictions were learned."""
    codec = attribute.codec
    if not isinstance(codec, NumericCodec) or not len(codec.low):
        return cells
    return Cells(np.clip(cells.ticks, codec.low[0], codec.high[-1]), cells.null)


def _either(first: Mask, one: Cells, other: Cells) -> Cells:
    return Cells(np.where(first, one.ticks, other.ticks), np.where(first, one.null, other.null))


@dataclass
class _Filler:
    """Takes known cells as they are, and weighs tries by how likely they were."""

    made: Particles

    def alone(self, column: str) -> bool:
        """What is drawn for a given row has nothing to do with other rows."""
        return True

    def draw(self, column: str, given: Distribution, words: Words) -> Codes:
        """The codes of a column, given those before it."""
        fact, failed = self.made.fact(column)
        if fact is None:
            return given.draw(words)
        drawn, _ = self.made.as_drawn(column, fact)
        if not fact.there.all():
            drawn = np.where(fact.there, drawn, self._missing(column, fact, given, words))
        likely = given.likelihood(np.maximum(drawn, -1))
        for rule in self.made.model.maps:
            if rule.made == column:
                before = {**self.made.given, **self.made.codes}
                mapped = rule.apply(before, np.full(len(drawn), _FREE))
                likely = np.where(mapped == _FREE, likely, mapped == drawn)
        counts = fact.there & (drawn >= -1)
        likely = np.maximum(likely, _UNLIKELY) * self.made.near(column, fact)
        self.made.weigh(np.where(counts, likely, np.where(failed, _UNLIKELY**2, 1.0)))
        return drawn.astype(np.int32)

    def _missing(self, column: str, fact: Known, given: Distribution, words: Words) -> Codes:
        """Codes for the cells that are not known."""
        made, tries = self.made, self.made.tries
        gone = ~fact.there.reshape(-1, tries)[:, 0]
        layered = words // np.uint64(tries) + np.tile(
            np.arange(tries, dtype=np.uint64) * np.uint64(2**64 // tries - 1), len(gone)
        )
        words = np.where(np.repeat(gone & made.fresh, tries), layered, words)
        made.fresh &= ~gone
        if made.nulls or column not in made.admissions:
            return given.draw(words)
        within, likely = given.within(made.admissions[column])
        nothing = np.repeat(gone, tries) & (likely <= 0)
        made.weigh(np.where(nothing, _UNLIKELY, 1.0))
        codes = np.where(nothing, given.draw(words), within.draw(words))
        self._imply(column, given, words, codes, np.repeat(gone, tries))
        return codes

    def _imply(
        self, column: str, given: Distribution, words: Words, codes: Codes, gone: Mask
    ) -> None:
        """Where a known column follows from this one, draw only what it follows from."""
        for rule in self.made.model.maps:
            fact = self.made.facts.get(rule.made)
            if fact is None or rule.given != (column,):
                continue
            rows = gone & fact.there & (fact.codes >= 0)
            for code in np.unique(fact.codes[rows])[:_IMPLIED]:
                within, likely = given.within(self._implying(rule, int(code), column))
                at = rows & (fact.codes == code) & (likely > 0)
                codes[at] = within.draw(words)[at]
                self.made.weigh(np.where(at, likely, 1.0))

    def _implying(self, rule: MapRule, code: int, column: str) -> Admission:
        """Codes from which a code may follow: those that no map has as well."""
        held = self.made.admissions
        name = f"{column} {rule.made} {code}"
        if name not in held:
            shares = held[column].shares.copy()
            shares[rule.keys] = rule.values == code
            held[name] = Admission(shares)
        return held[name]

    def chosen(self, column: str) -> Index | None:
        """Tries to go on with."""
        return self.made.again(column) if column in self.made.facts else None
