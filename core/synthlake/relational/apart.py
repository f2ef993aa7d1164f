"""What siblings have no two of: drivers of a race, places in it, products of an order."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from synthlake.encode.numeric import NumericCodec
from synthlake.models.support import distinct
from synthlake.relational.distinctness import REPEATED, repeated
from synthlake.relational.draft import Draft
from synthlake.relational.model import column_id, link_id

_EXPECTED = 0.05  # share that would if siblings were drawn one by one, below which it means nothing

Index = NDArray[np.int64]


def find_apart(draft: Draft) -> tuple[str, ...]:
    """References and whole numbers of which no two rows of a family have the same.

    Found where hardly a row repeats a sibling's value, and independent draws would repeat it in
    many rows, as those of parents that are found by time do. Rows in which the value is NULL, or
    that have no own parent, say that it is not so.

    Privacy: k families with two rows or more stand behind it.
    Cost: a sort of the rows for each column.
    """
    own = draft.table.own
    if own is None or not draft.structured:
        return ()
    family = draft.joins[draft.table.foreign_keys.index(own)].key
    if not len(family) or (family < 0).any():
        return ()
    sizes = np.bincount(family)
    if (sizes >= 2).sum() < draft.data.k or _few(family, sizes, draft):
        return ()
    counted = tuple(map(column_id, draft.order.made)) if draft.order else ()
    timed = {link_id(number) for number, link in draft.links.items() if link.slices}
    found = (name for name, value in _candidates(draft)
             if _apart(family, sizes, value, expected=name in timed))  # fmt: skip
    return (*found, *counted)


def _few(family: Index, sizes: Index, draft: Draft) -> bool:
    """Whether fewer than k entities have families of two or more."""
    rows = sizes[family] >= 2
    people = distinct(np.zeros(int(rows.sum()), np.int64), draft.data.group[rows], 1)
    return bool(people[0] < draft.data.k)


def _candidates(draft: Draft) -> Iterator[tuple[str, Index]]:
    """Columns that can give way to a sibling's, and their values."""
    for number, kind in enumerate(draft.kinds):
        if kind in ("identity", "cluster") and number in draft.codes:
            yield link_id(number), draft.joins[number].key
    made = {rule.made for rule in draft.frame.maps}
    made |= {column_id(n) for rule in draft.frame.rules for n in rule.makes}
    for attribute in draft.frame.attributes:
        name, codec = column_id(attribute.column), attribute.codec
        plain = attribute.drawn is None and name not in made and attribute.learned
        if plain and isinstance(codec, NumericCodec) and not codec.axis.continuous:
            ticks, null = codec.axis.ticks(draft.data.sample[attribute.column])
            yield name, np.where(null, -1 - np.abs(ticks).max(initial=0), ticks)


def _apart(family: Index, sizes: Index, value: Index, expected: bool) -> bool:
    """Whether siblings differ in a column, and not by chance (where they are not expected to)."""
    numbers, place, rows = np.unique(value, return_inverse=True, return_counts=True)
    if numbers[0] < 0 and (value == numbers[0]).any():
        return False
    if repeated([place, family]).mean() > REPEATED:
        return False
    if expected:
        return True
    alike = float(((rows / len(value)) ** 2).sum())
    pairs = float((sizes * (sizes - 1) / 2).sum())
    return min(pairs * alike / len(value), 1.0) >= _EXPECTED
