"""Batches of any size as groups of one size, so that equal rows give equal bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import numpy as np
import pyarrow as pa

from synthlake.errors import SinkError
from synthlake.schema.model import Table
from synthlake.schema.types import VIEWED

GROUP_ROWS: Final = 131_072


def groups(
    table: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    """Groups of ``GROUP_ROWS`` rows, the last one with what is left; equal for any batches.

    Raises:
        SinkError: a batch has other columns or types.
    """
    waiting: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        _check(table, schema, batch)
        while rows + batch.num_rows >= GROUP_ROWS:
            head = batch.slice(0, GROUP_ROWS - rows)
            yield _group(schema, [*waiting, head])
            batch = batch.slice(head.num_rows)
            waiting, rows = [], 0
        if batch.num_rows:
            waiting.append(batch)
            rows += batch.num_rows
    if rows:
        yield _group(schema, waiting)


def _check(table: str, schema: pa.Schema, batch: pa.RecordBatch) -> None:
    if batch.schema.names != schema.names:
        raise SinkError(
            f"a batch of {table} has the columns {', '.join(batch.schema.names)}",
            hint=f"they are {', '.join(schema.names)}, in this order",
        )
    for field, column in zip(schema, batch.columns, strict=True):
        if column.type != field.type:
            raise SinkError(
                f"a batch has {table}.{field.name} as {column.type} instead of {field.type}",
                hint="cast it before it is written",
            )


def promised(table: Table, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same batches, seen to hold no NULL where the table promises none.

    Raises:
        SinkError: there is one.
    """
    strict = [c.name for c in table.columns if not c.nullable]
    for batch in batches:
        for name in strict:
            if name in batch.schema.names and (nulls := batch.column(name).null_count):
                raise SinkError(
                    f"a batch has {nulls} NULLs in {table.name}.{name}, which allows none",
                    hint="the schema says that the column has no NULL",
                )
        yield batch


def _group(schema: pa.Schema, batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    merged = pa.Table.from_batches(
        [pa.RecordBatch.from_arrays(b.columns, schema=schema) for b in batches], schema
    )
    columns = [
        _column(column, field.type) for column, field in zip(merged.columns, schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _column(column: pa.ChunkedArray[Any], kind: Any) -> pa.Array[Any]:
    if pa.types.is_dictionary(kind):
        # A dictionary in the order of its rows, whatever dictionaries the batches came with.
        plain = _column(column.cast(kind.value_type), kind.value_type)
        return plain.dictionary_encode().cast(kind)
    if kind in VIEWED:  # Arrow takes no rows of views
        return _column(column.cast(VIEWED[kind]), VIEWED[kind]).cast(kind)
    whole: Any = column.combine_chunks()
    joined = column.num_chunks > 1 and not column.null_count
    if joined and not (pa.types.is_boolean(kind) or pa.types.is_nested(kind)):
        return _without_mask(whole if isinstance(whole, pa.Array) else whole.chunk(0))
    whole = whole if isinstance(whole, pa.Array) else whole.chunk(0)
    # A copy by index has nothing of the batches left: offsets, spare bits, what NULLs cover. Where
    # there is none of these, several batches in one are a copy already.
    places = pa.py_buffer(np.arange(len(whole), dtype=np.int64).data)
    return _without_mask(whole.take(pa.Array.from_buffers(pa.int64(), len(whole), [None, places])))


def _without_mask(values: pa.Array[Any]) -> pa.Array[Any]:
    if values.null_count or pa.types.is_nested(values.type) or pa.types.is_null(values.type):
        return values
    if isinstance(values.type, pa.BaseExtensionType) or values.buffers()[0] is None:
        return values
    return pa.Array.from_buffers(values.type, len(values), [None, *values.buffers()[1:]])
