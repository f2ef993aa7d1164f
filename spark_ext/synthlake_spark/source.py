"""Spark DataFrames, catalog tables and Delta tables as a source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from synthlake.api import (
    Column,
    Schema,
    Table,
    check_columns,
    check_tables,
    errors,
    sql,
    typed_batches,
)
from synthlake_spark.engine import SparkEngine, safe_message
from synthlake_spark.session import checked, one_session
from synthlake_spark.types import arrow_type, plain_value


class SparkSource:
    """Tables of one Spark session, classic or Connect. Conforms to ``ports.Source``.

    Args:
        frames: by name. What a frame reads must not change while it is read: of tables that
            others write, give ``from_tables``, or frames with a version.

    Raises:
        SourceError: something is not a frame, names clash, or a type cannot be learned.

    Cost: each statement reads the frames anew; of a frame that is expensive to make, give what
        ``frame.persist()`` returns.
    """

    def __init__(self, frames: Mapping[str, Any]) -> None:
        check_tables(frames)
        self._engine = SparkEngine(one_session(frames))
        self.versions: dict[str, int] = {}
        tables = {}
        try:
            for name, frame in frames.items():
                check_columns(name, frame.columns)
                tables[name] = Table(name, _columns(name, frame.schema))
                self._define(name, frame)
        except errors.SynthlakeError:
            self.close()
            raise
        self._schema = Schema(tables)

    @classmethod
    def from_tables(cls, spark: Any, tables: Mapping[str, str]) -> SparkSource:
        """Tables by their place: of Delta tables the version that is there now, of all one moment.

        Args:
            spark: the session.
            tables: by name, a path or URI of a Delta table (with a slash in it), or a table's name
                in the catalog, such as ``main.sales.orders``.

        Raises:
            SourceError: there is no such table, or it cannot be read.
        """
        checked(spark)
        versions = {name: _version(spark, place) for name, place in tables.items()}
        frames = {name: _read(spark, tables[name], versions[name]) for name in tables}
        source = cls(frames)
        source.versions = {name: at for name, at in versions.items() if at is not None}
        return source

    def __repr__(self) -> str:
        return f"SparkSource({', '.join(self._schema.tables)})"

    def schema(self) -> Schema:
        """Tables with their types in Arrow; frames declare no keys."""
        return self._schema

    def engine(self) -> SparkEngine:
        """The session that holds the frames."""
        return self._engine

    def batches(self, table: str, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Typed batches of a table.

        Raises:
            QueryError: Spark cannot read it.
            SourceError: a value does not fit into the column's type.
        """
        found = self._schema[table]
        return typed_batches(self._engine, self._engine.relation(table), found, columns)

    def state(self) -> dict[str, tuple[int, Any]]:
        """Rows of each table, and the sum of their hashes; nothing for tables of a fixed version.

        Equal before and after learning, unless frames make other rows each time they are read.

        Raises:
            QueryError: Spark cannot read a table.

        Cost: one pass over all columns.
        """
        names = [table.name for table in self._schema if table.name not in self.versions]
        if not names:
            return {}
        asked = " UNION ALL ".join(self._state(n, name) for n, name in enumerate(names))
        found = self._engine.query(asked).to_pylist()
        return {names[row["place"]]: (row["n"], row["total"]) for row in found}

    def _state(self, place: int, table: str) -> str:
        columns = [sql.quoted(self._engine.dialect, c.name) for c in self._schema[table].columns]
        hashed = f"CAST(xxhash64({', '.join(columns)}) AS DECIMAL(38, 0))"
        return (
            f"SELECT {place} AS place, count(*) AS n, sum({hashed}) AS total"
            f" FROM {self._engine.relation(table)}"
        )

    def close(self) -> None:
        """Drop the temporary views. The session stays."""
        self._engine.close()

    def _define(self, name: str, frame: Any) -> None:
        # renamed by position: names of columns are not read as expressions
        engine = self._engine
        # filtered by nothing: dropping a view takes what is cached of an equal plan, such as the
        # user's own frame, from the cache
        named = frame.toDF(*map(engine.written, frame.columns)).where("true")
        raw = engine.register(named)
        listed = []
        for field in frame.schema.fields:
            quoted = sql.quoted(engine.dialect, field.name)
            listed.append(f"{plain_value(quoted, field.dataType)} AS {quoted}")
        select = f"SELECT {', '.join(listed)} FROM {raw}"
        engine.define(name, select)


def _columns(table: str, schema: Any) -> tuple[Column, ...]:
    return tuple(
        Column(f.name, arrow_type(f.dataType, f"{table}.{f.name}"), nullable=f.nullable)
        for f in schema.fields
    )


def _place(place: str) -> str:
    return f"delta.{sql.quoted('spark', place)}" if "/" in place else place


def _version(spark: Any, place: str) -> int | None:
    """The version of a Delta table that is there now; None for tables of other formats."""
    found, failure = _tried(
        lambda: spark.sql(f"DESCRIBE HISTORY {_place(place)} LIMIT 1").toArrow()
    )
    if found is not None:
        return int(found.column("version")[0].as_py())
    if "/" in place:
        raise errors.SourceError(
            f"there is no Delta table at {place}: {failure}",
            hint="give the folder of a Delta table, and a session that has Delta's jars",
        )
    return None


def _read(spark: Any, place: str, version: int | None) -> Any:
    reader = spark.read if version is None else spark.read.option("versionAsOf", version)
    read = reader.format("delta").load if "/" in place else reader.table
    frame, failure = _tried(lambda: read(place))
    if frame is not None:
        frame, failure = _tried(lambda: (frame.schema, frame)[1])  # Connect looks only now
    if frame is None:
        raise errors.SourceError(
            f"the table {place} cannot be read: {failure}", hint="check its name and catalog"
        )
    return frame


def _tried(action: Any) -> tuple[Any, str]:
    try:
        return action(), ""
    except Exception as error:  # Spark's, of one of many classes
        return None, safe_message(error)
