"""Keys of new rows as functions of the row's number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from synthlake.constraints.dates import fields, micros_of
from synthlake.encode.axis import Axis, as_text, indices, plain
from synthlake.encode.choices import by_choice
from synthlake.encode.pattern import Pattern
from synthlake.encode.personal.check_digits import with_check
from synthlake.relational.feistel import Permutation
from synthlake.seed import Seed

Index = NDArray[np.int64]
_BLOCK = 4_096


class KeyMaker(Protocol):
    """Makes the columns of a primary key. Conforms: ``TextKey``, ``NumberKey``, ``SlotKey``."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the key that it makes."""

    @property
    def capacity(self) -> int:
        """How many distinct keys there are."""

    def make(self, index: Index, frame: KeyFrame) -> dict[str, pa.Array[Any]]:
        """Key columns of rows; distinct for distinct numbers below ``frame.total``."""


@dataclass(frozen=True)
class KeyFrame:
    """What a key depends on besides the row's number.

    Attributes:
        seed: of the sample.
        table: whose key it is.
        rows: rows that are emitted.
        total: these and the phantom parents beyond them.
    """

    seed: Seed
    table: str
    rows: int
    total: int

    def salt(self, part: str) -> int:
        """The key of a permutation."""
        return self.seed.key(self.table, f"key:{part}") % 2**64


@dataclass(frozen=True)
class TextKey:
    """Text of learned or declared shapes: the row's number, permuted and unranked.

    Attributes:
        patterns: shapes, pairwise without a common string.
        weights: rows that had each shape.
        check: kind of the check digit behind each string, such as ``luhn``; empty for none.
    """

    columns: tuple[str, ...]
    type: pa.DataType
    patterns: tuple[Pattern, ...]
    weights: tuple[int, ...]
    check: str = ""

    @property
    def capacity(self) -> int:
        """Strings of all shapes."""
        return sum(p.capacity for p in self.patterns)

    def make(self, index: Index, frame: KeyFrame) -> dict[str, pa.Array[Any]]:
        """Strings of rows; shapes in proportion to their weights, as far as they hold."""
        quotas = apportion(frame.total, self.weights, [p.capacity for p in self.patterns])
        starts = np.concatenate([[0], np.cumsum(quotas)])
        place = Permutation(frame.total, frame.salt("order"))(index)
        shape = np.searchsorted(starts, place, side="right") - 1

        def one(number: int, rows: Index) -> pa.Array[Any]:
            pattern = self.patterns[number]
            spread = Permutation(pattern.capacity, frame.salt(f"shape{number}"))
            return pattern.unrank(spread(place[rows] - starts[number]))

        made = by_choice(shape.astype(np.int64), one)
        made = with_check(made, self.check) if self.check and len(made) else made
        return {self.columns[0]: as_text(made, self.type)}


@dataclass(frozen=True)
class NumberKey:
    """Whole numbers that grow with the row: ``start + step * number``."""

    columns: tuple[str, ...]
    type: pa.DataType
    start: int
    step: int
    limit: int

    @property
    def capacity(self) -> int:
        """Numbers that the type holds."""
        return max(0, (self.limit - self.start) // self.step + 1)

    def make(self, index: Index, frame: KeyFrame) -> dict[str, pa.Array[Any]]:
        """Numbers of rows."""
        ticks = self.start + index * self.step
        return {self.columns[0]: Axis(self.type, 0).values(ticks, np.zeros(len(index), bool))}


@dataclass(frozen=True)
class SlotAxis:
    """One side of a grid: listed values, or ``count`` ticks from ``start`` on.

    Privacy: listed values have k entities each; ends are rounded outward.
    """

    column: str
    type: pa.DataType
    values: pa.Array[Any] | None = None
    start: int = 0
    step: int = 1
    count: int = 0

    @property
    def size(self) -> int:
        """Places along this side."""
        return self.count if self.values is None else len(self.values)

    def first(self, places: int) -> SlotAxis:
        """The same with at most so many places."""
        if self.values is None:
            return replace(self, count=min(self.count, places))
        return replace(self, values=self.values[:places])

    def place(self, values: pa.Array[Any]) -> Index:
        """Places of values; any place for what is not on the axis."""
        if self.values is not None:
            found = pc.index_in(values.cast(self.values.type), value_set=plain(self.values))
            return np.asarray(found.fill_null(0)).astype(np.int64)
        ticks, _ = Axis(self.type).ticks(values)
        places: Index = np.clip((ticks - self.start) // self.step, 0, self.count - 1)
        return places.astype(np.int64)

    def at(self, place: Index) -> pa.Array[Any]:
        """Values at places."""
        if self.values is not None:
            made = plain(self.values).take(indices(place))
            return made if made.type == self.type else made.cast(self.type)
        return Axis(self.type).values(self.start + place * self.step, np.zeros(len(place), bool))


@dataclass(frozen=True)
class Busy:
    """Hours of the day in which missing parents have children, by the clock of a zone.

    Attributes:
        column: the time axis.
        unit: microseconds a tick.
        hours: each with children of k entities.
    """

    column: str
    unit: float
    zone: str
    hours: tuple[int, ...]

    def at(self, values: pa.Array[Any]) -> NDArray[np.bool_]:
        """Whether times lie in these hours."""
        ticks, _ = Axis(values.type).ticks(values)
        found = fields(micros_of(ticks, self.unit), self.zone)["hour"]
        return np.isin(found, self.hours)


@dataclass(frozen=True)
class SlotKey:
    """Rows on a grid, such as airport x hour, in its order; some slots stay empty.

    Attributes:
        busy: where phantoms lie, if they do not lie anywhere.
    """

    axes: tuple[SlotAxis, ...]
    busy: Busy | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Key columns."""
        return tuple(a.column for a in self.axes)

    @property
    def capacity(self) -> int:
        """Slots of the grid."""
        total = 1
        for axis in self.axes:
            total *= axis.size
        return total

    def make(self, index: Index, frame: KeyFrame) -> dict[str, pa.Array[Any]]:
        """Slots of rows: emitted rows in grid order, phantoms in slots that they leave empty."""
        order = Permutation(self.capacity, frame.salt("slots"))
        slot = np.empty(len(index), np.int64)
        real = index < frame.rows
        slot[real] = _Filled(order, frame.rows).at(index[real])
        if not real.all():
            slot[~real] = self._empty(order, frame.rows, index[~real] - frame.rows)
        return self._values(slot)

    def _values(self, slot: Index) -> dict[str, pa.Array[Any]]:
        """Columns of slots."""
        out = {}
        for axis in reversed(self.axes):
            out[axis.column] = axis.at(slot % axis.size)
            slot = slot // axis.size
        return out

    def _empty(self, order: Permutation, rows: int, phantom: Index) -> Index:
        """Slots without a row: busy ones first, each in a random order."""
        if self.busy is None or self.capacity - rows > _SCANNED:
            return order.inverse(rows + phantom)
        name = (self.capacity, order.key, ~rows)
        found = _CACHE.get(name)
        if found is None:
            slots = order.inverse(np.arange(rows, self.capacity))
            busy = self.busy.at(self._values(slots)[self.busy.column])
            found = np.concatenate([slots[busy], slots[~busy]])
            _keep(name, found)
        return found[phantom]


_KEPT = 8  # grids
_SCANNED = 1_000_000  # empty slots that are looked at for busy ones
_CACHE: dict[tuple[int, int, int], NDArray[np.int64]] = {}


def _keep(name: tuple[int, int, int], found: NDArray[np.int64]) -> None:
    """Hold a result of the last few grids."""
    if len(_CACHE) >= _KEPT:
        _CACHE.clear()
    _CACHE[name] = found


@dataclass(frozen=True)
class _Filled:
    """The slots that hold a row, by their order in the grid; state is one number a block."""

    order: Permutation
    rows: int

    @cached_property
    def before(self) -> NDArray[np.int64]:
        """Filled slots before each block of slots."""
        name = (self.order.size, self.order.key, self.rows)
        found = _CACHE.get(name)  # read once: threads share it
        if found is None:
            counts = [int(self._mask(s).sum()) for s in range(0, self.order.size, _BLOCK)]
            found = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
            _keep(name, found)
        return found

    def _mask(self, start: int) -> NDArray[np.bool_]:
        slots = np.arange(start, min(start + _BLOCK, self.order.size))
        mask: NDArray[np.bool_] = self.order(slots) < self.rows
        return mask

    def at(self, index: Index) -> Index:
        """The slot of the i-th row."""
        out = np.empty(len(index), np.int64)
        block = np.searchsorted(self.before, index, side="right") - 1
        for number in np.unique(block):
            rows = block == number
            filled = np.flatnonzero(self._mask(int(number) * _BLOCK))
            out[rows] = number * _BLOCK + filled[index[rows] - self.before[number]]
        return out


def apportion(total: int, weights: Sequence[int], limits: Sequence[int]) -> list[int]:
    """``total`` in proportion to weights, none above its limit; by largest remainder.

    Source: Hamilton's method. What limits cut off goes to the others, the roomiest first.
    """
    whole = sum(weights) or 1
    exact = [total * w / whole for w in weights]
    out = [min(int(e), limit) for e, limit in zip(exact, limits, strict=True)]
    by_remainder = sorted(range(len(out)), key=lambda i: (int(exact[i]) - exact[i], i))
    for place in by_remainder:
        if sum(out) < total and out[place] < limits[place]:
            out[place] += 1
    for place in sorted(range(len(out)), key=lambda i: (out[i] - limits[i], i)):
        room = min(limits[place] - out[place], total - sum(out))
        out[place] += max(room, 0)
    return out
