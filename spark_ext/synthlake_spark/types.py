"""Spark's types in Arrow, and the expressions by which columns become plain."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import pyarrow as pa

from synthlake.api import errors

_PLAIN: Mapping[str, Any] = MappingProxyType(
    {
        "BooleanType": pa.bool_(),
        "ByteType": pa.int8(),
        "ShortType": pa.int16(),
        "IntegerType": pa.int32(),
        "LongType": pa.int64(),
        "FloatType": pa.float32(),
        "DoubleType": pa.float64(),
        "StringType": pa.string(),
        "CharType": pa.string(),
        "VarcharType": pa.string(),
        "BinaryType": pa.binary(),
        "DateType": pa.date32(),
        "TimestampType": pa.timestamp("us", "UTC"),
        "TimestampNTZType": pa.timestamp("us"),
        "DayTimeIntervalType": pa.duration("us"),
        "NullType": pa.null(),
    }
)
_HINTS: Mapping[str, str] = MappingProxyType(
    {
        "MapType": "Spark cannot group maps: give map_entries of it",
        "TimeType": "give its microseconds as a bigint, or a timestamp",
        "VariantType": "give its parts as columns, or to_json of it",
        "YearMonthIntervalType": "give its months as an int",
    }
)


def arrow_type(kind: Any, origin: str) -> pa.DataType:
    """The Arrow type in which values of a Spark type are learned and made.

    Args:
        kind: a type of ``pyspark.sql.types``.
        origin: such as ``flights.origin``, for messages.

    Raises:
        SourceError: there is none.
    """
    name = type(kind).__name__
    if name in _PLAIN:
        found: pa.DataType = _PLAIN[name]
        return found
    if name in _MADE:
        return _MADE[name](kind, origin)
    raise errors.SourceError(
        f"{origin} is of Spark's type {kind.simpleString()}, which cannot be learned",
        hint=_HINTS.get(name, "drop the column, or cast it"),
    )


def _array(kind: Any, origin: str) -> pa.DataType:
    return pa.list_(pa.field("element", arrow_type(kind.elementType, origin)))


def _struct(kind: Any, origin: str) -> pa.DataType:
    return pa.struct([pa.field(f.name, arrow_type(f.dataType, origin)) for f in kind.fields])


def _decimal(kind: Any, origin: str) -> pa.DataType:
    return pa.decimal128(kind.precision, kind.scale)


_MADE: Mapping[str, Callable[[Any, str], pa.DataType]] = MappingProxyType(
    {"ArrayType": _array, "StructType": _struct, "DecimalType": _decimal}
)


def plain_value(name: str, kind: Any) -> str:
    """The expression of a column as sources have it: -0.0 as 0.0, text without a collation.

    Durations are microseconds.

    Args:
        name: of the column, quoted.
        kind: its type in Spark.
    """
    of = type(kind).__name__
    if of in ("FloatType", "DoubleType"):
        return f"{name} + CAST(0 AS {kind.simpleString()})"
    if of in ("StringType", "CharType", "VarcharType"):
        return f"collate({name}, 'UTF8_BINARY')" if _collated(kind) else name
    if of == "DayTimeIntervalType":
        seconds = f"CAST(CAST({name} AS INTERVAL SECOND) AS DECIMAL(18, 6))"
        return f"CAST({seconds} * 1000000 AS BIGINT)"
    return name


def _collated(kind: Any) -> bool:
    return getattr(kind, "collation", "UTF8_BINARY") != "UTF8_BINARY"
