"""A DuckDB database file as a sink."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa

from synthlake.errors import SinkBusyError, SinkError, SinkOccupiedError
from synthlake.sink.carry import carried, carry
from synthlake.sink.database import DatabaseSettings, DatabaseSink
from synthlake.sink.store import (
    Existing,
    Filled,
    Key,
    Session,
    Traits,
    create,
    insertion,
    listed,
    quote,
)
from synthlake.sql.duckdb_engine import literal, safe_message

_BATCH: Final = "__synthlake_batch"
_TYPES: Final[dict[pa.DataType, str]] = {
    pa.bool_(): "BOOLEAN",
    pa.int8(): "TINYINT",
    pa.int16(): "SMALLINT",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.uint8(): "UTINYINT",
    pa.uint16(): "USMALLINT",
    pa.uint32(): "UINTEGER",
    pa.uint64(): "UBIGINT",
    pa.float32(): "FLOAT",
    pa.float64(): "DOUBLE",
    pa.string(): "VARCHAR",
    pa.binary(): "BLOB",
    pa.date32(): "DATE",
    pa.time64("us"): "TIME",
    pa.uuid(): "UUID",
    pa.timestamp("s"): "TIMESTAMP_S",
    pa.timestamp("ms"): "TIMESTAMP_MS",
    pa.timestamp("us"): "TIMESTAMP",
    pa.timestamp("ns"): "TIMESTAMP_NS",
    pa.timestamp("us", "UTC"): "TIMESTAMP WITH TIME ZONE",
    pa.month_day_nano_interval(): "INTERVAL",
}
_WHOLE: Final = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
_locks: dict[str, threading.RLock] = {}
_guard = threading.Lock()


def duckdb_sink(path: Path, schema: str | None, options: Mapping[str, Any]) -> DatabaseSink:
    """A sink for a schema of a DuckDB file, which is made if it is not there.

    Args:
        path: of the file.
        schema: in it; None for ``main``; made if it is not there.
        options: ``constraints``, ``into_existing``.

    Raises:
        SinkError: there is no such option, or it has a value that it cannot have.
    """
    return DatabaseSink(DuckDBStore(path, schema), DatabaseSettings.of(options))


class DuckDBStore:
    """A schema of a DuckDB file. Conforms to ``Store``.

    The file is open during a session alone. DuckDB lets one process write at a time, and one
    instance in a process: a source of the same file has to be closed before.

    Args:
        path: of the file.
        schema: in it; None for ``main``.
    """

    traits = Traits("duckdb", folds=True, mixed_references=False, cycles=False)

    def __init__(self, path: Path, schema: str | None = None) -> None:
        self._path, self._schema = path.absolute(), schema or "main"
        with _guard:
            self._lock = _locks.setdefault(str(path.resolve()), threading.RLock())

    def __repr__(self) -> str:
        return f"DuckDBStore({str(self._path)!r}, schema={self._schema!r})"

    @property
    def name(self) -> str:
        """The file and its schema."""
        return f"the schema {self._schema} of {self._path}"

    @contextmanager
    def session(self, lock: str | None = None) -> Iterator[Session]:
        """A transaction, which only reads if it has no lock.

        Within a process all are one at a time; to other processes the file is busy.
        """
        failure: Exception | None = None
        with self._lock:
            connection = self._connect(reading=lock is None)
            try:
                connection.execute("BEGIN TRANSACTION")
                yield _DuckDBSession(connection)
                connection.execute("COMMIT")
            except duckdb.Error as error:
                failure = error
            finally:
                connection.close()  # what is not committed is undone
        if failure is not None:  # the original error may hold a cell's value
            raise SinkError(
                f"{self.name} refused: {safe_message(failure)}",
                hint="nothing was changed; run again with the same run id",
            ) from None

    def present(self) -> bool:
        """Whether there is such a file."""
        return self._path.exists()

    @cached_property
    def _catalog(self) -> str:
        # DuckDB names the database after its file, and a schema of that name needs both names
        with self.session(None if self.present() else "new") as session:
            return str(session.run("SELECT current_database()")[0][0])

    def address(self, table: str, area: str = "") -> str:
        """A table of the schema; those of a staging area are in ``main``, with its name.

        DuckDB cannot drop a schema in a database that has another schema of the database's name.
        """
        names = ("main", f"{area}_{table}") if area else (self._schema, table)
        return quote("duckdb", self._catalog, *names)

    def has_area(self, session: Session, area: str) -> bool:
        """Whether the area has tables."""
        return bool(self._tables_of(session, area))

    def make_area(self, session: Session, area: str, tables: Mapping[str, str]) -> None:
        """Make the tables."""
        for name, columns in tables.items():
            session.run(f"CREATE TABLE {self.address(name, area)} ({columns})")

    def drop_area(self, session: Session, area: str) -> None:
        """Drop the tables."""
        for name in self._tables_of(session, area):
            session.run(f"DROP TABLE {quote('duckdb', self._catalog, 'main', name)}")

    def _tables_of(self, session: Session, area: str) -> list[str]:
        where = "schema_name = 'main' AND database_name = current_database()"
        tables = session.run(f"SELECT table_name FROM duckdb_tables() WHERE {where}")
        return [name for (name,) in tables if name.startswith(f"{area}_")]

    def column_type(self, kind: pa.DataType) -> str | None:
        """DuckDB has most types of Arrow; the others go as ``carried`` says."""
        return _sql_type(_held(kind))

    def fits(self, wanted: str, found: str) -> bool:
        """The same type, or whole numbers of more bytes."""
        if wanted in _WHOLE and found in _WHOLE:
            return _WHOLE.index(wanted) <= _WHOLE.index(found)
        return wanted == found

    def existing(self, session: Session) -> list[Existing]:
        """Tables and views of the schema."""
        where = f"schema_name = {literal(self._schema)} AND database_name = current_database()"
        tables = {
            r[0] for r in session.run(f"SELECT table_name FROM duckdb_tables() WHERE {where}")
        }
        rows = session.run(
            "SELECT table_name, column_name, data_type, NOT is_nullable AND column_default IS NULL,"
            " is_generated"
            f" FROM duckdb_columns() WHERE {where} ORDER BY table_name, column_index"
        )
        found: dict[str, list[tuple[Any, ...]]] = {}
        for name, *column in rows:
            found.setdefault(name, []).append(tuple(column))
        return [
            Existing(
                name,
                {column: kind for column, kind, _, _ in columns},
                tuple(column for column, _, needed, _ in columns if needed),
                table=name in tables,
                computed=tuple(column for column, _, _, computed in columns if computed),
            )
            for name, columns in found.items()
        ]

    def fill(
        self, session: Session, tables: Sequence[Filled], keys: Sequence[Key], drop: Sequence[Key]
    ) -> None:
        """Our own tables are made anew: DuckDB cannot delete rows that foreign keys refer to."""
        targets = {table.name: table.target for table in tables}
        where = f"schema_name = {literal(self._schema)} AND database_name = current_database()"
        if not session.run(f"SELECT 1 FROM duckdb_schemas() WHERE {where}"):
            session.run(f"CREATE SCHEMA {quote('duckdb', self._catalog, self._schema)}")
        self._check_kept(session, tables, where)
        for table in reversed(tables):
            if table.state != "new":
                word = "DROP TABLE" if table.state == "ours" else "DELETE FROM"
                session.run(f"{word} {table.target}")
        for table in tables:
            if table.state != "kept":
                session.run(create("duckdb", table, keys, targets))
            session.run(insertion("duckdb", table))

    def _check_kept(self, session: Session, tables: Sequence[Filled], where: str) -> None:
        kept = {table.name.lower() for table in tables if table.state == "kept"}
        ours = {table.name.lower() for table in tables if table.state == "ours"}
        for parent, child in session.run(
            "SELECT referenced_table, table_name FROM duckdb_constraints()"
            f" WHERE constraint_type = 'FOREIGN KEY' AND {where} ORDER BY ALL"
        ):
            if parent.lower() not in kept or child.lower() in ours:
                continue
            if session.run(f"SELECT 1 FROM {self.address(child)} LIMIT 1"):
                raise SinkOccupiedError(
                    f"rows of {parent} cannot be replaced: {child} refers to it, and in DuckDB the"
                    " rows of both cannot be deleted in one transaction",
                    hint="drop that foreign key, or write into another schema",
                )

    def _connect(self, reading: bool) -> duckdb.DuckDBPyConnection:
        try:
            return self._reader() if reading else duckdb.connect(str(self._path))
        except duckdb.Error as error:
            said = safe_message(error)
        if "set lock" in said:
            raise SinkBusyError(
                f"{self._path} is open in another process",
                hint="DuckDB lets one process write at a time: close it there, and run again",
            )
        raise SinkError(
            f"{self._path} cannot be opened for writing: {said}",
            hint="close what has it open in this process, such as a source (`source.close()`)",
        )

    def _reader(self) -> duckdb.DuckDBPyConnection:
        try:
            return duckdb.connect(str(self._path), read_only=True)  # beside a source of the file
        except duckdb.ConnectionException:
            return duckdb.connect(str(self._path))  # beside the user's own connection


class _DuckDBSession:
    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def run(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a statement."""
        return self._connection.execute(sql).fetchall()

    def insert(self, table: str, values: Sequence[Any]) -> None:
        """Add a row."""
        places = ", ".join("?" for _ in values)
        self._connection.execute(f"INSERT INTO {table} VALUES ({places})", list(values))

    def load(
        self, table: Filled, schema: pa.Schema, part: int, batches: Iterable[pa.RecordBatch]
    ) -> None:
        """Add batches through Arrow."""
        columns = ", ".join([str(int(part)), listed("duckdb", schema.names)])
        for batch in batches:
            values = [
                carry(column, _held(field.type), f"{table.name}.{field.name}")
                for column, field in zip(batch.columns, schema, strict=True)
            ]
            self._connection.register(_BATCH, pa.table(values, names=schema.names))
            self._connection.execute(f"INSERT INTO {table.staged} SELECT {columns} FROM {_BATCH}")
            self._connection.unregister(_BATCH)


def _held(kind: pa.DataType) -> pa.DataType:
    """The type itself where DuckDB has it, else what it is carried as."""
    return kind if _sql_type(kind) is not None else carried(kind) or kind


def _sql_type(kind: Any) -> str | None:
    if kind in _TYPES:
        return _TYPES[kind]
    if pa.types.is_decimal128(kind) and kind.scale >= 0:
        return f"DECIMAL({kind.precision},{kind.scale})"
    if pa.types.is_struct(kind):
        fields = [(field.name, _sql_type(_held(field.type))) for field in kind]
        inner = ", ".join(f"{quote('duckdb', name)} {held}" for name, held in fields)
        return None if any(held is None for _, held in fields) else f"STRUCT({inner})"
    return _list_type(kind)


def _list_type(kind: Any) -> str | None:
    if pa.types.is_map(kind):
        key, item = (_sql_type(_held(held)) for held in (kind.key_type, kind.item_type))
        return f"MAP({key}, {item})" if key and item else None
    if pa.types.is_fixed_size_list(kind):
        inner = _sql_type(_held(kind.value_type))
        return f"{inner}[{kind.list_size}]" if inner else None
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        inner = _sql_type(_held(kind.value_type))
        return f"{inner}[]" if inner else None
    return None
