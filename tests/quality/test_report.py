"""The forms of the report."""

from __future__ import annotations

import io
import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pytest
from rich.console import Console
from tests.quality.conftest import Tables, schema_of, shuffled

from synthlake.errors import EvaluationError, SinkError, SpecError
from synthlake.quality.evaluate import evaluate
from synthlake.quality.pictures import Bars
from synthlake.quality.report import Report, svg
from synthlake.quality.report.html import view
from synthlake.quality.settings import EvaluationSettings
from synthlake.source import open_source
from synthlake.sql.split import split

SCRIPT = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def report(real: Tables, other: Tables) -> Report:
    source = open_source(real)
    schema = schema_of(source)
    parts = split(source, schema, 0.3)
    return evaluate(
        source, open_source(other), schema, holdout=parts.holdout, train=parts.train,
        floor=open_source(shuffled(real, 1)),
        settings=EvaluationSettings(about={"run": "r-1", "artifact": SCRIPT}),
    )  # fmt: skip


class Tags(HTMLParser):
    """Counts open tags and keeps what refers to elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.links += [v or "" for k, v in attrs if k in ("src", "href", "action", "data")]
        if tag not in ("meta", "line", "rect", "circle", "path", "polygon", "polyline"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_needs_no_network(report: Report, tmp_path: Path) -> None:
    page = report.save(tmp_path / "new" / "report.html").read_text("utf-8")
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    assert all(link.startswith("#") for link in tags.links)
    assert "svg" in tags.seen
    assert not {"script", "link", "img", "iframe"} & tags.seen
    assert not re.search(r"url\(|@import|https?:", page)
    assert SCRIPT not in page
    for word in (report.decision, "orders", "Foreign keys", "copy detector", "r-1"):
        assert word in page


def test_labels_of_bars_keep_apart() -> None:
    names = ("0", "1-49", "50-499", "500-999", "1000-1999", "2000-4999", "5000+")
    drawn = svg.columns(Bars(names, (0.1,) * 7, (0.1,) * 7, False), "children")
    found = re.findall(r'x="([\d.]+)" [^>]*class="tick" text-anchor="middle">([^<]+)<', drawn)
    ends = [(float(x) - 2.9 * len(n), float(x) + 2.9 * len(n)) for x, n in found]
    assert len(ends) > 2
    assert all(before[1] < after[0] for before, after in pairwise(ends))


def test_cells_of_stacked_rows_say_what_they_are(report: Report, tmp_path: Path) -> None:
    """On a narrow screen the heads of columns are hidden."""
    page = report.save(tmp_path / "report.html").read_text("utf-8")
    stacks = re.findall(r'<table class="[a-z ]*stack">(.*?)</table>', page, re.DOTALL)
    assert len(stacks) >= 3
    for cell in re.findall(r'<td class="n[^>]*>', "".join(stacks)):
        assert "data-label" in cell


def test_the_foreign_keys_are_no_rules(report: Report) -> None:
    assert report.of("constraints")
    labels = {key["label"] for key in view(report)["keys"]}
    assert labels == {r.subject.key for r in report.of("degrees")}


def test_the_document_is_stable(report: Report, tmp_path: Path) -> None:
    path = report.save(tmp_path / "report.json")
    document = json.loads(path.read_text())
    assert document == json.loads(json.dumps(report.to_json()))
    assert document["version"] == 1
    assert set(document) == {
        "version", "decision", "settings", "about", "candidates", "seconds", "tables", "gates",
        "recommendations", "summary", "scores",
    }  # fmt: skip
    assert document["candidates"] == ["twin", "ceiling", "floor"]
    score = document["scores"][0]
    assert set(score) == {"metric", "table", "columns", "key", "twin", "ceiling", "floor"}
    assert set(score["twin"]) == {"value", "interval", "rows", "reason", "detail"}
    assert (
        document["summary"]["pairs"]["mean"]["floor"] > document["summary"]["pairs"]["mean"]["twin"]
    )


def test_a_stored_report_is_the_same_but_for_pictures(report: Report, tmp_path: Path) -> None:
    path = report.save(tmp_path / "report.json")
    loaded = Report.load(path)
    assert loaded.to_json() == report.to_json()
    assert loaded.summary() == report.summary()
    assert loaded.means() == report.means()
    assert list(loaded.metrics) == list(report.metrics)
    assert Report.load(tmp_path).decision == report.decision


def test_other_gates_decide_on_stored_figures(report: Report, tmp_path: Path) -> None:
    loaded = Report.load(report.save(tmp_path / "report.json"))
    gates = [{"metric": "ks", "at_most": "ceiling - 5", "otherwise": "warn", "table": "orders"}]
    assert loaded.decided(gates).decision == "WARN"
    assert loaded.decided([{"metric": "ks", "at_most": 1}]).decision == "PASS"
    again = Report.load(loaded.decided(gates).save(tmp_path / "again.json"))
    assert again.gates == loaded.decided(gates).gates
    with pytest.raises(SpecError, match="names no known metric"):
        loaded.decided([{"metric": "k", "at_most": 1}])


def test_figures_of_a_metric_that_is_not_installed_stay(report: Report, tmp_path: Path) -> None:
    path = report.save(tmp_path / "report.json")
    path.write_text(path.read_text().replace('"ks"', '"theirs"'))
    loaded = Report.load(path)
    assert loaded.means()["theirs"] == report.means()["ks"]
    assert loaded.decided([{"metric": "theirs", "at_most": 1}]).decision == "PASS"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "there is no report"),
        ("{", "not a report, or damaged"),
        ("[]", "not a report, or damaged"),
        ('{"version": 1}', "not a report, or damaged"),
        ('{"version": 2}', "a report of version 2"),
    ],
)
def test_what_is_no_report_is_a_typed_error(text: str | None, said: str, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(EvaluationError, match=said) as raised:
        Report.load(path)
    assert raised.value.hint


def test_the_terminal_says_the_same(report: Report) -> None:
    console = Console(record=True, width=100, file=io.StringIO())
    said = report.summary(console)
    shown = console.export_text()
    for text in (said, shown):
        assert report.decision in text
        assert "ks ≤ 0.15" in text
    assert report.summary().count("PASS") == said.count("PASS")


def test_no_ceiling_is_said() -> None:
    source = open_source({"t": pa.table({"a": [1, 2, 3]})})
    report = evaluate(source, source, source.schema())
    from synthlake.quality.report.html import html

    assert "no hold-out was given" in html(report)


def test_a_place_that_cannot_be_written_is_a_typed_error(report: Report, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(SinkError) as raised:
        report.save(tmp_path / "file" / "report.html")
    assert raised.value.hint
