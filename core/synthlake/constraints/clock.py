"""Clock times written as the number HHMM, their parts and their differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthlake.constraints.rule import Cells

DAY = 1_440  # minutes
_MANY = 90  # distinct values from which a column without x60..x99 is a clock by no accident


def minutes(ticks: NDArray[Any]) -> NDArray[np.int64]:
    """Minutes since midnight of HHMM; 2400 is 1440."""
    found: NDArray[np.int64] = ticks - ticks // 100 * 40  # // is several times faster than %
    return found


def clock(minute: NDArray[np.int64], midnight: int) -> NDArray[np.int64]:
    """HHMM of minutes modulo a day; midnight is written as 0 or 2400."""
    minute = minute - minute // DAY * DAY
    return np.where(minute == 0, midnight, minute + minute // 60 * 40)


def midnight_of(cells: Cells) -> int:
    """How a clock column writes midnight."""
    return 2400 if (cells.ticks[~cells.null] == 2400).any() else 0


def find_clocks(cells: Mapping[str, Cells], candidates: Sequence[str]) -> list[str]:
    """Integer columns that can only be HHMM."""
    found = []
    for name in candidates:
        there = cells[name].ticks[~cells[name].null]
        if len(there) < 50 or there.min() < 0 or there.max() > 2400:
            continue
        if (there % 100 < 60).all() and len(np.unique(there)) >= _MANY:
            found.append(name)
    return found


@dataclass(frozen=True)
class ClockParts:
    """``hour * 100 + minute = clock``; makes the clock, or its parts from it."""

    clock: str
    hour: str
    minute: str
    from_parts: bool

    @property
    def makes(self) -> tuple[str, ...]:
        """The clock, or its parts."""
        return (self.clock,) if self.from_parts else (self.hour, self.minute)

    @property
    def needs(self) -> tuple[str, ...]:
        """The parts, or the clock."""
        return (self.hour, self.minute) if self.from_parts else (self.clock,)

    def apply(self, cells: Mapping[str, Cells]) -> dict[str, Cells]:
        """Exact in every row."""
        if self.from_parts:
            hour, minute = cells[self.hour], cells[self.minute]
            both = Cells(hour.ticks * 100 + minute.ticks, hour.null | minute.null)
            return {self.clock: both}
        given = cells[self.clock]
        return {self.hour: Cells(given.ticks // 100, given.null),
                self.minute: Cells(given.ticks % 100, given.null)}  # fmt: skip

    def to_json(self) -> dict[str, Any]:
        """The rule, for the artifact."""
        return {"rule": "clock_parts", "clock": self.clock, "hour": self.hour,
                "minute": self.minute, "from_parts": self.from_parts}  # fmt: skip


@dataclass(frozen=True)
class ClockSum:
    """``clock = base + minutes`` modulo a day, wherever base and minutes are known.

    Attributes:
        base: the earlier clock; "" for midnight.
        midnight: how the clock writes it, 0 or 2400.
    """

    clock: str
    base: str
    minutes: str
    midnight: int

    @property
    def makes(self) -> tuple[str, ...]:
        """The later clock."""
        return (self.clock,)

    @property
    def needs(self) -> tuple[str, ...]:
        """The earlier clock and the difference."""
        return (self.base, self.minutes) if self.base else (self.minutes,)

    def apply(self, cells: Mapping[str, Cells]) -> dict[str, Cells]:
        """Exact in every row where both are known."""
        more = cells[self.minutes]
        base = cells[self.base] if self.base else Cells(np.zeros_like(more.ticks), more.null)
        made = clock(minutes(base.ticks) + more.ticks, self.midnight)
        return {self.clock: Cells(made, base.null | more.null)}

    def to_json(self) -> dict[str, Any]:
        """The rule, for the artifact."""
        return {"rule": "clock_sum", "clock": self.clock, "base": self.base,
                "minutes": self.minutes, "midnight": self.midnight}  # fmt: skip


def find_clock_parts(
    cells: Mapping[str, Cells], clocks: Sequence[str], candidates: Sequence[str]
) -> list[ClockParts]:
    """Clocks whose hour and minute stand in columns of their own."""
    found = []
    for name in clocks:
        given = cells[name]
        there = ~given.null
        hours = [c for c in candidates if _equal(cells[c], given.ticks // 100, there)]
        rest = [c for c in candidates if _equal(cells[c], given.ticks % 100, there)]
        if hours and rest:
            found.append(ClockParts(name, hours[0], rest[0], from_parts=False))
    return found


def _equal(cells: Cells, ticks: NDArray[Any], there: NDArray[np.bool_]) -> bool:
    """Whether a column equals some ticks, NULLs included."""
    return bool(np.array_equal(~cells.null, there) and (cells.ticks == ticks)[there].all())


def find_clock_sums(
    cells: Mapping[str, Cells], clocks: Sequence[str], candidates: Sequence[str]
) -> list[ClockSum]:
    """Triples (later clock, earlier clock, difference) that hold in every row.

    The later clock is known wherever the difference is; it may be known elsewhere too.
    """
    found = []
    for later, earlier in permutations(clocks, 2):
        for name in candidates:
            a, b, more = cells[later], cells[earlier], cells[name]
            known = ~more.null & ~b.null
            if known.sum() < 50 or a.null[known].any() or (b.null & ~more.null).any():
                continue
            gap = minutes(a.ticks) - minutes(b.ticks) - more.ticks
            if (gap[known] % DAY == 0).all() and more.ticks[known].any():
                found.append(ClockSum(later, earlier, name, midnight_of(a)))
    return found
