"""DuckDB's primitives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import MappingProxyType

import pyarrow as pa
from pyarrow import types

from synthlake.sql.dialect import FORMS, Primitives
from synthlake.sql.kinds import Kind, kind, plain, unit


def _text(value: str) -> str:
    return f"CAST({value} AS VARCHAR)"


def _micros(value: str, type: pa.DataType) -> str:
    """Microseconds since the epoch, since midnight, or of a duration; rounded down."""
    nanos = unit(type) == "ns"
    if kind(type) == "duration":
        # a source holds durations as numbers of their unit, which DuckDB has no type for
        return _thousandth(value) if nanos else f"{value} * {_MICROS[unit(type)]}"
    return _thousandth(f"epoch_ns({value})") if nanos else f"epoch_us({value})"


def _thousandth(value: str) -> str:
    return f"({value} - ({value} % 1000 + 1000) % 1000) // 1000"


def _unscaled(value: str) -> str:
    return f"CAST(replace({_text(value)}, '.', '') AS HUGEINT)"


_INSTANTS: frozenset[Kind] = frozenset(("timestamp", "time", "duration"))

_MICROS = MappingProxyType({"s": 1_000_000, "ms": 1_000, "us": 1})

_KEY_TEXTS: MappingProxyType[Kind, Callable[[str], str]] = MappingProxyType(
    {
        "integer": _text,
        "boolean": lambda value: _text(f"CAST({value} AS INTEGER)"),
        "date": lambda value: _text(f"epoch_us({value}) // 86400000000"),
        "decimal": lambda value: _text(_unscaled(value)),
        "text": _text,
        "binary": lambda value: f"lower(hex({value}))",
        "uuid": lambda value: f"lower({_text(value)})",
    }
)

_TYPES: MappingProxyType[Kind, str] = MappingProxyType(
    {
        "integer": "BIGINT",
        "boolean": "BOOLEAN",
        "date": "DATE",
        "timestamp": "TIMESTAMP",
        "time": "TIME",
        "duration": "BIGINT",
        "float": "DOUBLE",
        "text": "VARCHAR",
        "binary": "BLOB",
        "uuid": "UUID",
    }
)

_SCALES = (("abs({0}) < 2.0 ** -10", "s", 72), ("abs({0}) < 2.0 ** 30", "m", 32))


class DuckDBKeys:
    """What keys are written, hashed and compared with."""

    def key_text(self, value: str, type: pa.DataType) -> str:
        """Canonical text of a value that may stand in a key; NULL for NULL."""
        if kind(type) in _INSTANTS:
            return _text(_micros(value, type))
        return _KEY_TEXTS[kind(type)](value)

    def float_text(self, value: str) -> str:
        """A text that equal floats share in every engine, by exact operations alone.

        Scaling by a power of two and truncation are exact; printing is not the same anywhere.
        Floats that differ by less than 2**-32 (2**-72 near 0) share a text.
        """
        number = f"CAST({value} AS DOUBLE)"
        scaled = " ".join(
            f"WHEN {test.format(number)} THEN '{mark}' || "
            + _text(f"CAST(trunc({number} * 2.0 ** {power}) AS BIGINT)")
            for test, mark, power in _SCALES
        )
        return (
            f"CASE WHEN isnan({number}) THEN 'nan' WHEN isinf({number}) THEN "
            f"CASE WHEN {number} > 0 THEN 'inf' ELSE '-inf' END {scaled} "
            f"WHEN abs({number}) < 2.0 ** 62 THEN 'l' || "
            + _text(f"CAST(trunc({number}) AS BIGINT)")
            + f" WHEN {number} IS NOT NULL THEN CASE WHEN {number} > 0 THEN 'h' ELSE '-h' END END"
        )

    def octets(self, text: str) -> str:
        """Number of bytes of a text in UTF-8, as text."""
        return _text(f"strlen({text})")

    def hashed(self, text: str) -> str:
        """The first 15 hex digits of the SHA-256 of a text, as a bigint."""
        return f"CAST('0x' || substr(sha256({text}), 1, 15) AS BIGINT)"

    def every(self, values: Sequence[str], write: Callable[[str], str]) -> str:
        """The texts of many values of one kind, one after another: one expression for all."""
        texts = f"list_transform([{', '.join(values)}], lambda x: {write('x')})"
        return f"array_to_string({texts}, '')"

    def comparable(self, value: str, type: pa.DataType) -> str:
        """The same value in a form in which columns of like types can be compared and united."""
        if kind(type) in _INSTANTS:
            return _micros(value, type)
        return _text(value) if kind(type) in ("text", "uuid") else value

    def converted(self, value: str, type: pa.DataType) -> str:
        """The value as another type, NULL where it cannot be."""
        values, name = plain(type), _TYPES.get(kind(type), "")
        if types.is_decimal(values):
            name = f"DECIMAL({values.precision}, {values.scale})"
        if (form := FORMS.get(kind(type))) is None:
            return f"TRY_CAST({value} AS {name})"
        matches = f"regexp_matches({_text(value)}, '{form}')"
        return f"CASE WHEN {matches} THEN TRY_CAST({_text(value)} AS {name}) END"


class DuckDB(DuckDBKeys):
    """DuckDB 1.1 and later."""

    def learnable(self, value: str, type: pa.DataType) -> str:
        """The value as it is learned: text plain, -0.0 as 0.0, durations as numbers."""
        if kind(type) in ("text", "uuid"):
            return _text(value)
        if kind(type) == "float":
            return f"CASE WHEN {value} = 0 THEN 0 ELSE {value} END"
        return value

    def finite(self, value: str) -> str:
        """A float, NULL unless it is finite."""
        return f"CASE WHEN isfinite({value}) THEN {value} END"

    def is_special(self, value: str, special: str) -> str:
        """Whether a float is ``nan``, ``inf`` or ``-inf``."""
        return f"{value} = CAST('{special}' AS FLOAT)"

    def decimals(self, value: str, type: pa.DataType) -> str:
        """The fewest decimals that write a finite float exactly: 0 to 9, or 10 for more."""
        name = "DOUBLE" if types.is_float64(plain(type)) else "FLOAT"
        number = f"CAST({value} AS DOUBLE)"
        tests = " ".join(
            f"WHEN CAST(round({number}, {places}) AS {name}) = {value} THEN {places}"
            for places in range(10)
        )
        return f"CASE WHEN isfinite({value}) THEN CASE {tests} ELSE 10 END END"

    def shape(self, text: str) -> str:
        """Digits as 9, letters as A and a, what is beyond ASCII as ``*``."""
        for pattern, mark in (("0-9", "9"), ("A-Z", "A"), ("a-z", "a"), (r"^\x00-\x7F", "*")):
            text = f"regexp_replace({text}, '[{pattern}]', '{mark}', 'g')"
        return text

    def beginning(self, text: str, characters: int) -> str:
        """The first so many characters (code points) of a text."""
        return f"substr({text}, 1, {characters})"

    def quotient(self, dividend: str, divisor: str) -> str:
        """Integer division of numbers that are not negative."""
        return f"({dividend}) // ({divisor})"

    def materialise(self, name: str, select: str) -> str:
        """The statement that stores a result under a quoted name for this session."""
        return f"CREATE OR REPLACE TEMP TABLE {name} AS {select}"

    def discard(self, name: str) -> str:
        """The statement that drops what ``materialise`` stored."""
        return f"DROP TABLE IF EXISTS {name}"


def quick_hash(values: Sequence[tuple[str, pa.DataType]]) -> str:
    """DuckDB's own hash of a row, 64 bits: rows that share a ``row_hash`` share it, too.

    No other engine has it, and it costs a fiftieth.

    Args:
        values: expressions, and the type that each is compared as, which is of its kind.
    """
    return f"hash({', '.join(part for value in values for part in _quick(*value))})"


def _quick(value: str, type: pa.DataType) -> list[str]:
    if kind(type) == "float":
        return _quick_float(f"CAST({value} AS DOUBLE)")
    if kind(type) == "integer" and type != pa.uint64():
        return [f"CAST({value} AS BIGINT)"]
    if kind(type) in _INSTANTS:
        return [_micros(value, type)]
    return [value if kind(type) in ("boolean", "date") else PRIMITIVES.key_text(value, type)]


def _quick_float(number: str) -> list[str]:
    """What ``float_text`` tells apart, as two numbers."""
    tests = [test.format(number) for test, _, _ in _SCALES] + [f"abs({number}) < 2.0 ** 62"]
    powers = [power for _, _, power in _SCALES] + [0]
    scaled = " ".join(
        f"WHEN {test} THEN CAST(trunc({number} * 2.0 ** {power}) AS BIGINT)"
        for test, power in zip(tests, powers, strict=True)
    )
    marks = " ".join(f"WHEN {test} THEN {mark}" for mark, test in enumerate(tests))
    beyond = (
        f"CASE WHEN isnan({number}) THEN 3 WHEN isinf({number}) THEN "
        f"CASE WHEN {number} > 0 THEN 4 ELSE 5 END {marks} "
        f"WHEN {number} > 0 THEN 6 WHEN {number} < 0 THEN 7 END"
    )
    return [f"CASE {scaled} END", beyond]


PRIMITIVES: Primitives = DuckDB()
