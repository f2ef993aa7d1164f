"""Spark as the engine: the user's session, with temporary views under names of our own."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

import pyarrow as pa

from synthlake.api import errors, sql

T = TypeVar("T")
_OURS: Final = "__synthlake_"
# Errors that speak of statements. All others may quote a cell, and lose their text.
_SPEAKS_OF_SQL: Final = frozenset({"AnalysisException", "ParseException"})


class SparkEngine:
    """A Spark session, classic or Connect. Conforms to ``ports.QueryEngine``.

    The session stays the user's: no setting of it is changed, and what is defined here is dropped
    by ``close``. As sessions are shared, views that begin with ``__synthlake_`` get a mark of this
    engine in their names.

    Args:
        spark: the session; statements of others may run in it meanwhile.
    """

    dialect: str = "spark"

    def __init__(self, spark: Any) -> None:
        self.spark = spark
        self._mark = f"{_OURS}{uuid.uuid4().hex[:12]}_"
        self._tables: dict[str, str] = {}
        self._views: list[str] = []

    def query(self, sql: str) -> pa.Table:
        """The result of a statement, all of it: for counts and samples.

        Raises:
            QueryError: Spark refused it.
        """
        found: pa.Table = self._run(sql, lambda: self._frame(sql).toArrow())
        return self._plain(found)

    def batches(self, sql: str) -> Iterator[pa.RecordBatch]:
        """The result of a statement as a stream, while other statements may run.

        Cost: one of Spark's partitions in memory at a time.

        Raises:
            QueryError: Spark refused it, at the first batch or later.
        """
        # Spark's own stream of Arrow (4.2) fails on timestamps with a zone
        rows = self._run(
            sql, lambda: self._frame(sql).mapInArrow(_packer(), "packed binary").toLocalIterator()
        )
        while (row := self._run(sql, lambda: next(rows, None))) is not None:
            with pa.ipc.open_stream(row.packed) as reader:
                yield from self._plain(reader.read_all()).to_batches()

    def relation(self, table: str) -> str:
        """What to write after FROM for a table, quoted."""
        return self._tables[table]

    def derive(self, sql: str) -> str:
        """Name a SELECT statement for this session; returns what to write after FROM.

        Raises:
            QueryError: Spark refused it.
        """
        return self.register(self._run(sql, lambda: self._frame(sql)))

    def define(self, table: str, sql: str) -> None:
        """Let a SELECT statement be what ``relation`` gives for a table.

        Raises:
            QueryError: Spark refused it.
        """
        self._tables[table] = self.derive(sql)

    def register(self, frame: Any) -> str:
        """Name a frame of this session; returns what to write after FROM."""
        name = f"{_OURS}{len(self._views)}"
        self._views.append(name)
        frame.createOrReplaceTempView(self.written(name))
        return sql.quoted(self.dialect, name)

    def written(self, text: str) -> str:
        """A statement or name as Spark is to read it.

        Spark replaces ``${...}`` in statements, also inside of quotes, by settings and variables of
        the environment: the two characters are kept apart.
        """
        return text.replace("${", "$\ufffc{").replace(_OURS, self._mark)

    def read(self, text: str) -> str:
        """A name that ``written`` gave, as it was."""
        return text.replace(self._mark, _OURS).replace("$\ufffc{", "${")

    def close(self) -> None:
        """Drop the views, with what is cached of them. The session stays."""
        for name in self._views:
            self.spark.catalog.dropTempView(self.written(name))
        self._views.clear()

    def _frame(self, sql: str) -> Any:
        return self.spark.sql(self.written(sql))

    def _run(self, sql: str, action: Callable[[], T]) -> T:
        try:
            return action()
        except Exception as error:
            failure = error
        # Raised outside of the handler: the original error, which may hold a value, is not chained.
        raise errors.QueryError(safe_message(failure), sql=sql)

    def _plain(self, table: pa.Table) -> pa.Table:
        """Plain strings, zones as UTC, names as they were written, no metadata."""
        fields = [pa.field(self.read(f.name), plain(f.type)) for f in table.schema]
        columns = [c.cast(f.type) for c, f in zip(table.columns, fields, strict=True)]
        return pa.Table.from_arrays(columns, schema=pa.schema(fields))


def _packer() -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """What workers do: each batch as one cell. Sent by value, so they need no Synthlake."""

    def pack(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            out = pa.BufferOutputStream()
            with pa.ipc.new_stream(out, batch.schema) as writer:
                writer.write_batch(batch)
            yield pa.RecordBatch.from_pydict({"packed": pa.array([out.getvalue().to_pybytes()])})

    return pack


def plain(kind: Any) -> pa.DataType:
    """An Arrow type of Spark's as sources have it."""
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        return pa.timestamp("us", "UTC")
    if pa.types.is_large_string(kind):
        return pa.string()
    found: pa.DataType = pa.binary() if pa.types.is_large_binary(kind) else kind
    return found


def safe_message(error: Exception) -> str:
    """What a Spark error says, without anything that may be a cell's value.

    Privacy: errors of execution quote values; of these only the class and Spark's own name of the
        condition remain, such as CAST_INVALID_INPUT.
    """
    kind = type(error).__name__
    if kind in _SPEAKS_OF_SQL:
        return (str(error).splitlines() or [""])[0]
    named: Any = getattr(error, "getCondition", None)
    condition = named() if named is not None else None
    return f"{kind} ({condition})" if condition else kind
