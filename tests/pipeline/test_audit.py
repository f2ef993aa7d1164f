"""An audit flags what copies, does not flag what is honest, and says how much it has tried."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from jsonschema import Draft202012Validator
from tests.bench.shadows import audited, drawn, maker
from typer.testing import CliRunner

import synthlake as sl
from synthlake.cli.app import app
from synthlake.errors import EvaluationError, LearnError, SpecError
from synthlake.pipeline.audit import Audit, AuditSettings, Subject, audit, seconds_of
from synthlake.pipeline.audited import audit_run
from synthlake.pipeline.learn import fit_settings
from synthlake.pipeline.run import RunSettings, run
from synthlake.pipeline.shadows import Maker, Tables
from synthlake.ports import Event
from synthlake.quality.report import Report
from synthlake.quality.report.html import html
from synthlake.quality.report.schema import report_schema
from synthlake.source import open_source

ROWS = 400
FIT = fit_settings({"synthesizer": "independent", "holdout": 0.0})


def small(
    tables: dict[str, pa.Table], make: Maker | None, schema: Any = None, **given: Any
) -> Audit:  # fmt: skip
    settings = AuditSettings(**{"shadows": 12, "targets": 8, "rows": ROWS, **given})
    return audit(Subject(open_source(tables), schema, FIT), settings, make=make)


def pool(seed: int = 0) -> dict[str, pa.Table]:
    return {"t": drawn(ROWS, seed)}


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_a_copy_is_flagged_and_other_real_rows_are_not(seed: int) -> None:
    copy = small(pool(seed), maker("copy", drawn(2_000, 9), seed), seed=seed)
    assert copy.verdict == "flagged"
    assert copy.attack["auc"] > 0.95
    assert copy.attack["epsilon_lower_bound"] > 1
    assert copy.attack == copy.copy
    honest = small(pool(seed), maker("honest", drawn(2_000, 9), seed), seed=seed)
    assert honest.verdict == "not flagged"
    assert honest.attack["epsilon_lower_bound"] == 0.0
    assert honest.copy == copy.copy  # the same people in the same shadows


@pytest.mark.slow
def test_a_part_of_copies_is_flagged_with_more_shadows() -> None:
    found = small(pool(), maker("tenth", drawn(2_000, 9), 0), shadows=32, targets=20)
    assert found.verdict == "flagged"  # few are told, but surely
    assert 0.5 < found.attack["auc"] < 0.65


@pytest.mark.slow
def test_a_synthesizer_is_fitted_and_the_same_seed_gives_the_same_figures(tmp_path: Path) -> None:
    first, again = (
        sl.audit(pool(), fit={"synthesizer": "independent"}, shadows=8, targets=5, rows=300)
        for _ in range(2)
    )
    assert first == again
    one, two = (a.save(tmp_path / f"{i}.json") for i, a in enumerate((first, again)))
    assert one.read_bytes() == two.read_bytes()
    other = sl.audit(
        pool(), fit={"synthesizer": "independent"}, shadows=8, targets=5, rows=300, seed=1
    )
    assert other.attack != first.attack
    assert (first.shadows, len(first.targets)) == (8, 5)
    assert first.verdict in ("flagged", "not flagged", "inconclusive")


@pytest.mark.slow
def test_whole_families_are_in_or_out() -> None:
    """Of a tree of tables the roots are attacked, with all their rows below."""
    random = np.random.default_rng(0)
    owner = np.repeat(np.arange(150), random.poisson(2, 150) + 1)
    tables = {
        "people": pa.table({"id": np.arange(150), "age": random.integers(18, 90, 150),
                            "note": ["x" * 5] * 150}),
        "visits": pa.table({"visit": np.arange(len(owner)), "person": owner,
                            "cost": np.round(random.gamma(2, 50, len(owner)), 2)}),
    }  # fmt: skip
    schema = {
        "people": {"primary_key": ["id"]},
        "visits": {"primary_key": ["visit"], "foreign_keys": [
            {"columns": ["person"], "references": "people", "mode": "own"}]},
    }  # fmt: skip
    held: list[Tables] = []

    def copies(given: Tables, number: int) -> Tables:
        held.append(given)
        return given

    found = small(tables, copies, schema, rows=10_000)
    assert found.tables == ("people", "visits")
    assert (found.table, found.entities, found.verdict) == ("people", 150, "flagged")
    for given in held:
        assert set(given["visits"]["person"].to_pylist()) == set(given["people"]["id"].to_pylist())
        assert 40 < len(given["people"]) < 110
    made = small(tables, None, schema, rows=10_000, shadows=8, targets=4)  # and can be learned
    assert made.shadows == 8
    with pytest.raises(SpecError, match=r"visits cannot be audited: its rows are made with people"):
        small(tables, copies, schema, table="visits")
    with pytest.raises(SpecError, match="no table 'persons'") as caught:
        small(tables, copies, schema, table="persons")
    assert "people" in caught.value.hint


def test_rows_that_are_alike_are_in_or_out_each_by_its_own_coin() -> None:
    """Without a key: the bound of epsilon is of one row more or less, not of all that are alike."""
    kinds, alike = 40, 10
    table = pa.table({"a": np.arange(kinds * alike) % kinds, "b": ["x"] * (kinds * alike)})
    held: list[Tables] = []

    def copies(given: Tables, number: int) -> Tables:
        held.append(given)
        return given

    found = small({"t": table}, copies, rows=10_000)
    assert found.entities == found.rows == kinds * alike
    for given in held:
        counts = np.bincount(given["t"]["a"].to_numpy(), minlength=kinds)
        assert 0.4 < counts.mean() / alike < 0.6
        assert np.isin(counts, (0, alike)).mean() < 0.1
    held.clear()
    assert small({"t": table.take(np.arange(kinds * alike)[::-1])}, copies, rows=10_000) == found


def test_the_budget_is_kept_and_what_was_tried_is_said() -> None:
    with pytest.raises(EvaluationError, match="0 of 12 shadows were fitted within 1e-09 s"):
        small(pool(), maker("copy", drawn(500, 1), 0), budget_s=1e-9)
    found = audited("honest", drawn(1_000, 0), 0, 8, rows=300)
    assert found.shadows == 8
    cut = Audit(**{**found.__dict__, "settings": AuditSettings(shadows=32)})
    assert "8 shadows of 32, as the budget was spent" in cut.said


@pytest.mark.parametrize(
    "given", [{"shadows": 7}, {"targets": 0}, {"rows": 0}, {"budget_s": 0}, {"delta": 1.0}]
)
def test_settings_that_tell_nothing_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(SpecError) as caught:
        AuditSettings(**given)
    assert caught.value.hint


def test_durations() -> None:
    assert [seconds_of(t) for t in ("600", "90s", "10m", "1.5h")] == [600, 90, 600, 5400]
    with pytest.raises(SpecError, match="no duration"):
        seconds_of("soon")


def test_what_cannot_be_audited_is_said() -> None:
    few = {"t": drawn(60, 0)}
    with pytest.raises(EvaluationError, match="60 entities are too few"):
        small(few, None)
    with pytest.raises(SpecError, match="no table is learned"):
        small(few, None, {"t": {"keep": True}})
    keys = {"t": pa.table({"id": np.arange(300)})}
    with pytest.raises(EvaluationError, match="all columns are keys"):
        small(keys, None, {"t": {"primary_key": ["id"]}})


def test_a_shadow_that_cannot_be_learned_is_told_with_a_way_out() -> None:
    def failing(tables: Tables, number: int) -> Tables:
        raise LearnError("no", hint="x")

    with pytest.raises(LearnError):
        small(pool(), failing)


HARD = {
    "constant": pa.table({"a": [7] * 300, "b": ["x"] * 300}),
    "nulls": pa.table({"a": pa.array([None, 1.5, float("nan")] * 100), "b": pa.nulls(300)}),
    "infinite": pa.table({"a": [np.inf, -np.inf, 0.0] * 100, "i": np.arange(300)}),
    "empty twin": drawn(300, 0),
}


@pytest.mark.parametrize("case", HARD)
def test_dirty_tables_end_in_figures_or_words(case: str) -> None:
    def make(tables: Tables, number: int) -> Tables:
        return {n: t.slice(0, 0) if case == "empty twin" else t for n, t in tables.items()}

    # equal rows without a key are told by nothing, each by its own coin
    found = small({"t": HARD[case]}, make, shadows=8, targets=4)
    assert 0 <= found.attack["auc"] <= 1
    assert case not in ("constant", "nulls") or found.verdict == "inconclusive"
    json.dumps(found.to_json(), allow_nan=False)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("audited")
    pq.write_table(drawn(700, 3), folder / "t.parquet")
    spec = {
        "source": str(folder / "t.parquet"), "sink": f"parquet://{folder}/out",
        "evaluate": {"tier": "quick"}, "gates": [{"metric": "rows", "at_least": 0}],
        "synthesizer": "independent",
    }  # fmt: skip
    (folder / "spec.json").write_text(json.dumps(spec))
    run(folder / "spec.json", RunSettings())
    return folder


@pytest.mark.slow
def test_a_run_is_audited_and_its_report_shows_it(published: Path) -> None:
    settings = AuditSettings(shadows=8, targets=4, rows=300)
    before = (published / "out" / "report.html").read_bytes()
    done = audit_run(published / "out", settings)
    assert (published / "out" / "report.html").read_bytes() == before
    assert json.loads((published / "out" / "audit.json").read_bytes()) == done.audit.to_json()
    assert done.audit.synthesizer["name"] == "independent"
    report = done.report()
    assert report is not None
    assert 'id="audit"' in html(report)
    assert done.audit.said in report.summary().replace("\n", " ").replace("  ", " ")
    Draft202012Validator(report_schema()).validate(json.loads(json.dumps(report.to_json())))
    assert Report.load(published / "out") == report
    report.save(published / "with.json")
    assert Report.load(published / "with.json").audit == done.audit.to_json()
    assert 'id="audit"' not in html(sl.evaluate(pool(), pool(), tier="quick"))
    (published / "out" / ".audit.json.part").write_text("{")  # of an audit that was killed
    # the spec finds the run, and the run can be replaced with its audit beside it
    assert audit_run(published / "spec.json", settings).folder == published / "out"
    again = run(published / "spec.json", RunSettings(seed=5))
    assert again.folder == published / "out"
    assert not (published / "out" / "audit.json").exists()


@pytest.mark.slow
def test_the_command(published: Path, tmp_path: Path) -> None:
    words = ["audit", str(published / "spec.json"), "--shadows", "8", "--targets", "4",
             "--rows", "300"]  # fmt: skip
    files = ["--json", str(tmp_path / "a.json"), "--html", str(tmp_path / "a.html")]
    done = CliRunner().invoke(app, [*words, *files])
    assert done.exit_code == 0, done.output
    assert "members / others" in done.output
    assert (tmp_path / "a.html").read_text().count('id="audit"') == 1
    assert Report.load(published / "out").audited(tmp_path / "a.json").audit is not None
    assert CliRunner().invoke(app, [*words, "--max-auc", "-1"]).exit_code == 3
    assert CliRunner().invoke(app, [*words, "--shadows", "3"]).exit_code == 2
    assert CliRunner().invoke(app, ["audit", str(tmp_path)]).exit_code == 2


def test_what_lies_beside_a_report_is_checked(tmp_path: Path) -> None:
    report = sl.evaluate(pool(), pool(), tier="quick")
    report.save(tmp_path / "report.json")
    for text in ("{", "[]", '{"kind": "of another tool"}'):
        (tmp_path / "audit.json").write_text(text)
        assert Report.load(tmp_path).audit is None
        with pytest.raises(EvaluationError, match=r"audit\.json is no audit"):
            report.audited(tmp_path / "audit.json")
    (tmp_path / "audit.json").write_text('{"kind": "synthlake.audit", "version": 9}')
    with pytest.raises(EvaluationError, match=r"audit\.json is of another version"):
        Report.load(tmp_path)
    with pytest.raises(EvaluationError, match="cannot be read"):
        report.audited(tmp_path / "none.json")


def test_no_value_and_no_key_is_in_the_figures() -> None:
    table = drawn(ROWS, 0)
    pay, trade = table["pay"].to_pylist(), table["trade"].to_pylist()
    pay[3], trade[3] = 987_654_321.0, "zzcanary"
    table = table.set_column(2, "pay", pa.array(pay)).set_column(1, "trade", pa.array(trade))
    heard: list[Event] = []
    settings = AuditSettings(shadows=8, targets=4, rows=ROWS)
    found = audit(Subject(open_source({"t": table}), None, FIT), settings, heard.append)
    written = json.dumps(found.to_json()) + repr(found) + str(heard)
    assert "zzcanary" not in written
    assert "987654321" not in written
