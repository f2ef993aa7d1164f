"""How many decimals a column of floats is written with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.encode.axis import plain

MOST = 9  # decimals; floats that need more have none
_FEW = 0.05  # share of the values with a fraction that may need more


def needed(array: Any) -> NDArray[np.int8]:
    """The fewest decimals that write each float exactly; ``MOST`` + 1 for more, -1 for no number.

    Args:
        array: Arrow floats of any width.
    """
    values: Any = plain(array)
    narrow = values.type.to_pandas_dtype()
    floats = np.asarray(values.cast(pa.float64()).fill_null(np.nan))
    out = np.full(len(floats), -1, np.int8)
    rows = np.flatnonzero(np.isfinite(floats))
    out[rows] = MOST + 1
    for places in range(MOST + 1):
        with np.errstate(over="ignore", invalid="ignore"):
            rounded = np.round(floats[rows], places).astype(narrow)
            done = rounded == floats[rows].astype(narrow)
        out[rows[done]] = places
        rows = rows[~done]
        if not len(rows):
            break
    return out


def exact_decimals(array: Any) -> int | None:
    """The fewest decimals that write all floats exactly; None for more than ``MOST``."""
    most = int(needed(array).max(initial=0))
    return None if most > MOST else most


def usual_decimals(array: Any, group: NDArray[np.int64], k: int) -> int | None:
    """The fewest decimals that write all floats but a few; None if there are none such.

    A few are one in twenty of those with a fraction, or those of fewer than k entities.

    Args:
        array: Arrow floats.
        group: shape (rows,), entities.
        k: least entities.

    Privacy: no number of decimals comes from fewer than k entities.
    """
    need = needed(array)
    fractions = int((need > 0).sum())
    for places in range(MOST + 1):
        beyond = need > places
        rows = int(beyond.sum())
        if rows <= _FEW * fractions or len(np.unique(group[beyond])) < k:
            return places
    return None
