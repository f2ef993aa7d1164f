"""Writers killed at any moment: all of the old twin or all of the new, and a rerun completes."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.connectors import database_writer as writer
from tests.connectors.database_places import (
    ENGINES,
    Place,
    duckdb_place,
    postgres_place,
    sqlite_place,
)

LINES = 2 * writer.PARTS + 1  # that a writer prints before it publishes


@pytest.fixture(params=ENGINES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "duckdb":
        return duckdb_place(tmp_path / "warehouse.duckdb")
    if request.param == "sqlite":
        return sqlite_place(tmp_path / "twin.db")
    return postgres_place(request.getfixturevalue("postgres_database"))


def kill(place: Place, run: int, line: int, more_s: float) -> None:
    """Run a writer, and kill it once it printed some lines and some time has passed."""
    command = [sys.executable, writer.__file__, place.url, place.schema or "", str(run)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for _ in range(line):
            process.stdout.readline()
        try:
            process.wait(more_s)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        process.wait()


def published(place: Place) -> set[int]:
    """The runs whose rows are there; every table is whole."""
    counts = {"parent": writer.PARENTS, "child": writer.CHILDREN}
    runs = set()
    for table, count in counts.items():
        rows = place.run(f"SELECT run, count(*) FROM {place.address(table)} GROUP BY run")
        assert [n for _, n in rows] == [count]
        runs |= {run for run, _ in rows}
    return runs


@pytest.mark.slow
def test_a_killed_writer_leaves_all_or_nothing(place: Place) -> None:
    writer.write(place.url, place.schema, 0)
    assert published(place) == {0}
    chance = random.Random(f"kill {place.engine}")
    moments = [(chance.randrange(LINES), chance.uniform(0, 0.05)) for _ in range(2)]
    moments += [(LINES, chance.uniform(0, 0.15)) for _ in range(3)]  # while it publishes
    current = 0
    for run, (line, more_s) in enumerate(moments, start=1):
        kill(place, run, line, more_s)
        (found,) = published(place)
        assert found in (current, run)
        assert (place.sink().published() or {})["seed"] == found
        writer.write(place.url, place.schema, run)  # goes on where the other stopped
        assert published(place) == {run}
        assert place.staged() == set()
        current = run
