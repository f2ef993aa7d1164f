"""PostgreSQL as the engine: one transaction, which sees one state of all tables."""

from __future__ import annotations

import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import pyarrow as pa

from synthlake.api import Relation
from synthlake.api import sql as dialects
from synthlake_connectors.database.address import close
from synthlake_connectors.database.copying import Copying
from synthlake_connectors.database.postgres_types import MAX_DIGITS, is_number, reading
from synthlake_connectors.database.readings import Reading, Views
from synthlake_connectors.database.wire import Wire

T = TypeVar("T")
DIALECT = "postgres"

# Whatever the server, the database or the role has set.
_SETTINGS = {
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "bytea_output": "hex",
    "client_encoding": "UTF8",
    "client_min_messages": "error",
    "extra_float_digits": "1",
    "standard_conforming_strings": "on",
    "transform_null_equals": "off",
    "jit": "off",  # compiling our long expressions takes longer than running them
    "temp_buffers": "64MB",
    "idle_in_transaction_session_timeout": "0",  # the snapshot is held while a model learns
}


class PostgresEngine:
    """A session of its own in a REPEATABLE READ transaction. Conforms to ``ports.QueryEngine``.

    It makes temporary views and tables, and changes nothing else; all is gone when it closes. A
    statement that fails is rolled back alone.

    Args:
        connection: SQLAlchemy's, in autocommit; closed with the session.
        work_mem: memory of one sort or hash table in the server.
        temp_directory: where ``batches`` spools; None for the system's.
    """

    dialect: str = DIALECT

    def __init__(
        self, connection: Any, *, work_mem: str = "64MB", temp_directory: str | None = None
    ) -> None:
        self.connection = connection
        self._wire = Wire(connection.connection.driver_connection)
        self._lock = threading.RLock()
        self._folder = temp_directory
        self._views = Views()
        self._derived = 0
        self._closing = weakref.finalize(self, close, connection)
        settings = {**_SETTINGS, "work_mem": work_mem}
        for name, value in settings.items():
            self._wire.run(f"SET SESSION {name} = {literal(value)}")
        self._wire.run("BEGIN ISOLATION LEVEL REPEATABLE READ")

    def query(self, sql: str) -> pa.Table:
        """The result of a statement; empty where it has none.

        Raises:
            QueryError: the server refused it.
            SourceUnavailableError: the connection is lost.
        """
        return self._alone(lambda: self._table(sql))

    def batches(self, sql: str) -> Iterator[pa.RecordBatch]:
        """The result of a statement as a stream, while other statements may run.

        Cost: a connection runs one statement at a time, and no other sees its views; the result
            goes through a file in ``temp_directory``.

        Raises:
            QueryError: the server refused it.
        """
        with tempfile.TemporaryDirectory(prefix="synthlake-", dir=self._folder) as folder:
            path = f"{folder}/result.arrow"
            copying = self._alone(lambda: self._spooled(sql, path))
            with pa.memory_map(path) as file:
                reader = pa.ipc.open_file(file)
                for number in range(reader.num_record_batches):
                    yield copying.finished(reader.get_batch(number))

    def relation(self, table: str) -> str:
        """What to write after FROM for a table, quoted.

        Raises:
            SourceError: the table has cells that its types cannot hold.
        """
        return self._views.address(table) or dialects.quoted(DIALECT, table)

    def address(self, place: Relation) -> str:
        """What to write after FROM for a table of the database itself."""
        return ".".join(dialects.quoted(DIALECT, n) for n in (place.schema, place.name) if n)

    def derive(self, sql: str) -> str:
        """Name a SELECT statement for this session.

        Raises:
            QueryError: the server refused it.
        """
        with self._lock:
            self._derived += 1
            return self._view(f"__synthlake_{self._derived}", sql)

    @contextmanager
    def at_most(self, seconds: float) -> Iterator[None]:
        """Statements within that take longer are ended by the server, and raise QueryError."""
        with self._lock:
            self._wire.run(f"SET SESSION statement_timeout = {max(1, round(seconds * 1_000))}")
            try:
                yield
            finally:
                self._wire.run("RESET statement_timeout")

    def name(self, table: str, sql: str, check: Callable[[], None]) -> None:
        """Name a SELECT statement: the relation of a table, which is checked before its use.

        Raises:
            QueryError: the database refused the statement.
        """
        self._views.add(table, self._view(table, sql), check)

    def readings(self, place: Relation) -> dict[str, Reading]:
        """How the columns of a table are read, by name.

        Cost: one scan of a table with numerics that do not say how many digits they have.

        Raises:
            QueryError: the server refused to read it.
        """
        relation = self.address(place)
        fields = self._alone(lambda: self._wire.fields(f"SELECT * FROM {relation}"))
        open_ended = [field.name for field in fields if is_number(field)]
        scales = dict(zip(open_ended, self._scales(relation, open_ended), strict=True))
        return {
            field.name: reading(
                field, dialects.quoted(DIALECT, field.name), scales.get(field.name, 0)
            )
            for field in fields
        }

    def _scales(self, relation: str, names: list[str]) -> list[int]:
        if not names:
            return []
        asked = ", ".join(f"max(scale({dialects.quoted(DIALECT, name)}))" for name in names)
        found = self.query(f"SELECT {asked} FROM {relation}").columns
        return [min(column[0].as_py() or 0, MAX_DIGITS) for column in found]

    def close(self) -> None:
        """End the transaction and the connection; views and temporary tables go with it."""
        self._closing()

    def _view(self, name: str, sql: str) -> str:
        address = f"pg_temp.{dialects.quoted(DIALECT, name)}"
        made = f"CREATE TEMPORARY VIEW {dialects.quoted(DIALECT, name)} AS {sql}"
        self._alone(lambda: self._wire.run(made))
        return address

    def _alone(self, action: Callable[[], T]) -> T:
        with self._lock:
            self._wire.run("SAVEPOINT synthlake")
            try:
                found = action()
            except BaseException:
                self._forget()
                raise
            self._wire.run("RELEASE SAVEPOINT synthlake")
            return found

    def _forget(self) -> None:
        if not self.connection.connection.driver_connection.closed:
            self._wire.run("ROLLBACK TO SAVEPOINT synthlake")

    def _table(self, sql: str) -> pa.Table:
        fields = self._wire.fields(sql) if _selects(sql) else []
        if not fields:
            self._wire.run(sql)
            return pa.table({})
        copying = Copying(self._wire, sql, fields)
        batches = list(copying.batches()) or [_empty(copying.sent)]
        return pa.Table.from_batches([copying.finished(batch) for batch in batches])

    def _spooled(self, sql: str, path: str) -> Copying:
        copying = Copying(self._wire, sql, self._wire.fields(sql))
        with pa.ipc.new_file(path, copying.sent) as writer:
            for batch in copying.batches():
                writer.write_batch(batch)
        return copying


def literal(text: str) -> str:
    """A string literal."""
    return "'" + text.replace("'", "''") + "'"


def _selects(sql: str) -> bool:
    return sql.lstrip().upper().startswith(("SELECT", "WITH", "VALUES"))


def _empty(schema: pa.Schema) -> pa.RecordBatch:
    columns: list[Any] = [pa.array([], kind) for kind in schema.types]
    return pa.RecordBatch.from_arrays(columns, schema=schema)
