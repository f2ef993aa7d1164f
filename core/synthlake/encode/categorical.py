"""Values that at least k entities share, as codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from synthlake.encode.axis import plain
from synthlake.seed import Words

UNKNOWN = -2  # a value without support: learned from by nobody


@dataclass(frozen=True)
class CategoricalCodec:
    """Code i stands for ``values[i]``.

    Attributes:
        type: Arrow type of the column.
        values: distinct supported values, without NULL.

    Privacy: each value is held by k entities or more; other values are not stored.
    """

    type: pa.DataType
    values: pa.Array

    ordered = False

    @property
    def size(self) -> int:
        """Number of codes."""
        return len(self.values)

    def encode(self, array: pa.Array | pa.ChunkedArray) -> NDArray[np.int32]:
        """Codes of values, shape (rows,); NULL is -1, an unsupported value ``UNKNOWN``."""
        array = plain(array)
        if array.type != self.values.type:
            array = array.cast(self.values.type)
        null = np.asarray(array.is_null())
        if not len(self.values):
            return np.where(null, -1, UNKNOWN).astype(np.int32)
        found = pc.index_in(array, value_set=self.values)
        codes = np.asarray(found.fill_null(UNKNOWN)).astype(np.int32)
        return np.where(null, -1, codes).astype(np.int32)

    def decode(self, codes: NDArray[np.int32], words: Words | None = None) -> pa.Array:
        """Values of codes in the column's Arrow type."""
        at = pa.array(np.where(codes < 0, 0, codes), mask=codes < 0)
        if not len(self.values):
            return pa.nulls(len(codes), self.type)
        made = self.values.take(at)
        return made if made.type == self.type else made.cast(self.type)


def build_categorical(
    dtype: pa.DataType, counts: pa.Table, k: int, max_values: int
) -> CategoricalCodec:
    """Codes of the supported values among ``counts`` (value, rows, entities), in its order."""
    kept = counts.filter(pc.greater_equal(counts["entities"], k))
    if kept.num_rows > max_values:
        order = np.lexsort((np.arange(kept.num_rows), -np.asarray(kept["rows"])))[:max_values]
        kept = kept.take(pa.array(np.sort(order)))
    return CategoricalCodec(dtype, plain(kept["value"]))


def is_categorical(dtype: pa.DataType) -> bool:
    """Whether values of a type are compared only for equality."""
    value: Any = dtype.value_type if pa.types.is_dictionary(dtype) else dtype
    return bool(
        pa.types.is_boolean(value)
        or pa.types.is_string(value)
        or pa.types.is_large_string(value)
        or pa.types.is_string_view(value)
        or pa.types.is_binary(value)
        or pa.types.is_large_binary(value)
        or pa.types.is_fixed_size_binary(value)
    )
