"""Attacks find what leaks, find nothing in honest rows, and say why where they cannot tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tests.bench.attacks import ATTACKS, KINDS, attacked, drawn, flags, parts

from synthlake.quality.attacks import curves
from synthlake.quality.attacks.arena import halves
from synthlake.quality.attacks.curves import Ranked
from synthlake.quality.attacks.rates import Attack, Outcome, Rate, rate
from synthlake.quality.evaluate import evaluate
from synthlake.quality.metric import metrics
from synthlake.quality.metrics import membership
from synthlake.quality.report import Report
from synthlake.quality.report.document import text
from synthlake.quality.report.html import html
from synthlake.quality.settings import EvaluationSettings
from synthlake.schema.model import ForeignKey, Schema
from synthlake.seed import Seed
from synthlake.source import open_source

SEEDS = 2  # in tests/bench/attacks.py are more


@pytest.fixture(scope="module")
def reports() -> Mapping[tuple[int, str], Report]:
    out = {}
    for seed in range(SEEDS):
        train, held, twins = parts(drawn(5_000, seed), seed)
        for kind in KINDS:
            out[seed, kind] = attacked(train, held, twins[kind], seed)
    return out


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(SEEDS))
def test_an_honest_twin_is_not_flagged(
    reports: Mapping[tuple[int, str], Report], seed: int
) -> None:
    assert {m for m, flag in flags(reports[seed, "honest"]).items() if flag} == set()


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("metric", ATTACKS)
def test_a_copy_is_exactly_worst(
    reports: Mapping[tuple[int, str], Report], seed: int, metric: str
) -> None:
    report = reports[seed, "copy"]
    assert {r.twin.value for r in report.of(metric) if r.twin.value is not None} <= {1.0}
    assert flags(report)[metric] in (True, None)


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("kind", ["tenth", "jittered"])
def test_parts_and_near_copies_are_flagged(
    reports: Mapping[tuple[int, str], Report], seed: int, kind: str
) -> None:
    found = flags(reports[seed, kind])
    assert found["membership.tpr"]
    assert sum(bool(found[m]) for m in ATTACKS) >= 2


def test_every_attack_has_a_control_and_an_interval(
    reports: Mapping[tuple[int, str], Report],
) -> None:
    report = reports[0, "tenth"]
    for metric in ATTACKS:
        for row in report.of(metric):
            score = row.twin
            assert score.value is not None or score.reason
            if score.value is not None:
                assert score.interval is not None
                assert score.interval[0] <= score.value <= score.interval[1]
                assert {"control", "by chance"} & set(score.detail)
                assert {"training rows", "risk of training rows"} & set(score.detail)
    page = html(report)
    assert 'id="attacks"' in page
    assert all(metrics()[m].title in page for m in ATTACKS)
    assert text(report)


def test_the_same_seed_gives_the_same_figures() -> None:
    train, held, twins = parts(drawn(2_000, 5), 5)
    first, again = (attacked(train, held, twins["tenth"], 5) for _ in range(2))
    assert first.scores == again.scores


@pytest.mark.parametrize("seed", range(2))
def test_siblings_do_not_make_an_honest_twin_look_guilty(seed: int) -> None:
    """Rows of one customer are near each other, and never in training rows and hold-out both."""
    tables = [_families(seed * 10 + i) for i in range(3)]
    source = open_source(tables[0])
    schema = _own(source.schema())
    settings = EvaluationSettings("quick", seed, metrics=ATTACKS)
    gates = tuple({"metric": m, "at_most": "noise + 0.05"} for m in ATTACKS)
    report = evaluate(
        source, open_source(tables[1]), schema, holdout=open_source(tables[2]),
        settings=replace(settings, gates=gates),
    )  # fmt: skip
    missed = [g.gate.metric for g in report.gates if g.decision == "FAIL" and "visits" in g.subject]
    assert missed == []
    assert next(r for r in report.of("membership") if r.subject.table == "visits").twin.interval


def test_halves_that_part_siblings_would_accuse_the_honest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def by_row(owners: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return np.random.default_rng(0).random(len(owners)) < 0.5

    monkeypatch.setattr(membership, "halves", by_row)
    learned, twin, held = (open_source(_families(i)) for i in range(3))
    settings = EvaluationSettings("quick", metrics=("membership",), gates=())
    report = evaluate(learned, twin, _own(learned.schema()), settings=settings, holdout=held)
    score = next(r for r in report.of("membership") if r.subject.table == "visits").twin
    assert (score.value or 0.0) > 0.5


def _families(seed: int, people: int = 500) -> dict[str, pa.Table]:
    random = np.random.default_rng(seed)
    owner = np.repeat(np.arange(people), random.poisson(4, people))
    habit = random.normal(0, 1, (people, 4))
    shown = habit[owner] + random.normal(0, 0.05, (len(owner), 4))
    numbers = pa.array(np.arange(people) + seed * 10_000)
    return {
        "people": pa.table({"id": numbers, "age": random.integers(18, 90, people)}),
        "visits": pa.table({
            "visit": np.arange(len(owner)) + seed * 100_000, "person": numbers.take(owner),
            **{f"h{i}": shown[:, i] for i in range(4)},
        }),
    }  # fmt: skip


def _own(schema: Schema) -> Schema:
    tables = dict(schema.tables)
    tables["people"] = replace(tables["people"], primary_key=("id",))
    tables["visits"] = replace(
        tables["visits"], primary_key=("visit",),
        foreign_keys=(ForeignKey(("person",), "people", ("id",), "own"),),
    )  # fmt: skip
    return Schema(tables)


HARD = {
    "constant": pa.table({"a": [7] * 200, "b": ["x"] * 200}),
    "all null": pa.table({"a": pa.nulls(200, pa.int64()), "b": pa.nulls(200, pa.string())}),
    "few values": pa.table({"a": [i % 3 for i in range(200)], "b": ["x", "y"] * 100}),
    "one column": pa.table({"a": np.arange(200) * 0.5}),
    "infinite": pa.table({"a": [np.nan, np.inf, -np.inf, 1.5] * 50, "b": ["x", None] * 100}),
    "few rows": pa.table({"a": list(range(30)), "b": ["x"] * 30}),
    "a float as key": pa.table({"a": np.arange(200) * 0.5, "b": [i % 7 for i in range(200)]}),
}


@pytest.mark.parametrize("case", HARD)
@pytest.mark.parametrize("twin", ["itself", "empty", "one row"])
def test_what_cannot_be_told_is_said(case: str, twin: str) -> None:
    table = HARD[case]
    half = len(table) // 2
    given = {
        "itself": table.slice(0, half),
        "empty": table.slice(0, 0),
        "one row": table.slice(0, 1),
    }
    source = open_source({"t": table.slice(0, half)})
    schema = source.schema()
    if case == "a float as key":
        schema = Schema({"t": replace(schema["t"], primary_key=("a",))})
    settings = EvaluationSettings("quick", metrics=ATTACKS)
    report = evaluate(
        source, open_source({"t": given[twin]}), schema, settings=settings,
        holdout=open_source({"t": table.slice(half)}),
    )  # fmt: skip
    for metric in ATTACKS:
        assert report.of(metric)
        for row in report.of(metric):
            assert row.twin.value is not None or row.twin.reason, row
            if twin == "itself":
                assert row.twin.value in (None, 1.0), row
    assert text(report)


def test_nothing_is_attacked_without_a_control() -> None:
    source = open_source({"t": drawn(300, 0)})
    settings = EvaluationSettings("quick", metrics=ATTACKS)
    report = evaluate(source, source, source.schema(), settings=settings)
    assert {r.twin.reason for m in ATTACKS for r in report.of(m)} == {
        "there is no hold-out as control"
    }


def test_lower_tiers_do_not_attack() -> None:
    assert {m.tier for n, m in metrics().items() if n in ATTACKS} == {"full"}


def test_a_missing_column_is_said() -> None:
    train, held, twins = parts(drawn(2_000, 0), 0)
    report = attacked(train, held, twins["honest"].drop_columns(["pay"]), 0)
    assert {r.twin.reason for r in report.of("membership")} == {"columns are missing: pay"}


def test_figures_by_hand() -> None:
    told = Ranked(np.array([3.0, 1.0, 2.0, 0.0]), np.array([1, 0, 1, 0], bool), np.arange(4))
    even = np.ones(4)
    assert curves.area(told, even) == 1.0
    assert curves.true_positives(told, even) == 1.0
    tied = Ranked(np.zeros(4), told.member, told.owners)
    assert curves.area(tied, even) == 0.5
    assert curves.true_positives(tied, even) == 0.0
    found = Outcome(Rate(0.6, 100), Rate(0.2, 100))
    assert found.risk == pytest.approx(0.5)
    low, high = found.interval()
    published = Outcome(Rate(56 / 70, 70), Rate(48 / 80, 80)).interval()  # Newcombe, table II (a)
    assert [b * (1 - 48 / 80) for b in published] == pytest.approx([0.0524, 0.3339], abs=5e-5)
    assert low < found.risk < high
    score = Attack(found, Outcome(Rate(1.0, 100), Rate(0.2, 100)), 0.1, (1, 1), {}).score()
    assert score.value == pytest.approx(0.5)


def test_chance_is_what_equal_scores_reach() -> None:
    random = np.random.default_rng(0)
    found = []
    for _ in range(400):
        told = Ranked(random.random(600), np.arange(600) < 300, np.arange(600))
        found.append(curves.true_positives(told, np.ones(600)))
    assert np.mean(found) == pytest.approx(curves.expected(300), abs=0.0015)


def test_intervals_cover_where_rows_come_in_families() -> None:
    random = np.random.default_rng(0)
    inside = 0
    for number in range(200):
        owners = np.repeat(np.arange(80), 5)
        chance = np.repeat(random.random(80) < 0.3, 5)  # all alike in a family
        low, high = rate(chance, owners).interval()
        inside += low <= 0.3 <= high
        if number < 10:
            assert rate(chance, owners).rows == pytest.approx(80, rel=0.05)
    assert inside / 200 >= 0.92


def test_bootstrap_is_seeded_and_halves_keep_families_together() -> None:
    told = Ranked(np.arange(100.0), np.arange(100) % 2 == 0, np.arange(100) // 4)
    seed = Seed(1, "x")
    assert curves.interval(told, curves.area, seed) == curves.interval(told, curves.area, seed)
    half = halves(told.owners)
    assert all(len(set(half[told.owners == o])) == 1 for o in range(25))
    assert 0 < half.mean() < 1
