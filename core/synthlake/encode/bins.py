"""Bins of a column: values that k entities share, and intervals that k entities lie in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthlake.encode.axis import Axis, Ticks

_LISTED = 0.9  # share of rows on point masses from which a column is a list of values


@dataclass(frozen=True)
class Bins:
    """``low[i] .. high[i]`` in steps of ``step``; shape (bins,), ascending and disjoint."""

    low: Ticks
    high: Ticks
    step: int = 1


def build_bins(
    axis: Axis, values: Ticks, rows: NDArray[np.int64], sample: tuple[Ticks, NDArray[np.int64]],
    k: int, max_bins: int,
) -> Bins:  # fmt: skip
    """Bins from counts of distinct values; see ``numeric.build_numeric``.

    Cost: O(values), and a sort of the sample.
    """
    ticks, entities = sample
    if not len(values) or not len(ticks):
        return Bins(values[:0], values[:0])
    bottom, top = _supported_range(ticks, entities, k)
    if bottom is None:
        return Bins(values[:0], values[:0])
    if values[0] > bottom:  # of intervals, only the upper ends were counted
        values, rows = np.append(bottom, values), np.append(0, rows)
    values, place = np.unique(np.clip(values, bottom, top), return_inverse=True)
    rows = np.bincount(place, rows, len(values)).astype(np.int64)
    wanted = 1 if len(values) <= max_bins else max(1, int(rows.sum() // max_bins))
    starts, ends, points = _cells(values, rows, sample, (wanted, k))
    step = 1 if axis.continuous else _step(values, ticks)
    least, most = axis.limits
    least, most = min(least, values[0]), max(most, values[-1])
    if step > 1:  # round numbers of steps: midnights stay midnights
        low, high = _rounded(
            values // step, starts, ends, points, (-(-int(least) // step), int(most) // step)
        )
        low, high = low * step, high * step
    else:
        low, high = _rounded(values, starts, ends, points, (least, most))
    if not _dense(values, rows, starts, points):
        low, high = low[points], high[points]
    return Bins(low, high, step)


def _supported_range(ticks: Ticks, entities: NDArray[np.int64], k: int) -> tuple[Any, Any]:
    """The k-th entity's value from below and from above; None for fewer than k entities.

    Of fewer than 2 k entities, half of k stand beyond either end.
    """
    order = np.argsort(ticks, kind="stable")
    ranked = np.sort(entities)
    people = 1 + int((ranked[1:] != ranked[:-1]).sum())
    if people < k:
        return None, None
    least = k if people >= 2 * k else (k + 1) // 2
    return ticks[_reached(entities, order, least)], ticks[_reached(entities, order[::-1], least)]


def _reached(entities: NDArray[np.int64], rows: NDArray[np.int64], least: int) -> np.int64:
    """The first row with which ``least`` entities have been seen."""
    taken = least
    while True:
        some = rows[:taken]
        first = np.sort(np.unique(entities[some], return_index=True)[1])
        if len(first) >= least:
            return np.int64(some[first[least - 1]])
        taken *= 4


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
    who = entities[order].tolist()
    edges = np.searchsorted(place[order], np.arange(len(values) + 1)).tolist()
    cells: list[tuple[int, int]] = []
    begun, filled, fresh = 0, 0, True  # first value of the open run; whether it may join a run
    people: set[int] = set()
    single, many = [*alone.tolist(), True], rows.tolist()
    for at in range(len(values)):
        if single[at]:
            cells.append((at, at))
            begun, fresh = at + 1, True
            continue
        filled += many[at]
        if len(people) < k:
            people.update(who[edges[at] : edges[at + 1]])
        enough = filled >= wanted and len(people) >= k
        ends = single[at + 1]
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
    who = entities - entities.min(initial=0)
    width = int(who.max(initial=0)) + 1
    pairs = np.sort(place[exact].astype(np.int64) * width + who[exact])
    fresh = np.append(True, pairs[1:] != pairs[:-1])[: len(pairs)]
    people = np.bincount(pairs[fresh] // width, minlength=size)
    same = np.bincount(place[exact], minlength=size)
    return (people >= k) & (2 * same >= np.bincount(place, minlength=size))


def _rounded(
    values: Ticks, starts: NDArray[np.int64], ends: NDArray[np.int64], points: NDArray[np.bool_],
    limits: tuple[Any, Any],
) -> tuple[Ticks, Ticks]:  # fmt: skip
    """Ends of bins, those of intervals at the roundest number between two values."""
    low, high = values[starts].copy(), values[ends].copy()
    continuous = values.dtype.kind == "f"
    last = len(values) - 1
    for place in np.flatnonzero(~points):
        start, end = int(starts[place]), int(ends[place])
        if start:
            low[place] = _round_between(values[start - 1], low[place], continuous)
        if end < last:
            high[place] = _round_between(high[place], values[end + 1], continuous, up=False)
        grain = float(values[min(end + 1, last)]) / 2 - float(values[max(start - 1, 0)]) / 2
        if not start:
            low[place] = max(limits[0], _coarse(low[place], grain, continuous, np.floor))
        if end == last:
            high[place] = min(limits[1], _coarse(high[place], grain, continuous, np.ceil))
    if len(low) > 1:  # both ends of a gap may have been rounded to the same number
        below = np.nextafter(low[1:], -np.inf) if continuous else low[1:] - 1
        high[:-1] = np.minimum(high[:-1], below)
    return low, high


def _dense(
    values: Ticks, rows: NDArray[np.int64], starts: NDArray[np.int64], points: NDArray[np.bool_]
) -> bool:
    """Whether numbers between two values may occur: False for a list of sizes or prices.

    There, rare values join the nearest supported one; drawn anew they would be numbers that no
    such column has.
    """
    if points.all() or not points.any():
        return True
    if rows[starts[points]].sum() < _LISTED * rows.sum():
        return True
    gaps = np.diff(values[starts[points]])
    return not len(gaps) or float(np.median(gaps)) <= 1


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
        gap = float(above) / 2 - float(below) / 2
        if not 0 < gap < 1e300:
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


def _step(values: Ticks, ticks: Ticks) -> int:
    """Ticks of which all values are multiples: hours in microseconds, tens in prices."""
    if len(values) < 2:
        return 1
    return max(1, abs(int(np.gcd(np.gcd.reduce(values), np.gcd.reduce(ticks)))))
