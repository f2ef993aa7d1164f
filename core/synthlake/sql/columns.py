"""Statements that count the values of one column, over rows that ``measure`` stored.

Stored rows have the columns ``c0, c1, ...`` in the order of ``used(table)`` and ``e``, the entity.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from synthlake.schema.model import Column
from synthlake.sql.dialect import bigint
from synthlake.sql.kinds import COUNTED, kind
from synthlake.sql.results import as_type, in_order, value_type
from synthlake.sql.statistics import MAX_CUTS, MAX_SHAPES, MAX_VALUES, ColumnStatistics
from synthlake.sql.tables import Tables

_WIDTH = 64  # columns of one profile statement; exact distinct counts hold all values in memory
_SPECIALS = ("nan", "inf", "-inf")
_MOST_DECIMALS = 9


@dataclass(frozen=True)
class Stored:
    """Rows of a table kept in the engine.

    Attributes:
        tables: the engine, and what differs in its dialect.
        name: what to write after FROM, quoted.
        rows: how many.
        entities: distinct entities among them.
    """

    tables: Tables
    name: str
    rows: int
    entities: int


def columns_of(stored: Stored, columns: Sequence[Column]) -> dict[str, ColumnStatistics]:
    """Statistics of all columns of stored rows, by name."""
    found: dict[str, ColumnStatistics] = {}
    numbered = list(enumerate(columns))
    for start in range(0, len(numbered), _WIDTH):
        some = numbered[start : start + _WIDTH]
        row = stored.tables.engine.query(profile(stored, some)).to_pylist()[0]
        for number, column in some:
            mark = f"c{number}_"
            one = {key[len(mark) :]: value for key, value in row.items() if key.startswith(mark)}
            found[column.name] = _column(stored, number, column, one)
    return found


def profile(stored: Stored, columns: Sequence[tuple[int, Column]]) -> str:
    """One row: of each column what is not NULL, what has a value, distinct values; floats more."""
    primitives, parts = stored.tables.primitives, []
    for number, column in columns:
        name, value = f"c{number}", _value(stored, number, column)
        parts += [
            f"count({name}) AS {name}_present",
            f"count({value}) AS {name}_valued",
            f"{_distinct(value, column)} AS {name}_distinct",
        ]
        if kind(column.type) == "float":
            parts += [
                f"count(CASE WHEN {primitives.is_special(name, special)} THEN 1 END)"
                f" AS {name}_special{place}"
                for place, special in enumerate(_SPECIALS)
            ]
            parts.append(f"max({primitives.decimals(name, column.type)}) AS {name}_decimals")
    return f"SELECT {', '.join(parts)} FROM {stored.name}"


def counts(stored: Stored, number: int, column: Column) -> str:
    """A row a distinct value: its rows and entities."""
    return _counted(stored, _valued(stored, number, column), "v")


def cuts(stored: Stored, number: int, column: Column, valued: int) -> str:
    """A row an interval between neighbouring quantiles (percentile_disc): its upper end and counts.

    A value's interval is the number of quantiles below it, floor(rows below * MAX_CUTS / rows),
    so ends at the values that percentile_disc gives for 1/MAX_CUTS, 2/MAX_CUTS, ..., without a
    list of fractions, which engines write differently.

    Args:
        stored: the rows.
        number: of the column.
        column: the column.
        valued: rows that have a value in it.
    """
    below = f"({bigint('rank() OVER (ORDER BY v)')} - 1) * {MAX_CUTS}"
    interval = stored.tables.primitives.quotient(below, str(valued))
    ranked = f"SELECT v, e, {interval} AS b FROM ({_valued(stored, number, column)}) AS r"
    return _counted(stored, ranked, "b")


def shapes(stored: Stored, number: int) -> str:
    """The most frequent shapes of a text with their rows and entities.

    Each distinct text is shaped once. No condition on the shape: engines would push it below the
    join and shape every row.
    """
    name, primitives = f"c{number}", stored.tables.primitives
    distinct = f"SELECT DISTINCT {name} AS v FROM {stored.name} WHERE {name} IS NOT NULL"
    shaped = f"SELECT v, {primitives.shape('v')} AS s FROM ({distinct}) AS d"
    rows = f"SELECT m.s AS v, t.e FROM {stored.name} AS t JOIN ({shaped}) AS m ON t.{name} = m.v"
    order = f"ORDER BY {stored.tables.name('rows')} DESC, {primitives.hashed('value')}"
    return f"SELECT * FROM ({_counted(stored, rows, 'v')}) AS c {order} LIMIT {MAX_SHAPES}"


def _value(stored: Stored, number: int, column: Column) -> str:
    # NaN and infinities have no place among values in order
    name = f"c{number}"
    return stored.tables.primitives.finite(name) if kind(column.type) == "float" else name


def _distinct(value: str, column: Column) -> str:
    # engines group nested values differently or not at all
    return "0" if kind(column.type) == "nested" else f"count(DISTINCT {value})"


def _valued(stored: Stored, number: int, column: Column) -> str:
    value = _value(stored, number, column)
    return f"SELECT {value} AS v, e FROM {stored.name} WHERE {value} IS NOT NULL"


def _counted(stored: Stored, rows: str, group: str) -> str:
    """Rows and entities by ``v``, or by ``b`` with the greatest ``v`` of each."""
    top, n = "v" if group == "v" else "max(v)", stored.tables.name("rows")
    if stored.rows == stored.entities:
        return (
            f"SELECT {top} AS value, count(*) AS {n}, count(*) AS entities"
            f" FROM ({rows}) AS r GROUP BY {group}"
        )
    # entities by a second grouping: count(DISTINCT) per group costs twice as much
    pairs = f"SELECT {group}, e, count(*) AS n FROM ({rows}) AS r GROUP BY {group}, e"
    if group != "v":
        pairs = f"SELECT b, e, max(v) AS v, count(*) AS n FROM ({rows}) AS r GROUP BY b, e"
    return (
        f"SELECT {top} AS value, {bigint('sum(n)')} AS {n},"
        f" count(*) AS entities FROM ({pairs}) AS g GROUP BY {group}"
    )


def _column(
    stored: Stored, number: int, column: Column, one: Mapping[str, int | None]
) -> ColumnStatistics:
    found = {name: value or 0 for name, value in one.items()}
    values = _Values()
    if kind(column.type) in COUNTED:
        values = _values(stored, number, column, found)
    special = tuple(found.get(f"special{place}", 0) for place in range(len(_SPECIALS)))
    decimals = found.get("decimals")
    return ColumnStatistics(
        rows=stored.rows,
        nulls=stored.rows - found["present"],
        distinct=found["distinct"],
        counts=values.counts,
        cuts=values.cuts,
        shapes=values.shapes,
        decimals=None if decimals is None or decimals > _MOST_DECIMALS else decimals,
        special=(special[0], special[1], special[2]),
    )


@dataclass(frozen=True)
class _Values:
    counts: pa.Table | None = None
    cuts: pa.Table | None = None
    shapes: pa.Table | None = None


def _values(stored: Stored, number: int, column: Column, found: Mapping[str, int]) -> _Values:
    query, shaped = stored.tables.engine.query, None
    if kind(column.type) == "text":
        shaped = _by_frequency(query(shapes(stored, number)))
    if found["distinct"] <= MAX_VALUES:
        return _Values(
            counts=_by_value(query(counts(stored, number, column)), column), shapes=shaped
        )
    ends = query(cuts(stored, number, column, found["valued"]))
    return _Values(cuts=_by_value(ends, column), shapes=shaped)


def _by_value(table: pa.Table, column: Column) -> pa.Table:
    # sorted in the engine's type: Arrow has types that it cannot sort
    table = in_order(table, ["value"])
    values = as_type(table.column("value"), value_type(column.type), column.name)
    return table.set_column(0, "value", values)


def _by_frequency(table: pa.Table) -> pa.Table:
    table = table.rename_columns(["shape", "rows", "entities"])
    order = pc.sort_indices(table, sort_keys=[("rows", "descending"), ("shape", "ascending")])
    return table.take(order)
