"""Tables that real databases have and judges stumble over."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from synthlake.quality.evaluate import evaluate
from synthlake.quality.report import Report
from synthlake.quality.report.document import text
from synthlake.quality.report.html import html
from synthlake.quality.settings import EvaluationSettings
from synthlake.schema.model import Schema
from synthlake.source import open_source

NASTY = 'select "x"; drop'
ROWS = 60


def judged(real: pa.Table, twin: pa.Table, name: str = "t", key: str = "") -> Report:
    source = open_source({name: real})
    table = replace(source.schema()[name], primary_key=(key,) if key else ())
    settings = EvaluationSettings("full")
    report = evaluate(source, open_source({name: twin}), Schema({name: table}), settings=settings)
    assert html(report)
    assert text(report)
    assert report.summary()
    return report


def value(report: Report, metric: str, column: str = "") -> float | None:
    rows = [r for r in report.of(metric) if column in ("", *r.subject.columns)]
    return rows[0].twin.value


CASES = {
    "empty": pa.table({"a": pa.array([], pa.int64()), "b": pa.array([], pa.string())}),
    "one row": pa.table({"a": [1], "b": ["x"]}),
    "all null": pa.table({"a": pa.nulls(ROWS, pa.int64()), "b": pa.nulls(ROWS, pa.string())}),
    "constant": pa.table({"a": [7] * ROWS, "b": ["x"] * ROWS}),
    "mostly null": pa.table({"a": [None] * (ROWS - 1) + [3], "b": ["x"] + [None] * (ROWS - 1)}),
    "one column": pa.table({"a": list(range(ROWS))}),
    "nan and infinity": pa.table({"a": [np.nan, np.inf, -np.inf, 1.5, -0.0] * 12,
                                  "b": ["x", "y", None, "", " "] * 12}),
    "nasty names": pa.table(
        {NASTY: list(range(ROWS)), "'": ["'", '"', ";"] * 20, "π %": [1.5] * ROWS}
    ),
    "types": pa.table({
        "date": pa.array(list(range(ROWS)), pa.date32()),
        "time": pa.array(list(range(ROWS)), pa.time64("us")),
        "zoned": pa.array(list(range(ROWS)), pa.timestamp("us", "UTC")),
        "span": pa.array(list(range(ROWS)), pa.duration("us")),
        "flag": pa.array([True, False] * 30),
        "money": pa.array(list(range(ROWS)), pa.int64()).cast(pa.decimal128(22, 2)),
        "small": pa.array([i % 5 for i in range(ROWS)], pa.uint8()),
        "bytes": pa.array([b"x"] * ROWS),
        "nested": pa.array([{"a": 1}] * ROWS),
    }),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("case", CASES)
def test_against_itself(case: str) -> None:
    table = CASES[case]
    report = judged(table, table, name=NASTY)
    for row in report.scores:
        metric = report.metrics[row.metric]
        if metric.kind in ("fidelity", "integrity") and row.twin.value is not None:
            assert row.twin.value == metric.best, (row.metric, row.subject)
        assert row.twin.value is not None or row.twin.reason, (row.metric, row.subject)


def test_an_empty_twin_is_as_bad_as_can_be() -> None:
    table = CASES["one column"]
    report = judged(table, table.slice(0, 0))
    assert value(report, "ks", "a") == 1.0
    assert value(report, "rows") == 0.0
    assert report.decision == "FAIL"


def test_a_missing_column_is_as_bad_as_can_be() -> None:
    table = pa.table({"a": list(range(ROWS)), "b": ["x", "y"] * 30})
    report = judged(table, table.drop_columns(["b"]))
    assert value(report, "tvd", "b") == 1.0
    assert value(report, "schema") == 1.0
    assert report.decision == "FAIL"


def test_a_missing_table_is_said() -> None:
    source = open_source({"t": CASES["one column"], "u": CASES["constant"]})
    report = evaluate(source, open_source({"t": CASES["one column"]}), source.schema())
    assert next(r for r in report.of("schema") if r.subject.table == "u").twin.value == 1.0
    assert html(report)


def test_another_type_is_read_as_the_real_one() -> None:
    real = pa.table({"a": list(range(ROWS))})
    report = judged(real, pa.table({"a": [str(i) for i in range(ROWS)]}))
    assert value(report, "ks", "a") == 0.0
    assert value(report, "schema") == 1.0


def test_unseen_categories_and_values_are_counted() -> None:
    real = pa.table({"c": ["x", "y"] * 50, "n": list(range(100))})
    twin = pa.table({"c": ["x", "z"] * 50, "n": list(range(10, 110))})
    report = judged(real, twin)
    row = report.of("coverage")[0].twin
    assert row.value == 0.5
    assert row.detail["rows_unseen"] == 50
    assert value(report, "tvd", "c") == 0.5
    outside = next(r for r in report.of("range") if r.subject.columns == ("n",)).twin
    assert outside.detail == {"rows_outside": 10}


def test_repeated_keys_are_counted() -> None:
    real = pa.table({"id": list(range(ROWS)), "v": [1.0] * ROWS})
    twin = pa.table({"id": [*range(ROWS - 3), None, 1, 1], "v": [1.0] * ROWS})
    report = judged(real, twin, key="id")
    assert value(report, "primary_key") == 3.0
    assert next(g for g in report.gates if g.gate.metric == "primary_key").decision == "FAIL"
