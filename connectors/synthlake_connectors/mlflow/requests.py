"""What a caller asks a model for: a row a request, checked before anything is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from synthlake.api import errors

ROWS, TABLE, SEED = "num_rows", "table", "seed"
_INPUTS = (ROWS, TABLE)
_FORM = f"give {{'{ROWS}': [1000], '{TABLE}': ['a_table']}}, as a mapping, a list or a DataFrame"


@dataclass(frozen=True)
class Request:
    """One request.

    Attributes:
        rows: that the table shall have; None for as many as were learned.
        table: its name; None for the only one.
    """

    rows: int | None
    table: str | None


def requests_of(data: Any) -> list[Request]:
    """The requests in a model's input.

    Args:
        data: a DataFrame, a mapping of columns or of one row, or a list of rows.

    Raises:
        SampleError: it is none of these, has a column that no model has, such as a condition, or
            a value of the wrong kind.
    """
    columns = _columns(data)
    for name in columns:
        if name not in _INPUTS:
            raise errors.SampleError(
                f"the input column {name!r} is not known: rows cannot be made under conditions",
                hint=f"the inputs are {', '.join(_INPUTS)}",
            )
    sizes = {len(column) for column in columns.values()}
    if len(sizes) > 1:
        raise errors.SampleError("the input columns differ in length", hint=_FORM)
    count = sizes.pop() if sizes else 1  # no column at all is one request for the defaults
    if count == 0:
        raise errors.SampleError("the input has no row, so that nothing is asked for", hint=_FORM)
    numbers = [_whole(v) for v in columns.get(ROWS, [None] * count)]
    tables = [_name(v) for v in columns.get(TABLE, [None] * count)]
    return [Request(*each) for each in zip(numbers, tables, strict=True)]


def seed_of(params: Mapping[str, Any] | None) -> int:
    """The seed in a model's parameters, 0 if there is none.

    Raises:
        SampleError: there is another parameter, or the seed is no whole number.
    """
    for name in params or {}:
        if name != SEED:
            raise errors.SampleError(f"there is no parameter {name!r}", hint=f"there is {SEED}")
    seed = (params or {}).get(SEED, 0)
    return 0 if seed is None else _integer(seed, SEED)


def _columns(data: Any) -> dict[str, list[Any]]:
    if isinstance(data, Mapping):
        return _of_mapping(data)
    if hasattr(data, "columns") and hasattr(data, "iloc"):
        return _of_frame(data)
    if isinstance(data, Sequence) and all(isinstance(row, Mapping) for row in data):
        if not data:
            return {ROWS: []}
        names = dict.fromkeys(str(name) for row in data for name in row)
        return {name: _plain([row.get(name) for row in data], name) for name in names}
    raise errors.SampleError(f"a {type(data).__name__} is no request", hint=_FORM)


def _of_mapping(data: Mapping[Any, Any]) -> dict[str, list[Any]]:
    listed = {
        str(n): v for n, v in data.items() if not isinstance(v, str) and hasattr(v, "__len__")
    }
    count = max((len(column) for column in listed.values()), default=1)
    return {
        str(name): _plain(list(listed[str(name)]) if str(name) in listed else [value] * count, name)
        for name, value in data.items()
    }


def _of_frame(data: Any) -> dict[str, list[Any]]:
    names = [str(name) for name in data.columns]
    if len(set(names)) < len(names):
        raise errors.SampleError("the input has two columns of one name", hint=_FORM)
    if not names:
        return {} if len(data) == 1 else {ROWS: [None] * len(data)}
    return {name: _plain(data.iloc[:, at], name) for at, name in enumerate(names)}


def _plain(column: Any, name: object) -> list[Any]:
    """Python values, None for whatever pandas and numpy call missing."""
    if name not in _INPUTS:
        return list(column)  # refused by name in a moment
    try:
        held: list[Any] = pa.array(column, from_pandas=True).to_pylist()
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        raise errors.SampleError(f"the values of {name} differ in kind", hint=_FORM) from None
    return held


def _whole(value: Any) -> int | None:
    return None if value is None else _integer(value, ROWS)


def _integer(value: Any, name: str) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # pandas has whole numbers beside missing ones as floats
    if isinstance(value, bool) or not isinstance(value, int):
        raise errors.SampleError(f"{name} is no whole number", hint=f"such as {name}: 1000")
    return int(value)


def _name(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise errors.SampleError(f"{TABLE} is no text", hint="give the name of a table")
