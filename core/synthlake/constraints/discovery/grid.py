"""A sample of a table as codes, numbers and masks: all that looking for structure needs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.encode.axis import Axis, is_ordered, plain

Family = Literal["number", "date", "timestamp", "span"]
_DECIMALS = range(7)
_ODD = 0.01  # share of values that may have more decimals than the rest
_MORE = frozenset(
    ("asc", "both", "check", "default", "foreign", "grant", "lateral", "leading", "localtime",
     "only", "placing", "primary", "some", "symmetric", "to", "trailing", "user", "variadic",
     "window")
)  # fmt: skip
_CLOSE = {16: 1e-3, 32: 1e-6, 64: 1e-10}  # of a float, what writing it in decimals may lose


@dataclass(frozen=True)
class Numbers:
    """A column as floats.

    Attributes:
        values: shape (rows,); NaN where there is none.
        decimals: that write nearly all of them; None if there are too many.
        family: only columns of one family are compared.
    """

    values: NDArray[np.float64]
    decimals: int | None
    family: Family


@dataclass(frozen=True)
class Grid:
    """Rows by columns.

    Attributes:
        names: of the columns.
        codes: shape (rows, columns); equal values of a column have equal codes, NULL is -1.
        null: shape (rows, columns).
        numbers: by name.
        group: shape (rows,); entities, numbered from 0.
        k: least entities behind anything stored.
        arrays: by name, to write values where they may be shown.
    """

    names: tuple[str, ...]
    codes: NDArray[np.int32]
    null: NDArray[np.bool_]
    numbers: Mapping[str, Numbers]
    group: NDArray[np.int64]
    k: int
    arrays: Mapping[str, pa.Array[Any]] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """How many."""
        return len(self.group)

    def place(self, name: str) -> int:
        """Position of a column."""
        return self.names.index(name)


def quoted(name: str) -> str:
    """A name in SQL, in quotes unless it is plain and no engine's word."""
    simple = name.isascii() and name.isidentifier() and name == name.lower()
    return name if simple and name not in _words() else '"' + name.replace('"', '""') + '"'


@cache
def _words() -> frozenset[str]:
    from sqlglot.tokens import Tokenizer

    return _MORE | {w.lower() for key in Tokenizer.KEYWORDS for w in key.split()}


def build_grid(
    table: pa.Table, columns: Sequence[str], k: int, group: NDArray[np.int64] | None = None,
    hidden: Collection[str] = (),
) -> Grid:  # fmt: skip
    """The columns of a sample.

    Args:
        table: rows.
        columns: which of its columns.
        k: least entities behind anything stored.
        group: entities of the rows, numbered from 0; None where each row is one.
        hidden: columns of which only the NULLs are looked at.
    """
    rows = table.num_rows
    codes = np.full((rows, len(columns)), -1, np.int32)
    null = np.zeros((rows, len(columns)), bool)
    numbers, arrays = {}, {}
    for place, name in enumerate(columns):
        array = plain(table[name])
        null[:, place] = np.asarray(array.is_null())
        if name in hidden:
            continue
        coded = _coded(array)
        if coded is not None:
            codes[:, place], arrays[name] = coded, array
        found = numbers_of(array)
        if found is not None:
            numbers[name] = found
    of = np.arange(rows) if group is None else group
    return Grid(tuple(columns), codes, null, numbers, of, k, arrays)


def _coded(array: Any) -> NDArray[np.int32] | None:
    """Codes of values; None for types whose values cannot be told apart."""
    try:
        found = array.dictionary_encode()
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        return None
    indices: NDArray[np.int32] = np.asarray(found.indices.fill_null(-1)).astype(np.int32)
    return indices


def numbers_of(array: Any) -> Numbers | None:
    """A column on an axis as floats; None for other types."""
    dtype = array.type
    if not is_ordered(dtype) or pa.types.is_time(dtype):
        return None
    if pa.types.is_floating(dtype) or pa.types.is_decimal(dtype):
        floats = np.asarray(array.cast(pa.float64(), safe=False)).astype(np.float64)
        floats = np.where(np.isfinite(floats), floats, np.nan)
        width = dtype.bit_width if pa.types.is_floating(dtype) else 64
        return Numbers(floats, _decimals(floats, width), "number")
    ticks, null = Axis(dtype).ticks(array)
    values = np.where(null, np.nan, ticks.astype(np.float64))
    return Numbers(values, 0, _family(dtype))


def _family(dtype: Any) -> Family:
    if pa.types.is_integer(dtype):
        return "number"
    if pa.types.is_date32(dtype):
        return "date"
    return "span" if pa.types.is_duration(dtype) else "timestamp"


def _decimals(floats: NDArray[np.float64], width: int) -> int | None:
    """The fewest decimals that write nearly all floats, but for what arithmetic loses."""
    known = floats[np.isfinite(floats)]
    for decimals in _DECIMALS:
        scaled = known * 10.0**decimals
        off = np.abs(scaled - np.rint(scaled)) > _CLOSE[width] * np.maximum(np.abs(scaled), 1)
        if off.sum() <= _ODD * len(known):
            return decimals
    return None


def mixed(rows: int) -> NDArray[np.int64]:
    """An order of rows that has nothing to do with theirs, the same at each call."""
    step = max(int(rows * 0.6180339887) | 1, 1)
    while np.gcd(step, rows) > 1:
        step += 2
    return np.arange(rows, dtype=np.int64) * step % max(rows, 1)
