"""The commands: what they print, what they leave, and how they exit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from synthlake.cli.app import app
from synthlake.cli.variadic import repeated

DONE, BAD_INPUT, GATE_FAILED = 0, 2, 3


def call(*words: object) -> Any:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def published(shop: Path, shop_spec: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one run."""
    folder = tmp_path_factory.mktemp("run")
    path = folder / "synthlake.yml"
    path.write_text(shop_spec.format(source=shop, sink=folder / "twin"))
    done = call("run", path, "--run-id", "first")
    assert done.exit_code == DONE, done.output
    return folder / "twin"


def test_a_run_ends_with_paths_and_verdict(published: Path) -> None:
    again = call("run", published.parent / "synthlake.yml", "--run-id", "first")
    assert again.exit_code == DONE
    *_, twin, artifact, report, verdict = again.stdout.strip().splitlines()
    assert twin.split() == ["twin", str(published)]
    assert artifact.split() == ["artifact", str(published / "twin.artifact")]
    assert report.split() == ["report", str(published / "report.html")]
    assert verdict.split() == ["verdict", "PASS"]
    assert "was finished before" in again.stdout
    assert sorted(p.name for p in published.iterdir()) == [
        "customers.parquet", "manifest.json", "orders.parquet", "report.html", "report.json",
        "twin.artifact",
    ]  # fmt: skip
    assert sorted(p.name for p in published.parent.iterdir()) == ["synthlake.yml", "twin"]


def test_the_twin_has_the_types_and_keys_of_the_source(published: Path, shop: Path) -> None:
    for name in ("customers", "orders"):
        real, made = (pq.read_table(p / f"{name}.parquet") for p in (shop, published))
        assert [(f.name, f.type) for f in made.schema] == [(f.name, f.type) for f in real.schema]
        assert made.num_rows > 0.5 * real.num_rows
        key = made[made.column_names[0]]
        assert len(key.unique()) == made.num_rows
    manifest = json.loads((published / "manifest.json").read_bytes())
    assert manifest["seed"] == 7
    assert manifest["tables"]["orders"]["rows"] == made.num_rows


@pytest.mark.slow
def test_another_run_replaces_the_twin_whole(shop: Path, shop_spec: str, tmp_path: Path) -> None:
    path, out = tmp_path / "s.yml", tmp_path / "out"
    path.write_text(shop_spec.format(source=shop, sink="unused"))
    assert call("run", path, "--out", out, "--seed", 1).exit_code == DONE
    before = (out / "orders.parquet").read_bytes()
    assert call("run", path, "--out", out, "--seed", 2).exit_code == DONE
    assert (out / "orders.parquet").read_bytes() != before
    assert call("run", path, "--out", out, "--seed", 1, "--workers", 2).exit_code == DONE
    assert (out / "orders.parquet").read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out", "s.yml"]
    refused = call("run", path, "--out", out, "--seed", 2, "--run-id", "same")
    assert refused.exit_code == DONE
    refused = call("run", path, "--out", out, "--seed", 3, "--run-id", "same")
    assert refused.exit_code == BAD_INPUT
    assert "give another run id" in refused.stderr


def test_a_failed_gate_publishes_nothing(shop: Path, shop_spec: str, tmp_path: Path) -> None:
    path = tmp_path / "s.yml"
    gate = "  - {metric: rows, at_least: 99}\n"
    path.write_text(shop_spec.format(source=shop, sink=tmp_path / "out") + gate)
    for _ in range(2):
        done = call("run", path)
        assert done.exit_code == GATE_FAILED, done.output
        assert not (tmp_path / "out").exists()
        assert (tmp_path / "out.rejected" / "report.html").is_file()
        assert str(tmp_path / "out.rejected" / "report.html") in done.stdout
        assert done.stdout.strip().splitlines()[-1].split() == ["verdict", "FAIL"]


def test_a_plan_changes_nothing(spec: Path) -> None:
    done = call("plan", spec)
    assert done.exit_code == DONE
    assert "orders(customer_id) -> customers" in done.stdout
    assert "own" in done.stdout
    assert "600" in done.stdout
    assert [p.name for p in spec.parent.iterdir()] == [spec.name]


def test_fit_inspect_sample(spec: Path, shop: Path) -> None:
    artifact, out = spec.parent / "a", spec.parent / "out"
    assert call("fit", spec, "--artifact", artifact).exit_code == DONE
    seen = call("inspect", artifact)
    assert seen.exit_code == DONE
    for word in ("customers", "city", "categorical", "k = 10", "model.safetensors"):
        assert word in seen.stdout
    done = call("sample", artifact, "--out", out, "--rows", "customers=50", "--seed", 3)
    assert done.exit_code == DONE, done.output
    assert pq.read_table(out / "customers.parquet").num_rows == 50
    first = (out / "orders.parquet").read_bytes()
    csv = spec.parent / "csv"
    asked = ("--tables", "customers", "--scale", 2, "--format", "csv", "--workers", 2)
    assert call("sample", artifact, "--out", csv, *asked).exit_code == DONE
    assert sorted(p.name for p in csv.iterdir()) == ["customers.csv", "manifest.json"]
    assert len((csv / "customers.csv").read_text().splitlines()) == 1 + 1200
    again = call("sample", artifact, "--out", out, "--rows", "customers=50", "--seed", 3)
    assert again.exit_code == DONE
    assert (out / "orders.parquet").read_bytes() == first


def test_init_writes_a_spec_that_plans(shop: Path, tmp_path: Path) -> None:
    path = tmp_path / "synthlake.yml"
    assert call("init", shop, "--out", path).exit_code == DONE
    assert "references: customers" in path.read_text()
    assert call("plan", path).exit_code == DONE
    refused = call("init", shop, "--out", path)
    assert refused.exit_code == BAD_INPUT
    assert "is there already" in refused.stderr


def test_evaluate_tells_a_table_from_itself(published: Path, shop: Path, tmp_path: Path) -> None:
    html, figures = tmp_path / "r.html", tmp_path / "r.json"
    done = call(
        "evaluate", "--real", shop, "--synthetic", published, "--tier", "quick", "--html", html,
        "--json", figures, "--schema", published.parent / "synthlake.yml",
    )  # fmt: skip
    assert done.exit_code in (DONE, GATE_FAILED), done.output
    assert html.read_text().lstrip().startswith("<!")
    decision = json.loads(figures.read_text())["decision"]
    assert done.stdout.strip().splitlines()[-1].split() == ["verdict", decision]
    copied = call("evaluate", "--real", shop, "--synthetic", shop, "--tier", "quick")
    assert copied.exit_code == GATE_FAILED


def test_evaluate_is_told_what_an_intruder_knows(shop: Path) -> None:
    done = call(
        "evaluate", "--real", shop, "--synthetic", shop, "--tier", "quick",
        "--known", "customers=city,income",
    )  # fmt: skip
    assert done.exit_code == GATE_FAILED
    assert "True match rate" in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["plan", "none.yml"], "there is no spec at none.yml"),
        (["run", "none.yml"], "there is no spec at none.yml"),
        (["inspect", "nowhere"], "is not an artifact"),
        (["sample", "nowhere", "--out", "o"], "is not an artifact"),
        (["init", "nowhere"], "nowhere"),
        (["evaluate", "--real", "nowhere", "--synthetic", "o"], "nowhere"),
        (["evaluate", "--real", "a", "--synthetic", "b", "--tier", "best"], "no tier 'best'"),
        (["evaluate", "--real", "a", "--synthetic", "b", "--known", "age"], "is not TABLE=COLUMN"),
    ],
)
def test_bad_input_is_told_without_a_traceback(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = call(*words)
    assert done.exit_code == BAD_INPUT
    assert said in done.stderr
    assert "Hint: " in done.stderr
    assert "Traceback" not in done.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [["run"], ["dance"], ["plan", "a", "b"], ["sample", "x"]])
def test_a_wrong_call_is_bad_input(words: list[str]) -> None:
    assert call(*words).exit_code == BAD_INPUT


def test_rows_must_name_a_table(published: Path, tmp_path: Path) -> None:
    artifact = published / "twin.artifact"
    for text in ("customers", "customers=-1", "=3", "customers=x"):
        done = call("sample", artifact, "--out", tmp_path / "o", "--rows", text)
        assert done.exit_code == BAD_INPUT
        assert "TABLE=N" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_debug_shows_where(tmp_path: Path) -> None:
    done = call("--debug", "plan", tmp_path / "none.yml")
    assert done.exception is not None
    assert type(done.exception).__name__ == "SpecError"


def test_version_and_help() -> None:
    assert call("--version").stdout.startswith("synthlake ")
    for command in ("init", "plan", "run", "fit", "inspect", "sample", "evaluate"):
        done = call(command, "--help")
        assert done.exit_code == DONE
        assert "Usage" in done.stdout


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("a --rows x=1 y=2 --out o", "a --rows x=1 --rows y=2 --out o"),
        ("a --tables x y z", "a --tables x --tables y --tables z"),
        ("a --rows x=1 --rows y=2", "a --rows x=1 --rows y=2"),
        ("--rows x=1 a", "--rows x=1 a"),
        ("a --out o --seed 3", "a --out o --seed 3"),
        ("", ""),
    ],
)
def test_some_options_take_several_words(words: str, meant: str) -> None:
    assert repeated(words.split()) == meant.split()


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An artifact of one table, and further rows."""
    import synthlake

    folder = tmp_path_factory.mktemp("people")
    random = np.random.default_rng(1)
    for name, rows, shift in (("old", 2_000, 0), ("more", 1_000, 0), ("moved", 1_000, 20)):
        (folder / name).mkdir()
        town = np.array(["Oslo", "Rome"])[random.integers(0, 2, rows)]
        town[: rows // 4] = "Kyiv" if shift else "Oslo"
        held = {"age": random.integers(20, 60, rows) + shift, "town": town}
        pq.write_table(pa.table(held), folder / name / "people.parquet")
    synthlake.fit(folder / "old").save(folder / "artifact")
    return folder


def test_refit_writes_another_artifact_and_says_the_drift(people: Path) -> None:
    before = {p: p.read_bytes() for p in (people / "artifact").rglob("*") if p.is_file()}
    done = call("refit", people / "artifact", people / "moved", "--out", people / "new",
                "--json", people / "drift.json")  # fmt: skip
    assert done.exit_code == DONE, done.output
    assert "drift in people.age, people.town" in done.stdout
    assert "Kyiv" not in done.stdout
    *_, figures, artifact, identity, parent = done.stdout.strip().splitlines()
    assert figures.split() == ["figures", str(people / "drift.json")]
    assert artifact.split() == ["artifact", str(people / "new")]
    assert identity.split()[1] != parent.split()[1]
    drift = json.loads((people / "drift.json").read_text())
    assert drift["drifted"] is True
    assert [c["appeared"] for c in drift["columns"]] == [0, 1]
    assert before == {p: p.read_bytes() for p in (people / "artifact").rglob("*") if p.is_file()}
    held = json.loads((people / "new" / "provenance.json").read_text())
    assert held["parent"] == parent.split()[1]


def test_refit_says_where_there_is_no_drift_and_values_where_asked(people: Path) -> None:
    words = ("refit", people / "artifact", people / "moved", "--out", people / "shown")
    assert "new in people.town: Kyiv" in call(*words, "--show-values").stdout
    same = call("refit", people / "artifact", people / "old", "--out", people / "same")
    assert "no drift: " in same.stdout


def test_refit_leaves_the_artifact_and_what_is_not_ours(people: Path) -> None:
    words = ("refit", people / "artifact", people / "more", "--out")
    assert call(*words, people / "artifact").exit_code == BAD_INPUT
    assert call(*words, people / "more").exit_code == BAD_INPUT
    assert call("refit", people / "artifact", people, "--out", people / "x").exit_code == BAD_INPUT
    assert not (people / "x").exists()
