"""Texts that are made many at once, by what was chosen for each row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from synthlake.encode.axis import indices


def by_choice(
    choice: NDArray[np.int64], make: Callable[[int, NDArray[np.int64]], pa.Array[Any]]
) -> pa.Array[Any]:
    """Texts that are made together where they were chosen alike.

    Args:
        choice: shape (rows,).
        make: texts of one choice, for the rows that have it.
    """
    parts: list[pa.Array[Any]] = [pa.array([], pa.string())]
    places, start = np.zeros(len(choice), np.int64), 0
    for number in np.flatnonzero(np.bincount(choice)):
        rows = np.flatnonzero(choice == number)
        parts.append(make(int(number), rows))
        places[rows] = np.arange(start, start + len(rows))
        start += len(rows)
    return pa.concat_arrays(parts).take(indices(places))


def joined(columns: Sequence[Any], rows: int) -> pa.Array[Any]:
    """Texts put together from arrays and scalars, row by row."""
    join: Any = pc.binary_join_element_wise
    whole: list[Any] = [pa.array([""] * rows, pa.string()), *columns]
    made: pa.Array[Any] = join(*whole, pa.scalar("", pa.string()))
    return made
