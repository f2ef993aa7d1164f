"""Declared metrics, scored as all others: twin, hold-out and floor."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from decimal import Decimal
from functools import partial
from typing import Any

import duckdb
import pyarrow as pa

from synthlake.errors import QueryError, SpecError
from synthlake.ports import MetricKind, Score
from synthlake.quality.custom.declared import Custom
from synthlake.quality.custom.reading import OWN, Figure, Side, figure
from synthlake.quality.dataset import DataSet
from synthlake.quality.metric import Comparison, Direction, Metric, Scored, Subject
from synthlake.quality.settings import Tier
from synthlake.schema.model import Schema
from synthlake.sql.bounded import at_most, interrupted
from synthlake.sql.dialect import quoted
from synthlake.sql.duckdb_engine import safe_message

_NUMBERS = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL\([0-9, ]+\)")
_LONGEST = 600.0  # seconds of a SELECT


class CustomMetric:
    """One number by SQL, of a spec. Conforms to ``quality.metric.Metric``."""

    kind: MetricKind = "fidelity"

    def __init__(self, custom: Custom) -> None:
        self.custom, self.name = custom, custom.name
        self.title = custom.title or custom.name.replace("_", " ").capitalize()
        self.tier: Tier = custom.tier
        self.direction: Direction = "high" if custom.direction == "high" else "low"
        best = 1.0 if custom.direction == "high" else 0.0
        self.best = best if custom.best is None else float(custom.best)

    def score(self, comparison: Comparison) -> Iterator[Scored]:
        """One score; its subject is the first table that the SELECT reads."""
        asked = figure(self.custom, comparison.schema)
        table = asked.reads[0][1]
        yield Subject(table), self._score(comparison, asked, table)

    def _score(self, comparison: Comparison, asked: Figure, table: str) -> Score:
        rows = comparison.rows(table)
        sides: dict[Side, DataSet] = {
            "real": comparison.reference, "synthetic": comparison.candidate,
        }  # fmt: skip
        try:
            if self.custom.direction != "difference":
                return Score(_direct(asked, sides), rows=rows)
            values = [_of_one(asked, data) for data in sides.values()]
        except _NoNumberError as error:
            return Score(None, rows=rows, reason=str(error))
        detail = {"real": values[0], "candidate": values[1]}
        return Score(abs(values[0] - values[1]), rows=rows, detail=detail)


class _NoNumberError(Exception):
    """Why a SELECT has no figure."""


def custom_metrics(given: Sequence[Custom]) -> dict[str, Metric]:
    """Metrics of a spec, by name."""
    return {one.name: CustomMetric(one) for one in given}


def check_customs(given: Sequence[Custom], schema: Schema) -> None:
    """Whether declared metrics can be computed on a schema, with its types and no rows.

    Raises:
        SpecError: a table or column is not there, types do not fit, or not one number is given.
    """
    for custom in given:
        asked = figure(custom, schema)
        with _apart() as session:
            empty = {read: _nothing(schema, read[1], asked) for read in asked.reads}
            try:
                found = session.sql(_loaded(session, asked, empty))
                types = [str(kind) for kind in found.types]
            except duckdb.Error as error:
                raise SpecError(
                    f"the metric {custom.name}: {safe_message(error)}",
                    hint="compare it with the names and types of the columns",
                ) from None
        if len(types) != 1 or not _NUMBERS.fullmatch(types[0]):
            raise SpecError(
                f"the metric {custom.name} gives {', '.join(types)}, and not one number",
                hint="SELECT one column, a count, a share or another number",
            )


def _nothing(schema: Schema, table: str, asked: Figure) -> pa.Table:
    """The columns of a table that are read, without rows."""
    held = [(c.name, c.type) for c in schema[table].columns if c.name in asked.columns[table]]
    return pa.schema(held or [("one", pa.int32())]).empty_table()


def _apart() -> duckdb.DuckDBPyConnection:
    """A session that reaches no file, no network and no other data."""
    session = duckdb.connect(config={"enable_external_access": False})
    session.execute("SET python_enable_replacements = false")
    session.execute("SET lock_configuration = true")
    return session


def _loaded(session: duckdb.DuckDBPyConnection, asked: Figure, tables: dict[Any, pa.Table]) -> str:
    """The SELECT over tables that are put into a session."""
    names = {read: f'"{OWN}{number}"' for number, read in enumerate(asked.reads)}
    for read, name in names.items():
        session.register(name[1:-1], tables[read])
    return asked.sql("duckdb", lambda side, table: names[side, table])


def _of_one(asked: Figure, data: DataSet) -> float:
    """The number in one data set, counted by its own engine."""
    _check_there(asked, data, [table for _, table in asked.reads])
    engine = data.tables.engine
    try:
        sql = asked.sql(engine.dialect, lambda side, table: engine.relation(table))
        with _bounded(partial(at_most, engine)):
            found = data.query(sql)
        return _number(found)
    except (QueryError, SpecError) as error:
        raise _NoNumberError(
            f"{engine.dialect} cannot say: {error.message.splitlines()[0]}"
        ) from None


def _direct(asked: Figure, sides: dict[Side, DataSet]) -> float:
    """The number of a SELECT that names its sides."""
    for side, data in sides.items():
        _check_there(asked, data, [table for named, table in asked.reads if named == side])
    if all(side == "synthetic" for side, _ in asked.reads):
        return _of_one(asked, sides["synthetic"])
    elsewhere = [d.tables.engine.dialect for d in sides.values()
                 if d.tables.engine.dialect != "duckdb"]  # fmt: skip
    if elsewhere:  # rows do not leave the engine that holds them
        raise _NoNumberError(f"one SELECT cannot read {elsewhere[0]} and other data at once")
    with _apart() as session:
        tables = {read: _rows(sides[read[0]], read[1], asked) for read in asked.reads}
        try:
            with _bounded(partial(interrupted, session.interrupt)):
                return _number(session.sql(_loaded(session, asked, tables)).to_arrow_table())
        except duckdb.Error as error:
            raise _NoNumberError(f"duckdb cannot say: {safe_message(error)}") from None


@contextmanager
def _bounded(limit: Callable[[float], AbstractContextManager[None]]) -> Iterator[None]:
    """Statements within end after a bound on time.

    Args:
        limit: ends what runs in a session after so many seconds.

    Raises:
        _NoNumberError: they did.
    """
    start = time.monotonic()
    try:
        with limit(_LONGEST):
            yield
    except (duckdb.Error, QueryError):
        if time.monotonic() - start < _LONGEST:
            raise
        raise _NoNumberError(f"no figure: it took longer than {_LONGEST:g} s") from None


def _rows(data: DataSet, table: str, asked: Figure) -> pa.Table:
    names = ", ".join(quoted("duckdb", name) for name in asked.columns[table]) or "1 AS one"
    return data.query(f"SELECT {names} FROM {data.tables.read(table)}")


def _check_there(asked: Figure, data: DataSet, tables: Sequence[str]) -> None:
    for table in tables:
        if table not in data.found:
            raise _NoNumberError(f"{table} is missing")
        for name in asked.columns[table]:
            if not data.found[table].has(name):
                raise _NoNumberError(f"{table}.{name} is missing")


def _number(found: pa.Table) -> float:
    if found.num_rows != 1 or found.num_columns != 1:
        raise _NoNumberError(f"the SELECT gives {found.num_rows} rows, and not one number")
    value = found.column(0)[0].as_py()
    if value is None:
        raise _NoNumberError("the SELECT gives NULL")
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise _NoNumberError("the SELECT gives no number")
    if not math.isfinite(value):
        raise _NoNumberError("the SELECT gives NaN or infinity")
    return float(value)
