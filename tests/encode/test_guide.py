"""Guide tables find what a search finds."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from synthlake.encode.guide import Guide

sizes = st.lists(st.integers(0, 50) | st.integers(0, 10**9), min_size=1, max_size=300)


@given(sizes, st.integers(0, 2**32))
def test_the_interval_is_that_of_a_search(widths: list[int], seed: int) -> None:
    """Empty intervals, one that is nearly all, and hundreds of thin ones side by side."""
    ends = np.cumsum(np.array([*widths, 1]))
    numbers = np.random.default_rng(seed).integers(0, ends[-1], 500)
    numbers = np.concatenate([numbers, ends[:-1], np.maximum(ends - 1, 0), [0]])
    numbers = numbers[numbers < ends[-1]]
    found = Guide.build(ends.astype(np.uint64)).find(numbers)
    assert np.array_equal(found, np.searchsorted(ends, numbers, side="right"))


def test_its_size_follows_the_intervals_and_not_what_they_span() -> None:
    ends = np.cumsum(np.full(1_000, 10**12))
    assert len(Guide.build(ends).near) <= 8 * len(ends)
