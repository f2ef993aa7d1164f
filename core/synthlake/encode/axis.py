"""Ordered Arrow types as whole numbers ("ticks"), exactly and back.

An integer is its own tick; a float or decimal of d decimals counts units of 10^-d; dates and times
count their Arrow unit. Floats without a fixed number of decimals stay float64.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Ticks = NDArray[Any]  # int64, or float64 for a continuous axis
AnyArray: TypeAlias = "pa.Array[Any] | pa.ChunkedArray[Any]"
_EXACT = 2**53  # whole numbers up to here are exact as floats
_SIGN = 2**63
_MOST_FLOAT = {
    16: float(np.finfo(np.float16).max),
    32: float(np.finfo(np.float32).max),
    64: float(np.finfo(np.float64).max),
}
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_FIRST_DAY, _LAST_DAY = -719_162, 2_932_896  # of the years 1 and 9999, from 1970-01-01


def is_ordered(dtype: pa.DataType) -> bool:
    """Whether values of a type lie on an axis: numbers, dates and times."""
    dtype = dtype.value_type if pa.types.is_dictionary(dtype) else dtype
    return bool(
        pa.types.is_integer(dtype)
        or pa.types.is_floating(dtype)
        or pa.types.is_decimal(dtype)
        or (pa.types.is_temporal(dtype) and not pa.types.is_interval(dtype))
    )


def indices(rows: NDArray[Any], mask: NDArray[np.bool_] | None = None) -> Any:
    """Positions for Arrow's ``take``; NULL where the mask says so."""
    return pa.array(rows, mask=mask)


def empty(rows: int, dtype: pa.DataType) -> pa.Array[Any]:
    """NULLs of a type."""
    nulls: Any = pa.nulls
    made: pa.Array[Any] = nulls(rows, dtype)
    return made


def whole(array: AnyArray) -> Any:
    """One chunk."""
    made: Any = array
    if isinstance(made, pa.ChunkedArray):
        made = made.combine_chunks()
        if isinstance(made, pa.ChunkedArray):  # several chunks stay where one cannot hold them
            made = pa.concat_arrays(made.chunks)
    return made


def plain(array: AnyArray) -> pa.Array[Any]:
    """One chunk, with dictionaries and views undone."""
    made = whole(array)
    if pa.types.is_dictionary(made.type):
        made = made.cast(made.type.value_type)
    if pa.types.is_string_view(made.type):  # few kernels take views
        made = made.cast(pa.string())
    if pa.types.is_binary_view(made.type):
        made = made.cast(pa.binary())
    found: pa.Array[Any] = made
    return found


def as_text(texts: pa.Array[Any], dtype: pa.DataType) -> pa.Array[Any]:
    """Texts in a type of text, or of a dictionary of them."""
    return coded(texts, dtype) if pa.types.is_dictionary(dtype) else texts.cast(dtype)


def coded(array: pa.Array[Any], dtype: Any) -> pa.Array[Any]:
    """Plain values as a dictionary, if the type is one."""
    if not pa.types.is_dictionary(dtype) or array.type == dtype:
        return array
    made: Any = array.cast(dtype.value_type).dictionary_encode()
    indices = made.indices.cast(dtype.index_type)
    return pa.DictionaryArray.from_arrays(indices, made.dictionary, ordered=dtype.ordered)


@dataclass(frozen=True)
class Axis:
    """The axis of one column.

    Attributes:
        type: Arrow type of the column.
        decimals: of floats; None for a continuous one. Of decimals of more than 18 digits: None if
            some value needs them.
        shifted: whether ticks are counted from 2**63, as some value lies beyond.
    """

    type: pa.DataType
    decimals: int | None = None
    shifted: bool = False

    @property
    def value_type(self) -> Any:
        """The type, that of the values for a dictionary."""
        return self.type.value_type if pa.types.is_dictionary(self.type) else self.type

    @property
    def continuous(self) -> bool:
        """Whether ticks are floats."""
        dtype = self.value_type
        wide = pa.types.is_decimal(dtype) and dtype.precision > 18
        return self.decimals is None and bool(pa.types.is_floating(dtype) or wide)

    @property
    def limits(self) -> tuple[Any, Any]:
        """Least and greatest tick of the type; of dates, of those with four digits of a year."""
        dtype = self.value_type
        if pa.types.is_integer(dtype) and not self.shifted:
            signed = pa.types.is_signed_integer(dtype)
            most = min(2 ** (dtype.bit_width - signed), _SIGN) - 1
            return (-most - 1 if signed else 0), most
        if pa.types.is_decimal(dtype):
            most = 10**dtype.precision - 1
            held = _most_decimal(dtype)
            return (
                (-held, held) if self.continuous else (-min(most, _SIGN - 1), min(most, _SIGN - 1))
            )
        if pa.types.is_floating(dtype):
            held = _MOST_FLOAT[dtype.bit_width]
            return (-held, held) if self.continuous else (1 - _SIGN, _SIGN - 1)
        return _time_limits(dtype)

    def ticks(self, array: AnyArray) -> tuple[Ticks, NDArray[np.bool_]]:
        """Ticks, shape (rows,), and the mask of NULLs and of floats that are not finite."""
        given: Any = plain(array)
        null = np.asarray(given.is_null())
        dtype = given.type
        if self.shifted:
            return (np.asarray(given.fill_null(0)) ^ np.uint64(_SIGN)).view(np.int64), null
        if pa.types.is_decimal(dtype) and not self.continuous:
            return _unscaled(given), null
        if pa.types.is_floating(dtype) or pa.types.is_decimal(dtype):
            floats = np.asarray(given.cast(pa.float64(), safe=False).fill_null(0.0))
            bad = null | ~np.isfinite(floats)
            floats = np.where(bad, 0.0, floats)
            if self.continuous:
                return floats, bad
            return np.rint(floats * 10.0 ** (self.decimals or 0)).astype(np.int64), bad
        return _whole(given), null

    def values(self, ticks: Ticks, null: NDArray[np.bool_]) -> pa.Array[Any]:
        """The Arrow array of ticks; NULL where the mask says so."""
        return coded(self._plain(ticks, null), self.type)

    def _plain(self, ticks: Ticks, null: NDArray[np.bool_]) -> Any:
        dtype: Any = self.value_type
        if self.shifted:
            large = np.asarray(ticks).view(np.uint64) ^ np.uint64(_SIGN)
            return pa.array(large, mask=null)
        if pa.types.is_decimal(dtype):
            return _decimals(ticks, null, dtype, self.continuous)
        if pa.types.is_floating(dtype):
            scale = 1.0 if self.decimals is None else 10.0**self.decimals
            made = pa.array(np.where(null, 0.0, ticks) / scale, mask=null)
            return made.cast(dtype, safe=False)
        whole = np.asarray(ticks)
        if whole.dtype.kind == "f":
            whole = np.rint(whole).astype(np.int64)
        gone = null if null.any() else None
        whole = whole if gone is None else np.where(null, 0, whole)
        if pa.types.is_integer(dtype):
            return pa.array(_narrow(whole, dtype), mask=gone).cast(dtype)
        width = pa.int32() if dtype.bit_width == 32 else pa.int64()
        return pa.array(_narrow(whole, width), mask=gone).cast(width).cast(dtype)


def _narrow(whole: NDArray[Any], dtype: Any) -> NDArray[Any]:
    """Whole numbers in as many bits as a type has, if they fit: Arrow would look at each."""
    if dtype.bit_width >= 64 or not len(whole):
        return whole
    narrow = np.dtype(dtype.to_pandas_dtype())
    held = np.iinfo(narrow)
    fits = held.min <= int(whole.min()) and int(whole.max()) <= held.max
    return whole.astype(narrow) if fits else whole


def _most_decimal(dtype: Any) -> float:
    """The greatest float that a decimal type holds."""
    return float(np.nextafter(10.0 ** (dtype.precision - dtype.scale), 0))


def _time_limits(dtype: Any) -> tuple[int, int]:
    """Least and greatest tick of a date, time or duration; of what is none, of int64."""
    if pa.types.is_time(dtype):
        return 0, 86_400 * _PER_SECOND[dtype.unit] - 1
    if pa.types.is_date32(dtype):
        return _FIRST_DAY, _LAST_DAY
    if pa.types.is_date64(dtype):
        return _FIRST_DAY * 86_400_000, _LAST_DAY * 86_400_000
    if pa.types.is_timestamp(dtype):
        day = 86_400 * _PER_SECOND[dtype.unit]
        return max(_FIRST_DAY * day, 1 - _SIGN), min((_LAST_DAY + 1) * day, _SIGN) - 1
    return 1 - _SIGN, _SIGN - 1


def axis_for(dtype: pa.DataType, decimals: int | None, *arrays: Any) -> Axis:
    """The axis of a column on which all values of some arrays can be told apart.

    Args:
        dtype: of the column.
        decimals: that write all its floats exactly; None if there are none such.
        arrays: its values.
    """
    axis = Axis(dtype, decimals)
    kind = axis.value_type
    if kind == pa.uint64():
        tops = [np.asarray(plain(a).fill_null(0)).max(initial=np.uint64(0)) for a in arrays]
        return Axis(dtype, shifted=any(int(top) >= _SIGN for top in tops))
    if pa.types.is_floating(kind) and decimals is not None:
        return axis if _most(arrays) * 10.0**decimals <= _EXACT else Axis(dtype)
    if pa.types.is_decimal(kind):
        exact = kind.scale <= 18 and _most(arrays) * 10.0**kind.scale < 10**18
        return Axis(dtype, kind.scale if exact else None)
    return axis


def _most(arrays: tuple[Any, ...]) -> float:
    """The greatest absolute value of some arrays, infinities left out."""
    floats = [np.asarray(plain(a).cast(pa.float64(), safe=False).fill_null(0.0)) for a in arrays]
    return max((float(np.abs(f[np.isfinite(f)]).max(initial=0.0)) for f in floats), default=0.0)


def _whole(array: Any) -> Any:
    """Integers and times as int64; unsigned values beyond its range are clipped."""
    dtype = array.type
    if pa.types.is_integer(dtype):
        if dtype == pa.uint64():
            wide = np.asarray(array.fill_null(0))
            return np.minimum(wide, np.uint64(2**63 - 1)).astype(np.int64)
        return np.asarray(array.fill_null(0)).astype(np.int64)
    width = pa.int32() if dtype.bit_width == 32 else pa.int64()
    return np.asarray(array.cast(width).fill_null(0)).astype(np.int64)


def _decimals(ticks: Ticks, null: NDArray[np.bool_], dtype: Any, continuous: bool) -> pa.Array[Any]:
    """Decimals from unscaled integers, or from floats where those are too wide for int64."""
    if continuous:
        held = _most_decimal(dtype)  # beyond, Arrow would write 0
        floats: Any = pa.array(np.clip(np.where(null, 0.0, ticks), -held, held), mask=null)
        rounded: pa.Array[Any] = floats.cast(dtype, safe=False)
        return rounded
    pairs = np.empty((len(ticks), 2), np.int64)
    pairs[:, 0] = np.where(null, 0, ticks)
    pairs[:, 1] = pairs[:, 0] >> 63  # the upper half of a 128-bit integer repeats the sign
    there = pa.array(~null).buffers()[1]
    wide = pa.decimal128(min(dtype.precision, 38), dtype.scale)
    whole: Any = pa.Array.from_buffers(wide, len(ticks), [there, pa.py_buffer(pairs.tobytes())])
    made: pa.Array[Any] = whole.cast(dtype)
    return made


def _unscaled(array: Any) -> NDArray[np.int64]:
    """The integers behind decimals, of at most 18 digits; 0 for NULL."""
    dtype = array.type
    wide = array.cast(pa.decimal128(min(dtype.precision, 38), dtype.scale))
    buffer = wide.buffers()[1]
    if buffer is None or not len(wide):
        return np.zeros(len(wide), np.int64)
    pairs = np.frombuffer(buffer, np.int64)[2 * wide.offset : 2 * (wide.offset + len(wide))]
    return np.where(np.asarray(wide.is_null()), 0, pairs[::2]).astype(np.int64)
