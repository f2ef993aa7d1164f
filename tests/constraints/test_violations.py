"""The SQL that finds rows which break a rule: as text in each dialect, and run by each engine."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tests.constraints.ruled import RULES, learned, made, sales, violations
from tests.contract.engines import ENGINES

import synthlake as sl
from synthlake.constraints.declared import declared
from synthlake.pipeline.learn import understand
from synthlake.pipeline.plan import plan_run
from synthlake.pipeline.spec import SynthesisSpec
from synthlake.ports import Constraint
from synthlake.quality.dataset import DataSet
from synthlake.quality.metrics.constraints import violations as counted
from synthlake.schema.document import parse_tables
from synthlake.schema.model import Column, Schema, Table
from synthlake.source import open_source

GOLDEN = Path(__file__).parent.parent / "golden" / "constraints"
REAL = sales(1_200, 5)


def ruled() -> Table:
    rules = tuple({**r, "decimals": 2} if r.get("sum") == "total" else r for r in RULES)
    columns = tuple(Column(f.name, f.type) for f in REAL.schema)
    return Table("t", columns, constraints=rules)


@pytest.mark.parametrize("dialect", ["duckdb", "postgres", "spark", "sqlite"])
def test_sql_of_each_kind(dialect: str) -> None:
    path = GOLDEN / f"{dialect}.sql"
    parts = []
    for rule in declared(ruled()):
        checked: Constraint = rule
        parts.append(f"-- {checked.label}\n{checked.violation_sql(dialect, 'rows', 'source')};\n")
    text = "\n".join(parts)
    if not path.exists():
        path.write_text(text, encoding="utf-8")
        pytest.fail(f"{path.name} is new: look at it")
    assert text == path.read_text(encoding="utf-8")


_ENGINES = [pytest.param(n, marks=pytest.mark.slow) if n == "spark" else n for n in ENGINES]


@pytest.mark.slow
@pytest.mark.parametrize("engine", _ENGINES)
def test_engines_count_the_same_rows(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    table = ruled()
    schema = Schema({"t": table})
    source = ENGINES[engine](request, {"t": REAL}, tmp_path)
    memory = open_source({"t": REAL})
    here = DataSet("twin", source.engine(), source.schema(), schema)
    there = DataSet("real", memory.engine(), memory.schema(), schema)
    expected, found = {}, {}
    for rule in declared(table):
        if engine == "sqlite" and rule.kind == "regex":  # it has no regular expressions
            continue
        expected[rule.label] = counted(there, there, rule)
        found[rule.label] = counted(here, there, rule)
    assert found == expected
    assert sum(n > 0 for n in expected.values()) > 10


def test_the_report_counts_broken_rows_and_the_gate_fails() -> None:
    rules = [{"range": "age", "min": 18}, {"fixed_combinations": ["state", "city"]}]
    real = REAL.select(["age", "state", "city", "amount"])
    artifact = learned(real, rules)
    twin = made(artifact, 1_200)
    report = sl.evaluate({"t": real}, {"t": twin}, artifact.schema, tier="quick")
    rows = {r.subject.label: r.twin for r in report.of("constraints")}
    assert {s.value for s in rows.values()} == {0.0}
    assert rows["t {range: age, min: 18}"].detail["real"] == violations(
        artifact.schema["t"], real, real
    )["range: age, min: 18"] > 0  # fmt: skip
    assert _gate(report) == "PASS"
    wrong = twin.set_column(1, "state", pa.array(["NY"] * len(twin)))
    report = sl.evaluate({"t": real}, {"t": wrong}, artifact.schema, tier="quick")
    values = {r.subject.label: r.twin.value for r in report.of("constraints")}
    assert values["t {fixed_combinations: [state, city]}"] == sum(
        c not in ("Albany", "Buffalo") for c in twin["city"].to_pylist()
    )
    assert _gate(report) == "FAIL"
    assert report.decision == "FAIL"


def _gate(report: Any) -> str:
    return next(g.decision for g in report.gates if g.gate.metric == "constraints")


def test_the_plan_counts_real_rows_that_break_a_rule() -> None:
    source = open_source({"t": REAL})
    rules = [{"range": "age", "min": 18}, {"null_together": ["east", "north"]}]
    given = {"t": {"primary_key": [], "constraints": rules}}
    spec = SynthesisSpec.load({"source": "x", "sink": "y", "tables": given})
    plan = plan_run(source, understand(source, spec.tables), spec)
    (note,) = (n for n in plan.notes if "is broken by" in n)
    broken = sum(v is not None and v < 18 for v in REAL["age"].to_pylist())
    assert note.startswith(f"t {{range: age, min: 18}} is broken by {broken:,} of 1,200 real rows")


def test_rules_survive_files_and_json(tmp_path: Path) -> None:
    schema = Schema({"t": ruled()})
    path = schema.save(tmp_path / "schema.yml")
    again = Schema.load(path).merge_into(Schema({"t": replace(ruled(), constraints=())}))
    assert again["t"].constraints == ruled().constraints


PLUGIN = """
def even(rule):
    '''Whole numbers that are even.'''
    return f'"{rule["even"]}" % 2 = 0'
"""


def test_a_plugin_brings_a_kind_of_rule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "synthlake_even.py").write_text(PLUGIN)
    info = tmp_path / "synthlake_even-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: synthlake_even\nVersion: 1.0\n")
    entry = "[synthlake.constraints]\neven = synthlake_even:even\n"
    (info / "entry_points.txt").write_text(entry)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "synthlake_even", raising=False)
    document = parse_tables({"t": {"constraints": [{"even": "amount"}]}})
    real = REAL.select(["amount", "state"])
    artifact = sl.fit({"t": real}, document, seed=1)
    twin = made(artifact, 2_000)
    assert {v % 2 for v in twin["amount"].to_pylist()} == {0}
