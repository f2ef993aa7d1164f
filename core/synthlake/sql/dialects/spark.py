"""Spark's primitives: Spark 4, also with ANSI mode off and in any session zone.

Timestamps with a zone are TIMESTAMP here, those without TIMESTAMP_NTZ. Nothing below reads the zone
of the session, and no cast raises. Statements run where the source's relations are views of plain
types (see the Spark source): durations are microseconds, text has no collation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import MappingProxyType

import pyarrow as pa
from pyarrow import types

from synthlake.sql.dialect import FORMS, Primitives, chained
from synthlake.sql.kinds import Kind, kind, plain, scale, unit

_MICROS = MappingProxyType({"s": 1_000_000, "ms": 1_000, "us": 1})
_INSTANTS: frozenset[Kind] = frozenset(("timestamp", "time", "duration"))
_INFINITY = "CAST('Infinity' AS DOUBLE)"
_DIGITS = 38  # of Spark's widest decimal


def _text(value: str) -> str:
    return f"CAST({value} AS STRING)"


def _micros(value: str, type: pa.DataType) -> str:
    """Microseconds since the epoch, or of a duration; rounded down."""
    if kind(type) != "timestamp":
        return _duration(value, unit(type))
    if getattr(plain(type), "tz", None) is not None:
        return f"unix_micros({value})"
    # without a zone: no function counts these alike in every session zone
    return (
        f"(unix_date(CAST({value} AS DATE)) * 86400000000L"
        f" + (hour({value}) * 60 + minute({value})) * 60000000L"
        f" + CAST(extract(SECOND FROM {value}) * 1000000 AS BIGINT))"
    )


def _duration(value: str, unit: str) -> str:
    # sources hold durations as numbers of their unit
    return f"({value} - pmod({value}, 1000)) div 1000" if unit == "ns" else (
        f"{value} * {_MICROS[unit]}L"
    )  # fmt: skip


def _unscaled(value: str, type: pa.DataType) -> str:
    """The digits of a decimal, without those zeros in front that do not count.

    Below 1 in size, one is added before it is written: without ANSI mode Spark writes 1E-10.
    """
    digits = scale(type)
    if digits == 0:
        return _text(value)
    size = min(digits + 1, _DIGITS)
    small = _text(f"1 + CAST(abs({value}) AS DECIMAL({size}, {digits}))")
    sign = f"CASE WHEN {value} < 0 THEN '-' ELSE '' END"
    text = (
        f"CASE WHEN abs({value}) < 1 THEN {sign} || substr({small}, 3)"
        f" ELSE replace({_text(value)}, '.', '') END"
    )
    return _text(f"TRY_CAST({text} AS DECIMAL({_DIGITS}, 0))")


_KEY_TEXTS: MappingProxyType[Kind, Callable[[str], str]] = MappingProxyType(
    {
        "integer": _text,
        "boolean": lambda value: _text(f"CAST({value} AS INT)"),
        "date": lambda value: _text(f"unix_date({value})"),
        "text": lambda value: value,
        "binary": lambda value: f"lower(hex({value}))",
        "uuid": lambda value: f"lower({value})",
    }
)

_TYPES: MappingProxyType[Kind, str] = MappingProxyType(
    {
        "integer": "BIGINT",
        "boolean": "BOOLEAN",
        "date": "DATE",
        "duration": "BIGINT",
        "float": "DOUBLE",
        "text": "STRING",
        "binary": "BINARY",
        "uuid": "STRING",
    }
)

_SCALES = ((-10, "s", 72), (30, "m", 32), (62, "l", 0))  # below 2 ** n: its mark and scale


def _power(exponent: int) -> str:
    """A power of two, exactly: literals with a point are decimals in Spark."""
    return f"{2.0**exponent!r}D"


class SparkKeys:
    """What keys are written, hashed and compared with."""

    def key_text(self, value: str, type: pa.DataType) -> str:
        """Canonical text of a value that may stand in a key; NULL for NULL."""
        if kind(type) in _INSTANTS:
            return _text(_micros(value, type))
        if kind(type) == "decimal":
            return _unscaled(value, type)
        return _KEY_TEXTS[kind(type)](value)

    def float_text(self, value: str) -> str:
        """A text that equal floats share in every engine, by exact operations alone.

        See DuckDB's: scaling by a power of two and truncation. ``isnan`` is false for NULL here.
        """
        number = f"CAST({value} AS DOUBLE)"
        scaled = " ".join(
            f"WHEN abs({number}) < {_power(below)} THEN '{mark}' || "
            + _text(f"TRY_CAST({number} * {_power(power)} AS BIGINT)")
            for below, mark, power in _SCALES
        )
        return (
            f"CASE WHEN isnan({number}) THEN 'nan' WHEN {number} = {_INFINITY} THEN 'inf'"
            f" WHEN {number} = -{_INFINITY} THEN '-inf' {scaled}"
            f" WHEN {number} > 0 THEN 'h' WHEN {number} < 0 THEN '-h' END"
        )

    def octets(self, text: str) -> str:
        """Number of bytes of a text in UTF-8, as text."""
        return _text(f"octet_length({text})")

    def hashed(self, text: str) -> str:
        """The first 15 hex digits of the SHA-256 of a text, as a bigint."""
        digest = f"sha2(CAST({text} AS BINARY), 256)"
        return f"CAST(conv(substr({digest}, 1, 15), 16, 10) AS BIGINT)"

    def every(self, values: Sequence[str], write: Callable[[str], str]) -> str:
        """The texts of many values of one kind, one after another."""
        return chained([write(value) for value in values])

    def comparable(self, value: str, type: pa.DataType) -> str:
        """The same value in a form in which columns of like types can be compared and united."""
        return _micros(value, type) if kind(type) in _INSTANTS else value

    def converted(self, value: str, type: pa.DataType) -> str:
        """The value as another type, NULL where it cannot be; the form of a text decides."""
        values, text = plain(type), _text(value)
        name = _TYPES.get(kind(type), "TIMESTAMP_NTZ")
        if types.is_decimal(values):
            name = f"DECIMAL({values.precision}, {values.scale})"
        elif types.is_timestamp(values) and values.tz:
            text, name = f"{text} || 'Z'", "TIMESTAMP"  # what has no zone is read as UTC
        if (form := FORMS.get(kind(type))) is None:
            return f"TRY_CAST({value} AS {name})"
        tried = f"TRY_CAST({text} AS {name})"
        if name == "BIGINT":  # 7.00 is a whole number, and Spark's cast knows only digits
            tried = f"TRY_CAST(substring_index({text}, '.', 1) AS BIGINT)"
        # no backslash: in a literal it means another thing by another setting
        pattern = form.replace("\\.", "[.]")
        return f"CASE WHEN {_text(value)} RLIKE '{pattern}' THEN {tried} END"


class Spark(SparkKeys):
    """Spark 4."""

    def learnable(self, value: str, type: pa.DataType) -> str:
        """The value as it is learned: text plain, -0.0 as 0.0, durations as numbers."""
        if kind(type) == "float":
            return f"CASE WHEN {value} = 0 THEN CAST(0 AS {_float(type)}) ELSE {value} END"
        return value

    def finite(self, value: str) -> str:
        """A float, NULL unless it is finite; NaN is greater than all else here."""
        return f"CASE WHEN abs({value}) < {_INFINITY} THEN {value} END"

    def is_special(self, value: str, special: str) -> str:
        """Whether a float is ``nan``, ``inf`` or ``-inf``."""
        return f"{value} = CAST('{special}' AS DOUBLE)"

    def decimals(self, value: str, type: pa.DataType) -> str:
        """The fewest decimals that write a finite float exactly: 0 to 9, or 10 for more."""
        number = f"CAST({value} AS DOUBLE)"
        tests = " ".join(
            f"WHEN CAST(rint({number} * {10.0**places!r}D) / {10.0**places!r}D"
            f" AS {_float(type)}) = {value} THEN {places}"
            for places in range(10)
        )
        return f"CASE WHEN {self.finite(value)} IS NOT NULL THEN CASE {tests} ELSE 10 END END"

    def shape(self, text: str) -> str:
        """Digits as 9, letters as A and a, what is beyond ASCII as ``*``."""
        for pattern, mark in (("0-9", "9"), ("A-Z", "A"), ("a-z", "a"), (_NOT_ASCII, "*")):
            text = f"regexp_replace({text}, '[{pattern}]', '{mark}')"
        return text

    def beginning(self, text: str, characters: int) -> str:
        """The first so many characters (code points) of a text."""
        return f"substr({text}, 1, {characters})"

    def quotient(self, dividend: str, divisor: str) -> str:
        """Integer division of numbers that are not negative."""
        return f"({dividend}) div ({divisor})"

    def materialise(self, name: str, select: str) -> str:
        """The statement that stores a result under a quoted name for this session."""
        return f"CACHE TABLE {name} AS {select}"

    def discard(self, name: str) -> str:
        """The statement that drops what ``materialise`` stored."""
        return f"DROP VIEW IF EXISTS {name}"


# Told by code points: a backslash in a literal means another thing by another setting.
_NOT_ASCII = "^\\u0000-\\u007F"


def _float(type: pa.DataType) -> str:
    return "DOUBLE" if types.is_float64(plain(type)) else "FLOAT"


PRIMITIVES: Primitives = Spark()
