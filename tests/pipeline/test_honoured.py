"""Schemas and sizes that no twin can honour: said by plan, with the tables and the way out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.relational.databases import Database, Declared, enrolments, fit, key

from synthlake.api import plan
from synthlake.cli.sized import scale_of
from synthlake.errors import LearnError, SampleError, SchemaError, SpecError
from synthlake.pipeline.learn import understand
from synthlake.pipeline.plan import Plan, plan_run
from synthlake.pipeline.run import run
from synthlake.pipeline.spec import SynthesisSpec
from synthlake.source import open_source


def planned(given: tuple[Database, Declared], **asked: Any) -> Plan:
    """The plan of a database."""
    tables, declared = given
    spec = SynthesisSpec.load({"source": "m", "tables": declared, **asked})
    source = open_source(tables)
    return plan_run(source, understand(source, spec.tables), spec)


@pytest.mark.parametrize(
    "asked", [{"rows": {"courses": 2}}, {"scale": {"courses": 0.05}}, {"scale": 0.05}]
)
def test_more_pairs_than_there_are(asked: dict[str, Any]) -> None:
    problems = planned(enrolments(), **asked).problems
    assert len(problems) == 1
    assert "enrolments(student, course) has room for" in problems[0]
    assert "one for each pair of rows of students and courses" in problems[0]
    assert "more `rows:` of courses, or fewer of students" in problems[0]
    with pytest.raises(SpecError, match="enrolments"):
        planned(enrolments(), **asked).demand()


def test_a_run_stops_before_anything_is_learned(tmp_path: Path) -> None:
    tables, declared = enrolments()
    for name, table in tables.items():
        (tmp_path / "in").mkdir(exist_ok=True)
        pq.write_table(table, tmp_path / "in" / f"{name}.parquet")
    spec = {"source": str(tmp_path / "in"), "sink": str(tmp_path / "out"), "tables": declared}
    with pytest.raises(SpecError, match="enrolments"):
        run({**spec, "rows": {"courses": 2}})
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("scale", [0.3, 1.0, 4.0])
def test_what_there_is_room_for_is_no_problem(scale: float) -> None:
    assert planned(enrolments(), scale=scale).problems == ()


def one_each() -> tuple[Database, Declared]:
    """People and their passports, one each; some passports are of people who are not there."""
    who = np.concatenate([np.arange(0, 200), np.arange(900, 950)])
    tables = {
        "people": pa.table({"p": np.arange(220)}),
        "passports": pa.table({"p": who, "n": who % 7}),
    }
    return tables, {
        "people": {"primary_key": ["p"]},
        "passports": {"primary_key": ["p"], "foreign_keys": [key("p", "people")]},
    }


@pytest.mark.parametrize("scale", [0.2, 1.0, 3.0])
def test_one_child_a_parent_grows_with_it(scale: float) -> None:
    assert planned(one_each(), scale=scale).problems == ()


def emptied() -> tuple[Database, Declared]:
    """Orders of customers of whom there are none."""
    tables = {
        "customers": pa.table({"c": pa.array([], pa.int64())}),
        "orders": pa.table({"o": np.arange(60), "c": np.arange(60) % 9}),
    }
    return tables, {
        "customers": {"primary_key": ["c"]},
        "orders": {"primary_key": ["o"], "foreign_keys": [key("c", "customers", "match")]},
    }


def test_references_to_an_empty_table() -> None:
    said = "orders(c) -> customers: customers is empty, and c is never NULL"
    assert any(
        said in problem and "orphans: drop" in problem for problem in planned(emptied()).problems
    )
    with pytest.raises(LearnError, match="customers is empty") as caught:
        fit(emptied())
    assert "leave the foreign key out of orders" in caught.value.hint
    tables, declared = emptied()
    declared["orders"]["foreign_keys"][0]["orphans"] = "null"
    assert fit((tables, declared))[1].sample().to_arrow()["orders"]["c"].null_count == 60


def test_a_cycle_without_null_is_said_by_plan(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    pq.write_table(
        pa.table({"a": np.arange(50), "b": np.arange(50)}), tmp_path / "in" / "left.parquet"
    )
    pq.write_table(
        pa.table({"b": np.arange(50), "a": np.arange(50)}), tmp_path / "in" / "right.parquet"
    )
    declared = {
        "left": {"primary_key": ["a"], "foreign_keys": [{"columns": ["b"], "references": "right"}]},
        "right": {"primary_key": ["b"], "foreign_keys": [{"columns": ["a"], "references": "left"}]},
    }
    with pytest.raises(SchemaError) as caught:
        plan({"source": str(tmp_path / "in"), "sink": str(tmp_path / "out"), "tables": declared})
    assert "left(b) -> right; right(a) -> left" in caught.value.message
    assert "orphans: 'null'" in caught.value.hint


def test_each_root_has_its_scale() -> None:
    _, artifact = fit(enrolments())
    twin = artifact.sample({"students": 2.0}, seed=1)
    assert twin["students"].rows == 1_000
    assert twin["courses"].rows == 41
    wanted = {t.name: t.wanted for t in planned(enrolments(), scale={"students": 2.0}).tables}
    assert (wanted["students"], wanted["courses"]) == (1_000, 41)
    for wrong in ({"enrolments": 2.0}, {"nobody": 2.0}, {"students": 0.0}):
        with pytest.raises(SampleError):
            artifact.sample(wrong)
    with pytest.raises(SpecError, match="scale: the size of enrolments follows"):
        planned(enrolments(), scale={"enrolments": 2.0})
    with pytest.raises(SpecError, match="scale"):
        planned(enrolments(), scale={"students": -1})


def test_scale_as_an_option() -> None:
    assert scale_of([]) == 1.0
    assert scale_of(["2.5"]) == 2.5
    assert scale_of(["a=2", "b=0.5"]) == {"a": 2.0, "b": 0.5}
    for wrong in (["x"], ["=2"], ["2", "a=2"], ["a=b"]):
        with pytest.raises(SpecError, match="--scale"):
            scale_of(wrong)
