"""Can a logistic regression tell the rows from real ones, by more than chance?"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from synthlake.ports import MetricKind, Score
from synthlake.quality.classifier import MIN_ROWS, one_thread
from synthlake.quality.combine import Floats
from synthlake.quality.joined import frames, single, visible
from synthlake.quality.logistic import design, propensities, rank
from synthlake.quality.metric import Comparison, Direction, Metric, Scored, Subject
from synthlake.quality.sample import size
from synthlake.quality.settings import Tier


class _Propensity:
    """Both figures of one regression of all columns but keys, main effects alone."""

    kind: MetricKind = "fidelity"
    tier: Tier = "full"
    best = 0.0
    direction: Direction = "low"


@dataclass(frozen=True)
class Told:
    """What the regression says.

    Attributes:
        real: propensity scores of the reference's rows, shape (rows,).
        other: of the candidate's, shape (rows,).
        parameters: of the model, the intercept not counted.
        expected: pMSE by chance.
    """

    real: Floats
    other: Floats
    parameters: int
    expected: float


def _each(comparison: Comparison, figure: Callable[[Told], Score]) -> Iterator[Scored]:
    """A score for each table."""
    for table in comparison.ground.tables:
        reason = comparison.missing(table.name)
        reason = reason or ("kept as it is, by declaration" if table.keep else "")
        if not visible(comparison.ground.fields(table.name)):
            reason = reason or "no columns but keys"
        score = Score(None, reason=reason) if reason else _one(comparison, table.name, figure)
        yield Subject(table.name), score


def _one(comparison: Comparison, table: str, figure: Callable[[Told], Score]) -> Score:
    key = ("propensity", comparison.reference.label, table)
    told = comparison.candidate.once(key, lambda: _told(comparison, table))
    rows = len(told.real), len(told.other)
    if min(rows) < MIN_ROWS:
        return Score(None, rows=rows, reason=f"fewer than {MIN_ROWS} rows on a side")
    if not told.parameters:
        return Score(None, rows=rows, reason="no column has more than one value")
    return replace(figure(told), rows=rows)


def _told(comparison: Comparison, table: str) -> Told:
    pair = frames(comparison, table, single(comparison.ground, table))
    rows = size(pair[0]), size(pair[1])
    if min(rows) < MIN_ROWS:
        return Told(np.zeros(rows[0]), np.zeros(rows[1]), 0, 0.0)
    with one_thread():
        axes = design(pair)
        parameters = rank(np.concatenate(axes))
        found = propensities(*axes)
    # what the twin was learned from is not chance: of n rows, it is 1/n of a mean's variance
    known = 0.0 if comparison.role == "ceiling" else 1 / max(comparison.rows(table)[0], rows[0])
    each = 1 / rows[0] + 1 / rows[1]
    share = rows[1] / sum(rows)
    chance = parameters * share * (1 - share) / sum(rows) * (each - known) / each
    return Told(*found, parameters, chance)


class PropensityError(_Propensity):
    """Mean squared error of propensity scores by what chance gives: about 1 for a right model.

    pMSE = mean (p - c)^2 with c the synthetic share of N rows. Where n real rows were learned
    from, a right model of k parameters (intercept not counted) has k (1 - c)^2 c / N by chance;
    where the regression sees a sample of them, or other real rows, so much more as their own
    chance adds. 0 is the table itself.

    Source: Snoke, Raab, Nowok, Dibben and Slavkovic (2018), doi:10.1111/rssa.12358, theorem 1.
    """

    name, title = "pmse", "pMSE by its null"

    def score(self, comparison: Comparison) -> Iterator[Scored]:
        """A score for each table."""
        yield from _each(comparison, _error)


def _error(told: Told) -> Score:
    share = len(told.other) / (len(told.real) + len(told.other))
    error = float(np.mean((np.concatenate([told.real, told.other]) - share) ** 2))
    # N pMSE by its chance is chi-square of as many degrees as parameters
    spread = told.expected * math.sqrt(2 / told.parameters)
    detail = {"pmse": error, "expected": told.expected, "parameters": told.parameters,
              "deviations": (error - told.expected) / spread}  # fmt: skip
    return Score(error / told.expected, detail=detail)


class PropensityDistance(_Propensity):
    """KS distance of the propensity scores of real and synthetic rows (SPECKS): 0 alike.

    Source: Bowen, Liu and Su (2021), METRON 79, 1-31 (SPECKS).
    """

    name, title = "specks", "KS distance of propensities (SPECKS)"

    def score(self, comparison: Comparison) -> Iterator[Scored]:
        """A score for each table."""
        yield from _each(comparison, _distance)


def _distance(told: Told) -> Score:
    places = np.union1d(told.real, told.other)
    upto = [
        np.searchsorted(np.sort(side), places, side="right") / len(side)
        for side in (told.real, told.other)
    ]
    value = float(np.abs(upto[0] - upto[1]).max())
    return Score(value, detail={"parameters": told.parameters})


METRICS: tuple[Metric, ...] = (PropensityError(), PropensityDistance())
