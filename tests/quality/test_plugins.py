"""Metrics of others join by entry point."""

from __future__ import annotations

import sys
from pathlib import Path

import pyarrow as pa
import pytest

from synthlake.errors import SpecError
from synthlake.quality.evaluate import evaluate
from synthlake.quality.metric import metrics
from synthlake.quality.settings import EvaluationSettings
from synthlake.source import open_source

METRIC = """
from synthlake.ports import Score
from synthlake.quality.metric import Subject

class Answer:
    '''A plugin.'''
    name, title, kind, tier = "answer", "The answer", "fidelity", "quick"
    best, direction = 1.0, "high"

    def score(self, comparison):
        for table in comparison.ground.tables:
            yield Subject(table.name), Score(1.0, rows=comparison.rows(table.name))

ANSWER = Answer()
"""


def install(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / f"{name}.py").write_text(METRIC)
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[synthlake.metrics]\nanswer = {name}:ANSWER\n")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, name, raising=False)


def test_an_installed_metric_is_scored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "synthlake_answer", monkeypatch)
    source = open_source({"t": pa.table({"a": [1, 2]})})
    settings = EvaluationSettings("quick", gates=({"metric": "answer", "at_least": 1},))
    report = evaluate(source, source, source.schema(), settings=settings)
    assert report.of("answer")[0].twin.value == 1.0
    assert report.decision == "PASS"


def test_a_name_is_given_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("synthlake_one", "synthlake_two"):
        (tmp_path / name).mkdir()
        install(tmp_path / name, name, monkeypatch)
    with pytest.raises(SpecError, match="two metrics"):
        metrics()


def test_a_metric_that_does_not_exist_is_refused() -> None:
    source = open_source({"t": pa.table({"a": [1, 2]})})
    with pytest.raises(SpecError, match="no metric"):
        evaluate(source, source, source.schema(), settings=EvaluationSettings(metrics=("kss",)))
