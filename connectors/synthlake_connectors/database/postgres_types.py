"""PostgreSQL's types: how a column is read, and what Arrow cannot hold of it.

The list for users is the table of types in ``docs/types.md``.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from synthlake_connectors.database.readings import Reading
from synthlake_connectors.database.wire import Field

_UTC = "UTC"
MAX_DIGITS = 38
_NUMERIC, _MONEY = 1700, 790
_EPOCH = "CAST(EXTRACT(EPOCH FROM {0}) * 1000000 AS BIGINT)"


@dataclass(frozen=True)
class Form:
    """How values of a type leave the server.

    Attributes:
        type: Arrow type.
        sent: expression of what is sent, with {0} for the value.
        parsed: Arrow type that the text of it is parsed as; None for ``type``.
    """

    type: pa.DataType
    sent: str = "{0}"
    parsed: pa.DataType | None = None


TEXT = Form(pa.string(), 'CAST({0} AS TEXT) COLLATE "C"')
_FORMS: dict[int, Form] = {
    16: Form(pa.bool_()),
    17: Form(pa.binary(), "encode({0}, 'hex')", pa.string()),
    20: Form(pa.int64()),
    21: Form(pa.int16()),
    23: Form(pa.int32()),
    26: Form(pa.int64()),
    700: Form(pa.float32()),
    701: Form(pa.float64()),
    1082: Form(pa.date32(), "({0} - DATE '1970-01-01')", pa.int32()),
    1083: Form(pa.time64("us"), _EPOCH, pa.int64()),
    1114: Form(pa.timestamp("us"), _EPOCH, pa.int64()),
    1184: Form(pa.timestamp("us", _UTC), _EPOCH, pa.int64()),
    1186: Form(pa.duration("us"), _EPOCH, pa.int64()),
}


def form(field: Field) -> Form | None:
    """How a column is read; None for numbers whose digits the column does not say."""
    if field.oid == _NUMERIC:
        digits = declared(field)
        return None if digits is None else Form(pa.decimal128(*digits))
    return _FORMS.get(field.oid, TEXT)


def declared(field: Field) -> tuple[int, int] | None:
    """Precision and scale of a numeric that Arrow can hold; None if it declares no such."""
    if field.modifier < 0:
        return None
    precision, scale = (field.modifier - 4) >> 16 & 0xFFFF, (field.modifier - 4) & 0x7FF
    return (precision, scale) if precision <= MAX_DIGITS and scale <= precision else None


def is_number(field: Field) -> bool:
    """Whether a column holds exact decimal numbers without saying their digits."""
    return field.oid == _NUMERIC and declared(field) is None


_ZEROED = {700: "REAL", 701: "DOUBLE PRECISION"}
_INFINITE = "NOT isfinite({0})"
_MISFITS: dict[int, str] = {
    1082: _INFINITE,
    1083: "{0} = TIME '24:00:00'",
    1114: _INFINITE,
    1184: _INFINITE,
    1186: "(EXTRACT(YEAR FROM {0}) <> 0 OR EXTRACT(MONTH FROM {0}) <> 0)",
}


def reading(field: Field, name: str, scale: int = 0) -> Reading:
    """How a column is read.

    Args:
        field: what the server says of it.
        name: quoted.
        scale: digits after the point of a numeric that does not say how many.
    """
    if field.oid == _NUMERIC:
        precision, scale = declared(field) or (MAX_DIGITS, scale)
        # NaN is greater than every number here
        misfit = f"NOT abs({name}) < {10 ** (precision - scale)}"
        value = name if declared(field) else f"CAST({name} AS NUMERIC({precision}, {scale}))"
        return Reading(pa.decimal128(precision, scale), value, misfit)
    if field.oid == _MONEY:
        value = f"CAST(CAST({name} AS NUMERIC) AS NUMERIC(19, 2))"
        return Reading(pa.decimal128(19, 2), value)
    if field.oid in _ZEROED:
        # -0.0 and 0.0 are one value to SQL and two to bytes
        value = f"{name} + CAST(0 AS {_ZEROED[field.oid]})"
        return Reading(_FORMS[field.oid].type, value)
    return _plain(field, name)


def _plain(field: Field, name: str) -> Reading:
    found = _FORMS.get(field.oid, TEXT)
    misfit = _MISFITS.get(field.oid, "").format(name)
    if found is TEXT or pa.types.is_duration(found.type):
        return Reading(found.type, found.sent.format(name), misfit)
    return Reading(found.type, name if field.oid != 26 else f"CAST({name} AS BIGINT)", misfit)
