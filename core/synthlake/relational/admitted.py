"""What a condition admits of one column, as codes and ranges of an artifact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthlake.constraints.rule import Cells, Mask
from synthlake.encode.axis import Ticks
from synthlake.encode.numeric import NumericCodec
from synthlake.relational.model import Codec
from synthlake.seed import Words, unit

Floats = NDArray[np.float64]
_POINT = 2.0**-40  # share of a continuous bin that a single number in it counts for


@dataclass(frozen=True)
class Pieces:
    """The parts of bins that are admitted, bin after bin.

    Attributes:
        code: shape (pieces,), ascending.
        first, last: shape (pieces,), ticks, inclusive.
        size: shape (pieces,), how many values, or how wide; of dates, the weight of their hours.
        share: shape (pieces,), of what is admitted of the bin.
    """

    code: NDArray[np.int64]
    first: Ticks
    last: Ticks
    size: Floats
    share: Floats


@dataclass(frozen=True)
class Admitted:
    """What is admitted of a column: JSON values, bound to the artifact.

    Attributes:
        column: its name.
        codes: of categories, or of NaN and the infinities.
        spans: closed ranges of ticks, disjoint and ascending.
        null: whether NULL is.
        late: whether the value is known only once other columns are: it is compared, not drawn.
    """

    column: str
    codes: tuple[int, ...] = ()
    spans: tuple[tuple[Any, Any], ...] = ()
    null: bool = False
    late: bool = False
    _held: dict[str, Pieces] = field(default_factory=dict, compare=False, repr=False)

    def to_json(self) -> dict[str, Any]:
        """As a sample plan holds it."""
        return {"column": self.column, "codes": list(self.codes), "null": self.null,
                "spans": [list(span) for span in self.spans], "late": self.late}  # fmt: skip

    @classmethod
    def from_json(cls, held: Mapping[str, Any]) -> Admitted:
        """What ``to_json`` described."""
        spans = tuple((low, high) for low, high in held["spans"])
        return cls(held["column"], tuple(held["codes"]), spans, held["null"], held["late"])

    def shares(self, codec: Codec) -> Floats:
        """Of each code's values, the share that is admitted; shape (codes + 1,), NULL last."""
        out = np.zeros(codec.size + 1)
        out[list(self.codes)] = 1.0
        out[-1] = float(self.null)
        if isinstance(codec, NumericCodec):
            pieces = self.pieces(codec)
            inside = np.bincount(pieces.code, pieces.size, len(codec.low))
            width = _sizes(codec.low, codec.high, codec, np.arange(len(codec.low)))
            # a single number of a continuous bin has no width of its own
            share = np.where(width > 0, inside / np.where(width > 0, width, 1.0), 0.0)
            touched = np.bincount(pieces.code, minlength=len(codec.low))
            point = np.where(width > 0, _POINT * touched, 1.0)
            out[: len(codec.low)] = np.where(touched > 0, np.clip(share, point, 1.0), 0.0)
        return out

    def pieces(self, codec: NumericCodec) -> Pieces:
        """Where the admitted ranges and the bins of a codec overlap."""
        if "pieces" not in self._held:
            self._held["pieces"] = _pieces(self.spans, codec)
        return self._held["pieces"]

    def place(
        self, codec: NumericCodec, codes: NDArray[np.int32], words: Words
    ) -> tuple[Ticks, Mask]:
        """As ``NumericCodec.draw``, but within what is admitted."""
        ticks, null = codec.draw(codes, words)
        pieces = self.pieces(codec)
        if not len(pieces.code):
            return ticks, null
        before = np.concatenate([[0.0], np.cumsum(pieces.share)])
        begin = np.searchsorted(pieces.code, codes)
        end = np.searchsorted(pieces.code, codes, side="right")
        rows = np.flatnonzero((end > begin) & ~null)
        low, high = begin[rows], end[rows]
        at = before[low] + unit(words[rows]) * (before[high] - before[low])
        piece = np.clip(np.searchsorted(before, at, side="right") - 1, low, high - 1)
        part = np.clip((at - before[piece]) / pieces.share[piece], 0.0, 1.0)
        ticks = ticks.copy()
        ticks[rows] = _within(pieces.first[piece], pieces.last[piece], part, codec)
        return ticks, null

    def holds(self, cells: Cells) -> Mask:
        """Which rows are admitted, by their values."""
        inside = np.zeros(len(cells.null), bool)
        for low, high in self.spans:
            inside |= (cells.ticks >= low) & (cells.ticks <= high)
        return np.where(cells.null, self.null, inside)


def _sizes(
    first: Ticks, last: Ticks, codec: NumericCodec, code: NDArray[np.int64]
) -> Floats:  # fmt: skip
    """How many values lie in ranges within bins, or how wide these are where every number is one.

    Of dates, how much weight their hours have, unless the bin has none, as ``codec.draw`` has it.
    """
    width = last.astype(np.float64) - first.astype(np.float64)
    if codec.axis.continuous:
        return width
    sizes: Floats = np.floor(width / codec.step) + 1.0
    if codec.rhythm is None:
        return sizes
    whole = codec.rhythm.within(codec.low[code], codec.high[code], codec.step)
    return np.where(whole > 0, codec.rhythm.within(first, last, codec.step), sizes)


def _pieces(spans: tuple[tuple[Any, Any], ...], codec: NumericCodec) -> Pieces:
    codes, firsts, lasts = [np.zeros(0, np.int64)], [codec.low[:0]], [codec.low[:0]]
    for low, high in spans:
        code = np.flatnonzero((codec.high >= low) & (codec.low <= high))
        first, last = np.maximum(codec.low[code], low), np.minimum(codec.high[code], high)
        if not codec.axis.continuous and codec.step > 1:
            first, last = _on_steps(codec.low[code], first, last, codec.step)
        there = first <= last
        codes.append(code[there])
        firsts.append(first[there])
        lasts.append(last[there])
    code, first, last = np.concatenate(codes), np.concatenate(firsts), np.concatenate(lasts)
    order = np.lexsort((first, code))
    code, first, last = code[order], first[order], last[order]
    size = _sizes(first, last, codec, code)
    total = np.bincount(code, size, codec.size)[code]
    number = np.bincount(code, minlength=codec.size)[code]
    share = np.where(total > 0, size / np.where(total > 0, total, 1.0), 1.0 / np.maximum(number, 1))
    return Pieces(code, first, last, size, np.maximum(share, 1e-18))


def _on_steps(start: Ticks, first: Ticks, last: Ticks, step: int) -> tuple[Ticks, Ticks]:
    """Ranges cut to the multiples of a step, counted from where each bin begins."""
    # without a sign, as a bin may be wider than the largest tick
    origin, size = start.view(np.uint64), np.uint64(step)
    low = (first.view(np.uint64) - origin + size - np.uint64(1)) // size * size
    high = (last.view(np.uint64) - origin) // size * size
    gone = low > high
    ends = np.where(gone, first - 1, (origin + high).view(np.int64))
    return np.where(gone, first, (origin + low).view(np.int64)), ends


def _within(first: Ticks, last: Ticks, part: Floats, codec: NumericCodec) -> Ticks:
    """The number at a part of each range."""
    if codec.axis.continuous:
        half = part * (last / 2 - first / 2)
        found: Ticks = np.clip(first + half + half, first, last)
        return found
    steps = (last.view(np.uint64) - first.view(np.uint64)) // np.uint64(codec.step)
    near = np.minimum(np.floor(part * (steps.astype(np.float64) + 1)), 2.0**63)
    some = np.minimum(near.astype(np.uint64), steps)
    whole: Ticks = (first.view(np.uint64) + some * np.uint64(codec.step)).view(np.int64)
    if codec.rhythm is not None:
        share = np.minimum(part, 1.0 - 2.0**-53)
        timed, there = codec.rhythm.place(first, last, codec.step, share)
        whole[there] = timed[there]
    return whole
