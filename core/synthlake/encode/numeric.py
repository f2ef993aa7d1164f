"""Numbers, dates and times as bins: point masses, and intervals that at least k entities share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.encode.axis import Axis, Ticks
from synthlake.seed import Words, unit

MAX_BINS = 4_096
_LISTED = 0.9  # share of rows on point masses from which a column is a list of values
_SPECIAL = (np.nan, np.inf, -np.inf)


@dataclass(frozen=True)
class NumericCodec:
    """Code i stands for the ticks ``low[i] .. high[i]``; further codes for NaN and infinities.

    Attributes:
        axis: how ticks and values belong together.
        low, high: shape (bins,), ascending and disjoint; equal for a point mass.
        step: values are multiples of this many ticks, counted from ``low``.
        special: which of NaN, +infinity, -infinity have a code, by position.

    Privacy: every bin has k entities or more; the outer ends lie inside the k-th extreme value.
    """

    axis: Axis
    low: Ticks
    high: Ticks
    step: int = 1
    special: tuple[int, ...] = ()

    ordered = True

    @property
    def size(self) -> int:
        """Number of codes."""
        return len(self.low) + len(self.special)

    def encode(self, array: pa.Array | pa.ChunkedArray) -> NDArray[np.int32]:
        """Codes of values, shape (rows,); NULL is -1, an unsupported special value too."""
        ticks, null = self.axis.ticks(array)
        codes = self.encode_ticks(ticks, null)
        if self.special:
            from synthlake.encode.axis import plain

            floats = np.asarray(plain(array).cast(pa.float64()).fill_null(0.0))
            for place, kind in enumerate(self.special):
                same = np.isnan(floats) if kind == 0 else floats == _SPECIAL[kind]
                codes[same] = len(self.low) + place
        return codes

    def encode_ticks(self, ticks: Ticks, null: NDArray[np.bool_]) -> NDArray[np.int32]:
        """Codes of ticks; what lies between two bins belongs to the lower one."""
        if not len(self.low):
            return np.full(len(ticks), -1, np.int32)
        codes = np.searchsorted(self.low, ticks, side="right") - 1
        return np.where(null, -1, np.clip(codes, 0, None)).astype(np.int32)

    def snap(self, ticks: Ticks) -> Ticks:
        """The nearest numbers that lie in a bin: point masses attract what falls between them."""
        if not len(self.low):
            return ticks
        at = np.clip(np.searchsorted(self.low, ticks, side="right") - 1, 0, None)
        above = np.minimum(at + 1, len(self.low) - 1)
        lower = np.clip(ticks, self.low[at], self.high[at])
        upper = np.maximum(self.low[above], lower)
        return np.where(np.abs(upper - ticks) < np.abs(ticks - lower), upper, lower)

    def draw(self, codes: NDArray[np.int32], words: Words) -> tuple[Ticks, NDArray[np.bool_]]:
        """Ticks drawn uniformly within the bins, and the mask of NULL and special codes."""
        null = (codes < 0) | (codes >= len(self.low))
        if not len(self.low):
            return np.zeros(len(codes), np.int64), null
        at = np.where(null, 0, codes)
        low, high = self.low[at], self.high[at]
        if self.axis.continuous:
            return low + unit(words) * (high - low), null
        places = (high - low) // self.step + 1
        return low + np.floor(unit(words) * places).astype(np.int64) * self.step, null

    def decode(self, codes: NDArray[np.int32], words: Words) -> pa.Array:
        """Values of codes in the column's Arrow type."""
        ticks, null = self.draw(codes, words)
        return self.render(ticks, null, codes)

    def render(
        self, ticks: Ticks, null: NDArray[np.bool_], codes: NDArray[np.int32] | None = None
    ) -> pa.Array:
        """Values of ticks; special codes are written as what they are."""
        made = self.axis.values(ticks, null)
        if not self.special or codes is None:
            return made
        floats, empty = np.array(made.cast(pa.float64()).fill_null(0.0)), codes < 0
        for place, kind in enumerate(self.special):
            floats[codes == len(self.low) + place] = _SPECIAL[kind]
        return pa.array(floats, mask=empty).cast(made.type, safe=False)

    def to_json(self) -> dict[str, Any]:
        """Settings; the bins are tensors."""
        return {"decimals": self.axis.decimals, "step": self.step, "special": list(self.special)}

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
    ticks, entities = sample
    if not len(values) or not len(ticks):
        return NumericCodec(axis, values[:0], values[:0])
    bottom, top = _supported_range(ticks, entities, k)
    if bottom is None:
        return NumericCodec(axis, values[:0], values[:0])
    clipped = np.clip(values, bottom, top)
    values, place = np.unique(clipped, return_inverse=True)
    rows = np.bincount(place, rows, len(values)).astype(np.int64)
    wanted = 1 if len(values) <= max_bins else max(1, int(rows.sum() // max_bins))
    starts, ends = _cells(values, rows, np.clip(ticks, bottom, top), entities, (wanted, k))
    low, high = _rounded(values, starts, ends, axis.continuous)
    points = low == high
    if not _dense(values, rows, starts, ends, points):
        low, high = low[points], high[points]
    step = 1 if axis.continuous else _step(values, low, axis)
    return NumericCodec(axis, low, high, step)


def _supported_range(ticks: Ticks, entities: NDArray[np.int64], k: int) -> tuple[Any, Any]:
    """The k-th entity's value from below and from above; None for fewer than k entities."""
    order = np.argsort(ticks, kind="stable")

    def kth(places: NDArray[np.int64]) -> Any:
        seen: set[int] = set()
        for place in places:
            seen.add(int(entities[place]))
            if len(seen) >= k:
                return ticks[place]
        return None

    bottom, top = kth(order), kth(order[::-1])
    if bottom is None:
        return None, None
    return (bottom, top) if bottom <= top else (top, bottom)


def _cells(
    values: Ticks, rows: NDArray[np.int64], ticks: Ticks, entities: NDArray[np.int64],
    least: tuple[int, int],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:  # fmt: skip
    """First and last value of each bin: those with enough rows and entities alone, others in runs.

    A run never crosses a value that stands alone; one that stays too small joins the run before
    it, or has no bin at all.
    """
    wanted, k = least
    place = np.minimum(np.searchsorted(values, ticks), len(values) - 1)
    order = np.argsort(place, kind="stable")
    who, edges = entities[order], np.searchsorted(place[order], np.arange(len(values) + 1))
    cells: list[tuple[int, int]] = []
    begun, filled, fresh = -1, 0, True  # first value of the open run; whether it may join a run
    people: set[int] = set()
    for at in range(len(values)):
        mine = set(who[edges[at] : edges[at + 1]].tolist())
        alone = rows[at] >= wanted and len(mine) >= k
        if alone:
            _close(cells, begun, at - 1, fresh)
            cells.append((at, at))
            begun, filled, people, fresh = -1, 0, set(), True
            continue
        begun = at if begun < 0 else begun
        filled, people = filled + int(rows[at]), people | mine
        if filled >= wanted and len(people) >= k:
            cells.append((begun, at))
            begun, filled, people, fresh = -1, 0, set(), False
    _close(cells, begun, len(values) - 1, fresh)
    found = np.asarray(cells, np.int64).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def _close(cells: list[tuple[int, int]], begun: int, last: int, fresh: bool) -> None:
    """End an open run that is too small: it joins the run before it, if one is next to it."""
    if begun >= 0 and not fresh:
        cells[-1] = (cells[-1][0], last)


def _rounded(
    values: Ticks, starts: NDArray[np.int64], ends: NDArray[np.int64], continuous: bool
) -> tuple[Ticks, Ticks]:
    """Ends of bins, those of intervals at the roundest number between two values."""
    low, high = values[starts].copy(), values[ends].copy()
    wide = np.flatnonzero(low != high)
    for place in wide:
        if place:
            low[place] = _round_between(values[starts[place] - 1], low[place], continuous)
        if place + 1 < len(low):
            high[place] = _round_between(high[place], values[ends[place] + 1], continuous, up=False)
        grain = max(float(high[place] - low[place]) / 20, 0.0)
        if not place:
            low[place] = _coarse(low[place], grain, continuous, np.floor)
        if place + 1 == len(low):
            high[place] = _coarse(high[place], grain, continuous, np.ceil)
    return low, high


def _dense(
    values: Ticks, rows: NDArray[np.int64], starts: NDArray[np.int64], ends: NDArray[np.int64],
    points: NDArray[np.bool_],
) -> bool:  # fmt: skip
    """Whether numbers between two values may occur: False for a list of sizes or prices.

    There, rare values join the nearest supported one; drawn anew they would be numbers that no
    such column has.
    """
    if points.all() or not points.any():
        return True
    heavy = sum(int(rows[s : e + 1].sum()) for s, e in zip(starts[points], ends[points], strict=True))
    if heavy < _LISTED * rows.sum():
        return True
    return len(starts) > 1 and float(np.median(np.diff(values[starts[points]]))) <= 1


def _coarse(value: Any, grain: float, continuous: bool, turn: Any) -> Any:
    """A number rounded outward to a power of ten at most as large as ``grain``."""
    if grain < (1e-300 if continuous else 10):
        return value
    unit_of = 10.0 ** np.floor(np.log10(grain))
    if continuous:
        return turn(value / unit_of) * unit_of
    size = int(unit_of)
    whole = int(value) // size * size
    return whole if turn is np.floor or whole == int(value) else whole + size


def _round_between(below: Any, above: Any, continuous: bool, up: bool = True) -> Any:
    """The roundest number in (below, above] (``up``) or in [below, above)."""
    if continuous:
        gap = float(above - below)
        if gap <= 0:
            return above if up else below
        size = 10.0 ** np.floor(np.log10(gap))
        found = np.floor(above / size) * size if up else np.ceil(below / size) * size
        return found if below <= found <= above else (above if up else below)
    low, high = (int(below) + 1, int(above)) if up else (int(below), int(above) - 1)
    size = 1
    while (high // (size * 10)) * size * 10 >= low:
        size *= 10
        if size > 10**17:
            break
    return high // size * size if (high // size) * size >= low else (high if up else low)


def _step(values: Ticks, low: Ticks, axis: Axis) -> int:
    """Ticks between neighbouring values where all are multiples of one, as hours in microseconds."""
    if not pa.types.is_temporal(axis.type) or len(values) < 2:
        return 1
    whole = np.abs(np.concatenate([values, low])).astype(object)
    return max(1, int(np.gcd.reduce(whole)))
