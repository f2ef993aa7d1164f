"""SQLite as the engine: one read transaction over a file that is opened read-only."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import pyarrow as pa

from synthlake.api import Relation, errors, interrupted
from synthlake.api import sql as dialects
from synthlake_connectors.database.address import close
from synthlake_connectors.database.failures import of_sqlite
from synthlake_connectors.database.readings import Reading, Views
from synthlake_connectors.database.sqlite_types import FUNCTIONS, is_dynamic, reading

T = TypeVar("T")
DIALECT = "sqlite"
_ROWS = 65_536
_CACHE_KB = 65_536
_STORED: dict[str, Any] = {
    "integer": pa.int64(),
    "real": pa.float64(),
    "text": pa.string(),
    "blob": pa.binary(),
}


class SQLiteEngine:
    """A session of its own in one transaction. Conforms to ``ports.QueryEngine``.

    A value's type is that of what SQLite returns: int64, double, string, binary, or null where
    there is no value. A writer that does not use write-ahead logging waits until this is closed.

    Args:
        connection: SQLAlchemy's, in autocommit; closed with the session.
    """

    dialect: str = DIALECT

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self._raw = connection.connection.driver_connection
        self._lock = threading.RLock()
        self._views = Views()
        self._numbers = 0
        self._closing = weakref.finalize(self, close, connection)
        for name, (arguments, function) in {**dialects.functions(DIALECT), **FUNCTIONS}.items():
            self._raw.create_function(name, arguments, function, deterministic=True)
        # the first read takes the lock that keeps the file as it is
        for sql in (f"PRAGMA cache_size = -{_CACHE_KB}", "BEGIN", "SELECT 1 FROM sqlite_master"):
            self._rows(sql)

    def query(self, sql: str) -> pa.Table:
        """The result of a statement; empty where it has none.

        Raises:
            QueryError: SQLite refused it, or a column has values of several types.
            SourceUnavailableError: a writer has locked the file.
        """
        return self._run(sql, lambda: self._table(sql))

    def batches(self, sql: str) -> Iterator[pa.RecordBatch]:
        """The result of a statement as a stream, while other statements may run.

        Cost: the result goes through a temporary table, on disk if it is large.

        Raises:
            QueryError: SQLite refused it, or a column has values of several types.
        """
        spool, names = self._spooled(sql)
        try:
            schema = self._schema(spool, names)
            start = 0
            while (found := self._part(spool, start)) is not None:
                start, rows = found
                yield pa.RecordBatch.from_arrays(_arrays(rows, schema.types), schema=schema)
        finally:
            self._run("DROP", lambda: self._raw.execute(f"DROP TABLE {spool}"))

    def relation(self, table: str) -> str:
        """What to write after FROM for a table, quoted.

        Raises:
            SourceError: the table has cells that its types cannot hold.
        """
        return self._views.address(table) or dialects.quoted(DIALECT, table)

    def address(self, place: Relation) -> str:
        """What to write after FROM for a table of the database itself."""
        return f"main.{dialects.quoted(DIALECT, place.name)}"

    def derive(self, sql: str) -> str:
        """Name a SELECT statement for this session.

        Raises:
            QueryError: SQLite refused it.
        """
        return self._view(self._new(), sql)

    def at_most(self, seconds: float) -> AbstractContextManager[None]:
        """Statements within that take longer are ended, and raise QueryError."""
        return interrupted(self._raw.interrupt, seconds)

    def name(self, table: str, sql: str, check: Callable[[], None]) -> None:
        """Name a SELECT statement: the relation of a table, which is checked before its use.

        Raises:
            QueryError: the database refused the statement.
        """
        self._views.add(table, self._view(table, sql), check)

    def readings(self, place: Relation) -> dict[str, Reading]:
        """How the columns of a table are read, by name.

        Cost: one scan for each column whose declared type says nothing.
        """
        asked = "SELECT name, type FROM pragma_table_xinfo(?) WHERE hidden <> 1 ORDER BY cid"
        columns = self._rows(asked, place.name)
        found = {}
        for name, declared in columns:
            quoted = dialects.quoted(DIALECT, name)
            stored = self._stored(self.address(place), quoted) if is_dynamic(declared) else ()
            found[name] = reading(declared, quoted, stored)
        return found

    def _stored(self, relation: str, column: str) -> set[str]:
        rows = self._rows(f"SELECT DISTINCT typeof({column}) FROM {relation}")
        return {row[0] for row in rows}

    def close(self) -> None:
        """End the transaction and the connection; views and temporary tables go with it."""
        self._closing()

    def _new(self) -> str:
        with self._lock:
            self._numbers += 1
            return f"__synthlake_{self._numbers}"

    def _view(self, name: str, sql: str) -> str:
        quoted = dialects.quoted(DIALECT, name)
        made = f"CREATE TEMPORARY VIEW {quoted} AS {sql}"
        self._run(made, lambda: self._raw.execute(made))
        # SQLite looks at a view only when it is used
        self._run(sql, lambda: self._raw.execute(f"SELECT * FROM temp.{quoted} LIMIT 0"))
        return f"temp.{quoted}"

    def _rows(self, sql: str, *values: Any) -> list[Sequence[Any]]:
        return self._run(sql, lambda: list(self._raw.execute(sql, values)))

    def _run(self, sql: str, action: Callable[[], T]) -> T:
        import sqlite3

        with self._lock:
            try:
                return action()
            except (sqlite3.Error, sqlite3.Warning) as error:
                failure = of_sqlite(error, sql)
            except (pa.ArrowException, OverflowError):
                failure = errors.QueryError(
                    "a column of the result has values of several types", sql=sql,
                    hint="cast it, or clean the column that it comes from",
                )  # fmt: skip
        raise failure  # outside of the handler: the original may quote a value

    def _table(self, sql: str) -> pa.Table:
        cursor = self._raw.execute(sql)
        if cursor.description is None:
            return pa.table({})
        names = [column[0] for column in cursor.description]
        columns: list[list[pa.Array[Any]]] = [[] for _ in names]
        while rows := cursor.fetchmany(_ROWS):
            for column, values in zip(columns, zip(*rows, strict=True), strict=True):
                column.append(pa.array(values))
        return pa.table([_joined(column) for column in columns], names=names)

    def _spooled(self, sql: str) -> tuple[str, list[str]]:
        spool = f"temp.{dialects.quoted(DIALECT, self._new())}"
        self._run(sql, lambda: self._raw.execute(f"CREATE TABLE {spool} AS {sql}"))
        info = self._run(sql, lambda: self._raw.execute(f"SELECT * FROM {spool} LIMIT 0"))
        return spool, [column[0] for column in info.description]

    def _schema(self, spool: str, names: Sequence[str]) -> pa.Schema:
        fields = []
        for name in names:
            stored = self._stored(spool, dialects.quoted(DIALECT, name))
            fields.append(pa.field(name, _type_of(stored, spool)))
        return pa.schema(fields)

    def _part(self, spool: str, start: int) -> tuple[int, list[Sequence[Any]]] | None:
        sql = f"SELECT * FROM {spool} WHERE rowid > {start} ORDER BY rowid LIMIT {_ROWS}"
        rows = self._rows(sql)
        # the rows of a table that was just made are numbered without gaps
        return (start + len(rows), rows) if rows else None


def _arrays(rows: list[Sequence[Any]], types: Sequence[pa.DataType]) -> list[pa.Array[Any]]:
    columns = zip(*rows, strict=True)
    return [pa.array(values, kind) for values, kind in zip(columns, types, strict=True)]


def _joined(parts: list[pa.Array[Any]]) -> pa.ChunkedArray[Any]:
    kinds = {part.type for part in parts} - {pa.null()}
    if kinds == {pa.int64(), pa.float64()}:
        kinds = {pa.float64()}
    if len(kinds) > 1:
        raise pa.ArrowTypeError("several types")
    kind = kinds.pop() if kinds else pa.null()
    return pa.chunked_array([part.cast(kind) for part in parts], kind)


def _type_of(found: set[str], sql: str) -> pa.DataType:
    found = found - {"null"}
    if found == {"integer", "real"}:
        return pa.float64()
    if len(found) > 1:
        raise errors.QueryError("a column of the result has values of several types", sql=sql)
    kind: pa.DataType = _STORED[found.pop()] if found else pa.null()
    return kind
