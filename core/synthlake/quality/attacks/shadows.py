"""The membership attack by shadow models: what twins with a record look like, and twins without.

A feature is what a twin shows near a target. Each is told in standard deviations from what it is
for this target in other twins, so that all targets are alike, and one logistic regression learns
from all of them which features members have.
"""

from __future__ import annotations

import math
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
FALSE_POSITIVES = (0.01, 0.1)
MIN_SHADOWS = 8
_RIDGE = 1.0
_STEPS = 25
_FAR = 10.0  # standard deviations
_EXCHANGES = 199
_LEVEL = 0.025 / 2  # of either test (Bonferroni)
_MANY = 2  # times as many members as by chance
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
    return _told(_folded(observed), observed.member)


def _folded(observed: Observed) -> list[tuple[Flags, Floats]]:
    """Which twins a fold tests, and all twins' features in the units of the others."""
    fold: NDArray[np.int64] = np.arange(len(observed.features), dtype=np.int64) % FOLDS
    return [(fold == n, _standardised(observed, fold != n)) for n in range(FOLDS)]


def _told(folded: list[tuple[Flags, Floats]], member: Flags) -> Floats:
    out = np.zeros(member.shape)
    for test, axes in folded:
        flat = axes[~test].reshape(-1, axes.shape[2])
        beta = _ridge(flat, member[~test].ravel())
        rows = axes[test].reshape(-1, axes.shape[2])
        # no intercept: it tells how many members the others have, so how few the tested ones have
        out[test] = (rows @ beta[1:]).reshape(-1, member.shape[1])
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
        p: how often chance does as well: that of a permutation test of the AUC.
        p_told: the same of the members told at 1 % false alarms.
        trials: members and others that were guessed.
        scores: of each twin and target.
    """

    auc: tuple[float, float, float]
    rates: dict[float, tuple[float, float, float]]
    epsilon: float
    p: float
    p_told: float
    trials: tuple[int, int]
    scores: Floats

    @property
    def flagged(self) -> bool:
        """Whether members can be told: all of them a little, or a few for sure.

        Either better than chance, by 0.05 beyond noise (2 AUC - 1); or surely more than twice as
        many at 1 % false alarms as by chance, which is what a few copies are found by.
        """
        told = self.rates[FALSE_POSITIVES[0]][1]
        return (self.p <= _LEVEL and 2 * self.auc[1] - 1 > _NOISE) or (
            self.p_told <= _LEVEL and told > _MANY * FALSE_POSITIVES[0]
        )

    def to_json(self) -> dict[str, Any]:
        """As it is stored."""
        return {
            "auc": self.auc[0], "auc_interval": list(self.auc[1:]),
            "tpr": {f"{at:g}": {"value": v[0], "interval": list(v[1:])}
                    for at, v in self.rates.items()},
            "epsilon_lower_bound": self.epsilon, "p_value": self.p,
            "p_value_tpr": self.p_told,
            "trials": {"members": self.trials[0], "others": self.trials[1]},
            "flagged": self.flagged,
        }  # fmt: skip


def figures(observed: Observed, chance: Chance, seed: Seed, delta: float = 0.0) -> Figures:
    """What the attack reaches, twins being the independent tries.

    Intervals are bootstraps of the twins, widened as few of them need it (Student's t).

    Args:
        observed: at least ``MIN_SHADOWS`` twins.
        chance: what exchanged members reach.
        seed: of the bootstrap.
        delta: of the privacy that is claimed.
    """
    scores = scored(observed)
    owners = np.repeat(np.arange(len(scores)), scores.shape[1])
    told = Ranked(scores.ravel(), observed.member.ravel(), owners)

    wider = _wider(len(scores))

    def spread(figure: curves.Figure) -> tuple[float, float, float]:
        value = figure(told, np.ones(len(owners)))
        low, high = curves.interval(told, figure, seed)
        below, above = max(value - low, 0.0) * wider, max(high - value, 0.0) * wider
        return value, max(value - below, 0.0), min(value + above, 1.0)

    members, area = int(told.member.sum()), spread(curves.area)
    rates = {at: spread(_rate_at(at)) for at in FALSE_POSITIVES}
    sure = FALSE_POSITIVES[0]
    return Figures(
        area,
        rates,
        cross_fitted(told.scores, told.member, owners, delta),
        _as_well(chance.aucs, area[0]),
        _as_well(chance.rates[sure], rates[sure][0]),
        (members, len(owners) - members),
        scores,
    )


def _as_well(chance: Floats, value: float) -> float:
    """How often exchanged members do as well; never 0, as what was drawn is one of them."""
    return float((1 + (chance >= value).sum()) / (1 + len(chance)))


def _rate_at(share: float) -> curves.Figure:
    """Share of members above the score that at most this share of the others is above."""

    def figure(scored: Ranked, weights: Floats) -> float:
        return curves.true_positives(scored, weights, share)

    return figure


def _wider(twins: int) -> float:
    """What a bootstrap interval of so few is widened by.

    Source: Hesterberg (2015), doi:10.1080/00031305.2015.1089789, section 4.1.
    """
    from scipy.stats import norm, t

    narrow = math.sqrt(twins / (twins - 1))
    return float(t.ppf(0.975, twins - 1) / norm.ppf(0.975) * narrow)


@dataclass(frozen=True)
class Chance:
    """The negative control: the same attack where who was in has been exchanged among the twins.

    Attributes:
        aucs: of each exchange, shape (exchanges,).
        rates: by rate of false positives, the share of members told in each exchange.
        trials: members and others.
    """

    aucs: Floats
    rates: dict[float, Floats]
    trials: tuple[int, int]

    def to_json(self) -> dict[str, Any]:
        """Means, and what 95 % of the exchanges are within."""
        return {
            "auc": float(self.aucs.mean()), "auc_interval": _within(self.aucs),
            "tpr": {f"{at:g}": {"value": float(v.mean()), "interval": _within(v)}
                    for at, v in self.rates.items()},
            "exchanges": len(self.aucs),
            "trials": {"members": self.trials[0], "others": self.trials[1]},
        }  # fmt: skip


def _within(values: Floats) -> list[float]:
    low, high = np.quantile(values, [0.025, 0.975])
    return [float(low), float(high)]


def chance(observed: Observed, seed: Seed, times: int = _EXCHANGES) -> Chance:
    """What the attack reaches where there is nothing to find.

    Who was in is exchanged among the twins, target by target: were twins no matter of who is in,
    each exchange would be as likely as what was drawn, so that the test holds exactly.

    Source: Fisher (1935), The Design of Experiments; Phipson and Smyth (2010),
    doi:10.2202/1544-6115.1585, of p-values that are never 0.
    """
    folded = _folded(observed)
    aucs, rates = np.zeros(times), {at: np.zeros(times) for at in FALSE_POSITIVES}
    for number in range(times):
        member = shuffled(observed.member, seed, number)
        told = Ranked(_told(folded, member).ravel(), member.ravel(), np.arange(member.size))
        even = np.ones(member.size)
        aucs[number] = curves.area(told, even)
        for at, found in rates.items():
            found[number] = curves.true_positives(told, even, at)
    members = int(observed.member.sum())
    return Chance(aucs, rates, (members, observed.member.size - members))


def shuffled(member: Flags, seed: Seed, number: int = 0) -> Flags:
    """Who was learned from, exchanged among the twins; each is in as many as before."""
    out = member.copy()
    random = np.random.Generator(np.random.Philox(key=seed.key("attacks", "shuffled", number)))
    for target in range(member.shape[1]):
        out[:, target] = member[random.permutation(len(member)), target]
    return out
