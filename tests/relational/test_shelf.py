"""Arrays over the rows of a table that are made block by block."""

from __future__ import annotations

import errno
import gc
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from synthlake.errors import SampleError
from synthlake.relational import shelf
from synthlake.relational.shelf import Shelf, Shelved

STARTS = np.array([0, 700, 700, 1_500, 2_000, 5_000])
VALUES = np.arange(5_000) * 3
DTYPES = [np.dtype(np.uint32), np.dtype("V16")]
WIDE = np.random.default_rng(1).bytes(16 * 5_000)


def made(number: int) -> Sequence[NDArray[Any]]:
    """The arrays of a block: numbers that ascend, and octets."""
    low, high = STARTS[number : number + 2]
    return VALUES[low:high], np.frombuffer(WIDE, "V16")[low:high]


def not_made(number: int) -> Sequence[NDArray[Any]]:
    """A block that nobody should need."""
    raise AssertionError(f"block {number} was there")


@pytest.fixture(params=["memory", "file", "shared"])
def held(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Shelved:
    """Empty arrays of each kind, of which few octets are mapped at a time."""
    if request.param != "memory":
        monkeypatch.setattr(shelf, "_SMALL", 0)
        monkeypatch.setattr(shelf, "_WINDOW", 1_024)
        monkeypatch.setattr(shelf, "_MAPPED", 4_096)
    return Shelf(tmp_path if request.param == "shared" else None).get(("a",), STARTS, DTYPES)


@pytest.mark.parametrize("blocks", [[0], [4], [0, 2, 4], [2, 3], [0, 1, 2, 3, 4]])
def test_rows_of_blocks_are_found(held: Shelved, blocks: list[int]) -> None:
    held.need(np.array(blocks), made)
    held.need(np.array(blocks), not_made)
    rows = np.concatenate([np.arange(STARTS[b], STARTS[b + 1]) for b in blocks])
    some = np.sort(np.random.default_rng(2).choice(rows, 900))
    assert np.array_equal(held.take(0, some), VALUES[some])
    assert np.array_equal(held.take(1, some), np.frombuffer(WIDE, "V16")[some])
    of = np.searchsorted(STARTS, some, side="right") - 1
    for more in (0, 2):  # a value that is there, and one between two
        assert np.array_equal(held.last(0, VALUES[some] + more, of), some)
    nothing = np.zeros(0, np.int64)
    assert not len(held.take(0, nothing))
    assert not len(held.last(0, nothing, nothing))


def test_what_one_process_made_another_one_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf, "_SMALL", 0)
    first, second = (Shelf(tmp_path).get(("a",), STARTS, DTYPES) for _ in range(2))
    first.need(np.array([0, 3]), made)
    second.need(np.array([0, 3]), not_made)
    assert np.array_equal(second.take(0, np.array([5, 1_999])), VALUES[[5, 1_999]])
    second.need(np.array([2]), made)
    first.need(np.array([2]), not_made)
    other = Shelf(tmp_path).get(("b",), STARTS, DTYPES)
    with pytest.raises(AssertionError, match="block 0"):
        other.need(np.array([0]), not_made)


def test_a_block_that_was_not_finished_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf, "_SMALL", 0)
    write, written = os.pwrite, list[int]()

    def ends(file: int, data: Any, place: int) -> int:
        written.append(place)
        if len(written) > 1:
            raise KeyboardInterrupt
        return write(file, data[: len(data) // 2], place)

    killed = Shelf(tmp_path).get(("a",), STARTS, DTYPES)
    monkeypatch.setattr(os, "pwrite", ends)
    with pytest.raises(KeyboardInterrupt):
        killed.need(np.array([3]), made)
    monkeypatch.setattr(os, "pwrite", write)
    again = Shelf(tmp_path).get(("a",), STARTS, DTYPES)
    again.need(np.array([3]), made)
    rows = np.arange(1_500, 2_000)
    assert np.array_equal(again.take(0, rows), VALUES[rows])


def test_a_full_disk_is_an_error_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "_SMALL", 0)
    full = Shelf().get(("a",), STARTS, DTYPES)

    def no_room(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "pwrite", no_room)
    with pytest.raises(SampleError, match=r"temporary file of 1 MB .* No space left") as caught:
        full.need(np.array([0]), made)
    assert "TMPDIR" in str(caught.value)


def test_no_file_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "_SMALL", 0)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))
    one = Shelf().get(("a",), STARTS, DTYPES)
    one.need(np.array([0]), made)
    assert not [*tmp_path.iterdir()]
    assert len(os.listdir("/proc/self/fd")) > before
    del one
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) == before
