"""A SQLite file, for the sink."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from synthlake.api import errors, sinks

_TYPES: Final[dict[pa.DataType, str]] = {
    pa.bool_(): "BOOLEAN",
    pa.int8(): "TINYINT",
    pa.int16(): "SMALLINT",
    pa.int32(): "INT",
    pa.int64(): "BIGINT",
    pa.uint64(): "BIGINT",
    pa.float32(): "FLOAT4",
    pa.float64(): "DOUBLE",
    pa.string(): "TEXT",
    pa.binary(): "BLOB",
    pa.date32(): "DATE",
    pa.uuid(): "UUID",
    pa.time64("us"): "TIME",
    pa.timestamp("us"): "TIMESTAMP",
    pa.timestamp("us", "UTC"): "TIMESTAMPTZ",
}
# What else SQLite's users declare for the same values.
_SAME: Final = {
    "BOOLEAN": r"BOOL(EAN)?",
    "TINYINT": r".*INT.*",
    "SMALLINT": r"(?!TINY).*INT.*",
    "INT": r"(?!TINY|SMALL|INT2).*INT.*",
    "BIGINT": r"BIGINT|INTEGER|INT8",
    "FLOAT4": r"FLOAT4?|REAL|DOUBLE( PRECISION)?",
    "DOUBLE": r"FLOAT|REAL|DOUBLE( PRECISION)?",
    "TEXT": r".*(CHAR|CLOB|TEXT).*|UUID|JSON",
    "BLOB": r".*(BLOB|BINARY).*",
    "DATE": r"DATE",
    "UUID": r"UUID|.*(CHAR|TEXT).*",
    "TIME": r"TIME",
    "TIMESTAMP": r"TIMESTAMP|DATETIME",
    "TIMESTAMPTZ": r"TIMESTAMPTZ|TIMESTAMP WITH TIME ZONE",
    "DECIMAL": r"DECIMAL|NUMERIC",
}
_DIGITS: Final = 15  # that a double holds; SQLite has no other decimal numbers
_YEARS: Final = re.compile(r"\d{4}-")
_TIMEOUT_S: Final = 30.0


class SQLiteStore:
    """A SQLite file. Conforms to ``sinks.Store``.

    SQLite lets one process write at a time; others wait for it. Readers that hold a transaction
    keep it from committing, unless the file is in WAL mode.

    Args:
        path: of the file; it is made if it is not there.
        schema: None or ``main``.
        timeout_s: how long to wait for others.

    Raises:
        SinkError: there is no path, or a schema of another name.
    """

    traits = sinks.Traits("sqlite", folds=True)

    def __init__(self, path: str, schema: str | None = None, timeout_s: float = _TIMEOUT_S) -> None:
        if path in ("", ":memory:"):
            raise errors.SinkError("a SQLite sink needs a file", hint="write sqlite:///file.db")
        if schema not in (None, "main"):
            raise errors.SinkError(f"SQLite has no schema {schema!r}", hint="leave schema out")
        self._path, self._timeout_s = Path(path).expanduser().absolute(), timeout_s

    def __repr__(self) -> str:
        return f"SQLiteStore({str(self._path)!r})"

    @property
    def name(self) -> str:
        """The file."""
        return str(self._path)

    def present(self) -> bool:
        """Whether there is such a file."""
        return self._path.exists()

    @contextmanager
    def session(self, lock: str | None = None) -> Iterator[sinks.Session]:
        """A transaction; all that write wait for each other."""
        failure: Exception | None = None
        try:
            opened = sqlite3.connect(self._path, timeout=self._timeout_s, isolation_level=None)
            with closing(opened) as connection:
                connection.execute("PRAGMA foreign_keys = OFF")  # keys are checked by their rows
                connection.execute("BEGIN" if lock is None else "BEGIN IMMEDIATE")
                yield _SQLiteSession(connection)
                connection.execute("COMMIT")
        except sqlite3.Error as error:
            failure = error
        if failure is not None:
            raise self._refusal(failure) from None

    def address(self, table: str, area: str = "") -> str:
        """A table of the file; those of a staging area have its name before theirs."""
        return sinks.quote("sqlite", f"{area}_{table}" if area else table)

    def has_area(self, session: sinks.Session, area: str) -> bool:
        """Whether the area has tables."""
        return bool(_tables_of(session, area))

    def make_area(self, session: sinks.Session, area: str, tables: Mapping[str, str]) -> None:
        """Make the tables."""
        for name, columns in tables.items():
            session.run(f"CREATE TABLE {self.address(name, area)} ({columns})")

    def drop_area(self, session: sinks.Session, area: str) -> None:
        """Drop the tables."""
        for name in _tables_of(session, area):
            session.run(f"DROP TABLE {sinks.quote('sqlite', name)}")

    def column_type(self, kind: pa.DataType) -> str | None:
        """The declared type, by which sources know what the values are."""
        held: Any = _held(kind)
        if held is not None and pa.types.is_decimal(held):
            return f"DECIMAL({held.precision},{held.scale})"
        return None if held is None else _TYPES[held]

    def fits(self, wanted: str, found: str) -> bool:
        """A declared type that sources read as the same, or as wider whole numbers."""
        bare, there = (kind.partition("(")[0].strip().upper() for kind in (wanted, found))
        return re.fullmatch(_SAME[bare], there) is not None

    def existing(self, session: sinks.Session) -> list[sinks.Existing]:
        """Tables and views of the file."""
        found = []
        for name, kind in session.run(
            "SELECT name, type FROM sqlite_master WHERE type IN ('table', 'view')"
        ):
            columns = session.run(f"PRAGMA table_xinfo({sinks.quote('sqlite', name)})")
            needed = tuple(c[1] for c in columns if c[3] and c[4] is None)
            types = {c[1]: c[2] for c in columns}
            computed = tuple(c[1] for c in columns if c[6] > 1)
            found.append(sinks.Existing(name, types, needed, (), kind == "table", computed))
        return found

    def fill(
        self,
        session: sinks.Session,
        tables: Sequence[sinks.Filled],
        keys: Sequence[sinks.Key],
        drop: Sequence[sinks.Key],
    ) -> None:
        """Our own tables are made anew, as SQLite cannot alter keys."""
        targets = {table.name: table.target for table in tables}
        for table in reversed(tables):
            if table.state != "new":
                word = "DROP TABLE" if table.state == "ours" else "DELETE FROM"
                session.run(f"{word} {table.target}")
        for table in tables:
            if table.state != "kept":
                session.run(sinks.create("sqlite", table, keys, targets))
            session.run(sinks.insertion("sqlite", table))
        for table in tables:
            broken = session.run(f"PRAGMA foreign_key_check({table.target})")
            if broken and table.state == "kept":
                raise errors.SinkError(
                    f"{len(broken)} rows of the twin break foreign keys of {table.name}",
                    hint="let the schema give the twin those keys without orphans",
                )

    def _refusal(self, failure: Exception) -> errors.SinkError:
        said = str(failure)
        if "locked" in said:
            return errors.SinkBusyError(
                f"{self._path} is locked by another connection",
                hint="close it, such as a source of the same file (`source.close()`)",
            )
        if isinstance(failure, sqlite3.DatabaseError) and "not a database" in said:
            return errors.SinkOccupiedError(f"{self._path} is no SQLite file", hint="give another")
        return errors.SinkError(f"{self._path} refused: {said}", hint="nothing was changed")


class _SQLiteSession:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def run(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a statement."""
        return self._connection.execute(sql).fetchall()

    def insert(self, table: str, values: Sequence[Any]) -> None:
        """Add a row."""
        places = ", ".join("?" for _ in values)
        self._connection.execute(f"INSERT INTO {table} VALUES ({places})", values)

    def load(
        self,
        table: sinks.Filled,
        schema: pa.Schema,
        part: int,
        batches: Iterable[pa.RecordBatch],
    ) -> None:
        """Add batches row by row; every value is bound."""
        places = ", ".join([str(int(part)), *("?" for _ in schema)])
        columns = sinks.listed("sqlite", [sinks.PART, *schema.names])
        statement = f"INSERT INTO {table.staged} ({columns}) VALUES ({places})"
        for batch in batches:
            values = [
                _values(column, f"{table.name}.{field.name}")
                for column, field in zip(batch.columns, schema, strict=True)
            ]
            self._connection.executemany(statement, zip(*values, strict=True))


def _tables_of(session: sinks.Session, area: str) -> list[str]:
    tables = session.run("SELECT name FROM sqlite_master WHERE type = 'table'")
    return [name for (name,) in tables if name.startswith(f"{area}_")]


def _held(kind: pa.DataType) -> pa.DataType | None:
    """The type of the values that are written."""
    if kind in _TYPES:
        return kind
    if pa.types.is_uint8(kind):
        return pa.int16()
    return sinks.carried(kind)


def _values(column: Any, where: str) -> list[Any]:
    held = _held(column.type)
    assert held is not None, "the sink asked for the column's type before"
    values = sinks.carry(column, held, where)
    if held == pa.uint64():
        values = sinks.carry(values, pa.int64(), where)
    kind = values.type
    if pa.types.is_decimal(kind):
        return _decimals(values, where)
    if pa.types.is_floating(kind):
        _check(pc.is_nan(values), where, "NaNs, which SQLite stores as NULL")
    if kind == pa.uuid():
        return [None if v is None else str(v) for v in values.to_pylist()]
    if pa.types.is_temporal(kind):
        values = _dated(values, where)
    if pa.types.is_boolean(kind):
        values = values.cast(pa.int8())
    found: list[Any] = values.to_pylist()
    return found


def _dated(values: Any, where: str) -> Any:
    texts = pc.cast(values, pa.string())
    if not pa.types.is_time(values.type):
        right = pc.match_substring_regex(texts, rf"^{_YEARS.pattern}")
        _check(pc.invert(right), where, "dates outside of the years 0 to 9999")
    return pc.replace_substring_regex(texts, "Z$", "+00:00")


def _decimals(values: Any, where: str) -> list[Any]:
    scale = values.type.scale
    found = values.to_pylist()
    limit = 10**_DIGITS
    long = [value for value in found if value is not None and abs(value.scaleb(scale)) >= limit]
    if long:
        _refuse(len(long), where, f"decimals of more than {_DIGITS} digits, which SQLite rounds")
    return [None if v is None else (float(v) if scale else int(v)) for v in found]


def _check(wrong: Any, where: str, what: str) -> None:
    count = pc.sum(wrong).as_py()
    if count:
        _refuse(count, where, what)


def _refuse(count: int, where: str, what: str) -> None:
    raise errors.SinkError(f"{where} has {count} {what}", hint="change them in the source")
