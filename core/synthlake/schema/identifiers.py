"""Which columns are identifiers though they are no key of their table. All thresholds are here."""

from __future__ import annotations

from collections.abc import Sequence

from synthlake.schema.keys import family
from synthlake.schema.model import Column
from synthlake.schema.probe import TableCounts, rate
from synthlake.schema.words import is_counter, is_identifier

_LEAST = 20  # values, of which the same number of distinct ones is no accident
_ONE_WORD = 0.98  # share of values without a space
_DIGIT = 0.9  # share of values with a digit, where the name does not say what it is
_LONGEST = 64


def identifier(column: Column, counts: TableCounts, values: Sequence[str]) -> str:
    """Why a column is an identifier; empty if it is not one.

    Args:
        column: text or whole numbers.
        counts: of its table.
        values: some distinct texts.
    """
    held = counts.columns[column.name]
    named = is_identifier(column.name) and not is_counter(column.name)
    unique = held.values >= _LEAST and held.distinct == held.values
    said = f"{held.distinct} distinct" + (", none twice" if unique else "")
    if family(column.type) == "int":
        return f"{said}, and named so: an identifier" if unique and named else ""
    if held.values < _LEAST or not values or max(map(len, values)) > _LONGEST:
        return ""
    words = sum(not any(c.isspace() for c in v) for v in values)
    digits = sum(any(c.isdigit() for c in v) for v in values)
    if words < _ONE_WORD * len(values):
        return ""
    if not named and not (unique and digits >= _DIGIT * len(values)):
        return ""
    form = f"{rate(words, len(values))} one word, {rate(digits, len(values))} with a digit"
    return f"{said}, {form}{', and named so' if named else ''}: an identifier"
