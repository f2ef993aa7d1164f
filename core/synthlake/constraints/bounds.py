"""Bounds as exact numbers, whatever the type of a column, and as ticks of its axis."""

from __future__ import annotations

import datetime
import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from synthlake.encode.axis import Axis

Family = Literal["number", "date", "instant", "time", "duration", "boolean", "text", "other"]
_NANOS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
_DAY = 86_400 * 10**9
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_TESTS: tuple[tuple[Family, Any], ...] = (
    ("boolean", pa.types.is_boolean),
    ("number", pa.types.is_integer),
    ("number", pa.types.is_floating),
    ("number", pa.types.is_decimal),
    ("date", pa.types.is_date),
    ("time", pa.types.is_time),
    ("duration", pa.types.is_duration),
    ("text", pa.types.is_string),
    ("text", pa.types.is_large_string),
    ("text", pa.types.is_string_view),
)


def value_type(dtype: pa.DataType) -> Any:
    """The type of the values: of a dictionary, what it refers to."""
    return dtype.value_type if pa.types.is_dictionary(dtype) else dtype


def family_of(dtype: pa.DataType) -> Family:
    """Types whose values can be compared with each other have the same family."""
    plain = value_type(dtype)
    if pa.types.is_timestamp(plain):
        return "date" if plain.tz is None else "instant"
    return next((name for name, test in _TESTS if test(plain)), "other")


def single(dtype: pa.DataType) -> bool:
    """Whether values are floats of fewer than 64 bits, whose sums lose more."""
    plain = value_type(dtype)
    return bool(pa.types.is_floating(plain) and plain.bit_width < 64)


def nanos(dtype: pa.DataType) -> int:
    """Nanoseconds of a tick of a date, time, timestamp or duration."""
    plain = value_type(dtype)
    if pa.types.is_date32(plain):
        return _DAY
    return _NANOS["ms"] if pa.types.is_date64(plain) else _NANOS[plain.unit]


def exact(value: Any, dtype: pa.DataType) -> Fraction:
    """A bound as a number: as it is written, or nanoseconds since the epoch or midnight.

    Raises:
        ValueError: it is no value of the type.
    """
    if family_of(dtype) == "number":
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError("not finite")
        return Fraction(repr(value) if isinstance(value, float) else value)
    if not isinstance(value, str):
        raise ValueError("not a text")
    if family_of(dtype) == "time":
        time = datetime.time.fromisoformat(value)
        seconds = time.hour * 3_600 + time.minute * 60 + time.second
        return Fraction(seconds * 10**9 + time.microsecond * 1_000)
    since = moment(value) - _EPOCH
    return Fraction((since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1_000)


def moment(text: str) -> datetime.datetime:
    """A date or timestamp, as UTC where no zone is said. Raises: ValueError."""
    found = datetime.datetime.fromisoformat(text)
    return found.astimezone(datetime.UTC) if found.tzinfo else found.replace(tzinfo=datetime.UTC)


def per_tick(axis: Axis) -> Fraction:
    """What a tick of an axis is worth: of a number, or in nanoseconds."""
    if family_of(axis.type) != "number":
        return Fraction(nanos(axis.type))
    return Fraction(1) if axis.continuous else Fraction(1, 10 ** decimals_of(axis))


def decimals_of(axis: Axis) -> int:
    """Digits after the point of an axis that is not continuous."""
    plain = value_type(axis.type)
    return int(plain.scale) if pa.types.is_decimal(plain) else axis.decimals or 0


@dataclass(frozen=True)
class Limits:
    """Least and greatest value that a column may have; None for no bound.

    Attributes:
        open_low, open_high: whether the end itself is left out.
    """

    low: Fraction | None = None
    high: Fraction | None = None
    open_low: bool = False
    open_high: bool = False

    def meet(self, other: Limits) -> Limits:
        """Both together."""
        low, open_low = max(
            ((b.low, b.open_low) for b in (self, other) if b.low is not None), default=(None, False)
        )
        high, shut = min(
            ((b.high, not b.open_high) for b in (self, other) if b.high is not None),
            default=(None, True),
        )
        return Limits(low, high, open_low, not shut)

    @property
    def empty(self) -> bool:
        """Whether nothing lies within."""
        if self.low is None or self.high is None:
            return False
        return self.low > self.high or (self.low == self.high and (self.open_low or self.open_high))

    def ticks(self, axis: Axis) -> tuple[Any, Any]:
        """First and last tick of an axis within; None for no bound."""
        worth = per_tick(axis)
        if axis.continuous:
            return _float(self.low, self.open_low, axis, 1), _float(
                self.high, self.open_high, axis, -1
            )
        low = None if self.low is None else math.ceil(self.low / worth)
        high = None if self.high is None else math.floor(self.high / worth)
        if low is not None and self.open_low and low * worth == self.low:
            low += 1
        if high is not None and self.open_high and high * worth == self.high:
            high -= 1
        return low, high


def _float(end: Fraction | None, outside: bool, axis: Axis, inward: int) -> float | None:
    """The outermost float of the column's own width that lies within a bound."""
    if end is None:
        return None
    width: Any = np.float32 if value_type(axis.type) == pa.float32() else np.float64
    made = width(float(end))
    if outside:
        made = np.nextafter(made, width(inward * np.inf))
    return float(made)


def limits_of(rule: Any, dtype: pa.DataType) -> Limits:
    """The limits that a range rule sets.

    Raises:
        ValueError: a bound is no value of the type.
    """
    low, high = (None if rule.get(e) is None else exact(rule[e], dtype) for e in ("min", "max"))
    shut = bool(rule.get("exclusive"))
    return Limits(low, high, shut and low is not None, shut and high is not None)
