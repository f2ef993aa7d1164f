"""Logistic regression by Newton's method: small, exact, the same on every machine to rounding."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synthlake.quality.marginal import MOST
from synthlake.quality.sample import Column, Frame

_STEPS = 30
_FAR = 30.0  # logits beyond are as good as certain
_CATEGORIES = 20
_CLIP = 10.0  # standard deviations

Floats = NDArray[np.float64]


def design(frames: tuple[Frame, Frame]) -> tuple[Floats, Floats]:
    """Columns of two samples as numbers: shapes (rows, axes), without an intercept.

    Numbers in standard deviations of the first sample, NULL at their mean and in a column of its
    own; categories by the twenty most frequent of the first, the first of them left out.
    """
    sides: tuple[list[Floats], list[Floats]] = ([], [])
    for name in frames[0]:
        if not name.startswith("__"):
            pair = _numbers if frames[0][name].dtype != object else _dummies
            for held, axes in zip(sides, pair(frames[0][name], frames[1][name]), strict=True):
                held.append(axes)
    made = [
        np.concatenate(s, axis=1) if s else np.zeros((_size(f), 0))
        for s, f in zip(sides, frames, strict=True)
    ]
    # an axis without spread in either sample says nothing
    both = np.concatenate(made)
    used = np.ptp(both, axis=0) > 0 if len(both) else np.zeros(both.shape[1], bool)
    return made[0][:, used], made[1][:, used]


def _size(frame: Frame) -> int:
    return len(next(iter(frame.values()))) if frame else 0


def _numbers(one: Column, other: Column) -> tuple[Floats, Floats]:
    numbers = [c.astype(np.float64) for c in (one, other)]
    known = numbers[0][np.isfinite(numbers[0])].clip(-MOST, MOST)
    middle, spread = (float(known.mean()), float(known.std())) if len(known) else (0.0, 0.0)
    out = []
    for column in numbers:
        null = ~np.isfinite(column)
        scaled = ((column.clip(-MOST, MOST) - middle) / (spread or 1.0)).clip(-_CLIP, _CLIP)
        out.append(np.stack([np.where(null, 0.0, scaled), null.astype(np.float64)], axis=1))
    return out[0], out[1]


def _dummies(one: Column, other: Column) -> tuple[Floats, Floats]:
    texts = [np.array([str(v) for v in c], dtype=str) for c in (one, other)]
    found, counts = np.unique(texts[0], return_counts=True)
    known = found[np.argsort(-counts, kind="stable")[: _CATEGORIES + 1]]
    out = [(t[:, None] == known[None, 1:]).astype(np.float64) for t in texts]
    # what is in neither reference nor list is a category as well
    rest = [(~np.isin(t, known)).astype(np.float64)[:, None] for t in texts]
    return np.concatenate([out[0], rest[0]], axis=1), np.concatenate([out[1], rest[1]], axis=1)


def rank(axes: Floats) -> int:
    """Parameters of a model of these axes, the intercept not counted."""
    if not axes.size:
        return 0
    return int(np.linalg.matrix_rank(axes - axes.mean(axis=0)))


def fit(axes: Floats, label: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Coefficients, intercept first, and their covariance; shapes (p + 1,), (p + 1, p + 1).

    Source: McCullagh and Nelder (1989), Generalized Linear Models, section 4.4 (scoring).
    """
    matrix = np.concatenate([np.ones((len(axes), 1)), axes], axis=1)
    share = min(max(float(label.mean()), 1e-9), 1 - 1e-9)
    beta = np.zeros(matrix.shape[1])
    beta[0] = np.log(share / (1 - share))
    inverse = np.zeros((len(beta), len(beta)))
    for _ in range(_STEPS):
        chance = probability(matrix, beta)
        weight = np.maximum(chance * (1 - chance), 1e-10)
        inverse = np.linalg.pinv(matrix.T @ (matrix * weight[:, None]), hermitian=True)
        step = inverse @ (matrix.T @ (label - chance))
        beta = beta + step
        if np.abs(step).max() < 1e-10:
            break
    return beta, inverse


def probability(matrix: Floats, beta: Floats) -> Floats:
    """Of a one, by rows of axes with their intercept; shape (rows,)."""
    return np.asarray(1 / (1 + np.exp(-(matrix @ beta).clip(-_FAR, _FAR))), np.float64)


def propensities(real: Floats, other: Floats) -> tuple[Floats, Floats]:
    """How likely each row is a row of ``other``, by what it holds; shapes (rows,)."""
    share = len(other) / (len(real) + len(other))
    if len(real) == len(other) and np.array_equal(real.sum(axis=0), other.sum(axis=0)):
        # equal sums: no direction gains anything, which rounding must not hide
        return np.full(len(real), share), np.full(len(other), share)
    axes = np.concatenate([real, other])
    label = np.repeat([False, True], (len(real), len(other)))
    beta = fit(axes, label)[0]
    matrix = np.concatenate([np.ones((len(axes), 1)), axes], axis=1)
    found = probability(matrix, beta)
    return found[: len(real)], found[len(real) :]
