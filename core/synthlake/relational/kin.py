"""What the children of one parent share: drivers stay with a constructor, employees with a branch.

Codes of parents are dealt out anew among the rows of a slice of time, so that rows that share it
have few of them; and the children of a code, which may have any parent of these, have one after the
other along lanes of what they share (``lanes``). A parent has as many children as it was drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from synthlake.models.support import dense, joint, ranks
from synthlake.ports import Codes, Feature, Redraw
from synthlake.relational.lanes import lanes_of
from synthlake.relational.model import Kin, Link, TableModel, link_id
from synthlake.relational.seats import slices_at
from synthlake.seed import Words

if TYPE_CHECKING:
    from synthlake.relational.rows import Block

_LEAST = 0.1  # pairs of children that share a value: of one parent more than of any, at least
_SLOTS = 2**20  # rows of a family that share a value and are told apart
_PLASTIC = 1.324717957244746  # x**3 = x + 1
KEPT = 9
"""Number of the draw by ``kept_words``."""
_GROUPS, _CELLS = 64, 2**17  # most groups, alone and times codes and slices

Index = NDArray[np.int64]


def with_kin(
    link: Link, others: Mapping[str, Feature], rows: tuple[Index, Codes, Index],
    clock: tuple[str, int], k: int,
) -> Link:  # fmt: skip
    """The reference with what children of one parent share most, or as it is.

    Args:
        link: of children who find their parents by time.
        others: features of the child, from which one is chosen.
        rows: parent, code and slice of time of each child, shape (rows,); -1 for none.
        clock: feature of the own parent that tells the time, and its codes.
        k: so many parents must have several children in a slice.

    Privacy: one of the columns is chosen by counts of all rows; no value is stored.
    """
    parent, code, at = rows
    known = np.flatnonzero((parent >= 0) & (code >= 0))
    if not len(known):
        return link
    families = dense(parent[known] * link.slices + at[known])
    several = np.bincount(families)[families] > 1
    if len(np.unique(parent[known][several])) < k:
        return link
    cells = dense(code[known].astype(np.int64) * link.slices + at[known])
    likeness = list(_likeness(others, known, families, cells))
    best, name = max(likeness, default=(0.0, ""))
    if best < _LEAST:
        return link
    groups = max(min(_GROUPS, _CELLS // (link.size * link.slices)), 1)
    return replace(link, kin=Kin(name, groups, *clock, link.slices))


def _likeness(
    others: Mapping[str, Feature], known: Index, families: Index, cells: Index
) -> Iterator[tuple[float, str]]:
    """How much more often two children of one parent share a value than two of its code."""
    for name, feature in others.items():
        codes = feature.codes[known]
        if not feature.ordered and feature.size > 1 and codes.min() >= -1:
            yield shared(families, codes) - shared(cells, codes), name


def shared(group: Index, codes: NDArray[np.integer]) -> float:
    """Share of the pairs of rows of a group that have the same code; NULL (-1) is one, too."""
    return float(pairs(joint([group, codes])) / max(pairs(dense(group)), 1.0))


def pairs(group: Index) -> float:
    """How many pairs of rows are of one group; groups are numbered from 0."""
    sizes = np.bincount(group).astype(np.float64)
    return float((sizes * (sizes - 1)).sum() / 2)


def kin_of(model: TableModel, column: str) -> Kin | None:
    """What rows share that have parents of the same code, if it is drawn before their reference.

    None where the reference follows from other columns by a map.
    """
    if any(rule.made == column for rule in model.maps):
        return None
    for number, link in enumerate(model.links):
        if link_id(number) == column and link.kin is not None:
            first = model.order.index(link.kin.name) < model.order.index(column)
            return link.kin if first else None
    return None


def kept_words(block: Block, column: str, words: Words) -> Words:
    """Words by which rows that share what siblings do are drawn a code alike.

    Args:
        block: the rows.
        column: feature of the reference.
        words: of the rows, which stand where siblings share nothing.

    Source: multiples of the powers of the root of x**3 = x + 1 (Roberts 2018), which spread over
    pairs of whole numbers as multiples of the golden ratio do over one.
    """
    kin = kin_of(block.model, column)
    if kin is None or block.family is None:
        return words
    slot = _slots(kin, block)
    key = block.seed.key(block.model.table.name, f"kin:{column}") % 2**64
    across, along = (np.uint64(int(_PLASTIC**-n * 2**64)) for n in (1, 2))
    made = (slot // _SLOTS).astype(np.uint64) * across + (slot % _SLOTS).astype(np.uint64) * along
    return made + np.uint64(key)


def together(block: Block, name: str, codes: Codes, redraw: Redraw) -> Codes:
    """Codes of a reference, dealt out anew among the rows of a slice of time.

    Each code has as many of the rows as its parents are due children then. Those that share what
    siblings do have few of the codes, and in other slices the same: of the codes there are, those
    that come nearest to what they are drawn by ``kept_words``. Rows of one family that share it
    have words of their own: two cars of a team have two drivers. The block is told its ``lanes``.
    """
    kin, due = kin_of(block.model, name), block.due.get(name)
    if kin is None or due is None or block.family is None or not len(codes):
        return codes
    slot, like = _slots(kin, block), redraw(np.arange(len(codes)), KEPT)
    slices, due = slices_at(block, kin), due.reshape(2, -1, kin.slices)
    out, known = codes.copy(), np.flatnonzero(codes >= 0)
    begin = block.seed.words(block.model.table.name, f"sizes:{name}", block.start, kin.slices)
    lanes = np.zeros(len(codes), np.int64)
    for at in np.unique(slices[known]):
        rows = known[slices[known] == at]
        slots, each = np.unique(slot[rows], return_inverse=True)
        sizes = _sizes(codes[rows], due[0, :, at], float(begin[at]) * 2.0**-64)
        alike = np.zeros((len(slots), len(sizes)))
        some = (like[rows] >= 0) & (like[rows] < len(sizes))
        np.add.at(alike, (each[some], like[rows][some]), 1.0)
        _, code, times = dealt(alike, np.bincount(each), sizes)
        rows = rows[np.argsort(each, kind="stable")]
        most = _at_once(sizes, due[:, :, at], len(np.unique(block.family[rows])))
        out[rows] = eased(np.repeat(code, times), slot[rows], block.family[rows], most)
        rows = rows[np.argsort(out[rows], kind="stable")]
        for mine in np.split(rows, np.flatnonzero(np.diff(out[rows])) + 1):
            some = int(due[1, out[mine[0]], at])
            lanes[mine] = lanes_of(block.family[mine], slot[mine], some, kin.groups)
    block.lanes[name] = lanes
    return out


def _sizes(codes: Codes, due: Index, begin: float) -> Index:
    """Rows of each code: in proportion to the children that its parents are due, if there are any.

    Args:
        codes: as they are drawn.
        due: children of each code.
        begin: of systematic sampling, in 0 .. 1; one for all blocks would round alike in each.
    """
    if not due.any():
        return np.bincount(codes, minlength=len(due))
    ends = np.floor(np.cumsum(due) * (len(codes) / due.sum()) + begin).astype(np.int64)
    ends[-1] = len(codes)
    sizes: Index = np.diff(ends, prepend=0)
    return sizes


def _at_once(sizes: Index, due: Index, families: int) -> Index:
    """Rows of a family that have parents of each code: so many have children at the same time.

    Args:
        sizes: rows of each code.
        due: children of each code, and parents that these are of, shape (2, codes).
        families: in which the rows are.
    """
    most: Index = np.maximum(due[1], -(-sizes // families))
    return most


def eased(code: Index, slot: Index, family: Index, most: Index) -> Index:
    """The same codes on other rows, none of them on more of a family than may be, if that can be.

    Args:
        code: of each row; as many rows have each as before.
        slot: what it shares; rows of the same one that give way take the same code.
        family: of each row.
        most: rows of a family with each code.
    """
    family, out = dense(family), code.copy()
    over = np.flatnonzero(ranks(joint([family, code])) >= most[code])
    free = np.bincount(code[over], minlength=len(most))
    held = np.zeros((int(family.max()) + 1, len(most)), np.int64)
    np.add.at(held, (family, code), 1)
    np.add.at(held, (family[over], code[over]), -1)
    last: dict[int, int] = {}
    for row in over.tolist():
        own = held[family[row]]
        able = (free > 0) & (own < most)
        if not able.any():
            able = free > 0
        one = last.get(int(slot[row]), -1)
        one = one if one >= 0 and able[one] else int(np.where(able, free, -1).argmax())
        out[row], last[int(slot[row])] = one, one
        free[one] -= 1
        own[one] += 1
    return out


def dealt(score: NDArray[np.float64], room: Index, sizes: Index) -> tuple[Index, Index, Index]:
    """How many units each row has of each column, as far as it has some, row after row.

    In each round, rows with room left go to the best column that has some left, in the order of
    their scores.

    Args:
        score: shape (rows, columns).
        room: units of each row.
        sizes: units of each column; as many in all.

    Returns:
        Rows, columns and units.
    """
    room, left, found = room.copy(), sizes.copy(), list[tuple[Index, Index, Index]]()
    while room.any():
        some = np.flatnonzero(room)
        near = np.where(left > 0, score[some], -np.inf)
        column = near.argmax(axis=1)
        order = np.lexsort((-near[np.arange(len(some)), column], column))
        some, column = some[order], column[order]
        before = np.cumsum(room[some]) - room[some]
        before -= before[np.searchsorted(column, column, side="left")]
        taken = np.clip(left[column] - before, 0, room[some])
        found.append((some, column, taken))
        room[some] -= taken
        left -= np.bincount(column, taken, len(left)).astype(np.int64)
    rows, column, taken = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.argsort(rows, kind="stable")
    return rows[order], column[order], taken[order]


def _slots(kin: Kin, block: Block) -> Index:
    """What rows share with their siblings, and how many rows of their family do so before them."""
    assert block.family is not None
    held = block.drawn[kin.name].astype(np.int64) + 2  # NULL is one, too
    return held * _SLOTS + np.minimum(ranks(joint([block.family, held])), _SLOTS - 1)
