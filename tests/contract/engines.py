"""The engines that emitted SQL is executed in. To add one, add a function to ``ENGINES``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from tests.databases import into_postgres, into_sqlite

from synthlake.ports import Source
from synthlake.source import open_source

Tables = Mapping[str, pa.Table]
Opened = Callable[[pytest.FixtureRequest, Tables, Path], Source]


def in_duckdb(request: pytest.FixtureRequest, tables: Tables, folder: Path) -> Source:
    import duckdb

    path = folder / "data.duckdb"
    with duckdb.connect(path) as connection:
        for name, table in tables.items():
            connection.register("given", table)
            quoted = name.replace('"', '""')
            connection.execute(f'CREATE TABLE "{quoted}" AS SELECT * FROM given')
            connection.unregister("given")
    return open_source(path)


def in_postgres(request: pytest.FixtureRequest, tables: Tables, folder: Path) -> Source:
    url: str = request.getfixturevalue("postgres_database")
    into_postgres(url, tables)
    return open_source(url)


def in_sqlite(request: pytest.FixtureRequest, tables: Tables, folder: Path) -> Source:
    return open_source(into_sqlite(folder / "data.sqlite", tables))


def in_spark(request: pytest.FixtureRequest, tables: Tables, folder: Path) -> Source:
    from synthlake_spark import SparkSource

    spark, frames = request.getfixturevalue("spark"), {}
    for number, (name, table) in enumerate(tables.items()):
        pq.write_table(table, folder / f"{number}.parquet", row_group_size=300)
        frames[name] = spark.read.parquet(str(folder / f"{number}.parquet"))
    return SparkSource(frames)


ENGINES: dict[str, Opened] = {
    "duckdb": in_duckdb, "postgres": in_postgres, "sqlite": in_sqlite, "spark": in_spark,
}  # fmt: skip
"""By name: puts tables into the engine and opens them. All are compared with tables in memory."""


def as_held(engine: str, tables: Tables) -> dict[str, pa.Table]:
    """The tables as an engine can hold them at all; what is left out stands in the type table."""
    limits = {"sqlite": _without_nan, "spark": _without_time_of_day}
    limited = limits.get(engine, lambda table: table)
    return {name: limited(table) for name, table in tables.items()}


def _without_time_of_day(table: pa.Table) -> pa.Table:
    for number, field in enumerate(table.schema):
        if pa.types.is_time(field.type):
            values = table.column(number).cast(pa.int64())
            table = table.set_column(number, field.with_type(pa.int64()), values)
    return table


def _without_nan(table: pa.Table) -> pa.Table:
    for number, field in enumerate(table.schema):
        if pa.types.is_floating(field.type):
            values = table.column(number)
            kept = pc.if_else(pc.is_nan(values), pa.scalar(None, field.type), values)
            table = table.set_column(number, field, kept)
    return table
