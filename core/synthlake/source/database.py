"""A DuckDB database as a source, with the keys that it declares."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from synthlake.errors import SourceError, SynthlakeError
from synthlake.schema.model import Column, ForeignKey, Schema, Table
from synthlake.source import types
from synthlake.source.names import check_columns, check_tables, nearest
from synthlake.sql.duckdb_engine import DuckDBEngine, literal, quoted, safe_message

_ATTACHED = "__synthlake_source"


class DuckDBSource:
    """The tables of one schema of a DuckDB database. Conforms to ``ports.Source``.

    A file is attached read-only to a database in memory; a connection gets one session of its own
    that holds a transaction, so that writers do not change what is read. What exists only within
    the user's own session (temporary tables, registered frames) is not seen.

    Args:
        engine: session to define the views in.
        database: its catalog.
        schema: the schema in it; None for ``main``.
    """

    def __init__(self, engine: DuckDBEngine, database: str, schema: str | None = None) -> None:
        self._engine, self._database = engine, database
        self._space = schema or "main"
        names = self._names()
        check_tables(names)
        columns = {name: self._columns(name) for name in names}
        keys = _keys(self._catalog("duckdb_constraints()"))
        self._schema = Schema(
            {name: Table(name, columns[name], *keys.get(name, ((), ()))) for name in names}
        )
        for table in self._schema:
            engine.view(
                table.name, f"SELECT {types.normal(table)} FROM {self._address(table.name)}"
            )

    @classmethod
    def from_file(
        cls,
        path: Path,
        schema: str | None = None,
        key: str | None = None,
        engine: DuckDBEngine | None = None,
    ) -> DuckDBSource:
        """Open a database file for reading.

        Args:
            path: of the file.
            schema: the schema in it; None for ``main``.
            key: the encryption key of the file.
            engine: session to attach it to; None for a new one.

        Raises:
            SourceError: it is no database, is locked, or needs a key.
        """
        engine = engine or DuckDBEngine()
        options = "READ_ONLY" + (f", ENCRYPTION_KEY {literal(key)}" if key else "")
        failed = ""
        try:
            engine.attach(str(path.absolute()), _ATTACHED, options)
        except duckdb.Error as error:
            failed = safe_message(error).replace(key or "\0", "...")
        if failed:
            raise SourceError(
                f"{path} cannot be opened as a DuckDB database: {failed}",
                hint="if this process has it open, give that connection instead",
            )
        try:
            return cls(engine, _ATTACHED, schema)
        except SynthlakeError:
            engine.close()  # or the file stays open as long as the error's traceback
            raise

    @classmethod
    def from_connection(
        cls, connection: duckdb.DuckDBPyConnection, schema: str | None = None
    ) -> DuckDBSource:
        """Read from a database that is open; the connection stays the user's."""
        engine = DuckDBEngine(connection, snapshot=True)
        row = engine.query("SELECT current_database() AS name").to_pylist()[0]
        return cls(engine, row["name"], schema)

    def __repr__(self) -> str:
        return f"DuckDBSource({', '.join(self._schema.tables)})"

    def schema(self) -> Schema:
        """Tables with the Arrow types that DuckDB gives, NOT NULL, primary and foreign keys."""
        return self._schema

    def engine(self) -> DuckDBEngine:
        """The engine that holds the database."""
        return self._engine

    def batches(self, table: str, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Typed batches of a table.

        Raises:
            QueryError: DuckDB cannot read it.
        """
        wanted = types.chosen(self._schema[table], columns)
        select = ", ".join(quoted(name) for name in wanted.names) or "1"
        for batch in self._engine.batches(f"SELECT {select} FROM {self._address(table)}"):
            values = types.restore(batch.columns[: len(wanted)], wanted, table)
            yield types.batch(values, wanted, batch.num_rows)

    def _address(self, table: str) -> str:
        return quoted(self._database, self._space, table)

    def _catalog(self, function: str) -> list[dict[str, Any]]:
        where = f"database_name = {literal(self._database)}"
        where += f" AND schema_name = {literal(self._space)}"
        return self._engine.query(f"SELECT * FROM {function} WHERE {where}").to_pylist()

    def _names(self) -> list[str]:
        tables = [row for row in self._catalog("duckdb_tables()") if not row["internal"]]
        names = [row["table_name"] for row in sorted(tables, key=lambda row: row["table_oid"])]
        if not names:  # a database of views alone, as over files
            views = [row for row in self._catalog("duckdb_views()") if not row["internal"]]
            names = [row["view_name"] for row in sorted(views, key=lambda row: row["view_oid"])]
        if not names:
            raise SourceError(
                f"the database has no tables in its schema {self._space}", hint=self._elsewhere()
            )
        return names

    def _elsewhere(self) -> str:
        found = self._engine.query(
            "SELECT DISTINCT schema_name AS name FROM duckdb_tables()"
            f" WHERE database_name = {literal(self._database)} AND NOT internal"
        ).to_pylist()
        if found:
            return "give schema: " + nearest(self._space, [row["name"] for row in found])
        return "give frames and temporary tables as a mapping of tables"

    def _columns(self, table: str) -> tuple[Column, ...]:
        arrow = self._engine.describe(f"SELECT * FROM {self._address(table)}")
        check_columns(table, arrow.names)
        rows = self._catalog("duckdb_columns()")
        strict = {
            r["column_name"] for r in rows if r["table_name"] == table and not r["is_nullable"]
        }
        return tuple(Column(f.name, f.type, nullable=f.name not in strict) for f in arrow)


Keys = tuple[tuple[str, ...], tuple[ForeignKey, ...]]


def _keys(constraints: list[dict[str, Any]]) -> dict[str, Keys]:
    """Primary key and foreign keys of each table, in the order of their declaration."""
    found: dict[str, Keys] = {}
    for row in sorted(constraints, key=lambda row: (row["table_name"], row["constraint_index"])):
        primary, foreign = found.get(row["table_name"], ((), ()))
        columns = tuple(row["constraint_column_names"])
        if row["constraint_type"] == "PRIMARY KEY":
            primary = columns
        elif row["constraint_type"] == "FOREIGN KEY":
            to = tuple(row["referenced_column_names"])
            foreign = (*foreign, ForeignKey(columns, row["referenced_table"], to))
        found[row["table_name"]] = primary, foreign
    return found
