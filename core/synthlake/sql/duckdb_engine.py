"""DuckDB as the engine: one session of a database, with the views that its source defined."""

from __future__ import annotations

import re
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any, Final, TypeVar

import duckdb
import pyarrow as pa
from sqlglot import exp

from synthlake.errors import QueryError
from synthlake.sql.bounded import interrupted

T = TypeVar("T")
_FAILURES: Final = (duckdb.Error, pa.ArrowException, OSError)
_Config = dict[str, str | bool | int | float | list[str]]

# Errors that speak of statements and files. All others may quote a cell, and lose their text.
_SPEAKS_OF_SQL: Final = (
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.IOException,
    duckdb.NotImplementedException,
    duckdb.OutOfMemoryException,
    duckdb.ParserException,
    duckdb.SyntaxException,
    duckdb.TransactionException,
)
_TYPES: Final = re.compile(
    r"\b(U?(?:BIG|SMALL|TINY|HUGE)INT|U?INT(?:EGER|8|16|32|64|128)|BLOB|BOOL(?:EAN)?|DATE|DECIMAL"
    r"|DOUBLE|FLOAT|INTERVAL|TIME|TIMESTAMP(?:TZ|_NS|_MS|_S)?|UUID|VARCHAR)\b"
)
_HINTS: Final[dict[type[Exception], str]] = {
    duckdb.OutOfMemoryException: "give the engine more memory (memory_limit)",
}


def quoted(*names: str) -> str:
    """An identifier in DuckDB's SQL, with its catalog and schema before it if given."""
    return ".".join(exp.to_identifier(name, quoted=True).sql("duckdb") for name in names)


def literal(text: str) -> str:
    """A string literal in DuckDB's SQL."""
    return exp.Literal.string(text).sql("duckdb")


def safe_message(error: Exception) -> str:
    """What a duckdb error says, without anything that may be a cell's value.

    Privacy: conversion, range, constraint and input errors quote values; of these only the class
        and the name of the last SQL type remain.
    """
    first = (str(error).splitlines() or [""])[0]
    if isinstance(error, _SPEAKS_OF_SQL):
        return first
    # Streams fail with an OSError of Arrow's whose text begins with the class of duckdb's error.
    known = re.match(r"[A-Z][A-Za-z]*( [A-Z][A-Za-z]*){0,3}(?= Error: )", first)
    kind = known[0] if known else type(error).__name__.removesuffix("Exception")
    types = _TYPES.findall(first)
    return f"{kind} error" + (f" for {types[-1]}" if types else "")


class DuckDBEngine:
    """One session of a DuckDB database. Conforms to ``ports.QueryEngine``.

    All views are temporary: nothing is ever written into a database that a user gave.

    Args:
        connection: a database to work in; it is not closed and keeps its settings. None for a new
            one in memory, which spills to ``temp_directory``.
        threads: of a new database; None for all cores.
        memory_limit: of a new database.
        temp_directory: where a new database spills; None for the system's.
        snapshot: hold one transaction, so that writers do not change what is read.

    Attributes:
        guard: called before each statement; raises if the data is no longer what it was.
    """

    dialect: str = "duckdb"

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection | None = None,
        *,
        threads: int | None = None,
        memory_limit: str = "2GB",
        temp_directory: str | Path | None = None,
        snapshot: bool = False,
    ) -> None:
        self._own = connection is None
        self._temporary = None if temp_directory is None else str(temp_directory)
        if connection is None:
            config = _config(threads, memory_limit, self._temporary)
            connection = duckdb.connect(":memory:", config=config)
        self._root = connection
        self._defined: dict[str, Any] = {}
        self._snapshot = snapshot
        self.guard: Callable[[], None] | None = None
        self._lock = threading.RLock()
        self._session = self._new_session()

    def query(self, sql: str) -> pa.Table:
        """The result of a statement.

        Strings are plain strings, also where DuckDB holds an enum; times with a zone are in UTC.

        Raises:
            QueryError: DuckDB refused it.
        """
        return self._run(sql, lambda: _plain(self._session.sql(sql).to_arrow_table()))

    def describe(self, sql: str) -> pa.Schema:
        """Arrow types of a SELECT statement's columns, enums as dictionaries.

        Raises:
            QueryError: DuckDB refused it.
        """
        empty = f"SELECT * FROM ({sql}) LIMIT 0"
        found: pa.Table = self._run(empty, lambda: self._session.sql(empty).to_arrow_table())
        return found.schema.remove_metadata()

    def batches(self, sql: str, rows: int = 65_536) -> Iterator[pa.RecordBatch]:
        """The result of a statement as a stream, while other statements may run.

        Cost: a held snapshot cannot stream beside itself, and temporary tables are this session's
            alone; then the result goes through a file in ``temp_directory``.

        Raises:
            QueryError: DuckDB refused it, at the first batch or later.
        """
        alone = self._snapshot or self._has_tables()
        return self._spooled(sql, rows) if alone else self._streamed(sql, rows)

    def relation(self, table: str) -> str:
        """What to write after FROM for a table, quoted."""
        return quoted(table)

    def register(self, name: str, data: Any) -> str:
        """Name an Arrow object or anything with ``__arrow_c_stream__``; returns it quoted.

        A stream that can be read only once is read now, whole.
        """
        table = data if isinstance(data, pa.Table) else pa.table(data)
        return self._define(name, table, f"register {quoted(name)}")

    def scan(self, name: str, data: Any) -> str:
        """Name what is read anew by each statement, batch by batch; returns it quoted.

        Args:
            name: not used before.
            data: an Arrow dataset, of which only the columns that are needed are read, or anything
                whose ``__arrow_c_stream__`` can be called again and again.
        """
        return self._define(name, data, f"register {quoted(name)}")

    def view(self, name: str, sql: str) -> str:
        """Name a SELECT statement; returns the name quoted.

        Raises:
            QueryError: DuckDB refused it.
        """
        return self._define(name, sql, sql)

    def derive(self, sql: str) -> str:
        """Like ``view`` under a name that nothing else has."""
        with self._lock:
            number = len(self._defined)
            while (name := f"__synthlake_{number}") in self._defined:
                number += 1
            return self.view(name, sql)

    def raw(self, sql: str) -> pa.Table:
        """Like ``query``, but its errors stay duckdb's and may hold a cell's value.

        Raises:
            duckdb.Error: DuckDB refused it.
        """
        with self._lock:
            found: pa.Table = self._session.sql(sql).to_arrow_table()
            return found

    def at_most(self, seconds: float) -> AbstractContextManager[None]:
        """Statements within that take longer are ended, and raise QueryError."""
        return interrupted(self._interrupt, seconds)

    def attach(self, path: str, name: str, options: str) -> None:
        """Attach a database file. Its errors stay duckdb's: options may hold a key.

        Raises:
            duckdb.Error: it cannot be opened.
        """
        with self._lock:
            self._session.execute(f"ATTACH {literal(path)} AS {quoted(name)} ({options})")

    def close(self) -> None:
        """Close the session, and the database if it is not the user's."""
        with self._lock:
            self._session.close()
            if self._own:
                self._root.close()

    def _run(self, sql: str, action: Callable[[], T]) -> T:
        with self._lock:
            self._check()
            try:
                return action()
            except _FAILURES as error:
                failure: Exception = error
            self._restore()
        # Raised outside of the handler: the original error, which may hold a value, is not chained.
        raise _query_error(failure, sql)

    def _interrupt(self) -> None:
        # Of a session that was replaced or closed in this moment nothing is left to end.
        with suppress(duckdb.Error):
            self._session.interrupt()

    def _check(self) -> None:
        if self.guard is not None:
            self.guard()

    def _define(self, name: str, what: Any, sql: str) -> str:
        self._run(sql, lambda: _name(self._session, name, what))
        self._defined[name] = what
        return quoted(name)

    def _new_session(self) -> duckdb.DuckDBPyConnection:
        session = self._root.cursor()
        session.execute("SET TimeZone = 'UTC'")
        session.execute("SET python_enable_replacements = false")
        _name_all(session, self._defined)
        if self._snapshot:
            session.execute("BEGIN TRANSACTION")
        return session

    def _restore(self) -> None:
        # A failed statement aborts the transaction; views made within it go with it.
        if self._snapshot:
            self._session.close()
            self._session = self._new_session()

    def _has_tables(self) -> bool:
        asked = "SELECT 1 AS n FROM duckdb_tables() WHERE temporary LIMIT 1"
        return self.query(asked).num_rows > 0

    def _streamed(self, sql: str, rows: int) -> Iterator[pa.RecordBatch]:
        # A second result on one session would cut off the first, hence a session of its own.
        session = self._run(sql, self._new_session)
        try:
            yield from session.sql(sql).to_arrow_reader(rows)
            return
        except _FAILURES as error:
            failure: Exception = error
        finally:
            session.close()
        raise _query_error(failure, sql)

    def _spooled(self, sql: str, rows: int) -> Iterator[pa.RecordBatch]:
        # The spill folder itself is DuckDB's, which removes it.
        with tempfile.TemporaryDirectory(prefix="synthlake-", dir=self._temporary) as folder:
            path = f"{folder}/result.arrow"
            self._run(sql, lambda: self._spool(sql, rows, path))
            with pa.memory_map(path) as file:
                reader = pa.ipc.open_file(file)
                for number in range(reader.num_record_batches):
                    yield reader.get_batch(number)

    def _spool(self, sql: str, rows: int, path: str) -> None:
        reader = self._session.sql(sql).to_arrow_reader(rows)
        with pa.ipc.new_file(path, reader.schema) as writer:
            for batch in reader:
                writer.write_batch(batch)


def _name(session: duckdb.DuckDBPyConnection, name: str, what: Any) -> None:
    if isinstance(what, str):
        session.execute(f"CREATE OR REPLACE TEMP VIEW {quoted(name)} AS {what}")
    else:
        session.register(name, what)


def _name_all(session: duckdb.DuckDBPyConnection, defined: Mapping[str, Any]) -> None:
    # A name that was given anew may now rest on later ones, so what fails is tried again.
    todo = dict(defined)
    while todo:
        failure: duckdb.Error | None = None
        for name, what in list(todo.items()):
            try:
                _name(session, name, what)
                del todo[name]
            except duckdb.CatalogException as error:
                failure = error
        if failure is not None and len(todo) == len(defined):
            raise failure
        defined = dict(todo)


def _config(threads: int | None, memory_limit: str, folder: str | None) -> _Config:
    # A folder of its own, which DuckDB removes; its default is in the working directory.
    spill = Path(folder or tempfile.gettempdir()) / f"synthlake-{uuid.uuid4().hex}"
    config: _Config = {
        "memory_limit": memory_limit,
        "temp_directory": str(spill),
        "preserve_insertion_order": True,
        "allocator_bulk_deallocation_flush_threshold": "16MB",  # freed memory goes back
        "autoinstall_known_extensions": False,  # nothing is downloaded behind the user's back
        "autoload_known_extensions": False,
    }
    return config if threads is None else {**config, "threads": threads}


def _query_error(error: Exception, sql: str) -> QueryError:
    return QueryError(safe_message(error), sql=sql, hint=_HINTS.get(type(error), ""))


def _plain(table: pa.Table) -> pa.Table:
    """Enums as strings, zones as UTC, no metadata."""
    fields = [pa.field(f.name, _plain_type(f.type), f.nullable) for f in table.schema]
    schema = pa.schema(fields)
    return table.replace_schema_metadata() if schema == table.schema else table.cast(schema)


def _plain_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(kind):
        return _plain_type(kind.value_type)
    if pa.types.is_string_view(kind) or pa.types.is_large_string(kind):
        return pa.string()
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        return pa.timestamp(kind.unit, "UTC")
    return kind
