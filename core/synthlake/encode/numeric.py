"""Numbers, dates and times as bins: point masses, and intervals that at least k entities share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.encode.axis import AnyArray, Axis, Ticks, coded, plain
from synthlake.encode.bins import build_bins
from synthlake.encode.categorical import UNKNOWN
from synthlake.encode.rhythm import Rhythm, find_rhythm
from synthlake.seed import Words, unit

MAX_BINS = 4_096
_MOST_LISTED = 1 << 16  # ticks, each with its code
_SPECIAL = (np.nan, np.inf, -np.inf)


@dataclass(frozen=True)
class NumericCodec:
    """Code i stands for the ticks ``low[i] .. high[i]``; further codes for NaN and infinities.

    Attributes:
        axis: how ticks and values belong together.
        low, high: shape (bins,), ascending and disjoint; equal for a point mass.
        step: values are multiples of this many ticks, counted from ``low``.
        special: which of NaN, +infinity, -infinity have a code, by position.
        rhythm: how often hours of the week occur, of dates; None where it does not matter.

    Privacy: every bin has k entities or more, a point mass k that have this very value; the outer
        ends are the k-th extreme values, rounded outward.
    """

    axis: Axis
    low: Ticks
    high: Ticks
    step: int = 1
    special: tuple[int, ...] = ()
    rhythm: Rhythm | None = None

    ordered = True

    @property
    def size(self) -> int:
        """Number of codes."""
        return len(self.low) + len(self.special)

    @cached_property
    def exact(self) -> bool:
        """Whether every code is one value."""
        return not (self.low < self.high).any()

    def encode(self, array: AnyArray) -> NDArray[np.int32]:
        """Codes of values, shape (rows,); NULL is -1, what has no support ``UNKNOWN``."""
        array = plain(array)
        ticks, bad = self.axis.ticks(array)
        null = np.asarray(array.is_null())
        codes = np.where(bad & ~null, UNKNOWN, self.encode_ticks(ticks, null)).astype(np.int32)
        if self.special:
            floats = np.asarray(array.cast(pa.float64()).fill_null(0.0))
            for place, kind in enumerate(self.special):
                same = np.isnan(floats) if kind == 0 else floats == _SPECIAL[kind]
                codes[same & ~null] = len(self.low) + place
        return codes

    def encode_ticks(self, ticks: Ticks, null: NDArray[np.bool_]) -> NDArray[np.int32]:
        """Codes of ticks; what lies between two bins belongs to the nearer one."""
        if not len(self.low):
            return np.where(null, -1, UNKNOWN).astype(np.int32)
        if self._listed is not None and ticks.dtype.kind == "i":
            first, last = int(self.low[0]), int(self.high[-1])
            found = self._listed.take(np.clip(ticks, first, last) - first, mode="clip")
            return np.where(null, np.int32(-1), found)
        return self._searched(ticks, null)

    @cached_property
    def _listed(self) -> NDArray[np.int32] | None:
        """The code of every tick from the first bin to the last, where these are not many."""
        if self.low.dtype.kind != "i" or int(self.high[-1]) - int(self.low[0]) >= _MOST_LISTED:
            return None
        width = int(self.high[-1]) - int(self.low[0]) + 1
        ticks = self.low[0] + np.arange(width)  # an end beyond 2**63 would make floats of them
        return self._searched(ticks, np.zeros(len(ticks), bool))

    def _searched(self, ticks: Ticks, null: NDArray[np.bool_]) -> NDArray[np.int32]:
        codes = np.clip(np.searchsorted(self.low, ticks, side="right") - 1, 0, None)
        above = np.minimum(codes + 1, len(self.low) - 1)
        between = (ticks > self.high[codes]) & (ticks < self.low[above])
        nearer = _apart(self.low[above], ticks) < _apart(ticks, self.high[codes])
        return np.where(null, -1, np.where(between & nearer, above, codes)).astype(np.int32)

    def snap(self, ticks: Ticks) -> Ticks:
        """The nearest numbers that lie in a bin: point masses attract what falls between them."""
        if not len(self.low):
            return ticks
        at = self.encode_ticks(ticks, np.zeros(len(ticks), bool))
        low, found = self.low[at], np.clip(ticks, self.low[at], self.high[at])
        if self.step > 1:
            steps = np.rint(_apart(found, low) / self.step)
            most = np.floor(_apart(self.high[at], low) / self.step)
            found = low + np.minimum(steps, most).astype(np.int64) * self.step
        return found

    def held(self, ticks: Ticks) -> Ticks:
        """Numbers within all bins and the gaps between them."""
        return np.clip(ticks, self.low[0], self.high[-1]) if len(self.low) else ticks

    def draw(self, codes: NDArray[np.int32], words: Words) -> tuple[Ticks, NDArray[np.bool_]]:
        """Ticks drawn uniformly within the bins, and the mask of NULL and special codes.

        Dates follow the rhythm of the week.
        """
        null = (codes < 0) | (codes >= len(self.low))
        if not len(self.low):
            return np.zeros(len(codes), np.int64), null
        at = np.where(null, 0, codes)
        low = self.low[at]
        if self.exact:
            return low, null
        high = self.high[at]
        if self.axis.continuous:
            # halves, as the whole width of a bin may be beyond the largest float
            half = unit(words) * (high / 2 - low / 2)
            return np.clip(low + half + half, low, high), null
        made = self._whole(at, low, high, words)
        return (made if self.rhythm is None else self._timed(made, low, high, words)), null

    def _whole(self, at: NDArray[np.int32], low: Ticks, high: Ticks, words: Words) -> Ticks:
        """Whole numbers drawn uniformly within the bins ``at``."""
        if self._steps is not None:
            most = self._steps.take(at, mode="clip")
            made: Ticks = np.minimum(np.floor(unit(words) * (most + 1)), most).astype(np.int64)
            made *= self.step
            made += low
            return made
        # on 64 bits without a sign, where neither the width nor the sum can overflow
        start = low.view(np.uint64)
        steps = (high.view(np.uint64) - start) // np.uint64(self.step)
        near = np.floor(unit(words) * (steps.astype(np.float64) + 1))
        wide = steps >= np.uint64(2**53)
        some = np.where(wide, 0.0, near).astype(np.uint64)
        some = np.where(wide, words % np.maximum(steps, np.uint64(1)), np.minimum(some, steps))
        found: Ticks = (start + some * np.uint64(self.step)).view(np.int64)
        return found

    def _timed(self, made: Ticks, low: Ticks, high: Ticks, words: Words) -> Ticks:
        """Dates drawn by the hours of the week where their bins have several values."""
        assert self.rhythm is not None
        rows = np.flatnonzero(low < high)
        share = unit(words[rows])
        ticks, there = self.rhythm.place(low[rows], high[rows], self.step, share)
        made[rows[there]] = ticks[there]
        return made

    @cached_property
    def _steps(self) -> NDArray[np.float64] | None:
        """Steps between the ends of each bin; None where a float cannot count them."""
        if self.axis.continuous or self.low.dtype.kind != "i":
            return None
        steps = (self.high.view(np.uint64) - self.low.view(np.uint64)) // np.uint64(self.step)
        return None if (steps >= np.uint64(2**53)).any() else steps.astype(np.float64)

    def decode(self, codes: NDArray[np.int32], words: Words) -> pa.Array[Any]:
        """Values of codes in the column's Arrow type."""
        ticks, null = self.draw(codes, words)
        return self.render(ticks, null, codes)

    def render(
        self, ticks: Ticks, null: NDArray[np.bool_], codes: NDArray[np.int32] | None = None
    ) -> pa.Array[Any]:
        """Values of ticks; special codes are written as what they are."""
        made = self.axis.values(ticks, null)
        if not self.special or codes is None:
            return made
        given: Any = plain(made)
        floats = np.array(given.cast(pa.float64()).fill_null(0.0))
        for place, kind in enumerate(self.special):
            floats[codes == len(self.low) + place] = _SPECIAL[kind]
        known: Any = pa.array(floats, mask=codes < 0)
        return coded(known.cast(given.type, safe=False), made.type)

    def to_json(self) -> dict[str, Any]:
        """Settings; the bins are tensors."""
        return {"decimals": self.axis.decimals, "shifted": self.axis.shifted, "step": self.step,
                "special": list(self.special),
                **({} if self.rhythm is None else {"rhythm": self.rhythm.to_json()})}  # fmt: skip

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Bins by name."""
        return {"low": np.asarray(self.low), "high": np.asarray(self.high)}


def build_numeric(
    axis: Axis,
    values: Ticks,
    rows: NDArray[np.int64],
    sample: tuple[Ticks, NDArray[np.int64]],
    k: int,
    max_bins: int = MAX_BINS,
) -> NumericCodec:
    """Bins from counts of distinct values.

    Args:
        axis: of the column.
        values: distinct ticks (or upper ends of intervals), ascending.
        rows: how often each occurs.
        sample: ticks of sampled rows and their entities, to count distinct entities per bin.
        k: least number of entities per bin.
        max_bins: most bins.
    """
    bins = build_bins(axis, values, rows, sample, k, max_bins)
    return NumericCodec(axis, bins.low, bins.high, bins.step)


def rhythm_of(
    codec: NumericCodec, ticks: Ticks, group: NDArray[np.int64], k: int, micros: float
) -> Rhythm | None:
    """How often hours of the week occur among dates that a codec draws within bins.

    Point masses are left out: they are drawn as they are, and 9999-12-31 is no midnight of others.

    Args:
        codec: of dates.
        ticks: shape (rows,), dates, none of them NULL.
        group: shape (rows,), their entities, numbered from 0.
        k: least entities of a part.
        micros: microseconds a tick.
    """
    if codec.exact or not len(ticks):
        return None
    at = codec.encode_ticks(ticks, np.zeros(len(ticks), bool))
    rows = codec.low[at] < codec.high[at]
    return find_rhythm(ticks[rows], group[rows], k, micros, codec.step)


def _apart(above: Ticks, below: Ticks) -> NDArray[np.float64]:
    """How far apart ticks are, as floats: the gap between two integers may be none."""
    return above.astype(np.float64) - below.astype(np.float64)
