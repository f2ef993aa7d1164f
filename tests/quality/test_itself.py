"""A data set against itself is exactly perfect in likeness, and a copy."""

from __future__ import annotations

import pytest
from tests.quality.conftest import Tables, schema_of

from synthlake.quality.evaluate import evaluate
from synthlake.quality.metric import metrics
from synthlake.quality.report import Report
from synthlake.quality.settings import EvaluationSettings
from synthlake.source import open_source
from synthlake.sql.split import split


@pytest.fixture(scope="module")
def itself(real: Tables) -> Report:
    source = open_source(real)
    settings = EvaluationSettings("deep", target="orders.amount")
    return evaluate(source, open_source(real), schema_of(source), settings=settings)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [n for n, m in metrics().items() if m.kind in ("fidelity", "integrity")]
)
def test_likeness_is_exactly_best(itself: Report, name: str) -> None:
    values = {r.subject.label: r.twin.value for r in itself.of(name) if r.twin.value is not None}
    assert values, "nothing was scored"
    assert set(values.values()) == {itself.metrics[name].best}


def test_copies_fail_without_a_holdout(itself: Report) -> None:
    assert {r.twin.value for r in itself.of("copies") if r.twin.value is not None} == {1.0}
    assert next(g for g in itself.gates if g.gate.metric == "copies").decision == "FAIL"
    assert itself.decision == "FAIL"


def test_training_rows_are_memorised_exactly(real: Tables) -> None:
    source = open_source(real)
    schema = schema_of(source)
    parts = split(source, schema, 0.2)
    assert parts.holdout is not None
    report = evaluate(
        source, parts.train, schema, holdout=parts.holdout, train=parts.train,
        settings=EvaluationSettings("standard"),
    )  # fmt: skip
    found = {r.subject.table: r.twin for r in report.of("memorised")}
    assert found["orders"].value == 1.0
    assert {r.twin.value for r in report.of("copies") if r.twin.value is not None} == {1.0}
    assert report.decision == "FAIL"


def test_everything_is_scored_or_listed(itself: Report, real: Tables) -> None:
    columns = {(t, c) for t, table in real.items() for c in table.column_names}
    listed = {
        (r.subject.table, r.subject.columns[0]): r.twin
        for name in ("ks", "tvd")
        for r in itself.of(name)
    }
    assert set(listed) == columns
    assert all(s.reason for s in listed.values() if s.value is None)
    pairs = {(r.subject.table, frozenset(r.subject.columns)) for r in itself.of("pairs")}
    wanted = sum(len(t.column_names) * (len(t.column_names) - 1) // 2 for t in real.values())
    assert len(pairs) == len(itself.of("pairs")) == wanted
    assert all(r.twin.reason for r in itself.of("pairs") if r.twin.value is None)
    assert listed["orders", "parts"].value == 0.0  # a list is compared by its length
    assert "not compared" in listed["orders", "mark"].reason
