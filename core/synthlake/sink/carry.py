"""Arrow types as databases have them: few, wide enough, and never with loss."""

from __future__ import annotations

from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from synthlake.errors import SinkError

_WIDER: Final[dict[pa.DataType, pa.DataType]] = {
    pa.int8(): pa.int16(),
    pa.uint8(): pa.int16(),
    pa.uint16(): pa.int32(),
    pa.uint32(): pa.int64(),
    pa.uint64(): pa.decimal128(20, 0),
    pa.float16(): pa.float32(),
    pa.large_string(): pa.string(),
    pa.string_view(): pa.string(),
    pa.null(): pa.string(),
    pa.large_binary(): pa.binary(),
    pa.binary_view(): pa.binary(),
    pa.date64(): pa.date32(),
}
_HELD: Final = frozenset(
    {
        pa.bool_(), pa.int16(), pa.int32(), pa.int64(), pa.float32(), pa.float64(), pa.string(),
        pa.binary(), pa.date32(), pa.uuid(),
    }
)  # fmt: skip
_DECIMAL_DIGITS: Final = 38


def carried(kind: pa.DataType) -> pa.DataType | None:
    """The type in which values of an Arrow type go to a database; None if there is none.

    That is one of bool, int16, int32, int64, float32, float64, string, binary, date32, uuid,
    time64[us], timestamp[us] without a zone or in UTC, and decimal128. Durations go as whole
    numbers of their unit.
    """
    found: Any = kind
    if pa.types.is_dictionary(found):
        return carried(found.value_type)
    if found in _HELD:
        return kind
    if pa.types.is_timestamp(found):
        return pa.timestamp("us", "UTC" if found.tz else None)
    if pa.types.is_decimal(found):
        return _decimal(found)
    if pa.types.is_time(found):
        return pa.time64("us")
    if pa.types.is_duration(found):
        return pa.int64()
    if pa.types.is_fixed_size_binary(found):
        return pa.binary()
    return _WIDER.get(kind)


def _decimal(kind: Any) -> pa.DataType | None:
    digits, scale = kind.precision, kind.scale
    if scale < 0:
        digits, scale = digits - scale, 0
    return pa.decimal128(digits, scale) if digits <= _DECIMAL_DIGITS else None


def carry(values: Any, kind: pa.DataType, where: str) -> Any:
    """Values in the type in which they go to a database.

    Args:
        values: an array.
        kind: from ``carried``.
        where: ``table.column``, for the message.

    Raises:
        SinkError: a value would be changed, such as a time of a fraction of a microsecond.
    """
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if values.type == kind:
        return values
    try:
        return pc.cast(values, kind)
    except pa.ArrowException:
        pass  # raised outside, as Arrow's message quotes the value
    raise SinkError(
        f"{where} is {values.type}, and a value of it cannot be written as {kind} without loss",
        hint="cast the column in the source",
    )
