"""Whether a cell has a value: all that is learned of identifiers and personal data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.encode.axis import AnyArray, empty, plain
from synthlake.seed import Words


@dataclass(frozen=True)
class PresenceCodec:
    """Code 0 stands for any value, which is made from the row's number.

    Privacy: holds nothing of any value.
    """

    type: pa.DataType

    ordered = False
    exact = True
    size = 1

    def encode(self, array: AnyArray) -> NDArray[np.int32]:
        """0 for values, -1 for NULL; shape (rows,)."""
        return np.where(np.asarray(plain(array).is_null()), -1, 0).astype(np.int32)

    def decode(self, codes: NDArray[np.int32], words: Words | None = None) -> pa.Array[Any]:
        """NULLs: the values are made elsewhere."""
        return empty(len(codes), self.type)
