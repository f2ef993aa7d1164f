"""What an intruder finds among rows of which some columns were replaced: by hand, and by copies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from synthlake.errors import EvaluationError, SpecError
from synthlake.quality.attacks import matching
from synthlake.quality.evaluate import evaluate
from synthlake.quality.metrics import matches
from synthlake.quality.report import Report
from synthlake.quality.report.html import html
from synthlake.quality.settings import EvaluationSettings
from synthlake.schema.model import Schema
from synthlake.source import open_source

NAMES = ("expected_match_risk", "true_match_rate", "false_match_rate")
KNOWN = {"table": "people", "known": ["sex", "city", "age"], "key": ["id"]}


def judged(real: pa.Table, release: pa.Table, **asked: Any) -> Report:
    source = open_source({"people": real})
    settings = EvaluationSettings("quick", metrics=NAMES, matches=({**KNOWN, **asked},), gates=())
    schema: Schema = source.schema()
    return evaluate(source, open_source({"people": release}), schema, settings=settings)


def figures(report: Report) -> list[float | None]:
    return [report.of(name)[0].twin.value for name in NAMES]


def table(sex: str, city: str, age: list[int | None], **more: Any) -> pa.Table:
    return pa.table({
        "id": np.arange(len(sex)), "sex": list(sex), "city": list(city),
        "age": pa.array(age, pa.int64()), **more,
    })  # fmt: skip


REAL = table("FFMMF", "OOOBB", [30, 30, 40, 50, 60])


def test_figures_by_hand() -> None:
    """Sex is kept, city and age are replaced.

    Of the targets 0 to 4, matching rows c and whether the own row is among them, T:
    0 (F, O, 30): rows 0 and 2 no, so row 0 alone: c 1, T 1.
    1 (F, O, 30): row 0 alone: c 1, T 0.
    2 (M, O, 40): rows 2 and 3: c 2, T 1.
    3 (M, B, 50): none: c 0.
    4 (F, B, 60): row 1 alone: c 1, T 0.
    By all that is known, expected match risk (1/1 + 0 + 1/2 + 0 + 0) / 5; true match rate 1 / 5;
    false match rate 2 / 3. By sex alone c is 3, 3, 2, 2, 3 and T always 1, so that the larger ones
    are 1, 1/3, 1/2, 1/2 and 1/3; no match is unique.
    """
    release = table("FFMMF", "OBOOO", [30, 60, 40, 40, 61])
    report = judged(REAL, release)
    assert figures(report) == [pytest.approx(8 / 15), pytest.approx(1 / 5), pytest.approx(2 / 3)]
    score = report.of("expected_match_risk")[0].twin
    assert score.detail["expected matches"] == pytest.approx(8 / 3)
    assert (score.detail["by known"], score.detail["by kept"]) == (
        pytest.approx(1.5 / 5), pytest.approx((3 / 3 + 2 / 2) / 5))  # fmt: skip
    assert score.detail["unmodified"] == pytest.approx(4 / 5)  # classes of one, one, one and two
    assert (score.detail["kept"], score.detail["replaced"]) == (["sex"], ["city", "age"])
    assert score.interval is None  # all rows are targets


def test_a_copy_is_the_worst_that_can_be() -> None:
    report = judged(REAL, REAL)
    assert figures(report) == [pytest.approx(4 / 5), pytest.approx(3 / 5), 0.0]
    for name in NAMES:
        twin = report.of(name)[0].twin
        assert twin.value == twin.detail["unmodified"]
        assert twin.detail["replaced"] == []


def test_a_number_matches_within_a_twentieth_of_a_deviation() -> None:
    ages = [0, 1_000, 2_000, 3_000, 4_000]
    real = table("FFFFF", "OOOOO", ages)  # deviation 1,414: a twentieth is 70.7
    near, far = ([a + d for a in ages] for d in (70, 71))
    assert figures(judged(real, table("FFFFF", "OOOOO", near))) == [1.0, 1.0, 0.0]
    assert figures(judged(real, table("FFFFF", "OOOOO", far))) == [pytest.approx(1 / 5), 0.0, None]
    # what was kept has to be equal
    kept = table("FFFFF", "OOOOO", [0, 1, 2_000, 3_000, 4_000])
    assert figures(judged(kept, kept))[1] == 1.0


def people(seed: int, rows: int = 3_000) -> pa.Table:
    random = np.random.default_rng(seed)
    return pa.table({
        "id": np.arange(rows), "sex": random.choice(["F", "M"], rows),
        "city": random.choice(list("ABCDEFGH"), rows), "age": random.integers(18, 90, rows),
        "name": [f"P{i}" for i in range(rows)], "income": random.normal(0, 1, rows),
    })  # fmt: skip


def with_columns(of: pa.Table, other: pa.Table, *names: str) -> pa.Table:
    for name in names:
        of = of.set_column(of.column_names.index(name), name, other[name])
    return of


def test_the_more_is_replaced_the_less_is_found() -> None:
    real, other = people(1), people(2)
    found = [
        figures(judged(real, with_columns(real, other, *names)))
        for names in ((), ("age",), ("age", "city"), ("age", "city", "sex"))
    ]
    risks, rates = [f[0] for f in found], [f[1] for f in found]
    assert risks == sorted(risks, reverse=True)
    assert rates == sorted(rates, reverse=True)
    assert risks[0] > 0.3 > 0.01 > risks[3]
    assert found[3][2] is not None
    assert found[3][2] > 0.99


def test_who_knows_more_finds_no_fewer() -> None:
    """A kept column that tells all apart, and one that was drawn anew."""
    real = people(1)
    release = with_columns(real, people(2), "age")
    for known in (["name"], ["name", "age"]):
        assert figures(judged(real, release, known=known)) == [1.0, 1.0, 0.0]
    detail = judged(real, release, known=["name", "age"]).of(NAMES[0])[0].twin.detail
    assert detail["by known"] < 0.1 < detail["by kept"] == 1.0


def test_one_changed_cell_or_outlier_shelters_nobody_else() -> None:
    """Where one cell was changed, the others are still found by their equals, not by neighbours."""
    random = np.random.default_rng(0)
    income = np.round(random.lognormal(10, 1, 2_000), 2)
    income[0] = 1e10
    real = pa.table({"id": np.arange(2_000), "income": income})
    changed, apart = income.copy(), income + 1_000 * (np.arange(2_000) > 0)
    changed[5] += 1
    report = judged(real, with_columns(real, pa.table({"income": changed}), "income"),
                    known=["income"])  # fmt: skip
    twin = report.of(NAMES[0])[0].twin
    assert twin.value is not None
    assert twin.value > 0.99
    assert twin.detail["unmodified"] > 0.99
    assert twin.detail["by equal"] > 0.99 > twin.detail["by known"]
    # an outlier does not make all others neighbours
    far = judged(real, with_columns(real, pa.table({"income": apart}), "income"), known=["income"])
    detail = far.of(NAMES[0])[0].twin.detail
    assert detail["by known"] > 10 / 2_000
    assert detail["by known"] < 0.5


def test_what_is_not_known_finds_nobody() -> None:
    real = people(1)
    report = judged(real, with_columns(real, people(2), "income"), known=["sex", "city", "age"])
    twin = report.of(NAMES[0])[0].twin
    assert twin.value == twin.detail["unmodified"]  # nothing that is known was replaced
    named = judged(real, real, known=["name"])
    assert figures(named)[:2] == [1.0, 1.0]  # a name is known as it is, not by its length


def test_many_rows_are_sampled_by_their_key(monkeypatch: pytest.MonkeyPatch) -> None:
    real = people(1, 6_000)
    release = with_columns(real, people(2, 6_000), "age")
    exact = judged(real, release)
    monkeypatch.setattr(matching, "TARGETS", 6_000)
    whole = judged(real, release)
    monkeypatch.undo()
    some = exact.of(NAMES[0])[0].twin
    assert some.detail["targets"] == some.detail["rows kept"] == 4_000
    assert some.interval is not None
    value = whole.of(NAMES[0])[0].twin.value
    assert value is not None
    assert some.interval[0] - 0.01 <= value <= some.interval[1] + 0.01


def test_rows_may_stand_in_any_order() -> None:
    real = people(1)
    release = with_columns(real, people(2), "age")
    place = pa.array(np.random.default_rng(0).permutation(len(real)))
    found = [judged(real, r).to_json() for r in (release, release.take(place))]
    for document in found:
        document.pop("seconds")
    assert found[0] == found[1]


UNSCORED: dict[str, tuple[Callable[[pa.Table], pa.Table], str]] = {
    "made anew": (lambda t: t.set_column(0, "id", pa.array(np.arange(len(t)) + 10_000)), "anew"),
    "key twice": (lambda t: t.set_column(0, "id", pa.array([7] * len(t))), "not unique"),
    "empty": (lambda t: t.slice(0, 0), "no rows"),
    "no key": (lambda t: t.drop_columns(["id"]), "columns are missing: id"),
    "no column": (lambda t: t.drop_columns(["age"]), "columns are missing: age"),
}


@pytest.mark.parametrize("case", UNSCORED)
def test_what_says_nothing_says_why(case: str) -> None:
    change, word = UNSCORED[case]
    report = judged(people(1), change(people(1)))
    for name in NAMES:
        twin = report.of(name)[0].twin
        assert twin.value is None
        assert word in twin.reason
    assert html(report)


@pytest.mark.parametrize(
    "type", [pa.float64(), pa.string(), pa.int32(), pa.decimal128(21, 2)], ids=str
)
def test_a_key_of_another_type_is_read_as_the_real_one(type: pa.DataType) -> None:
    """A store that makes numbers of integers has not made the rows anew."""
    real = people(1, 300)
    release = real.set_column(0, "id", real["id"].cast(type))
    assert figures(judged(real, release)) == figures(judged(real, real))


@pytest.mark.parametrize("type", [pa.float64(), pa.string(), pa.bool_(), pa.binary()], ids=str)
def test_a_key_that_cannot_be_read_is_not_called_new(type: pa.DataType) -> None:
    real = people(1, 2)
    ids = {pa.float64(): [0.5, 1.5], pa.string(): ["a", "1 b"], pa.bool_(): [True, False]}
    key = pa.array(ids.get(type, [b"x", b"y"]), type)
    reason = judged(real, real.set_column(0, "id", key)).of(NAMES[0])[0].twin.reason
    assert f"id is {type}, of real rows int64" in reason
    assert "anew" not in reason


def test_dirty_values_match_as_they_are() -> None:
    holes = table("FFMM", "OOOO", [None, None, 1, 2])
    assert figures(judged(holes, holes)) == [pytest.approx(3 / 4), pytest.approx(2 / 4), 0.0]
    alone = holes.slice(0, 1)
    assert figures(judged(alone, alone)) == [1.0, 1.0, 0.0]
    missing = holes.slice(0, 3)  # a row that was not released is not found
    assert figures(judged(holes, missing))[0] == pytest.approx(2 / 4)
    odd = pa.table({"id": [1, 2, 3], "x": [np.nan, np.inf, -np.inf]})
    assert figures(judged(odd, odd, known=["x"])) == [1.0, 1.0, 0.0]


@pytest.mark.parametrize(
    "asked", [{"known": ["nothing"]}, {"table": "nobody"}, {"key": []}, {"key": ["nothing"]}]
)
def test_what_cannot_be_looked_for_is_refused(asked: dict[str, Any]) -> None:
    with pytest.raises(EvaluationError) as raised:
        judged(REAL, REAL, **asked)
    assert raised.value.hint


@pytest.mark.parametrize("asked", [{"known": []}, {"table": ""}, {"key": ["age"]}])
def test_incomplete_intruders_are_refused(asked: dict[str, Any]) -> None:
    with pytest.raises(SpecError, match="matches need"):
        EvaluationSettings(matches=({**KNOWN, **asked},))


def test_the_report_names_what_to_replace() -> None:
    real = people(1)
    source = open_source({"people": real})
    settings = EvaluationSettings("quick", metrics=NAMES, matches=(KNOWN,), gates=(
        {"metric": "true_match_rate", "at_most": 0.01},))  # fmt: skip
    report = evaluate(source, source, source.schema(), settings=settings)
    said = next(a for a in report.advice if a.cause == "identified")
    assert "replace some of sex, city, age too" in said.remedy
    assert report.gates[0].decision == "FAIL"
    page = html(report)
    assert "True match rate" in page
    assert "known as they are: sex, city, age" in page
    assert matches.METRICS[0].title in report.summary()
