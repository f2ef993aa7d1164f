"""Codecs that take in values of further rows: codes that were there go on to mean what they did."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from synthlake.encode.axis import Axis, Ticks, indices, plain
from synthlake.encode.bins import Bins, build_bins
from synthlake.encode.categorical import UNKNOWN, CategoricalCodec
from synthlake.encode.numeric import MAX_BINS, NumericCodec

Index = NDArray[np.int64]
_FEWEST = 16  # bins beyond an end, where entities suffice


@dataclass(frozen=True)
class Move:
    """Where the codes of an extended codec come from.

    Attributes:
        place: shape (old codes,), the new code of each.
        like: shape (new codes,), the old code as which a model that knows only these takes each:
            itself, a neighbour, or ``UNKNOWN`` for a category that is like no other.
    """

    place: Index
    like: Index

    @property
    def size(self) -> int:
        """Number of new codes."""
        return len(self.like)

    @property
    def fresh(self) -> Index:
        """Codes that are new."""
        return np.setdiff1d(np.arange(self.size), self.place)


def extend_categories(
    codec: CategoricalCodec, counts: pa.Table, k: int, most: int
) -> tuple[CategoricalCodec, Move] | None:
    """The codec with further values behind its own; None where there are none.

    Args:
        codec: as it was learned.
        counts: (value, rows, entities) of further rows.
        k: least entities of a value.
        most: values in all; the most frequent of the new ones are taken.

    Privacy: each new value has k entities among the further rows alone.
    """
    values = plain(counts["value"])
    values = values if values.type == codec.values.type else values.cast(codec.values.type)
    known = np.asarray(pc.is_in(values, value_set=codec.values)) | np.asarray(values.is_null())
    kept = np.flatnonzero((np.asarray(counts["entities"]) >= k) & ~known)
    rows = np.asarray(counts["rows"])[kept]
    first = np.argsort(-rows, kind="stable")[: max(most - codec.size, 0)]
    kept = kept[np.sort(first)]
    if not len(kept):
        return None
    made: Any = pa.concat_arrays([codec.values, values.take(indices(kept))])
    old = np.arange(codec.size)
    like = np.concatenate([old, np.full(len(kept), UNKNOWN)])
    return replace(codec, values=made), Move(old, like)


def extend_bins(
    codec: NumericCodec, ticks: Ticks, group: Index, k: int, least: int
) -> tuple[NumericCodec, Move] | None:
    """The codec with further bins beyond its ends; None where it needs none.

    Args:
        codec: as it was learned.
        ticks: shape (rows,), of further rows, without NULL.
        group: shape (rows,), their entities.
        k: least entities of a bin.
        least: rows that a bin of several values has, as those of the codec have.

    Privacy: each new bin has k entities among the further rows alone, and its ends are rounded
        outward; what fewer have beyond the ends is clipped, as it always is.
    """
    low, high = codec.low, codec.high
    if not len(low):
        below, above = Bins(ticks[:0], ticks[:0]), _bins(codec, ticks, group, (k, least))
    else:
        below = _bins(codec, ticks[ticks < low[0]], group[ticks < low[0]], (k, least))
        over = _floored(codec, ticks) > high[-1]
        above = _bins(codec, ticks[over], group[over], (k, least))
        below, above = (
            _ended(codec.axis, below, None, low[0]),
            _ended(codec.axis, above, high[-1], None),
        )
    before, after, old = len(below.low), len(above.low), len(low)
    if not before + after:
        return None
    kind: Any = np.float64 if codec.axis.continuous else np.int64
    made = replace(
        codec,
        low=np.concatenate([below.low, low, above.low]).astype(kind),
        high=np.concatenate([below.high, high, above.high]).astype(kind),
    )
    special = np.arange(len(codec.special))
    place = np.concatenate([np.arange(old) + before, special + before + old + after])
    nearest = (0, old - 1) if old else (UNKNOWN, UNKNOWN)
    like = np.concatenate([
        np.full(before, nearest[0]), np.arange(old), np.full(after, nearest[1]), special + old
    ])  # fmt: skip
    return made, Move(place.astype(np.int64), like.astype(np.int64))


def _floored(codec: NumericCodec, ticks: Ticks) -> Ticks:
    """Ticks at the last step at or below them."""
    if codec.axis.continuous or codec.step == 1:
        return ticks
    return ticks // codec.step * codec.step


def _bins(codec: NumericCodec, ticks: Ticks, group: Index, sizes: tuple[int, int]) -> Bins:
    """Bins of values beyond an end."""
    k, least = sizes
    ticks = _floored(codec, ticks)
    if not len(ticks):
        return Bins(ticks, ticks)
    values, rows = np.unique(ticks, return_counts=True)
    who = np.unique(group, return_inverse=True)[1].astype(np.int64)
    most = MAX_BINS if codec.exact else max(len(ticks) // max(least, 1), _FEWEST)
    return build_bins(codec.axis, values, rows.astype(np.int64), (ticks, who), k, most)


def _ended(axis: Axis, bins: Bins, above: Any, below: Any) -> Bins:
    """Bins that stay above a tick and below another, whatever their ends were rounded to."""
    low, high = bins.low, bins.high
    if above is not None:
        low = np.maximum(low, np.nextafter(above, np.inf) if axis.continuous else above + 1)
    if below is not None:
        high = np.minimum(high, np.nextafter(below, -np.inf) if axis.continuous else below - 1)
    there = low <= high
    return Bins(low[there], high[there], bins.step)
