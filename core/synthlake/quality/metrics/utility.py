"""Is a model that was trained on the twin as good as one that was trained on real rows?"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthlake.errors import EvaluationError
from synthlake.ports import MetricKind, Score
from synthlake.quality.classifier import MIN_ROWS, auc, boosted, encoded, one_thread
from synthlake.quality.joined import visible
from synthlake.quality.layout import Field
from synthlake.quality.metric import Comparison, Direction, Metric, Scored, Subject
from synthlake.quality.sample import Choice, Column, Frame, Wanted, draw, size
from synthlake.quality.settings import Tier
from synthlake.seed import Seed


class TrainSynthetic:
    """Skill of a model trained on the candidate by that of one trained on real rows.

    Both predict the same hold-out rows. Skill is R2 for numbers, 2 AUC - 1 for categories (mean
    over the ten most frequent of the real rows that are learned from, one against the rest; 0 for
    one that the candidate does not know).

    Args:
        share: most of the rows of each data set that are drawn; below 1 for several seeds, which
            would all draw the same rows where all are fewer than ``max_rows``.
    """

    name, title = "tstr", "Trained on twin by trained on real"
    kind: MetricKind = "utility"
    tier: Tier = "full"
    best = 1.0
    direction: Direction = "high"

    def __init__(self, share: float = 1.0) -> None:
        self.share = share

    def score(self, comparison: Comparison) -> Iterator[Scored]:
        """A score for the declared target; none without one."""
        target = comparison.settings.target
        if target is None:
            return
        field = target_of(comparison, target)
        subject = Subject(field.table, (field.name,))
        ground = comparison.ground
        if comparison.role == "ceiling":
            yield subject, Score(None, reason="both models would be trained on real rows")
        elif ground.holdout is None:
            yield subject, Score(None, reason="there is no hold-out to test on")
        elif comparison.missing(field.table) or not comparison.candidate.has(field):
            yield subject, Score(None, reason="the table or its target is missing")
        else:
            yield subject, _ratio(comparison, field, self.share)


def target_of(comparison: Comparison, target: str) -> Field:
    """The column that is to be predicted.

    Raises:
        EvaluationError: it is none, or holds nothing that can be predicted.
    """
    table, _, name = target.partition(".")
    fields = comparison.ground.fields(table) if table in comparison.schema else {}
    if name not in fields or fields[name].kind == "opaque":
        raise EvaluationError(
            f"the target {target!r} is not a column that can be predicted",
            hint="give table.column of a number or category",
        )
    return fields[name]


def _ratio(comparison: Comparison, field: Field, share: float) -> Score:
    ground, settings = comparison.ground, comparison.settings
    assert ground.holdout is not None
    names = [f for f in visible(ground.fields(field.table)) if f.name != field.name]
    if not names:
        return Score(None, reason="there is no other column to predict by")
    wanted = [Wanted(f.name, f) for f in (*names, field)]
    samples = [
        draw(side, field.table, wanted, _choice(comparison, side.rows(field.table), share))
        for side in (comparison.candidate, ground.train, ground.holdout)
    ]
    rows = (size(samples[1]), size(samples[0]))
    sides = (f"the {comparison.role}", "the real rows", "the hold-out")
    if few := [n for n, s in zip(sides, samples, strict=True) if size(s) < MIN_ROWS]:
        return Score(None, rows=rows, reason=f"fewer than {MIN_ROWS} rows in {' and '.join(few)}")
    seed = Seed(settings.seed, "tstr")
    classes = None if field.ordered else _classes(samples[1][field.name])
    with one_thread():
        twin, real = (_skill(s, samples[2], field.name, classes, seed) for s in samples[:2])
    if real is None or real <= 0:
        why = "real rows do not predict the target: nothing can be said of the twin"
        return Score(None, rows=rows, reason=why)
    twin = twin or 0.0  # nothing to learn from where real rows have it
    return Score(twin / real, rows=rows, detail={"twin": twin, "real": real})


def _choice(comparison: Comparison, rows: int, share: float) -> Choice:
    """A share of the rows, though not so few that nothing can be learned of them."""
    settings = comparison.settings
    least = max(math.ceil(share * rows), MIN_ROWS)
    return Choice(min(settings.max_rows, least), settings.seed)


def _classes(column: Column) -> list[str]:
    """The ten most frequent values, most frequent first."""
    values, counts = np.unique([str(v) for v in column], return_counts=True)
    return [str(v) for v in values[np.argsort(-counts, kind="stable")[:10]]]


def _skill(
    train: Frame, test: Frame, target: str, classes: list[str] | None, seed: Seed
) -> float | None:
    """Skill for a number (without classes) or for classes; None where there is none."""
    names = [n for n in train if n != target]
    columns = [np.concatenate([train[n], test[n]]) for n in names]
    numbers = np.arange(size(train))
    matrix, codes = encoded(columns, numbers)
    left, right = matrix[: size(train)], matrix[size(train) :]
    state = seed.key("tstr", target) % 2**31
    if classes is None:
        return _r2(left, train[target], right, test[target], codes, state)
    model = partial(boosted, "classifier", codes, state)
    return _auc((left, right), train[target], test[target], classes, model)


def _r2(
    x: NDArray[np.float64], y: Column, other: NDArray[np.float64], truth: Column,
    codes: list[bool], state: int,
) -> float | None:  # fmt: skip
    known, tested = np.isfinite(y.astype(float)), np.isfinite(truth.astype(float))
    if known.sum() < MIN_ROWS or tested.sum() < MIN_ROWS:
        return None
    model = boosted("regressor", codes, state).fit(x[known], y[known].astype(float))
    real = truth[tested].astype(float)
    spread = float(((real - real.mean()) ** 2).sum())
    error = float(((real - model.predict(other[tested])) ** 2).sum())
    return 1 - error / spread if spread else None


def _auc(
    matrices: tuple[NDArray[np.float64], NDArray[np.float64]], y: Column, truth: Column,
    classes: list[str], model: Callable[[], Any],
) -> float | None:  # fmt: skip
    found = []
    for value in classes:
        label = np.array([str(v) == value for v in truth], np.int64)
        learned = np.array([str(v) == value for v in y], np.int64)
        if min(np.bincount(label, minlength=2)) < 5:
            continue
        if len(np.unique(learned)) < 2:
            found.append(0.0)
            continue
        said = model().fit(matrices[0], learned).predict_proba(matrices[1])[:, 1]
        found.append(2 * auc(said, label) - 1)
    return float(np.mean(found)) if found else None


METRICS: tuple[Metric, ...] = (TrainSynthetic(),)
