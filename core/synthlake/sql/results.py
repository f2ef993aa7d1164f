"""What an engine returned, in the schema's Arrow types and in binary order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from synthlake.errors import SourceError
from synthlake.source.types import cast


def as_type(values: pa.ChunkedArray[Any], type: pa.DataType, origin: str) -> pa.ChunkedArray[Any]:
    """Values of a column in a type of the schema.

    Raises:
        SourceError: the engine's type cannot be turned into it without loss.
    """
    chunks, failed = [], False
    try:
        chunks = [cast(chunk, type) for chunk in values.chunks]
    except (pa.ArrowException, ValueError):
        failed = True  # raised outside, as Arrow's message quotes the value
    if failed:
        raise SourceError(
            f"{origin} is {type}, and the engine's {values.type} cannot be turned into it",
            hint="store the column in a type that the engine has, or leave it out",
        )
    return pa.chunked_array(chunks, type)  # type: ignore[call-overload,no-any-return]


def value_type(type: pa.DataType) -> pa.DataType:
    """The type in which values of a column are counted: of a dictionary, that of its values."""
    return value_type(type.value_type) if types.is_dictionary(type) else type


def in_order(table: pa.Table, columns: Sequence[str]) -> pa.Table:
    """Rows sorted by columns, in binary order; columns without an order do not count."""
    keys: list[tuple[str, Literal["ascending"]]] = [
        (name, "ascending") for name in columns if _sortable(table.schema.field(name).type)
    ]
    return table.take(pc.sort_indices(table, sort_keys=keys)) if keys else table


def _sortable(type: pa.DataType) -> bool:
    unordered = types.is_nested(type) or types.is_dictionary(type) or types.is_null(type)
    return not (unordered or types.is_interval(type) or isinstance(type, pa.BaseExtensionType))
