"""Would an analyst's regression say the same of the twin as of the real rows?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthlake.errors import EvaluationError
from synthlake.ports import MetricKind, Score
from synthlake.quality.classifier import MIN_ROWS, one_thread
from synthlake.quality.combine import overlap
from synthlake.quality.intervals import Z
from synthlake.quality.layout import Field
from synthlake.quality.logistic import fit
from synthlake.quality.metric import Comparison, Direction, Metric, Scored, Subject
from synthlake.quality.sample import Choice, Frame, Wanted, draw, size
from synthlake.quality.settings import Regression, Tier

_CATEGORIES = 20

Floats = NDArray[np.float64]


class IntervalOverlap:
    """Overlap of the confidence intervals of a declared regression: 1 the same, below 0 apart.

    Least squares for a number, logistic for a target of two values; rows with a NULL are left out,
    a category counts against the most frequent one. The figure is the mean over coefficients.

    Source: Karr et al. (2006), doi:10.1198/000313006X124640; not cut at 0, as in Snoke et al.
    (2018), doi:10.1111/rssa.12358.
    """

    name, title = "interval_overlap", "Overlap of intervals of declared regressions"
    kind: MetricKind = "utility"
    tier: Tier = "full"
    best = 1.0
    direction: Direction = "high"

    def score(self, comparison: Comparison) -> Iterator[Scored]:
        """A score for each declared regression; none without one."""
        for asked in comparison.settings.analyses:
            fields = _fields(comparison, asked)
            subject = Subject(fields[0].table, tuple(f.name for f in fields))
            reason = comparison.missing(fields[0].table)
            absent = [f.name for f in fields if not comparison.candidate.has(f)]
            if not reason and absent:
                reason = f"columns are missing: {', '.join(absent)}"
            yield subject, Score(None, reason=reason) if reason else _one(comparison, fields)


def _fields(comparison: Comparison, asked: Regression) -> list[Field]:
    """Target and features."""
    table, _, target = asked.target.partition(".")
    known = comparison.ground.fields(table) if table in comparison.schema else {}
    for name in (target, *asked.features):
        if name not in known or known[name].kind not in ("number", "time", "category"):
            raise EvaluationError(
                f"the regression of {asked.target} names {name!r}, which is no number or category",
                hint=f"columns of {table} are {', '.join(known)}" if known else "name table.column",
            )
    if target in asked.features or len(set(asked.features)) < len(asked.features):
        raise EvaluationError(
            f"the regression of {asked.target} names a column twice", hint="name each once"
        )
    return [known[n] for n in (target, *asked.features)]


@dataclass(frozen=True)
class _Fitted:
    """Coefficients of a side and their standard errors, intercept first."""

    beta: Floats
    error: Floats


def _one(comparison: Comparison, fields: list[Field]) -> Score:
    settings, table = comparison.settings, fields[0].table
    choice = Choice(settings.max_rows, settings.seed)
    wanted = [Wanted(f.name, f) for f in fields]
    sides = [
        _complete(draw(s, table, wanted, choice), fields)
        for s in (comparison.reference, comparison.candidate)
    ]
    rows = size(sides[0]), size(sides[1])
    values = _values(sides[0], fields)
    if not fields[0].ordered and len(values[fields[0].name]) != 2:
        return Score(None, rows=rows, reason="the target is a category of more or less than two")
    axes = [_axes(s, fields[1:], values) for s in sides]
    wide = axes[0][0].shape[1] + 1
    if min(rows) < max(MIN_ROWS, 2 * wide):
        return Score(None, rows=rows, reason="too few rows without NULL")
    if any(np.linalg.matrix_rank(_with_one(a[0])) < wide for a in axes):
        return Score(None, rows=rows, reason="features follow from each other, on a side")
    targets = [_target(s, fields[0], values) for s in sides]
    if any(np.ptp(t) == 0 for t in targets):
        return Score(None, rows=rows, reason="the target is constant on a side")
    with one_thread():
        real, twin = (
            _fitted(a[0], t, fields[0].ordered) for a, t in zip(axes, targets, strict=True)
        )
    return _compared(real, twin, ["the intercept", *axes[0][1]], rows)


def _compared(real: _Fitted, twin: _Fitted, names: list[str], rows: tuple[int, int]) -> Score:
    found = [
        overlap((b - Z * e, b + Z * e), (c - Z * d, c + Z * d))
        for b, e, c, d in zip(real.beta, real.error, twin.beta, twin.error, strict=True)
    ]
    apart = np.abs(real.beta - twin.beta) / np.where(real.error > 0, real.error, np.inf)
    worst = int(np.argmin(found))
    detail = {"coefficients": len(found), "worst": names[worst], "worst overlap": found[worst],
              "mean difference in standard errors": float(np.mean(apart))}  # fmt: skip
    return Score(float(np.mean(found)), rows=rows, detail=detail)


def _complete(frame: Frame, fields: list[Field]) -> Frame:
    """Rows without NULL."""
    known = np.ones(size(frame), dtype=bool)
    for field in fields:
        column = frame[field.name]
        known &= (
            np.isfinite(column.astype(np.float64))
            if field.ordered
            else np.array([v is not None for v in column], dtype=bool)
        )
    return {name: column[known] for name, column in frame.items()}


def _values(frame: Frame, fields: list[Field]) -> dict[str, list[str]]:
    """The most frequent values of each category, first the reference."""
    out = {}
    for field in fields:
        if not field.ordered:
            texts, counts = np.unique([str(v) for v in frame[field.name]], return_counts=True)
            first = np.argsort(-counts, kind="stable")[:_CATEGORIES]
            out[field.name] = [str(t) for t in texts[first]]
    return out


def _axes(
    frame: Frame, features: list[Field], values: dict[str, list[str]]
) -> tuple[Floats, list[str]]:
    """Numbers as they are, categories as dummies; the column of each axis."""
    out, names = [], []
    for field in features:
        if field.ordered:
            out.append(frame[field.name].astype(np.float64))
            names.append(field.name)
            continue
        texts = np.array([str(v) for v in frame[field.name]], dtype=str)
        for value in values[field.name][1:]:
            out.append((texts == value).astype(np.float64))
            names.append(field.name)
    return (np.stack(out, axis=1) if out else np.zeros((size(frame), 0))), names


def _target(frame: Frame, field: Field, values: dict[str, list[str]]) -> Floats:
    if field.ordered:
        return np.asarray(frame[field.name], np.float64)
    return np.array([str(v) == values[field.name][1] for v in frame[field.name]], np.float64)


def _with_one(axes: Floats) -> Floats:
    """Axes in units of their own, so that a rank can be told, and an intercept."""
    spread = axes.std(axis=0)
    scaled = (axes - axes.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    return np.concatenate([np.ones((len(axes), 1)), scaled], axis=1)


def _fitted(axes: Floats, target: Floats, linear: bool) -> _Fitted:
    """Estimates on scaled axes, brought back to those of the columns."""
    middle, spread = axes.mean(axis=0), axes.std(axis=0)
    matrix = _with_one(axes)
    if linear:
        inverse = np.linalg.pinv(matrix.T @ matrix, hermitian=True)
        beta = inverse @ (matrix.T @ target)
        left = target - matrix @ beta
        covariance = inverse * float(left @ left) / (len(target) - matrix.shape[1])
    else:
        beta, covariance = fit(matrix[:, 1:], target > 0)
    back = np.eye(len(beta))
    back[1:, 1:] = np.diag(1 / spread)
    back[0, 1:] = -middle / spread
    return _Fitted(back @ beta, np.sqrt(np.maximum(np.diag(back @ covariance @ back.T), 0.0)))


METRICS: tuple[Metric, ...] = (IntervalOverlap(),)
