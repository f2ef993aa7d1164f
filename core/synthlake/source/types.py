"""Arrow types on their way through an engine: what it cannot hold, and the way back."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from synthlake.errors import SourceError
from synthlake.ports import QueryEngine
from synthlake.schema.model import Column, Table
from synthlake.schema.types import VIEWED
from synthlake.source.nesting import (
    INTERVAL,
    Leaf,
    interval_of,
    interval_parts,
    is_listed,
    item_fields,
    recast,
)
from synthlake.sql.dialect import quoted

_DOUBLE_DIGITS = 15  # that a double holds, whatever they are
_ENGINE_DIGITS = 38  # of decimals, in every engine

Values: TypeAlias = "pa.Array[Any]"


def plain(schema: pa.Schema) -> pa.Schema:
    """A schema without metadata, and without views of text or bytes within other types.

    Few of Arrow's kernels take views, and none takes them there.
    """
    return pa.schema([pa.field(f.name, _plain(f.type), f.nullable) for f in schema])


def _plain(kind: Any) -> Any:
    if pa.types.is_dictionary(kind):
        return pa.dictionary(kind.index_type, _inside(kind.value_type), kind.ordered)
    if pa.types.is_struct(kind):
        return pa.struct([f.with_type(_inside(f.type)) for f in kind])
    if pa.types.is_map(kind):
        make: Any = pa.map_
        key, item = (f.with_type(_inside(f.type)) for f in item_fields(kind))
        return make(key, item, keys_sorted=kind.keys_sorted)
    return _plain_list(kind) if is_listed(kind) else kind


def _plain_list(kind: Any) -> Any:
    item = kind.value_field.with_type(_inside(kind.value_type))
    if item.type == kind.value_type:
        return kind
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(item, kind.list_size)
    large = pa.types.is_large_list(kind) or pa.types.is_large_list_view(kind)
    return pa.large_list(item) if large else pa.list_(item)


def _inside(kind: Any) -> Any:
    return VIEWED.get(kind) or _plain(kind)


def for_duckdb(table: pa.Table) -> pa.Table:
    """A table in types that DuckDB takes: durations as numbers of their unit, as in Parquet."""
    for number, field in enumerate(table.schema):
        kind = duckdb_type(field.type)
        if kind != field.type:
            column = recast_column(table.column(number), kind, _for_duckdb)
            table = table.set_column(number, pa.field(field.name, kind), column)
    return table


def recast_column(column: Any, kind: Any, leaf: Leaf = pc.cast) -> Any:
    """A column in another type of the same nesting."""
    return pa.chunked_array([recast(chunk, kind, leaf) for chunk in column.chunks], kind)


def _for_duckdb(values: Any, kind: Any) -> Any:
    return interval_parts(values) if kind == INTERVAL else pc.cast(values, kind)


def duckdb_type(kind: Any) -> Any:
    """The type in which DuckDB takes values of a type; the same for most."""
    if pa.types.is_interval(kind):  # DuckDB's have microseconds
        return INTERVAL
    if pa.types.is_struct(kind):
        return _duckdb_struct(kind)
    if is_listed(kind):
        return _duckdb_list(kind)
    if pa.types.is_duration(kind):
        return pa.int64()
    if pa.types.is_float16(kind):
        return pa.float32()
    if pa.types.is_decimal(kind):
        return _duckdb_decimal(kind)
    found: pa.DataType = kind
    return found


def is_wide(kind: Any) -> bool:
    """Whether there are decimals in a type that no engine holds, with more than 38 digits."""
    if pa.types.is_decimal(kind):
        return bool(_duckdb_decimal(kind) == pa.string())
    return any(is_wide(kind.field(n).type) for n in range(kind.num_fields))


def _duckdb_struct(kind: Any) -> Any:
    fields = [_inner(field) for field in kind]
    if len({field.name.lower() for field in fields if field.name}) < len(fields):
        # fields are told apart by place; DuckDB wants names
        fields = [field.with_name(f"f{number}") for number, field in enumerate(fields)]
    return pa.struct(fields)


def _duckdb_list(kind: Any) -> Any:
    if pa.types.is_map(kind):
        make: Any = pa.map_
        return make(duckdb_type(kind.key_type), _inner(kind.item_field))
    inner = _inner(kind.value_field)
    if pa.types.is_fixed_size_list(kind) and kind.list_size:
        return pa.list_(inner, kind.list_size)
    large = pa.types.is_large_list(kind) or pa.types.is_large_list_view(kind)
    return pa.large_list(inner) if large else pa.list_(inner)


def _inner(field: pa.Field[Any]) -> pa.Field[Any]:
    return field.with_type(duckdb_type(field.type)).with_nullable(True)


def _duckdb_decimal(kind: Any) -> Any:
    """Beyond 38 digits DuckDB knows only doubles: these go as text; none has a negative scale."""
    digits, scale = max(kind.precision, kind.precision - kind.scale), max(kind.scale, 0)
    if digits > _ENGINE_DIGITS:
        return pa.string()
    if pa.types.is_decimal256(kind) or scale != kind.scale:
        return pa.decimal128(digits, scale)
    found: pa.DataType = kind
    return found


def normal(table: Table) -> str:
    """The select list of a table's view: every column, -0.0 as 0.0.

    Source: SQL.md, as -0.0 and 0.0 are one value to SQL and two to bytes.
    """
    parts = []
    for column in table.columns:
        name = quoted("duckdb", column.name)
        zeroed = f"{name} + 0::FLOAT AS {name}" if pa.types.is_float32(column.type) else name
        zeroed = f"{name} + 0::DOUBLE AS {name}" if pa.types.is_float64(column.type) else zeroed
        parts.append(zeroed)
    return ", ".join(parts)


def restore(values: Sequence[Values], schema: pa.Schema, table: str) -> list[Values]:
    """What came out of an engine in the types of the source; columns by position.

    Raises:
        SourceError: a column has been through a type that cannot hold it.
    """
    columns = []
    for column, field in zip(values, schema, strict=True):
        failed = False
        try:
            columns.append(cast(column, field.type))
        except (pa.ArrowException, ValueError):
            failed = True  # raised outside, as Arrow's message quotes the value
        if failed:
            raise SourceError(
                f"{table}.{field.name} is {field.type}, and the engine's {column.type} cannot be"
                " turned back into it without loss",
                hint="store the column in a type that the engine has, or leave it out",
            )
    return columns


def typed_batches(
    engine: QueryEngine, relation: str, table: Table, columns: Sequence[str] | None = None
) -> Iterator[pa.RecordBatch]:
    """What an engine holds of a table, in the types of its schema.

    Args:
        engine: the engine.
        relation: what to write after FROM.
        table: the table.
        columns: names; None for all.

    Raises:
        SchemaError: there is no such column.
        QueryError: the statement is refused.
        SourceError: the engine cannot hold a column's type without loss.
    """
    wanted = chosen(table, columns)
    select = ", ".join(quoted(engine.dialect, name) for name in wanted.names) or "1"
    for found in engine.batches(f"SELECT {select} FROM {relation}"):
        values = restore(found.columns[: len(wanted)], wanted, table.name)
        yield batch(values, wanted, found.num_rows)


def batch(values: Sequence[Values], schema: pa.Schema, rows: int) -> pa.RecordBatch:
    """Columns as a batch of a schema; keeps the number of rows where there are no columns."""
    if not len(schema):
        counted = pa.RecordBatch.from_arrays([pa.nulls(rows)], names=["rows"])
        return counted.select([])
    columns = [cast(v, f.type) for v, f in zip(values, schema, strict=True)]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def table(name: str, schema: pa.Schema) -> Table:
    """A table of columns that declares no keys."""
    return Table(name, tuple(Column(f.name, f.type, nullable=f.nullable) for f in schema))


def cast(values: Any, kind: Any) -> Any:
    """Values in another type, or an Arrow error where that would change them."""
    if values.type == kind:
        return values
    if pa.types.is_null(kind) and values.null_count == len(values):
        return pa.nulls(len(values))
    if pa.types.is_dictionary(kind):
        plain = pc.cast(values, kind.value_type)
        return plain.dictionary_encode().cast(kind)
    if isinstance(kind, pa.ExtensionType | pa.BaseExtensionType):
        return _extension(values, kind)
    if pa.types.is_interval(kind) and pa.types.is_struct(values.type):
        return interval_of(values)
    if pa.types.is_nested(kind):
        return recast(values, kind, _leaf)
    return pc.cast(_castable(values, kind), kind, safe=not pa.types.is_float16(kind))


def _leaf(values: Any, kind: Any) -> Any:
    """Flat values within nested ones."""
    if pa.types.is_nested(kind):
        raise pa.ArrowInvalid("another nesting")
    return cast(values, kind)


def _castable(values: Values, kind: Any) -> Values:
    if pa.types.is_date32(kind) and pa.types.is_int64(values.type):
        return pc.cast(values, pa.int32())  # days, from an engine that has no dates
    doubles = pa.types.is_decimal(kind) and pa.types.is_floating(values.type)
    if doubles and kind.precision > _DOUBLE_DIGITS:
        raise pa.ArrowInvalid("a double does not hold all digits")
    return values


def _extension(values: Values, kind: pa.BaseExtensionType) -> Values:
    if kind == pa.uuid() and pa.types.is_string(values.type):
        raw = [None if v is None else uuid.UUID(v).bytes for v in values.to_pylist()]
        return pa.ExtensionArray.from_storage(kind, pa.array(raw, kind.storage_type))
    return pa.ExtensionArray.from_storage(kind, pc.cast(values, kind.storage_type))


def chosen(table: Table, columns: Sequence[str] | None) -> pa.Schema:
    """Arrow schema of some columns of a table, skipped ones included.

    Raises:
        SchemaError: there is no such column.
    """
    names = [c.name for c in table.columns] if columns is None else columns
    found = [table.column(name) for name in names]
    return pa.schema([pa.field(c.name, c.type, c.nullable) for c in found])
