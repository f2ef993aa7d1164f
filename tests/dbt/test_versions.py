"""The package parses with the lowest and the highest dbt that it claims, and we read both."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.dbt.conftest import PACKAGE, copy_package

from synthlake_dbt.project import Project, settings_of
from synthlake_dbt.spec import synthesis_of

pytestmark = pytest.mark.slow

VERSIONS = {
    "1.10.6": "dbt-duckdb==1.10.1",
    "1.12.6": "dbt-duckdb==1.11.1",
}
"""Each with an adapter that goes with it."""

# it fetches itself from outside of PyPI while it is built, and dbt parses without it
LEFT_OUT = "dbt-core-experimental-parser; sys_platform == 'never'\n"


def _python(version: str, home: Path, elsewhere: Path) -> Path:
    """An interpreter that has this dbt; made once a checkout.

    ``elsewhere`` is a folder outside of the checkout, whose settings of uv are not for this.
    """
    python = home / "bin" / "python"
    done = home / "installed"
    if not done.exists():
        uv = [str(Path(sys.executable).with_name("uv")), "--system-certs", "--quiet"]
        override = home / "override.txt"
        subprocess.run([*uv, "venv", "--clear", "--python", sys.executable, home], check=True)
        override.write_text(LEFT_OUT)
        wanted = [f"dbt-core=={version}", VERSIONS[version]]
        subprocess.run(
            [*uv, "pip", "install", "--python", python, "--override", override, *wanted],
            cwd=elsewhere,
            check=True,
        )
        done.touch()
    return python


def _project(folder: Path, nycflights13: Path, make_seeds: ModuleType) -> Path:
    made = shutil.ignore_patterns("dbt_packages", "logs", "seeds", "target")
    shutil.copytree(PACKAGE / "integration_tests", folder, ignore=made)
    copy_package(folder / "dbt_packages" / "synthlake")  # as `dbt deps` leaves it
    make_seeds.write_seeds(nycflights13, folder / "seeds")
    return folder


def _answer(python: Path, folder: Path) -> dict[str, Any]:
    at = str(folder)
    question = {
        "common": ["--project-dir", at, "--profiles-dir", at],
        "selection": ["--select", "flights"], "project": at,
    }  # fmt: skip
    done = subprocess.run(
        [python, "-m", "synthlake_dbt.session"],
        input=json.dumps(question),
        env={**os.environ, "PYTHONPATH": str(PACKAGE), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    found: dict[str, Any] = json.loads(done.stdout)
    assert "failed" not in found, found
    return found


@pytest.mark.parametrize("version", VERSIONS)
def test_each_version_parses_the_package_and_is_read(
    version: str,
    pytestconfig: pytest.Config,
    tmp_path: Path,
    nycflights13: Path,
    make_seeds: ModuleType,
) -> None:
    assert pytestconfig.cache is not None, "the cache plugin is switched off"
    python = _python(version, pytestconfig.cache.mkdir(f"dbt-{version}"), tmp_path)
    folder = _project(tmp_path / "project", nycflights13, make_seeds)
    found = _answer(python, folder)
    manifest = found["manifest"]
    assert "model.synthlake_integration_tests.flights" in found["selected"]
    assert manifest["metadata"]["dbt_version"] == version
    assert {m for m in manifest["macros"] if m.startswith("macro.synthlake.test_")} == {
        f"macro.synthlake.test_{name}"
        for name in (
            "copies_not_above", "fk_degree_close", "marginal_close", "no_new_orphans",
            "unique_together",
        )
    }  # fmt: skip
    project = Project(
        found["project"], folder, Path(found["target_path"]), found["models"], manifest, None,
        settings_of(found["settings"]), found["target"], found["adapter"], found["credentials"],
    )  # fmt: skip
    tables = synthesis_of(project).spec["tables"]
    assert {name: entry.get("primary_key") for name, entry in tables.items()} == {
        "airlines": ["carrier"],
        "airports": ["faa"],
        "flights": ["time_hour", "carrier", "flight", "origin"],
        "planes": ["tailnum"],
        "weather": ["origin", "time_hour"],
    }
    assert [key["references"] for key in tables["flights"]["foreign_keys"]] == [
        "weather", "airlines", "airports", "airports", "planes",
    ]  # fmt: skip
