"""What the outcome of a membership attack says of the epsilon of whoever made the data."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthlake.quality.attacks.rates import rate

LEVEL = 0.95

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def clopper_pearson(hits: float, rows: float, level: float = LEVEL) -> tuple[float, float]:
    """Exact interval of a rate; each end alone is missed with (1 - level) / 2 at most.

    Source: Clopper and Pearson (1934), doi:10.1093/biomet/26.4.404.
    """
    from scipy.stats import beta

    tail = (1 - level) / 2
    low = float(beta.ppf(tail, hits, rows - hits + 1)) if hits > 0 else 0.0
    high = float(beta.ppf(1 - tail, hits + 1, rows - hits)) if hits < rows else 1.0
    return low, high


@dataclass(frozen=True)
class Trials:
    """Guesses of who was learned from.

    Attributes:
        told: whether each was called a member, shape (trials,).
        member: whether it was one, shape (trials,).
        owners: number of the run that each belongs to, shape (trials,).
    """

    told: Flags
    member: Flags
    owners: NDArray[np.int64]


def lower_bound(trials: Trials, delta: float = 0.0, level: float = LEVEL) -> float:
    """An epsilon that whoever made the data does not keep below; 0 where nothing is shown.

    The larger of log((TPR - delta) / FPR) and log((TNR - delta) / FNR), rates at the far ends of
    their Clopper-Pearson intervals: the least TPR and the largest FPR, which both hold at once with
    ``level`` (Bonferroni). Trials of one run are alike, and count as fewer (Kish's design effect).

    Source: Jagielski, Ullman and Oprea (2020), arXiv:2006.07709, section 3; Nasr et al. (2021),
    arXiv:2101.04535, section 3.
    """
    sides = []
    for member in (True, False):
        mine = trials.member == member
        found = rate(trials.told[mine], trials.owners[mine])
        sides.append(clopper_pearson(found.value * found.rows, found.rows, level))
    least, most = sides[0][0], sides[1][1]  # true and false positives
    return max(0.0, _log(least - delta, most), _log(1 - most - delta, 1 - least))  # fmt: skip


def _log(above: float, below: float) -> float:
    return math.log(above / below) if above > 0 and below > 0 else 0.0


def thresholds(scores: Floats, most: int = 50) -> Floats:
    """Scores to tell members by: all, or so many of them."""
    known = np.unique(scores)
    if len(known) <= most:
        return known
    return np.asarray(np.quantile(known, np.linspace(0, 1, most), method="nearest"), np.float64)


def best_threshold(
    scores: Floats, member: Flags, owners: NDArray[np.int64], delta: float
) -> float:  # fmt: skip
    """The score above which members are told, so that the bound is largest."""
    found = [
        (lower_bound(Trials(scores >= t, member, owners), delta), float(t))
        for t in thresholds(scores)
    ]
    best = max(value for value, _ in found)
    # of equal ones the middle, which is least bound to these trials
    equal = [t for value, t in found if value == best]
    return equal[len(equal) // 2]


def cross_fitted(
    scores: Floats, member: Flags, owners: NDArray[np.int64], delta: float
) -> float:  # fmt: skip
    """The lower bound, the threshold of each half of the runs chosen on the other half."""
    told = np.zeros(len(scores), dtype=bool)
    half = owners % 2 == 0
    for mine in (half, ~half):
        if mine.any() and not mine.all():
            at = best_threshold(scores[~mine], member[~mine], owners[~mine], delta)
            told[mine] = scores[mine] >= at
    return lower_bound(Trials(told, member, owners), delta)
