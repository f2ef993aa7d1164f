"""How much of one sample lies where most of another does.

Source: Alaa, van Breugel, Saveliev and van der Schaar (2022), "How faithful is your synthetic
data?", ICML, arXiv:2102.08921, sections 3 and 4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthlake.quality.neighbours import Floats, products

NEIGHBOURS = 5  # rows whose reach a row is found within
_BLOCK = 256  # rows at a time

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Supports:
    """The two curves of a candidate, each as one figure: 1 as the reference itself, 0 nothing.

    Attributes:
        precision: integrated alpha-precision, how the candidate's rows lie around the centre of
            the reference.
        recall: integrated beta-recall, how far rows of the reference are within the candidate.
        covered: share of the reference's rows that have a candidate's row within their reach.
    """

    precision: float
    recall: float
    covered: float


def supports(real: Floats, other: Floats) -> Supports:
    """Alpha-precision and beta-recall of points; shapes (rows, axes), at least two rows each.

    The part alpha of a sample is what lies within a distance of its mean, and is counted, not
    taken as alpha: where many rows are equally far, no distance holds just alpha of them. So a
    sample is exactly as good as itself.

    Cost: (rows of both)**2 * axes multiplications.
    """
    precision = _integrated(_distances(real, real), _distances(other, real))
    reach = _reach(real)
    place, gap = matched(real, other)
    far = _distances(other, other)
    inside = gap <= reach
    # rows out of reach are in no part of the candidate
    found = np.where(inside, far[place], np.inf)
    return Supports(precision, _integrated(far, found), float(inside.mean()))


def _distances(points: Floats, sample: Floats) -> Doubles:
    """Of points to the mean of a sample."""
    centre = sample.mean(axis=0, dtype=np.float64)
    return np.asarray(np.sqrt(((points - centre) ** 2).sum(axis=1)), np.float64)


def _integrated(mine: Doubles, others: Doubles) -> float:
    """1 - 2 * integral of the difference of the two shares over the part alpha of ``mine``."""
    levels, counts = np.unique(mine, return_counts=True)
    part = np.cumsum(counts) / len(mine)
    share = np.searchsorted(np.sort(others), levels, side="right") / len(others)
    weight = counts / len(mine)
    return max(0.0, float(1 - 2 * np.sum(np.abs(share - part) * weight)))


def _reach(points: Floats) -> Doubles:
    """Distance of each row to the fifth nearest other row."""
    norms = np.einsum("ij,ij->i", points, points, dtype=np.float64)
    count = min(NEIGHBOURS, len(points) - 1)
    out = np.zeros(len(points))
    for start in range(0, len(points), _BLOCK):
        block = points[start : start + _BLOCK]
        gaps = norms[start : start + len(block), None] + norms - 2.0 * products(block, points)
        gaps[np.arange(len(block)), start + np.arange(len(block))] = np.inf
        near = np.argpartition(gaps, count - 1, axis=1)[:, :count]
        exact = np.sqrt(((block[:, None] - points[near]) ** 2).sum(axis=2, dtype=np.float64))
        out[start : start + len(block)] = exact.max(axis=1)
    return out


def matched(queries: Floats, among: Floats) -> tuple[NDArray[np.int64], Doubles]:
    """Number of the nearest row and its distance; exactly 0 where an equal row is there."""
    norms = np.einsum("ij,ij->i", among, among)
    place = np.zeros(len(queries), np.int64)
    gap = np.zeros(len(queries))
    for start in range(0, len(queries), _BLOCK):
        block = queries[start : start + _BLOCK]
        best = (norms - 2 * products(block, among)).argmin(axis=1)
        exact = ((block - among[best]) ** 2).sum(axis=1, dtype=np.float64)
        place[start : start + len(block)], gap[start : start + len(block)] = best, np.sqrt(exact)
    # the expansion above loses digits where points nearly meet: equal rows are found as such
    known = {row.tobytes(): number for number, row in enumerate(among)}
    for number, row in enumerate(queries):
        equal = known.get(row.tobytes())
        if equal is not None:
            place[number], gap[number] = equal, 0.0
    return place, gap
