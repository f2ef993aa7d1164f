"""Columns as cuts of a standard normal number, and how these numbers go together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from synthlake.models.marginal import coarse, shares
from synthlake.ports import Codes, Feature

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

_TERMS = 24  # of the Hermite series
_HALVINGS = 24
_MOST = 0.999  # of a correlation
_LEAST_STRENGTH = 0.02  # of a direction of the correlation matrix
_BINS = 16  # of a column that categories are ordered by
_END = 12.0  # stands for infinity


@dataclass(frozen=True)
class Cuts:
    """A column as ranges of a standard normal number.

    Attributes:
        codes: shape (cells,), the code of each range, from the lowest; -1 is NULL.
        edges: shape (cells - 1,), where one range ends and the next begins.

    Privacy: every cell has k entities or more, or is part of neighbours that have.
    """

    codes: Codes
    edges: Floats

    @classmethod
    def of(cls, share: Floats, order: Index) -> Cuts:
        """Cells of codes with a share; ``order`` has positions of NULL and codes, from below."""
        held = order[share[order] > 0]
        before = np.cumsum(share[held])[:-1]
        edges = [NormalDist().inv_cdf(min(max(float(at), 1e-12), 1 - 1e-12)) for at in before]
        return cls((held - 1).astype(np.int32), np.array(edges, np.float64))

    def code(self, number: Floats) -> Codes:
        """The code of each number."""
        if not len(self.edges):
            return np.full(len(number), self.codes[0], np.int32)
        found: Codes = self.codes[np.searchsorted(self.edges, number)]
        return found

    def bounds(self, codes: Codes) -> tuple[Floats, Floats]:
        """Where the range of each code begins and ends; everywhere for a code without one."""
        size = int(max(self.codes.max(initial=-1), codes.max(initial=-1))) + 1
        low, high = np.full(size + 2, -_END), np.full(size + 2, _END)
        low[self.codes[1:] + 2] = self.edges
        high[self.codes[:-1] + 2] = self.edges
        place = np.maximum(codes, -2) + 2
        return low[place], high[place]

    @property
    def scores(self) -> Floats:
        """The mean number of each cell."""
        low, high = self._ends
        return (_density(low) - _density(high)) / np.maximum(_mass(low, high), 1e-300)

    @property
    def waves(self) -> Floats:
        """Coefficients of the scores by Hermite polynomials 1, 2, ..., shape (terms,)."""
        (low, high), scores = self._ends, self.scores
        return np.array([
            float((scores * (a - b)).sum())
            for a, b in zip(_hermite(low), _hermite(high), strict=True)
        ])  # fmt: skip

    @property
    def _ends(self) -> tuple[Floats, Floats]:
        return np.append(-_END, self.edges), np.append(self.edges, _END)


def _density(number: Floats) -> Floats:
    return np.array([NormalDist().pdf(float(x)) for x in number])


def _mass(low: Floats, high: Floats) -> Floats:
    cdf = NormalDist().cdf
    return np.array([cdf(float(b)) - cdf(float(a)) for a, b in zip(low, high, strict=True)])


def _hermite(number: Floats) -> list[Floats]:
    """He_{n-1}(x) pdf(x) / sqrt(n!) for n = 1, 2, ...; its differences integrate He_n."""
    before, now = np.zeros(len(number)), _density(number)
    found = []
    for n in range(1, _TERMS + 1):
        # the recurrence x He_n - n He_{n-1}, divided by sqrt(n!) on the way
        now = now / np.sqrt(n)
        before = before / np.sqrt(n)
        found.append(now)
        before, now = now, number * now - (n - 1) * before
    return found


def cut(column: Feature, others: Sequence[Feature], rows: tuple[Index, Index], k: int) -> Cuts:
    """The ranges of a column; categories in the order in which other columns tell them apart.

    Args:
        column: all rows.
        others: columns that categories are ordered by, some rows.
        rows: the entity of each row, and which are the some.
        k: least entities.

    Privacy: see ``marginal.shares``.
    """
    group, some = rows
    share = shares(column, group, k)
    part = replace(column, codes=column.codes[some])
    return Cuts.of(share, _order(part, share, others))


def _order(column: Feature, share: Floats, others: Sequence[Feature]) -> Index:
    """Positions of NULL and all codes; NULL of numbers lies at the end that is more like it."""
    size = column.size + 1
    place = column.codes + 1
    if not column.ordered:
        axis = _axis(place, share, others)
        return np.lexsort((np.arange(size), axis))
    if share[0] > 0 and share[0] < 1:
        middle = np.searchsorted(np.cumsum(share[1:]), share[1:].sum() / 2) + 1
        half = np.where(place == 0, 0, np.where(place <= middle, 1, 2))
        parts = np.array([share[0], share[1 : middle + 1].sum(), share[middle + 1 :].sum()])
        axis = _axis(np.where(column.codes < -1, -1, half), parts, others)
        if abs(axis[0] - axis[2]) < abs(axis[0] - axis[1]):
            return np.append(np.arange(1, size), 0)
    return np.arange(size)


def _axis(place: NDArray[np.integer], share: Floats, others: Sequence[Feature]) -> Floats:
    """Coordinates of categories on the first axis of correspondence analysis.

    Source: Greenacre (1984), sec. 4.1, of the stacked contingency tables.
    """
    size = len(share)
    there = (place >= 0) & (share[np.maximum(place, 0)] > 0)
    index = place[there].astype(np.int64)
    counts = np.maximum(np.bincount(index, minlength=size), 1).astype(np.float64)
    blocks = []
    for other in others:
        spot, width = _binned(other)
        table = np.bincount(index * width + spot[there], minlength=size * width)
        table = table.reshape(size, width).astype(np.float64)
        expected = np.maximum(table.sum(0) / max(len(index), 1), 1e-9)
        blocks.append((table / counts[:, None] - expected) / np.sqrt(expected))
    if not blocks or not len(index):
        return np.arange(size, dtype=np.float64)
    joined = np.hstack(blocks) * np.sqrt(share)[:, None]
    right = np.linalg.eigh(joined.T @ joined)[1][:, -1]
    right = right * (1.0 if right[np.argmax(np.abs(right))] > 0 else -1.0)
    axis: Floats = np.where(share > 0, joined @ right / np.sqrt(np.maximum(share, 1e-300)), np.inf)
    return np.round(axis, 9)


def _binned(other: Feature) -> tuple[Index, int]:
    """Few bins of a column, one for NULL and one for UNKNOWN, and how many there are."""
    counts = np.bincount(other.codes[other.codes >= -1] + 1, minlength=other.size + 1)
    place = coarse(counts / max(counts.sum(), 1), _BINS, other.ordered)
    width = int(place.max(initial=0)) + 2
    return np.append(width - 1, place)[other.codes + 2], width


def correlations(cuts: Sequence[Cuts], columns: Sequence[Codes]) -> Floats:
    """Correlations of the numbers behind columns, shape (columns, columns).

    The correlation for which the product of two columns' scores has the mean that it has: exact
    for numbers as for columns of two values, where it is the tetrachoric one.

    Source: Mehler's formula; Pearson (1900).
    Privacy: sums over all rows.
    Cost: O(rows x columns^2).
    """
    if not len(cuts):
        return np.zeros((0, 0))
    held = np.stack([_scored(c, codes) for c, codes in zip(cuts, columns, strict=True)])
    means = held @ held.T / max(held.shape[1], 1)
    waves = np.stack([c.waves for c in cuts])
    low, high = np.full(means.shape, -_MOST), np.full(means.shape, _MOST)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        above = _series(waves, middle) > means
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    found = (low + high) / 2
    flat = np.abs(waves[:, 0]) < 1e-9  # a column of one value goes with nothing
    found[flat, :] = found[:, flat] = 0.0
    return positive(found)


def _scored(cuts: Cuts, codes: Codes) -> Floats:
    """Scores of a column's rows; 0 where a code has none, as for the mean of all."""
    size = int(max(cuts.codes.max(initial=-1), codes.max(initial=-1))) + 1
    score = np.zeros(size + 2)
    score[cuts.codes + 2] = cuts.scores
    found = score[np.maximum(codes, -2) + 2]
    centred: Floats = found - found.mean() if len(found) else found
    return centred


def _series(waves: Floats, rho: Floats) -> Floats:
    """Means of the products of scores for correlations, shape as ``rho``."""
    total = np.zeros(rho.shape)
    for n in reversed(range(waves.shape[1])):
        total = rho * (np.outer(waves[:, n], waves[:, n]) + total)
    return total


def positive(matrix: Floats) -> Floats:
    """The nearest correlation matrix with no direction of no strength, by clipping."""
    held = (matrix + matrix.T) / 2
    np.fill_diagonal(held, 1.0)
    strength, axes = np.linalg.eigh(held)
    made = (axes * np.maximum(strength, _LEAST_STRENGTH)) @ axes.T
    scale = 1.0 / np.sqrt(np.diag(made))
    scaled: Floats = made * np.outer(scale, scale)
    return scaled
