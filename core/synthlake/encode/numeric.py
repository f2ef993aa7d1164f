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

    Privacy: every bin has k entities or more, a point mass k that have this very value; the outer
        ends are the k-th extreme values, rounded outward.
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
    values, place = np.unique(np.clip(values, bottom, top), return_inverse=True)
    rows = np.bincount(place, rows, len(values)).astype(np.int64)
    wanted = 1 if len(values) <= max_bins else max(1, int(rows.sum() // max_bins))
    starts, ends, points = _cells(values, rows, sample, (wanted, k))
    step = 1 if axis.continuous else _step(values, axis)
    if step > 1:  # round numbers of steps: midnights stay midnights
        low, high = _rounded(values // step, starts, ends, points, False)
        low, high = low * step, high * step
    else:
        low, high = _rounded(values, starts, ends, points, axis.continuous)
    least, most = _limits(axis)
    low, high = np.clip(low, least, None), np.clip(high, None, most)
    if not _dense(values, rows, starts, ends, points):
        low, high = low[points], high[points]
    return NumericCodec(axis, low, high, step)


def _supported_range(ticks: Ticks, entities: NDArray[np.int64], k: int) -> tuple[Any, Any]:
    """The k-th entity's value from below and from above; None for fewer than k entities.

    Of fewer than 2 k entities, half of k stand beyond either end.
    """
    order = np.argsort(ticks, kind="stable")
    people = len(np.unique(entities))
    least = k if people >= 2 * k else (k + 1) // 2

    def end(places: NDArray[np.int64]) -> Any:
        seen: set[int] = set()
        for place in places:
            seen.add(int(entities[place]))
            if len(seen) >= least:
                return ticks[place]
        return None

    return (end(order), end(order[::-1])) if people >= k else (None, None)


_Cells = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]


def _cells(
    values: Ticks, rows: NDArray[np.int64], sample: tuple[Ticks, NDArray[np.int64]],
    least: tuple[int, int],
) -> _Cells:  # fmt: skip
    """First and last value of each bin, and which bins are one value that stands alone.

    Alone stand values with enough rows and entities; others form runs. A run never crosses a value
    that stands alone; one that stays too small joins the run before it, or has no bin at all.
    """
    wanted, k = least
    ticks, entities = sample
    place = np.searchsorted(values, np.clip(ticks, values[0], values[-1]))
    alone = (rows >= wanted) & _point_masses(place, ticks == values[place], entities, k, len(rows))
    order = np.argsort(place, kind="stable")
    who, edges = entities[order], np.searchsorted(place[order], np.arange(len(values) + 1))
    cells: list[tuple[int, int]] = []
    begun, filled, fresh = 0, 0, True  # first value of the open run; whether it may join a run
    people: set[int] = set()
    for at in range(len(values)):
        if alone[at]:
            cells.append((at, at))
            begun, fresh = at + 1, True
            continue
        filled += int(rows[at])
        people |= set(who[edges[at] : edges[at + 1]].tolist())
        enough = filled >= wanted and len(people) >= k
        ends = at + 1 == len(values) or bool(alone[at + 1])
        # the least value may be one entity's: its run takes in another
        if ends or (enough and at):
            if enough:
                cells.append((begun, at))
            elif not fresh:
                cells[-1] = (cells[-1][0], at)
            begun, filled, people, fresh = at + 1, 0, set(), False
    found = np.asarray(cells, np.int64).reshape(-1, 2)
    return found[:, 0], found[:, 1], alone[found[:, 0]]


def _point_masses(
    place: NDArray[np.int64], exact: NDArray[np.bool_], entities: NDArray[np.int64], k: int,
    size: int,
) -> NDArray[np.bool_]:  # fmt: skip
    """Places at which k entities have exactly the place's value, and most of its rows do."""
    _, who = np.unique(entities, return_inverse=True)
    width = int(who.max(initial=0)) + 1
    pairs = np.unique(place[exact].astype(np.int64) * width + who[exact])
    people = np.bincount(pairs // width, minlength=size)
    same = np.bincount(place[exact], minlength=size)
    return (people >= k) & (2 * same >= np.bincount(place, minlength=size))


def _rounded(
    values: Ticks, starts: NDArray[np.int64], ends: NDArray[np.int64], points: NDArray[np.bool_],
    continuous: bool,
) -> tuple[Ticks, Ticks]:  # fmt: skip
    """Ends of bins, those of intervals at the roundest number between two values."""
    low, high = values[starts].copy(), values[ends].copy()
    last = len(values) - 1
    for place in np.flatnonzero(~points):
        start, end = int(starts[place]), int(ends[place])
        if start:
            low[place] = _round_between(values[start - 1], low[place], continuous)
        if end < last:
            high[place] = _round_between(high[place], values[end + 1], continuous, up=False)
        grain = float(values[min(end + 1, last)] - values[max(start - 1, 0)]) / 2
        if not start:
            low[place] = _coarse(low[place], grain, continuous, np.floor)
        if end == last:
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


def _limits(axis: Axis) -> tuple[Any, Any]:
    """Least and greatest tick of a column's type, as far as one is near; None for no limit."""
    dtype = axis.type
    if pa.types.is_integer(dtype):
        signed = pa.types.is_signed_integer(dtype)
        most = 2 ** min(dtype.bit_width - signed, 63) - 1
        return (-most - 1 if signed else 0), most
    if pa.types.is_decimal(dtype) and not axis.continuous:
        return 1 - 10**dtype.precision, 10**dtype.precision - 1
    if pa.types.is_time(dtype):
        return 0, 86_400 * {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[dtype.unit] - 1
    return None, None


def _step(values: Ticks, axis: Axis) -> int:
    """Ticks of which all values are multiples, as hours in microseconds; 1 but for times."""
    if not pa.types.is_temporal(axis.type) or len(values) < 2:
        return 1
    return max(1, int(np.gcd.reduce(np.abs(values).astype(object))))
