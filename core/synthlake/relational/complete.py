"""Columns that allow no NULL stay without, also where no value has support."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthlake.relational.model import Codec
from synthlake.schema.model import Column
from synthlake.seed import Words


def completed(
    array: pa.Array[Any], column: Column, codec: Codec | None, words: Callable[[], Words]
) -> pa.Array[Any]:
    """The array with its NULLs filled if the column allows none.

    Privacy: fills in values that the codec holds, or else the type's zero or empty value.
    """
    if column.nullable or not array.null_count:
        return array
    if codec is not None and codec.size:
        some = words()
        codes = (some % np.uint64(codec.size)).astype(np.int32)
        array = pc.coalesce(array, codec.decode(codes, some))
    return array.fill_null(_zero(column.type)) if array.null_count else array


def _zero(dtype: pa.DataType) -> pa.Scalar[Any]:
    """0, an empty text, False or the epoch."""
    if pa.types.is_dictionary(dtype):
        return _zero(dtype.value_type)
    if pa.types.is_string(dtype) or pa.types.is_large_string(dtype) or dtype == pa.string_view():
        return pa.scalar("", dtype)
    if pa.types.is_fixed_size_binary(dtype):
        return pa.scalar(b"\0" * dtype.byte_width, dtype)
    if pa.types.is_binary(dtype) or pa.types.is_large_binary(dtype) or dtype == pa.binary_view():
        return pa.scalar(b"", dtype)
    if pa.types.is_decimal(dtype):
        return pa.scalar(Decimal(0), dtype)
    number = pa.int32() if dtype in (pa.date32(), pa.time32("s"), pa.time32("ms")) else pa.int64()
    return pa.scalar(0, number).cast(dtype)
