"""Rows in an order: siblings one after another, or a grid's rows along its time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from synthlake.encode.axis import Ticks
from synthlake.encode.numeric import NumericCodec
from synthlake.models.trees import FittedTrees, Step
from synthlake.ports import Codes, Feature

AT, LEFT, GAP = "s:at", "s:left", "s:gap"  # features: place in a family, rows after it, time since
MAX_PLACE = 127  # later places are all alike
LONGEST = 128  # rows of a chain; the next one begins anew, so that waves are bounded
WINDOW = 128  # steps of time of a chain on a grid whose rows are drawn in waves
FARTHEST = 24  # steps of time beyond which a row on a grid has none before it

Index = NDArray[np.int64]
Kind = Literal["ordinal", "number", "values", "grid"]


@dataclass(frozen=True)
class Increment:
    """A column that only grows (or only falls) along a sequence, learned as its steps.

    Attributes:
        codec: of the steps, none of them negative.
        sign: -1 for a column that falls.
        strict: whether no step is 0; values then go beyond what was learned if they have to.
    """

    codec: NumericCodec
    sign: int
    strict: bool


@dataclass(frozen=True)
class Sequence:
    """The order of a table's rows and what follows from it.

    Attributes:
        kind: what the order is: ``ordinal``: a column that counts the rows of a family;
            ``number``: a key that grows with the row; ``values``: a column that is drawn; ``grid``:
            the time axis of the key.
        by: the column.
        start: of an ordinal: of the first row of each family.
        later: draws columns of rows that have one before them, given that one.
        increments: columns learned as steps, by feature.
        walks: of a grid: by feature, how far words go in a step of time.
    """

    kind: Kind
    by: str
    start: int = 1
    later: FittedTrees = field(default_factory=lambda: FittedTrees(()))
    increments: Mapping[str, Increment] = field(default_factory=dict)
    walks: Mapping[str, float] = field(default_factory=dict)

    @property
    def steps(self) -> dict[str, Step]:
        """What draws later rows, by column."""
        return {step.column: step for step in self.later.steps}


@dataclass(frozen=True)
class Places:
    """Where rows stand in their sequences.

    Attributes:
        before: shape (rows,), the row before each; -1 for none.
        at: place in the chain, from 0; of a row that is in no sequence -1.
        left: rows of the sequence after it.
        gap: steps of time since the row before; None where there is no time axis.
    """

    before: Index
    at: Index
    left: Index
    gap: Index | None = None

    def features(self) -> dict[str, Feature]:
        """Of families: place and rows after it, known before anything is drawn."""
        if self.gap is not None:
            return {}
        return {
            name: Feature(np.minimum(held, MAX_PLACE).astype(np.int32), MAX_PLACE + 1, True)
            for name, held in ((AT, self.at), (LEFT, self.left))
        }

    def later(self) -> dict[str, Feature]:
        """Of a grid: what else is known of a row that has one before it."""
        if self.gap is None:
            return {}
        return {GAP: Feature(np.minimum(self.gap, FARTHEST).astype(np.int32), FARTHEST + 1, True)}

    @cached_property
    def chains(self) -> tuple[Index, Index]:
        """Rows chain after chain, and for each of these where in that order its chain begins."""
        rows = np.arange(len(self.before))
        head = np.where(self.before < 0, rows, self.before)
        while (further := head[head] != head).any():  # pointers are doubled: few rounds
            head = np.where(further, head[head], head)
        order = np.lexsort((self.at, head))
        fresh = self.before[order] < 0
        return order, np.maximum.accumulate(np.where(fresh, rows, 0))

    def waves(self) -> tuple[Index, Index]:
        """Rows wave after wave, and where each wave begins: ``Chain.order``, ``Chain.ends``."""
        depth = np.where(self.before < 0, 0, np.maximum(self.at, 0) % LONGEST)
        order = np.argsort(depth, kind="stable")
        ends = np.concatenate([[0], np.cumsum(np.bincount(depth, minlength=1))])
        return order, ends.astype(np.int64)


def shifted(codes: Codes, before: Index) -> Codes:
    """Codes of the row before each row; -1 for none."""
    return np.where(before < 0, -1, codes[before]).astype(np.int32)


def in_families(number: Index, rank: Ticks | None = None, cut: bool = True) -> Places:
    """Places of rows within families.

    Args:
        number: shape (rows,), family of each row; negative for rows in none.
        rank: what rows are sorted by; None for the order in which they stand.
        cut: whether chains begin anew after ``LONGEST`` rows.
    """
    rows = np.arange(len(number))
    order = np.lexsort((rows, rows if rank is None else rank, number))
    held = number[order]
    fresh = np.append(True, held[1:] != held[:-1])[: len(held)]
    begin = np.maximum.accumulate(np.where(fresh, rows, 0))
    size = np.bincount(np.cumsum(fresh) - 1, minlength=1)
    place = rows - begin
    begins = fresh | (place % LONGEST == 0) if cut else fresh
    before, at, left = (np.full(len(number), -1, np.int64) for _ in range(3))
    before[order] = np.where(begins, -1, np.roll(order, 1))
    at[order] = place
    left[order] = size[np.cumsum(fresh) - 1] - 1 - place
    for held in (before, at, left):
        held[number < 0] = -1
    return Places(before, at, left)


def on_axis(series: Index, time: Index, cut: bool = False) -> Places:
    """Places of rows on a grid: series by series, along the time.

    Args:
        series: shape (rows,), which series each row belongs to.
        time: its step of time. Behind a hole of more than ``FARTHEST`` steps a series begins anew.
        cut: whether it begins anew after each ``WINDOW`` steps, too.
    """
    windows = int(time.max(initial=0)) // WINDOW + 1
    group = series * windows + time // WINDOW if cut else series
    found = in_families(group, time, cut=False)
    gap = np.where(found.before < 0, -1, time - time[found.before])
    far = (gap > FARTHEST) | (gap <= 0)
    order, part = np.lexsort((time, group)), np.zeros(len(time), np.int64)
    part[order] = np.cumsum(far[order])
    places = in_families(part, time, cut=False)
    return Places(np.where(far, -1, found.before), places.at, places.left, np.where(far, -1, gap))
