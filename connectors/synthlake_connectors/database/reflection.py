"""What a database says of its tables, asked of SQLAlchemy's inspector."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from synthlake.api import ForeignKey, Relation, errors, nearest
from synthlake_connectors.database.catalog import REFERENCES

Reference = tuple[tuple[Any, ...], Relation, tuple[Any, ...]]
_RECORDS = "_synthlake_"  # tables that a sink keeps beside those of the twin


class Reflection:
    """Tables, keys and NOT NULL of a database, in the transaction of a connection.

    Args:
        connection: SQLAlchemy's.
        schema: in which tables are looked for; None for the database's default.
    """

    def __init__(self, connection: Any, schema: str | None) -> None:
        from sqlalchemy import inspect

        self._connection, self._inspector = connection, inspect(connection)
        with _quiet():
            self.default = schema or self._inspector.default_schema_name
            self._schemas = self._inspector.get_schema_names()
        if schema is not None and schema not in self._schemas:
            raise errors.SourceError(
                f"the database has no schema {schema!r}", hint=nearest(schema, self._schemas)
            )

    def tables(self) -> dict[str, Relation]:
        """All tables of the schema by name; partitions are part of theirs.

        Raises:
            SourceError: there is none.
        """
        with _quiet():
            names = set(self._inspector.get_table_names(self.default)) - self._partitions()
        names = {name for name in names if not name.startswith(_RECORDS)}
        if not names:
            raise errors.SourceError(
                f"the database has no tables in its schema {self.default}", hint=self._elsewhere()
            )
        return {name: Relation(self.default, name) for name in sorted(names)}

    def named(self, asked: Mapping[str, Relation]) -> dict[str, Relation]:
        """Tables and views that are named one by one.

        Raises:
            SourceError: there is no such table.
        """
        places = {t: Relation(at.schema or self.default, at.name) for t, at in asked.items()}
        known = {schema: self._everything(schema) for schema in {p.schema for p in places.values()}}
        for table, place in places.items():
            if place.name not in known[place.schema]:
                raise errors.SourceError(
                    f"the database has no table {place.name!r} in its schema {place.schema}, which "
                    f"is to be {table!r}",
                    hint=nearest(place.name, known[place.schema]),
                )
        return {name: places[name] for name in sorted(places)}

    def keys(
        self, places: Mapping[str, Relation]
    ) -> dict[str, tuple[tuple[str, ...], tuple[ForeignKey, ...]]]:
        """Primary key and foreign keys of each table; those to tables that are not read are not."""
        names = {place: name for name, place in places.items()}
        found = {}
        for table, place in places.items():
            with _quiet():
                primary = self._inspector.get_pk_constraint(place.name, place.schema)
            references = tuple(
                ForeignKey(columns, names[parent], to)
                for columns, parent, to in self._references(place)
                if parent in names
            )
            found[table] = tuple(primary["constrained_columns"]), references
        return found

    def _references(self, place: Relation) -> list[Reference]:
        if self._connection.dialect.name == "postgresql":
            asked = {"schema": place.schema, "name": place.name}
            rows = self._connection.exec_driver_sql(REFERENCES, asked)
            return [(tuple(own), Relation(s, n), tuple(to)) for own, s, n, to in rows]
        return list(self._declared(place))

    def _declared(self, place: Relation) -> Iterator[Reference]:
        """SQLite's keys: it takes names in any case, and those of what is not there."""
        with _quiet():
            keys = self._inspector.get_foreign_keys(place.name, place.schema)
            tables = _folded(self._inspector.get_table_names(place.schema))
            mine = _folded(self._columns(place))
        for key in keys:
            parent = tables.get(_fold(key["referred_table"]))
            if parent is None:
                continue
            at = Relation(place.schema, parent)
            theirs = _folded(self._columns(at))
            own = tuple(mine.get(_fold(name)) for name in key["constrained_columns"])
            to = tuple(theirs.get(_fold(name)) for name in key["referred_columns"])
            if len(own) == len(to) and None not in (*own, *to):
                yield own, at, to

    def _columns(self, place: Relation) -> list[str]:
        with _quiet():
            return [c["name"] for c in self._inspector.get_columns(place.name, place.schema)]

    def required(self, place: Relation) -> set[str]:
        """Columns that are NOT NULL."""
        with _quiet():
            columns = self._inspector.get_columns(place.name, place.schema)
        return {column["name"] for column in columns if not column["nullable"]}

    def _everything(self, schema: str | None) -> set[str]:
        if schema not in self._schemas:
            raise errors.SourceError(
                f"the database has no schema {schema!r}", hint=nearest(schema or "", self._schemas)
            )
        with _quiet():
            found = {*self._inspector.get_table_names(schema)}
            found |= {*self._inspector.get_view_names(schema)}
            if self._connection.dialect.name == "postgresql":
                found |= {*self._inspector.get_materialized_view_names(schema)}
                found |= {*self._inspector.get_foreign_table_names(schema)}
        return found

    def _partitions(self) -> set[str]:
        if self._connection.dialect.name != "postgresql":
            return set()
        rows = self._connection.exec_driver_sql(
            "SELECT c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n"
            " ON n.oid = c.relnamespace WHERE c.relispartition AND n.nspname = %(schema)s",
            {"schema": self.default},
        )
        return {row[0] for row in rows}

    def _elsewhere(self) -> str:
        with _quiet():
            others = [s for s in self._schemas if self._inspector.get_table_names(s)]
        hidden = ("information_schema", "pg_catalog")
        return "give schema: " + nearest(self.default, [s for s in others if s not in hidden])


@contextmanager
def _quiet() -> Iterator[None]:
    # SQLAlchemy warns of types that it does not know; ours come from the server itself
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _fold(name: str) -> str:
    return name.encode().lower().decode()  # SQLite folds ASCII alone


def _folded(names: Iterable[str]) -> dict[str, str]:
    return {_fold(name): name for name in names}
