"""The questions that inference asks of an engine. Every answer is a count.

Standard SQL only: quoted names, COUNT, SUM, GROUP BY and joins, which every engine reads alike.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa

from synthlake.late import late
from synthlake.ports import QueryEngine
from synthlake.schema.model import ForeignKey, Table

if TYPE_CHECKING:
    from sqlglot import exp
else:
    exp = late("sqlglot.expressions")

T = TypeVar("T")

MIN_SHARED = 10  # rows that a value has to have to be learned as a value
WIDTH = 64  # columns of one statement: exact distinct counts hold all values in memory
_FIRST_LOOK = 50_000
_MAX_SIBLING_ROWS = 2_000_000
_FAMILIES = 2_000


@dataclass(frozen=True)
class ColumnCounts:
    """Counts of a column.

    Attributes:
        values: rows that are not NULL.
        distinct: distinct values; 0 for types that are not counted.
    """

    values: int
    distinct: int


@dataclass(frozen=True)
class TableCounts:
    """Counts of a table and its columns."""

    rows: int
    columns: Mapping[str, ColumnCounts]

    def complete(self, column: str) -> bool:
        """Whether a column has no NULL."""
        return self.columns[column].values == self.rows

    def unique(self, column: str) -> bool:
        """Whether a column has neither NULL nor a repeated value."""
        return self.complete(column) and self.columns[column].distinct == self.rows > 0


@dataclass(frozen=True)
class Inclusion:
    """How the distinct keys of a child lie within those of a parent.

    Attributes:
        keys: distinct keys of the child, none of whose parts is NULL.
        found: of these, keys of the parent.
        rows: rows of the child.
        nulls: of these, with a NULL in the key.
        orphans: of these, with a key that the parent does not have.
    """

    keys: int
    found: int
    rows: int
    nulls: int
    orphans: int

    @property
    def share(self) -> float:
        """Share of the distinct keys that the parent has."""
        return self.found / self.keys if self.keys else 0.0


@dataclass(frozen=True)
class TextCounts:
    """Shapes of a text column: longest text, rows with a space, and characters of all rows."""

    longest: int
    spaced: int
    characters: int

    def mean(self, values: int) -> float:
        """Characters of a value."""
        return self.characters / max(values, 1)


class Probe:
    """Asks an engine for counts.

    Args:
        engine: runs the statements.

    Privacy: answers hold counts and never a cell's value.
    """

    def __init__(self, engine: QueryEngine) -> None:
        self._engine = engine

    def counts(self, table: Table) -> TableCounts:
        """Rows of a table, and values and distinct values of each column."""
        rows, found = 0, dict[str, ColumnCounts]()
        for some in _parts(table.columns) or [()]:
            asked = ["COUNT(*)"]
            for column in some:
                name = self._name(column.name)
                # engines group nested values differently or not at all
                distinct = f"COUNT(DISTINCT {name})" if countable(column.type) else "0"
                asked += [f"COUNT({name})", distinct]
            rows, *counted = self._row(f"SELECT {_numbered(asked)} FROM {self._from(table)}")
            for place, column in enumerate(some):
                found[column.name] = ColumnCounts(*counted[2 * place : 2 * place + 2])
        return TableCounts(rows, found)

    def unique(self, table: Table, columns: Sequence[str]) -> bool:
        """Whether no two rows agree on all of the columns, which hold no NULL."""
        keys, rows = _keys(columns), self._columns(table, columns)
        # whatever rows come first: one repetition among them settles the question at once
        first = f"(SELECT {keys} FROM {rows} LIMIT {_FIRST_LOOK}) AS t"
        return all(
            self._row(
                f"SELECT COUNT(*) FROM (SELECT {keys} FROM {looked_at} "
                f"GROUP BY {keys} HAVING COUNT(*) > 1 LIMIT 1) AS twice"
            )[0]
            == 0
            for looked_at in (first, rows)
        )

    def repeated(self, table: Table, columns: Sequence[str]) -> int:
        """Rows beyond the first of each key, and rows with a NULL in the key."""
        rows = self._row(f"SELECT COUNT(*) FROM {self._from(table)}")[0]
        return rows - self.distinct(table, columns)

    def inclusion(self, child: Table, parent: Table, fk: ForeignKey) -> Inclusion:
        """How the keys of a child lie within those of a parent."""
        keys = _keys(fk.columns)
        joined = " AND ".join(f"c.k{place} = p.k{place}" for place in range(len(fk.columns)))
        asked = [
            "COUNT(*)",
            "SUM(CASE WHEN p.k0 IS NULL THEN 0 ELSE 1 END)",
            "SUM(c.n)",
            "SUM(CASE WHEN p.k0 IS NULL THEN c.n ELSE 0 END)",
        ]
        row = self._row(
            f"SELECT {_numbered(asked)} FROM (SELECT {keys}, COUNT(*) AS n "
            f"FROM {self._columns(child, fk.columns)} GROUP BY {keys}) AS c "
            f"LEFT JOIN (SELECT DISTINCT {keys} FROM {self._columns(parent, fk.to)}) AS p "
            f"ON {joined}"
        )
        rows = self._row(f"SELECT COUNT(*) FROM {self._from(child)}")[0]
        return Inclusion(row[0], row[1], rows, rows - row[2], row[3])

    def distinct(self, table: Table, columns: Sequence[str]) -> int:
        """Distinct keys, none of whose parts is NULL."""
        rows = self._columns(table, columns)
        return self._row(
            f"SELECT COUNT(*) FROM (SELECT DISTINCT {_keys(columns)} FROM {rows}) AS d"
        )[0]

    def shared(self, table: Table, column: str) -> int:
        """Rows whose value at least ``MIN_SHARED`` rows have."""
        return self._row(
            f"SELECT SUM(CASE WHEN n >= {MIN_SHARED} THEN n ELSE 0 END) FROM (SELECT COUNT(*) AS n "
            f"FROM {self._columns(table, [column])} GROUP BY k0) AS v"
        )[0]

    def texts(self, table: Table, columns: Sequence[str]) -> dict[str, TextCounts]:
        """Shapes of text columns."""
        found: dict[str, TextCounts] = {}
        for some in _parts(columns):
            asked: list[str] = []
            for column in some:
                name = self._name(column)
                asked += [
                    f"MAX(LENGTH({name}))",
                    f"SUM(CASE WHEN {name} LIKE '% %' THEN 1 ELSE 0 END)",
                    f"SUM(LENGTH({name}))",
                ]
            row = self._row(f"SELECT {_numbered(asked)} FROM {self._from(table)}")
            found |= {c: TextCounts(*row[3 * i : 3 * i + 3]) for i, c in enumerate(some)}
        return found

    def some(self, table: Table, column: str, most: int) -> list[str]:
        """Distinct values as text, at most ``most`` from either end of their order.

        Privacy: real values, to be looked at and not to be kept or said.
        """
        rows, found = self._columns(table, [column]), {}
        for order in ("", " DESC"):
            part = self._engine.query(
                f"SELECT DISTINCT k0 FROM {rows} ORDER BY k0{order} LIMIT {most}"
            )
            found.update(dict.fromkeys(str(v) for v in part.column(0).to_pylist()))
            if part.num_rows < most:
                break
        return list(found)

    def siblings(self, table: Table, fk: ForeignKey, columns: Sequence[str], rows: int) -> float:
        """How much more alike two children of one parent are than any two rows; at most 1.

        The mean, over the columns, of (A - P) / (1 - P), where A is the chance that a row and one
        of its siblings agree and P that two rows do. Beyond two million rows the first families in
        the order of the key stand for all.

        Args:
            table: the child.
            fk: the reference to the parent.
            columns: of few values.
            rows: of the table.
        """
        found = [self._alike(table, fk, c, rows) for c in columns if c not in fk.columns]
        measured = [share for share in found if share is not None]
        return sum(measured) / len(measured) if measured else 0.0

    def _alike(self, table: Table, fk: ForeignKey, column: str, rows: int) -> float | None:
        keys, value = _keys(fk.columns), f"k{len(fk.columns)}"
        held = self._columns(table, (*fk.columns, column))
        # by size of family, so that what leaves the engine are sums of integers
        sizes = self._engine.query(
            "SELECT n, COUNT(*) AS families, SUM(s) AS alike FROM (SELECT SUM(m) AS n, "
            f"SUM(m * (m - 1)) AS s FROM (SELECT {keys}, {value}, COUNT(*) AS m "
            f"FROM {self._families(held, rows)} GROUP BY {keys}, {value}) AS c "
            f"GROUP BY {keys}) AS f WHERE n > 1 GROUP BY n"
        ).to_pylist()
        total = self._row(
            "SELECT SUM(n) AS a0, SUM(n * (n - 1)) AS a1 FROM "
            f"(SELECT COUNT(*) AS n FROM {held} GROUP BY {value}) AS v"
        )
        chance = total[1] / (total[0] * (total[0] - 1)) if total[0] > 1 else 1.0
        if not sizes or chance == 1.0:
            return None
        agree = math.fsum(int(size["alike"]) / (int(size["n"]) - 1) for size in sizes)
        share = agree / sum(int(size["n"]) * int(size["families"]) for size in sizes)
        return (share - chance) / (1 - chance)

    def _families(self, held: str, rows: int) -> str:
        if rows <= _MAX_SIBLING_ROWS:
            return held
        first = f"(SELECT k0 AS f0 FROM {held} GROUP BY k0 ORDER BY k0 LIMIT {_FAMILIES}) AS f"
        return f"{held} JOIN {first} ON k0 = f0"

    def _columns(self, table: Table, columns: Sequence[str]) -> str:
        """The rows without NULL in the columns, renamed: a table may use any name itself."""
        names = [f"s.{self._name(column)}" for column in columns]
        chosen = ", ".join(f"{name} AS k{place}" for place, name in enumerate(names))
        held = " AND ".join(f"{name} IS NOT NULL" for name in names)
        return f"(SELECT {chosen} FROM {self._from(table)} AS s WHERE {held}) AS r"

    @cached_property
    def _dialect(self) -> str:
        return self._engine.dialect

    def _from(self, table: Table) -> str:
        return self._engine.relation(table.name)

    def _name(self, column: str) -> str:
        return exp.to_identifier(column, quoted=True).sql(dialect=self._dialect)

    def _row(self, sql: str) -> list[int]:
        found: dict[str, Any] = self._engine.query(sql).to_pylist()[0]
        # a sum over no rows is NULL
        return [int(value or 0) for value in found.values()]


def countable(kind: pa.DataType) -> bool:
    """Whether every engine counts distinct values of a type alike."""
    extension = isinstance(kind, pa.BaseExtensionType) and not isinstance(kind, pa.UuidType)
    return not (pa.types.is_nested(kind) or extension)


def rate(part: int, whole: int) -> str:
    """A share as text, such as ``14.9 %``."""
    share = 100 * part / whole if whole else 0.0
    if 0 < part < whole:
        # a rate of 0 or 100 is said only where it is exact
        share = min(max(share, 0.1), 99.9)
    return f"{share:.1f}".removesuffix(".0") + " %"


def _parts(columns: Sequence[T]) -> list[Sequence[T]]:
    """Columns of one statement each."""
    return [columns[at : at + WIDTH] for at in range(0, len(columns), WIDTH)]


def _keys(columns: Sequence[str]) -> str:
    return ", ".join(f"k{place}" for place in range(len(columns)))


def _numbered(asked: Sequence[str]) -> str:
    return ", ".join(f"{what} AS a{place}" for place, what in enumerate(asked))
