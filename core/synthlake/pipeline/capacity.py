"""How many distinct keys a schema has room for, where it says so itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import prod

import pyarrow as pa

from synthlake.schema.model import Column, Table

_TOKEN = re.compile(r"\[([^\]]+)\]|\\([dwDW])|\\(.)|(.)", re.S)
_REPEAT = re.compile(r"\{(\d+)(?:,(\d+))?\}")
_CLASSES = {"d": 10, "w": 63}
_UNBOUNDED = 10**18
_FULL = 0.3  # share of a grid that must be filled to count as one, as in learning


def capacity(table: Table) -> int | None:
    """Most distinct primary keys of a table; None if the schema sets no bound.

    Parts that refer to another table grow with it and set none.
    """
    if not table.primary_key:
        return None
    total = 1
    for name in table.primary_key:
        part = _part(table, name)
        if part is None:
            return None
        total *= part
    return total if total < _UNBOUNDED else None


def grid(distinct: Sequence[int], rows: int) -> int | None:
    """Places of the grid that a composite key fills, such as airport x hour; None if it is none.

    Args:
        distinct: values of each part of the key.
        rows: of the table.
    """
    places = prod(distinct)
    return places if len(distinct) > 1 and rows >= _FULL * places else None


def _part(table: Table, name: str) -> int | None:
    column = table.column(name)
    if any(name in fk.columns for fk in table.foreign_keys):
        return None  # grows with the parent
    if column.pattern is not None:
        return pattern_capacity(column.pattern)
    return _type_capacity(column)


def _type_capacity(column: Column) -> int | None:
    if pa.types.is_boolean(column.type):
        return 2
    if pa.types.is_integer(column.type):
        bits = int(column.type.bit_width)
        return 2**bits if bits < 64 else None
    return None


def pattern_capacity(pattern: str) -> int | None:
    """Distinct texts of a pattern such as ``N[0-9]{3}[A-Z]{2}``; None if it is beyond that form."""
    total, place = 1, 0
    while place < len(pattern):
        token = _TOKEN.match(pattern, place)
        if token is None or pattern[place] in "(|)*+?^$":
            return None
        choices = _choices(token)
        if choices is None:
            return None
        place = token.end()
        low, high = 1, 1
        if (repeat := _REPEAT.match(pattern, place)) is not None:
            low, high = int(repeat[1]), int(repeat[2] or repeat[1])
            place = repeat.end()
        total *= sum(choices**count for count in range(low, high + 1))
    return total


def _choices(token: re.Match[str]) -> int | None:
    if token[1] is not None:
        return _members(token[1])
    if token[2] is not None:
        return _CLASSES.get(token[2])
    return None if token[4] == "." else 1


def _members(inside: str) -> int | None:
    if inside.startswith("^") or "\\" in inside:
        return None
    found: set[str] = set()
    place = 0
    while place < len(inside):
        if place + 2 < len(inside) and inside[place + 1] == "-":
            found.update(map(chr, range(ord(inside[place]), ord(inside[place + 2]) + 1)))
            place += 3
        else:
            found.add(inside[place])
            place += 1
    return len(found)
