"""SQLite's types: the declared one decides, and cells that are stored as something else are told.

The list for users is the table of types in ``docs/types.md``. Dates, times and booleans are
integers in a session: days since 1970, microseconds, 0 and 1.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, time, timedelta
from types import MappingProxyType
from typing import Any

import pyarrow as pa

from synthlake_connectors.database.readings import Reading

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - of naive timestamps
_EPOCH_UTC = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO = timedelta(microseconds=1)
_DATE = r"\d{4}-\d{2}-\d{2}"
_CLOCK = r"\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?"
_NAIVE = re.compile(f"{_DATE}([ T]{_CLOCK})?", re.ASCII)
_ZONED = re.compile(rf"{_DATE}([ T]{_CLOCK}(Z|[+-]\d{{2}}(:?\d{{2}})?)?)?", re.ASCII)
_TIME = re.compile(_CLOCK, re.ASCII)


def _naive(value: Any) -> int | None:
    if not isinstance(value, str) or not _NAIVE.fullmatch(value):
        return None
    try:
        return (datetime.fromisoformat(_padded(value)) - _EPOCH) // _MICRO
    except ValueError:
        return None


def _zoned(value: Any) -> int | None:
    if not isinstance(value, str) or not _ZONED.fullmatch(value):
        return None
    try:
        found = datetime.fromisoformat(_padded(value))
    except ValueError:
        return None
    return ((found if found.tzinfo else found.replace(tzinfo=UTC)) - _EPOCH_UTC) // _MICRO


def _since_midnight(value: Any) -> int | None:
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        return None
    try:
        found = time.fromisoformat(_padded(value))
    except ValueError:
        return None
    return ((found.hour * 60 + found.minute) * 60 + found.second) * 1_000_000 + found.microsecond


def _padded(value: str) -> str:
    # Python reads only three or six digits of a second
    return re.sub(r"\.(\d{1,6})", lambda found: "." + found[1].ljust(6, "0"), value)


FUNCTIONS: Mapping[str, tuple[int, Callable[..., Any]]] = MappingProxyType(
    {
        "synthlake_naive": (1, _naive),
        "synthlake_zoned": (1, _zoned),
        "synthlake_time": (1, _since_midnight),
    }
)
"""By name: number of arguments and function."""


_WIDTHS: dict[str, pa.DataType] = {
    "TINYINT": pa.int8(), "SMALLINT": pa.int16(), "INT2": pa.int16(), "MEDIUMINT": pa.int32(),
    "INT": pa.int32(), "INT4": pa.int32(), "INTEGER": pa.int64(), "BIGINT": pa.int64(),
    "INT8": pa.int64(),
}  # fmt: skip
_TIMES: dict[str, tuple[pa.DataType, str]] = {
    "DATE": (pa.date32(), "synthlake_days"),
    "TIME": (pa.time64("us"), "synthlake_time"),
    "DATETIME": (pa.timestamp("us"), "synthlake_naive"),
    "TIMESTAMP": (pa.timestamp("us"), "synthlake_naive"),
    "TIMESTAMPTZ": (pa.timestamp("us", "UTC"), "synthlake_zoned"),
    "TIMESTAMP WITH TIME ZONE": (pa.timestamp("us", "UTC"), "synthlake_zoned"),
}  # fmt: skip
_TEXTS = ("JSON", "UUID")
_BOOLEANS = ("BOOLEAN", "BOOL")
_MAX_DIGITS = 15  # that a double holds
_DECIMAL = re.compile(r"(?:DECIMAL|NUMERIC)\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)")


def reading(declared: str, name: str, stored: Collection[str]) -> Reading:
    """How a column is read.

    Args:
        declared: type in the table's definition; may be empty.
        name: of the column, quoted.
        stored: storage classes of its cells (``typeof``), for columns whose type says nothing.
    """
    kind = re.sub(r"\s+", " ", re.sub(r"\(.*?\)", " ", declared.upper())).strip()
    if kind in _BOOLEANS:
        misfit = f"typeof({name}) <> 'integer' OR {name} NOT IN (0, 1)"
        return _cell(pa.bool_(), name, name, misfit)
    if kind in _TIMES:
        type, function = _TIMES[kind]
        return _cell(type, name, f"{function}({name})", f"{function}({name}) IS NULL")
    if kind in _TEXTS:
        return _text(name)
    if (digits := _digits(declared)) is not None:
        return _decimal(name, *digits)
    if is_dynamic(declared):
        return _dynamic(declared, name, stored)
    return _by_affinity(kind, name)


def is_dynamic(declared: str) -> bool:
    """Whether a declared type says nothing about the cells, or only that they are numbers."""
    if _digits(declared) is not None:
        return False
    kind = re.sub(r"\(.*?\)", "", declared.upper()).strip()
    known = (*_BOOLEANS, *_TIMES, *_TEXTS)
    marks = ("INT", "CHAR", "CLOB", "TEXT", "BLOB", "BINARY", "REAL", "FLOA", "DOUB")
    spaced = re.sub(r"\s+", " ", kind)
    return spaced not in known and not any(mark in kind for mark in marks)


def _digits(declared: str) -> tuple[int, int] | None:
    found = _DECIMAL.fullmatch(declared.upper().strip())
    if found is None:
        return None
    precision, scale = int(found[1]), int(found[2] or 0)
    return (precision, scale) if scale <= precision <= _MAX_DIGITS else None


def _decimal(name: str, precision: int, scale: int) -> Reading:
    misfit = (
        f"typeof({name}) NOT IN ('real', 'integer') OR abs({name}) >= 1e{precision - scale}"
        f" OR synthlake_rounded({name}, {scale}) <> {name}"
    )
    return _cell(pa.decimal128(precision, scale), name, f"CAST({name} AS REAL) + 0.0", misfit)


def _by_affinity(kind: str, name: str) -> Reading:
    if "INT" in kind:
        return _integer(name, _WIDTHS.get(kind, pa.int64()))
    if any(mark in kind for mark in ("CHAR", "CLOB", "TEXT")):
        return _text(name)
    if "BLOB" in kind or "BINARY" in kind:
        return _cell(pa.binary(), name, name, f"typeof({name}) <> 'blob'")
    return _float(name, pa.float32() if kind == "FLOAT4" else pa.float64())


def _dynamic(declared: str, name: str, stored: Collection[str]) -> Reading:
    # a column without a type, or NUMERIC and DECIMAL, which store what they get
    found = set(stored) - {"null"}
    number = declared.upper().startswith(("NUM", "DEC"))
    if found == {"integer"} and not number:
        return _integer(name, pa.int64())
    if found <= {"integer", "real"} and (found or number):
        return _float(name, pa.float64())
    if found == {"blob"}:
        return _cell(pa.binary(), name, name, f"typeof({name}) <> 'blob'")
    return _text(name)


def _integer(name: str, type: pa.DataType) -> Reading:
    bits = int(str(type).removeprefix("int"))
    misfit = f"typeof({name}) <> 'integer'"
    if bits < 64:
        misfit += f" OR {name} NOT BETWEEN {-(2 ** (bits - 1))} AND {2 ** (bits - 1) - 1}"
    return _cell(type, name, name, misfit)


def _float(name: str, type: pa.DataType) -> Reading:
    # + 0.0: -0.0 and 0.0 are one value to SQL and two to bytes
    misfit = f"typeof({name}) NOT IN ('real', 'integer')"
    return _cell(type, name, f"CAST({name} AS REAL) + 0.0", misfit)


def _text(name: str) -> Reading:
    # || leaves no collation behind, such as NOCASE
    return _cell(pa.string(), name, f"({name} || '')", f"typeof({name}) <> 'text'")


def _cell(type: pa.DataType, name: str, value: str, misfit: str) -> Reading:
    return Reading(type, value, f"{name} IS NOT NULL AND ({misfit})")
