"""PostgreSQL's primitives: version 12 and later, a database in UTF-8 or any other encoding.

All text is compared as bytes (``COLLATE "C"``), whatever the collation of the database or column.
Statements run where the source's relations are views of plain types (see the connector): enums,
domains and ``char(n)`` are text there, durations are microseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from string import ascii_lowercase, ascii_uppercase, digits
from types import MappingProxyType

import pyarrow as pa
from pyarrow import types

from synthlake.sql.dialect import FORMS, Primitives, chained
from synthlake.sql.kinds import Kind, kind, plain, scale, unit

_INSTANTS: frozenset[Kind] = frozenset(("timestamp", "time"))
_MICROS = MappingProxyType({"s": 1_000_000, "ms": 1_000, "us": 1})
_DOUBLE = "DOUBLE PRECISION"


def _text(value: str) -> str:
    return f'CAST({value} AS TEXT) COLLATE "C"'


def _micros(value: str, type: pa.DataType) -> str:
    """Microseconds since the epoch, since midnight, or of a duration."""
    if kind(type) == "duration":
        return _duration(value, type)
    # exact since version 14, where it is a numeric; before, exact to year 2255
    return f"CAST(EXTRACT(EPOCH FROM {value}) * 1000000 AS BIGINT)"


def _duration(value: str, type: pa.DataType) -> str:
    if unit(type) == "ns":
        return f"({value} - ({value} % 1000 + 1000) % 1000) / 1000"
    return f"{value} * {_MICROS[unit(type)]}"


def _hex(value: str) -> str:
    return f"encode({value}, 'hex')"


_KEY_TEXTS: MappingProxyType[Kind, Callable[[str], str]] = MappingProxyType(
    {
        "integer": _text,
        "boolean": lambda value: _text(f"CAST({value} AS INTEGER)"),
        "date": lambda value: _text(f"({value} - DATE '1970-01-01')"),
        "text": _text,
        "binary": lambda value: f'{_hex(value)} COLLATE "C"',
        "uuid": lambda value: f"lower({_text(value)})",
    }
)

_TYPES: MappingProxyType[Kind, str] = MappingProxyType(
    {
        "boolean": "BOOLEAN",
        "time": "TIME",
        "duration": "BIGINT",
        "float": _DOUBLE,
        "binary": "BYTEA",
        "uuid": "UUID",
    }
)

_SCALES = ((-10, "s", 72), (30, "m", 32), (62, "l", 0))  # below 2 ** n: its mark and scale


def _power(exponent: int) -> str:
    """A power of two, exactly, whatever the server makes of decimal numbers."""
    return f"power(CAST(2 AS {_DOUBLE}), {exponent})"


def _number(value: float | int) -> str:
    return f"CAST({value} AS {_DOUBLE})"


def _special(name: str) -> str:
    return f"CAST('{name}' AS {_DOUBLE})"


def _whole(number: str) -> str:
    return f"CAST(CAST(trunc({number}) AS BIGINT) AS TEXT)"


class PostgresKeys:
    """What keys are written, hashed and compared with."""

    def key_text(self, value: str, type: pa.DataType) -> str:
        """Canonical text of a value that may stand in a key; NULL for NULL."""
        if kind(type) in _INSTANTS or kind(type) == "duration":
            return _text(_micros(value, type))
        if kind(type) == "decimal":
            return _text(f"trunc({value} * {10 ** scale(type)})")
        return _KEY_TEXTS[kind(type)](value)

    def float_text(self, value: str) -> str:
        """A text that equal floats share in every engine, by exact operations alone.

        See DuckDB's: scaling by a power of two and truncation. NaN is greater than all else here.
        """
        number = f"CAST({value} AS {_DOUBLE})"
        scaled = " ".join(
            f"WHEN abs({number}) < {_power(below)} THEN '{mark}' || "
            + _whole(f"{number} * {_power(power)}" if power else number)
            for below, mark, power in _SCALES
        )
        return (
            f"CASE WHEN {number} = {_special('NaN')} THEN 'nan'"
            f" WHEN {number} = {_special('Infinity')} THEN 'inf'"
            f" WHEN {number} = {_special('-Infinity')} THEN '-inf' {scaled}"
            f" WHEN {number} > 0 THEN 'h' WHEN {number} < 0 THEN '-h' END"
        )

    def octets(self, text: str) -> str:
        """Number of bytes of a text in UTF-8, as text."""
        return _text(f"octet_length(convert_to({text}, 'UTF8'))")

    def hashed(self, text: str) -> str:
        """The first 15 hex digits of the SHA-256 of a text, as a bigint."""
        digest = _hex(f"sha256(convert_to({text}, 'UTF8'))")
        return f"CAST(CAST('x' || substr({digest}, 1, 15) AS BIT(60)) AS BIGINT)"

    def every(self, values: Sequence[str], write: Callable[[str], str]) -> str:
        """The texts of many values of one kind, one after another."""
        return chained([write(value) for value in values])

    def comparable(self, value: str, type: pa.DataType) -> str:
        """The same value in a form in which columns of like types can be compared and united."""
        if kind(type) in _INSTANTS or kind(type) == "duration":
            return _micros(value, type)
        return _text(value) if kind(type) in ("text", "uuid") else value

    def converted(self, value: str, type: pa.DataType) -> str:
        """The value as another type, NULL where it cannot be; by its text, as there is no try."""
        to, text = kind(type), f"CAST({value} AS TEXT)"
        tried = f"CAST({text} AS {_TYPES.get(to, 'TEXT')})"
        if to == "integer":
            number = f"CAST({text} AS NUMERIC)"
            fits = f"{number} BETWEEN {-(2**63)} AND {2**63 - 1}"
            tried = f"CASE WHEN {fits} THEN CAST({number} AS BIGINT) END"
        elif to == "decimal":
            tried = _decimal(text, type)
        elif to in ("date", "timestamp"):
            tried = _moment(text, to)
        elif to == "text":
            return _text(value)
        return f"CASE WHEN {text} ~ '{FORMS[to]}' THEN {tried} END" if to in FORMS else tried


def _decimal(text: str, type: pa.DataType) -> str:
    values = plain(type)
    assert types.is_decimal(values)
    number = f"round(CAST({text} AS NUMERIC), {values.scale})"
    fits = f"abs({number}) < {10 ** (values.precision - values.scale)}"
    name = f"NUMERIC({values.precision}, {values.scale})"
    return f"CASE WHEN {fits} THEN CAST({number} AS {name}) END"


def _moment(text: str, to: Kind) -> str:
    # a day that its month does not have would be an error: it is counted from the first
    first = f"CAST(substr({text}, 1, 8) || '01' AS DATE)"
    day = f"({first} + (CAST(substr({text}, 9, 2) AS INTEGER) - 1))"
    exists = f"EXTRACT(MONTH FROM {day}) = EXTRACT(MONTH FROM {first})"
    made = day if to == "date" else f"CAST({text} AS TIMESTAMP)"
    return f"CASE WHEN {exists} THEN {made} END"


class Postgres(PostgresKeys):
    """PostgreSQL 12 and later."""

    def learnable(self, value: str, type: pa.DataType) -> str:
        """The value as it is learned: text plain, -0.0 as 0.0, durations as numbers."""
        if kind(type) in ("text", "uuid"):
            return _text(value)
        if kind(type) == "float":
            return f"CASE WHEN {value} = 0 THEN 0 ELSE {value} END"
        return value

    def finite(self, value: str) -> str:
        """A float, NULL unless it is finite."""
        below = f"{value} < {_special('Infinity')}"  # NaN is not, as it is greater
        return f"CASE WHEN {below} AND {value} > {_special('-Infinity')} THEN {value} END"

    def is_special(self, value: str, special: str) -> str:
        """Whether a float is ``nan``, ``inf`` or ``-inf``."""
        return f"{value} = {_special(special)}"

    def decimals(self, value: str, type: pa.DataType) -> str:
        """The fewest decimals that write a finite float exactly: 0 to 9, or 10 for more."""
        name = _DOUBLE if types.is_float64(plain(type)) else "REAL"
        number = f"CAST({value} AS {_DOUBLE})"
        # from 2 ** 53 on all floats are whole, so that no product overflows
        tests = " ".join(
            f"WHEN CAST(round({number} * {_number(10**places)}) / {_number(10**places)}"
            f" AS {name}) = {value} THEN {places}"
            for places in range(1, 10)
        )
        fraction = f"WHEN abs({number}) < {_power(53)} THEN CASE {tests} ELSE 10 END"
        return (
            f"CASE WHEN {self.finite(value)} IS NOT NULL THEN"
            f" CASE WHEN trunc({number}) = {number} THEN 0 {fraction} END END"
        )

    def shape(self, text: str) -> str:
        """Digits as 9, letters as A and a, what is beyond ASCII as ``*``."""
        letters, marks = ascii_uppercase + ascii_lowercase, "A" * 26 + "a" * 26
        plain = f"translate({text}, '{letters}{digits}', '{marks}{'9' * 10}')"
        return rf"regexp_replace({plain}, '[^\x01-\x7F]', '*', 'g')"

    def beginning(self, text: str, characters: int) -> str:
        """The first so many characters (code points) of a text."""
        return f"substr({text}, 1, {characters})"

    def quotient(self, dividend: str, divisor: str) -> str:
        """Integer division of numbers that are not negative."""
        return f"({dividend}) / ({divisor})"

    def materialise(self, name: str, select: str) -> str:
        """The statements that store a result under a quoted name for this session.

        Nobody else counts the rows of a temporary table, and without counts plans are poor.
        """
        drop = f"DROP TABLE IF EXISTS pg_temp.{name}"
        return f"{drop}; CREATE TEMPORARY TABLE {name} AS {select}; ANALYZE {name}"

    def discard(self, name: str) -> str:
        """The statement that drops what ``materialise`` stored."""
        return f"DROP TABLE IF EXISTS pg_temp.{name}"


PRIMITIVES: Primitives = Postgres()
