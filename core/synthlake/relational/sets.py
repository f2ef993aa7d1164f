"""Values that no two rows of a family share: a set of them is drawn, and then who has which.

Were each row to draw until it finds a value that is free, frequent values would be too rare: two of
them meet often, and one gives way. Here each value is in a family's set as often as its rows expect
it to be there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthlake.encode.mixing import mix
from synthlake.models.support import ranks
from synthlake.ports import Codes, Redraw
from synthlake.seed import unit

_DRAWS = range(40, 64)  # numbers of the draws by which it is told what rows expect
_NEAR, _MOST_BORROWED = 512, 1_000  # rows before and after, and that are without a code
_CAPPED = 24  # rounds in which what is beyond 1 goes to others

Index = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Rest:
    """A code that stands for many values, each of them too rare for one.

    Attributes:
        code: of all of these.
        times: how many rows have it, if that is known.
    """

    code: int
    times: float | None = None


def as_sets(
    codes: Codes, group: Index, redraw: Redraw, key: int, rest: Rest | None = None,
    strict: bool = False,
) -> Codes:  # fmt: skip
    """Codes of which no two rows of a group have the same; -1 where there are too few.

    Where a group's own rows expect too few codes, it has those of the rows before and after it.
    What a group has and no row expects that has none yet goes to any.

    Args:
        codes: that are drawn already, shape (rows,).
        group: of each row, numbered from 0.
        redraw: codes of some rows by the words of another number.
        key: of the words.
        rest: a code that may be in a set several times.
        strict: rows have codes that they expect, or none.

    Cost: draws each row 24 times more.

    Source: systematic sampling with unequal probabilities, in random order (Madow, Annals of
    Mathematical Statistics 20, 1949).
    """
    every, many = np.arange(len(codes)), None if rest is None else rest.code
    drawn = whole = expected(codes, redraw)
    plain = int(drawn.max(initial=0)) + 1
    drawn = drawn if many is None else np.where(drawn == many, plain + every, drawn)
    there, size = drawn >= 0, plain + len(codes)
    cells, times = np.unique((group * size + drawn)[there], return_counts=True)
    owner = cells // size
    order = np.lexsort((_hash(cells, key), owner))
    wanted = np.minimum(np.bincount(group), np.bincount(owner, minlength=int(group.max()) + 1))
    share = _shares(times[order].astype(np.float64), owner[order], wanted)
    chosen = cells[order[_chosen(share, owner[order], key)]]
    made = handed_out(drawn, group, np.sort(chosen), size, key, strict=strict)
    made = made if many is None else np.where(made >= plain, many, made)
    out = steadied(made, whole, plain, group, rest).astype(np.int32)
    return out if strict else _borrowed(out, group, codes, many)


def expected(codes: Codes, redraw: Redraw) -> Index:
    """Draws of each row that tell what it expects, first that which is there, shape (25, rows)."""
    every = np.arange(len(codes))
    return np.stack([codes, *(redraw(every, number) for number in _DRAWS)]).astype(np.int64)


def steadied(
    codes: Index, drawn: Index, size: int, group: Index | None = None, rest: Rest | None = None,
) -> Index:  # fmt: skip
    """Codes of which each is there about as often as rows expect it.

    Each row is drawn for itself: a value that is expected three times has one chance in twenty not
    to be there at all, and what a family may have once is there too seldom where it is expected
    more often. Rows that might have had it as well give it theirs, if of that there is more than
    is expected.

    Args:
        codes: of the rows; -1 for none.
        drawn: codes that rows expect, shape (draws, rows).
        size: codes there are; others that are drawn stay as they are.
        group: of which no two rows have the same code but ``rest``, if there are some.
        rest: a code of which it may be known better how often it is there.

    Cost: sorts all that is drawn.
    """
    out = codes.copy()
    told, held = (np.bincount(c[(c >= 0) & (c < size)], minlength=size) for c in (drawn, out))
    wanted = told / len(drawn)
    if rest is not None and rest.times is not None and rest.code < size:
        wanted[rest.code] = rest.times
    beyond = np.rint(held - wanted).astype(np.int64)
    by_code = np.argsort(drawn, axis=None, kind="stable")
    ends = np.searchsorted(drawn.ravel()[by_code], np.arange(size + 1))
    for code in np.argsort(beyond, kind="stable")[: int((beyond < 0).sum())].tolist():
        rows = np.unique(by_code[ends[code] : ends[code + 1]] % len(out))
        rows = rows[(out[rows] >= 0) & (out[rows] < size)]
        rows = rows[beyond[out[rows]] > 0]
        rows = rows[np.argsort(-beyond[out[rows]], kind="stable")]
        if group is not None and (rest is None or code != rest.code):
            rows = rows[~np.isin(group[rows], group[out == code])]
            rows = rows[ranks(group[rows]) == 0]
        rows = rows[ranks(out[rows]) < beyond[out[rows]]][: -beyond[code]]
        beyond -= np.bincount(out[rows], minlength=size)
        beyond[code] += len(rows)
        out[rows] = code
    return out


def handed_out(
    drawn: Index, group: Index, chosen: Index, size: int, key: int, *, strict: bool = False
) -> Index:
    """Which row of a group has which of its codes: those that expect a code come first.

    Args:
        drawn: codes that rows expect, the likeliest first, shape (draws, rows).
        group: of each row, numbered from 0.
        chosen: ``group * size + code`` of what there is, ascending, as often as it is there.
        size: codes there are.
        key: of the words.
        strict: rows have codes that they expect, or none.

    Returns:
        A code for each row; -1 where its group has too few.
    """
    cells, free = np.unique(chosen, return_counts=True)
    out = np.full(drawn.shape[1], -1, np.int64)
    rows = np.argsort(_hash(np.arange(len(out)), key + 1), kind="stable")
    for codes in drawn if len(cells) else ():
        rows = rows[out[rows] < 0]
        wanted = group[rows] * size + codes[rows]
        cell = np.minimum(np.searchsorted(cells, wanted), len(cells) - 1)
        able = np.flatnonzero((cells[cell] == wanted) & (codes[rows] >= 0))
        won = able[ranks(cell[able]) < free[cell[able]]]
        out[rows[won]] = cell[won]
        free -= np.bincount(cell[won], minlength=len(cells))
    rows = rows[out[rows] < 0]
    left = np.repeat(np.arange(len(cells)), 0 if strict else free)
    out[rows] = _paired(group[rows], left, cells[left] // size)
    return np.where(out < 0, -1, np.append(cells, 0)[out] % size)


def _borrowed(made: Codes, group: Index, codes: Codes, many: int | None) -> Codes:
    """Codes of the rows nearest to those that have none yet, if these are few."""
    rows = np.flatnonzero(made < 0)
    if len(rows) > _MOST_BORROWED:
        return made
    held: dict[int, set[int]] = {}
    for row in np.flatnonzero(np.isin(group, group[rows]) & (made >= 0)).tolist():
        held.setdefault(int(group[row]), set()).add(int(made[row]))
    for row in rows.tolist():
        used = held.setdefault(int(group[row]), set())
        near = codes[max(row - _NEAR, 0) : row + _NEAR + 1]
        far = np.argsort(np.abs(np.arange(len(near)) - min(row, _NEAR)), kind="stable")
        free = (int(code) for code in near[far] if code >= 0 and code != many)
        made[row] = next((code for code in free if code not in used), -1)
        used.add(int(made[row]))
    return made


def _hash(numbers: Index, key: int) -> NDArray[np.uint64]:
    """Words of numbers."""
    return mix(mix(numbers.astype(np.uint64)) ^ np.uint64(key % 2**64))


def _shares(times: Floats, owner: Index, wanted: Index) -> Floats:
    """How often each code is in its group's set: at most once, and ``wanted`` codes in all."""
    share, full = times, np.zeros(len(times), bool)
    for _ in range(_CAPPED):
        room = wanted - np.bincount(owner, full, len(wanted))
        rest = np.bincount(owner, np.where(full, 0.0, share), len(wanted))
        share = np.where(full, 1.0, share * (room / np.maximum(rest, 1e-300))[owner])
        beyond = ~full & (share >= 1.0)
        if not beyond.any():
            return share
        full |= beyond
    return np.minimum(share, 1.0)


def _chosen(share: Floats, owner: Index, key: int) -> NDArray[np.bool_]:
    """Codes that whole numbers, shifted by a random start of each group, fall upon."""
    ends = np.cumsum(share)
    first = np.flatnonzero(np.append(True, owner[1:] != owner[:-1])[: len(owner)])
    before = np.repeat((ends - share)[first], np.diff(first, append=len(owner)))
    start = unit(_hash(owner, key + 2)) * 0.999_998 + 1e-6  # clear of what sums are rounded by
    ends = ends - before - start
    return np.floor(ends) > np.floor(ends - share)


def _paired(rows: Index, left: Index, owner: Index) -> Index:
    """Cells that are left over, one for each row of their group as far as they go; -1 for none."""
    out = np.full(len(rows), -1, np.int64)
    at = np.searchsorted(owner, rows, side="left") + ranks(rows)
    there = np.flatnonzero(at < np.searchsorted(owner, rows, side="right"))
    out[there] = left[at[there]]
    return out
