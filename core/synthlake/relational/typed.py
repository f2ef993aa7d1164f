"""What a user typed in a condition, as values of a column's Arrow type and as ticks."""

from __future__ import annotations

import math
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from synthlake.encode.axis import Axis, plain
from synthlake.errors import SampleError

_LONGEST = 60  # characters of a value that are repeated to who typed it
_BINARY = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary)
_MICROSECOND = timedelta(microseconds=1)


def shown(value: Any) -> str:
    """What the user typed, shortened."""
    text = repr(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def as_json(value: Any) -> Any:
    """A condition as values that JSON has; ``typed`` reads them alike."""
    if isinstance(value, dict):
        return {str(key): as_json(held) for key, held in value.items()}
    if isinstance(value, list | tuple | set):
        return [as_json(held) for held in value]
    if isinstance(value, np.generic):
        return as_json(value.item())
    if isinstance(value, timedelta):
        return f"{value // _MICROSECOND}us"
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Decimal) or (isinstance(value, float) and not math.isfinite(value)):
        return str(value)
    return value


def typed(value: Any, dtype: pa.DataType, where: str) -> pa.Array[Any]:
    """One value as an array of a type.

    Args:
        value: a scalar; dates, times and decimals may be text, binary is hexadecimal.
        dtype: of the column.
        where: the column, for messages.

    Raises:
        SampleError: the value is not of that type.
    """
    plain: Any = dtype.value_type if pa.types.is_dictionary(dtype) else dtype
    try:
        made = _typed(as_json(value), plain)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        made = None
    if made is None or made.null_count:
        raise SampleError(
            f"{where}: {shown(value)} is no {plain}",
            hint="write values as the column has them, dates and times such as 2024-05-31T12:00:00",
        )
    return made


def _typed(value: Any, dtype: Any) -> pa.Array[Any]:
    textual = pa.types.is_string(dtype) or pa.types.is_large_string(dtype)
    if textual or pa.types.is_string_view(dtype):
        if not isinstance(value, str):
            raise TypeError
        made: pa.Array[Any] = pa.array([value], pa.string()).cast(dtype)
        return made
    if pa.types.is_boolean(dtype) != isinstance(value, bool):
        raise TypeError
    if not isinstance(value, str):
        text = pa.types.is_decimal(dtype)
        return pa.array([str(value)], pa.string()).cast(dtype) if text else pa.array([value], dtype)
    return _parsed(value, dtype)


def _parsed(text: str, dtype: Any) -> pa.Array[Any]:
    """A value of a type that is no text from what is written for it."""
    if pa.types.is_duration(dtype):
        return pa.array([int(text.removesuffix("us"))], pa.duration("us")).cast(dtype)
    if pa.types.is_time(dtype):
        return pa.array([time.fromisoformat(text)], dtype)
    made: pa.Array[Any]
    if any(test(dtype) for test in _BINARY):
        made = pa.array([bytes.fromhex(text)], dtype)
    else:
        made = pa.array([text], pa.string()).cast(dtype)
    return made


def tick_of(value: Any, axis: Axis, where: str) -> Any:
    """The tick of one value; None if no tick is exactly that, as of 1.5 among whole numbers.

    Raises:
        SampleError: the value is not of the column's type.
    """
    _refuse_wide(axis, where)
    if pa.types.is_integer(axis.value_type) and isinstance(value, float):
        if not value.is_integer():
            return None
        value = int(value)
    array = typed(value, axis.type, where)
    ticks, bad = axis.ticks(array)
    if bad[0] or not plain(axis.values(ticks, bad)).equals(array):
        return None
    return ticks[0].item()


def bound_of(value: Any, axis: Axis, where: str, upper: bool) -> Any:
    """The outermost tick within a bound.

    Raises:
        SampleError: the bound is not of the column's type.
    """
    _refuse_wide(axis, where)
    least, most = axis.limits
    if pa.types.is_integer(axis.value_type) and isinstance(value, float):
        if math.isinf(value):
            return most if value > 0 else least
        value = math.floor(value) if upper else math.ceil(value)
    array = typed(value, axis.type, where)
    ticks, bad = axis.ticks(array)
    given = array[0].as_py()
    if bad[0]:
        if given != given:
            raise SampleError(f"{where}: NaN bounds nothing", hint="give a number")
        return most if given > 0 else least
    tick, step = ticks[0].item(), -1 if upper else 1
    if axis.continuous or not pa.types.is_floating(axis.value_type):
        return tick
    for _ in range(2):  # rounding to the column's decimals may have gone beyond
        made = plain(axis.values(np.array([tick]), np.zeros(1, bool)))[0].as_py()
        if (made > given) if upper else (made < given):
            tick += step
    return tick


def _refuse_wide(axis: Axis, where: str) -> None:
    if axis.continuous and pa.types.is_decimal(axis.value_type):
        raise SampleError(
            f"{where} has decimals of more than 18 digits, which are not compared exactly",
            hint="of such a column, only NULL can be a condition",
        )
