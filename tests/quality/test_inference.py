"""Combining rules cover; pMSE, SPECKS and overlaps are what their papers say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from synthlake.errors import EvaluationError, SpecError
from synthlake.quality.combine import Combined, Rule, combine, overlap
from synthlake.quality.evaluate import evaluate
from synthlake.quality.logistic import fit
from synthlake.quality.report import Report
from synthlake.quality.settings import EvaluationSettings, Regression
from synthlake.source import open_source

Made = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]
REPETITIONS = 2_000


def test_rules_by_hand() -> None:
    q, u = [1.0, 2.0, 3.0], [0.5, 0.4, 0.6]
    partial = combine(q, u, "partially")
    assert (partial.estimate, partial.variance) == (2.0, pytest.approx(0.5 + 1 / 3))
    assert partial.degrees == pytest.approx(2 * (1 + 0.5 / (1 / 3)) ** 2)
    full = combine(q, u, "fully", rows=100)
    assert full.variance == pytest.approx((1 + 1 / 3) * 1.0 - 0.5)
    assert (
        full.degrees == pytest.approx(2 * (1 - 0.5 / (4 / 3)) ** 2, abs=1e-12) or full.degrees == 1
    )
    negative = combine([1.0, 1.01], [0.5, 0.5], "fully", rows=100, synthetic_rows=200)
    assert negative.variance == pytest.approx(2 * 0.5)
    plain = combine([2.0], [0.5], rows=100, synthetic_rows=50)
    assert plain.variance == pytest.approx(0.5 * (0.5 + 1))
    drawn = combine(q, u, "posterior", rows=100, synthetic_rows=50)
    assert drawn.variance == pytest.approx(0.5 * (0.5 + 1.5 / 3))
    low, high = plain.interval()
    assert (high - low) / 2 == pytest.approx(1.959964 * np.sqrt(0.75))
    same = combine([1.0, 1.0], [0.3, 0.3], "partially")
    assert same.variance == pytest.approx(0.3)
    assert np.isinf(same.degrees)


def test_many_estimates_at_once() -> None:
    random = np.random.default_rng(0)
    q, u = random.normal(size=(5, 3)), random.random((5, 3))
    together = combine(q, u, "partially")
    for place in range(3):
        alone = combine(q[:, place], u[:, place], "partially")
        assert together.variance[place] == pytest.approx(alone.variance)
        assert together.interval()[0][place] == pytest.approx(alone.interval()[0])


@pytest.mark.parametrize(
    ("given", "word"),
    [
        (([1.0], [1.0], "fully"), "number of real rows"),
        (([1.0], [1.0], "partially"), "at least two"),
        (([1.0, 2.0], [1.0], "partially"), "shape"),
        (([1.0, np.nan], [1.0, 1.0], "partially"), "not a number"),
        (([1.0, 2.0], [1.0, -1.0], "partially"), "negative"),
        (([1.0, 2.0], [1.0, 1.0], "rubin"), "no combining rule"),
        (([], [], "partially"), "shape"),
    ],
)
def test_what_cannot_be_combined_is_refused(given: Any, word: str) -> None:
    with pytest.raises(EvaluationError, match=word) as raised:
        combine(*given)
    assert raised.value.hint


SLOPE, ROWS = 0.7, 200


def _world(random: np.random.Generator) -> Made:
    x = random.normal(0, 1, ROWS)
    return x, 1 + SLOPE * x + random.normal(0, 1, ROWS)


def _regressed(x: np.ndarray[Any, Any], y: np.ndarray[Any, Any]) -> tuple[Any, ...]:
    """Estimates and variances of the mean of y and of the slope; what a model draws from."""
    matrix = np.stack([np.ones(len(x)), x], axis=1)
    inverse = np.linalg.inv(matrix.T @ matrix)
    beta = inverse @ (matrix.T @ y)
    left = y - matrix @ beta
    sigma2 = float(left @ left) / (len(y) - 2)
    q = np.array([y.mean(), beta[1]])
    return q, np.array([y.var(ddof=1) / len(y), sigma2 * inverse[1, 1]]), beta, sigma2, inverse


def _release(random: np.random.Generator, x: Any, y: Any, k: int, how: str) -> Made:
    """Synthetic rows: x drawn too (or kept), parameters as estimated or from their posterior."""
    _, _, beta, sigma2, inverse = _regressed(x, y)
    mean, spread = x.mean(), x.std(ddof=1)
    if how in ("posterior", "fully", "partially"):
        sigma2 = sigma2 * (len(y) - 2) / random.chisquare(len(y) - 2)
        beta = random.multivariate_normal(beta, sigma2 * inverse)
        spread = spread * np.sqrt((len(x) - 1) / random.chisquare(len(x) - 1))
        mean = random.normal(mean, spread / np.sqrt(len(x)))
    made = x if how == "partially" else random.normal(mean, spread, k)
    return made, beta[0] + beta[1] * made + random.normal(0, np.sqrt(sigma2), len(made))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rule", "releases", "rows"),
    [
        ("plug_in", 1, 200), ("plug_in", 5, 200), ("plug_in", 3, 600),
        ("posterior", 1, 200), ("posterior", 5, 100),
        ("fully", 100, 200), ("fully", 20, 2_000), ("partially", 5, 200), ("partially", 20, 200),
    ],
)  # fmt: skip
def test_intervals_cover(rule: Rule, releases: int, rows: int) -> None:
    random = np.random.default_rng(20_26)
    inside = np.zeros(2)
    for _ in range(REPETITIONS):
        x, y = _world(random)
        found = [_regressed(*_release(random, x, y, rows, rule))[:2] for _ in range(releases)]
        given = [np.array(part) for part in zip(*found, strict=True)]
        low, high = combine(*given, rule, rows=ROWS, synthetic_rows=rows).interval()
        inside += (low <= [1.0, SLOPE]) & (high >= [1.0, SLOPE])
    covered = inside / REPETITIONS
    assert ((covered > 0.93) & (covered < 0.97)).all(), covered


@pytest.mark.slow
def test_intervals_of_one_release_read_as_real_do_not_cover() -> None:
    random = np.random.default_rng(0)
    inside = 0
    for _ in range(500):
        x, y = _world(random)
        q, u, *_ = _regressed(*_release(random, x, y, ROWS, "plug_in"))
        low, high = Combined(q, u, np.full(2, np.inf)).interval()
        inside += low[1] <= SLOPE <= high[1]
    assert inside / 500 < 0.9


def test_logistic_regression_is_the_maximum_of_the_likelihood() -> None:
    from sklearn.linear_model import LogisticRegression

    random = np.random.default_rng(0)
    axes = random.normal(size=(500, 3))
    label = random.random(500) < 1 / (1 + np.exp(-(0.5 + axes @ [1.0, -0.5, 0.0])))
    beta, covariance = fit(axes, label)
    model = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1_000).fit(axes, label)
    assert beta == pytest.approx([model.intercept_[0], *model.coef_[0]], abs=1e-5)
    assert np.linalg.eigvalsh(covariance).min() > 0


def judged(real: pa.Table, twin: pa.Table, holdout: pa.Table | None = None, **given: Any) -> Report:
    source = open_source({"t": real})
    names = ("pmse", "specks", "interval_overlap")
    settings = EvaluationSettings("quick", metrics=names, gates=(), **given)
    return evaluate(
        source, open_source({"t": twin}), source.schema(), settings=settings, train=source,
        holdout=None if holdout is None else open_source({"t": holdout}),
    )  # fmt: skip


def rows(random: np.random.Generator, count: int, tie: float = 0.8) -> pa.Table:
    x = random.normal(0, 1, count)
    y = tie * x + random.normal(0, 1, count)
    letter = random.choice(list("abcd"), count, p=[0.4, 0.3, 0.2, 0.1])
    return pa.table({
        "x": x, "y": y, "letter": letter, "sure": random.random(count) < 1 / (1 + np.exp(-x)),
        "holes": pa.array(random.gamma(2, 1, count), mask=random.random(count) < 0.2),
    })  # fmt: skip


@pytest.mark.slow
def test_pmse_is_one_for_a_right_model_and_the_holdout() -> None:
    """Chance gives 1: of other real rows, and of rows drawn from the model that was estimated."""
    twin, ceiling = [], []
    for seed in range(20):
        random = np.random.default_rng(seed)
        real = np.array(random.normal(0, 1, (600, 4)))
        drawn = random.multivariate_normal(real.mean(axis=0), np.cov(real.T), 600)
        names = list("abcd")
        tables = [
            pa.table(dict(zip(names, m.T, strict=True)))
            for m in (real, drawn, random.normal(0, 1, (600, 4)))
        ]
        row = judged(*tables).of("pmse")[0]
        assert row.ceiling is not None
        twin.append(row.twin.value or 0.0)
        ceiling.append(row.ceiling.value or 0.0)
        assert row.twin.detail["parameters"] == 4
    # chi-square of 4 degrees by 4: its mean of 20 has a standard error of .16
    assert np.mean(twin) == pytest.approx(1.0, abs=0.5)
    assert np.mean(ceiling) == pytest.approx(1.0, abs=0.5)


def test_propensities_find_what_differs() -> None:
    random = np.random.default_rng(0)
    real = rows(random, 2_000)
    moved = real.set_column(0, "x", pa.array(real["x"].to_numpy() + 0.5))
    report = judged(real, moved, rows(random, 2_000))
    pmse, specks = (report.of(n)[0] for n in ("pmse", "specks"))
    assert pmse.ceiling is not None
    assert specks.ceiling is not None
    assert (pmse.twin.value or 0) > 10 > 3 > (pmse.ceiling.value or 9)
    assert (specks.twin.value or 0) > 0.15 > 0.09 > (specks.ceiling.value or 9)


def test_itself_is_exactly_best() -> None:
    real = rows(np.random.default_rng(1), 1_000)
    asked = ({"target": "t.y", "features": ["x", "letter"]},)
    report = judged(real, real, regressions=asked)
    assert [report.of(n)[0].twin.value for n in ("pmse", "specks", "interval_overlap")] == [0, 0, 1]


@pytest.mark.parametrize("target", ["y", "sure"])
def test_overlap_of_declared_regressions(target: str) -> None:
    random = np.random.default_rng(2)
    real, alike, loose = rows(random, 3_000), rows(random, 3_000), rows(random, 3_000, tie=0.0)
    asked = (Regression(f"t.{target}", ("x", "letter", "holes")),)
    score = judged(real, alike, regressions=asked).of("interval_overlap")[0]
    assert score.twin.detail["coefficients"] == 6
    assert (score.twin.value or 0) > 0.4
    if target == "y":
        other = judged(real, loose, regressions=asked).of("interval_overlap")[0].twin
        assert other.detail["worst"] == "x"
        assert other.detail["worst overlap"] < 0
        assert (other.value or 1) < (score.twin.value or 0)


def test_least_squares_is_that_of_scipy() -> None:
    from synthlake.quality.metrics.regressions import _fitted

    random = np.random.default_rng(3)
    x = random.normal(1e6, 3, 200)
    y = 2 * x + random.normal(0, 1, 200)
    found = _fitted(x[:, None], y, True)
    expected = stats.linregress(x, y)
    assert found.beta == pytest.approx([expected.intercept, expected.slope], rel=1e-6)
    assert found.error == pytest.approx([expected.intercept_stderr, expected.stderr], rel=1e-6)


CASES: dict[str, tuple[Callable[[pa.Table], pa.Table], tuple[str, tuple[str, ...]], str]] = {
    "few rows": (lambda t: t.slice(0, 20), ("t.y", ("x",)), "too few rows"),
    "collinear": (lambda t: t.append_column("z", t["x"]), ("t.y", ("x", "z")), "follow from each"),
    "many values": (lambda t: t, ("t.letter", ("x",)), "more or less than two"),
    "constant": (
        lambda t: t.set_column(1, "y", pa.array([1.0] * len(t))), ("t.y", ("x",)), "constant"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_regressions_that_say_nothing_say_why(case: str) -> None:
    change, asked, word = CASES[case]
    real = change(rows(np.random.default_rng(4), 300))
    row = judged(real, real, regressions=(Regression(*asked),)).of("interval_overlap")[0]
    assert row.twin.value is None
    assert word in row.twin.reason


@pytest.mark.parametrize(
    "asked",
    [
        {"target": "t.nothing", "features": ["x"]},
        {"target": "t.y", "features": ["y"]},
        {"target": "u.y", "features": ["x"]},
    ],
)
def test_unknown_columns_are_refused(asked: dict[str, Any]) -> None:
    real = rows(np.random.default_rng(5), 100)
    with pytest.raises(EvaluationError) as raised:
        judged(real, real, regressions=(asked,))
    assert raised.value.hint


@pytest.mark.parametrize("asked", [{"target": "y", "features": ["x"]}, {"target": "t.y"}, {}])
def test_incomplete_regressions_are_refused(asked: dict[str, Any]) -> None:
    with pytest.raises(SpecError, match="regression"):
        EvaluationSettings(regressions=(asked,))


def test_overlaps_by_hand() -> None:
    assert overlap((0, 2), (0, 2)) == 1
    assert overlap((0, 2), (1, 3)) == 0.5
    assert overlap((0, 1), (1, 2)) == 0
    assert overlap((0, 1), (3, 4)) == -2
    assert overlap((0, 4), (1, 3)) == 0.75
    assert overlap((1, 1), (1, 1)) == 1


def test_a_spec_declares_regressions() -> None:
    from synthlake.pipeline.judge import settings_of
    from synthlake.pipeline.spec import SynthesisSpec

    asked = {"target": "t.y", "features": ["x", "letter"]}
    spec = SynthesisSpec.model_validate(
        {"source": "data", "evaluate": {"tier": "full", "regressions": [asked]}}
    )
    assert settings_of(spec, {}).analyses == (Regression("t.y", ("x", "letter")),)
    for wrong in ({"target": "y", "features": ["x"]}, {"target": "t.y", "features": []}):
        with pytest.raises(ValueError, match="regressions"):
            SynthesisSpec.model_validate({"source": "d", "evaluate": {"regressions": [wrong]}})
