"""The two parts of the real data, so that neither is scanned again for what is already counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import pyarrow as pa

from synthlake.ports import QueryEngine, Source
from synthlake.quality.dataset import DataSet, Less
from synthlake.schema.model import Schema
from synthlake.sql.bounded import at_most
from synthlake.sql.dialect import primitives, quoted

T = TypeVar("T")


def root(engine: QueryEngine) -> object:
    """The engine that holds the data of one that shows part of it."""
    while (below := getattr(engine, "base", None)) is not None:
        engine = below
    return engine


class Stored:
    """An engine in which a part's tables are copied when they are first read.

    A part is chosen by a hash of each row's root, which is dear to compute for every count.
    Conforms to ``ports.QueryEngine``.

    Args:
        base: the engine of the part.
        whole: that of all rows; what both read in the same way is not copied.
        label: of the copies.
    """

    def __init__(self, base: QueryEngine, whole: QueryEngine, label: str) -> None:
        self._base, self._whole, self._label = base, whole, label
        self._copies: dict[str, str] = {}

    @property
    def dialect(self) -> str:
        """Of the base."""
        return self._base.dialect

    def query(self, sql: str) -> pa.Table:
        """The result of a statement. Raises: QueryError, which carries the SQL."""
        return self._base.query(sql)

    def batches(self, sql: str) -> Iterator[pa.RecordBatch]:
        """The result of a statement as a stream."""
        return self._base.batches(sql)

    def derive(self, sql: str) -> str:
        """Name a SELECT statement; returns what to write after FROM."""
        return self._base.derive(sql)

    def at_most(self, seconds: float) -> AbstractContextManager[None]:
        """Statements within that take longer are refused, where the base can end them."""
        return at_most(self._base, seconds)

    def relation(self, table: str) -> str:
        """What to write after FROM for a table, quoted."""
        plain = self._base.relation(table)
        if plain == self._whole.relation(table):
            return plain
        if table not in self._copies:
            name = quoted(self.dialect, f"__synthlake_{self._label}_{table}")
            self.query(primitives(self.dialect).materialise(name, f"SELECT * FROM {plain}"))
            self._copies[table] = name
        return self._copies[table]

    def discard(self) -> None:
        """Drop the copies."""
        for name in self._copies.values():
            self.query(primitives(self.dialect).discard(name))
        self._copies.clear()


class Rest(DataSet):
    """The real rows without the hold-out, counted by subtraction.

    Args:
        source: the rows.
        schema: of the real data.
        whole: all real rows.
        part: the hold-out, if there is one.
    """

    def __init__(
        self, source: Source, schema: Schema, whole: DataSet, part: DataSet | None
    ) -> None:
        super().__init__("train", source.engine(), source.schema(), schema, whole.tables.engine)
        self._whole, self._part = whole, part

    def count(self, key: tuple[Any, ...], make: Callable[[DataSet], T], less: Less) -> T:
        """What is counted in all rows, less what is counted in the hold-out."""
        return self.once(key, lambda: self._count(key, make, less))

    def _count(self, key: tuple[Any, ...], make: Callable[[DataSet], T], less: Less) -> T:
        table = key[1]
        if self.tables.engine.relation(table) == self._whole.tables.engine.relation(table):
            return self._whole.count(key, make, less)
        left = None
        if self._part is None:
            return make(self)
        if self.rows(table) + self._part.rows(table) == self._whole.rows(table):
            left = less(self._whole.count(key, make, less), self._part.count(key, make, less))
        found: T = make(self) if left is None else left
        return found
