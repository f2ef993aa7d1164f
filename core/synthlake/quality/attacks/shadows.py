"""The membership attack by shadow models: what twins with a record look like, and twins without.

A feature is what a twin shows near a target. Each is told in standard deviations from what it is
for this target in other twins, so that all targets are alike, and one logistic regression learns
from all of them which features members have.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthlake.quality.attacks import curves
from synthlake.quality.attacks.curves import Ranked
from synthlake.quality.attacks.epsilon import cross_fitted
from synthlake.quality.logistic import probability
from synthlake.seed import Seed

FOLDS = 4
MIN_SHADOWS = 8
_RIDGE = 1.0
_STEPS = 25
_FAR = 10.0  # standard deviations
_NOISE = 0.05  # an advantage within it of the interval is no finding, as for the gates of attacks

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Observed:
    """What all twins show of all targets.

    Attributes:
        features: shape (twins, targets, features); NaN where there is nothing to see.
        groups: the class of each feature, shape (features,): those of a class are averaged.
        floors: least standard deviation of each feature, shape (features,).
        member: who was learned from, shape (twins, targets).
    """

    features: Floats
    groups: NDArray[np.int64]
    floors: Floats
    member: Flags


def scored(observed: Observed) -> Floats:
    """How much each target looks like a member in each twin; shape (twins, targets).

    Fourfold: means, deviations and regression of a quarter of the twins come from the others.

    Source: Stadler, Oprisanu and Troncoso (2022), "Synthetic data - anonymisation groundhog day",
    USENIX Security, arXiv:2011.07018 (shadow models of generators); Carlini et al. (2022),
    arXiv:2112.03570 (every shadow serves all targets; scores in units of each target).
    """
    twins = len(observed.features)
    fold = np.arange(twins) % FOLDS
    out = np.zeros(observed.member.shape)
    for number in range(FOLDS):
        train, test = fold != number, fold == number
        axes = _standardised(observed, train)
        flat = axes[train].reshape(-1, axes.shape[2])
        beta = _ridge(flat, observed.member[train].ravel())
        rows = axes[test].reshape(-1, axes.shape[2])
        out[test] = (_with_one(rows) @ beta).reshape(-1, out.shape[1])
    return out


def _standardised(observed: Observed, train: Flags) -> Floats:
    """Classes of features in standard deviations of each target; (twins, targets, classes)."""
    known = observed.features[train]
    there = np.isfinite(known).all(axis=0)
    middle = np.where(there, known.mean(axis=0), 0.0)
    spread = np.where(there, known.std(axis=0, ddof=1), 1.0)
    scale = np.maximum(spread, observed.floors)
    gap = np.where(there, (observed.features - middle) / scale, 0.0)
    gap = np.nan_to_num(gap).clip(-_FAR, _FAR)
    classes = np.unique(observed.groups)
    merged = [
        gap[:, :, observed.groups == c].sum(axis=2) / np.sqrt((observed.groups == c).sum())
        for c in classes
    ]
    return np.stack(merged, axis=2)


def _with_one(axes: Floats) -> Floats:
    return np.concatenate([np.ones((len(axes), 1)), axes], axis=1)


def _ridge(axes: Floats, label: Flags) -> Floats:
    """Coefficients of a logistic regression with a ridge, intercept first.

    Source: le Cessie and van Houwelingen (1992), doi:10.2307/2347628.
    """
    matrix = _with_one(axes)
    penalty = np.diag([0.0, *[_RIDGE] * axes.shape[1]])
    beta = np.zeros(matrix.shape[1])
    for _ in range(_STEPS):
        chance = probability(matrix, beta)
        weight = np.maximum(chance * (1 - chance), 1e-10)
        curved = matrix.T @ (matrix * weight[:, None]) + penalty
        step = np.linalg.solve(curved, matrix.T @ (label - chance) - penalty @ beta)
        beta = beta + step
        if np.abs(step).max() < 1e-9:
            break
    return beta


@dataclass(frozen=True)
class Figures:
    """How well an attack tells members from others, over all targets and twins.

    Attributes:
        auc: area under the ROC curve, with its 95 % interval (twins are drawn again).
        rates: by rate of false positives: share of members told, with its interval.
        epsilon: lower bound of epsilon, at 95 %.
        trials: members and others that were guessed.
        scores: of each twin and target.
    """

    auc: tuple[float, float, float]
    rates: dict[float, tuple[float, float, float]]
    epsilon: float
    trials: tuple[int, int]
    scores: Floats

    @property
    def flagged(self) -> bool:
        """Whether members can be told: an advantage (2 AUC - 1) beyond noise and 0.05."""
        return 2 * self.auc[1] - 1 > _NOISE

    def to_json(self) -> dict[str, Any]:
        """As it is stored."""
        return {
            "auc": self.auc[0], "auc_interval": list(self.auc[1:]),
            "tpr": {f"{at:g}": {"value": v[0], "interval": list(v[1:])}
                    for at, v in self.rates.items()},
            "epsilon_lower_bound": self.epsilon,
            "trials": {"members": self.trials[0], "others": self.trials[1]},
            "flagged": self.flagged,
        }  # fmt: skip


FALSE_POSITIVES = (0.01, 0.1)


def figures(observed: Observed, seed: Seed, delta: float = 0.0) -> Figures:
    """What the attack reaches, twins being the independent tries.

    Args:
        observed: at least ``MIN_SHADOWS`` twins.
        seed: of the bootstrap.
        delta: of the privacy that is claimed.
    """
    scores = scored(observed)
    owners = np.repeat(np.arange(len(scores)), scores.shape[1])
    told = Ranked(scores.ravel(), observed.member.ravel(), owners)

    def spread(figure: curves.Figure) -> tuple[float, float, float]:
        value = figure(told, np.ones(len(owners)))
        low, high = curves.interval(told, figure, seed)
        return value, min(low, value), max(high, value)

    members = int(told.member.sum())
    return Figures(
        spread(curves.area),
        {at: spread(_rate_at(at)) for at in FALSE_POSITIVES},
        cross_fitted(told.scores, told.member, owners, delta),
        (members, len(owners) - members),
        scores,
    )


def _rate_at(share: float) -> curves.Figure:
    """Share of members above the score that at most this share of the others is above."""

    def figure(scored: Ranked, weights: Floats) -> float:
        return curves.true_positives(scored, weights, share)

    return figure


def shuffled(member: Flags, seed: Seed) -> Flags:
    """Who was learned from, exchanged among the twins: what no attack can tell."""
    out = member.copy()
    random = np.random.Generator(np.random.Philox(key=seed.key("attacks", "shuffled")))
    for target in range(member.shape[1]):
        out[:, target] = member[random.permutation(len(member)), target]
    return out
