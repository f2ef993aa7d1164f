"""A schema of a PostgreSQL database, for the sink."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any, Final

import psycopg
import pyarrow as pa
import sqlalchemy as sa

from synthlake.api import sinks
from synthlake_connectors.database.catalog import OWN, THEIRS
from synthlake_connectors.database.copy_text import rows
from synthlake_connectors.database.refusals import refusal

_TYPES: Final[dict[pa.DataType, str]] = {
    pa.bool_(): "boolean",
    pa.int16(): "smallint",
    pa.int32(): "integer",
    pa.int64(): "bigint",
    pa.float32(): "real",
    pa.float64(): "double precision",
    pa.string(): "text",
    pa.binary(): "bytea",
    pa.date32(): "date",
    pa.uuid(): "uuid",
    pa.duration("us"): "interval",
    pa.time64("us"): "time without time zone",
    pa.timestamp("us"): "timestamp without time zone",
    pa.timestamp("us", "UTC"): "timestamp with time zone",
}
_WHOLE: Final = {"smallint": 5, "integer": 10, "bigint": 19}
_TEXT: Final = re.compile(r"text|citext|character( varying)?(\(\d+\))?")
_NUMERIC: Final = re.compile(r"numeric(?:\((\d+),(-?\d+)\))?")
_KINDS: Final[dict[str, Any]] = {
    "n": "not null",
    "p": "primary key",
    "u": "unique",
    "f": "foreign key",
}

_COLUMNS: Final = sa.text(
    "SELECT c.relname, c.relkind IN ('r', 'p') AS is_table, a.attname,"
    " format_type(a.atttypid, a.atttypmod), a.attnotnull AND NOT a.atthasdef"
    " AND a.attidentity = '' AS needed, a.attgenerated <> '' AS computed"
    " FROM pg_catalog.pg_class c"
    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " LEFT JOIN pg_catalog.pg_attribute a"
    " ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
    " WHERE n.nspname = :schema AND c.relkind IN ('r', 'p', 'v', 'm', 'f')"
    " ORDER BY c.relname, a.attnum"
)
_KEYS: Final = sa.text(
    "SELECT k.conname, k.contype::text, c.relname,"
    f" {OWN}, f.relname, {THEIRS}"
    " FROM pg_catalog.pg_constraint k"
    " JOIN pg_catalog.pg_class c ON c.oid = k.conrelid"
    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " LEFT JOIN pg_catalog.pg_class f ON f.oid = k.confrelid"
    " WHERE n.nspname = :schema AND k.contype IN ('p', 'u', 'f')"
    " AND (f.oid IS NULL OR f.relnamespace = n.oid)"
)
_FOLLOWERS: Final = sa.text(
    "SELECT c.relname, p.nspname, f.relname FROM pg_catalog.pg_constraint k"
    " JOIN pg_catalog.pg_class c ON c.oid = k.confrelid"
    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " JOIN pg_catalog.pg_class f ON f.oid = k.conrelid"
    " JOIN pg_catalog.pg_namespace p ON p.oid = f.relnamespace"
    # those of partitions are under their table's
    " WHERE n.nspname = :schema AND k.contype = 'f' AND k.conparentid = 0"
    " AND k.confdeltype IN ('c', 'n', 'd')"
)
# also into columns GENERATED ALWAYS AS IDENTITY
_AS_GIVEN: Final = "OVERRIDING SYSTEM VALUE "
_STRICT: Final = sa.text(
    "SELECT a.attname, 'n', c.relname, ARRAY[a.attname::text], NULL, ARRAY[]::text[]"
    " FROM pg_catalog.pg_attribute a"
    " JOIN pg_catalog.pg_class c ON c.oid = a.attrelid"
    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname = :schema AND c.relkind IN ('r', 'p') AND a.attnum > 0"
    " AND NOT a.attisdropped AND a.attnotnull"
)


class PostgresStore:
    """A schema of a PostgreSQL database. Conforms to ``sinks.Store``.

    Every session is a connection of its own, so that any process may use a copy of this.

    Args:
        url: of the database; its driver is psycopg 3.
        schema: None for the first of the role's search path.
        timeout_s: for a connection.
    """

    traits = sinks.Traits("postgres", folds=False, max_name=63)

    def __init__(self, url: sa.URL, schema: str | None = None, timeout_s: int = 10) -> None:
        self._url, self._asked = url, schema
        arguments = {"connect_timeout": timeout_s, "application_name": "synthlake"}
        arguments = {k: v for k, v in arguments.items() if k not in url.query}
        # whatever the role has set: after waiting for a lock a transaction has to see what the
        # one before did
        self._engine = sa.create_engine(
            url,
            poolclass=sa.NullPool,
            connect_args=arguments,
            isolation_level="READ COMMITTED",
        )

    def __repr__(self) -> str:
        return f"PostgresStore({self.name})"

    @property
    def name(self) -> str:
        """Server and database, and the schema if one was given."""
        place = f"postgresql://{self._url.host or ''}/{self._url.database or ''}"
        return place if self._asked is None else f"the schema {self._asked} of {place}"

    def present(self) -> bool:
        """There is always a server to ask."""
        return True

    @contextmanager
    def session(self, lock: str | None = None) -> Iterator[sinks.Session]:
        """A transaction on a connection of its own; waits for others by an advisory lock."""
        failure: Exception | None = None
        try:
            with self._engine.connect() as connection, connection.begin():
                connection.exec_driver_sql("SET client_encoding TO 'UTF8'")
                if lock is not None:
                    number = hashlib.blake2b(lock.encode(), digest_size=8).digest()
                    statement = sa.text("SELECT pg_advisory_xact_lock(:number)")
                    held = int.from_bytes(number, "big", signed=True)
                    connection.execute(statement, {"number": held})
                yield PostgresSession(connection)
        except (sa.exc.DBAPIError, psycopg.Error) as error:
            failure = error
        if failure is not None:  # the original error may hold a cell's value
            raise refusal(self.name, failure) from None

    @cached_property
    def space(self) -> str:
        """The schema."""
        if self._asked is not None:
            return self._asked
        with self.session() as session:
            return str(session.run("SELECT coalesce(current_schema(), 'public')")[0][0])

    def address(self, table: str, area: str = "") -> str:
        """A table of the schema, or of the schema that is a staging area."""
        return sinks.quote("postgres", area or self.space, table)

    def has_area(self, session: sinks.Session, area: str) -> bool:
        """Whether there is a schema of that name."""
        return _has_schema(session, area)

    def make_area(self, session: sinks.Session, area: str, tables: Mapping[str, str]) -> None:
        """Make the schema and its tables, without a log: after a crash of the server all is empty.

        Then the area has no owner, and is made anew.
        """
        session.run(f"CREATE SCHEMA {sinks.quote('postgres', area)}")
        for name, columns in tables.items():
            session.run(f"CREATE UNLOGGED TABLE {self.address(name, area)} ({columns})")

    def drop_area(self, session: sinks.Session, area: str) -> None:
        """Drop the schema with its tables."""
        session.run(f"DROP SCHEMA IF EXISTS {sinks.quote('postgres', area)} CASCADE")

    def column_type(self, kind: pa.DataType) -> str | None:
        """The type of the values as they are carried."""
        held: Any = _carried_type(kind)
        if held is not None and pa.types.is_decimal(held):
            return f"numeric({held.precision},{held.scale})"
        return None if held is None else _TYPES[held]

    def fits(self, wanted: str, found: str) -> bool:
        """The same type, or one that holds more of the same."""
        if wanted in _WHOLE or wanted.startswith("numeric"):
            return _fits_number(wanted, found)
        if wanted == "text":
            return _TEXT.fullmatch(found) is not None
        return wanted == found or (wanted, found) == ("real", "double precision")

    def existing(self, session: sinks.Session) -> list[sinks.Existing]:
        """Tables, views and other relations of the schema, with their constraints."""
        assert isinstance(session, PostgresSession)
        keys: dict[str, list[sinks.Key]] = {}
        for statement in (_KEYS, _STRICT):
            for name, kind, table, columns, parent, to in session.ask(statement, self.space):
                key = sinks.Key(_KINDS[kind], table, tuple(columns), parent or "", tuple(to), name)
                keys.setdefault(table, []).append(key)
        followers: dict[str, list[str]] = {}
        for table, space, follower in session.ask(_FOLLOWERS, self.space):
            followers.setdefault(table, []).append(sinks.quote("postgres", space, follower))
        found: dict[str, list[Any]] = {}
        for row in session.ask(_COLUMNS, self.space):
            found.setdefault(row[0], []).append(row)
        return [
            sinks.Existing(
                name,
                {row[2]: row[3] for row in held if row[2] is not None},
                tuple(row[2] for row in held if row[4]),
                tuple(keys.get(name, ())),
                bool(held[0][1]),
                tuple(row[2] for row in held if row[5]),
                tuple(followers.get(name, ())),
            )
            for name, held in found.items()
        ]

    def fill(
        self,
        session: sinks.Session,
        tables: Sequence[sinks.Filled],
        keys: Sequence[sinks.Key],
        drop: Sequence[sinks.Key],
    ) -> None:
        """Delete and insert: a snapshot taken before sees all old rows, and no reader waits.

        All deletions are one statement, and all insertions another: foreign keys are checked at
        the end of a statement, so that cycles need no order.
        """
        targets = {table.name: table.target for table in tables}
        if not _has_schema(session, self.space):
            session.run(f"CREATE SCHEMA {sinks.quote('postgres', self.space)}")
        for key in sorted(drop, key=lambda key: key.kind == "not null"):
            session.run(_dropped(key, targets[key.table]))
        strict = [key for key in keys if key.kind == "not null"]
        own = [*strict, *(key for key in keys if key.kind == "primary key")]
        for table in tables:
            if table.state == "new":
                columns = sinks.create("postgres", table, _columns_only(own), targets)
                session.run(columns)
        old = [f"DELETE FROM {table.target}" for table in tables if table.state != "new"]
        session.run(_together(old))
        session.run(_together([sinks.insertion("postgres", t, _AS_GIVEN) for t in tables]))
        for statement in _constraints(keys, targets):
            session.run(statement)


class PostgresSession:
    """One transaction. Conforms to ``sinks.Session``."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def ask(self, statement: sa.TextClause, schema: str) -> list[tuple[Any, ...]]:
        """Rows of the catalog about a schema."""
        return [tuple(row) for row in self._connection.execute(statement, {"schema": schema})]

    def run(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a statement."""
        # without parameters a % in a name is a %
        options = {"no_parameters": True}
        result = self._connection.exec_driver_sql(sql, execution_options=options)
        return [tuple(row) for row in result] if result.returns_rows else []

    def insert(self, table: str, values: Sequence[Any]) -> None:
        """Add a row."""
        places = ", ".join("%s" for _ in values)
        statement = f"INSERT INTO {table.replace('%', '%%')} VALUES ({places})"
        self._connection.exec_driver_sql(statement, tuple(values))

    def load(
        self,
        table: sinks.Filled,
        schema: pa.Schema,
        part: int,
        batches: Iterable[pa.RecordBatch],
    ) -> None:
        """Add batches by COPY."""
        columns = sinks.listed("postgres", [sinks.PART, *schema.names])
        cursor = self._connection.connection.driver_connection.cursor()
        with cursor.copy(f"COPY {table.staged} ({columns}) FROM STDIN") as copy:
            for batch in batches:
                for piece in rows(_carried(batch, schema, table.name, part), table.name):
                    copy.write(piece)


def _carried(batch: pa.RecordBatch, schema: pa.Schema, table: str, part: int) -> pa.RecordBatch:
    numbers: Any = pa.repeat(pa.scalar(part, pa.int32()), batch.num_rows)
    columns = [numbers]
    for column, field in zip(batch.columns, schema, strict=True):
        kind = _carried_type(field.type)
        assert kind is not None, "the sink asked for the column's type before"
        columns.append(sinks.carry(column, kind, f"{table}.{field.name}"))
    return pa.RecordBatch.from_arrays(columns, names=[sinks.PART, *schema.names])


def _carried_type(kind: pa.DataType) -> pa.DataType | None:
    return pa.duration("us") if pa.types.is_duration(kind) else sinks.carried(kind)


def _has_schema(session: sinks.Session, name: str) -> bool:
    assert isinstance(session, PostgresSession)
    statement = sa.text("SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = :schema")
    return bool(session.ask(statement, name))


def _fits_number(wanted: str, found: str) -> bool:
    if wanted in _WHOLE and found in _WHOLE:
        return _WHOLE[wanted] <= _WHOLE[found]
    held, asked = _NUMERIC.fullmatch(found), _NUMERIC.fullmatch(wanted)
    if held is None or held[1] is None:
        return held is not None
    digits, scale = int(held[1]), int(held[2])
    if asked is None:
        return scale >= 0 and digits - scale >= _WHOLE[wanted]
    return scale >= int(asked[2]) and digits - scale >= int(asked[1]) - int(asked[2])


def _dropped(key: sinks.Key, target: str) -> str:
    name = sinks.quote("postgres", key.name)
    if key.kind == "not null":
        return f"ALTER TABLE {target} ALTER COLUMN {name} DROP NOT NULL"
    return f"ALTER TABLE {target} DROP CONSTRAINT {name} CASCADE"


def _columns_only(keys: Iterable[sinks.Key]) -> list[sinks.Key]:
    """NOT NULL of the columns; keys are added to the full table, which is faster."""
    return [sinks.Key("not null", key.table, key.columns) for key in keys]


def _together(statements: Sequence[str]) -> str:
    if len(statements) < 2:
        return "".join(statements) or "SELECT 1"
    named = ", ".join(f"s{number} AS ({text})" for number, text in enumerate(statements))
    return f"WITH {named} SELECT 1"


def _constraints(keys: Sequence[sinks.Key], targets: Mapping[str, str]) -> Iterator[str]:
    """Statements that add keys, and what makes references quick, to tables with rows in them."""
    for kind in ("primary key", "unique", "foreign key"):
        for key in keys:
            if key.kind == kind:
                added = sinks.clause("postgres", key, targets)
                yield f"ALTER TABLE {targets[key.table]} ADD {added}"
    for key in keys:
        if key.kind == "foreign key" and not _indexed(key, keys):
            # or every deleted parent reads all of its children's table
            columns = sinks.listed("postgres", key.columns)
            yield f"CREATE INDEX ON {targets[key.table]} ({columns})"


def _indexed(key: sinks.Key, keys: Iterable[sinks.Key]) -> bool:
    return any(
        other.table == key.table
        and other.kind in ("primary key", "unique")
        and set(other.columns[: len(key.columns)]) == set(key.columns)
        for other in keys
    )
