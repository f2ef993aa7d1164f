"""Tables in memory as a source: Arrow, pandas, polars, or whatever speaks Arrow's C interface."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from synthlake.errors import SourceError
from synthlake.schema.model import Schema
from synthlake.source import types
from synthlake.source.names import check_columns, check_tables
from synthlake.sql.duckdb_engine import DuckDBEngine

_BATCH_ROWS = 65_536


class ArrowSource:
    """Tables in memory. Conforms to ``ports.Source``.

    Args:
        tables: by name; anything with ``__arrow_c_stream__`` or ``__arrow_c_array__``. What can be
            read only once is read now, whole.
        engine: session to define the views in; None for a new one.

    Raises:
        SourceError: something is not a table, or names clash.
    """

    def __init__(self, tables: Mapping[str, Any], *, engine: DuckDBEngine | None = None) -> None:
        check_tables(tables)
        self._tables = {name: to_arrow(name, data) for name, data in tables.items()}
        self._schema = Schema(
            {name: types.table(name, t.schema) for name, t in self._tables.items()}
        )
        self._engine = engine or DuckDBEngine()
        for number, table in enumerate(self._schema):
            data = types.for_duckdb(self._tables[table.name])
            raw = self._engine.register(f"__synthlake_memory_{number}", data)
            self._engine.view(table.name, f"SELECT {types.normal(table)} FROM {raw}")

    def __repr__(self) -> str:
        return f"ArrowSource({', '.join(self._tables)})"

    def schema(self) -> Schema:
        """Tables with their Arrow types; frames declare no keys."""
        return self._schema

    def engine(self) -> DuckDBEngine:
        """DuckDB, reading the memory of the tables."""
        return self._engine

    def batches(self, table: str, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Typed batches of a table, without a copy."""
        wanted = types.chosen(self._schema[table], columns)
        yield from self._tables[table].select(wanted.names).to_batches(max_chunksize=_BATCH_ROWS)


def to_arrow(name: str, data: Any) -> pa.Table:
    """Anything tabular as an Arrow table without metadata and without a frame's unnamed index.

    Raises:
        SourceError: it is not tabular, or has columns of mixed types.
    """
    failed = ""
    table = None
    try:
        table = _read(data)
    except (pa.ArrowException, TypeError, ValueError) as error:
        failed = type(error).__name__
    if table is None:
        raise SourceError(
            f"table {name} is a {type(data).__name__}, which cannot be read as Arrow"
            + (f" ({failed})" if failed else ""),
            hint="give an Arrow table or a DataFrame whose columns have one type each",
        )
    check_columns(name, table.column_names)
    table = table.select([c for c in table.column_names if c not in _unnamed_index(table)])
    schema = types.plain(table.schema)
    # only what differs: Arrow breaks lists of NULLs that it casts to their own type
    columns = [
        column if column.type == field.type else types.recast_column(column, field.type)
        for column, field in zip(table.columns, schema, strict=True)
    ]
    return pa.table(columns, schema=schema)


def _read(data: Any) -> pa.Table | None:
    if isinstance(data, pa.Table):
        return data
    if isinstance(data, pa.RecordBatch):
        return pa.Table.from_batches([data])
    if hasattr(data, "__arrow_c_stream__"):
        return pa.table(data)
    if hasattr(data, "__arrow_c_array__"):
        return pa.Table.from_batches([pa.record_batch(data)])
    return None


def _unnamed_index(table: pa.Table) -> set[str]:
    # A filtered pandas frame drags its row numbers along; they are no column of the user's.
    notes = json.loads((table.schema.metadata or {}).get(b"pandas", b"{}"))
    index = [i for i in notes.get("index_columns", []) if isinstance(i, str)]
    return {i for i in index if re.fullmatch(r"__index_level_\d+__", i)}
