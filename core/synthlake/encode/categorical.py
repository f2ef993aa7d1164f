"""Values that at least k entities share, as codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from synthlake.encode.axis import AnyArray, coded, empty, indices, plain
from synthlake.seed import Words

UNKNOWN = -2  # a value without support: learned from by nobody
ABSENT = -3  # no value can be, as what it is part of is NULL: such rows do not count at all


@dataclass(frozen=True)
class CategoricalCodec:
    """Code i stands for ``values[i]``.

    Attributes:
        type: Arrow type of the column.
        values: distinct supported values, without NULL.

    Privacy: each value is held by k entities or more; other values are not stored.
    """

    type: pa.DataType
    values: pa.Array[Any]

    ordered = False
    exact = True

    @property
    def size(self) -> int:
        """Number of codes."""
        return len(self.values)

    def encode(self, array: AnyArray) -> NDArray[np.int32]:
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

    def decode(self, codes: NDArray[np.int32], words: Words | None = None) -> pa.Array[Any]:
        """Values of codes in the column's Arrow type."""
        if not len(self.values):
            return empty(len(codes), self.type)
        made = self.values.take(indices(np.where(codes < 0, 0, codes), codes < 0))
        return coded(made if made.type == self._plain else made.cast(self._plain), self.type)

    @property
    def _plain(self) -> Any:
        return self.type.value_type if pa.types.is_dictionary(self.type) else self.type


def build_categorical(
    dtype: pa.DataType, counts: pa.Table, k: int, max_values: int
) -> CategoricalCodec:
    """Codes of the supported values among ``counts`` (value, rows, entities), in its order."""
    kept = np.flatnonzero(np.asarray(counts["entities"]) >= k)
    rows = np.asarray(counts["rows"])[kept]
    most = np.sort(np.argsort(-rows, kind="stable")[:max_values])
    return CategoricalCodec(dtype, plain(counts["value"]).take(indices(kept[most])))


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
        or pa.types.is_binary_view(value)
    )
