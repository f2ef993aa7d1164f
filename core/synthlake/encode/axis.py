"""Ordered Arrow types as whole numbers ("ticks"), exactly and back.

An integer is its own tick; a float or decimal of d decimals counts units of 10^-d; dates and times
count their Arrow unit. Floats without a fixed number of decimals stay float64.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Ticks = NDArray[Any]  # int64, or float64 for a continuous axis
_LIMIT = 2**53


def is_ordered(dtype: pa.DataType) -> bool:
    """Whether values of a type lie on an axis: numbers, dates and times."""
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


def plain(array: pa.Array | pa.ChunkedArray) -> pa.Array:
    """One chunk, with a dictionary type undone."""
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
        if isinstance(array, pa.ChunkedArray):  # several chunks stay where one cannot hold them
            array = pa.concat_arrays(array.chunks)
    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    return array


@dataclass(frozen=True)
class Axis:
    """The axis of one column.

    Attributes:
        type: Arrow type of the column.
        decimals: of floats and decimals; None for a continuous float.
    """

    type: pa.DataType
    decimals: int | None = None

    @property
    def continuous(self) -> bool:
        """Whether ticks are floats."""
        if pa.types.is_floating(self.type):
            return self.decimals is None
        return bool(pa.types.is_decimal(self.type) and self.type.precision > 18)

    def ticks(self, array: pa.Array | pa.ChunkedArray) -> tuple[Ticks, NDArray[np.bool_]]:
        """Ticks, shape (rows,), and the mask of NULLs and of floats that are not finite."""
        array = plain(array)
        null = np.asarray(array.is_null())
        dtype = array.type
        if pa.types.is_decimal(dtype) and not self.continuous:
            return _unscaled(array), null
        if pa.types.is_floating(dtype) or pa.types.is_decimal(dtype):
            floats = np.asarray(array.cast(pa.float64(), safe=False).fill_null(0.0))
            bad = null | ~np.isfinite(floats)
            floats = np.where(bad, 0.0, floats)
            if self.continuous:
                return floats, bad
            return np.rint(floats * 10.0 ** (self.decimals or 0)).astype(np.int64), bad
        return _whole(array), null

    def values(self, ticks: Ticks, null: NDArray[np.bool_]) -> pa.Array:
        """The Arrow array of ticks; NULL where the mask says so."""
        dtype = self.type.value_type if pa.types.is_dictionary(self.type) else self.type
        if pa.types.is_decimal(dtype):
            return _decimals(ticks, null, dtype, self.continuous)
        if pa.types.is_floating(dtype):
            scale = 1.0 if self.decimals is None else 10.0**self.decimals
            made = pa.array(np.asarray(ticks, np.float64) / scale, mask=null)
            return made.cast(dtype, safe=False)
        whole = np.asarray(ticks)
        if whole.dtype.kind == "f":
            whole = np.rint(whole).astype(np.int64)
        if pa.types.is_integer(dtype):
            return pa.array(np.where(null, 0, whole), mask=null).cast(dtype)
        width = pa.int32() if dtype.bit_width == 32 else pa.int64()
        return pa.array(np.where(null, 0, whole), mask=null).cast(width).cast(dtype)


def _whole(array: pa.Array) -> NDArray[np.int64]:
    """Integers and times as int64; unsigned values beyond its range are clipped."""
    dtype = array.type
    if pa.types.is_integer(dtype):
        if dtype == pa.uint64():
            wide = np.asarray(array.fill_null(0))
            return np.minimum(wide, np.uint64(2**63 - 1)).astype(np.int64)
        return np.asarray(array.fill_null(0)).astype(np.int64)
    width = pa.int32() if dtype.bit_width == 32 else pa.int64()
    return np.asarray(array.cast(width).fill_null(0)).astype(np.int64)


def _decimals(
    ticks: Ticks, null: NDArray[np.bool_], dtype: pa.DataType, continuous: bool
) -> pa.Array:
    """Decimals from unscaled integers, or from floats where those are too wide for int64."""
    if continuous:
        return pa.array(np.asarray(ticks, np.float64), mask=null).cast(dtype, safe=False)
    pairs = np.empty((len(ticks), 2), np.int64)
    pairs[:, 0] = np.where(null, 0, ticks)
    pairs[:, 1] = pairs[:, 0] >> 63  # the upper half of a 128-bit integer repeats the sign
    there = pa.array(~null).buffers()[1]
    wide = pa.decimal128(dtype.precision, dtype.scale)
    made = pa.Array.from_buffers(wide, len(ticks), [there, pa.py_buffer(pairs.tobytes())])
    return made.cast(dtype)


def _unscaled(array: pa.Array) -> NDArray[np.int64]:
    """The integers behind decimals of at most 18 digits; 0 for NULL."""
    dtype = array.type
    wide = array.cast(pa.decimal128(max(dtype.precision, 1), dtype.scale))
    buffer = wide.buffers()[1]
    if buffer is None or not len(wide):
        return np.zeros(len(wide), np.int64)
    pairs = np.frombuffer(buffer, np.int64)[2 * wide.offset : 2 * (wide.offset + len(wide))]
    return np.where(np.asarray(wide.is_null()), 0, pairs[::2]).astype(np.int64)
