"""SQL fragments of the judge; what differs between dialects comes from ``sql.dialect``."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence

import pyarrow as pa
from sqlglot import exp

from synthlake.quality.layout import Field
from synthlake.source.nesting import is_listed
from synthlake.sql.dialect import Primitives
from synthlake.sql.kinds import kind
from synthlake.sql.tables import Tables

_MICROS = pa.timestamp("us")


def number(value: float) -> str:
    """A literal that is read as exactly this number."""
    if float(value).is_integer() and abs(value) < 2**62:
        return str(int(value))
    shown = repr(float(value))
    # without an exponent it would be read as a decimal, and rounded on its way to double
    return shown if "e" in shown else f"{shown}e0"


def literal(text: str, dialect: str) -> str:
    """A text as a literal."""
    return str(exp.Literal.string(text).sql(dialect=dialect))


def value(tables: Tables, field: Field, found: pa.DataType, alias: str = "t") -> str:
    """A column as what is compared: a number (times in microseconds), or text.

    Args:
        tables: the engine, and what differs in its dialect.
        field: the column as the real data has it.
        found: the type it has here; another is converted where possible, else NULL.
        alias: of the relation.
    """
    column, primitives = f"{alias}.{tables.name(field.name)}", tables.primitives
    if is_listed(field.type):
        return _length(column, found, tables.engine.dialect)
    if field.kind == "name":
        return f"LENGTH({primitives.learnable(column, pa.string())})"
    if field.kind == "category":
        return f"CAST({column} AS VARCHAR)"
    if field.kind == "time":
        return _micros(primitives, column, field.type, found)
    if kind(found) == kind(field.type) == "integer":
        return column
    # adding zero turns -0.0 into 0.0
    return f"({primitives.converted(column, pa.float64())} + 0)"


def _length(column: str, found: pa.DataType, dialect: str) -> str:
    """Number of items of a list or map; NULL where there is none, or no list."""
    if not is_listed(found):
        return "CAST(NULL AS BIGINT)"
    call = "size" if dialect == "spark" else "cardinality" if pa.types.is_map(found) else "len"
    # Spark may say -1 for NULL
    return f"CASE WHEN {column} IS NOT NULL THEN CAST({call}({column}) AS BIGINT) END"


def _micros(primitives: Primitives, column: str, dtype: pa.DataType, found: pa.DataType) -> str:
    if kind(found) != kind(dtype):
        column = primitives.converted(column, dtype)
    if kind(dtype) == "date":
        return primitives.comparable(primitives.converted(column, _MICROS), _MICROS)
    return primitives.comparable(column, dtype)


def is_null(columns: Sequence[str]) -> str:
    """Whether any of some expressions is NULL."""
    return "(" + " OR ".join(f"{c} IS NULL" for c in columns) + ")"


def interval_code(column: str, edges: Sequence[float], first: int = 0) -> str:
    """The number of the interval (previous edge, edge] that a number lies in, as a search tree."""
    if not len(edges):
        return str(first)
    middle = len(edges) // 2
    low = interval_code(column, edges[:middle], first)
    high = interval_code(column, edges[middle + 1 :], first + middle + 1)
    return f"CASE WHEN {_up_to(column, edges[middle])} THEN {low} ELSE {high} END"


def _up_to(column: str, edge: float) -> str:
    """Whether a number is at most an edge; engines write infinity each in its own way."""
    if math.isinf(edge):
        return "1 = 1" if edge > 0 else f"{column} < {number(-sys.float_info.max)}"
    return f"{column} <= {number(edge)}"
