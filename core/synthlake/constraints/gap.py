"""A column between others, learned as its distance from those below it, or from those above."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthlake.constraints.bounds import per_tick
from synthlake.constraints.rule import Cells
from synthlake.encode.axis import Axis
from synthlake.encode.numeric import NumericCodec


@dataclass(frozen=True)
class Below:
    """A column that is at most as great, or less.

    Attributes:
        column: its name.
        times, by: a tick of it is ``times / by`` ticks of the greater column.
        strict: whether it is less.
    """

    column: str
    times: int
    by: int
    strict: bool


@dataclass(frozen=True)
class Gap:
    """Distance from the greatest of the columns below; from ``origin`` where all are NULL.

    Attributes:
        below: columns that are at most as great.
        origin: least supported value of the column itself.
        most: greatest tick that the column may have, by declaration; None for no bound.
        usual: greatest supported tick, beyond which it only goes to stay above the others.
        continuous: whether ticks are floats.
        reach: greatest distance from a known column; from ``origin``, distances are longer.
        above: columns that are at least as great, which keep what would go beyond them.
        down: whether it is measured downward, ``below`` being the columns above it; everything
            else is then said of negated ticks.

    Privacy: ``origin``, ``usual`` and ``reach`` have k entities, as every end of a bin has.
    """

    below: tuple[Below, ...]
    origin: float
    most: float | None
    usual: float
    continuous: bool
    reach: float = 0.0
    above: tuple[Below, ...] = ()
    down: bool = False

    @property
    def needs(self) -> tuple[str, ...]:
        """The columns that it is measured from."""
        return tuple(b.column for b in self.below)

    def _floor(self, cells: Mapping[str, Cells], rows: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """Least tick of each row, and whether a column below is known there."""
        return self._least(cells, np.full(rows, self.origin), self.below, self.down)

    def _least(
        self, cells: Mapping[str, Cells], usual: NDArray[Any], ends: tuple[Below, ...], down: bool
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """The tightest of some ends in each row, and whether any is known there."""
        least = usual.astype(np.float64 if self.continuous else np.int64)
        known = np.zeros(len(usual), bool)
        for below in ends:
            given = cells[below.column]
            end = self._end(-given.ticks if down else given.ticks, below)
            higher = ~given.null & (~known | (end > least))
            least = np.where(higher, end, least)
            known |= ~given.null
        return least, known

    def _end(self, ticks: NDArray[Any], below: Below) -> NDArray[Any]:
        """The least tick that is not below a tick of another column."""
        if self.continuous:
            end = ticks.astype(np.float64) * below.times / below.by
            return np.nextafter(end, np.inf) if below.strict else end
        if ticks.dtype.kind == "f":
            made = np.floor(ticks * below.times / below.by)
            made = np.where(made * below.by < ticks * below.times, made + 1, made)
            return made.astype(np.int64) + int(below.strict)
        wide = ticks.astype(np.int64) * below.times
        if below.strict:  # the first tick beyond
            return wide // below.by + 1
        return -(-wide // below.by)

    def forward(self, cells: Mapping[str, Cells], own: Cells) -> Cells:
        """Distances, none of them negative."""
        least, _ = self._floor(cells, len(own.ticks))
        return Cells(np.maximum(self._turned(own.ticks) - least, 0), own.null)

    def _turned(self, ticks: NDArray[Any]) -> NDArray[Any]:
        return -ticks if self.down else ticks

    def kept(self, cells: Mapping[str, Cells], own: Cells) -> NDArray[np.bool_]:
        """Rows in which the column is not below the others."""
        least, known = self._floor(cells, len(own.ticks))
        free: NDArray[np.bool_] = own.null | ~known | (self._turned(own.ticks) >= least)
        return free

    def far(self, cells: Mapping[str, Cells], starts: NDArray[Any]) -> NDArray[np.bool_]:
        """Rows whose distance begins beyond the reach of the columns that are known there.

        Or beyond a column above.
        """
        known = np.logical_or.reduce([~cells[b.column].null for b in self.below])
        far: NDArray[np.bool_] = known & (starts > self.reach)
        if self.above:
            least, _ = self._floor(cells, len(starts))
            cap, capped = self._cap(cells, len(starts))
            far |= capped & (least + starts > cap)
        return far

    def _cap(self, cells: Mapping[str, Cells], rows: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """Greatest tick of each row, and whether a column above is known there."""
        cap, known = self._least(cells, np.zeros(rows), self.above, not self.down)
        return -cap, known

    def inverse(self, cells: Mapping[str, Cells], gap: Cells) -> Cells:
        """Values: above all columns below, and within the usual range as far as these are."""
        least, _ = self._floor(cells, len(gap.ticks))
        made = np.maximum(least + gap.ticks.astype(least.dtype), least.dtype.type(self.origin))
        made = np.where(made > self.usual, np.maximum(least, self.usual), made)
        if self.most is not None:
            made = np.minimum(made, self.most)
        if self.above:
            cap, capped = self._cap(cells, len(made))
            made = np.where(capped, np.minimum(made, cap), made)
        return Cells(self._turned(made.astype(least.dtype)), gap.null)

    def to_json(self) -> dict[str, Any]:
        """Settings, for the artifact."""
        return {
            "below": [[b.column, b.times, b.by, b.strict] for b in self.below],
            "origin": self.origin, "most": self.most, "usual": self.usual,
            "continuous": self.continuous, "reach": self.reach,
            "above": [[b.column, b.times, b.by, b.strict] for b in self.above], "down": self.down,
        }  # fmt: skip


def gap_of(
    codec: NumericCodec, below: tuple[Below, ...], above: tuple[Below, ...],
    limits: tuple[Any, Any],
) -> Gap:  # fmt: skip
    """A column measured from those below it; from those above it where there are none below.

    Args:
        codec: of the column, with a bin at least.
        below: columns that are at most as great.
        above: columns that are at least as great; none of both is no distance.
        limits: first and last tick that it may have by declaration; None for no bound.
    """
    number: Any = float if codec.axis.continuous else int
    low, high, continuous = number(codec.low[0]), number(codec.high[-1]), codec.axis.continuous
    if below:
        return Gap(below, low, limits[1], high, continuous, above=above)
    most = None if limits[0] is None else -limits[0]
    return Gap(above, -high, most, -low, continuous, down=True)


def gap_from_json(form: Mapping[str, Any]) -> Gap:
    """The gap that ``to_json`` described."""
    below, above = (
        tuple(Below(n, times, by, strict) for n, times, by, strict in form.get(side, ()))
        for side in ("below", "above")
    )
    return Gap(
        below, form["origin"], form["most"], form["usual"], form["continuous"], form["reach"],
        above, form.get("down", False),
    )  # fmt: skip


def below_of(name: str, strict: bool, axis: Axis, above: Axis) -> Below:
    """A column of one axis that is at most one of another."""
    ratio: Fraction = per_tick(axis) / per_tick(above)
    return Below(name, ratio.numerator, ratio.denominator, strict)
