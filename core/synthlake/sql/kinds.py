"""What a type is to SQL, whichever of Arrow's widths it has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, cast

import pyarrow as pa
from pyarrow import types

Kind = Literal[
    "integer", "boolean", "date", "timestamp", "time", "duration", "decimal", "float",
    "text", "binary", "uuid", "nested",
]  # fmt: skip

_KINDS: tuple[tuple[Kind, Callable[[pa.DataType], bool]], ...] = (
    ("integer", types.is_integer),
    ("boolean", types.is_boolean),
    ("date", types.is_date),
    ("timestamp", types.is_timestamp),
    ("time", types.is_time),
    ("duration", types.is_duration),
    ("decimal", types.is_decimal),
    ("float", types.is_floating),
    ("text", types.is_string),
    ("text", types.is_large_string),
    ("text", types.is_string_view),
    ("binary", types.is_binary),
    ("binary", types.is_large_binary),
    ("binary", types.is_fixed_size_binary),
    ("binary", types.is_binary_view),
)

KEYS: frozenset[Kind] = frozenset(
    ("integer", "boolean", "date", "timestamp", "time", "duration", "decimal", "text", "binary",
     "uuid")
)  # fmt: skip
"""Kinds that may stand in a key."""

COUNTED: frozenset[Kind] = KEYS - {"binary", "uuid"} | {"float"}
"""Kinds whose values are counted."""


def plain(type: pa.DataType) -> pa.DataType:
    """The type of the values: what a dictionary refers to, what an extension stores."""
    if types.is_dictionary(type):
        return plain(type.value_type)
    if isinstance(type, pa.BaseExtensionType) and not isinstance(type, pa.UuidType):
        return plain(type.storage_type)
    return type


def scale(type: pa.DataType) -> int:
    """Digits after the point of a decimal type."""
    return int(cast(Any, plain(type)).scale)


def unit(type: pa.DataType) -> str:
    """Unit of a time, timestamp or duration."""
    return str(cast(Any, plain(type)).unit)


def kind(type: pa.DataType) -> Kind:
    """The kind of a type; ``nested`` for all that has neither order nor a canonical text.

    That includes decimals of more than 38 digits, which no engine has.
    """
    values: Any = plain(type)
    if types.is_decimal(values) and max(values.precision, values.precision - values.scale) > 38:
        return "nested"
    if isinstance(values, pa.UuidType):
        return "uuid"
    return next((name for name, test in _KINDS if test(values)), "nested")
