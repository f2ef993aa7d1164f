"""SQLite's primitives: version 3.35 and later, with functions that the session registers.

SQLite has no SHA-256, no regular expressions and no types of time. The connector's session
registers ``FUNCTIONS``, and its relations hold dates as days since 1970, times and timestamps as
microseconds and booleans as 0 and 1, all as integers, and decimals of up to 15 digits as doubles.
NaN is NULL to SQLite.
"""

from __future__ import annotations

import hashlib
import math
import re
import struct
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from string import ascii_lowercase, ascii_uppercase, digits
from types import MappingProxyType
from typing import Any

import pyarrow as pa
from pyarrow import types

from synthlake.sql.dialect import FORMS, Primitives, chained
from synthlake.sql.kinds import kind, plain, scale, unit

_MICROS = MappingProxyType({"s": 1_000_000, "ms": 1_000, "us": 1})
_LARGEST = "1.7976931348623157e308"
_SPECIALS = MappingProxyType({"inf": f"> {_LARGEST}", "-inf": f"< -{_LARGEST}"})
_SCALES = ((2.0**-10, "s", 2.0**72), (2.0**30, "m", 2.0**32), (2.0**62, "l", 1.0))
_SHAPES = str.maketrans(ascii_uppercase + ascii_lowercase + digits, "A" * 26 + "a" * 26 + "9" * 10)
_BEYOND = re.compile(r"[^\x00-\x7f]")
_DIGITS = 15  # that a double holds
_FORMS = {kind: re.compile(form) for kind, form in FORMS.items()}


def _hash(text: str | None) -> int | None:
    if text is None:
        return None
    return int(hashlib.sha256(text.encode()).hexdigest()[:15], 16)


def _float_text(value: float | None) -> str | None:
    if value is None:
        return None
    number = float(value)
    if math.isinf(number):
        return "inf" if number > 0 else "-inf"
    for below, mark, times in _SCALES:
        if abs(number) < below:
            return f"{mark}{int(number * times)}"
    return "h" if number > 0 else "-h"


def _decimals(value: float | None, single: int) -> int | None:
    if value is None or math.isinf(value):
        return None
    number = float(value)
    if number.is_integer():
        return 0
    for places in range(1, 10):
        written = round(number * 10**places) / 10**places
        if (struct.unpack("f", struct.pack("f", written))[0] if single else written) == number:
            return places
    return 10


def _shape(text: str | None) -> str | None:
    return None if text is None else _BEYOND.sub("*", text.translate(_SHAPES))


def _to_integer(value: Any) -> int | None:
    text = _written(value)
    if text is None or not _FORMS["integer"].search(text):
        return None
    number = int(text.partition(".")[0])
    return number if -(2**63) <= number < 2**63 else None


def _to_days(value: Any) -> int | None:
    if not isinstance(value, str) or not _FORMS["date"].search(value):
        return None
    try:
        return date.fromisoformat(value[:10]).toordinal() - date(1970, 1, 1).toordinal()
    except ValueError:
        return None


def _written(value: Any) -> str | None:
    """A number as other engines write it."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, str | int | float) else None


def _unscaled(value: Any, places: int) -> int | None:
    text = _written(value)
    if text is None or not _FORMS["decimal"].search(text):
        return None
    moved = abs(float(text)) * 10**places
    if moved >= 10**_DIGITS:
        return None
    # halves away from 0
    return int(math.copysign(math.floor(moved + 0.5), float(text)))


def _rounded(value: Any, places: int) -> float | None:
    number = _unscaled(value, places)
    return None if number is None else number / 10**places


def _beginning(text: str | None, characters: int) -> str | None:
    return None if text is None else text[:characters]


FUNCTIONS: Mapping[str, tuple[int, Callable[..., Any]]] = MappingProxyType(
    {
        "synthlake_hash": (1, _hash),
        "synthlake_float_text": (1, _float_text),
        "synthlake_decimals": (2, _decimals),
        "synthlake_shape": (1, _shape),
        "synthlake_integer": (1, _to_integer),
        "synthlake_days": (1, _to_days),
        "synthlake_unscaled": (2, _unscaled),
        "synthlake_rounded": (2, _rounded),
        "synthlake_beginning": (2, _beginning),
    }
)
"""By name: number of arguments and function, all deterministic. A session must register them."""


def _text(value: str) -> str:
    # SQL's || leaves no collation of a column behind, unlike CAST
    return f"(CAST({value} AS TEXT) || '')"


def _micros(value: str, type: pa.DataType) -> str:
    """Microseconds; a source holds times and timestamps in them, and durations in their unit."""
    if kind(type) != "duration" or unit(type) == "us":
        return value
    if unit(type) == "ns":
        return f"({value} - ({value} % 1000 + 1000) % 1000) / 1000"
    return f"{value} * {_MICROS[unit(type)]}"


class SQLiteKeys:
    """What keys are written, hashed and compared with."""

    def key_text(self, value: str, type: pa.DataType) -> str:
        """Canonical text of a value that may stand in a key; NULL for NULL."""
        if kind(type) in ("timestamp", "time", "duration"):
            return _text(_micros(value, type))
        if kind(type) == "decimal":
            return f"CAST(synthlake_unscaled({value}, {scale(type)}) AS TEXT)"
        if kind(type) == "binary":
            # hex() makes an empty text of NULL
            return f"CASE WHEN {value} IS NOT NULL THEN lower(hex({value})) END"
        return f"lower({_text(value)})" if kind(type) == "uuid" else _text(value)

    def float_text(self, value: str) -> str:
        """A text that equal floats share in every engine, by exact operations alone."""
        return f"synthlake_float_text({value})"

    def octets(self, text: str) -> str:
        """Number of bytes of a text in UTF-8, as text."""
        return f"CAST(length(CAST({text} AS BLOB)) AS TEXT)"

    def hashed(self, text: str) -> str:
        """The first 15 hex digits of the SHA-256 of a text, as a bigint."""
        return f"synthlake_hash({text})"

    def every(self, values: Sequence[str], write: Callable[[str], str]) -> str:
        """The texts of many values of one kind, one after another."""
        return chained([write(value) for value in values])

    def comparable(self, value: str, type: pa.DataType) -> str:
        """The same value in a form in which columns of like types can be compared and united."""
        if kind(type) == "duration":
            return _micros(value, type)
        return _text(value) if kind(type) in ("text", "uuid") else value

    def converted(self, value: str, type: pa.DataType) -> str:
        """The value as another type, NULL where it cannot be.

        The engine knows no types of time: a timestamp does not become a date here, nor a text a
        timestamp.
        """
        to = kind(type)
        if to in ("integer", "boolean", "duration"):
            return f"synthlake_integer({value})"
        if to == "decimal":
            return f"synthlake_rounded({value}, {scale(type)})"
        if to == "date":
            return f"synthlake_days({value})"
        return _text(value) if to in ("text", "uuid") else "NULL"


class SQLite(SQLiteKeys):
    """SQLite 3.35 and later."""

    def learnable(self, value: str, type: pa.DataType) -> str:
        """The value as it is learned: text plain, -0.0 as 0.0, durations as numbers."""
        if kind(type) in ("text", "uuid"):
            return _text(value)
        if kind(type) == "float":
            return f"CASE WHEN {value} = 0 THEN 0.0 ELSE {value} END"
        return value

    def finite(self, value: str) -> str:
        """A float, NULL unless it is finite."""
        return f"CASE WHEN abs({value}) <= {_LARGEST} THEN {value} END"

    def is_special(self, value: str, special: str) -> str:
        """Whether a float is ``nan``, ``inf`` or ``-inf``; NaN is NULL here, so nothing is."""
        return f"{value} {_SPECIALS[special]}" if special in _SPECIALS else "FALSE"

    def decimals(self, value: str, type: pa.DataType) -> str:
        """The fewest decimals that write a finite float exactly: 0 to 9, or 10 for more."""
        single = 0 if types.is_float64(plain(type)) else 1
        return f"synthlake_decimals({value}, {single})"

    def shape(self, text: str) -> str:
        """Digits as 9, letters as A and a, what is beyond ASCII as ``*``."""
        return f"synthlake_shape({text})"

    def beginning(self, text: str, characters: int) -> str:
        """The first so many characters (code points) of a text."""
        return f"synthlake_beginning({text}, {characters})"  # substr ends at a NUL

    def quotient(self, dividend: str, divisor: str) -> str:
        """Integer division of numbers that are not negative."""
        return f"({dividend}) / ({divisor})"

    def materialise(self, name: str, select: str) -> str:
        """The statement that stores a result under a quoted name for this session."""
        return f"CREATE TEMPORARY TABLE {name} AS {select}"

    def discard(self, name: str) -> str:
        """The statement that drops what ``materialise`` stored."""
        return f"DROP TABLE IF EXISTS temp.{name}"


PRIMITIVES: Primitives = SQLite()
