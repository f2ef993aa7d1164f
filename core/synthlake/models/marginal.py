"""One column on its own: how often each code is drawn, none of fewer than k entities."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synthlake.models.support import distinct, entity_share
from synthlake.ports import Feature

Floats = NDArray[np.float64]
Index = NDArray[np.int64]


def shares(column: Feature, group: Index, k: int) -> Floats:
    """Shares of NULL and of each code, shape (size + 1,); their sum is 1.

    Args:
        column: of the table; an UNKNOWN code counts as no NULL and otherwise as unseen.
        group: entity of each row, numbered from 0.
        k: least entities.

    Privacy: a category of fewer than k entities has no share, and neither has NULL. Neighbouring
    codes of an ordered column that have fewer are taken together until they have k, and what they
    share is spread evenly over them. Where nothing has k entities, all is NULL.
    """
    known = column.codes >= 0
    codes, people = column.codes[known], group[known]
    rows = np.bincount(codes, minlength=column.size).astype(np.float64)
    alone = distinct(codes.astype(np.int64), people, column.size) >= k
    weight = np.where(alone, rows, 0.0)
    if column.ordered and len(codes):
        light = ~alone[codes]
        weight += _spread(codes[light], people[light], rows, alone, k)
    gone = column.codes == -1
    nulls = float(gone.sum()) if len(np.unique(group[gone])) >= k else 0.0
    total = weight.sum()
    if total <= 0:
        return np.append(1.0, np.zeros(column.size))
    null = nulls / len(column.codes)
    return np.append(null, weight / total * (1.0 - null))


def _spread(
    codes: NDArray[np.int32], group: Index, rows: Floats, alone: NDArray[np.bool_], k: int
) -> Floats:
    """Rows of codes without k entities of their own, taken together and spread evenly."""
    out = np.zeros(len(rows))
    if len(np.unique(group)) < k:
        return out
    # sums of 1 / rows of each entity are at most the entities behind them
    people = np.bincount(codes, entity_share(group), len(rows)).astype(np.float64)
    window = windows(np.flatnonzero(people > 0), people, k)
    for start, stop in window:
        at = np.flatnonzero(~alone[start:stop] & (people[start:stop] > 0)) + start
        out[at] = rows[at].sum() / len(at)
    return out


def windows(codes: Index, people: Floats, k: int) -> list[tuple[int, int]]:
    """Ranges of codes with ``people`` of k or more each, the last one with what is left over."""
    found: list[tuple[int, int]] = []
    start, sum_of = -1, 0.0
    for code in codes:
        start = int(code) if start < 0 else start
        sum_of += float(people[code])
        if sum_of >= k - 1e-9:
            found.append((start, int(code) + 1))
            start, sum_of = -1, 0.0
    if start >= 0:
        first = found.pop()[0] if found else start
        found.append((first, int(codes[-1]) + 1))
    return found


def coarse(share: Floats, most: int, ordered: bool) -> Index:
    """A bin for NULL and each code, shape (size + 1,), at most ``most`` and one of NULL.

    Bins of an ordered column hold about equal shares, and a code with more has one of its own; of
    categories the most frequent ones have one each, and all others the last.
    """
    size = len(share) - 1
    if size <= most:
        return np.arange(size + 1)
    out = np.zeros(size + 1, np.int64)
    if not ordered:
        top = np.argsort(-share[1:], kind="stable")[: most - 1]
        out[1:] = most
        out[1 + np.sort(top)] = np.arange(1, len(top) + 1)
        return out
    large = share[1:] >= 1.0 / most
    rest = np.where(large, 0.0, share[1:])
    wanted = max(most - 2 * int(large.sum()), 1)
    step = np.floor((np.cumsum(rest) - rest) / max(rest.sum(), 1e-300) * wanted)
    fresh = np.append(True, (step[1:] != step[:-1]) | large[1:] | large[:-1])
    out[1:] = np.cumsum(fresh)
    return out
