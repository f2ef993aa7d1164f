"""Values that repeat: which of a pool each row has."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synthlake.encode.mixing import mix
from synthlake.relational.feistel import Permutation

Index = NDArray[np.int64]


def members(index: Index, pool: int, rows: int, key: int) -> Index:
    """Members of a pool for some rows; each member has one row, the others any.

    Args:
        index: numbers of the rows, below ``rows``.
        pool: members, at most ``rows``.
        rows: of the table.
        key: of the draw.
    """
    place = Permutation(rows, key)(index)
    drawn = mix(mix(index.astype(np.uint64) + np.uint64(key))) % np.uint64(pool)
    return np.where(place < pool, place, drawn.astype(np.int64))
