"""Primary keys by evidence: the smallest sets of columns that are unique and look like keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from math import prod

import pyarrow as pa

from synthlake.schema.kind_words import ENDINGS, is_called
from synthlake.schema.model import Column, Table
from synthlake.schema.probe import Probe, TableCounts, TextCounts
from synthlake.schema.words import is_counter, is_identifier, names_table, words

_MAX_CANDIDATES = 9
MAX_PARTS = 4
_MIN_COLLISIONS = 3.0  # pairs that chance would have made equal: fewer, and unique proves nothing
_LONGEST_KEY = 64
_SMALL = 20
_TIMES = {"date", "timestamp"}
_KEY_LIKE = {"int", "text", "uuid", "binary"} | _TIMES


_FAMILIES: dict[str, Callable[[pa.DataType], bool]] = {
    "int": lambda kind: pa.types.is_integer(kind) or (pa.types.is_decimal(kind) and not kind.scale),
    "decimal": pa.types.is_decimal,
    "text": lambda kind: str(kind) in {"string", "large_string", "string_view"},
    "date": pa.types.is_date,
    "timestamp": pa.types.is_timestamp,
    "time": pa.types.is_time,
    "duration": pa.types.is_duration,
    "binary": lambda kind: "binary" in str(kind) and not pa.types.is_nested(kind),
    "uuid": lambda kind: isinstance(kind, pa.UuidType),
    "bool": pa.types.is_boolean,
}


def family(kind: pa.DataType) -> str:
    """What values of a type are; those of one family may refer to each other.

    Returns:
        int, decimal, text, date, timestamp, time, duration, binary, uuid or bool; other for floats
        and nested values, which cannot be part of a key.
    """
    kind = kind.value_type if isinstance(kind, pa.DictionaryType) else kind
    return next((name for name, holds in _FAMILIES.items() if holds(kind)), "other")


def is_junction(table: Table) -> bool:
    """Whether a table looks as if it only joined others: identifiers, and none of its own."""
    return len(table.columns) > 1 and all(
        is_identifier(c.name) and words(c.name) != ("id",) and not names_table(c.name, table.name)
        for c in table.columns
    )


def single_key(table: Table, counts: TableCounts, texts: dict[str, TextCounts]) -> str | None:
    """The column that is a key by itself, if one is unique and looks like a key."""
    found = [c for c in _usable(table) if counts.unique(c.name)]
    scores = {c.name: _single_score(table, c, counts.rows, texts.get(c.name)) for c in found}
    good = [name for name, score in scores.items() if score > 0]
    return max(good, key=lambda name: scores[name], default=None)


def composite_key(
    table: Table, counts: TableCounts, references: Iterable[str], probe: Probe
) -> tuple[str, ...]:
    """The smallest unique set of two to four columns that look like parts of a key; or none.

    Args:
        table: without a primary key.
        counts: of the table.
        references: its columns that refer to other tables.
        probe: asks the engine.

    Cost: at most 246 statements that group by a few columns, most over 50,000 rows.
    """
    weights = _weights(table, counts, set(references))
    best = sorted(weights, key=lambda name: -weights[name])[:_MAX_CANDIDATES]
    for size in range(2, MAX_PARTS + 1):
        sets = [s for s in combinations(best, size) if _plausible(s, weights, counts)]
        for columns in sorted(sets, key=lambda s: -sum(weights[c] for c in s)):
            if probe.unique(table, columns):
                return _ordered(table, columns)
    return ()


def _usable(table: Table) -> list[Column]:
    return [c for c in table.columns if c.action == "learn" and family(c.type) in _KEY_LIKE]


def _single_score(table: Table, column: Column, rows: int, text: TextCounts | None) -> float:
    first = table.columns[0].name == column.name
    named = is_identifier(column.name) or names_table(column.name, table.name)
    score = 4.0 * named + 2.0 * first + 1.0 * names_table(column.name, table.name)
    kind = family(column.type)
    if text is not None and (text.longest > _LONGEST_KEY or text.spaced * 2 > rows):
        return score - 4.0  # a description
    if kind == "text":
        said, owner = words(column.name), words(table.name)
        if any(is_called(kind, said, owner) for kind in ENDINGS):
            score -= 1.0  # people have it, and it identifies them, not the row
        # any column of a tiny table is unique
        return score + (0.5 if rows >= _SMALL and text is not None and not text.spaced else 0.0)
    return score - 1.0 if kind in _TIMES else score


def _weights(table: Table, counts: TableCounts, references: set[str]) -> dict[str, float]:
    held: dict[str, float] = {}
    for place, column in enumerate(_usable(table)):
        name, kind = column.name, family(column.type)
        if not counts.complete(name) or counts.columns[name].distinct < 2:
            continue
        said = is_identifier(name) or names_table(name, table.name) or is_counter(name)
        weight = 4.0 if name in references else 3.0 if kind in _TIMES or said else 1.0
        if weight == 3.0 and is_counter(name) and kind == "int":
            weight = 2.0  # a year beside a timestamp says less than the timestamp
        held[name] = weight - place / 1000
    return held


def _plausible(columns: Sequence[str], weights: dict[str, float], counts: TableCounts) -> bool:
    # one part without a telling name may be the line of an order; two are measures
    if sum(weights[c] <= 1 for c in columns) > 1:
        return False
    space = prod(counts.columns[c].distinct for c in columns)
    if space < counts.rows:
        return False
    pairs = counts.rows * (counts.rows - 1) / 2
    return pairs / space >= _MIN_COLLISIONS or all(weights[c] > 3.5 for c in columns)


def _ordered(table: Table, columns: Iterable[str]) -> tuple[str, ...]:
    chosen = set(columns)
    return tuple(c.name for c in table.columns if c.name in chosen)
