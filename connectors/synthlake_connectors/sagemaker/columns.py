"""Columns of a table as the columns of a training file.

The built-in algorithms read CSV of numbers alone, so in CSV

| Arrow | becomes |
|---|---|
| bool | 0 or 1 |
| whole and decimal numbers, floats | themselves; NaN is missing |
| date | days since 1970 |
| timestamp, time, duration | seconds, since 1970 (UTC) or midnight |
| string, also as a dictionary | its place among the sorted values of the synthetic rows, from 0 |

and what is missing is an empty field. Text of more values than ``max_categories``, binary and
nested columns are left out, and the manifest says so. Parquet and JSON Lines keep values as they
are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from synthlake.api import errors, nearest

_SECOND: Final = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


@dataclass(frozen=True)
class Encoded:
    """A column of the training files.

    Attributes:
        name: of the column.
        encoding: how its values are written.
        categories: of codes; a value's code is its place.
    """

    name: str
    encoding: str
    categories: tuple[str, ...] = ()

    def apply(self, values: Any) -> Any:
        """Values as they are written; those that have no code are missing."""
        if self.encoding == "code":
            plain = _text(values)
            return pc.index_in(plain, value_set=pa.array(self.categories, pa.string()))
        if self.encoding == "number":
            return _number(values)
        return _SIMPLE[self.encoding](values)

    def unseen(self, values: Any) -> int:
        """How many values have no code."""
        if self.encoding != "code":
            return 0
        return int(self.apply(values).null_count - values.null_count)

    def to_json(self) -> dict[str, Any]:
        """For the manifest."""
        held = {"categories": list(self.categories)} if self.encoding == "code" else {}
        return {"name": self.name, "encoding": self.encoding, **held}


@dataclass(frozen=True)
class Layout:
    """What the training files hold.

    Attributes:
        columns: the label first.
        left_out: why other columns are not there.
    """

    columns: tuple[Encoded, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """Name of the label."""
        return self.columns[0].name

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The rows of a batch that have a label, as they are written."""
        arrays = [c.apply(batch.column(c.name)) for c in self.columns]
        made = pa.RecordBatch.from_arrays(arrays, names=[c.name for c in self.columns])
        return made.filter(pc.is_valid(made.column(0)))


def order(schema: pa.Schema, label: str, wanted: Sequence[str] | None) -> list[str]:
    """Names of the columns in the files, the label first.

    Raises:
        SpecError: there is no such column.
    """
    if isinstance(wanted, str) or len(set(wanted or ())) < len(wanted or ()):
        raise errors.SpecError("columns are no list of different names", hint="name each once")
    for name in [label, *(wanted or ())]:
        if name not in schema.names:
            raise errors.SpecError(
                f"the table has no column {name!r}", hint=nearest(name, schema.names)
            )
    chosen = schema.names if wanted is None else wanted
    return [label, *(name for name in chosen if name != label)]


def as_they_are(names: Sequence[str]) -> Layout:
    """Columns of formats that hold every type."""
    return Layout(tuple(Encoded(name, "as it is") for name in names))


def as_numbers(
    schema: pa.Schema,
    names: Sequence[str],
    batches: Iterable[pa.RecordBatch],
    max_categories: int,
    strict: bool,
) -> Layout:
    """Columns of CSV.

    Args:
        schema: of the rows.
        names: of the columns, the label first.
        batches: all synthetic rows, for the values of text.
        max_categories: most values that text may have to be a column.
        strict: whether a column that cannot be one is an error.

    Raises:
        SpecError: the label cannot be a number, or ``strict`` and another column.
    """
    kinds = {name: _encoding(schema.field(name).type) for name in names}
    texts = {name: set[str]() for name in names if kinds[name] == "code"}
    for batch in batches:
        for name, known in texts.items():
            if len(known) <= max_categories:
                known.update(
                    v for v in pc.unique(_text(batch.column(name))).to_pylist() if v is not None
                )
    made, left_out = [], {}
    for name in names:
        reason = f"is {schema.field(name).type}" if kinds[name] == "" else ""
        if len(texts.get(name, ())) > max_categories:
            reason = f"has more than {max_categories} values"
        if reason and (strict or name == names[0]):
            raise errors.SpecError(
                f"{name} {reason}, which CSV for the built-in algorithms does not hold",
                hint="choose another column, a larger max_categories, or format='parquet'",
            )
        if reason:
            left_out[name] = reason
        else:
            made.append(Encoded(name, kinds[name], tuple(sorted(texts.get(name, ())))))
    return Layout(tuple(made), left_out)


def _encoding(kind: pa.DataType) -> str:
    found: Any = kind
    if pa.types.is_dictionary(found):
        return _encoding(found.value_type)
    tests = {
        "code": (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view),
        "number": (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal),
        "0 or 1": (pa.types.is_boolean,),
        "days": (pa.types.is_date,),
        "seconds": (pa.types.is_timestamp, pa.types.is_time, pa.types.is_duration),
    }
    return next((name for name, some in tests.items() if any(t(kind) for t in some)), "")


def _text(values: Any) -> Any:
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    return values.cast(pa.string())


def _number(values: Any) -> Any:
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if pa.types.is_float16(values.type):
        values = values.cast(pa.float32())
    if not pa.types.is_floating(values.type):
        return values
    return pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)


def _seconds(values: Any) -> Any:
    whole = values.cast(pa.int32() if values.type.bit_width == 32 else pa.int64())
    parts = _SECOND[values.type.unit]
    return whole if parts == 1 else pc.divide(whole.cast(pa.float64(), safe=False), float(parts))


_SIMPLE: Final[dict[str, Callable[[Any], Any]]] = {
    "0 or 1": lambda values: values.cast(pa.int8()),
    "days": lambda values: values.cast(pa.date32()).cast(pa.int32()),
    "seconds": _seconds,
    "as it is": lambda values: values,
}
