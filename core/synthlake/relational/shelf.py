"""Arrays over the rows of a table, made block by block: on a disk where they are long.

A child's parent may be any row of a table, so that what children look up of their parents takes
room for each of these. It lies in a file, of which a process maps a few megabytes at a time:
the rest is the operating system's to keep or to drop. Processes that are given a folder share its
files, so that a block is made by whoever needs it first.
"""

from __future__ import annotations

import mmap
import os
import tempfile
import weakref
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthlake.errors import SampleError
from synthlake.seed import digest

Index = NDArray[np.int64]
Make = Callable[[int], Sequence[NDArray[Any]]]
_SMALL = 2**20  # octets that a process holds in memory, and shares with none
_WINDOW = 4 * 2**20  # octets of one array that are looked at together
_MAPPED = 32 * 2**20  # octets of all files that are mapped before all are let go
_PAGE = 4_096


class Shelf:
    """Where the arrays of one sample lie.

    Args:
        folder: of files that several processes share, all for the same model and plan; None for
            files without a name, which end with the process.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder, self._held = folder, dict[object, Shelved]()
        self._pages = _Pages()

    def get(self, name: tuple[str, ...], starts: Index, dtypes: Sequence[np.dtype[Any]]) -> Shelved:
        """Arrays by their name, empty at first.

        Args:
            name: equal for the same arrays in all processes.
            starts: rows before each block, and all rows.
            dtypes: of each array.

        Raises:
            SampleError: there is no room for a file.
        """
        if name not in self._held:
            size = int(starts[-1]) * sum(dtype.itemsize for dtype in dtypes)
            store: _Memory | _File
            if size <= _SMALL:
                store = _Memory(starts, dtypes)
            else:
                file = None if self._folder is None else self._folder / digest(*name).hex()
                store = _File(file, starts, dtypes, self._pages)
            self._held.setdefault(name, Shelved(store, starts))
        return self._held[name]


class Shelved:
    """Arrays of equal length, of which each block is made when it is first needed."""

    def __init__(self, store: _Memory | _File, starts: Index) -> None:
        self._store, self.starts = store, starts
        self._there = np.zeros(len(starts) - 1, bool)

    def need(self, numbers: Index, make: Make) -> None:
        """Make the blocks that are not there yet.

        Args:
            numbers: of blocks.
            make: gives the arrays of a block by its number; pure, as two processes may both do it.
        """
        for number in numbers[~self._there[numbers]].tolist():
            if not self._store.has(number):
                self._store.put(number, int(self.starts[number]), make(number))
            self._there[number] = True

    def take(self, place: int, rows: Index) -> NDArray[Any]:
        """Values of one of the arrays, of rows in ascending order whose blocks are there."""
        array = self._store.arrays[place]
        out = np.empty(len(rows), array.dtype)
        wide = max(_WINDOW // array.dtype.itemsize, 1)
        for window, some in _runs(rows // wide):
            self._store.touch(place, window)
            out[some] = array[rows[some]]
        return out

    def last(self, place: int, values: Index, blocks: Index) -> Index:
        """The last row of which one of the arrays, which ascends, is no more than each value.

        Args:
            place: of the array.
            values: in ascending order.
            blocks: that hold the values, and are there.
        """
        array = self._store.arrays[place]
        out = np.empty(len(values), np.int64)
        gaps = np.flatnonzero(~self._there)
        mean = max(len(array) // max(len(self._there), 1), 1) * array.dtype.itemsize
        usual = np.arange(0, len(self._there), max(_WINDOW // mean, 1))
        breaks = np.unique(np.concatenate([usual, gaps, gaps + 1, [len(self._there)]]))
        # blocks between two breaks are all there: what they hold ascends
        for run, some in _runs(np.searchsorted(breaks, blocks, side="right") - 1):
            self._store.touch(place, -1 - run)
            low, high = self.starts[breaks[run]], self.starts[breaks[run + 1]]
            wanted = values[some].astype(array.dtype)
            out[some] = np.searchsorted(array[low:high], wanted, side="right") - 1 + low
        return out


def _runs(numbers: Index) -> Iterator[tuple[int, slice]]:
    """Equal numbers that follow each other, and where they are."""
    ends = np.append(np.flatnonzero(np.diff(numbers)) + 1, len(numbers)).tolist()
    start = 0
    for end in ends if len(numbers) else ():
        yield int(numbers[start]), slice(start, end)
        start = end


class _Memory:
    """Arrays of this process."""

    def __init__(self, starts: Index, dtypes: Sequence[np.dtype[Any]]) -> None:
        self.arrays = [np.zeros(int(starts[-1]), dtype) for dtype in dtypes]

    def has(self, number: int) -> bool:
        """Whether a block was made by somebody else."""
        return False

    def put(self, number: int, start: int, made: Sequence[NDArray[Any]]) -> None:
        """Hold a block."""
        for array, values in zip(self.arrays, made, strict=True):
            array[start : start + len(values)] = values

    def touch(self, place: int, window: int) -> None:
        """Nothing: it is in memory."""


class _Pages:
    """Which parts of a shelf's files are mapped, as few at a time."""

    def __init__(self) -> None:
        self._files, self._windows = list[mmap.mmap](), set[tuple[int, int, int]]()

    def add(self, file: mmap.mmap) -> int:
        """Take in a file; returns its number."""
        self._files.append(file)
        return len(self._files) - 1

    def touch(self, file: int, place: int, window: int) -> None:
        """Note what is about to be read; let go of all before it once they are many."""
        key = (file, place, window)
        if key in self._windows:
            return
        if (len(self._windows) + 1) * _WINDOW > _MAPPED:
            self._windows.clear()
            for mapped in self._files if hasattr(mmap, "MADV_DONTNEED") else ():
                mapped.madvise(mmap.MADV_DONTNEED)
        self._windows.add(key)


class _File:
    """Arrays in a file: an octet a block that says whether it is there, then one after another.

    It is written by calls and read by mapping, so that a full disk is an error and no signal.
    """

    def __init__(
        self, path: Path | None, starts: Index, dtypes: Sequence[np.dtype[Any]], pages: _Pages
    ) -> None:
        rows, blocks = int(starts[-1]), len(starts) - 1
        self._begins, size = [], -(-max(blocks, 1) // _PAGE) * _PAGE
        for dtype in dtypes:
            self._begins.append(size)
            size += -(-rows * dtype.itemsize // _PAGE) * _PAGE
        self._size, self._pages = size, pages
        try:
            self._file = _opened(path)
            weakref.finalize(self, os.close, self._file)
            os.ftruncate(self._file, size)
            self._map = mmap.mmap(self._file, size, access=mmap.ACCESS_READ)
        except OSError as error:
            raise _refused(size, error) from error
        self._number = pages.add(self._map)
        self._marks = np.frombuffer(self._map, np.uint8, blocks)
        self.arrays = [
            np.frombuffer(self._map, dtype, rows, begin)
            for dtype, begin in zip(dtypes, self._begins, strict=True)
        ]

    def has(self, number: int) -> bool:
        """Whether a block is there; its mark is written after it."""
        return bool(self._marks[number])

    def put(self, number: int, start: int, made: Sequence[NDArray[Any]]) -> None:
        """Write a block, then its mark."""
        try:
            for array, values, begin in zip(self.arrays, made, self._begins, strict=True):
                held = np.ascontiguousarray(values, array.dtype)
                self._write(begin + start * held.dtype.itemsize, held.view(np.uint8).data)
            self._write(number, memoryview(b"\1"))
        except OSError as error:
            raise _refused(self._size, error) from error

    def _write(self, place: int, data: memoryview) -> None:
        while len(data):
            done = os.pwrite(self._file, data, place)
            place, data = place + done, data[done:]

    def touch(self, place: int, window: int) -> None:
        """Say that a window of an array is about to be read."""
        self._pages.touch(self._number, place, window)


def _opened(path: Path | None) -> int:
    """The number of an open file that is shared by its path, or has none."""
    if path is not None:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    file, name = tempfile.mkstemp(prefix="synthlake-")
    os.unlink(name)
    return file


def _refused(size: int, error: OSError) -> SampleError:
    return SampleError(
        f"a temporary file of {-(-size // 2**20):,} MB for what children look up of their parents"
        f" cannot be written: {error.strerror}",
        hint="make room where temporary files lie, or set TMPDIR to a folder that has room",
    )
