"""Choosing how a table's primary key is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from synthlake.constraints.dates import find_date_parts, local
from synthlake.constraints.discover import micros_per_tick
from synthlake.constraints.rule import Cells
from synthlake.encode.axis import Axis, is_ordered, plain
from synthlake.errors import LearnError
from synthlake.models.support import distinct
from synthlake.relational.codes import codes_of
from synthlake.relational.columns import TableData
from synthlake.relational.keys import KeyMaker, NumberKey, SlotAxis, SlotKey, TextKey
from synthlake.schema.model import Column, ForeignKey, Schema, Table, is_text
from synthlake.schema.modes import unique_target

_FULL = 0.3  # share of a grid that must be filled to count as one
_SPARSE = 0.02  # where no column of the key alone tells most rows apart
_REGULAR = 0.95  # share of rows that must lie on a regular axis
_MAX_SIDE = 5_000_000
_DAY = 86_400_000_000


def build_key(
    data: TableData, table: Table, schema: Schema, samples: Mapping[str, pa.Table]
) -> KeyMaker | None:
    """The maker of a table's key; None where other columns make it, or there is none.

    Raises:
        LearnError: no way is known to make it unique.
    """
    key = table.primary_key
    own = set(table.own.columns) if table.own else set()
    if not key or (own and own <= set(key)):
        return None
    references = {c for fk in table.foreign_keys for c in fk.columns}
    free = [c for c in key if c not in references and _makeable(table.column(c))]
    chosen = max(free, key=lambda c: data.of(c).distinct, default=None)
    if len(key) > 1 or pa.types.is_temporal(table.column(key[0]).type):
        named = chosen is not None and 2 * data.of(chosen).distinct > data.statistics.rows
        full = named or set(key) <= _anew(table, schema)  # rows made anew pair up in any way
        grid = _grid(data, table, schema, samples, _FULL if full else _SPARSE)
        if grid is not None:
            return grid
    if chosen is None:
        raise _impossible(table, references)
    return surrogate(data, table.column(chosen))


def _anew(table: Table, schema: Schema) -> set[str]:
    """Columns that refer to rows that are made anew."""
    fresh = (fk for fk in table.foreign_keys if not schema[fk.references].keep)
    return {c for fk in fresh for c in fk.columns}


def _within_key(table: Table, schema: Schema) -> list[ForeignKey]:
    """References within the primary key, to rows that are made anew."""
    key = set(table.primary_key)
    return [fk for fk in table.foreign_keys
            if set(fk.columns) <= key and not schema[fk.references].keep]  # fmt: skip


def _impossible(table: Table, references: set[str]) -> LearnError:
    """What to say of a key that cannot be made."""
    where = table.key_text
    if references & set(table.primary_key):
        return LearnError(
            f"{where} consists of references, and none of them is its own parent",
            hint=f"declare mode: own for one of the foreign keys within the key of {table.name}, to"
            " the primary key of its parent",
        )
    types = ", ".join(str(table.column(c).type) for c in table.primary_key)
    return LearnError(
        f"{where} has the type {types}, of which no new keys are made",
        hint="cast it to text or whole numbers in the source, or leave the primary key out",
    )


def _makeable(column: Column) -> bool:
    if pa.types.is_decimal(column.type):
        return int(column.type.scale) <= 0
    return is_text(column.type) or pa.types.is_integer(column.type)


def surrogate(
    data: TableData, column: Column, bounds: tuple[int | None, int | None] = (None, None)
) -> KeyMaker:
    """Text of the learned shapes, or numbers that grow, within bounds if there are any."""
    if is_text(column.type):
        return text_key(data, column)
    if bounds == (None, None):
        return number_key(data, column)
    least, most = bounds
    greatest = _greatest(column.type)
    limit = greatest if most is None else min(most, greatest)
    start = least if least is not None else min(1, limit - max(data.statistics.rows, 1))
    return NumberKey((column.name,), column.type, start, 1, limit)


def number_key(data: TableData, column: Column) -> NumberKey:
    """Numbers that grow, from about where those of the source begin.

    Privacy: the first and last number are those that k entities reach, rounded.
    """
    ticks, null = Axis(column.type).ticks(data.sample[column.name])
    low, high = _reached(ticks[~null], data.group[~null], data.k) or (1, 1)
    rows = max(data.statistics.rows, 1)
    start = 1 if low < 10 * rows else 10 ** (len(str(low)) - 1)
    step = max(1, (high - max(low, start)) // rows) if high - low > 10 * rows else 1
    step -= step % 10 ** (len(str(step)) - 1)  # one digit: more would tell the greatest key
    return NumberKey((column.name,), column.type, start, step, _greatest(column.type))


def _greatest(dtype: pa.DataType) -> int:
    """The greatest whole number of a type, as far as it is computed with."""
    if pa.types.is_decimal(dtype):
        return int(min(10 ** (dtype.precision + dtype.scale), 2**53)) - 1
    return int(2 ** min(dtype.bit_width - int(pa.types.is_signed_integer(dtype)), 62)) - 1


def text_key(data: TableData, column: Column) -> TextKey:
    """Shapes that k entities share, in the proportions of the sample.

    Privacy: see ``codes_of``.
    """
    texts = plain(data.sample[column.name]).cast(pa.string())
    there = np.asarray(texts.is_valid())
    values = [str(v) for v in texts.filter(pa.array(there)).to_pylist()]
    codes = codes_of(values, data.group[there], data.k, column.pattern)
    return TextKey((column.name,), column.type, codes.patterns, codes.weights, codes.check)


def _grid(
    data: TableData, table: Table, schema: Schema, samples: Mapping[str, pa.Table], least: float
) -> SlotKey | None:
    """The key as places on a grid, if the table fills at least that share of one."""
    if any(not unique_target(fk, schema[fk.references]) for fk in _within_key(table, schema)):
        return None  # places are given to rows of the parent, and these share what is referred to
    axes = []
    for name in table.primary_key:
        axis = _axis(data, table, name, schema, samples)
        if axis is None or not 0 < axis.size <= _MAX_SIDE:
            return None
        axes.append(axis)
    axes.sort(key=lambda a: a.values is not None)  # time outermost: rows come in its order
    rows = data.statistics.rows
    if len(axes) == 1:  # single dates and times are a series without gaps
        axes = [_widened(axes[0], rows)]
    grid = SlotKey(tuple(axes))
    if not least * grid.capacity <= rows <= 1.02 * grid.capacity:
        return None
    for fk in table.foreign_keys:
        inside = set(fk.columns) & set(grid.columns)
        # places over a one-column key are given to rows of the parent when rows are written
        if inside and len(fk.columns) > 1 and not schema[fk.references].keep:
            raise LearnError(
                f"{table.key_text} is a grid over rows of {fk.references}, which are made anew",
                hint=f"declare mode: own for {fk.label(table.name)}, or keep {fk.references}",
            )
    return grid


def _widened(axis: SlotAxis, rows: int) -> SlotAxis:
    """A series that has room for all rows."""
    more = max(rows - axis.size, 0)
    start = axis.start - axis.step * (more // 2)
    return replace(axis, start=start, count=axis.size + more)


def _axis(
    data: TableData, table: Table, name: str, schema: Schema, samples: Mapping[str, pa.Table]
) -> SlotAxis | None:
    """One side of a grid: supported values, or a regular series."""
    column = table.column(name)
    if is_ordered(column.type):
        if pa.types.is_floating(column.type) or pa.types.is_decimal(column.type):
            return None
        return _series(data, column, table, _with_children(data, table, name, schema, samples))
    values = plain(data.sample[name])
    coded = values.dictionary_encode()
    index = np.asarray(coded.indices.fill_null(-1)).astype(np.int64)
    there = index >= 0
    people = distinct(index[there], data.group[there], len(coded.dictionary))
    kept = coded.dictionary.filter(pa.array(people >= data.k))
    if not len(kept):
        return None
    return SlotAxis(name, column.type, kept.take(pc.sort_indices(kept)))


def _with_children(
    data: TableData, table: Table, name: str, schema: Schema, samples: Mapping[str, pa.Table]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Ticks of a key column in the table and in those that refer to it, with their entities.

    A column that refers to another table has the keys of that one, and no others.
    """
    from synthlake.relational.joins import entities

    axis = Axis(table.column(name).type)
    ticks, null = axis.ticks(data.sample[name])
    parts, people = [ticks[~null]], [entities(data.sample)[~null]]
    refers = any(name in fk.columns for fk in table.foreign_keys)
    for child, fk in () if refers else schema.children(table.name):
        if child.name in samples and name in fk.to and not child.skip:
            column = fk.columns[fk.to.index(name)]
            if child.column(column).type == axis.type:
                more, empty = axis.ticks(samples[child.name][column])
                for part in fk.columns:  # what is NULL in part refers to nothing
                    empty = empty | np.asarray(plain(samples[child.name][part]).is_null())
                parts.append(more[~empty])
                people.append(entities(samples[child.name])[~empty])
    return np.concatenate(parts), np.concatenate(people)


def _series(
    data: TableData, column: Column, table: Table,
    found: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> SlotAxis | None:  # fmt: skip
    """A regular series between the outermost values that k entities reach."""
    ticks, people = found
    bounds = _reached(ticks, people, data.k)
    if bounds is None:
        return None
    low, high = bounds
    values = np.unique(ticks[(ticks >= low) & (ticks <= high)])
    if len(values) < 2:
        return None
    gaps, counts = np.unique(np.diff(values), return_counts=True)
    step = int(gaps[np.argmax(counts)])
    inside = (ticks >= low) & (ticks <= high)
    if np.mean((ticks[inside] - low) % step == 0) < _REGULAR:
        return None
    low, high = _whole_days(data, table, column, low, high, step)
    return SlotAxis(column.name, column.type, None, low, step, (high - low) // step + 1)


def _reached(ticks: NDArray[np.int64], people: NDArray[np.int64], k: int) -> tuple[int, int] | None:
    """The k-th entity's value from below and from above."""
    order = np.argsort(ticks, kind="stable")
    ends = []
    for places in (order, order[::-1]):
        seen: set[int] = set()
        for place in places:
            seen.add(int(people[place]))
            if len(seen) >= k:
                ends.append(int(ticks[place]))
                break
    return (ends[0], ends[1]) if len(ends) == 2 and ends[0] <= ends[1] else None


def _whole_days(
    data: TableData, table: Table, column: Column, low: int, high: int, step: int
) -> tuple[int, int]:
    """Ends of a time series rounded outward to days of its zone."""
    unit = micros_per_tick(column.type)
    if unit is None or unit < 1 or _DAY % max(int(step * unit), 1):
        return low, high
    per_day = _DAY // int(unit)
    if per_day <= 1:
        return low, high
    zone = zone_of(data, table, column.name)
    ends = np.array([low, high], np.int64) * int(unit)
    since = local(ends, zone) % _DAY // int(unit)
    # by whole steps: a series at half past stays there
    return low - int(since[0]) // step * step, high + (per_day - 1 - int(since[1])) // step * step


def zone_of(data: TableData, table: Table, name: str) -> str:
    """The zone in which a table's other columns read a timestamp; UTC if none does."""
    unit = micros_per_tick(table.column(name).type)
    if unit is None:
        return "UTC"
    cells = {}
    for column in table.columns:
        if column.name == name or pa.types.is_integer(column.type):
            ticks, null = Axis(column.type).ticks(data.sample[column.name])
            cells[column.name] = Cells(ticks, null)
    found = find_date_parts(name, unit, cells, [c for c in cells if c != name])
    return found.zone if found else "UTC"
