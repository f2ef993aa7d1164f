"""Twins that are broken on purpose: the figure that should see it does, and the advice names it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from tests.quality import test_fairness as fairness
from tests.quality import test_sequences as sequences
from tests.quality.conftest import Tables, schema_of, shops

from synthlake.quality.evaluate import evaluate
from synthlake.quality.report import Report
from synthlake.quality.report.html import html
from synthlake.quality.settings import EvaluationSettings
from synthlake.schema.model import Sequenced
from synthlake.source import open_source

ORDERS = "orders(customer) -> customers"


def changed(tables: Tables, table: str, **columns: Any) -> Tables:
    made = tables[table]
    for name, values in columns.items():
        place = made.column_names.index(name)
        kind = made.schema.field(name).type
        made = made.set_column(place, name, pa.array(values, kind, from_pandas=True))
    return {**tables, table: made}


def shifted(t: Tables) -> Tables:
    return changed(t, "customers", age=t["customers"]["age"].to_numpy() + 20)


def scaled(t: Tables) -> Tables:
    return changed(t, "orders", amount=t["orders"]["amount"].to_numpy() * 100)


def late(t: Tables) -> Tables:
    micros = t["orders"]["placed"].cast(pa.int64()).to_numpy() + 40 * 86_400_000_000
    return changed(t, "orders", placed=micros)


def exchanged(t: Tables) -> Tables:
    made = t["orders"]
    return changed(t, "orders", amount=made["discount"].to_numpy(zero_copy_only=False),
                   discount=made["amount"].to_numpy())  # fmt: skip


def unpaired(t: Tables) -> Tables:
    amount = np.random.default_rng(0).permutation(t["orders"]["amount"].to_numpy())
    return changed(t, "orders", amount=amount)


def dropped(t: Tables) -> Tables:
    tier = ["plain" if v == "silver" else v for v in t["customers"]["tier"].to_pylist()]
    return changed(t, "customers", tier=tier)


def spelled(t: Tables) -> Tables:
    tier = [v if i % 2 else v.upper() for i, v in enumerate(t["customers"]["tier"].to_pylist())]
    return changed(t, "customers", tier=tier)


def emptied(t: Tables) -> Tables:
    amount = t["orders"]["amount"].to_pylist()
    return changed(t, "orders", amount=[None if i % 3 == 0 else v for i, v in enumerate(amount)])


def doubled(t: Tables) -> Tables:
    again = changed(t, "orders", order=t["orders"]["order"].to_numpy() + 50_000)["orders"]
    amount = again["amount"].to_numpy() * 1.001  # so that no row is there twice
    again = changed({"orders": again}, "orders", amount=amount)["orders"]
    return {**t, "orders": pa.concat_tables([t["orders"], again])}


def reassigned(t: Tables) -> Tables:
    keys = t["orders"]["customer"].to_pylist()
    found = np.array([k is not None and k.startswith("C") for k in keys])
    names = [k for k, ok in zip(keys, found, strict=True) if ok]
    # parents keep their number of children
    people = sorted(set(names))
    other = dict(zip(people, np.random.default_rng(0).permutation(people).tolist(), strict=True))
    return changed(t, "orders", customer=[other.get(k, k) for k in keys])


def dangling(t: Tables) -> Tables:
    keys = t["orders"]["customer"].to_pylist()
    return changed(t, "orders", customer=["Q" + k if k and i % 4 == 0 else k
                                          for i, k in enumerate(keys)])  # fmt: skip


def leaked(t: Tables) -> Tables:
    real = shops(1)["orders"]
    rows = len(t["orders"]) // 5
    return {**t, "orders": pa.concat_tables([real.slice(0, rows), t["orders"].slice(rows)])}


BROKEN: dict[str, tuple[Callable[[Tables], Tables], str, str, str, str]] = {
    # how, cause, where, the metric that sees it, words of the finding
    "shifted": (shifted, "shifted", "customers.age", "ks", "too high"),
    "time": (late, "shifted", "orders.placed", "ks", "too high"),
    "scaled": (scaled, "scaled", "orders.amount", "ks", "multiplied by"),
    "exchanged": (exchanged, "exchanged", "orders.amount", "ks", "belongs to discount"),
    "unpaired": (unpaired, "association", "orders.amount", "pairs", "express"),
    "dropped": (dropped, "dropped category", "customers.tier", "coverage", "a category that"),
    "invented": (spelled, "invented category", "customers.tier", "tvd", "2.0 times"),
    "emptied": (emptied, "null rate", "orders.amount", "null_rate", "not 0.0%"),
    "doubled": (doubled, "cardinality", ORDERS, "degrees", "times as many children"),
    "reassigned": (reassigned, "assignment", ORDERS, "parent_pairs", "customers.tier"),
    "dangling": (dangling, "dangling", ORDERS, "orphans", "have no parent"),
    "leaked": (leaked, "copied", "orders", "copies", "would be by chance"),
}


def judged(twin: Tables, holdout: bool, seed: int = 0) -> Report:
    source = open_source(shops(1))
    settings = EvaluationSettings("standard", seed, metrics=("parent_pairs",), max_rows=4_000)
    held = open_source(shops(3)) if holdout else None
    return evaluate(source, open_source(twin), schema_of(source), settings=settings, holdout=held)


@pytest.mark.parametrize("holdout", [True, False], ids=["holdout", "alone"])
@pytest.mark.parametrize("case", BROKEN)
def test_the_cause_is_named(case: str, holdout: bool, tmp_path: Path) -> None:
    how, cause, where, metric, words = BROKEN[case]
    report = judged(how(shops(2)), holdout)
    first = next((a for a in report.advice if a.cause == cause), None)
    assert first is not None, [a.text for a in report.advice]
    assert first.subject.label == where
    assert words in first.finding
    assert first.remedy
    others = {a.cause for a in report.advice} - {cause}
    assert others == set(), [a.text for a in report.advice]
    mine = [
        r
        for r in report.of(metric)
        if set(first.subject.columns) <= set(r.subject.columns)
        and r.subject.key == first.subject.key
        and r.subject.table == first.subject.table
    ]
    row = max(mine, key=lambda r: abs((r.twin.value or 0.0) - report.metrics[metric].best))
    if row.ceiling is not None and row.ceiling.value is not None:
        assert row.twin.value is not None
        assert abs(row.twin.value - row.ceiling.value) > 0.1
    assert first.finding in html(report)
    assert first.remedy in " ".join(report.summary().split())
    stored = report.save(tmp_path / "report.json")
    assert Report.load(stored).advice == report.advice


def ordered(twin: Tables, **said: Any) -> Report:
    real = sequences.without(sequences.machines(1), "line")
    return sequences.judged(
        real, sequences.without(twin, "line"), sequences.schema_of(real, **said)
    )


@pytest.mark.parametrize("said", [{}, {"sequence": Sequenced("at")}], ids=["found", "declared"])
def test_rows_shuffled_within_an_entity_are_named(said: dict[str, Any]) -> None:
    report = ordered(sequences.mixed_within(sequences.machines(2)), **said)
    assert [a.cause for a in report.advice] == ["order"], [a.text for a in report.advice]
    found = report.advice[0]
    assert (found.subject.label, found.metric) == ("readings.load", "autocorrelation")
    assert "autocorrelation at lag 1 -0." in found.finding
    assert "mood" in found.finding
    assert ("shuffled" if said else "declare `sequence: {by: at}` for readings") in found.remedy
    assert found.finding in html(report)


def test_rows_of_another_parent_are_told_to_be_made_with_it() -> None:
    real = sequences.without(sequences.machines(1), "line")
    twin = sequences.without(sequences.mixed_within(sequences.machines(2)), "line")
    report = sequences.judged(real, twin, sequences.matched(real))
    assert "`mode: own` for readings(machine) -> machines" in report.advice[0].remedy


def test_steps_of_another_length_are_named() -> None:
    twin = sequences.machines(2)
    at = twin["readings"]["at"].cast(pa.int64()).to_numpy()
    rounded = at // (24 * 3_600_000_000) * (24 * 3_600_000_000)
    report = ordered(sequences.changed(twin, at=rounded), sequence=Sequenced("at"))
    order = [a for a in report.advice if a.cause == "order"]
    assert [(a.subject.label, a.metric) for a in order] == [("readings.at", "inter_event_times")]
    assert "steps from row to row" in order[0].finding


@pytest.mark.parametrize("seed", range(2))
def test_other_rows_in_order_need_no_advice(seed: int) -> None:
    assert ordered(sequences.machines(seed + 5)).advice == ()


def test_a_flipped_outcome_of_a_group_is_named(tmp_path: Path) -> None:
    report = fairness.judged(fairness.people(1), fairness.people(2, flip=True))
    found = next(a for a in report.advice if a.cause == "favoured")
    assert (found.subject.label, found.metric) == ("people.sex x hired", "fairness.change")
    assert "of woman by +" in found.finding
    assert "of man by -" in found.finding
    assert "`conditions: [sex]`" in found.remedy
    assert Report.load(report.save(tmp_path / "report.json")).advice == report.advice
    alike = fairness.judged(fairness.people(1), fairness.people(2))
    assert alike.advice == ()


def test_the_gate_says_the_cause() -> None:
    report = judged(shifted(shops(2)), holdout=True)
    gate = next(g for g in report.gates if g.gate.metric == "ks")
    assert gate.decision == "FAIL"
    assert "too high" in gate.advice
    assert gate.advice.startswith("customers.age: ")


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("holdout", [True, False], ids=["holdout", "alone"])
def test_other_real_rows_need_no_advice(seed: int, holdout: bool) -> None:
    assert judged(shops(seed + 4), holdout, seed).advice == ()


def test_itself_is_only_a_copy() -> None:
    assert {a.cause for a in judged(shops(1), holdout=True).advice} == {"copied"}


def test_a_table_without_rows_or_columns_is_no_riddle() -> None:
    twin = shops(2)
    for made in (
        {**twin, "orders": twin["orders"].slice(0, 0)},
        {**twin, "customers": twin["customers"].drop_columns(["tier"])},
        {
            **twin,
            "customers": pc.filter(twin["customers"], pc.equal(twin["customers"]["id"], "C1")),
        },
    ):
        assert isinstance(judged(made, holdout=False).advice, tuple)
