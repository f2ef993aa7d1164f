"""Patterns with counts from to, optional parts and alternatives."""

from __future__ import annotations

import re

import numpy as np
import pytest

from synthlake.encode.alternatives import parse_patterns
from synthlake.errors import SchemaError


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("N[0-9]{3}[A-Z]{2}", 1),
        ("[A-Z]{2,4}", 3),
        ("[0-9]{4}(-[A-Z])?", 2),
        ("(DE|AT)[0-9]{3}", 2),
        ("(DE|A)[0-9]{1,2}", 4),
        (r"X\.[0-9]?", 2),
        ("(A[0-9]|B){2}", 4),
        ("", 1),
    ],
)
def test_texts_match_and_are_distinct(text: str, count: int) -> None:
    patterns = parse_patterns(text)
    assert len(patterns) == count
    made = [v for p in patterns for v in p.unrank(np.arange(min(p.capacity, 40))).to_pylist()]
    assert len(set(made)) == len(made)
    assert all(re.fullmatch(text, str(v)) for v in made)


@pytest.mark.parametrize("text", [
    "[A-Z]+", "a*", "^A", "A$", ".", "(A", "A)", "[A-Z]{4,2}", "(A|[A-B])", "[0-9]{1,80}", "{3}",
])  # fmt: skip
def test_the_rest_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(SchemaError) as caught:
        parse_patterns(text)
    assert text in caught.value.message
    assert caught.value.hint
