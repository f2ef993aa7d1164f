"""How well a score tells members from others: area under the ROC curve, and its very left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthlake.seed import Seed

RESAMPLES = 200
FALSE_POSITIVES = 0.01

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Ranked:
    """Scores of members and others.

    Attributes:
        scores: higher for what is rather taken for a member, shape (n,).
        member: whether it is one, shape (n,).
        owners: the root entity of each, shape (n,).
    """

    scores: Floats
    member: NDArray[np.bool_]
    owners: NDArray[np.int64]

    def take(self, chosen: NDArray[np.bool_]) -> Ranked:
        """Some of them."""
        return Ranked(self.scores[chosen], self.member[chosen], self.owners[chosen])


Figure = Callable[[Ranked, Floats], float]


def area(scored: Ranked, weights: Floats) -> float:
    """Area under the ROC curve; ties count half."""
    place = np.unique(scored.scores, return_inverse=True)[1]
    ones = np.bincount(place, weights * scored.member)
    zeros = np.bincount(place, weights * ~scored.member)
    total = ones.sum() * zeros.sum()
    return float(np.sum(ones * (np.cumsum(zeros) - zeros / 2)) / total) if total else 0.5


def true_positives(scored: Ranked, weights: Floats, share: float = FALSE_POSITIVES) -> float:
    """Share of members above the score that at most a hundredth of the others is above.

    Source: Carlini et al. (2022), arXiv:2112.03570.
    """
    order = np.argsort(-scored.scores[~scored.member], kind="stable")
    others = scored.scores[~scored.member][order]
    weight = weights[~scored.member][order]
    above = np.cumsum(weight)
    if not len(others) or not above[-1]:
        return 0.0
    threshold = others[int(np.argmax(above > share * above[-1]))]
    mine = weights[scored.member]
    over = mine[scored.scores[scored.member] > threshold].sum()
    return float(over / mine.sum()) if mine.sum() else 0.0


def expected(others: int) -> float:
    """What ``true_positives`` is on average where members and others are alike."""
    return (int(FALSE_POSITIVES * others) + 1) / (others + 1)


def interval(scored: Ranked, figure: Figure, seed: Seed) -> tuple[float, float]:
    """2.5 % and 97.5 % of a figure where whole entities are drawn again.

    Source: Field and Welsh (2007), doi:10.1111/j.1467-9868.2007.00593.x, cluster bootstrap.
    """
    random = np.random.Generator(np.random.Philox(key=seed.key("attacks", "bootstrap")))
    group = np.unique(scored.owners, return_inverse=True)[1]
    values = [
        figure(scored, random.poisson(1.0, int(group.max()) + 1).astype(np.float64)[group])
        for _ in range(RESAMPLES)
    ]
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)
