"""Statistics of columns that no engine counts: from the sample."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from synthlake.encode.axis import plain
from synthlake.encode.decimals import exact_decimals
from synthlake.encode.pattern import shape_of
from synthlake.models.support import distinct
from synthlake.schema.model import Role
from synthlake.schema.probe import MIN_SHARED
from synthlake.schema.roles import by_type
from synthlake.sql.statistics import MAX_SHAPES, MAX_VALUES, ColumnStatistics


def count_sample(array: Any, group: NDArray[np.int64]) -> ColumnStatistics:
    """What ``sql.columns`` counts of a column, of sampled rows instead of all.

    Args:
        array: a flat column.
        group: shape (rows,), entities from 0.
    """
    values = plain(array)
    there = np.asarray(values.is_valid())
    decimals, special = None, (0, 0, 0)
    if pa.types.is_floating(values.type):
        floats = np.asarray(values.cast(pa.float64()).fill_null(0.0))
        finite = there & np.isfinite(floats)
        decimals = exact_decimals(values)
        special = tuple(
            int((there & mask).sum())
            for mask in (np.isnan(floats), floats == np.inf, floats == -np.inf)
        )  # type: ignore[assignment]
        there = finite
    known, group = values.filter(pa.array(there)), group[there]
    if pa.types.is_null(known.type):
        return ColumnStatistics(len(values), len(values), 0)
    coded = _encodable(known).dictionary_encode()
    places = np.asarray(coded.indices).astype(np.int64)
    counts = _counts(coded.dictionary, places, group) if len(coded.dictionary) else None
    few = counts if counts is not None and counts.num_rows <= MAX_VALUES else None
    shapes = _shapes(coded.dictionary, places, group) if _is_text(known.type) else None
    return ColumnStatistics(
        len(values), values.null_count, len(coded.dictionary), few, None, shapes, decimals, special
    )


def _encodable(values: Any) -> Any:
    """Values in a type that Arrow can group and sort."""
    kind: Any = values.type
    if pa.types.is_float16(kind):
        return values.cast(pa.float32())
    if pa.types.is_decimal32(kind) or pa.types.is_decimal64(kind):
        return values.cast(pa.decimal128(kind.precision, kind.scale))
    return values


def role_of_values(kind: pa.DataType, counted: ColumnStatistics) -> Role:
    """The role of a column without one, as ``schema.roles`` gives it."""
    role = by_type(kind)
    if role is not None or not _is_text(kind) or counted.counts is None:
        return role or ("text" if _is_text(kind) and counted.distinct else "categorical")
    rows = np.asarray(counted.counts["rows"])
    return "categorical" if 2 * rows[rows >= MIN_SHARED].sum() >= rows.sum() else "text"


def _is_text(kind: Any) -> bool:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def _counts(values: Any, places: NDArray[np.int64], group: NDArray[np.int64]) -> pa.Table:
    table = pa.table({
        "value": values,
        "rows": pa.array(np.bincount(places, minlength=len(values))),
        "entities": pa.array(distinct(places, group, len(values))),
    })  # fmt: skip
    return table.take(pc.sort_indices(table, [("value", "ascending")]))


def _shapes(values: Any, places: NDArray[np.int64], group: NDArray[np.int64]) -> pa.Table:
    """The most frequent shapes of texts."""
    found, shape = np.unique(np.array(shape_of(values), object).astype(str), return_inverse=True)
    shaped = shape[places] if len(places) else places
    rows = np.bincount(shaped, minlength=len(found))
    people = distinct(shaped, group, len(found))
    first = np.argsort(-rows, kind="stable")[:MAX_SHAPES]
    return pa.table({
        "shape": pa.array(found[first].tolist(), pa.string()),
        "rows": pa.array(rows[first]),
        "entities": pa.array(people[first]),
    })  # fmt: skip
