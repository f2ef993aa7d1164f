"""Latent classes of rows: within a class, columns go their own way. Fitted by EM."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthlake.models.support import distinct

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

_ROUNDS = 60  # of EM
_ENOUGH = 1e-4  # gain of a round, in nats a row, below which it ends
_PRIOR = 1.0  # rows that the marginal adds to each class
_UNSEEN = 0.15  # share of rows that choose the number of classes
_NUMBERS = (2, 4, 8, 16, 32, 64, 128)
_CHUNK = 20_000


@dataclass(frozen=True)
class Binned:
    """Rows as bins of columns.

    Attributes:
        bins: shape (columns, rows), counted through all columns; -1 where nothing is known.
        start: shape (columns + 1,), the first bin of each column.
        share: shape (bins,), of each bin in its column.
    """

    bins: Index
    start: Index
    share: Floats

    @classmethod
    def of(cls, bins: Sequence[Index], shares: Sequence[Floats]) -> Binned:
        """Columns side by side; bins count from 0 in each, -1 is unknown."""
        start = np.concatenate([[0], np.cumsum([len(s) for s in shares])]).astype(np.int64)
        held = np.stack([np.where(b < 0, -1, b + at) for b, at in zip(bins, start, strict=False)])
        return cls(held, start, np.concatenate(shares))

    def rows(self, some: Index) -> Binned:
        """Some rows."""
        return Binned(self.bins[:, some], self.start, self.share)

    @property
    def matrix(self) -> Any:
        """One row a row, 1 in the bin of each column that is known; sparse."""
        from scipy.sparse import csr_array

        rows = self.bins.shape[1]
        known = (self.bins >= 0).T
        ends = np.concatenate([[0], np.cumsum(known.sum(1))])
        held = self.bins.T[known]
        return csr_array((np.ones(len(held)), held, ends), shape=(rows, len(self.share)))


@dataclass(frozen=True)
class Classes:
    """Shape (classes,) and (classes, bins): logarithms of their shares."""

    prior: Floats
    bins: Floats

    def log(self, matrix: Any) -> Floats:
        """Logarithms of a row's share in each class, shape (rows, classes)."""
        made: Floats = matrix @ self.bins.T + self.prior
        return made


def fit_classes(data: Binned, classes: int | None, most: int, seed: int) -> Classes:
    """Classes by EM from a seeded start; their number by rows that EM has not seen.

    Args:
        data: rows.
        classes: how many; None to choose.
        most: that there are enough rows for.
        seed: of the start and of the choice of rows.

    Source: Dempster, Laird and Rubin (1977); latent class analysis (Lazarsfeld and Henry 1968).
    Cost: O(rows x columns x classes) a round.
    """
    random = np.random.Generator(np.random.Philox(key=seed))
    rows = data.bins.shape[1]
    if classes is not None:
        return _em(data, min(classes, most), random)
    order = random.permutation(rows)
    held = max(int(rows * _UNSEEN), 1)
    learned, unseen = data.rows(np.sort(order[held:])), data.rows(np.sort(order[:held])).matrix
    best = _em(learned, 1, random)
    score, worse = float(_sum(best.log(unseen)).mean()), 0
    for number in (n for n in _NUMBERS if n <= most):
        made = _em(learned, number, random)
        found = float(_sum(made.log(unseen)).mean())
        worse = 0 if found > score else worse + 1
        if found > score:
            best, score = made, found
        if worse == 2:
            break
    return best


def _em(data: Binned, number: int, random: np.random.Generator) -> Classes:
    """Classes from a random start."""
    matrix, rows = data.matrix, data.bins.shape[1]
    found = _start(data, number, random)
    before = -np.inf
    for _ in range(_ROUNDS if number > 1 else 1):
        logs = found.log(matrix)
        whole = _sum(logs)
        weight = np.exp(logs - whole[:, None])
        found = _classes(data, matrix.T @ weight, weight.sum(0))
        now = float(whole.mean()) if rows else 0.0
        if now - before < _ENOUGH:
            break
        before = now
    return found


def _start(data: Binned, number: int, random: np.random.Generator) -> Classes:
    """Classes around some rows, each halfway between the row and the whole."""
    rows = data.bins.shape[1]
    held = np.tile(data.share, (number, 1))
    if number > 1:
        for place, row in enumerate(random.choice(rows, number, replace=rows < number)):
            bins = data.bins[:, row]
            held[place] /= 2
            held[place, bins[bins >= 0]] += 0.5
    return Classes(np.full(number, -np.log(number)), np.log(np.maximum(held, 1e-12)))


def _classes(data: Binned, counts: Floats, sizes: Floats) -> Classes:
    """Classes from weighted counts, shape (bins, classes)."""
    held = counts.T + _PRIOR * data.share
    total = np.add.reduceat(held, data.start[:-1], axis=1)
    width = np.diff(data.start)
    share = held / np.repeat(np.maximum(total, 1e-300), width, axis=1)
    prior = (sizes + 1e-9) / (sizes + 1e-9).sum()
    return Classes(np.log(prior), np.log(np.maximum(share, 1e-12)))


def _sum(logs: Floats) -> Floats:
    """Logarithm of the sum over classes."""
    most = logs.max(axis=1)
    total: Floats = most + np.log(np.exp(logs - most[:, None]).sum(axis=1))
    return total


def assign(data: Binned, classes: Classes, group: Index, k: int, seed: int) -> Index:
    """A class for each row, drawn by how likely each is; classes of fewer than k entities go.

    Returns: shape (rows,), classes numbered from 0 without gaps.
    """
    random = np.random.Generator(np.random.Philox(key=seed + 1))
    rows = data.bins.shape[1]
    unit = np.asarray(random.random(rows), np.float64)
    parts = [np.arange(at, min(at + _CHUNK, rows)) for at in range(0, rows, _CHUNK)]
    kept = np.arange(len(classes.prior))
    while True:
        some = Classes(classes.prior[kept], classes.bins[kept])
        found = np.concatenate([_drawn(data.rows(part), some, unit[part]) for part in parts])
        weak = distinct(found, group, len(kept)) < k
        if len(kept) == 1 or not weak.any():
            return found
        kept = kept[~weak] if not weak.all() else kept[:1]


def _drawn(data: Binned, classes: Classes, unit: Floats) -> Index:
    """The class of each row, by a number in [0, 1)."""
    logs = classes.log(data.matrix)
    share = np.cumsum(np.exp(logs - _sum(logs)[:, None]), axis=1)
    found: Index = np.minimum((share < unit[:, None]).sum(1), len(classes.prior) - 1)
    return found
