"""Does a model trained on the twin treat groups as one that is trained on real rows does?"""

from __future__ import annotations

import difflib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthlake.errors import EvaluationError
from synthlake.ports import MetricKind, Score
from synthlake.quality.classifier import MIN_ROWS, boosted, encoded, one_thread
from synthlake.quality.dataset import DataSet
from synthlake.quality.declared import Fairness, Value
from synthlake.quality.groups import (
    Grouped,
    Rates,
    demographic_parity,
    equal_opportunity,
    equalized_odds,
)
from synthlake.quality.joined import visible
from synthlake.quality.layout import Field
from synthlake.quality.metric import Comparison, Direction, Ground, Metric, Scored, Subject
from synthlake.quality.sample import Choice, Column, Frame, Wanted, draw, owners, size
from synthlake.quality.settings import Tier
from synthlake.seed import Seed

MOST_GROUPS = 20
_RESAMPLES = 200
_FEWEST = 5  # rows of each outcome that a model is trained with

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
Figure = Callable[[Grouped, Flags, Floats, str], float | None]


@dataclass(frozen=True)
class _Case:
    """A declared prediction: what is predicted, and by what.

    Attributes:
        asked: as declared.
        target: that is predicted.
        positive: its positive value, as text or number.
        wanted: columns of the samples: features, target, and groups under names of their own.
    """

    asked: Fairness
    target: Field
    positive: str | float
    wanted: tuple[Wanted, ...]

    @property
    def key(self) -> tuple[object, ...]:
        """By which what follows from it is kept."""
        return "fairness", self.asked.target, self.asked.protected, str(self.positive)

    def truth(self, frame: Frame) -> tuple[Flags, Flags]:
        """Which rows have a known outcome, and which a positive one."""
        column = frame[self.target.name]
        if self.target.ordered:
            numbers = column.astype(np.float64)
            return np.isfinite(numbers), numbers == self.positive
        known = np.array([v is not None for v in column], dtype=bool)
        return known, np.array([str(v) == self.positive for v in column], dtype=bool)

    def model(self, train: Frame, test: Frame, seed: Seed) -> Flags | None:
        """What a model says of each tested row; None where there is too little to learn from."""
        known, positive = self.truth(train)
        train = {n: c[known] for n, c in train.items()}
        label = positive[known].astype(np.int64)
        if min(np.bincount(label, minlength=2)) < _FEWEST or len(label) < MIN_ROWS:
            return None
        names = [w.name for w in self.wanted if not w.name.startswith(_GROUP)]
        names = [n for n in names if n != self.target.name]
        columns = [np.concatenate([train[n], test[n]]) for n in names]
        matrix, codes = encoded(columns, np.arange(len(label)))
        state = seed.key("fairness", self.asked.target) % 2**31
        model = boosted("classifier", codes, state)
        with one_thread():
            model.fit(matrix[: len(label)], label)
            said = model.predict_proba(matrix[len(label) :])[:, 1]
        return np.asarray(said >= 0.5, dtype=bool)


_GROUP = "__group "


@dataclass(frozen=True)
class _Told:
    """Held-out rows, and what both models say of them.

    Attributes:
        case: what is predicted.
        test: held-out rows whose outcome is known.
        owners: their root entities.
        truth: which are positive.
        real: of which a model trained on real rows says so.
        twin: of which one trained on the candidate says so.
        rows: that the models were trained on, real and candidate.
    """

    case: _Case
    test: Frame
    owners: NDArray[np.int64]
    truth: Flags
    real: Flags
    twin: Flags
    rows: tuple[int, int]

    def grouped(self, field: Field, k: int) -> Grouped | str:
        """The rows by a protected column, or why they cannot be."""
        names, group = _numbered(self.test[_GROUP + field.name], field)
        if len(names) > MOST_GROUPS:
            return f"{len(names)} groups: more than {MOST_GROUPS}; protect a coarser column"
        return Grouped(names, group, self.owners, self.truth, k)


def _numbered(column: Column, field: Field) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Names of groups, and the number of each row's; -1 for NULL."""
    if field.ordered:
        numbers = column.astype(np.float64)
        values = np.unique(numbers[~np.isnan(numbers)])
        place = np.where(np.isnan(numbers), -1, np.searchsorted(values, numbers))
        return tuple(_named(v) for v in values.tolist()), place.astype(np.int64)
    names = sorted({str(v) for v in column if v is not None}, key=str.encode)
    number = {name: i for i, name in enumerate(names)}
    group = [-1 if v is None else number[str(v)] for v in column]
    return tuple(names), np.array(group, np.int64)


def _named(number: float) -> str:
    return str(int(number)) if number.is_integer() else repr(number)


class _Fairness(ABC):
    """What all figures share."""

    kind: MetricKind = "utility"
    tier: Tier = "full"
    best = 0.0
    direction: Direction = "low"

    def score(self, comparison: Comparison) -> Iterator[Scored]:
        """A score for each protected column of each declared prediction; none without one."""
        for asked in comparison.settings.audits:
            case = _case(comparison.ground, asked)
            found = case if isinstance(case, str) else self._told(comparison, case)
            for name in asked.protected:
                subject = Subject(asked.table, (name, asked.column))
                if isinstance(found, str):
                    yield subject, Score(None, reason=found)
                else:
                    yield subject, self._one(comparison, found, name)

    def _told(self, comparison: Comparison, case: _Case) -> _Told | str:
        return self._skipped(comparison) or _told(comparison, case)

    def _skipped(self, comparison: Comparison) -> str:
        """Why a candidate has no figure."""
        if comparison.role == "floor":
            return "a model of independent columns tells no one apart"
        return ""

    def _one(self, comparison: Comparison, told: _Told, name: str) -> Score:
        field = comparison.ground.fields(told.case.asked.table)[name]
        rows = told.grouped(field, comparison.settings.k)
        if isinstance(rows, str):
            return Score(None, rows=told.rows, reason=rows)
        seed = Seed(comparison.settings.seed, f"fairness/{told.case.asked.target}/{name}")
        privileged = _text(told.case.asked.privileged.get(name), field)
        return self._figure(told, rows, privileged, seed)

    @abstractmethod
    def _figure(self, told: _Told, rows: Grouped, privileged: str, seed: Seed) -> Score:
        """The figure of a protected column."""


class _Gap(_Fairness):
    """A difference of rates, of both models."""

    def __init__(self, name: str, title: str, figure: Figure, doc: str) -> None:
        self.name, self.title, self._by, self.__doc__ = name, title, figure, doc

    def _figure(self, told: _Told, rows: Grouped, privileged: str, seed: Seed) -> Score:
        def both(weights: Floats) -> tuple[float, float] | None:
            twin, real = (self._by(rows, s, weights, privileged) for s in (told.twin, told.real))
            return None if twin is None or real is None else (twin, real)

        found = both(np.ones(len(told.truth)))
        if found is None:
            return _too_few(told, rows, privileged)
        drawn = np.array([both(w) for w in _resampled(rows, seed)], np.float64)
        detail = {"real": found[1], **_said(told, rows)}
        (low, high), beyond = _spread(drawn[:, 0], found[0]), drawn[:, 0] - drawn[:, 1]
        detail["difference"] = found[0] - found[1]
        detail["difference interval"] = list(_spread(beyond, found[0] - found[1]))
        return Score(found[0], (low, high), told.rows, detail=detail)


class Change(_Fairness):
    """How much more a model favours a group over another once it is trained on the twin.

    Of the change of each group's selection rate, from a model trained on real rows to one trained
    on the twin, the largest less the smallest: 0 where all groups fare as with real rows, or better
    or worse alike. The other figures do not see it where two groups change places.
    """

    name, title = "fairness.change", "Groups treated otherwise than by real rows"

    def _skipped(self, comparison: Comparison) -> str:
        return "both models would be trained on real rows" * (comparison.role == "ceiling")

    def _figure(self, told: _Told, rows: Grouped, privileged: str, seed: Seed) -> Score:
        def moved(weights: Floats) -> Rates:
            before, after = (rows.selected(s, weights) for s in (told.real, told.twin))
            return {name: after[name] - rate for name, rate in before.items()}

        found = moved(np.ones(len(told.truth)))
        if len(found) < 2:
            return _too_few(told, rows, "")
        value = max(found.values()) - min(found.values())
        drawn = [moved(w).values() for w in _resampled(rows, seed)]
        spread = _spread(np.array([max(d) - min(d) for d in drawn]), value)
        raised, lowered = max(found, key=lambda g: found[g]), min(found, key=lambda g: found[g])
        detail = {
            "raised": raised, "raised by": found[raised], "lowered": lowered,
            "lowered by": found[lowered], **_said(told, rows),
        }  # fmt: skip
        return Score(value, spread, told.rows, detail=detail)


def _too_few(told: _Told, rows: Grouped, privileged: str) -> Score:
    why = f"fewer than two groups with {rows.k} entities of each outcome in the hold-out"
    if privileged and privileged not in rows.selected(told.twin, np.ones(len(told.truth))):
        why = f"the privileged group has fewer than {rows.k} entities in the hold-out"
    return Score(None, rows=told.rows, reason=why, detail=_said(told, rows))


def _said(told: _Told, rows: Grouped) -> dict[str, object]:
    """What was left out."""
    used = rows.held["all"]
    return {
        "groups": len(used), "groups left out": len(rows.names) - len(used),
        "rows left out": int((~np.isin(rows.group, used)).sum()), "tested": len(told.truth),
    }  # fmt: skip


def _spread(drawn: Floats, value: float) -> tuple[float, float]:
    low, high = np.quantile(drawn, [0.025, 0.975])
    return min(float(low), value), max(float(high), value)


def _resampled(rows: Grouped, seed: Seed) -> Iterator[Floats]:
    """Weights of rows where whole entities are drawn again.

    Source: Field and Welsh (2007), doi:10.1111/j.1467-9868.2007.00593.x, cluster bootstrap.
    """
    random = np.random.Generator(np.random.Philox(key=seed.key("fairness", "bootstrap")))
    owner = np.unique(rows.owners, return_inverse=True)[1]
    for _ in range(_RESAMPLES):
        yield random.poisson(1.0, int(owner.max()) + 1).astype(np.float64)[owner]


def _case(ground: Ground, asked: Fairness) -> _Case | str:
    """What is predicted, or why it cannot be.

    Raises:
        EvaluationError: a declared column cannot be a target or tell groups apart.
    """
    fields = ground.fields(asked.table) if asked.table in ground.schema else {}
    for name in (asked.column, *asked.protected):
        if name not in fields or fields[name].kind not in ("number", "category"):
            raise EvaluationError(
                f"fairness of {asked.target} names {name!r}, which is no number or category",
                hint=f"columns of {asked.table} are {', '.join(fields)}" if fields
                else "name table.column",
            )  # fmt: skip
    target = fields[asked.column]
    _held(ground, target, asked.positive, "positive")
    for name, value in asked.privileged.items():
        _held(ground, fields[name], value, "privileged")
    positive = _positive(ground.real, target, asked.positive)
    if positive is None:
        return "the target has not two values: declare the positive one"
    features = [f for f in visible(fields) if f.name != target.name]
    groups = [Wanted(_GROUP + name, fields[name]) for name in asked.protected]
    return _Case(asked, target, positive, (*(Wanted(f.name, f) for f in features),
                                           Wanted(target.name, target), *groups))  # fmt: skip


def _held(ground: Ground, field: Field, value: Value | None, what: str) -> None:
    """Check that real rows have a declared value, as far as all of theirs are known.

    Raises:
        EvaluationError: they do not; the hint names the nearest that k real rows share.
    """
    marginal = ground.real.marginal(field)
    if value is None or not marginal.complete or not marginal.counts.sum():
        return
    held = [_named(v) for v in marginal.values.tolist()] if field.ordered else marginal.texts
    if (text := _text(value, field)) in held:
        return
    shared = [h for h, n in zip(held, marginal.counts, strict=True) if n >= ground.settings.k]
    near = difflib.get_close_matches(text, shared, 3, 0.0)
    raise EvaluationError(
        f"the {what} value {value!r} of {field.table}.{field.name} is in no real row",
        hint=f"near ones are {', '.join(near)}" if near else "name a value that real rows have",
    )


def _positive(real: DataSet, target: Field, given: Value | None) -> str | float | None:
    """The positive value: as declared, or the last of two."""
    if given is not None:
        if not target.ordered:
            return _text(given, target)
        try:
            return float(given)
        except ValueError:
            return None
    marginal = real.marginal(target)
    values = marginal.values.tolist() if target.ordered else list(marginal.texts)
    return values[-1] if len(values) == 2 and marginal.complete else None


def _text(value: Value | None, field: Field) -> str:
    """A declared value as the samples hold it."""
    if value is None:
        return ""
    if isinstance(value, bool) and not field.ordered:
        return str(value).lower()
    try:
        return _named(float(value)) if field.ordered else str(value)
    except ValueError:
        return str(value)


def _told(comparison: Comparison, case: _Case) -> _Told | str:
    return comparison.candidate.once((*case.key, comparison.role), lambda: _made(comparison, case))


def _made(comparison: Comparison, case: _Case) -> _Told | str:
    ground, table = comparison.ground, case.asked.table
    if ground.holdout is None:
        return "there is no hold-out to test on"
    if comparison.missing(table):
        return comparison.missing(table)
    absent = [w.field.name for w in case.wanted if not comparison.candidate.has(w.field)]
    if case.target.name in absent or set(absent) & set(case.asked.protected):
        return f"columns are missing: {', '.join(absent)}"
    choice = Choice(ground.settings.max_rows, ground.settings.seed)
    test = draw(ground.holdout, table, case.wanted, choice)
    owned = owners(ground.holdout, table, choice)
    known, truth = case.truth(test)
    test = {n: c[known] for n, c in test.items()}
    if size(test) < MIN_ROWS:
        return f"fewer than {MIN_ROWS} rows with a known outcome in the hold-out"
    # of the ceiling, the model is that of the rows that were learned from
    trained = ground.train if comparison.role == "ceiling" else comparison.candidate
    (rows, real), (other, twin) = (
        _answers(side, case, test, choice) for side in (ground.train, trained)
    )
    if real is None or twin is None:
        where = "real rows" if real is None else f"rows of the {comparison.role}"
        return f"fewer than {_FEWEST} {where} of an outcome to learn from"
    return _Told(case, test, owned[known], truth[known], real, twin, (rows, other))


def _answers(side: DataSet, case: _Case, test: Frame, choice: Choice) -> tuple[int, Flags | None]:
    """Rows of a sample, and what a model trained on it says; made once a data set."""

    def make() -> tuple[int, Flags | None]:
        frame = draw(side, case.asked.table, case.wanted, choice)
        return size(frame), case.model(frame, test, Seed(choice.seed, "fairness"))

    return side.once((*case.key, "answers"), make)


METRICS: tuple[Metric, ...] = (
    _Gap("fairness.demographic_parity", "Demographic parity difference", demographic_parity,
         "Difference of selection rates between groups, by a model trained on the twin."),
    _Gap("fairness.equalized_odds", "Equalised odds difference", equalized_odds,
         "Larger difference of true or false positive rates, by a model trained on the twin."),
    _Gap("fairness.equal_opportunity", "Equal opportunity difference", equal_opportunity,
         "Difference of true positive rates between groups, by a model trained on the twin."),
    Change(),
)  # fmt: skip
