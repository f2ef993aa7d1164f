"""dbt as users call it: its command, in a process of its own, on DuckDB and on PostgreSQL."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "dbt_package"
TIMEOUT_S = 300


@dataclass(frozen=True)
class Done:
    """What a command printed, and how it ended."""

    code: int
    out: str

    def ok(self) -> str:
        assert self.code == 0, self.out[-6000:]
        return self.out


@dataclass(frozen=True)
class Host:
    """A dbt project on one warehouse."""

    folder: Path
    target: str
    environment: dict[str, str]
    url: str

    def dbt(self, *words: str) -> Done:
        return self._call("dbt", *words, "--target", self.target)

    def synthlake(self, *words: str) -> Done:
        return self._call("synthlake", "dbt", *words, "--target", self.target)

    def results(self) -> dict[str, str]:
        """Status of each test of the last command, by the test's name."""
        held = json.loads((self.folder / "target" / "run_results.json").read_bytes())
        return {r["unique_id"].split(".")[2]: r["status"] for r in held["results"]}

    def _call(self, command: str, *words: str) -> Done:
        script = Path(sys.executable).with_name(command)
        done = subprocess.run(
            [script, *words],
            cwd=self.folder,
            env={**_quiet(), **self.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        return Done(done.returncode, done.stdout)


def _quiet() -> dict[str, str]:
    mine = {k: v for k, v in os.environ.items() if not k.startswith(("PG", "DBT_", "SYNTHLAKE_"))}
    return {**mine, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DBT_USE_COLORS": "false"}


def copy_package(folder: Path) -> None:
    """The package as it is installed: its project file and its macros."""
    folder.mkdir(parents=True)
    shutil.copy(PACKAGE / "dbt_project.yml", folder)
    shutil.copytree(PACKAGE / "macros", folder / "macros")


@pytest.fixture(scope="session")
def make_seeds() -> ModuleType:
    """The script of the integration tests."""
    path = PACKAGE / "integration_tests" / "make_seeds.py"
    spec = importlib.util.spec_from_file_location("synthlake_make_seeds", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def postgres_env(postgres: str) -> dict[str, str]:
    """How libpq and the profiles here find a database of this room."""
    import psycopg

    at = urlsplit(postgres)
    with psycopg.connect(postgres.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("CREATE DATABASE dbt_room")
    return {
        "PGHOST": str(at.hostname), "PGPORT": str(at.port), "PGUSER": str(at.username),
        "PGPASSWORD": str(at.password), "PGDATABASE": "dbt_room",
    }  # fmt: skip


def host(folder: Path, target: str, request: pytest.FixtureRequest) -> Host:
    """A project on a new DuckDB file, or on the database of this room."""
    if target == "duckdb":
        path = folder / "warehouse.duckdb"
        return Host(folder, target, {"SYNTHLAKE_DUCKDB": str(path)}, f"duckdb:///{path}")
    env: dict[str, Any] = request.getfixturevalue("postgres_env")
    address = f"{env['PGUSER']}:{env['PGPASSWORD']}@{env['PGHOST']}:{env['PGPORT']}"
    return Host(folder, target, env, f"postgresql+psycopg://{address}/{env['PGDATABASE']}")
