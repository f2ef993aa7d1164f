"""What the children of one parent share: drivers stay with a constructor, employees with a branch.

Where parents are handed out in the order of time, each goes on with what its children share as long
as it is there (``careers``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from synthlake.models.support import dense, joint
from synthlake.ports import Codes, Feature
from synthlake.relational.model import Kin, Link, TableModel, link_id

_LEAST = 0.1  # pairs of children that share a value: of one parent more than of any, at least

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
    return replace(link, kin=Kin(name, *clock, link.slices))


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
