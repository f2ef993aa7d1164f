"""Codes of parents: groups that are alike in their own columns and in their children's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from synthlake.models.embed import principal
from synthlake.models.growth import Growth, grow
from synthlake.ports import Feature

_OUTPUTS = 8
_WIDEST = 128  # codes of a child's category that are told apart
_BINS = 64

Children = tuple[Mapping[str, Feature], NDArray[np.int64]]


def cluster(
    parents: Mapping[str, Feature], children: Sequence[Children], rows: int, least: int
) -> tuple[NDArray[np.int32], int]:
    """A code for each parent row.

    Args:
        parents: features of the parents.
        children: one a foreign key that refers to them: features of the children, and the row of
            each child's parent, -1 for none.
        rows: number of parents.
        least: least parents of a code.

    Returns:
        Codes, shape (rows,), and their number.

    Privacy: a code has ``least`` parents or more; nothing else of the grouping is kept.
    """
    if rows < 2 * least:
        return np.zeros(rows, np.int32), 1
    blocks = _own(parents)
    for features_of, parent_of in children:
        blocks += _of_children(features_of, parent_of, rows)
    if not blocks:
        return np.zeros(rows, np.int32), 1
    joined = np.hstack(blocks)
    joined = joined - joined.mean(0)
    scores = np.ascontiguousarray(principal(joined, _OUTPUTS).T)
    features = np.stack([_ranked(s) for s in scores])
    tree, node = grow(features, scores, None, Growth(least, float(least), 12, 1e-6))
    leaves = np.flatnonzero(tree.feature < 0)
    return np.searchsorted(leaves, node).astype(np.int32), len(leaves)


def _own(parents: Mapping[str, Feature]) -> list[NDArray[np.float64]]:
    """Columns of the parents: ranks, or indicators of the more frequent categories."""
    return [_column(feature) * 0.7 for feature in parents.values()]


def _column(feature: Feature) -> NDArray[np.float64]:
    if feature.ordered:
        rank = _ranked(feature.codes.astype(float)) / _BINS
        scaled: NDArray[np.float64] = (rank - rank.mean()) / max(float(rank.std()), 1e-9)
        return scaled[:, None]
    index = np.clip(feature.codes + 1, 0, None)
    counts = np.bincount(index)
    top = np.argsort(-counts, kind="stable")[:16]
    shown: NDArray[np.float64] = (index[:, None] == top[None, :]).astype(float)
    return shown


def _of_children(
    children: Mapping[str, Feature], parent_of: NDArray[np.int64], rows: int
) -> list[NDArray[np.float64]]:
    """Number of children, shares of their categories and means of their ranks."""
    known = parent_of >= 0
    owner = parent_of[known]
    size = np.bincount(owner, minlength=rows)
    degree = _ranked(size.astype(float)) / _BINS
    blocks = [((degree - degree.mean()) / max(float(degree.std()), 1e-9))[:, None] * 0.5]
    for feature in children.values():
        codes = feature.codes[known]
        if feature.ordered:
            value = np.searchsorted(np.sort(codes), codes) / max(len(codes), 1)
            mean = np.bincount(owner, value, rows) / np.maximum(size, 1)
            mean = np.where(size > 0, mean, value.mean() if len(value) else 0.0)
            blocks.append(((mean - mean.mean()) / max(float(mean.std()), 1e-9))[:, None] * 0.5)
        elif feature.size <= _WIDEST:
            width = feature.size + 1
            index = owner * width + np.clip(codes + 1, 0, None)
            share = np.bincount(index, minlength=rows * width).reshape(rows, width)
            blocks.append(3.0 * share / np.maximum(size, 1)[:, None])
    return blocks


def _ranked(values: NDArray[np.float64]) -> NDArray[np.int32]:
    """Ranks in ``_BINS`` bins; equal values share one."""
    order = np.sort(values)
    place = np.searchsorted(order, values) * _BINS // max(len(values), 1)
    return place.astype(np.int32)
