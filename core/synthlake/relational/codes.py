"""What identifiers and codes look like: shapes that k entities share, versions, check digits."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.encode.alternatives import parse_patterns
from synthlake.encode.pattern import Pattern, parse_pattern, pattern_of_shape, shape_of
from synthlake.encode.personal.check_digits import holds

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_UUID_PATTERN = "[0-9a-f]{8}-[0-9a-f]{4}-%s[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
_UUID_VERSION = 14  # place of the digit
_DIGITS, _UPPER, _LOWER = "0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"
_ANY = _UPPER + _DIGITS
_CHECKED = 0.99  # share of values whose check digit is right from which they have one
_LEAST = 20  # values that show it
_LOOKED_AT = 20_000  # values of which the check digit is computed


@dataclass(frozen=True)
class Codes:
    """What texts of a code look like.

    Attributes:
        patterns: pairwise without a common string.
        weights: rows of each.
        check: kind of the check digit behind each text; empty for none.
    """

    patterns: tuple[Pattern, ...]
    weights: tuple[int, ...]
    check: str = ""


def codes_of(
    values: list[str], group: NDArray[np.int64], k: int, declared: str | None = None
) -> Codes:
    """Patterns of some values.

    Args:
        values: none of them NULL.
        group: entities of the values.
        k: least entities behind anything that is kept.
        declared: the pattern that the schema declares.

    Privacy: a shape, a version, a check digit and a constant character have k entities each.
    """
    if declared is not None:
        return _declared(declared, values, group, k)
    if values and all(_UUID.fullmatch(v) for v in values[:1000]):
        return _uuids(values, group, k)
    check = _check_of(values, group, k)
    bodies = [v[:-1] for v in values] if check else values
    found = _shapes(bodies, group, k)
    if sum(found.weights) * 2 < len(values) or not found.patterns:
        found = _lengths(bodies, group, k)
    return Codes(found.patterns, found.weights, check)


def _people(group: NDArray[np.int64], rows: NDArray[np.int64]) -> int:
    return len(np.unique(group[rows]))


def _declared(text: str, values: list[str], group: NDArray[np.int64], k: int) -> Codes:
    """A declared pattern; where it is several, they come as often as in the data."""
    patterns = parse_patterns(text)
    weights = []
    for pattern in patterns if len(patterns) > 1 else ():
        tests = [re.compile("".join(f"[{re.escape(a)}]" for a in pattern.alphabets))]
        rows = np.flatnonzero([bool(tests[0].fullmatch(v)) for v in values])
        weights.append(len(rows) if _people(group, rows) >= k else 0)
    return Codes(patterns, tuple(weights) if any(weights) else (1,) * len(patterns))


def _uuids(values: list[str], group: NDArray[np.int64], k: int) -> Codes:
    """UUIDs of the versions that k entities have."""
    marks = np.array([v[_UUID_VERSION] for v in values])
    upper = sum(v != v.lower() for v in values) * 2 > len(values)
    patterns, weights = [], []
    for mark in np.unique(marks):
        rows = np.flatnonzero(marks == mark)
        if _people(group, rows) >= k and mark in "12345678":
            patterns.append(_uuid(str(mark), upper))
            weights.append(len(rows))
    return Codes(tuple(patterns or [_uuid("4", upper)]), tuple(weights or [1]))


def _uuid(version: str, upper: bool) -> Pattern:
    made = parse_pattern(_UUID_PATTERN % version)
    return Pattern(tuple(a.upper() for a in made.alphabets)) if upper else made


def _check_of(values: list[str], group: NDArray[np.int64], k: int) -> str:
    """The check digit that nearly all values have."""
    if len(values) < _LEAST or len(np.unique(group)) < max(k, _LEAST):
        return ""
    if not all(v.isascii() and v[-1:].isalnum() for v in values):
        return ""
    some = values[:_LOOKED_AT]
    shares = {check: holds(some, check) / len(some) for check in ("ean", "isbn10", "luhn")}
    return next((check for check, share in shares.items() if share >= _CHECKED), "")


def _shapes(values: list[str], group: NDArray[np.int64], k: int) -> Codes:
    found: dict[str, list[int]] = defaultdict(list)
    for row, shape in enumerate(shape_of(pa.array(values, pa.string()))):
        found[shape].append(row)
    patterns, weights = [], []
    for shape in sorted(s for s, held in found.items() if len(held) >= k):
        rows = np.array(found[shape])
        if _people(group, rows) >= k:
            patterns.append(pattern_of_shape(shape, [values[r] for r in rows]))
            weights.append(len(rows))
    return Codes(tuple(patterns), tuple(weights))


def _lengths(values: list[str], group: NDArray[np.int64], k: int) -> Codes:
    """Where letters and digits stand anywhere: by length, each place with what is seen there."""
    sizes = np.array([len(v) for v in values])
    patterns, weights = [], []
    for size in np.unique(sizes):
        rows = np.flatnonzero(sizes == size)
        if size and _people(group, rows) >= k:
            patterns.append(_wide([values[r] for r in rows]))
            weights.append(len(rows))
    if not patterns:
        return Codes((Pattern((_ANY,) * 8),), (1,))
    return Codes(tuple(patterns), tuple(weights))


def _wide(values: list[str]) -> Pattern:
    """Texts of one length: the classes of characters that they have in common."""
    seen = set("".join(values))
    letters = {c for c in seen if c.isascii() and c.isalpha()}
    limit = 6 if {c.lower() for c in letters} <= set("abcdef") else 26
    alphabet = _DIGITS if seen & set(_DIGITS) else ""
    alphabet += _UPPER[:limit] if letters & set(_UPPER) else ""
    alphabet += _LOWER[:limit] if letters & set(_LOWER) else ""
    places = []
    for place in range(len(values[0])):
        here = {v[place] for v in values}
        fixed = len(here) == 1 and not next(iter(here)).isalnum()
        places.append(next(iter(here)) if fixed else alphabet or _ANY)
    return Pattern(tuple(places))
