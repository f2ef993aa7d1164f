"""A DuckDB database as a source, with the keys that it declares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from synthlake.errors import SourceError, SynthlakeError
from synthlake.schema.model import Column, ForeignKey, Schema, Table
from synthlake.source import types
from synthlake.source.names import check_columns, check_tables, nearest
from synthlake.source.relations import Relation
from synthlake.sql.duckdb_engine import DuckDBEngine, literal, quoted, safe_message

_ATTACHED = "__synthlake_source"
_RESERVED = ("memory", "system", "temp")  # catalogs that every session has


class DuckDBSource:
    """The tables of one schema of a DuckDB database. Conforms to ``ports.Source``.

    A file is attached read-only to a database in memory; a connection gets one session of its own
    that holds a transaction, so that writers do not change what is read. What exists only within
    the user's own session (temporary tables, registered frames) is not seen.

    Args:
        engine: session to define the views in.
        database: its catalog.
        schema: the schema in it; None for ``main``.
        tables: where each table is; None for all tables of the schema.
    """

    def __init__(
        self,
        engine: DuckDBEngine,
        database: str,
        schema: str | None = None,
        tables: Mapping[str, Relation] | None = None,
    ) -> None:
        self._engine, self._database = engine, database
        self._space = schema or "main"
        self._places = self._found(tables)
        names = list(self._places)
        check_tables(names)
        columns = {name: self._columns(name) for name in names}
        keys = self._keys(columns)
        self._schema = Schema(
            {name: Table(name, columns[name], *keys.get(name, ((), ()))) for name in names}
        )
        for table in self._schema:
            engine.view(table.name, f"SELECT {types.normal(table)} FROM {self._texts(table)}")

    @classmethod
    def from_file(
        cls,
        path: Path,
        schema: str | None = None,
        key: str | None = None,
        engine: DuckDBEngine | None = None,
        tables: Mapping[str, Relation] | None = None,
    ) -> DuckDBSource:
        """Open a database file for reading.

        Args:
            path: of the file.
            schema: the schema in it; None for ``main``.
            key: the encryption key of the file.
            engine: session to attach it to; None for a new one.
            tables: where each table is; None for all tables of the schema.

        Raises:
            SourceError: it is no database, is locked, or needs a key.
        """
        engine = engine or DuckDBEngine()
        options = "READ_ONLY" + (f", ENCRYPTION_KEY {literal(key)}" if key else "")
        # under the name that it has when it is opened: views may name their database
        name = _ATTACHED if path.stem.lower() in _RESERVED else path.stem
        failed = ""
        try:
            engine.attach(str(path.absolute()), name, options)
        except duckdb.Error as error:
            failed = safe_message(error).replace(key or "\0", "...")
        if failed:
            raise SourceError(
                f"{path} cannot be opened as a DuckDB database: {failed}",
                hint="if this process has it open, give that connection instead",
            )
        try:
            return cls(engine, name, schema, tables)
        except SynthlakeError:
            engine.close()  # or the file stays open as long as the error's traceback
            raise

    @classmethod
    def from_connection(
        cls, connection: duckdb.DuckDBPyConnection, schema: str | None = None
    ) -> DuckDBSource:
        """Read from a database that is open; the connection stays the user's.

        Args:
            connection: reads its current database.
            schema: in it; ``DATABASE.SCHEMA`` for one of another database that is attached.

        Raises:
            SourceError: there are no tables.
        """
        engine = DuckDBEngine(connection, snapshot=True)
        try:
            return cls(engine, *_whereabouts(engine, schema))
        except SynthlakeError:
            engine.close()
            raise

    def __repr__(self) -> str:
        return f"DuckDBSource({', '.join(self._schema.tables)})"

    def close(self) -> None:
        """Let go of the file, so that a sink may write into it; a user's connection stays open."""
        self._engine.close()

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
        yield from types.typed_batches(
            self._engine, self._address(table), self._schema[table], columns
        )

    def _address(self, table: str) -> str:
        place = self._places[table]
        return quoted(self._database, place.schema or self._space, place.name)

    def _catalog(self, function: str) -> list[dict[str, Any]]:
        where = f"database_name = {literal(self._database)}"
        return self._engine.query(f"SELECT * FROM {function} WHERE {where}").to_pylist()

    def _found(self, asked: Mapping[str, Relation] | None) -> dict[str, Relation]:
        if asked is None:
            return {name: Relation(self._space, name) for name in self._names()}
        held = [(r["schema_name"], r["table_name"]) for r in self._catalog("duckdb_tables()")]
        held += [(r["schema_name"], r["view_name"]) for r in self._catalog("duckdb_views()")]
        places = {t: Relation(r.schema or self._space, r.name) for t, r in asked.items()}
        for table, place in places.items():
            if (place.schema, place.name) not in held:
                known = [name for schema, name in held if schema == place.schema]
                raise SourceError(
                    f"the database has no table {place.name!r} in its schema {place.schema}, which "
                    f"is to be {table!r}",
                    hint=nearest(place.name, known) if known else self._elsewhere(place.schema),
                )
        return places

    def _names(self) -> list[str]:
        tables = self._in_space("duckdb_tables()")
        # the sink's own record of what it published there
        tables = [row for row in tables if not row["table_name"].startswith("_synthlake_")]
        names = [row["table_name"] for row in sorted(tables, key=lambda row: row["table_oid"])]
        if not names:  # a database of views alone, as over files
            views = self._in_space("duckdb_views()")
            names = [row["view_name"] for row in sorted(views, key=lambda row: row["view_oid"])]
        if not names:
            raise SourceError(
                f"the database has no tables in its schema {self._space}",
                hint=self._elsewhere(self._space),
            )
        return names

    def _in_space(self, function: str) -> list[dict[str, Any]]:
        rows = self._catalog(function)
        return [row for row in rows if row["schema_name"] == self._space and not row["internal"]]

    def _elsewhere(self, space: str | None) -> str:
        found = [row for row in self._catalog("duckdb_tables()") if not row["internal"]]
        if found:
            known = sorted({row["schema_name"] for row in found})
            return "give schema: " + nearest(space or "", known)
        return "give frames and temporary tables as a mapping of tables"

    def _texts(self, table: Table) -> str:
        """The rows, with UUIDs and whatever else Arrow has as text in fact as text."""
        named = [quoted(c.name) for c in table.columns if c.type == pa.string()]
        casts = ", ".join(f"CAST({name} AS VARCHAR) AS {name}" for name in named)
        address = self._address(table.name)
        return f"(SELECT * REPLACE ({casts}) FROM {address})" if casts else address

    def _columns(self, table: str) -> tuple[Column, ...]:
        arrow = self._engine.describe(f"SELECT * FROM {self._address(table)}")
        check_columns(table, arrow.names)
        place = self._places[table]
        rows = self._catalog("duckdb_columns()")
        strict = {
            r["column_name"]
            for r in rows
            if Relation(r["schema_name"], r["table_name"]) == place and not r["is_nullable"]
        }
        return tuple(Column(f.name, f.type, nullable=f.name not in strict) for f in arrow)

    def _keys(self, columns: Mapping[str, Sequence[Column]]) -> dict[str, Keys]:
        """Primary key and foreign keys of each table, in the order of their declaration."""
        # a declaration may write names in any case
        names = {(at.schema, at.name.lower()): name for name, at in self._places.items()}
        spelled = {name: {c.name.lower(): c.name for c in held} for name, held in columns.items()}
        found: dict[str, Keys] = {}
        rows = self._catalog("duckdb_constraints()")
        for row in sorted(rows, key=lambda row: (row["table_name"], row["constraint_index"])):
            table = names.get((row["schema_name"], row["table_name"].lower()))
            if table is None:
                continue
            primary, foreign = found.get(table, ((), ()))
            own = tuple(spelled[table][name.lower()] for name in row["constraint_column_names"])
            if row["constraint_type"] == "PRIMARY KEY":
                primary = own
            elif row["constraint_type"] == "FOREIGN KEY":
                # DuckDB keeps a table and those that it refers to in one schema
                parent = names.get((row["schema_name"], row["referenced_table"].lower()))
                if parent is not None:
                    to = tuple(
                        spelled[parent][name.lower()] for name in row["referenced_column_names"]
                    )
                    foreign = (*foreign, ForeignKey(own, parent, to))
            found[table] = primary, foreign
        return found


Keys = tuple[tuple[str, ...], tuple[ForeignKey, ...]]


def _whereabouts(engine: DuckDBEngine, schema: str | None) -> tuple[str, str | None]:
    """Database and schema; names may have dots, and a schema of the current database goes first."""
    (row,) = engine.query("SELECT current_database() AS name").to_pylist()
    current = str(row["name"])
    where = f"database_name = {literal(current)} AND schema_name = {literal(schema or '')}"
    if schema is None or engine.query(f"SELECT 1 FROM duckdb_schemas() WHERE {where}").num_rows:
        return current, schema
    rows = engine.query("SELECT database_name AS name FROM duckdb_databases()").to_pylist()
    for name in sorted((str(row["name"]) for row in rows), key=len, reverse=True):
        if schema.startswith(f"{name}."):
            return name, schema.removeprefix(f"{name}.")
    return current, schema
