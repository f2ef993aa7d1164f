"""Text of a shape: strings as mixed-radix numbers; distinct numbers give distinct strings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.encode.mixing import mix
from synthlake.errors import SchemaError

_DIGITS, _UPPER, _LOWER = "0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"
_CLASS = {"9": _DIGITS, "A": _UPPER, "a": _LOWER, "*": "àéîöüçñßøå"}
_TOKEN = re.compile(r"(\[(?:\\.|[^\]\\])+\]|\\.|[^\[\]{}()*+?|^$.\\])(?:\{(\d{1,3})\})?")
_CAPACITY_LIMIT = 2**62


@dataclass(frozen=True)
class Pattern:
    """A fixed-length text: position i is one character of ``alphabets[i]``."""

    alphabets: tuple[str, ...]

    @property
    def capacity(self) -> int:
        """Number of distinct strings, at most 2**62."""
        total = 1
        for alphabet in self.alphabets:
            total = min(total * len(alphabet), _CAPACITY_LIMIT)
        return total

    def unrank(self, numbers: NDArray[np.int64]) -> pa.Array[Any]:
        """The strings with these numbers in [0, capacity); distinct for distinct numbers.

        Of patterns with more strings than that, the last places tell the numbers apart, and the
        places before them are mixed from the number.
        """
        if not self.alphabets:
            return pa.array([""] * len(numbers), pa.string())
        rest, left = numbers.astype(np.uint64), _CAPACITY_LIMIT
        narrow = all(letters.isascii() for letters in self.alphabets)
        parts = np.empty((len(self.alphabets), len(numbers)), np.uint8 if narrow else np.uint32)
        for place in range(len(self.alphabets) - 1, -1, -1):
            letters = np.array([ord(letter) for letter in self.alphabets[place]], parts.dtype)
            if len(letters) == 1:
                parts[place] = letters
                continue
            if left <= 0:
                rest, left = mix(rest + np.uint64(place) + numbers.astype(np.uint64)), 2**60
            left //= len(letters)
            base = np.uint64(len(letters))
            above = rest // base
            rest -= above * base  # faster than %, which numpy does number by number
            parts[place] = letters.take(rest.view(np.int64), mode="clip")
            rest = above
        return _joined(np.ascontiguousarray(parts.T))


def _joined(parts: NDArray[np.uint8] | NDArray[np.uint32]) -> pa.Array[Any]:
    """Rows of code points as texts."""
    rows, width = parts.shape
    if parts.dtype == np.uint8 and rows * width < 2**31:  # a byte each
        ends = np.arange(rows + 1, dtype=np.int32) * np.int32(width)
        first: Any = ends
        every: Any = parts
        return pa.StringArray.from_buffers(rows, pa.py_buffer(first), pa.py_buffer(every))
    joined = parts.astype(np.uint32).view(f"<U{width}")[:, 0]
    return pa.array(joined.tolist(), pa.string())


def parse_pattern(text: str) -> Pattern:
    """A pattern such as ``N[0-9]{3}[A-Z]{2}``: literals, classes, and counts in braces.

    Raises:
        SchemaError: the text has alternatives, open-ended repeats or other regex syntax.
    """
    alphabets: list[str] = []
    place = 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if not found:
            raise SchemaError(
                f"pattern {text!r} has unsupported syntax at character {place + 1}",
                hint="use literals, classes like [A-Z0-9] and counts like {3}",
            )
        token, count = found.group(1), int(found.group(2) or 1)
        alphabets += [alphabet_of(token)] * count
        place = found.end()
    return Pattern(tuple(alphabets))


def alphabet_of(token: str) -> str:
    """Characters that a token stands for."""
    if token == r"\d":
        return _DIGITS
    if not token.startswith("["):
        return token[-1]
    inner = re.sub(r"\\(.)", r"\1", token[1:-1])
    spread = re.sub(r"(.)-(.)", lambda m: "".join(map(chr, range(ord(m[1]), ord(m[2]) + 1))), inner)
    return "".join(dict.fromkeys(spread))


def shape_of(values: pa.Array[Any]) -> list[str]:
    """The shape of each text: ``9`` for digits, ``A`` and ``a`` for letters, ``*`` beyond ASCII."""
    import pyarrow.compute as pc

    for pattern, mark in (("[0-9]", "9"), ("[A-Z]", "A"), ("[a-z]", "a"), (r"[^\x00-\x7F]", "*")):
        values = pc.replace_substring_regex(values, pattern, mark)
    return [str(v) for v in values.to_pylist()]


def alphabets_of(shape: str) -> tuple[str, ...]:
    """Characters that each mark of a shape stands for."""
    return tuple(_CLASS.get(mark, mark) for mark in shape)


def pattern_of_shape(shape: str, examples: Sequence[str] = ()) -> Pattern:
    """The pattern of a shape; a position where all examples agree becomes a literal.

    Privacy: give examples only where k entities share the shape.
    """
    alphabets = list(alphabets_of(shape))
    if examples:
        for place in range(len(shape)):
            seen = {text[place] for text in examples}
            if len(seen) == 1:
                alphabets[place] = seen.pop()
    return Pattern(tuple(alphabets))
