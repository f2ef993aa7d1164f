"""Values that must differ within a family."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from synthlake.encode.axis import Axis
from synthlake.encode.numeric import NumericCodec
from synthlake.relational.distinctness import Family, made_distinct, repeated
from synthlake.relational.uniqueness import unlike
from synthlake.seed import Seed

SEED = Seed(1, "s")
CODEC = NumericCodec(Axis(pa.int64(), 0), np.arange(1, 6), np.arange(1, 6))


def family(sizes: list[int], codec: NumericCodec | None, size: int, most: int = 1) -> Family:
    """Families of some sizes."""
    number = np.repeat(np.arange(len(sizes)), sizes)
    return Family(
        number, [], codec, size, most, lambda n, d: SEED.words("t", n, 0, len(number), d), "c"
    )


@given(st.lists(st.integers(0, 9), min_size=1, max_size=30))
@settings(deadline=None)
def test_numbers_differ_and_leave_the_range_only_when_it_is_full(sizes: list[int]) -> None:
    made = family(sizes, CODEC, CODEC.size)
    codes = np.zeros(sum(sizes), np.int32)
    place = (np.ones(sum(sizes), np.int64), np.zeros(sum(sizes), bool))
    found = made_distinct(codes, place, made, lambda rows, number: codes[rows])[1]
    assert found is not None
    for at, size in enumerate(sizes):
        mine = found[0][made.number == at]
        assert len(set(mine.tolist())) == size
        assert set(mine.tolist()) <= set(range(1, max(size, 5) + 1)), "no number below the range"


@given(st.lists(st.integers(0, 12), min_size=1, max_size=20), st.integers(1, 3))
@settings(deadline=None)
def test_categories_stand_as_often_as_they_may(sizes: list[int], most: int) -> None:
    made = family(sizes, None, 4, most)
    codes = np.full(sum(sizes), 3, np.int32)
    found, _ = made_distinct(codes, None, made, lambda rows, number: codes[rows])
    assert ((found >= 0) & (found < 4)).all()
    for at, size in enumerate(sizes):
        if size <= 4 * most:
            counts = np.bincount(found[made.number == at], minlength=4)
            assert counts.max(initial=0) <= most


def test_what_differs_already_stays() -> None:
    made = family([3, 2], None, 4)
    codes = np.array([0, 1, 2, 0, 3], np.int32)
    found, _ = made_distinct(codes, None, made, lambda rows, number: codes[rows])
    assert np.array_equal(found, codes)


@given(st.lists(st.integers(0, 3), max_size=40), st.integers(1, 4))
def test_repeated(values: list[int], most: int) -> None:
    seen: dict[int, int] = {}
    for value, bad in zip(values, repeated([np.array(values, np.int64)], most), strict=True):
        seen[value] = seen.get(value, 0) + 1
        assert bad == (seen[value] > most)


@given(st.lists(st.integers(1, 7), min_size=1, max_size=30))
def test_parents_differ_within_a_family(sizes: list[int]) -> None:
    number = np.repeat(np.arange(len(sizes)), sizes)
    parent = np.zeros(len(number), np.int64)
    found = unlike(parent, [number], lambda rows, again: parent[rows], 7, "the key")
    assert ((found >= 0) & (found < 7)).all()
    assert not repeated([found, number]).any()
