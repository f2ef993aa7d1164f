"""One data set as the judge sees it: every count is asked for once and kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa

from synthlake.ports import QueryEngine
from synthlake.quality.expressions import interval_code, is_null, value
from synthlake.quality.layout import Field
from synthlake.quality.marginal import (
    MAX_CUTS,
    MAX_NUMBERS,
    MAX_VALUES,
    Ints,
    Marginal,
    less_marginal,
)
from synthlake.schema.model import ForeignKey, Schema
from synthlake.sql.keys import compared, parts, reference
from synthlake.sql.tables import Tables

T = TypeVar("T")


Less = Callable[[Any, Any], Any]
"""What is left of a count of all rows when that of a part is taken away; None if unknown."""


class DataSet:
    """Counts of one source.

    Args:
        label: ``real``, ``twin``, ``floor``, ``train`` or ``holdout``.
        engine: the rows.
        found: their schema.
        schema: of the real data.
        parents: where parents are looked up; a part of the real data has some of them in the rest.
    """

    def __init__(
        self, label: str, engine: QueryEngine, found: Schema, schema: Schema,
        parents: QueryEngine | None = None,
    ) -> None:  # fmt: skip
        self.label, self.schema, self.found = label, schema, found
        self.tables = Tables(engine, schema)
        self.lookup = Tables(parents or engine, schema)
        self._kept: dict[tuple[Any, ...], Any] = {}

    def once(self, key: tuple[Any, ...], make: Callable[[], T]) -> T:
        """What ``make`` returns, computed at the first call only."""
        if key not in self._kept:
            self._kept[key] = make()
        kept: T = self._kept[key]
        return kept

    def count(self, key: tuple[Any, ...], make: Callable[[DataSet], T], less: Less) -> T:
        """What ``make`` counts here, computed at the first call only.

        Args:
            key: name of the count; its second part is the table.
            make: asks a data set.
            less: subtracts the count of a part from that of all rows.
        """
        return self.once(key, lambda: make(self))

    def has(self, field: Field) -> bool:
        """Whether the column is there."""
        return field.table in self.found and self.found[field.table].has(field.name)

    def query(self, sql: str) -> pa.Table:
        """The result of a statement."""
        return self.tables.engine.query(sql)

    def value(self, field: Field, alias: str = "t") -> str:
        """A column as what is compared."""
        dtype = self.found[field.table].column(field.name).type
        return value(self.tables, field, dtype, alias)

    def rows(self, table: str) -> int:
        """Rows of a table; 0 where it is missing."""
        if table not in self.found:
            return 0
        return self.once(("rows", table), lambda: self.tables.rows(table))

    def nulls(self, table: str) -> Mapping[str, int]:
        """NULLs of every column that is there."""
        return self.count(("nulls", table), lambda d: d._nulls(table), _less_nulls)

    def _nulls(self, table: str) -> dict[str, int]:
        names = [c.name for c in self.schema[table].columns if self.found[table].has(c.name)]
        counts = ", ".join(f"COUNT({self.tables.column(n)}) AS c{i}" for i, n in enumerate(names))
        row = self.query(f"SELECT {counts} FROM {self.tables.read(table)}").to_pylist()[0]
        total = self.rows(table)
        return {name: total - row[f"c{i}"] for i, name in enumerate(names)}

    def marginal(self, field: Field) -> Marginal:
        """Counts of a column that is there."""
        return self.count(
            ("marginal", field.table, field), lambda d: d._marginal(field), less_marginal
        )

    def _marginal(self, field: Field) -> Marginal:
        nulls, rows = self.nulls(field.table)[field.name], self.rows(field.table)
        expression, source = self.value(field), self.tables.read(field.table)
        most = (
            MAX_NUMBERS if field.ordered and self.tables.engine.dialect == "duckdb" else MAX_VALUES
        )
        # of too many numbers none is used
        order = "" if field.ordered else f"ORDER BY n DESC, {self.tables.primitives.hashed('v')} "
        found = self.query(
            f"SELECT v, COUNT(*) AS n FROM (SELECT {expression} AS v FROM {source}) AS s "
            f"WHERE v IS NOT NULL GROUP BY v {order}LIMIT {most + 1}"
        )
        counts = found["n"].to_numpy().astype(np.int64)
        complete = len(counts) <= most
        # values that cannot be read as the real type are NULL here, as the schema metric says
        nulls = rows - int(counts.sum()) if complete else nulls
        if not field.ordered:
            return self._texts(field, [str(v) for v in found["v"].to_pylist()], counts, rows, nulls)
        if not complete:
            return self._cuts(field, rows, nulls)
        return _listed(found["v"].to_numpy().astype(np.float64), counts, rows, nulls)

    def _texts(
        self, field: Field, texts: Sequence[str], counts: Ints, rows: int, nulls: int
    ) -> Marginal:
        complete = len(texts) <= MAX_VALUES
        distinct = len(texts) if complete else self._distinct(field)
        order = sorted(range(min(len(texts), MAX_VALUES)), key=lambda i: texts[i].encode())
        kept = tuple(texts[i] for i in order)
        return Marginal(rows, nulls, 0, distinct, texts=kept, counts=counts[order],
                        complete=complete)  # fmt: skip

    def _distinct(self, field: Field) -> int:
        """Distinct values of a column."""
        expression, source = self.value(field), self.tables.read(field.table)
        return self.tables.number(f"SELECT COUNT(DISTINCT {expression}) FROM {source}")

    def _cuts(self, field: Field, rows: int, nulls: int) -> Marginal:
        """Intervals of about equally many rows, by the engine's sort."""
        expression, source = self.value(field), self.tables.read(field.table)
        not_nan = f"AND NOT {self.tables.primitives.is_special('v', 'nan')}" * field.floating
        found = self.query(
            "SELECT MAX(v) AS high, MIN(v) AS low FROM ("
            f"SELECT v, NTILE({MAX_CUTS}) OVER (ORDER BY v) AS r "
            f"FROM (SELECT {expression} AS v FROM {source}) AS a WHERE v IS NOT NULL {not_nan}"
            ") AS b GROUP BY r"
        )
        ends = np.unique(found["high"].to_numpy().astype(np.float64))
        cells = self.intervals(field, ends)
        counts, nans = cells[1 : len(ends) + 1], int(cells[-1])
        low = float(found["low"].to_numpy().min())
        return Marginal(
            rows, int(cells[0]), nans, self._distinct(field), ends, (), counts, False, low,
            float(ends[-1]),
        )  # fmt: skip

    def intervals(self, field: Field, ends: Sequence[float] | Any) -> Ints:
        """Rows: NULL, of each interval (previous end, end], beyond the last, NaN; (n + 3,)."""
        key = ("intervals", field.table, field, tuple(float(e) for e in ends))
        return self.count(key, lambda d: d._intervals(field, ends), np.subtract)

    def _intervals(self, field: Field, ends: Sequence[float] | Any) -> Ints:
        column, nan = "v", len(ends) + 2
        tree = interval_code(column, ends, 1)
        if field.floating:
            is_nan = self.tables.primitives.is_special(column, "nan")
            tree = f"CASE WHEN {is_nan} THEN {nan} ELSE {tree} END"
        found = self.query(
            f"SELECT CASE WHEN v IS NULL THEN 0 ELSE {tree} END AS c, COUNT(*) AS n "
            f"FROM (SELECT {self.value(field)} AS v FROM {self.tables.read(field.table)}) AS s "
            "GROUP BY 1"
        )
        out = np.zeros(len(ends) + 3, np.int64)
        out[found["c"].to_numpy().astype(int)] = found["n"].to_numpy()
        return out

    def duplicates(self, table: str) -> int:
        """Rows beyond the first of each primary key, and rows with a NULL in it."""
        return self.once(("duplicates", table), lambda: self._duplicates(table))

    def _duplicates(self, table: str) -> int:
        keys = [self.tables.column(c) for c in self.schema[table].primary_key]
        valid = f"NOT {is_null(keys)}"
        good = self.tables.number(
            f"SELECT COUNT(*) FROM (SELECT 1 AS one FROM {self.tables.read(table)} WHERE {valid} "
            f"GROUP BY {', '.join(keys)}) AS s"
        )
        return self.rows(table) - good

    def links(self, table: str, fk: ForeignKey) -> tuple[int, int, int]:
        """Rows of the child, rows with a NULL in the key, rows whose key no parent has."""
        return self.count(("links", table, fk), lambda d: d._links(table, fk), _less_each)

    def _links(self, table: str, fk: ForeignKey) -> tuple[int, int, int]:
        child, parent = self._keys(table, fk)
        null = is_null([f"c.k{i}" for i in range(len(fk.columns))])
        on = " AND ".join(f"c.k{i} = p.k{i}" for i in range(len(fk.columns)))
        row = self.query(
            f"SELECT SUM(c.n) AS total, SUM(CASE WHEN {null} THEN c.n ELSE 0 END) AS nulls, "
            f"SUM(CASE WHEN NOT {null} AND p.hit IS NULL THEN c.n ELSE 0 END) AS orphans "
            f"FROM ({child}) AS c LEFT JOIN ({parent}) AS p ON {on}"
        ).to_pylist()[0]
        return int(row["total"] or 0), int(row["nulls"] or 0), int(row["orphans"] or 0)

    def _keys(self, table: str, fk: ForeignKey, own: bool = False) -> tuple[str, str]:
        """Child keys with their number ``n``, and the parents' distinct keys."""
        lookup = self.tables if own else self.lookup
        mine = compared(self.tables, reference(self.tables, self.schema[table], fk))
        theirs = compared(lookup, parts(lookup, self.schema[fk.references], fk.to))
        left = ", ".join(f"{e} AS k{i}" for i, e in enumerate(mine))
        right = ", ".join(f"{e} AS k{i}" for i, e in enumerate(theirs))
        group = ", ".join(str(i + 1) for i in range(len(mine)))
        child = f"SELECT {left}, COUNT(*) AS n FROM {self.tables.read(table)} GROUP BY {group}"
        valid = f"NOT {is_null(theirs)}"
        parent = (
            f"SELECT DISTINCT {right}, 1 AS hit FROM {lookup.read(fk.references)} WHERE {valid}"
        )
        return child, parent

    def degrees(self, table: str, fk: ForeignKey) -> tuple[Ints, Ints]:
        """Children per distinct parent key, ascending with zero, and how many parents have so many.

        Parents are those of this data set alone.
        """
        return self.once(("degrees", table, fk), lambda: self._degrees(table, fk))

    def _degrees(self, table: str, fk: ForeignKey) -> tuple[Ints, Ints]:
        child, parent = self._keys(table, fk, own=True)
        on = " AND ".join(f"c.k{i} = p.k{i}" for i in range(len(fk.columns)))
        found = self.query(
            "SELECT degree, COUNT(*) AS n FROM (SELECT COALESCE(c.n, 0) AS degree "
            f"FROM ({parent}) AS p LEFT JOIN ({child}) AS c ON {on}) AS s GROUP BY 1 ORDER BY 1"
        )
        return found["degree"].to_numpy().astype(np.int64), found["n"].to_numpy().astype(np.int64)


def _listed(values: Any, counts: Ints, rows: int, nulls: int) -> Marginal:
    nan = np.isnan(values)
    order = np.argsort(values[~nan], kind="stable")
    kept, number = values[~nan][order], counts[~nan][order]
    least, most = (float(kept[0]), float(kept[-1])) if len(kept) else (0.0, 0.0)
    return Marginal(
        rows, nulls, int(counts[nan].sum()), len(kept), kept, (), number, True, least, most
    )


def _less_nulls(whole: Mapping[str, int], part: Mapping[str, int]) -> dict[str, int]:
    return {name: count - part[name] for name, count in whole.items()}


def _less_each(whole: tuple[int, ...], part: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(a - b for a, b in zip(whole, part, strict=True))
