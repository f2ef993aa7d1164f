"""Finding the order of a table's rows: what is declared, else what the rows themselves show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.encode.axis import Axis, Ticks, is_ordered
from synthlake.errors import LearnError
from synthlake.relational.chaining import on_grid
from synthlake.relational.columns import TableData
from synthlake.relational.joins import Join
from synthlake.relational.keys import KeyMaker, NumberKey, SlotKey
from synthlake.relational.sequence import Kind, Places, in_families, on_axis
from synthlake.schema.model import Column, Table

_NEARLY = 0.98  # share of rows that must be as the order says
_FEWEST = 200  # rows that follow another, below which nothing is looked for

Index = NDArray[np.int64]


@dataclass(frozen=True)
class Order:
    """The order of a sample's rows.

    Attributes:
        kind, by, start: see ``Sequence``.
        places: of the sample's rows.
        declared: whether the schema says so.
    """

    kind: Kind
    by: str
    places: Places
    start: int = 1
    declared: bool = False

    @property
    def made(self) -> tuple[str, ...]:
        """Columns that follow from a row's place."""
        return (self.by,) if self.kind == "ordinal" else ()

    def first(self, table: Table) -> Table:
        """The table with the column that orders its rows first among those that are drawn."""
        if self.kind != "values":
            return table
        return replace(table, order=(self.by, *(n for n in table.order if n != self.by)))


def find_order(
    data: TableData, table: Table, key: KeyMaker | None, joins: Sequence[Join]
) -> Order | None:
    """The order of rows: along the time of a grid, or among the children of the own parent.

    Of children: a column that counts them, a time that hardly two siblings share, a number that
    grows with the made key, or this key alone.

    Args:
        data: sample and statistics.
        table: with its own parent.
        key: how keys are made.
        joins: of the foreign keys, by position.

    Raises:
        LearnError: the declared order is none.
    """
    own, said = table.own, table.sequence
    if said is not None:
        return _declared(data, table, key, joins) if said.by else None
    if own is None:
        return _along_time(data, key) if isinstance(key, SlotKey) else None
    family = joins[table.foreign_keys.index(own)].key
    if not _enough(data, in_families(family, cut=False)):
        return None
    return next(_candidates(data, table, key, family), None)


def _declared(
    data: TableData, table: Table, key: KeyMaker | None, joins: Sequence[Join]
) -> Order | None:
    """The order that the schema declares; None for one along a grid that has too few rows.

    Raises:
        LearnError: the table has neither an own parent nor a grid, rows have no place, or too few
            of them follow others.
    """
    assert table.sequence is not None
    own, by = table.own, table.sequence.by
    where = f"{table.name}.sequence"
    if own is None:
        grid = _along_time(data, key) if isinstance(key, SlotKey) else None
        if table.sequence.increasing:
            raise LearnError(
                f"{where}: rows of {table.name} have no parent that they are made with, and nothing"
                " increases among them",
                hint="leave `increasing` out, or declare mode: own for one of its foreign keys",
            )
        if not isinstance(key, SlotKey) or by != key.axes[0].column:
            raise LearnError(
                f"{where}: rows of {table.name} have no parent that they are made with, and their"
                f" key is no grid along {by}",
                hint="declare mode: own for one of its foreign keys, or leave `sequence` out",
            )
        return grid and replace(grid, declared=True)
    column, family = table.column(by), joins[table.foreign_keys.index(own)].key
    ticks, null = _ticks(data, column)
    if null.any():
        raise LearnError(
            f"{where}: {by} is NULL in {int(null.sum()):,} rows, which so have no place",
            hint="name a column without NULLs in `by`",
        )
    places = in_families(family, ticks, cut=False)
    if not _enough(data, places):
        raise LearnError(
            f"{where}: fewer than {_FEWEST} rows, or rows of fewer than k = {data.k} entities,"
            f" follow another one of the same {own.references}",
            hint="leave `sequence` out",
        )
    if key is not None and by in key.columns:
        if not isinstance(key, NumberKey):
            raise LearnError(
                f"{where}: {by} is part of a key that is made, and not in the order of siblings",
                hint="name another column in `by`, or leave `sequence` out",
            )
        return Order("number", by, places, declared=True)
    found = _counting(column, ticks, family) or Order("values", by, places)
    return replace(found, declared=True)


def _enough(data: TableData, places: Places) -> bool:
    """Whether rows of k entities follow others."""
    later = np.flatnonzero(places.before >= 0)
    return len(later) >= _FEWEST and len(np.unique(data.group[later])) >= data.k


def _along_time(data: TableData, key: SlotKey) -> Order | None:
    """A grid whose first side is a series, each other side listed."""
    time, *others = key.axes
    if time.values is not None or any(axis.values is None for axis in others):
        return None
    places = on_axis(*on_grid(key, data.sample))
    return Order("grid", time.column, places) if _enough(data, places) else None


def _candidates(
    data: TableData, table: Table, key: KeyMaker | None, family: Index
) -> Iterator[Order]:
    """Orders among siblings, the plainest first."""
    columns = list(_ordered_columns(table, key))
    for column in columns:
        ticks, null = _ticks(data, column)
        found = _counting(column, ticks, family) if not null.any() else None
        if found is not None:
            yield found
    number = _ticks(data, table.column(key.columns[0]))[0] if isinstance(key, NumberKey) else None
    for column in columns:
        ticks, null = _ticks(data, column)
        if not null.any() and _orders(column, ticks, family, number):
            yield Order("values", column.name, in_families(family, ticks, cut=False))
    if isinstance(key, NumberKey):
        yield Order("number", key.columns[0], in_families(family, number, cut=False))


def _ordered_columns(table: Table, key: KeyMaker | None) -> Iterator[Column]:
    """Whole numbers, dates and times that are learned, those of the key first."""
    taken = {c for fk in table.foreign_keys for c in fk.columns}
    taken |= set(key.columns if key else ()) | set(table.conditions)
    for column in sorted(table.columns, key=lambda c: c.name not in table.primary_key):
        if column.name in taken or column.action != "learn" or column.made:
            continue
        if is_ordered(column.type) and not Axis(column.type).continuous:
            yield column


def _ticks(data: TableData, column: Column) -> tuple[Ticks, NDArray[np.bool_]]:
    return Axis(column.type).ticks(data.sample[column.name])


def _counting(column: Column, ticks: Ticks, family: Index) -> Order | None:
    """A column that is 1, 2, 3, ... in nearly all families, or begins elsewhere in all of them."""
    if not pa.types.is_integer(column.type):
        return None
    places = in_families(family, ticks, cut=False)
    known = places.at >= 0
    first = ticks[(places.at == 0) & known]
    if not len(first):
        return None
    starts, rows = np.unique(first, return_counts=True)
    start = int(starts[np.argmax(rows)])
    good = known & (ticks == start + places.at)
    if abs(start) > 1 or good.sum() < _NEARLY * known.sum() or np.ptp(ticks[known]) == 0:
        return None
    return Order("ordinal", column.name, places, start)


def _orders(column: Column, ticks: Ticks, family: Index, number: Ticks | None) -> bool:
    """Whether siblings are in the order of a column: a time, or what grows with a made key."""
    if number is not None and not pa.types.is_temporal(column.type):
        before = in_families(family, number, cut=False).before
        later = np.flatnonzero(before >= 0)
        return bool(np.mean(ticks[later] > ticks[before[later]]) >= _NEARLY)
    return pa.types.is_temporal(column.type) and _tells_apart(ticks, family)


def _tells_apart(ticks: Ticks, family: Index) -> bool:
    """Whether hardly two siblings have the same value."""
    places = in_families(family, ticks, cut=False)
    later = np.flatnonzero(places.before >= 0)
    return bool(np.mean(ticks[later] != ticks[places.before[later]]) >= _NEARLY)
