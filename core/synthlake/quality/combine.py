"""Estimates from several synthetic releases as one estimate with an honest interval.

A release is analysed as if it were real: an estimate and its variance. Their mean is the estimate;
what its variance is depends on how the releases were made, which is what the rules differ in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from synthlake.errors import EvaluationError

Rule = Literal["plug_in", "posterior", "fully", "partially"]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Combined:
    """What several releases say together.

    Attributes:
        estimate: mean of the estimates, shape of one release's.
        variance: of that mean as an estimate of the population's value.
        degrees: of freedom of the t distribution; infinite for the normal one.
    """

    estimate: Floats
    variance: Floats
    degrees: Floats

    def interval(self, level: float = 0.95) -> tuple[Floats, Floats]:
        """Ends of the confidence interval, shape of the estimate."""
        from scipy import stats

        half = stats.t.ppf(0.5 + level / 2, self.degrees) * np.sqrt(self.variance)
        return self.estimate - half, self.estimate + half


def combine(
    estimates: Sequence[float] | Any,
    variances: Sequence[float] | Any,
    rule: Rule = "plug_in",
    *,
    rows: int | None = None,
    synthetic_rows: int | None = None,
) -> Combined:
    """Combine the analyses of m releases.

    The rules, with q the estimates' mean, u that of their variances, b the variance between
    estimates, n the real and k the synthetic rows of a release:

    - ``plug_in``: releases of one model with its parameters as estimated, all cells synthetic, as
      ``artifact.sample`` makes them. u (k/n + 1/m), normal; one release is enough. As its rows are
      drawn evenly, releases differ by less than u, and intervals are rather too wide.
    - ``posterior``: the same with parameters drawn anew for each release.
      u (k/n + (1 + k/n)/m), normal.
    - ``fully``: samples of synthetic populations, parameters drawn anew. (1 + 1/m) b - u, with
      (m - 1) (1 - u/((1 + 1/m) b))^2 degrees of freedom; where that is negative, k/n u. Too wide
      for few releases that are no larger than the source: 99 % instead of 95 for 20 of k = n.
    - ``partially``: some cells are replaced, the others are real; parameters drawn anew (what
      ``artifact.replace`` does not: its intervals are then too short by what parameters are
      uncertain). u + b/m, with (m - 1) (1 + m u/b)^2 degrees of freedom.

    Args:
        estimates: of each release, shape (m,) or (m, ...).
        variances: of each estimate, of the same shape.
        rule: how the releases were made.
        rows: real rows that were learned from; for all rules but ``partially``.
        synthetic_rows: rows of a release; as many as real ones if not given.

    Privacy: says nothing about rows; the estimates do what the analyses did.

    Raises:
        EvaluationError: the shapes differ, a number is missing, or the releases are too few.

    Source: ``plug_in`` and ``posterior``: Raab, Nowok and Dibben (2016),
    doi:10.29012/jpc.v7i3.407, section 3. ``fully``: Raghunathan, Reiter and Rubin (2003), Journal
    of Official Statistics 19(1), 1-16, and Reiter (2002), ibid. 18(4), 531-543, for negative
    variances. ``partially``: Reiter (2003), Survey Methodology 29(2), 181-188.
    """
    q, u = np.asarray(estimates, np.float64), np.asarray(variances, np.float64)
    _check(q, u, rule, rows)
    m, middle, within = len(q), q.mean(axis=0), u.mean(axis=0)
    ratio = (synthetic_rows or rows or 1) / (rows or 1)
    endless = np.full_like(within, np.inf)
    if rule == "plug_in":
        return Combined(middle, within * (ratio + 1 / m), endless)
    if rule == "posterior":
        return Combined(middle, within * (ratio + (1 + ratio) / m), endless)
    between = q.var(axis=0, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        if rule == "partially":
            degrees = (m - 1) * (1 + within / (between / m)) ** 2
            return Combined(middle, within + between / m, np.where(between > 0, degrees, np.inf))
        total = (1 + 1 / m) * between - within
        degrees = np.maximum((m - 1) * (1 - within / ((1 + 1 / m) * between)) ** 2, 1.0)
    bad = ~(total > 0)
    return Combined(
        middle, np.where(bad, ratio * within, total), np.where(bad, np.inf, degrees)
    )  # fmt: skip


def _check(q: Floats, u: Floats, rule: str, rows: int | None) -> None:
    if rule not in get_args(Rule):
        raise EvaluationError(
            f"there is no combining rule {rule!r}", hint=f"rules are {', '.join(get_args(Rule))}"
        )
    if q.shape != u.shape or not q.ndim or not len(q):
        raise EvaluationError(
            f"estimates of shape {q.shape} and variances of shape {u.shape}",
            hint="give one estimate and one variance of each release",
        )
    if not np.isfinite(q).all() or not (np.isfinite(u) & (u >= 0)).all():
        raise EvaluationError(
            "an estimate or variance is not a number, or a variance is negative",
            hint="leave out releases whose analysis failed, and say so",
        )
    if rule != "partially" and (rows is None or rows < 1):
        raise EvaluationError(
            f"the rule {rule} needs the number of real rows", hint="give rows=, as learned from"
        )
    if rule in ("fully", "partially") and len(q) < 2:
        raise EvaluationError(
            f"the rule {rule} needs at least two releases",
            hint="sample with several seeds; plug_in does with one",
        )


def overlap(one: tuple[float, float], other: tuple[float, float]) -> float:
    """How far two confidence intervals agree: 1 the same, 0 touching, below 0 apart.

    Source: Karr, Kohnen, Oganian, Reiter and Sanil (2006), doi:10.1198/000313006X124640; not cut
    at 0, as in Snoke et al. (2018), doi:10.1111/rssa.12358.
    """
    shared = min(one[1], other[1]) - max(one[0], other[0])
    lengths = [b - a for a, b in (one, other)]
    if min(lengths) <= 0:
        return 1.0 if one == other else 0.0
    return float(sum(shared / length for length in lengths) / 2)
