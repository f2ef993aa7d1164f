"""Values of a family that add up to a total, or whose least or greatest one is given.

Shares of what lies above the least value are rounded down to whole ticks; the ticks that are left
over go to the largest remainders.
Source: method of largest remainders (Hare).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthlake.constraints.rule import Cells, Mask

Index = NDArray[np.int64]
_ROUNDS = 64  # of what is left over; two where nothing bounds the values


def apportioned(drawn: Cells, family: Index, goal: NDArray[Any], ends: tuple[Any, Any]) -> Cells:
    """Values of which those of each family add up to its goal.

    Args:
        drawn: as they were drawn; NULL ones stay NULL as far as the others can reach the goal.
        family: number of each, ascending, from 0.
        goal: by family; at least the least value times its rows.
        ends: least and greatest tick; the latter None for no bound.
    """
    size, (low, high) = len(goal), ends
    null = _woken(drawn.null, family, goal, ends)
    there = np.flatnonzero(~null)
    who = family[there]
    count = np.bincount(who, minlength=size)
    room = goal - count * low  # what is to be shared beyond the least value
    weight = np.maximum(drawn.ticks[there].astype(float) - low, 0.0)
    weight = np.where(drawn.null[there], 0.0, weight)
    total = np.bincount(who, weight, size)
    weight = np.where(total[who] > 0, weight, 1.0)
    total = np.where(total > 0, total, count)
    exact = room[who].astype(float) * (weight / np.maximum(total[who], 1e-300))
    if goal.dtype.kind == "f":
        made = low + exact
    else:
        made = low + rounded(exact, who, room, None if high is None else high - low)
    ticks = drawn.ticks.copy()
    ticks[there] = made
    return Cells(ticks, null)


def _woken(null: Mask, family: Index, goal: NDArray[Any], ends: tuple[Any, Any]) -> Mask:
    """Which values stay NULL: none of a family that the others cannot make up for."""
    size, (low, high) = len(goal), ends
    every = np.bincount(family, minlength=size)
    some = np.bincount(family[~null], minlength=size)
    lacking = (some == 0) & (goal != 0)
    lacking |= (some > 0) & (goal < some * low)
    if high is not None:
        lacking |= goal > some * high
    stays: Mask = null & ~(lacking & (every > 0))[family]
    return stays


def rounded(exact: NDArray[Any], who: Index, room: NDArray[Any], most: Any) -> Index:
    """Whole numbers near some shares, that add up to ``room`` in each family, none above ``most``.

    What is lost by rounding goes to the largest remainders, one each; what a bound cuts off goes to
    those with room left, evenly.

    Args:
        exact: the shares, from 0.
        who: number of the family of each, ascending, from 0 without gaps.
        room: by family.
        most: of all, or shape (rows,); None for no bound.
    """
    whole = np.floor(exact)
    made: Index = (whole if most is None else np.minimum(whole, most)).astype(np.int64)
    for _ in range(_ROUNDS):
        left = room - _added(made, who, len(room))
        if not left.any():
            break
        capacity = np.full(len(made), 2**62) if most is None else most - made
        made = made + _step(left, exact - made, who, capacity, made)
    return made


def _added(values: Index, who: Index, size: int) -> Index:
    """Sums by family, exact for all of int64."""
    out = np.zeros(size, np.int64)
    np.add.at(out, who, values)
    return out


def _step(left: Index, rest: NDArray[Any], who: Index, capacity: Index, made: Index) -> Index:
    """One round of what is left over: to each an even share, then one to the first in order."""
    free = np.where(left[who] > 0, capacity > 0, made > 0)
    count = np.bincount(who[free], minlength=len(left))
    each = np.where(count > 0, np.abs(left) // np.maximum(count, 1), 0)
    more = np.abs(left) - each * count
    sign = np.sign(left)
    order = np.lexsort((-rest * sign[who], ~free, who))
    first = np.searchsorted(who, np.arange(len(left)))
    rank = np.empty(len(who), np.int64)
    rank[order] = np.arange(len(who)) - first[who[order]]
    step = each[who] + (rank < more[who])
    step = np.minimum(step, np.where(left[who] > 0, capacity, made))
    return np.where(free, step * sign[who], 0)


def pinned(
    drawn: Cells, family: Index, low: NDArray[Any] | None, high: NDArray[Any] | None
) -> Cells:
    """Values of which the least and the greatest of each family are as they should be.

    Args:
        drawn: as they were drawn; NULL ones wake where a family has not enough others.
        family: number of each, ascending, from 0.
        low: the least of each family; None where it is free.
        high: the greatest.
    """
    size = int(family.max(initial=-1)) + 1
    every = np.bincount(family, minlength=size)
    some = np.bincount(family[~drawn.null], minlength=size)
    ends = sum(end is not None for end in (low, high))
    null = drawn.null & ~(some < np.minimum(every, ends))[family]
    ticks = drawn.ticks.copy()
    order = np.lexsort((np.arange(len(ticks)), ticks, null, family))
    owner = family[order]
    fresh = np.append(True, owner[1:] != owner[:-1])[: len(owner)]
    known = ~null[order]
    last = known & np.append(fresh[1:] | ~known[1:], True)[: len(owner)]
    if low is not None:
        ticks = np.maximum(ticks, low[family]).astype(ticks.dtype)
    if high is not None:
        ticks = np.minimum(ticks, high[family]).astype(ticks.dtype)
    for end, where in ((low, fresh & known), (high, last)):
        if end is not None:
            ticks[order[where]] = end[owner[where]]
    return Cells(ticks, null)
