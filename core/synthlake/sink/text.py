"""CSV (RFC 4180) and JSON lines."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pc_csv

Values: TypeAlias = Any  # an Arrow array; the stubs have a type for each kind of cell


def csv(path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
    """A header, then rows; NULL is an empty field, an empty text is ``""``.

    Times are ISO 8601, with a zone in UTC; binary is hex; lists and structs are JSON.
    """
    fields = [pa.field(f.name, pa.string() if _as_text(f.type) else f.type) for f in schema]
    plain = pa.schema(fields)
    with pc_csv.CSVWriter(path, plain) as writer:
        for batch in batches:
            columns = [readable(c) if _as_text(c.type) else c for c in batch.columns]
            writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=plain))


def jsonl(path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
    """An object a line, keys in the order of the columns.

    Times are ISO 8601; NaN and infinities are the texts ``NaN``, ``Infinity``, ``-Infinity``, as
    JSON has no such numbers and readers of columns take these; binary is hex.
    """
    keys = [json.dumps(name, ensure_ascii=False) for name in schema.names]
    starts = [("{" if n == 0 else ",") + key + ":" for n, key in enumerate(keys)]
    with path.open("wb") as file:
        for batch in batches:
            parts: list[Any] = []
            for start, column in zip(starts, batch.columns, strict=True):
                parts += [pa.scalar(start), pc.fill_null(_json(column), "null")]
            lines = pc.binary_join_element_wise(*parts, "}\n", "")
            file.write("".join(lines.to_pylist()).encode())


def readable(values: Values) -> Values:
    """Values as text that people and parsers read; NULL stays NULL."""
    kind: Any = values.type
    if pa.types.is_dictionary(kind):
        return readable(values.cast(kind.value_type))
    if pa.types.is_timestamp(kind):
        return _iso(values)
    if _is_binary(kind) or isinstance(kind, pa.BaseExtensionType) or not _has_cast(kind):
        texts = [None if v is None else _text(v) for v in values.to_pylist()]
        return pa.array(texts, pa.string())
    return pc.cast(values, pa.string())


def _text(value: Any) -> str:
    value = _jsonable(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _as_text(kind: pa.DataType) -> bool:
    return pa.types.is_timestamp(kind) or not (_is_number(kind) or pa.types.is_date(kind))


def _is_number(kind: pa.DataType) -> bool:
    tests = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_boolean)
    return any(test(kind) for test in tests)


def _is_binary(kind: pa.DataType) -> bool:
    tests = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary)
    return any(test(kind) for test in tests)


def _has_cast(kind: pa.DataType) -> bool:
    return not (pa.types.is_nested(kind) or pa.types.is_interval(kind))


def _iso(values: Values) -> Values:
    kind = values.type
    naive = pa.timestamp(kind.unit)
    if kind.tz is None:
        return pc.strftime(values, "%Y-%m-%dT%H:%M:%S")
    # Arrow keeps instants: without its zone, a time is read as UTC.
    return pc.strftime(values.cast(pa.int64()).cast(naive), "%Y-%m-%dT%H:%M:%SZ")


def _json(values: Values) -> Values:
    """Every value as its JSON literal; NULL stays NULL."""
    kind: Any = values.type
    if pa.types.is_floating(kind):
        wide = pc.cast(values, pa.float64()) if pa.types.is_float16(kind) else values
        text = pc.cast(wide, pa.string())
        strange = pc.invert(pc.is_finite(wide))
        return pc.if_else(strange, _quoted_numbers(text), text)
    if _is_number(kind) or pa.types.is_duration(kind):
        return pc.cast(values, pa.string())
    if _has_cast(kind) and not pa.types.is_null(kind):
        distinct: Any = pc.dictionary_encode(readable(values))
        texts = [json.dumps(v, ensure_ascii=False) for v in distinct.dictionary.to_pylist()]
        return pa.array(texts, pa.string()).take(distinct.indices)
    rows = values.to_pylist()
    texts_or_none = [
        None if v is None else json.dumps(_jsonable(v), ensure_ascii=False) for v in rows
    ]
    return pa.array(texts_or_none, pa.string())


def _quoted_numbers(text: Values) -> Values:
    names = {"nan": '"NaN"', "-nan": '"NaN"', "inf": '"Infinity"', "-inf": '"-Infinity"'}
    found: Any = pc.index_in(text, value_set=pa.array(list(names)))
    return pa.array(list(names.values())).take(found)


def _jsonable(value: Any) -> Any:
    """A Python value of Arrow's in what JSON has."""
    if isinstance(value, dict):
        return {str(k): _jsonable(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, Decimal | UUID | dt.timedelta):
        return str(value)
    return value
