"""A database as a source: its tables through views of plain types, in one snapshot."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa

from synthlake.api import (
    Column,
    QueryEngine,
    Relation,
    Schema,
    Table,
    check_columns,
    check_tables,
    errors,
    mask,
    nearest,
    relations,
    typed_batches,
)
from synthlake.api import sql as dialects
from synthlake_connectors.database.address import address, close, connect
from synthlake_connectors.database.reflection import Reflection

if TYPE_CHECKING:
    from synthlake_connectors.database.readings import Reading

OPTIONS = ("password", "tables", "misfits", "connect_timeout_s", "work_mem", "temp_directory")


class Session(QueryEngine, Protocol):
    """An engine that can also say how the columns of a table are read."""

    def name(self, table: str, sql: str, check: Callable[[], None]) -> None:
        """Name a SELECT statement: the relation of a table, which is checked before its use."""

    def address(self, place: Relation) -> str:
        """What to write after FROM for a table of the database itself."""

    def readings(self, place: Relation) -> dict[str, Reading]:
        """How the columns of a table are read, by name."""

    def close(self) -> None:
        """End the session."""


class DatabaseSource:
    """The tables of one schema of a database. Conforms to ``ports.Source``.

    Args:
        engine: a session of the database, with its transaction begun.
        reflection: what the database says of its tables, in that transaction.
        shown: what to call it; without secrets.
        tables: where each table is; None for all tables of the schema.
        misfits: what becomes of cells that Arrow cannot hold: ``fail`` or ``null``.

    Raises:
        SourceError: there are no tables, or a name cannot be used.
    """

    def __init__(
        self,
        engine: Session,
        reflection: Reflection,
        shown: str,
        tables: Mapping[str, Relation] | None = None,
        misfits: str = "fail",
    ) -> None:
        self._engine, self._shown, self._misfits = engine, shown, misfits
        places = reflection.tables() if tables is None else reflection.named(tables)
        check_tables(places)
        keys = reflection.keys(places)
        self._schema = Schema({
            name: Table(name, self._columns(name, place, reflection.required(place)), *keys[name])
            for name, place in places.items()
        })  # fmt: skip

    @classmethod
    def open(cls, url: str, schema: str | None, options: Mapping[str, Any]) -> DatabaseSource:
        """Connect and begin the snapshot.

        Args:
            url: of SQLAlchemy.
            schema: None for the database's default.
            options: see ``docs/databases.md``.

        Raises:
            MissingExtraError: SQLAlchemy or the driver is not installed.
            SourceError: the database cannot be read as asked.
        """
        _check(options)
        at = address(url, options)
        connection = connect(at, options)
        try:
            engine = _session(at.get_backend_name(), connection, options)
            reflection = Reflection(connection, schema)
            tables = relations(options["tables"]) if "tables" in options else None
            shown = mask(at.render_as_string(hide_password=True))  # options hold secrets too
            return cls(engine, reflection, shown, tables, options.get("misfits", "fail"))
        except BaseException:
            close(connection)  # or it stays open as long as the error's traceback
            raise

    def __repr__(self) -> str:
        return f"DatabaseSource({self._shown}: {', '.join(self._schema.tables)})"

    def schema(self) -> Schema:
        """Tables in the order of their names, with Arrow types, NOT NULL and keys."""
        return self._schema

    def engine(self) -> QueryEngine:
        """The session that holds the snapshot."""
        return self._engine

    def batches(self, table: str, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Typed batches of a table.

        Raises:
            QueryError: the database refuses it.
            SourceError: cells cannot be held by their type.
        """
        relation = self._engine.relation(table)
        yield from typed_batches(self._engine, relation, self._schema[table], columns)

    def close(self) -> None:
        """End the snapshot and the connection."""
        self._engine.close()

    def _columns(self, table: str, place: Relation, required: set[str]) -> tuple[Column, ...]:
        relation, readings = self._engine.address(place), self._engine.readings(place)
        check_columns(table, readings)
        values = ", ".join(
            f"{self._value(of)} AS {self._quoted(name)}" for name, of in readings.items()
        )
        self._engine.name(
            table,
            f"SELECT {values} FROM {relation}",
            lambda: self._check_cells(table, relation, readings),
        )
        strict = required if self._misfits == "fail" else set()
        return tuple(
            Column(name, of.type, nullable=name not in strict) for name, of in readings.items()
        )

    def _value(self, of: Reading) -> str:
        if self._misfits == "fail" or not of.misfit:
            return of.value
        return f"CASE WHEN {of.misfit} THEN NULL ELSE {of.value} END"

    def _check_cells(self, table: str, relation: str, readings: Mapping[str, Reading]) -> None:
        asked = {name: of for name, of in readings.items() if of.misfit}
        if not asked or self._misfits != "fail":
            return
        counts = ", ".join(f"count(CASE WHEN {of.misfit} THEN 1 END)" for of in asked.values())
        (row,) = self._engine.query(f"SELECT {counts} FROM {relation}").to_batches()
        for (name, of), counted in zip(asked.items(), row.columns, strict=True):
            if count := counted[0].as_py():
                raise errors.SourceError(
                    f"{table}.{name} is read as {of.type}, which {count} of its cells are not",
                    hint="clean or cast the column in a view and read that (option tables), or "
                    "read such cells as NULL: `options: {misfits: 'null'}`",
                )

    def _quoted(self, name: str) -> str:
        return dialects.quoted(self._engine.dialect, name)


def _check(options: Mapping[str, Any]) -> None:
    for name in options:
        if name not in OPTIONS:
            raise errors.SourceError(
                f"a database has no option {name!r}", hint=nearest(name, OPTIONS)
            )
    if options.get("misfits", "fail") not in ("fail", "null"):
        raise errors.SourceError(
            f"misfits: {options['misfits']!r} is not known", hint="write fail or null"
        )


def _session(backend: str, connection: Any, options: Mapping[str, Any]) -> Session:
    if backend == "sqlite":
        from synthlake_connectors.database.sqlite import SQLiteEngine

        return SQLiteEngine(connection)
    from synthlake_connectors.database.postgres import PostgresEngine

    given = {k: str(options[k]) for k in ("work_mem", "temp_directory") if options.get(k)}
    return PostgresEngine(connection, **given)
