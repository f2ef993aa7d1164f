"""Fairness: rates by hand, and models that treat groups as those of real rows do, or do not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from synthlake.errors import EvaluationError, SpecError
from synthlake.quality.declared import Fairness
from synthlake.quality.evaluate import evaluate
from synthlake.quality.groups import (
    Grouped,
    apart,
    demographic_parity,
    equal_opportunity,
    equalized_odds,
)
from synthlake.quality.report import Report
from synthlake.quality.report.html import html
from synthlake.quality.settings import EvaluationSettings
from synthlake.source import open_source

GAPS = ("demographic_parity", "equalized_odds", "equal_opportunity")
ASKED = {"target": "people.hired", "protected": ["sex"], "positive": "yes"}


def people(seed: int, rows: int = 1_500, bias: float = 0.35, flip: bool = False) -> pa.Table:
    """Who is hired depends on a score, and by ``bias`` on being a man (flipped: a woman)."""
    random = np.random.default_rng(seed)
    sex = random.choice(["woman", "man"], rows)
    score = random.normal(0, 1, rows)
    man = (sex == "man") != flip
    chance = 1 / (1 + np.exp(-3 * score)) * (1 - bias) + bias * man
    hired = np.where(random.random(rows) < chance, "yes", "no")
    return pa.table({
        "sex": sex, "score": np.round(score, 3), "age": random.integers(18, 70, rows),
        "band": random.integers(1, 4, rows), "hired": hired,
        "grade": random.choice(["a", "b", "c"], rows),
    })  # fmt: skip


def numbered(table: pa.Table) -> pa.Table:
    """The outcome as a number."""
    flag = pa.array([int(v == "yes") for v in table["hired"].to_pylist()])
    return table.drop_columns(["hired"]).append_column("flag", flag)


def judged(
    real: pa.Table, twin: pa.Table, held: pa.Table | None = None, k: int = 10, **asked: Any
) -> Report:
    source = open_source({"people": real})
    names = tuple(f"fairness.{n}" for n in (*GAPS, "change"))
    settings = EvaluationSettings(
        "quick", metrics=names, fairness=({**ASKED, **asked},), gates=(), k=k
    )
    held = people(99) if held is None else held
    floor = people(5, bias=0.0)
    if real.column_names[-1] == "flag":
        held, floor = numbered(held), numbered(floor)
    return evaluate(
        source, open_source({"people": twin}), source.schema(), settings=settings,
        holdout=open_source({"people": held}), floor=open_source({"people": floor}),
    )  # fmt: skip


def one(report: Report, name: str) -> Any:
    return report.of(f"fairness.{name}")[0]


def grouped(names: str, truth: list[int], k: int = 1) -> Grouped:
    known = sorted(set(names) - {"-"})
    place = np.array([known.index(n) if n != "-" else -1 for n in names])
    return Grouped(
        tuple(known), place, np.arange(len(names)), np.array(truth, dtype=bool), k
    )  # fmt: skip


def test_differences_by_hand() -> None:
    """Two groups of five: selection 4/5 and 2/5; true positives 3/4 and 1/2; false ones 1 and 1/3.

    By ``fairlearn.metrics``: demographic_parity_difference .4, equal_opportunity_difference .25,
    equalized_odds_difference 2/3 (rates by group, largest less smallest, the worse of both rates).
    """
    rows = grouped("aaaaabbbbb", [1, 1, 1, 1, 0, 0, 0, 0, 1, 1])
    said = np.array([0, 1, 1, 1, 1, 0, 0, 1, 1, 0], dtype=bool)
    even = np.ones(10)
    assert demographic_parity(rows, said, even) == pytest.approx(0.4)
    assert equal_opportunity(rows, said, even) == pytest.approx(3 / 4 - 1 / 2)
    assert equalized_odds(rows, said, even) == pytest.approx(1 - 1 / 3)
    weights = np.array([1, 1, 1, 1, 1, 1, 1, 3, 1, 1.0])  # a row thrice is as three rows
    assert demographic_parity(rows, said, weights) == pytest.approx(4 / 5 - 4 / 7)


def test_three_groups_and_a_privileged_one() -> None:
    rates = {"a": 0.2, "b": 0.5, "c": 0.9}
    assert apart(rates) == pytest.approx(0.7)
    assert apart(rates, "b") == pytest.approx(0.4)
    assert apart(rates, "d") is None
    assert apart({"a": 0.2}) is None


def test_null_and_small_groups_are_left_out() -> None:
    rows = grouped("aaaabbbbc-", [1, 1, 0, 0, 1, 1, 0, 0, 1, 1], k=2)
    said = np.ones(10, dtype=bool)
    assert set(rows.selected(said, np.ones(10))) == {"a", "b"}
    siblings = Grouped(rows.names, rows.group, np.zeros(10, np.int64), rows.truth, 2)
    assert siblings.selected(said, np.ones(10)) == {}  # one entity, however many rows


def test_itself_is_as_real_rows() -> None:
    real = people(1)
    report = judged(real, real)
    for name in GAPS:
        row = one(report, name)
        assert row.twin.value == row.ceiling.value == row.twin.detail["real"] > 0.05
        assert row.twin.detail["difference"] == 0.0
        assert row.twin.interval[0] <= row.twin.value <= row.twin.interval[1]
        assert row.floor.reason
    change = one(report, "change")
    assert (change.twin.value, change.twin.interval) == (0.0, (0.0, 0.0))
    assert change.floor.value > 0.2
    assert change.ceiling.reason


def test_other_real_rows_are_fair_alike_and_flipped_ones_are_not() -> None:
    real = people(1)
    alike, flipped = judged(real, people(2)), judged(real, people(2, flip=True))
    assert one(alike, "change").twin.value < 0.1 < 0.5 < one(flipped, "change").twin.value
    for name in GAPS:
        low, high = one(alike, name).twin.detail["difference interval"]
        assert low - 0.05 <= 0 <= high + 0.05
    said = one(flipped, "change").twin.detail
    assert (said["raised"], said["lowered"]) == ("woman", "man")
    page = html(flipped)
    assert "Equal opportunity difference" in page
    assert "people.sex x hired" in page


@pytest.mark.slow
def test_of_two_groups_and_outcomes_neither_choice_matters() -> None:
    real, held = people(1), people(99)
    privileged = judged(real, people(2), privileged={"sex": "man"})
    free = judged(real, people(2))
    for name in GAPS:  # of two groups, one is always the privileged one
        assert one(privileged, name).twin.value == one(free, name).twin.value
    swapped = judged(real, people(2), held, positive="no")
    assert one(swapped, "demographic_parity").twin.value == pytest.approx(
        one(free, "demographic_parity").twin.value, abs=0.02
    )


@pytest.mark.parametrize(
    "asked",
    [
        {"positive": None},
        {"target": "people.flag", "positive": 1},
        {"target": "people.flag", "positive": None},
        {"protected": ["band"]},
        {"target": "people.grade", "positive": "b"},
    ],
    ids=["last of two", "number", "last number", "numbered groups", "one of three"],
)
def test_targets_and_groups_of_other_kinds(asked: dict[str, Any]) -> None:
    change = numbered if asked.get("target") == "people.flag" else lambda t: t
    report = judged(change(people(1)), change(people(2)), **asked)
    row = one(report, "demographic_parity")
    assert row.twin.value is not None, row.twin.reason
    assert row.twin.detail["groups"] == (3 if "protected" in asked else 2)


def replaced(table: pa.Table, name: str, values: Any) -> pa.Table:
    field = table.schema.field(name)
    return table.set_column(table.column_names.index(name), name, pa.array(values, field.type))


def rare(table: pa.Table) -> pa.Table:
    sex = table["sex"].to_pylist()
    return replaced(table, "sex", ["other" if i < 4 else None if i < 50 else v
                                   for i, v in enumerate(sex)])  # fmt: skip


def test_what_is_left_out_is_said() -> None:
    report = judged(people(1), people(2), rare(people(99)))
    detail = one(report, "demographic_parity").twin.detail
    assert (detail["groups"], detail["groups left out"], detail["rows left out"]) == (2, 1, 50)
    assert "50 rows are not counted" in html(report)
    assert "other" not in str(one(report, "change").twin.detail)


UNSCORED: dict[str, tuple[Callable[[pa.Table], pa.Table], dict[str, Any], str]] = {
    "many values": (lambda t: t, {"protected": ["age"]}, "52 groups: more than 20"),
    "three outcomes": (lambda t: t, {"target": "people.grade", "positive": None}, "positive one"),
    "no group": (lambda t: replaced(t, "sex", [None] * len(t)), {}, "fewer than two groups"),
    "one group": (lambda t: replaced(t, "sex", ["man"] * len(t)), {}, "fewer than two groups"),
    "unseen privileged": (
        lambda t: replaced(t, "sex", [v if v != "man" else "other" for v in t["sex"].to_pylist()]),
        {"privileged": {"sex": "man"}},
        "privileged group",
    ),
    "unknown outcome": (lambda t: replaced(t, "hired", [None] * len(t)), {}, "known outcome"),
    "few rows": (lambda t: t.slice(0, 20), {}, "fewer than 40 rows"),
    "no rows": (lambda t: t.slice(0, 0), {}, "fewer than 40 rows"),
}


@pytest.mark.parametrize("case", UNSCORED)
def test_what_says_nothing_says_why(case: str) -> None:
    change, asked, word = UNSCORED[case]
    report = judged(people(1), people(2), change(people(99)), **asked)
    row = one(report, "demographic_parity")
    assert row.twin.value is None
    assert word in row.twin.reason
    assert html(report)


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.slice(0, 0),
        lambda t: t.slice(0, 1),
        lambda t: t.drop_columns(["hired"]),
        lambda t: t.drop_columns(["sex"]),
        lambda t: replaced(t, "hired", ["no"] * len(t)),
    ],
    ids=["empty", "one row", "no target", "no group", "one outcome"],
)
def test_a_twin_that_teaches_nothing_says_why(change: Callable[[pa.Table], pa.Table]) -> None:
    row = one(judged(people(1), change(people(2))), "change")
    assert row.twin.value is None
    assert row.twin.reason


def test_a_reason_tells_which_rows_teach_nothing() -> None:
    real, constant = people(1), replaced(people(2), "hired", ["no"] * 1_500)
    assert "rows of the twin" in one(judged(real, constant), "change").twin.reason
    few = replaced(real, "hired", ["yes"] * 3 + ["no"] * (len(real) - 3))
    assert "real rows" in one(judged(few, people(2)), "change").twin.reason


@pytest.mark.parametrize(
    ("asked", "near"),
    [
        ({"positive": "Yes"}, "yes"),
        ({"positive": "maybe"}, "yes"),
        ({"privileged": {"sex": "men"}}, "man"),
        ({"protected": ["band"], "privileged": {"band": 4}}, "3"),
        ({"target": "people.flag", "positive": "yes"}, "1"),
    ],
)
def test_values_that_real_rows_do_not_have_are_refused(asked: dict[str, Any], near: str) -> None:
    change = numbered if asked.get("target") == "people.flag" else lambda t: t
    with pytest.raises(EvaluationError, match="is in no real row") as raised:
        judged(change(people(1)), change(people(2)), **asked)
    assert near in str(raised.value.hint)


def test_a_value_of_few_real_rows_is_not_told() -> None:
    real = people(1)
    rare = ["womann"] * 9 + real["sex"].to_pylist()[9:]
    with pytest.raises(EvaluationError) as raised:
        judged(replaced(real, "sex", rare), people(2), privileged={"sex": "womannn"})
    assert "womann" not in str(raised.value.hint)


def test_a_twin_without_a_feature_or_with_strange_values_is_judged() -> None:
    twin = people(2)
    strange = replaced(twin, "sex", ["martian"] * len(twin))
    for made in (twin.drop_columns(["score"]), strange):
        assert one(judged(people(1), made), "change").twin.value is not None


def test_the_same_seed_gives_the_same_figures_in_any_order_of_rows() -> None:
    twin = people(2)
    place = pa.array(np.random.default_rng(0).permutation(len(twin)))
    found = [judged(people(1), t).to_json() for t in (twin, twin.take(place))]
    for document in found:
        document.pop("seconds")
    assert found[0] == found[1]


def test_a_gate_bounds_it_by_real_rows() -> None:
    report = judged(people(1), people(2, flip=True))
    gates = [
        {"metric": "fairness.demographic_parity", "at_most": "ceiling + 0.05"},
        {"metric": "fairness.change", "at_most": "noise + 0.1", "otherwise": "warn"},
    ]
    assert [g.decision for g in report.decided(gates).gates] == ["PASS", "WARN"]


@pytest.mark.parametrize(
    "asked",
    [
        {"target": "people.nothing"},
        {"target": "nobody.hired"},
        {"protected": ["nothing"]},
    ],
)
def test_unknown_columns_are_refused(asked: dict[str, Any]) -> None:
    with pytest.raises(EvaluationError) as raised:
        judged(people(1, 200), people(2, 200), **asked)
    assert raised.value.hint


@pytest.mark.parametrize(
    "asked", [{"target": "hired"}, {"protected": []}, {"privileged": {"age": 1}}]
)
def test_incomplete_declarations_are_refused(asked: dict[str, Any]) -> None:
    with pytest.raises(SpecError):
        EvaluationSettings(fairness=({**ASKED, **asked},))


def test_a_spec_declares_it() -> None:
    from synthlake.pipeline.judge import settings_of
    from synthlake.pipeline.spec import SynthesisSpec

    asked = {**ASKED, "privileged": {"sex": "man"}}
    spec = SynthesisSpec.load({"source": "d", "evaluate": {"tier": "full", "fairness": [asked]}})
    assert settings_of(spec, {}).audits == (
        Fairness("people.hired", ("sex",), "yes", {"sex": "man"}),
    )
    for wrong in ({"target": "hired"}, {"protected": []}, {"privileged": {"age": 1}}):
        with pytest.raises(SpecError, match="fairness"):
            SynthesisSpec.load({"source": "d", "evaluate": {"fairness": [{**ASKED, **wrong}]}})
