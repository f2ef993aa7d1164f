"""Databases that sinks write to, and how tests look into them without Synthlake."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from sqlglot import exp

from synthlake.api import Column, ForeignKey, Schema, Source, Table
from synthlake.api import open as open_source
from synthlake.sink import open_sink
from synthlake.sink.database import DatabaseSink

ENGINES = ("duckdb", "sqlite", "postgres")


@dataclass(frozen=True)
class Place:
    """A schema of a database."""

    engine: str
    url: str
    schema: str | None
    run: Callable[..., list[tuple[Any, ...]]] = field(repr=False)

    def sink(self, **options: Any) -> DatabaseSink:
        opened = open_sink(self.url, schema=self.schema, options=options)
        assert isinstance(opened, DatabaseSink)
        return opened

    def source(self) -> Source:
        return open_source(self.url, schema=self.schema)

    def address(self, table: str) -> str:
        dialect = self.engine
        names = [table] if self.schema is None else [self.schema, table]
        return ".".join(exp.to_identifier(n, quoted=True).sql(dialect) for n in names)

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        return sorted(self.run(f"SELECT * FROM {self.address(table)}"), key=repr)

    def tables(self) -> set[str]:
        """Every table of the database, those of staging areas too."""
        sql = {
            "duckdb": "SELECT table_name FROM duckdb_tables()",
            "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
            "postgres": "SELECT c.relname FROM pg_class c JOIN pg_namespace n"
            " ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND n.nspname !~ '^pg_'"
            " AND n.nspname <> 'information_schema'",
        }[self.engine]
        return {name for (name,) in self.run(sql)}

    def schemas(self) -> set[str]:
        sql = {
            "duckdb": "SELECT schema_name FROM duckdb_schemas()",
            "sqlite": "SELECT 'main'",
            "postgres": "SELECT nspname FROM pg_namespace",
        }[self.engine]
        return {name for (name,) in self.run(sql)}

    def staged(self) -> set[str]:
        """What staging areas have left."""
        held = self.tables() | self.schemas()
        return {name for name in held if name.startswith("_synthlake_")} - {"_synthlake_runs"}

    def keys(self, table: str) -> set[tuple[str, tuple[str, ...]]]:
        """Constraints of a table by kind and columns, as the engine's own catalog has them."""
        return {"duckdb": _duckdb_keys, "sqlite": _sqlite_keys, "postgres": _postgres_keys}[
            self.engine
        ](self, table)


Keys = set[tuple[str, tuple[str, ...]]]


def _duckdb_keys(place: Place, table: str) -> Keys:
    rows = place.run(
        "SELECT constraint_type, constraint_column_names FROM duckdb_constraints()"
        f" WHERE table_name = {exp.Literal.string(table).sql('duckdb')}"
    )
    return {(kind.lower(), tuple(columns)) for kind, columns in rows if kind != "NOT NULL"}


def _sqlite_keys(place: Place, table: str) -> Keys:
    name = place.address(table)
    primary = sorted((r[5], r[1]) for r in place.run(f"PRAGMA table_info({name})") if r[5])
    found: Keys = {("primary key", tuple(c for _, c in primary))} if primary else set()
    foreign: dict[int, list[str]] = {}
    for row in place.run(f"PRAGMA foreign_key_list({name})"):
        foreign.setdefault(row[0], []).append(row[3])
    return found | {("foreign key", tuple(columns)) for columns in foreign.values()}


def _postgres_keys(place: Place, table: str) -> Keys:
    text = exp.Literal.string(place.address(table)).sql("postgres")
    rows = place.run(
        "SELECT k.contype::text, ARRAY(SELECT a.attname::text FROM unnest(k.conkey)"
        " WITH ORDINALITY AS at(n, o) JOIN pg_attribute a ON a.attrelid = k.conrelid"
        f" AND a.attnum = at.n ORDER BY at.o) FROM pg_constraint k WHERE k.conrelid = {text}"
        "::regclass"
    )
    kinds = {"p": "primary key", "f": "foreign key", "u": "unique"}
    return {(kinds[kind], tuple(columns)) for kind, columns in rows}


def duckdb_place(path: Path, schema: str | None = "twin") -> Place:
    def run(sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(path)) as connection:
            return connection.execute(sql).fetchall()

    return Place("duckdb", f"duckdb:///{path}", schema, run)


def sqlite_place(path: Path) -> Place:
    def run(sql: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            return connection.execute(sql).fetchall()

    return Place("sqlite", f"sqlite:///{path}", None, run)


def postgres_place(url: str, schema: str | None = "twin") -> Place:
    import psycopg

    def run(sql: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
            cursor = connection.execute(sql)
            return cursor.fetchall() if cursor.description else []

    return Place("postgres", url, schema, run)


def parents_and_children(mixed: str = "child") -> Schema:
    """Two tables whose children refer to parents; ``mixed`` is the name of the children's."""
    parent = Table("Parent", (Column("id", pa.int64(), nullable=False), Column("n", pa.string())),
                   ("id",))  # fmt: skip
    child = Table(
        mixed,
        (Column("id", pa.int64()), Column("parent", pa.int64()), Column("x", pa.float64())),
        ("id",),
        (ForeignKey(("parent",), "Parent", ("id",)),),
    )
    return Schema({"Parent": parent, mixed: child})


def batch(table: Table, *rows: tuple[Any, ...]) -> pa.RecordBatch:
    columns = list(zip(*rows, strict=True)) if rows else [() for _ in table.columns]
    arrays = [pa.array(list(c), f.type) for c, f in zip(columns, table.arrow, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=table.arrow)


def deliver(
    sink: DatabaseSink,
    schema: Schema,
    rows: dict[str, Iterable[tuple[Any, ...]]],
    run_id: str = "run",
    fingerprint: str = "one",
) -> DatabaseSink:
    """Write each table as one part, and publish."""
    sink.open(run_id, schema, fingerprint=fingerprint)
    for table in schema:
        if not sink.has_part(table.name, 0):
            sink.write_part(table.name, 0, [batch(table, *rows[table.name])])
    sink.publish({"seed": fingerprint})
    return sink


SMALL: dict[str, Iterable[tuple[Any, ...]]] = {
    "Parent": [(1, "a"), (2, None), (3, "")],
    "child": [(1, 1, 0.5), (2, 1, None), (3, None, -1e300)],
}
