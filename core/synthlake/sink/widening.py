"""Types that Parquet lacks, in others that hold every value of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from synthlake.schema.model import Table
from synthlake.source.nesting import INTERVAL, interval_parts, is_listed, item_fields, recast


def file_schema(table: Table, kind: str) -> pa.Schema:
    """Arrow schema in which a table goes into files of a format.

    Parquet has no intervals (written as their parts), no decimals without a unit digit (written
    with it), and lists of one size only where none is NULL (else they are lists).
    """
    if kind != "parquet":
        return table.arrow
    kinds = {c.name: _held(c.type, c.nullable) for c in table.columns}
    return pa.schema([pa.field(f.name, kinds[f.name]) for f in table.arrow])


def widened(schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Batches in the types of ``file_schema``; those of other columns pass as they are."""
    for batch in batches:
        if batch.schema.names != schema.names or batch.schema.types == schema.types:
            yield batch
            continue
        columns = [
            recast(column, field.type, _cast) if _held(column.type, True) == field.type else column
            for column, field in zip(batch.columns, schema, strict=True)
        ]
        yield pa.RecordBatch.from_arrays(columns, names=schema.names)


def _cast(values: Any, kind: Any) -> Any:
    return interval_parts(values) if kind == INTERVAL else pc.cast(values, kind)


def _held(kind: Any, nullable: bool = True) -> Any:
    """The type that Parquet has for a type; the same for most."""
    if pa.types.is_interval(kind):
        return INTERVAL
    if pa.types.is_decimal(kind) and kind.scale < 0:
        digits = kind.precision - kind.scale
        return pa.decimal128(digits, 0) if digits <= 38 else pa.decimal256(min(digits, 76), 0)
    if pa.types.is_struct(kind):
        return pa.struct([_inner(field) for field in kind])
    return _list(kind, nullable) if is_listed(kind) else kind


def _inner(field: pa.Field[Any]) -> pa.Field[Any]:
    return field.with_type(_held(field.type, True))


def _list(kind: Any, nullable: bool) -> Any:
    fields = [_inner(field) for field in item_fields(kind)]
    fixed = pa.types.is_fixed_size_list(kind)
    if not (fixed and nullable) and [f.type for f in item_fields(kind)] == [f.type for f in fields]:
        return kind
    if pa.types.is_map(kind):
        make: Any = pa.map_
        return make(*fields, keys_sorted=kind.keys_sorted)
    if fixed and not nullable:
        return pa.list_(fields[0], kind.list_size)
    large = pa.types.is_large_list(kind) or pa.types.is_large_list_view(kind)
    return pa.large_list(fields[0]) if large else pa.list_(fields[0])
