"""Arrow tables put into databases by other means than the project's own sinks."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

Tables = Mapping[str, pa.Table]
Keys = Mapping[str, tuple[str, ...]]

_POSTGRES: list[tuple[Callable[[pa.DataType], bool], str]] = [
    (pa.types.is_boolean, "BOOLEAN"),
    (pa.types.is_int16, "SMALLINT"),
    (pa.types.is_int32, "INTEGER"),
    (pa.types.is_integer, "BIGINT"),
    (pa.types.is_float32, "REAL"),
    (pa.types.is_float64, "DOUBLE PRECISION"),
    (pa.types.is_string, "TEXT"),
    (pa.types.is_binary, "BYTEA"),
    (pa.types.is_date, "DATE"),
    (pa.types.is_time, "TIME"),
    (pa.types.is_duration, "INTERVAL"),
]
_SQLITE: list[tuple[Callable[[pa.DataType], bool], str]] = [
    (pa.types.is_boolean, "BOOLEAN"),
    (pa.types.is_int16, "SMALLINT"),
    (pa.types.is_int32, "INT"),
    (pa.types.is_integer, "BIGINT"),
    (pa.types.is_float32, "FLOAT4"),
    (pa.types.is_float64, "DOUBLE"),
    (pa.types.is_string, "TEXT"),
    (pa.types.is_binary, "BLOB"),
    (pa.types.is_date, "DATE"),
    (pa.types.is_time, "TIME"),
]


def quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def postgres_type(kind: pa.DataType) -> str:
    if pa.types.is_decimal(kind):
        return f"NUMERIC({kind.precision}, {kind.scale})"
    if pa.types.is_timestamp(kind):
        return "TIMESTAMPTZ" if kind.tz else "TIMESTAMP"
    return next(name for test, name in _POSTGRES if test(kind))


def sqlite_type(kind: pa.DataType) -> str:
    if pa.types.is_decimal(kind):
        return f"DECIMAL({kind.precision}, {kind.scale})"
    if pa.types.is_timestamp(kind):
        return "TIMESTAMPTZ" if kind.tz else "DATETIME"
    return next(name for test, name in _SQLITE if test(kind))


def definition(
    name: str, table: pa.Table, typed: Callable[[pa.DataType], str], key: tuple[str, ...] = ()
) -> str:
    columns = [f"{quote(f.name)} {typed(f.type)}" for f in table.schema]
    if key:
        columns.append(f"PRIMARY KEY ({', '.join(map(quote, key))})")
    return f"CREATE TABLE {name} ({', '.join(columns)})"


def into_postgres(
    url: str, tables: Tables, keys: Keys | None = None, schema: str = "public"
) -> None:
    """Create the tables in a database and fill them."""
    import psycopg

    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(schema)}")
        for name, table in tables.items():
            address = f"{quote(schema)}.{quote(name)}"
            key = (keys or {}).get(name, ())
            connection.execute(definition(address, table, postgres_type, key))
            types = [postgres_type(kind).partition("(")[0].lower() for kind in table.schema.types]
            with connection.cursor().copy(f"COPY {address} FROM STDIN (FORMAT binary)") as copy:
                copy.set_types([_NAMES.get(kind, kind) for kind in types])
                for row in zip(*(column.to_pylist() for column in table.columns), strict=True):
                    copy.write_row(row)


_NAMES = {
    "smallint": "int2", "integer": "int4", "bigint": "int8", "real": "float4",
    "double precision": "float8", "boolean": "bool",
}  # fmt: skip


def into_sqlite(path: Path, tables: Tables, keys: Keys | None = None) -> str:
    """Create the tables in a file and fill them; returns its URL."""
    connection = sqlite3.connect(path)
    for name, table in tables.items():
        connection.execute(definition(quote(name), table, sqlite_type, (keys or {}).get(name, ())))
        marks = ", ".join("?" for _ in table.schema)
        rows = zip(*(map(stored, column.to_pylist()) for column in table.columns), strict=True)
        connection.executemany(f"INSERT INTO {quote(name)} VALUES ({marks})", rows)
    connection.commit()
    connection.close()
    return f"sqlite:///{path}"


def stored(value: Any) -> Any:
    """A value as programs write it into SQLite; NaN is NULL there whatever one does."""
    if value is None or isinstance(value, str | bytes | int | float):
        return None if isinstance(value, float) and math.isnan(value) else value
    if isinstance(value, timedelta):
        return value // timedelta(microseconds=1)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
