"""Reports of several runs side by side."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from tests.quality.conftest import Tables, schema_of, shuffled
from tests.quality.test_report import SCRIPT, Tags

import synthlake as sl
from synthlake.errors import EvaluationError, SinkError
from synthlake.quality.evaluate import evaluate
from synthlake.quality.report import Report
from synthlake.quality.report.schema import report_schema, text
from synthlake.quality.settings import EvaluationSettings
from synthlake.source import open_source

ROOT = Path(__file__).parents[2]


def judged(real: Tables, twin: Tables, **settings: object) -> Report:
    source = open_source(real)
    asked = EvaluationSettings(about={"run": SCRIPT}, **settings)  # type: ignore[arg-type]
    return evaluate(source, open_source(twin), schema_of(source), settings=asked)


@pytest.fixture(scope="module")
def good(real: Tables, other: Tables) -> Report:
    return judged(real, other)


@pytest.fixture(scope="module")
def bad(real: Tables) -> Report:
    return judged(real, shuffled(real, 3))


def test_the_better_run_is_named_where_they_differ(good: Report, bad: Report) -> None:
    found = sl.compare({"good": good, "bad": bad})
    assert found.notes == ()
    best = {s.metric.name: s.best for s in found.standings()}
    assert best["pairs"] == (0,)
    assert best["schema"] == ()  # both are as good
    pairs = next(s for s in found.standings() if s.metric.name == "pairs")
    assert pairs.lines[0] == next(x for x in good.lines() if x.metric.name == "pairs")
    changes = found.changes()
    assert changes
    gaps = [max(c.figures) - min(c.figures) for c in changes]  # type: ignore[type-var,operator]
    assert gaps == sorted(gaps, reverse=True)
    assert len(found.changes(most=2)) == 2


def test_one_run_against_itself_has_no_best(good: Report) -> None:
    found = sl.compare([good, good, good])
    assert found.names == ("run 1", "run 2", "run 3")
    assert not any(s.best for s in found.standings())
    assert found.changes() == []


def test_what_makes_them_hard_to_compare_is_said(good: Report, real: Tables, other: Tables) -> None:
    fewer = {name: table.slice(0, 900) for name, table in real.items()}
    quick = judged(fewer, other, tier="quick", seed=3)
    found = sl.compare({"whole": good, "part": quick})
    said = " ".join(found.notes)
    for words in ("tier differs (whole: standard; part: quick)", "seed", "the real rows differ in"):
        assert words in said
    lone = next(s for s in found.standings() if s.metric.name == "pairs")
    assert lone.lines[1] is None
    assert lone.best == ()


def test_the_page_is_whole_and_needs_no_network(good: Report, bad: Report, tmp_path: Path) -> None:
    evil = '<img src="x">'
    page = sl.compare({"good": good, evil: bad}).save(tmp_path / "a" / "c.html").read_text("utf-8")
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    assert not {"script", "link", "img", "iframe"} & tags.seen
    assert all(link.startswith("#") for link in tags.links)
    assert SCRIPT not in page
    assert "★" in page


def test_figures_are_the_same_in_json_and_terminal(
    good: Report, bad: Report, tmp_path: Path
) -> None:
    found = sl.compare({"good": good, "bad": bad})
    held = json.loads(found.save(tmp_path / "c.json").read_text())
    assert held == json.loads(json.dumps(found.to_json()))
    assert [r["decision"] for r in held["runs"]] == [good.decision, bad.decision]
    pairs = next(m for m in held["metrics"] if m["metric"] == "pairs")
    assert pairs["best_runs"] == [0]
    shown = found.summary()
    for run in ("good", "bad", "verdict"):
        assert run in shown
    for mean in pairs["mean"]:
        assert f"{mean['twin']:.3f}" in shown


def test_runs_are_named_by_what_tells_them_apart(good: Report, tmp_path: Path) -> None:
    for name in ("a/twin", "b/twin", "c"):
        good.save(tmp_path / name / "report.json")
    good.save(tmp_path / "d.json")
    paths = [
        tmp_path / "a/twin",
        tmp_path / "b/twin/report.json",
        tmp_path / "c",
        tmp_path / "d.json",
    ]
    found = sl.compare(paths)
    assert found.names == ("a/twin", "b/twin", "c", "d")
    assert len(set(sl.compare([paths[0], paths[0]]).names)) == 2


def test_what_cannot_be_compared_is_a_typed_error(good: Report, tmp_path: Path) -> None:
    for runs in ([], [good], tmp_path):
        with pytest.raises(EvaluationError, match="not a comparison"):
            sl.compare(runs)  # type: ignore[arg-type]
    with pytest.raises(EvaluationError, match="no report at"):
        sl.compare([good, tmp_path / "nowhere"])
    (tmp_path / "file").write_text("")
    with pytest.raises(SinkError, match="cannot be written"):
        sl.compare([good, good]).save(tmp_path / "file" / "c.html")


def test_reports_follow_the_published_schema(good: Report, real: Tables) -> None:
    path = ROOT / "docs" / "report.schema.json"
    assert path.read_text(encoding="utf-8") == text(), (
        "run: python -m synthlake.quality.report.schema docs/report.schema.json"
    )
    check = jsonschema.Draft202012Validator(report_schema())
    for report in (good, judged(real, real, tier="quick"), replace(good, gates=(), scores=())):
        check.validate(report.to_json())
    wrong = {**good.to_json(), "decision": "MAYBE"}
    assert not check.is_valid(wrong)
