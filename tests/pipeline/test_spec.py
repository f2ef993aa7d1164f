"""The spec: what it takes, what it refuses, and what it says then."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from synthlake.errors import SourceError, SpecError
from synthlake.pipeline import secrets
from synthlake.pipeline.document import parse
from synthlake.pipeline.spec import SynthesisSpec
from synthlake.pipeline.spec_schema import text

ROOT = Path(__file__).resolve().parents[2]
HEAD = "version: 1\nsource: duckdb:///warehouse.duckdb\n"
FULL = f"""{HEAD}sink: parquet://twin
tables:
  airlines: {{keep: true}}
  audit_log: {{skip: true}}
  planes:
    primary_key: [tailnum]
    columns:
      tailnum: {{role: key, pattern: "N[0-9]{{3}}[A-Z]{{2}}"}}
      note: {{action: 'null'}}
  flights:
    foreign_keys:
      - {{columns: [tailnum], references: planes, mode: own, orphans: keep}}
    synthesizer: {{name: trees, min_leaf: auto}}
synthesizer: trees
fit: {{max_rows: 500000, max_minutes: 30}}
holdout: {{share: .1}}
scale: 1.0
rows: {{planes: 5000}}
seed: 7
evaluate: {{tier: standard, target: flights.arr_delay}}
gates:
  - {{metric: c2st.joined, at_most: ceiling + 0.05, otherwise: fail}}
  - {{metric: ks, at_most: 0.15}}
k: 10
"""


def loaded(extra: str) -> SynthesisSpec:
    return SynthesisSpec.parse(parse(HEAD + extra, "my.yml"))


def test_the_form_of_the_documentation_is_read(tmp_path: Path) -> None:
    path = tmp_path / "synthlake.yml"
    path.write_text(FULL)
    spec = SynthesisSpec.load(path)
    assert (spec.seed, spec.rows, spec.holdout.share) == (7, {"planes": 5000}, 0.1)
    assert spec.gates[0].at_most == "ceiling + 0.05"
    assert spec.gates[1].at_most == 0.15
    assert spec.synthesizer.name == "trees"
    assert spec.sink is not None
    assert spec.sink.url == "parquet://twin"
    as_json = tmp_path / "synthlake.json"
    as_json.write_text(json.dumps(spec.to_dict()))
    assert SynthesisSpec.load(as_json) == spec == SynthesisSpec.load(spec.to_dict())
    assert SynthesisSpec.load(spec) is spec


@pytest.mark.parametrize(
    ("extra", "said", "hint"),
    [
        ("sed: 3", "sed (my.yml, line 3) is not a key", "did you mean 'seed'"),
        ("fit: {max_row: 3}", "fit.max_row (my.yml, line 3)", "did you mean 'max_rows'"),
        ("fit: 3", "fit (my.yml, line 3): input should be a mapping", "max_rows"),
        ("scale: -1", "greater than 0", "1.0"),
        ("scale: .inf", "finite", "1.0"),
        ("seed: x", "seed (my.yml, line 3)", "whole number"),
        ("seed: -1", "greater than or equal to 0", "whole number"),
        ("k: 0", "k (my.yml, line 3)", "whole number"),
        ("holdout: {share: 1}", "less than 1", "0.1"),
        ("rows: {a: -1}", "rows.a (my.yml, line 3)", "planes"),
        ("gates: [{metric: a}]", "at_most and at_least", "ceiling"),
        ("gates:\n  - metric: a\n    at_most: roof + 1", "line 5", "ceiling"),
        ("gates:", "gates (my.yml, line 3): input should be a list", "ceiling"),
        ("synthesizer: tree", "synthesizer (my.yml, line 3): there is no synthesizer 'tree'",
         "did you mean 'trees'"),
        ("synthesizer: {name: copula, min_leaf: 3}", "min_leaf is not a setting of copula", "none"),
        ("synthesizer: {name: auto, goal: best}", "goal of auto", "goal is quality or speed"),
        ("synthesizer: {name: auto, budget_s: 0}", "budget_s of auto", "a number above 0"),
        ("synthesizer: sdv.gaussian_copula", "no synthesizer 'sdv.gaussian_copula'",
         "synthlake_connectors.sdv"),
        ("synthesizer: {name: trees, min_lef: 3}", "min_lef", "did you mean 'min_leaf'"),
        ("sink: {url: a, formt: b}", "sink.formt", "url"),
        ("evaluate: {metrics: [kss]}", "(my.yml, line 3): there is no metric 'kss'",
         "did you mean 'ks'"),
        ("gates:\n  - {metric: ks, at_most: 1}\n  - {metric: c2st.join, at_most: 1}",
         "gates.1.metric (my.yml, line 5): there is no metric 'c2st.join'", "'c2st.joined'"),
        ("evaluate: {tier: best}", "evaluate.tier", "standard"),
        ("tables:\n  a:\n    kep: 1", "tables.a.kep is not a key of the schema (my.yml, line 5)",
         "did you mean 'keep'"),
        ("tables: [1]", "tables (my.yml, line 3): input should be a mapping", "keep"),
        ("a: [", "my.yml, line", "indentation"),
    ],
)  # fmt: skip
def test_a_refusal_says_where_and_what_instead(extra: str, said: str, hint: str) -> None:
    with pytest.raises(SpecError) as caught:
        loaded(extra)
    assert said in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    "key", ["ledger", "epsilon", "delta", "privacy", "constraints", "models",
            "schedule"],
)  # fmt: skip
def test_keys_of_later_versions_are_refused_by_name(key: str) -> None:
    with pytest.raises(SpecError, match=rf"^{key} \(my.yml, line 3\) belongs to a later version"):
        loaded(f"{key}: 1")


@pytest.mark.parametrize(
    "values", [{}, {"source": ""}, {"source": "x", "version": 2}, {"source": {"urll": "x"}}]
)
def test_mappings_are_checked_as_files_are(values: dict[str, Any]) -> None:
    with pytest.raises(SpecError) as caught:
        SynthesisSpec.load(values)
    assert caught.value.hint


@pytest.mark.parametrize("text_", ["- 1\n- 2\n", "just text\n", "", "\x00", "a: !!python/none"])
def test_what_is_not_a_spec_is_refused(text_: str, tmp_path: Path) -> None:
    path = tmp_path / "x.yml"
    path.write_text(text_)
    with pytest.raises(SpecError):
        SynthesisSpec.load(path)


def test_a_missing_or_binary_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="there is no spec at"):
        SynthesisSpec.load(tmp_path / "none.yml")
    (tmp_path / "x.yml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SpecError, match="cannot be read"):
        SynthesisSpec.load(tmp_path / "x.yml")


SECRET = "hunter2"


def test_secrets_are_shown_nowhere() -> None:
    spec = SynthesisSpec.load(
        {
            "source": {
                "url": f"postgresql://me:{SECRET}@host/db?password={SECRET}&sslmode=on",
                "options": {"token": SECRET, "dsn": f"x://a:{SECRET}@b", "key": "env:TOKEN"},
            },
            "sink": f"s3://me:{SECRET}@bucket",
        }
    )
    shown = repr(spec) + str(spec) + json.dumps(spec.masked())
    assert SECRET not in shown
    assert "env:TOKEN" in shown
    assert "sslmode=on" in shown


def test_a_duplicate_key_does_not_repeat_its_value() -> None:
    with pytest.raises(SpecError, match="duplicate key") as caught:
        loaded(f"source: postgresql://me:{SECRET}@host/db")
    assert SECRET not in str(caught.value)


def test_references_are_looked_up_late(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SYNTHLAKE_TEST_URL", "data/here")
    (tmp_path / "secret").write_text("pw\n")
    assert secrets.resolve("env:SYNTHLAKE_TEST_URL") == "data/here"
    assert secrets.resolve(f"x://a:${{file:{tmp_path / 'secret'}}}@b") == "x://a:pw@b"
    assert secrets.resolve("file:///not/a/secret") == "file:///not/a/secret"
    with pytest.raises(SourceError, match="SYNTHLAKE_NOT_SET"):
        secrets.resolve("env:SYNTHLAKE_NOT_SET")


def test_the_published_json_schema_is_current() -> None:
    path = ROOT / "docs" / "spec.schema.json"
    assert path.read_text(encoding="utf-8") == text(), (
        "run: python -m synthlake.pipeline.spec_schema docs/spec.schema.json"
    )
