"""The tier deep: several seeds, combinations of columns, supports, authenticity, importances."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations, cycle

import numpy as np
import pyarrow as pa
import pytest
from tests.quality.conftest import Tables, schema_of, shops
from tests.quality.test_attacks import HARD

from synthlake.ports import Score
from synthlake.quality.bins import Bins
from synthlake.quality.combinations import MOST, chosen, coarse
from synthlake.quality.evaluate import evaluate
from synthlake.quality.layout import Field
from synthlake.quality.metric import metrics
from synthlake.quality.metrics import importance, repeated
from synthlake.quality.report import Report
from synthlake.quality.report.document import text
from synthlake.quality.report.html import html
from synthlake.quality.reseeded import averaged
from synthlake.quality.settings import EvaluationSettings
from synthlake.quality.supports import matched, supports
from synthlake.source import open_source

DEEP = [name for name, metric in metrics().items() if metric.tier == "deep"]
NUMBERS = pa.float64()


def linked(rows: int, seed: int) -> pa.Table:
    """Columns that predict ``y`` more and less, and one that does not."""
    random = np.random.default_rng(seed)
    a, b, c, noise = random.normal(0, 1, (4, rows))
    group = np.where(a + random.normal(0, 0.5, rows) > 0, "up", "down")
    y = 3 * a + 1.5 * b + 0.6 * c + random.normal(0, 0.3, rows)
    return pa.table({"a": a, "b": b, "c": c, "noise": noise, "group": group, "y": y})


def judged(
    twin: pa.Table, target: str = "t.y", seed: int = 0, names: Sequence[str] = tuple(DEEP)
) -> Report:
    source = open_source({"t": linked(400, 1)})
    settings = EvaluationSettings("quick", seed, metrics=tuple(names), target=target)
    columns = linked(400, 4)
    alone = {n: columns[n].take(np.random.default_rng(i).permutation(400))
             for i, n in enumerate(columns.column_names)}  # fmt: skip
    return evaluate(
        source, open_source({"t": twin}), source.schema(), settings=settings,
        holdout=open_source({"t": linked(300, 2)}), floor=open_source({"t": pa.table(alone)}),
    )  # fmt: skip


def figure(report: Report, name: str) -> tuple[Score, Score | None, Score | None]:
    row = next(r for r in report.of(name) if r.twin.value is not None)
    return row.twin, row.ceiling, row.floor


@pytest.fixture(scope="module")
def reports() -> Mapping[str, Report]:
    other = linked(400, 3)
    mixed = {n: other[n].take(np.random.default_rng(9 + i).permutation(400))
             for i, n in enumerate(other.column_names)}  # fmt: skip
    twins = {"copy": linked(400, 1), "other": other, "mixed": pa.table(mixed)}
    with pytest.MonkeyPatch.context() as patch:
        for module in (repeated, importance):
            patch.setattr(module, "SEEDS", 2)
        return {name: judged(twin) for name, twin in twins.items()}


def test_what_the_tier_adds() -> None:
    assert set(DEEP) == {
        "c2st.table.seeds", "c2st.joined.seeds", "c2st.parent.seeds", "tstr.seeds",
        "marginals.3way", "marginals.4way", "marginals.5way", "alpha_precision", "beta_recall",
        "authenticity", "importance",
    }  # fmt: skip
    assert EvaluationSettings("deep").reaches("deep")
    assert not EvaluationSettings("full").reaches("deep")


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in DEEP if not n.startswith("c2st.")])
def test_training_rows_are_exactly_best_and_as_copies_exactly_worst(
    reports: Mapping[str, Report], name: str
) -> None:
    values = {r.twin.value for r in reports["copy"].of(name) if r.twin.value is not None}
    assert values == {0.0 if name == "authenticity" else metrics()[name].best}


@pytest.mark.parametrize("name", [n for n in DEEP if n not in ("authenticity", "alpha_precision")])
def test_other_real_rows_are_near_the_ceiling_and_independent_columns_are_not(
    reports: Mapping[str, Report], name: str
) -> None:
    if name in ("c2st.joined.seeds", "c2st.parent.seeds"):
        assert not reports["other"].of(name)  # a single table
        return
    best = metrics()[name].best
    lines = [next(li for li in reports[n].lines() if li.metric.name == name)
             for n in ("other", "mixed")]  # fmt: skip
    near, far, floor = lines[0].mean[0], lines[1].mean[0], lines[0].mean[2]
    assert near is not None
    assert far is not None
    assert floor is not None
    assert abs(near - best) < min(abs(far - best), abs(floor - best))


def test_authenticity_of_honest_rows_is_that_of_unseen_ones(
    reports: Mapping[str, Report],
) -> None:
    twin, ceiling, _ = figure(reports["other"], "authenticity")
    assert ceiling is not None
    assert ceiling.value is not None
    assert ceiling.interval is not None
    assert twin.value == pytest.approx(ceiling.value, abs=0.08)
    assert 0.35 < ceiling.value < 0.65
    copy = figure(reports["copy"], "authenticity")[0]
    assert copy.interval is not None
    assert copy.interval[1] < ceiling.interval[0]


def test_intervals_over_seeds_hold_their_mean_and_every_seed(
    reports: Mapping[str, Report],
) -> None:
    for name in ("c2st.table.seeds", "tstr.seeds", "importance"):
        score = figure(reports["other"], name)[0]
        assert score.interval is not None
        assert score.value is not None
        assert score.interval[0] <= score.value <= score.interval[1]
        assert score.detail["least"] <= score.value <= score.detail["most"]
        assert score.detail["seeds"] > 1
    assert figure(reports["mixed"], "c2st.table.seeds")[0].detail["standard deviation"] > 0


@pytest.mark.slow
def test_seeds_change_the_folds_where_rows_come_in_families() -> None:
    source = open_source(shops(1))
    settings = EvaluationSettings("quick", metrics=("c2st.joined.seeds",))
    report = evaluate(
        source, open_source(shops(2)), schema_of(source), settings=settings,
    )  # fmt: skip
    scored = [r.twin for r in report.of("c2st.joined.seeds") if r.twin.value is not None]
    assert scored
    assert any(s.detail["standard deviation"] > 0 for s in scored)


@pytest.mark.slow
def test_same_seed_same_figures_and_every_form_of_the_report() -> None:
    twin = linked(400, 3)
    names = [
        n for n in DEEP if n[:4] not in ("c2st", "tstr")
    ]  # whose parts have tests of their own
    first, again = (judged(twin, "t.group", 5, names) for _ in range(2))
    assert first.scores == again.scores
    page = html(first)
    assert all(metrics()[n].title in page for n in names)
    assert text(first)
    assert first.summary()


def test_they_can_be_gated() -> None:
    source = open_source({"t": linked(400, 1)})
    gates = (
        {"metric": "authenticity", "at_least": "ceiling - 0.1"},
        {"metric": "marginals.4way", "at_most": "ceiling + 0.05"},
        {"metric": "alpha_precision", "at_least": 0.9},
    )
    report = evaluate(
        source, source, source.schema(), settings=EvaluationSettings("quick", gates=gates),
        holdout=open_source({"t": linked(200, 2)}),
    )  # fmt: skip
    assert {g.gate.metric: g.decision for g in report.gates} == {
        "authenticity": "FAIL", "marginals.4way": "PASS", "alpha_precision": "PASS",
    }  # fmt: skip


@pytest.mark.parametrize("case", HARD)
@pytest.mark.parametrize("twin", ["itself", "empty", "one row"])
def test_hard_tables_have_a_figure_or_a_reason(case: str, twin: str) -> None:
    table = HARD[case]
    given = {"itself": table, "empty": table.slice(0, 0), "one row": table.slice(0, 1)}[twin]
    source = open_source({"t": table})
    names = DEEP if twin == "itself" else [n for n in DEEP if not n.endswith(".seeds")]
    settings = EvaluationSettings("quick", metrics=tuple(names), target="t.a")
    report = evaluate(
        source, open_source({"t": given}), source.schema(), settings=settings,
        holdout=open_source({"t": table}),
    )  # fmt: skip
    for name in names:
        for row in report.of(name):
            value = row.twin.value
            assert value is not None or row.twin.reason, row
            if twin == "itself" and value is not None:
                assert value == (0.0 if name == "authenticity" else metrics()[name].best), row
    assert text(report)


def test_combinations_are_counted_as_by_hand(real: Tables) -> None:
    random = np.random.default_rng(0)
    mine, other = ({n: random.choice(["x", "y", None], 300) for n in "abcd"} for _ in range(2))
    source = open_source({"t": pa.table(mine)})
    settings = EvaluationSettings("quick", metrics=("marginals.3way",))
    report = evaluate(
        source, open_source({"t": pa.table(other)}), source.schema(), settings=settings
    )
    found = {r.subject.columns: r.twin.value for r in report.of("marginals.3way")}
    assert set(found) == set(combinations("abcd", 3))
    for columns, value in found.items():
        a, b = (Counter(zip(*(side[c] for c in columns), strict=True)) for side in (mine, other))
        gap = sum(abs(a[key] - b[key]) for key in {*a, *b}) / 600
        assert value == pytest.approx(gap, abs=1e-12)


def test_a_choice_is_seeded_even_and_said() -> None:
    names = [f"c{i:02}" for i in range(30)]
    sets = chosen(names, 4, 7)
    assert sets == chosen(names, 4, 7) != chosen(names, 4, 8)
    assert len(set(sets)) == len(sets) == MOST
    met = Counter(name for one in sets for name in one)
    assert set(met) == set(names)
    assert max(met.values()) - min(met.values()) <= 6
    assert chosen(names[:5], 3, 0) == tuple(combinations(names[:5], 3))
    wide = pa.table({n: np.arange(60) % 3 for n in names})
    source = open_source({"t": wide})
    settings = EvaluationSettings("quick", metrics=("marginals.5way",))
    report = evaluate(source, source, source.schema(), settings=settings)
    assert "100 of 142,506 combinations" in report.of("marginals.5way")[0].twin.reason
    assert {r.twin.value for r in report.of("marginals.5way")[1:]} == {0.0}


@pytest.mark.parametrize("edges", [0, 1, 3, 4, 9, 17, 19])
@pytest.mark.parametrize("codes", [4, 5, 10])
def test_coarser_codes_are_no_more_than_asked(edges: int, codes: int) -> None:
    field = Field("t", "a", NUMBERS, "number", False, False)
    made = coarse(Bins(field, edges=tuple(float(i) for i in range(edges))), codes)
    assert len(made.edges) + 1 <= codes
    assert len(made.edges) + 1 >= min(codes, edges + 1) // 2
    texts = coarse(Bins(replace(field, kind="category"), texts=tuple("abcdefgh")), codes)
    assert texts.texts == tuple("abcdefgh")[:codes]


def test_supports_by_hand() -> None:
    random = np.random.default_rng(0)
    real = random.normal(0, 1, (400, 2)).astype(np.float32)
    assert supports(real, real) == supports(real, real.copy())
    same = supports(real, real)
    assert (same.precision, same.recall, same.covered) == (1.0, 1.0, 1.0)
    point = np.zeros((400, 2), np.float32)
    collapsed = supports(real, point)  # all in the middle: inside every part, and little is met
    assert collapsed.precision < 0.05
    assert collapsed.covered < 0.2
    far = supports(real, real + np.float32(50))
    assert (far.precision, far.covered) == (0.0, 0.0)
    fresh = supports(real, random.normal(0, 1, (400, 2)).astype(np.float32))
    assert fresh.precision > 0.9
    assert fresh.covered == pytest.approx(1 - 2**-5, abs=0.03)  # five of ten nearest are real


def test_equal_rows_are_found_where_floats_are_large() -> None:
    random = np.random.default_rng(1)
    near = (1e4 + random.normal(0, 1e-3, (300, 3))).astype(np.float32)
    place, gap = matched(near, near)
    assert (gap == 0).all()
    assert (near[place] == near).all()


def test_one_seed_without_a_figure_is_no_figure() -> None:
    scores = [Score(0.5), Score(None, reason="too few"), Score(0.7)]
    assert averaged(scores).reason == "too few"
    found = averaged([Score(0.1)] * 3)
    assert (found.value, found.interval) == (0.1, (0.1, 0.1))


def test_an_importance_that_cannot_be_tested_says_so_and_its_interval_is_of_correlations() -> None:
    """A hold-out whose target is NULL throughout; seeds that differ much."""
    source, tested = open_source({"t": linked(400, 1)}), linked(300, 2)
    null = pa.array([None] * 300, NUMBERS)
    settings = EvaluationSettings("quick", metrics=("importance",), target="t.y")
    report = evaluate(
        source, open_source({"t": linked(400, 3)}), source.schema(), settings=settings,
        holdout=open_source({"t": tested.set_column(5, "y", null)}),
    )  # fmt: skip
    score = report.of("importance")[0].twin
    assert (score.value, score.reason) == (
        None, "no model of the target can be learned on a side",
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        values = cycle([0.1, 0.5, 0.9])
        patch.setattr(importance, "_one", lambda *_: Score(next(values), rows=(400, 400)))
        found = judged(linked(400, 3), names=["importance"]).of("importance")[0].twin
    assert found.interval == (pytest.approx(0.5 - 0.99369, abs=1e-4), 1.0)


@pytest.mark.parametrize("lost", ["a", "group"])
def test_rows_without_a_column_have_no_distances(lost: str) -> None:
    """A copy that lacks a column is as far from all training rows as nobody is."""
    names = ("authenticity", "alpha_precision", "beta_recall")
    report = judged(linked(400, 1).drop_columns([lost]), names=names)
    for name in names:
        score = report.of(name)[0].twin
        assert (score.value, score.reason) == (None, f"columns are missing: {lost}")


def test_near_copies_of_rows_that_occur_twice_are_copies() -> None:
    random = np.random.default_rng(0)
    values = np.repeat(random.normal(0, 1, (300, 3)), 2, axis=0)
    moved = values + random.normal(0, 1e-4, values.shape)
    given, near, fresh = (
        open_source({"t": pa.table({n: rows[:, i] for i, n in enumerate("abc")})})
        for rows in (values, moved, random.normal(0, 1, values.shape))
    )
    found = []
    settings = EvaluationSettings("quick", metrics=("authenticity",))
    for twin in (given, near, fresh):
        report = evaluate(given, twin, given.schema(), settings=settings)
        found.append(report.of("authenticity")[0].twin.value)
    assert found[0] == 0.0
    assert found[1] < 0.02
    assert 0.35 < found[2] < 0.75


@pytest.mark.slow
def test_seeds_choose_rows_where_all_would_be_taken() -> None:
    """A model that draws nothing itself gives the same figure of the same rows."""
    found = judged(linked(400, 3), names=["tstr", "tstr.seeds"])
    score = figure(found, "tstr.seeds")[0]
    assert score.interval is not None
    assert score.interval[1] - score.interval[0] > 0.001
    assert score.rows == (320, 320)
    assert figure(found, "tstr")[0].rows == (400, 400)
