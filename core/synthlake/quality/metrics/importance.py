"""Would a model say of the twin's columns what it says of the real ones?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthlake.ports import MetricKind, Score
from synthlake.quality.classifier import MIN_ROWS, auc, boosted, encoded, one_thread
from synthlake.quality.dataset import DataSet
from synthlake.quality.joined import visible
from synthlake.quality.layout import Field
from synthlake.quality.metric import Comparison, Direction, Metric, Scored, Subject
from synthlake.quality.metrics.utility import target_of
from synthlake.quality.reseeded import averaged, reseeded
from synthlake.quality.sample import Choice, Frame, Wanted, draw, size
from synthlake.quality.settings import Tier
from synthlake.seed import Seed

SEEDS = 3
_TESTED = 2_000  # held-out rows that are permuted
_PERMUTED = 3  # times
_CLASSES = 3  # values of a category, each against the rest
_FEATURES = 3

Floats = NDArray[np.float64]


class ImportanceAgreement:
    """Rank correlation of permutation importances of models of the candidate and of real rows.

    Importance of a column is what a model for the target loses in skill (R2, or AUC) on held-out
    rows when that column is permuted. Each model learns half of its sample; the ceiling is that of
    two disjoint halves of the training rows. The mean of three seeds, with Student's t interval.

    Cost: twice three models a seed, and three predictions a column each.
    Source: Breiman (2001), doi:10.1023/A:1010933404324, section 10; Spearman (1904).
    """

    name, title = "importance", "Agreement of feature importances"
    kind: MetricKind = "utility"
    tier: Tier = "deep"
    best = 1.0
    direction: Direction = "high"

    def score(self, comparison: Comparison) -> Iterator[Scored]:
        """A score for the declared target; none without one."""
        target = comparison.settings.target
        if target is None:
            return
        field = target_of(comparison, target)
        subject = Subject(field.table, (field.name,))
        reason = _reason(comparison, field)
        if reason:
            yield subject, Score(None, reason=reason)
            return
        with one_thread():
            found = [_one(reseeded(comparison, n), field) for n in range(SEEDS)]
        yield subject, _bounded(averaged(found))


def _bounded(score: Score) -> Score:
    """With an interval that holds nothing but correlations."""
    if score.interval is None:
        return score
    low, high = score.interval
    return replace(score, interval=(max(low, -1.0), min(high, 1.0)))


def _reason(comparison: Comparison, field: Field) -> str:
    if comparison.ground.holdout is None:
        return "there is no hold-out to test on"
    if comparison.missing(field.table) or not comparison.candidate.has(field):
        return "the table or its target is missing"
    features = [f for f in visible(comparison.ground.fields(field.table)) if f.name != field.name]
    absent = [f.name for f in features if not comparison.candidate.has(f)]
    if absent:
        return f"columns are missing: {', '.join(absent)}"
    few = len(features) < _FEATURES
    return f"fewer than {_FEATURES} columns to predict by" if few else ""


@dataclass(frozen=True)
class _Task:
    """What is predicted from what, and by which seed."""

    field: Field
    features: tuple[str, ...]
    wanted: tuple[Wanted, ...]
    seed: Seed


def _one(comparison: Comparison, field: Field) -> Score:
    ground, settings = comparison.ground, comparison.settings
    assert ground.holdout is not None
    fields = [f for f in visible(ground.fields(field.table)) if f.name != field.name]
    task = _Task(
        field, tuple(f.name for f in fields), tuple(Wanted(f.name, f) for f in (*fields, field)),
        Seed(settings.seed, "importance"),
    )  # fmt: skip
    # the ceiling's model learns the other half of the training rows
    other = ground.train if comparison.role == "ceiling" else comparison.candidate
    real = _half(ground.train, task, settings.max_rows, 0)
    twin = _half(other, task, settings.max_rows, int(comparison.role == "ceiling"))
    choice = Choice(min(_TESTED, settings.max_rows), settings.seed)
    tested = draw(ground.holdout, field.table, task.wanted, choice)
    rows = (size(real), size(twin))
    if min(*rows, size(tested)) < MIN_ROWS:
        return Score(None, rows=rows, reason=f"fewer than {MIN_ROWS} rows on a side")
    values = _values(tested, field)
    found = [_importances(frame, tested, task, values) for frame in (real, twin)]
    if found[0] is None or found[1] is None:
        return Score(None, rows=rows, reason="no model of the target can be learned on a side")
    agreed = _spearman(found[0], found[1])
    if agreed is None:
        return Score(None, rows=rows, reason="all columns are equally important on a side")
    return Score(agreed, rows=rows)


def _half(data: DataSet, task: _Task, most: int, number: int) -> Frame:
    """Every second row of a sample, from the first or second on."""
    drawn = draw(data, task.field.table, task.wanted, Choice(2 * most, task.seed.number))
    return {name: column[number::2] for name, column in drawn.items()}


def _values(tested: Frame, field: Field) -> Sequence[str | None]:
    """The most frequent values of a category, each against the rest; None for a number."""
    if field.ordered:
        return [None]
    texts, counts = np.unique([str(v) for v in tested[field.name]], return_counts=True)
    first = texts[np.argsort(-counts, kind="stable")]
    return [str(t) for t in first[: 1 if len(first) == 2 else _CLASSES]]


def _importances(
    train: Frame, tested: Frame, task: _Task, values: Sequence[str | None]
) -> Floats | None:
    """Loss of skill by column, mean over values; shape (columns,)."""
    columns = [np.concatenate([train[n], tested[n]]) for n in task.features]
    numbers = np.arange(size(train))
    owner, codes = [], []
    parts: list[Floats] = []
    for i, column in enumerate(columns):
        matrix, is_code = encoded([column], numbers)
        parts.append(matrix)
        codes += is_code
        owner += [i] * matrix.shape[1]
    whole = np.concatenate(parts, axis=1)
    left, right = whole[: size(train)], whole[size(train) :]
    found = []
    for value in values:
        model = _model(left, train, task, value, codes)
        truth = _label(tested, task.field, value)
        known = np.isfinite(truth)
        if model is not None and known.sum() >= MIN_ROWS and np.ptp(truth[known]) > 0:
            losses = _losses(model, right[known], truth[known], np.array(owner), task)
            found.append(losses)
    return np.asarray(np.mean(found, axis=0), np.float64) if found else None


def _label(frame: Frame, field: Field, value: str | None) -> Floats:
    """The target as a number; NaN where there is none."""
    if value is None:
        numbers = frame[field.name].astype(np.float64)
        return np.where(np.isfinite(numbers), numbers, np.nan)
    return np.array([str(v) == value for v in frame[field.name]], np.float64)


def _model(
    left: Floats, train: Frame, task: _Task, value: str | None, codes: Sequence[bool]
) -> Any | None:
    label = _label(train, task.field, value)
    known = np.isfinite(label)
    if known.sum() < MIN_ROWS or np.ptp(label[known]) == 0:
        return None
    kind = "regressor" if value is None else "classifier"
    state = task.seed.key("importance", task.field.name) % 2**31
    return boosted(kind, codes, state).fit(left[known], label[known])


def _skill(model: Any, matrix: Floats, truth: Floats) -> float:
    if hasattr(model, "predict_proba"):
        return auc(model.predict_proba(matrix)[:, 1], truth.astype(np.int64))
    return 1 - float(
        ((truth - model.predict(matrix)) ** 2).sum() / ((truth - truth.mean()) ** 2).sum()
    )


def _losses(
    model: Any, matrix: Floats, truth: Floats, owner: NDArray[np.int64], task: _Task
) -> Floats:
    """Skill less that with a column permuted; all axes of a column together."""
    whole = _skill(model, matrix, truth)
    out = np.zeros(len(task.features))
    for number, name in enumerate(task.features):
        random = np.random.Generator(np.random.Philox(key=task.seed.key("permuted", name)))
        for _ in range(_PERMUTED):
            mixed = matrix.copy()
            mixed[:, owner == number] = matrix[random.permutation(len(matrix))][:, owner == number]
            out[number] += (whole - _skill(model, mixed, truth)) / _PERMUTED
    return out


def _spearman(a: Floats, b: Floats) -> float | None:
    """Rank correlation; exactly 1 where both are the same."""
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    from scipy.stats import rankdata

    ranks = rankdata(a), rankdata(b)
    if np.array_equal(*ranks):
        return 1.0
    return float(np.corrcoef(*ranks)[0, 1])


METRICS: tuple[Metric, ...] = (ImportanceAgreement(),)
