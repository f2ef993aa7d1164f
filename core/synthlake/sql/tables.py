"""The tables of a schema in an engine, as SQL text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

from synthlake.ports import QueryEngine
from synthlake.schema.model import Column, Schema, Table
from synthlake.sql.dialect import Primitives, primitives, quoted
from synthlake.sql.kinds import kind


@dataclass(frozen=True)
class Tables:
    """A schema and the engine that holds its tables."""

    engine: QueryEngine
    schema: Schema

    @cached_property
    def primitives(self) -> Primitives:
        """What differs in the engine's dialect."""
        return primitives(self.engine.dialect)

    def name(self, text: str) -> str:
        """A quoted identifier."""
        return quoted(self.engine.dialect, text)

    def read(self, table: str) -> str:
        """What to write after FROM; it is called ``t``."""
        return f"{self.engine.relation(table)} AS t"

    def column(self, name: str) -> str:
        """A column of what ``read`` reads."""
        return f"t.{self.name(name)}"

    def number(self, sql: str) -> int:
        """The one integer that a statement returns; 0 for NULL."""
        return int(self.engine.query(sql).column(0)[0].as_py() or 0)

    def rows(self, table: str) -> int:
        """Rows of a table."""
        return self.number(f"SELECT count(*) AS n FROM {self.read(table)}")

    @contextmanager
    def materialised(self, name: str, select: str) -> Iterator[str]:
        """A result kept in the engine while the block runs; yields its quoted name."""
        stored = self.name(name)
        self.engine.query(self.primitives.materialise(stored, select))
        try:
            yield stored
        finally:
            self.engine.query(self.primitives.discard(stored))


def used(table: Table) -> list[Column]:
    """Columns that are read: those that are not skipped, and those of keys."""
    keys = {*table.primary_key, *table.referring}
    return [c for c in table.columns if c.action != "skip" or c.name in keys]


def learned_columns(tables: Tables, table: Table, longest: int) -> list[str]:
    """What is read of the columns, named ``c0, c1, ...``; nothing of those that are made NULL.

    Args:
        tables: where the table is.
        table: whose columns.
        longest: characters up to which free text is read: more would be held in memory.
    """
    keys = {*table.primary_key, *table.referring}
    out = []
    for number, column in enumerate(used(table)):
        value = tables.primitives.learnable(tables.column(column.name), column.type)
        if column.action == "null" and column.name not in keys:
            value = f"CASE WHEN 1 = 0 THEN {value} END"
        elif column.role == "text" and kind(column.type) == "text" and column.name not in keys:
            value = tables.primitives.beginning(value, longest)
        out.append(f"{value} AS c{number}")
    return out


def typed(table: Table, names: tuple[str, ...]) -> list[pa.DataType]:
    """Types of columns by name. Raises: SchemaError where there is no such column."""
    return [table.column(name).type for name in names]
