"""How many entities stand behind something: what may be stored, and what may not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


def distinct(keys: NDArray[np.int64], group: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Distinct groups per key in [0, size); groups are numbers from 0 (``dense``)."""
    if not len(keys):
        return np.zeros(size, np.int64)
    width = int(group.max()) + 1
    pairs = np.sort(keys.astype(np.int64) * width + group)
    fresh = np.append(True, pairs[1:] != pairs[:-1])
    return np.bincount(pairs[fresh] // width, minlength=size)


def even_rows(
    keys: NDArray[np.int64], group: NDArray[np.int64], size: int, k: int
) -> NDArray[np.int64]:
    """Rows per key, of no group more than the k-th most; 0 where fewer than k groups have it.

    So at least k groups stand behind a number, none with more than a k-th of it.

    Args:
        keys: in [0, size), one a row.
        group: numbers from 0.
        size: number of keys.
        k: least groups.
    """
    if not len(keys):
        return np.zeros(size, np.int64)
    width = int(group.max()) + 1
    pairs, rows = np.unique(keys.astype(np.int64) * width + group, return_counts=True)
    key = pairs // width
    order = np.lexsort((-rows, key))
    first = np.searchsorted(key, np.arange(size))
    there = np.bincount(key, minlength=size) >= k
    most = np.zeros(size, np.int64)
    most[there] = rows[order[first[there] + k - 1]]
    found = np.zeros(size, np.int64)
    np.add.at(found, key, np.minimum(rows, most[key]))
    return found


def dense(group: NDArray[np.int64]) -> NDArray[np.int64]:
    """The same groups, numbered from 0."""
    return np.unique(group, return_inverse=True)[1].astype(np.int64)


def joint(parts: Sequence[NDArray[np.integer]]) -> NDArray[np.int64]:
    """Rows as one number each, from 0, equal where all parts are; these are -1 and more."""
    out = np.zeros(len(parts[0]), np.int64)
    for part in parts:
        out = dense(out * (int(part.max(initial=0)) + 2) + part + 1)
    return out


def ranks(group: NDArray[np.int64]) -> NDArray[np.int64]:
    """The rank of each row within its group."""
    order = np.argsort(group, kind="stable")
    ordered = group[order]
    out = np.empty(len(group), np.int64)
    out[order] = np.arange(len(group)) - np.searchsorted(ordered, ordered, side="left")
    return out


def entity_share(group: NDArray[np.int64]) -> NDArray[np.float64]:
    """1 / rows of each row's entity: a sum over rows is at most their distinct entities."""
    sizes = np.bincount(group)
    return 1.0 / sizes[group]


def known(index: NDArray[np.int64], group: NDArray[np.int64], size: int, k: int) -> Mask:
    """Which indices below ``size`` at least k groups have.

    Cost: one pass; only where rows are many and groups may be few, a sort of such rows.
    """
    rows = np.bincount(index, minlength=size)
    least = np.bincount(index, entity_share(group), size) if len(group) else np.zeros(size)
    found: Mask = least + 1e-9 >= k
    unsure = np.flatnonzero((rows >= k) & ~found)
    if len(unsure):
        some = np.isin(index, unsure)
        found |= distinct(index[some], group[some], size) >= k
    return found
