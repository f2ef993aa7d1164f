"""Figures against independent computations, and between floor and ceiling."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats
from tests.quality.conftest import Tables, schema_of, shops, shuffled

from synthlake.quality import dataset, marginal
from synthlake.quality.evaluate import evaluate
from synthlake.quality.report import Report
from synthlake.quality.settings import EvaluationSettings
from synthlake.schema.model import Schema
from synthlake.source import open_source
from synthlake.sql.split import split


def one(report: Report, metric: str, *columns: str) -> float:
    value = next(r for r in report.of(metric) if r.subject.columns == columns).twin.value
    assert value is not None
    return value


def judged(real: Tables, twin: Tables, tier: str = "standard") -> Report:
    source = open_source(real)
    return evaluate(
        source, open_source(twin), source.schema(), settings=EvaluationSettings(tier)  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.fixture(scope="module")
def numbers() -> tuple[pa.Table, pa.Table]:
    random = np.random.default_rng(0)
    sides = []
    for rows, shift in ((3000, 0.0), (2000, 0.3)):
        x = random.normal(shift, 1, rows)
        y = x + random.normal(0, 1 + shift, rows)
        whole = random.integers(0, 40 + int(20 * shift), rows)
        letter = random.choice(list("abcd"), rows, p=[0.4 - shift / 2, 0.3, 0.2, 0.1 + shift / 2])
        missing = random.random(rows) < 0.2 + shift / 2
        sides.append(pa.table({"x": x, "y": y, "whole": whole, "letter": letter,
                               "holes": pa.array(y * 2, mask=missing)}))  # fmt: skip
    return sides[0], sides[1]


def test_columns_agree_with_scipy(numbers: tuple[pa.Table, pa.Table]) -> None:
    a, b = numbers
    report = judged({"t": a}, {"t": b})
    for name in ("x", "whole"):
        p, q = a[name].to_numpy(), b[name].to_numpy()
        assert one(report, "ks", name) == pytest.approx(stats.ks_2samp(p, q).statistic)
        moved = stats.wasserstein_distance(p, q) / p.std()
        assert one(report, "wasserstein", name) == pytest.approx(moved)
    shares = [
        {v["values"]: v["counts"] / len(t) for v in t["letter"].value_counts().to_pylist()}
        for t in numbers
    ]
    variation = sum(abs(shares[0][v] - shares[1][v]) for v in "abcd") / 2
    assert one(report, "tvd", "letter") == pytest.approx(variation)


def test_null_counts_as_a_value(numbers: tuple[pa.Table, pa.Table]) -> None:
    a, b = numbers
    p, q = (np.nan_to_num(t["holes"].to_numpy(), nan=-1e9) for t in numbers)
    report = judged({"t": a}, {"t": b})
    assert one(report, "ks", "holes") == pytest.approx(stats.ks_2samp(p, q).statistic)
    rates = [t["holes"].null_count / len(t) for t in numbers]
    assert one(report, "null_rate", "holes") == pytest.approx(abs(rates[0] - rates[1]))


def test_pearson_is_over_rows_where_both_are_known(numbers: tuple[pa.Table, pa.Table]) -> None:
    report = judged({"t": numbers[0]}, {"t": numbers[1]})
    for pair in (("x", "y"), ("x", "holes"), ("whole", "holes")):
        r = []
        for table in numbers:
            p, q = (table[c].to_numpy() for c in pair)
            known = ~np.isnan(p) & ~np.isnan(q)
            r.append(np.corrcoef(p[known], q[known])[0, 1])
        assert one(report, "pearson", *pair) == pytest.approx(abs(r[0] - r[1]), abs=1e-5)


def test_many_values_are_compared_by_intervals(
    numbers: tuple[pa.Table, pa.Table], monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = numbers
    exact = judged({"t": a}, {"t": b})
    monkeypatch.setattr(dataset, "MAX_VALUES", 100)
    monkeypatch.setattr(dataset, "MAX_NUMBERS", 100)
    monkeypatch.setattr(dataset, "MAX_CUTS", 512)
    rough, same = judged({"t": a}, {"t": b}), judged({"t": a}, {"t": a})
    assert one(rough, "ks", "x") == pytest.approx(one(exact, "ks", "x"), abs=2 / 512)
    assert one(rough, "pairs", "x", "letter") == pytest.approx(
        one(exact, "pairs", "x", "letter"), abs=0.02
    )
    assert one(same, "ks", "x") == one(same, "wasserstein", "x") == 0.0
    assert one(same, "pairs", "x", "y") == one(same, "range", "x") == 0.0
    assert marginal.MAX_VALUES == 20_000


@pytest.mark.slow
def test_floor_is_told_apart_and_other_real_rows_are_not() -> None:
    tables = shops(3, customers=1800)
    source = open_source(tables)
    schema = schema_of(source)
    parts = split(source, schema, 0.4)
    settings = EvaluationSettings("standard", metrics=("c2st.joined", "c2st.parent"), max_rows=3000)
    report = evaluate(
        source, open_source(tables), schema, settings=settings, holdout=parts.holdout,
        train=parts.train, floor=open_source(shuffled(tables, 5)),
    )  # fmt: skip
    row = next(r for r in report.of("c2st.joined") if r.subject.table == "orders")
    assert row.twin.value == 0.5
    assert row.floor is not None
    assert row.ceiling is not None
    assert row.floor.value is not None
    assert row.ceiling.value is not None
    assert row.floor.value > 0.75
    assert row.ceiling.value < 0.56
    assert row.ceiling.interval is not None
    low, high = row.ceiling.interval
    assert low <= row.ceiling.value <= high
    pair = next(r for r in report.of("pairs") if r.subject.columns == ("amount", "express"))
    assert pair.floor is not None
    assert pair.ceiling is not None
    assert (pair.floor.value or 0) > 0.2 > 0.05 > (pair.ceiling.value or 0)


def test_parents_beyond_the_part_are_found() -> None:
    """A hold-out's foreign keys may refer to parents in the other part."""
    source = open_source(shops(4, customers=1500))
    schema = schema_of(source)
    parts = split(source, schema, 0.3)
    report = evaluate(source, source, schema, holdout=parts.holdout, train=parts.train,
                      settings=EvaluationSettings("quick"))  # fmt: skip
    for row in report.of("orphans"):
        assert row.ceiling is not None
        assert (row.ceiling.value or 0.0) < 0.03


def test_a_holdout_in_another_database_has_its_own_parents(real: Tables, other: Tables) -> None:
    source = open_source(real)
    settings = EvaluationSettings("standard", metrics=("c2st.joined",), max_rows=500)
    report = evaluate(source, open_source(other), schema_of(source), train=source,
                      holdout=open_source(shops(9)), settings=settings)  # fmt: skip
    for row in (*report.of("orphans"), *report.of("ks")):
        assert row.ceiling is not None
        assert row.ceiling.value is None or row.ceiling.value < 0.2, row.subject
    memorised = next(r for r in report.of("memorised") if r.subject.table == "orders").twin
    assert memorised.interval is not None
    assert memorised.interval[0] < 0.1


def test_the_order_of_rows_does_not_matter(real: Tables, other: Tables) -> None:
    random = np.random.default_rng(1)
    mixed = {n: t.take(random.permutation(len(t))) for n, t in other.items()}
    source = open_source(real)
    schema = schema_of(source)
    settings = EvaluationSettings(metrics=("c2st.joined", "c2st.parent"), max_rows=300)
    found = [evaluate(source, open_source(t), schema, settings=settings).to_json()
             for t in (other, mixed)]  # fmt: skip
    for document in found:
        document.pop("seconds")
    assert found[0] == found[1]


def test_a_target_is_predicted_as_well_from_real_rows(real: Tables) -> None:
    tables = shops(6, customers=2000)
    source = open_source(tables)
    schema = schema_of(source)
    parts = split(source, schema, 0.3)
    settings = EvaluationSettings("quick", metrics=("tstr",), target="orders.express")
    report = evaluate(
        source, open_source(shops(7, 2000)), schema, settings=settings, holdout=parts.holdout,
        train=parts.train, floor=open_source(shuffled(tables, 1)),
    )  # fmt: skip
    row = report.of("tstr")[0]
    assert row.twin.value == pytest.approx(1.0, abs=0.05)
    assert row.floor is not None
    assert (row.floor.value or 0.0) < 0.3


def classed(seed: int, rows: int, kept: int = 10) -> pa.Table:
    """Ten classes by a number, of which the last ones may have become one."""
    random = np.random.default_rng(seed)
    x = random.normal(0, 1, rows)
    place = np.minimum(np.digitize(x, np.linspace(-1.2, 1.2, 9)), kept - 1)
    return pa.table({"x": x, "z": random.normal(0, 1, rows), "y": [f"c{p}" for p in place]})


@pytest.mark.parametrize(("kept", "least", "most"), [(10, 0.9, 1.1), (2, 0.0, 0.4), (1, 0.0, 0.0)])
def test_classes_that_the_twin_lost_count(kept: int, least: float, most: float) -> None:
    source = open_source({"t": classed(1, 1_500)})
    settings = EvaluationSettings("quick", metrics=("tstr",), target="t.y")
    report = evaluate(
        source, open_source({"t": classed(2, 1_500, kept)}), source.schema(), settings=settings,
        holdout=open_source({"t": classed(3, 400)}),
    )  # fmt: skip
    value = report.of("tstr")[0].twin.value
    assert value is not None
    assert least <= value <= most
    gate = next(g for g in report.gates if g.gate.metric == "tstr")
    assert gate.decision == ("PASS" if kept == 10 else "FAIL")


def test_no_table_is_refused() -> None:
    source = open_source({"t": pa.table({"a": [1]})})
    with pytest.raises(ValueError, match="no table"):
        evaluate(source, source, Schema({}))
