"""Keys as functions of the row's number, and the permutations behind them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthlake.encode.pattern import parse_pattern
from synthlake.relational.feistel import Permutation, permute_each
from synthlake.relational.keys import (
    Busy,
    KeyFrame,
    KeyMaker,
    NumberKey,
    SlotAxis,
    SlotKey,
    TextKey,
    apportion,
)
from synthlake.seed import Seed, mulhigh

Make = Callable[[], KeyMaker]


def test_permutations_of_every_small_size_are_bijections() -> None:
    sizes = np.arange(1, 5_001)
    numbers = np.concatenate([np.arange(s) for s in sizes[:600]])
    each = np.repeat(sizes[:600], sizes[:600])
    keys = (each.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)) | np.uint64(1)
    images = permute_each(numbers, each, keys)
    order = np.lexsort((images, each))
    assert np.array_equal(images[order], numbers)
    for size in sizes[600::97]:
        permutation = Permutation(int(size), int(size) * 7_919)
        found = permutation(np.arange(size))
        assert np.array_equal(np.sort(found), np.arange(size))
        assert np.array_equal(permutation.inverse(found), np.arange(size))


@given(size=st.integers(1, 2**62), key=st.integers(0, 2**64 - 1), data=st.data())
@settings(max_examples=60, deadline=None)
def test_inverses_of_large_permutations(size: int, key: int, data: st.DataObject) -> None:
    drawn = data.draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=20, unique=True))
    numbers = np.array(drawn, np.int64)
    permutation = Permutation(size, key)
    images = permutation(numbers)
    assert ((images >= 0) & (images < size)).all()
    assert len(set(images.tolist())) == len(numbers)
    assert np.array_equal(permutation.inverse(images), numbers)


def test_another_key_is_another_permutation() -> None:
    numbers = np.arange(1_000)
    assert not np.array_equal(Permutation(1_000, 1)(numbers), Permutation(1_000, 2)(numbers))


@given(
    shapes=st.lists(st.tuples(st.integers(0, 1_000), st.integers(0, 300)), min_size=1, max_size=8),
    share=st.floats(0, 1),
)
def test_apportion(shapes: list[tuple[int, int]], share: float) -> None:
    weights, limits = [w for w, _ in shapes], [room for _, room in shapes]
    total = int(sum(limits) * share)
    parts = apportion(total, weights, limits)
    assert sum(parts) == total
    assert all(0 <= part <= limit for part, limit in zip(parts, limits, strict=True))
    exact = [total * w / max(sum(weights), 1) for w in weights]
    if sum(weights) and all(e + 1 <= limit for e, limit in zip(exact, limits, strict=True)):
        assert all(abs(p - e) < 1 for p, e in zip(parts, exact, strict=True))


@given(st.lists(st.integers(0, 2**40), min_size=1, max_size=50), st.integers(1, 2**40))
def test_scaled_numbers_stay_in_order_and_inside(numbers: list[int], by: int) -> None:
    for times in (1, 7, 2**31 - 1, 2**35):
        place = np.sort(np.array(numbers, np.int64) % by)
        found = mulhigh(place, np.full(len(place), times), np.full(len(place), by))
        assert (np.diff(found) >= 0).all()
        assert ((found >= 0) & (found < times)).all()


def text() -> KeyMaker:
    """Two shapes, one of them nearly used up."""
    patterns = tuple(parse_pattern(p) for p in ("N[0-9]{2}", "[A-Z]{3}"))
    return TextKey(("k",), pa.string(), patterns, (3, 1))


def number() -> KeyMaker:
    """Numbers from 100 on in steps of 7."""
    return NumberKey(("k",), pa.int32(), 100, 7, 2**31 - 1)


def slots() -> KeyMaker:
    """A grid of 30 x 40."""
    names = pa.array([f"a{n:02d}" for n in range(30)])
    return SlotKey((SlotAxis("n", pa.int16(), None, 5, 2, 40), SlotAxis("k", pa.string(), names)))


@pytest.mark.parametrize("make", [text, number, slots])
@pytest.mark.parametrize("rows", [0, 1, 900])
def test_keys_of_rows_and_phantoms_differ(make: Make, rows: int) -> None:
    key, total = make(), rows + 250
    frame = KeyFrame(Seed(3, "s"), "t", rows, total)
    made = key.make(np.arange(total), frame)
    tuples = list(zip(*(made[c].to_pylist() for c in key.columns), strict=True))
    assert len(set(tuples)) == total
    again = key.make(np.array([total - 1, 5, 5]), frame)
    parts = list(zip(*(again[c].to_pylist() for c in key.columns), strict=True))
    assert parts == [tuples[total - 1], tuples[5], tuples[5]]


@pytest.mark.parametrize("make", [text, slots])
def test_keys_hold_as_many_as_they_say(make: Make) -> None:
    key = make()
    small = SlotKey(key.axes) if isinstance(key, SlotKey) else TextKey(
        ("k",), pa.string(), (parse_pattern("[0-9]{3}"), parse_pattern("A[0-9]")), (1, 50)
    )  # fmt: skip
    frame = KeyFrame(Seed(3, "s"), "t", small.capacity, small.capacity)
    made = small.make(np.arange(small.capacity), frame)
    columns = [made[c].to_pylist() for c in small.columns]
    assert len(set(zip(*columns, strict=True))) == small.capacity


def test_shapes_come_in_their_proportions() -> None:
    made = text().make(np.arange(120), KeyFrame(Seed(1, "s"), "t", 120, 120))
    assert (
        sum(k.startswith("N") and len(k) == 3 and k[1:].isdigit() for k in made["k"].to_pylist())
        == 90
    )


def test_slots_of_rows_come_in_grid_order() -> None:
    made = slots().make(np.arange(700), KeyFrame(Seed(1, "s"), "t", 700, 800))
    rows = list(zip(made["n"].to_pylist(), made["k"].to_pylist(), strict=True))
    assert rows == sorted(rows)


def test_phantoms_of_a_grid_lie_in_busy_hours_and_in_no_slot_of_a_row() -> None:
    stamp = pa.timestamp("us", "UTC")
    hours = SlotAxis("at", stamp, None, 0, 3_600_000_000, 24 * 50)
    sites = SlotAxis("site", pa.string(), pa.array(["a", "b"]))
    grid = SlotKey((hours, sites), Busy("at", 1.0, "UTC", (9, 10, 11)))
    frame = KeyFrame(Seed(1), "t", 2_000, 2_040)
    made = grid.make(np.arange(2_040), frame)
    keys = list(zip(made["at"].to_pylist(), made["site"].to_pylist(), strict=True))
    assert len(set(keys)) == 2_040
    assert {at.hour for at, _ in keys[2_000:2_020]} <= {9, 10, 11}
    assert {at.hour for at, _ in keys[:2_000]} == set(range(24))
