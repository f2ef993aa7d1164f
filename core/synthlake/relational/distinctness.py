"""Keys that must differ within a family: what collides is drawn again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthlake.encode.numeric import NumericCodec
from synthlake.models.support import joint
from synthlake.ports import Codes, Redraw
from synthlake.relational.sets import Rest, as_sets
from synthlake.seed import Words

_TRIES = range(10, 34)  # numbers of further draws
_SETS = 39  # number of the word from which sets begin
_WITHIN = 100  # added for their place within a bin

REPEATED = 0.005
"""Share of rows that repeat a sibling's value although siblings have it once."""

Index = NDArray[np.int64]
Place = tuple[Index, NDArray[np.bool_]]


@dataclass(frozen=True)
class Family:
    """What a value must differ within.

    Attributes:
        number: of the own parent of each row.
        others: codes of the other columns of the key that are drawn already.
        codec: of a number; None for a category.
        size: categories there are, of a category.
        most: how often a value may stand in a family, as later columns tell its rows apart.
        words: of a column's draw.
        name: of the column.
        many: a code that stands for many values.
        room: how often that may stand in a family.
        times: how many rows have it, if that is known.
        ruled: whether rules say of columns drawn before what a row may have.
    """

    number: Index
    others: Sequence[Codes]
    codec: NumericCodec | None
    size: int
    most: int
    words: Callable[[str, int], Words]
    name: str
    many: int | None = None
    room: int = 0
    times: float | None = None
    ruled: bool = False


def made_distinct(
    codes: Codes, place: Place | None, family: Family, redraw: Redraw
) -> tuple[Codes, Place | None]:
    """Codes (and values) of which none is too often in a family and the rest of its key.

    Of categories that may be there once, families have sets. Else collisions are drawn again from
    their leaf, 24 times at most; what is left takes the code that stands for many, or the nearest
    value that is free.
    """
    codes = codes.copy()
    place = (place[0].copy(), place[1].copy()) if place else None
    rows = _repeats(codes, place, family, np.arange(len(codes)))
    if len(rows) and not place and family.most == 1:
        key = int(family.words(family.name, _SETS)[0])
        codes = as_sets(
            codes,
            joint([family.number, *family.others]),
            redraw,
            key,
            None if family.many is None else Rest(family.many, family.times),
            strict=family.ruled,
        )
        rows = _repeats(codes, place, family, np.arange(len(codes)))
    # other families stay as they are
    some = np.flatnonzero(np.isin(family.number, family.number[rows]))
    for number in _TRIES:
        if not len(rows):
            return codes, place
        codes[rows] = redraw(rows, number)
        if place and family.codec:
            words = family.words(family.name, number + _WITHIN)[rows]
            place[0][rows], place[1][rows] = family.codec.draw(codes[rows], words)
        # families in which nothing repeats any more stay as they are
        some = some[np.isin(family.number[some], family.number[rows])]
        rows = _repeats(codes, place, family, some)
    _fill(codes, place, family, rows)
    return codes, place


def repeated(keys: Sequence[NDArray[np.integer]], most: int = 1) -> NDArray[np.bool_]:
    """Which rows have a key that ``most`` earlier rows have already; keys are columns."""
    whole = _joined(keys)
    keys = keys if whole is None else [whole]
    order = np.lexsort(keys)
    fresh = np.zeros(len(order), bool)
    fresh[:1] = True
    for key in keys:
        ordered = key[order]
        fresh[1:] |= ordered[1:] != ordered[:-1]
    begins = np.flatnonzero(fresh)
    rank = np.arange(len(order)) - np.repeat(begins, np.diff(begins, append=len(order)))
    out = np.zeros(len(order), bool)
    out[order] = rank >= most
    return out


def _joined(keys: Sequence[NDArray[np.integer]]) -> NDArray[np.int64] | None:
    """Keys as one number each, which sorts several times faster; None where it does not fit."""
    if not len(keys[0]) or any(key.dtype.kind != "i" for key in keys):
        return None
    whole, size = np.zeros(len(keys[0]), np.int64), 1
    for key in reversed(keys):
        low, high = int(key.min()), int(key.max())
        size *= high - low + 1
        if size >= 2**62:
            return None
        whole *= high - low + 1
        whole += key.astype(np.int64) - low
    return whole


def _repeats(codes: Codes, place: Place | None, family: Family, some: Index) -> Index:
    """Of some rows, those that repeat earlier ones, and those without a value."""
    value = place[0] if place else codes
    empty = place[1] if place else codes < 0
    keys = [value[some], *(o[some] for o in family.others), family.number[some]]
    bad = repeated(keys, family.most)
    if family.many is not None:
        beyond = repeated(keys, family.room)
        bad = np.where(value[some] == family.many, beyond, bad)
    return some[bad | empty[some]]


def _fill(codes: Codes, place: Place | None, family: Family, rows: Index) -> None:
    """Nearest free values, row by row; few rows ever come here."""
    value = place[0] if place else codes
    taken: dict[tuple[int, ...], Counter[int]] = {}
    bad = set(rows.tolist())
    wanted = set(family.number[rows].tolist())
    for row in np.flatnonzero(np.isin(family.number, list(wanted))).tolist():
        if row not in bad:
            taken.setdefault(_group(row, family), Counter())[int(value[row])] += 1
    for row in rows.tolist():
        used = taken.setdefault(_group(row, family), Counter())
        free = _free(int(value[row]), used, family)
        used[free] += 1
        value[row] = free
        if place and family.codec:
            place[1][row] = False
            codes[row] = family.codec.encode_ticks(np.array([free]), np.zeros(1, bool))[0]


def _group(row: int, family: Family) -> tuple[int, ...]:
    return (int(family.number[row]), *(int(o[row]) for o in family.others))


def _free(value: int, used: Counter[int], family: Family) -> int:
    """The free value nearest to one: within the learned range, else the next beyond its end."""
    if family.many is not None and used[family.many] < family.room:
        return family.many
    codec = family.codec
    low, high, step = 0, family.size - 1, 1
    if codec is not None and len(codec.low):
        low, high, step = int(codec.low[0]), int(codec.high[-1]), codec.step
    value = min(max(value, low), high)
    for distance in range(len(used) + 1):
        for found in (value + distance * step, value - distance * step):
            if low <= found <= high and used[found] < family.most and found != family.many:
                return found
    while codec is not None and used[value] >= family.most:
        value += step
    return value
