"""The floor of tables that refer to nothing: each column of the real rows, shuffled on its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.quality.dataset import DataSet
from synthlake.quality.layout import Field
from synthlake.quality.marginal import Marginal
from synthlake.schema.model import Table
from synthlake.sql.kinds import kind, scale, unit

MAX_ROWS = 100_000
_LONGEST = 1_000  # characters of a text of which every row has another
_MICROS = {"s": 1_000_000, "ms": 1_000, "us": 1}
_DAY = 86_400 * 1_000_000


class Unlisted(Exception):  # noqa: N818 - says why, and is no error of anyone's
    """A column has values that are not counted one by one."""


def independent(real: DataSet, fields: Callable[[str], dict[str, Field]], seed: int) -> (
    dict[str, pa.Table] | None
):  # fmt: skip
    """Tables whose columns are the real ones, as often as there, drawn independently.

    Nothing is learned: the counts that every column is judged by say how often each value is.
    Of more than ``MAX_ROWS`` rows there are so many, with each value's share.

    Args:
        real: all real rows.
        fields: columns of a table as they are judged.
        seed: of the order.

    Returns:
        None where values are not counted one by one (nested ones, texts beyond 20,000), or tables
        refer to each other.

    Privacy: holds real values; it is for scoring alone and never stored.
    Cost: O(columns x ``MAX_ROWS``), and the counts that are needed anyway.
    """
    tables = [t for t in real.schema if not t.skip]
    if any(t.references for t in tables):
        return None
    try:
        return {t.name: _table(real, t, fields(t.name), seed) for t in tables}
    except (Unlisted, pa.ArrowException, OverflowError, ValueError, InvalidOperation):
        return None


def _table(real: DataSet, table: Table, fields: dict[str, Field], seed: int) -> pa.Table:
    rows = min(real.rows(table.name), MAX_ROWS)
    columns: dict[str, pa.Array[Any]] = {}
    for number, field in enumerate(fields.values()):
        if (field.name,) == table.primary_key:
            columns[field.name] = _keys(field, rows)
            continue
        marginal = real.marginal(field)
        order = np.random.Generator(np.random.Philox(key=[seed & (2**64 - 1), number]))
        chosen = order.permutation(_chosen(marginal, rows))
        columns[field.name] = _listed(field, marginal).take(pa.array(chosen))
    return pa.table(columns)


_WHOLE = 2.0**53  # beyond, doubles leave integers out


def _keys(field: Field, rows: int) -> pa.Array[Any]:
    if kind(field.type) not in ("integer", "text"):
        raise Unlisted
    return pa.array(range(rows)).cast(field.type)


def _chosen(marginal: Marginal, rows: int) -> NDArray[np.int64]:
    """Numbers of values: of each as many as its share of all rows; NULL and NaN after the last."""
    counts = np.concatenate([marginal.counts, [marginal.nulls, marginal.nans]])
    upto = np.cumsum(counts)
    if upto[-1] != marginal.rows:
        raise Unlisted  # some texts are not listed
    middle = (np.arange(rows) * 2 + 1) * int(upto[-1]) // (2 * max(rows, 1))
    return np.searchsorted(upto, middle, side="right")


def _listed(field: Field, marginal: Marginal) -> pa.Array[Any]:
    """The values of a column in its type, then NULL and NaN."""
    if field.kind == "opaque" or kind(field.type) == "nested":
        raise Unlisted
    if field.kind == "name":
        if marginal.most > _LONGEST:
            raise Unlisted
        return pa.array(["x" * int(v) for v in marginal.values] + [None, None], field.type)
    if not field.ordered:
        return _texts(marginal.texts, field.type)
    if field.kind == "time":
        return _times(marginal.values, field.type)
    if kind(field.type) == "float":
        held: list[float | None] = [*marginal.values.tolist(), None, float("nan")]
        return pa.array(held, pa.float64()).cast(field.type)
    if kind(field.type) == "integer":
        return pa.array([*_whole(marginal.values), None, None], field.type)
    digits = Decimal(1).scaleb(-scale(field.type))
    exact = [Decimal(v).quantize(digits) for v in marginal.values.tolist()]
    return pa.array([*exact, None, None], field.type)


def _whole(values: NDArray[np.float64]) -> list[int]:
    if np.abs(values).max(initial=0.0) > _WHOLE:
        raise Unlisted  # values are listed as doubles, which do not hold them
    return [int(v) for v in values]


def _texts(texts: Sequence[str], type: pa.DataType) -> pa.Array[Any]:
    if kind(type) == "boolean":
        return pa.array([*(t == "true" for t in texts), None, None], type)
    if kind(type) != "text":
        raise Unlisted
    return pa.array([*texts, None, None], type)


def _times(values: NDArray[np.float64], type: pa.DataType) -> pa.Array[Any]:
    """Times, which are counted in microseconds, in their own unit."""
    micros = [int(v) for v in values]
    if kind(type) == "date":
        days = pa.array([*(v // _DAY for v in micros), None, None], pa.int32())
        return days.cast(pa.date32()).cast(type)
    own = unit(type)
    counted = [v * 1_000 if own == "ns" else v // _MICROS[own] for v in micros]
    width = pa.int32() if pa.types.is_time32(type) else pa.int64()
    return pa.array([*counted, None, None], width).cast(type)
