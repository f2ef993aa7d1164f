"""Rows of a block that follow each other, while they are drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.constraints.rule import Cells
from synthlake.encode.axis import Axis, Ticks
from synthlake.encode.numeric import NumericCodec
from synthlake.models.chained import Asked, sample_chained
from synthlake.models.registry import trees_of
from synthlake.ports import Codes, Distribution
from synthlake.relational.dated import Live
from synthlake.relational.keys import SlotKey
from synthlake.relational.model import column_id
from synthlake.relational.sequence import (
    LONGEST,
    Increment,
    Places,
    Sequence,
    in_families,
    on_axis,
    shifted,
)
from synthlake.relational.walks import wandering
from synthlake.seed import Words

if TYPE_CHECKING:
    from synthlake.relational.model import TableModel
    from synthlake.relational.redraw import Retry
    from synthlake.relational.rows import Block

WITHIN = 1  # draw number of the place within a bin, as in ``rows``
Index = NDArray[np.int64]


def places_in(
    model: TableModel, known: Mapping[str, pa.Array[Any]], family: Index | None
) -> Places | None:
    """Where rows of a block stand in their sequences; None for a table without an order.

    Args:
        model: of the table.
        known: key columns.
        family: number of the own parent of each row, negative where it has none.
    """
    sequence = model.sequence
    if sequence is None:
        return None
    if sequence.kind != "grid":
        return in_families(family) if family is not None else None
    assert isinstance(model.key, SlotKey)
    return on_axis(*on_grid(model.key, known), cut=not sequence.walks)


def on_grid(key: SlotKey, columns: Mapping[str, Any] | pa.Table) -> tuple[Index, Index]:
    """The series of each row of a grid, and its step of time."""
    time, *others = key.axes
    series = np.zeros(len(columns[time.column]), np.int64)
    for axis in others:
        series = series * axis.size + axis.place(_one(columns[axis.column]))
    return series, time.place(_one(columns[time.column]))


def _one(column: pa.Array[Any] | pa.ChunkedArray[Any]) -> pa.Array[Any]:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def ordinals(model: TableModel, places: Places | None) -> dict[str, pa.Array[Any]]:
    """The column that counts the rows of a family, where there is one."""
    sequence = model.sequence
    if sequence is None or places is None or sequence.kind != "ordinal":
        return {}
    ticks = sequence.start + np.maximum(places.at, 0)
    dtype = model.table.column(sequence.by).type
    return {sequence.by: Axis(dtype, 0).values(ticks, np.zeros(len(ticks), bool))}


def walks_of(model: TableModel) -> Mapping[str, float]:
    """How far words go in a step of time, by column whose words wander along a grid."""
    return model.sequence.walks if model.sequence is not None else {}


class AsDrawn:
    """Takes what is drawn of a block's rows. Conforms to ``ports.Guide``."""

    def __init__(self, block: Block) -> None:
        self._block = block

    def alone(self, column: str) -> bool:
        """Whether a row's draw may not depend on which rows are made with it."""
        return self._block.alone(column)

    def draw(self, column: str, given: Distribution, words: Words) -> Codes:
        """A code for each row."""
        return given.draw(words)

    def chosen(self, column: str) -> None:
        """All rows stay."""


def wandered(block: Block, column: str, number: int, words: Words) -> Words:
    """Words of rows on a grid, each near that of the row before it where the column wants it."""
    walks = walks_of(block.model)
    if number or block.places is None or column not in walks:
        return words
    return wandering(words, block.places, walks[column])


def draw_chained(block: Block, asked: Asked) -> bool:
    """Draw columns of a block, each row given the one before it; False without an order."""
    sequence, places = block.model.sequence, block.places
    trees = trees_of(block.model.synthesizer)
    if sequence is None or places is None or trees is None or not sequence.later.steps:
        return False
    later = {name: feature.codes for name, feature in places.later().items()}
    context = Live({**asked.context, **later}, block)
    asked = Asked(asked.columns, context, asked.draw, asked.settle)
    sample_chained(trees, sequence.steps, asked, BlockChain(block, sequence, places))
    return True


class BlockChain:
    """The chains of a whole block. Conforms to ``models.chained.Chain``."""

    def __init__(self, block: Block, sequence: Sequence, places: Places) -> None:
        self._block, self._sequence, self._before = block, sequence, places.before
        self._at = places.at
        self.order, self.ends = places.waves()
        self._drawn: dict[str, Codes] = {}

    def alone(self, name: str) -> bool:
        """Whether a row's draw may not depend on which rows are made with it."""
        return self._block.alone(name)

    def lag(self, name: str) -> Codes:
        """Settled codes of the row before each."""
        return shifted(self._block.codes[name], self._before)

    def own(self, name: str, wave: slice) -> Codes:
        """Codes of the rows before those of a wave, as far as they are drawn."""
        rows = self._before[self.order[wave]]
        return self._drawn[name][rows] if name in self._drawn else _part(self._block, name, rows)

    def parts(self, name: str) -> tuple[str, ...]:
        """Parts of a date that grows."""
        return _parts(self._block.model, name)

    def take(self, name: str, wave: slice, codes: Codes) -> Codes:
        """Keep what is drawn; of steps, work out the values."""
        held = self._drawn.setdefault(name, np.empty(len(self.order), np.int32))
        increment = self._sequence.increments.get(name)
        if increment is not None:
            codes = self._grown(name, increment, wave, codes)
        held[self.order[wave]] = codes
        return codes

    def done(self, name: str, codes: Codes) -> Codes:
        """The codes; of steps, chains of one family go on from each other."""
        increment = self._sequence.increments.get(name)
        if increment is None or self._at.max(initial=0) < LONGEST:
            return codes
        value, (ticks, null) = self._block.numeric(name), self._block.stepped[name]
        least = increment.sign * increment.codec.low[0]
        for part in range(1, int(self._at.max()) // LONGEST + 1):
            rows = np.flatnonzero(self._at // LONGEST == part)
            head = rows - self._at[rows] % LONGEST
            after = np.minimum(head + 1, len(ticks) - 1)
            step = np.where(self._before[after] == head, ticks[after] - ticks[head], least)
            joined = ticks[rows] + (ticks[head - 1] + step - ticks[head])
            ticks[rows] = _within(value, increment, joined)
        self._drawn[name] = value.encode_ticks(ticks, null)
        return self._drawn[name]

    def kept(self, name: str, rows: Index) -> Codes | None:
        """Steps are not drawn again: the rows behind them would have to be, too."""
        stepped = name in self._sequence.increments and name in self._drawn
        return self._drawn[name][rows] if stepped else None

    def _grown(self, name: str, increment: Increment, wave: slice, codes: Codes) -> Codes:
        """Codes of values; first rows begin anew, later ones go on from the row before."""
        rows, block = self.order[wave], self._block
        value = block.numeric(name)
        words = block.words(name, WITHIN)[rows]
        if wave.start == 0:
            ticks, null = value.draw(codes, words)
            kind = ticks.dtype
            block.stepped[name] = np.zeros(block.rows, kind), np.zeros(block.rows, bool)
        else:
            before = block.stepped[name][0][self._before[rows]]
            ticks = before + increment.sign * _steps(increment.codec, codes, words)
            least = before + increment.sign * (increment.codec.low[0] if increment.strict else 0)
            inside = np.clip(ticks, value.low[0], value.high[-1]) if len(value.low) else ticks
            ticks = np.where((inside - least) * increment.sign < 0, least, inside)
            null = np.zeros(len(rows), bool)
        held = block.stepped[name]
        held[0][rows], held[1][rows] = ticks, null
        return value.encode_ticks(ticks, null)


def _parts(model: TableModel, name: str) -> tuple[str, ...]:
    """Features that are parts of a date that grows from row to row."""
    if model.sequence is None or name not in model.sequence.increments:
        return ()
    return next((one.names for one in model.dates if column_id(one.column) == name), ())


def _part(block: Block, part: str, rows: Index) -> Codes:
    """A part of the date of rows of a block."""
    if not len(rows):  # no row follows another one, and so none has grown
        return np.zeros(0, np.int32)
    dated = next(one for one in block.model.dates if part in one.names)
    ticks, null = block.stepped[column_id(dated.column)]
    return dated.features(Cells(ticks[rows], null[rows]))[part].codes


def _steps(codec: NumericCodec, codes: Codes, words: NDArray[np.uint64]) -> Ticks:
    """Steps of codes; the least one where nothing is known."""
    ticks, null = codec.draw(codes, words)
    return np.where(null, codec.low[0] if len(codec.low) else 0, ticks)


def _within(value: NumericCodec, increment: Increment, ticks: Ticks) -> Ticks:
    """Values within the learned range; where each step goes on, as far as they go."""
    if increment.strict or not len(value.low):
        return ticks
    return np.clip(ticks, value.low[0], value.high[-1])


class RetryChain:
    """Rows of a block that are drawn again, given the rows before them as they are there."""

    def __init__(self, retry: Retry, outer: Block, place: Index, places: Places) -> None:
        self._outer, self._place = outer, place
        self._before = places.before[place]
        first = np.flatnonzero(self._before < 0)
        then = np.flatnonzero(self._before >= 0)
        self.order = np.concatenate([first, then])
        self.ends = np.array([0, len(first), len(place)], np.int64)
        self._steps = retry.model.sequence.increments if retry.model.sequence else {}
        for name in self._steps:
            ticks, null = outer.stepped.get(name, (None, None))
            if ticks is not None and null is not None:
                retry.stepped[name] = ticks[place], null[place]

    def alone(self, name: str) -> bool:
        """Few rows are drawn, apart from those that they are made with."""
        return True

    def lag(self, name: str) -> Codes:
        """Settled codes of the row before each."""
        return shifted(self._outer.codes[name], self._before)

    def own(self, name: str, wave: slice) -> Codes:
        """Drawn codes of the rows before those of a wave."""
        rows, drawn = self._before[self.order[wave]], self._outer.drawn
        return drawn[name][rows] if name in drawn else _part(self._outer, name, rows)

    def parts(self, name: str) -> tuple[str, ...]:
        """Parts of a date that grows."""
        return _parts(self._outer.model, name)

    def take(self, name: str, wave: slice, codes: Codes) -> Codes:
        """What is drawn; steps stay as they are."""
        kept = self.kept(name, self.order[wave])
        return codes if kept is None else kept

    def done(self, name: str, codes: Codes) -> Codes:
        """The codes as they are."""
        return codes

    def kept(self, name: str, rows: Index) -> Codes | None:
        """Steps are not drawn again."""
        if name not in self._steps:
            return None
        held: Codes = self._outer.drawn[name][self._place[rows]]
        return held
