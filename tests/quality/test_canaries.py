"""No value that fewer than k rows share is in any form of the report."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from tests.quality.conftest import Tables, schema_of, shops

from synthlake.ports import Event
from synthlake.quality.evaluate import evaluate
from synthlake.quality.metric import metrics
from synthlake.quality.report import Report
from synthlake.quality.report.document import text
from synthlake.quality.report.html import html
from synthlake.quality.settings import EvaluationSettings
from synthlake.source import open_source

CATEGORY, ORPHAN, NAME = "zzcanarytier", "Ccanaryorphan", "canary personsname"
DEEP = tuple(n for n, m in metrics().items() if m.tier == "deep" and not n.endswith(".seeds"))
LARGEST, SMALLEST, DEGREE, OLDEST = 98765.43, -54321.98, 977, 31_415


def planted() -> Tables:
    tables = shops(1)
    customers, orders = tables["customers"], tables["orders"]
    tier, age, name = (customers[c].to_pylist() for c in ("tier", "age", "name"))
    tier[5], age[6], name[7] = CATEGORY, OLDEST, NAME
    keys = orders["customer"].to_pylist()
    keys[3] = ORPHAN
    amount = orders["amount"].to_numpy().copy()
    amount[11], amount[12] = LARGEST, SMALLEST
    extra = orders.slice(0, DEGREE - keys.count("C0"))
    orders = orders.set_column(1, "customer", pa.array(keys))
    orders = orders.set_column(3, "amount", pa.array(amount))
    new = pa.array(np.arange(len(extra)) + 10_000_000)
    extra = extra.set_column(0, "order", new).set_column(
        1, "customer", pa.array(["C0"] * len(extra))
    )
    customers = customers.set_column(1, "tier", pa.array(tier))
    customers = customers.set_column(2, "age", pa.array(age, pa.int16()))
    customers = customers.set_column(3, "name", pa.array(name))
    return {**tables, "customers": customers, "orders": pa.concat_tables([orders, extra])}


def everything(k: int, twin: Callable[[], Tables], heard: list[Event]) -> tuple[Report, str]:
    source = open_source(planted())
    asked = ({"target": "orders.amount", "features": ["express"]},)
    settings = EvaluationSettings(
        "full", k=k, max_rows=800, target="orders.amount", regressions=asked, metrics=DEEP,
        fairness=({"target": "customers.region", "protected": ["tier"], "positive": "N"},),
        matches=({"table": "customers", "known": ["tier", "age", "name", "region"]},),
    )  # fmt: skip
    report = evaluate(
        source, open_source(twin()), schema_of(source), settings=settings, on_event=heard.append,
        holdout=open_source(shops(3)),
    )  # fmt: skip
    said = json.dumps([str(e) for e in heard])
    return report, "\n".join([html(report), text(report), report.summary(), repr(report), said])


@pytest.mark.slow
@pytest.mark.parametrize("twin", [planted, lambda: shops(2)], ids=["copy", "other"])
def test_rare_values_are_nowhere(twin: Callable[[], Tables]) -> None:
    _, written = everything(10, twin, [])
    canaries = [CATEGORY, ORPHAN, NAME, "98765", "54321", "31415"]
    assert [c for c in canaries if c in written] == []
    assert not re.search(rf"(?<![\d.]){DEGREE}(?![\d.])", written)
    assert "gold" in written  # values that many share are shown


@pytest.mark.slow
def test_the_search_can_find_them() -> None:
    _, written = everything(1, planted, [])
    assert CATEGORY in written
