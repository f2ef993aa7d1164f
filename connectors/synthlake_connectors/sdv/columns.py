"""Arrow columns as SDV takes them, and back in their own types."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthlake.api import errors

_TICKS = (pa.types.is_time, pa.types.is_duration)
_NUMBERS = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
_TEXTS = (pa.types.is_string, pa.types.is_large_string)


def _value(dtype: Any) -> Any:
    return dtype.value_type if pa.types.is_dictionary(dtype) else dtype


def sdtype(where: str, dtype: Any) -> str:
    """What SDV calls a column of a type.

    Args:
        where: ``table.column``, for the error.
        dtype: Arrow type.

    Raises:
        LearnError: SDV has nothing for the type.
    """
    value = _value(dtype)
    if any(test(value) for test in (*_NUMBERS, *_TICKS)):
        return "numerical"
    if pa.types.is_date(value) or pa.types.is_timestamp(value):
        return "datetime"
    if pa.types.is_boolean(value):
        return "boolean"
    if any(test(value) for test in _TEXTS):
        return "categorical"
    raise errors.LearnError(
        f"{where} is {dtype}, which SDV does not learn", hint="give the bridge a table without it"
    )


def simplified(where: str, column: Any) -> Any:
    """A column in an Arrow type that becomes a pandas column of the kind that ``sdtype`` names.

    Raises:
        LearnError: times lie beyond those that pandas counts in nanoseconds.
    """
    whole, dtype = column.combine_chunks(), _value(column.type)
    if pa.types.is_dictionary(column.type):
        whole = whole.cast(dtype)
    if any(test(dtype) for test in _TICKS):
        whole = whole.cast(pa.int32() if dtype.bit_width == 32 else pa.int64())
    elif pa.types.is_decimal(dtype):
        whole = whole.cast(pa.float64(), safe=False)
    elif pa.types.is_date(dtype) or pa.types.is_timestamp(dtype):
        try:  # SDV counts nanoseconds, and takes what counts something else for 1970
            whole = whole.cast(pa.timestamp("ns", getattr(dtype, "tz", None)))
        except pa.ArrowInvalid as error:
            raise errors.LearnError(
                f"{where} has times before 1677 or after 2262, which SDV does not learn",
                hint="give the bridge a table without it",
            ) from error
        whole = whole.cast(pa.timestamp("ns"))
    return whole


def from_series(series: Any, dtype: Any) -> Any:
    """An Arrow array of a type from what SDV made; numbers beyond the type take its limit."""
    value, null = _value(dtype), np.asarray(series.isna())
    if any(test(value) for test in (*_NUMBERS, *_TICKS)):
        numbers = np.where(null, 0, series).astype(np.float64)
        made = _numbers(numbers, null, value)
    elif pa.types.is_date(value) or pa.types.is_timestamp(value):
        made = _times(series, null, value)
    else:
        made = pa.array([None if gone else cell for cell, gone in zip(series, null, strict=True)],
                        value)  # fmt: skip
    return made.dictionary_encode().cast(dtype) if pa.types.is_dictionary(dtype) else made


def _numbers(numbers: Any, null: Any, dtype: Any) -> Any:
    if pa.types.is_floating(dtype):
        return pa.array(numbers, mask=null).cast(dtype, safe=False)
    if pa.types.is_decimal(dtype):
        most = 10.0 ** (dtype.precision - dtype.scale) * (1 - 1e-15)
        held = pa.array(np.clip(numbers, -most, most), mask=null)
        return pc.round(held, ndigits=dtype.scale).cast(dtype, safe=False)
    ticks: Any = dtype
    if not pa.types.is_integer(dtype):
        ticks = pa.int32() if dtype.bit_width == 32 else pa.int64()
    signed = pa.types.is_signed_integer(ticks)
    most = 2 ** (ticks.bit_width - signed) - 1
    # the greatest float below the limit: 2**63 itself would not fit
    ends = (-most - 1 if signed else 0), np.nextafter(float(most + 1), 0) if most > 2**53 else most
    whole = np.clip(np.rint(numbers), *ends).astype(ticks.to_pandas_dtype())
    return pa.array(whole, ticks, mask=null).cast(dtype)


def _times(series: Any, null: Any, dtype: Any) -> Any:
    stamps = series.to_numpy().astype("datetime64[us]")
    made: Any = pa.array(stamps, pa.timestamp("us"), mask=null)
    if pa.types.is_date(dtype):
        return made.cast(pa.date32(), safe=False).cast(dtype)
    made = made.cast(pa.timestamp(dtype.unit), safe=False)
    return made if dtype.tz is None else pc.assume_timezone(made, "UTC").cast(dtype)
