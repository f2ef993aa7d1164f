"""Keys that must differ within a family: what collides is drawn again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthlake.encode.numeric import NumericCodec
from synthlake.ports import Codes, Redraw
from synthlake.seed import Words

_TRIES = range(10, 18)  # numbers of further draws
_WITHIN = 100  # added for their place within a bin

Place = tuple[NDArray[np.int64], NDArray[np.bool_]]


@dataclass(frozen=True)
class Family:
    """What a value must differ within.

    Attributes:
        number: of the own parent of each row.
        others: codes of the other columns of the key.
        codec: of a number; None for a category.
        words: of a column's draw.
        name: of the column.
    """

    number: NDArray[np.int64]
    others: Sequence[Codes]
    codec: NumericCodec | None
    words: Callable[[str, int], Words]
    name: str


def made_distinct(
    codes: Codes, place: Place | None, family: Family, redraw: Redraw
) -> tuple[Codes, Place | None]:
    """Codes (and values) of which no two are equal within a family and the rest of its key.

    Collisions are drawn again from their leaf, eight times at most; what is left takes the nearest
    value that is free.
    """
    codes = codes.copy()
    place = (place[0].copy(), place[1].copy()) if place else None
    for number in _TRIES:
        rows = _repeats(codes, place, family)
        if not len(rows):
            return codes, place
        codes[rows] = redraw(rows, number)
        if place and family.codec:
            words = family.words(family.name, number + _WITHIN)[rows]
            place[0][rows], place[1][rows] = family.codec.draw(codes[rows], words)
    _fill(codes, place, family)
    return codes, place


def _repeats(codes: Codes, place: Place | None, family: Family) -> NDArray[np.int64]:
    """Rows that repeat an earlier one, and rows without a value."""
    value = place[0] if place else codes
    empty = place[1] if place else codes < 0
    keys = [value, *family.others, family.number]
    order = np.lexsort(keys)
    same = np.ones(len(order), bool)
    same[:1] = False
    for key in keys:
        same[1:] &= key[order][1:] == key[order][:-1]
    rows = np.zeros(len(order), bool)
    rows[order[same]] = True
    return np.flatnonzero(rows | empty)


def _fill(codes: Codes, place: Place | None, family: Family) -> None:
    """Nearest free values, row by row; few rows ever come here."""
    rows = _repeats(codes, place, family)
    if not len(rows):
        return
    value = place[0] if place else codes
    taken: dict[tuple[int, ...], set[int]] = {}
    bad = set(rows.tolist())
    wanted = set(family.number[rows].tolist())
    for row in np.flatnonzero(np.isin(family.number, list(wanted))):
        if int(row) not in bad:
            taken.setdefault(_group(row, family), set()).add(int(value[row]))
    for row in rows:
        used = taken.setdefault(_group(row, family), set())
        free = _free(int(value[row]), used, family.codec)
        used.add(free)
        value[row] = free
        if place and family.codec:
            place[1][row] = False
            codes[row] = family.codec.encode_ticks(np.array([free]), np.zeros(1, bool))[0]


def _group(row: int, family: Family) -> tuple[int, ...]:
    return (int(family.number[row]), *(int(o[row]) for o in family.others))


def _free(value: int, used: set[int], codec: NumericCodec | None) -> int:
    """The free value nearest to one."""
    step = codec.step if codec else 1
    for distance in range(1, len(used) + 2):
        for found in (value + distance * step, value - distance * step):
            if found not in used and (codec is not None or found >= 0):
                return found
    return value
