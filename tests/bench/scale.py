"""Ours at scale: a million rows and three of the flights to Parquet, and ten million learned."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from .datasets import make_flights
from .environments import SYSTEMS
from .measuring import THREADS, machine

NAME = "scale"
MADE, LEARNED = (1_000_000, 3_000_000), 10_000_000
MILLION = 1_000_000

# Copies of the flights, each some weeks later and its durations some minutes off.
MANY = """
SELECT * EXCLUDE (copy) REPLACE (
    (year + copy)::INTEGER AS year,
    time_hour + to_years(copy::INTEGER) AS time_hour,
    air_time + (hash(copy, tailnum, time_hour) % 5)::INTEGER - 2 AS air_time
) FROM (
    SELECT flights.*, copy
    FROM read_parquet('{flights}') AS flights, range({copies}) AS copies(copy)
) LIMIT {rows}
"""


def measure(place: Path, *, again: bool = False) -> None:
    """The result of all steps as ``results/scale.json``."""
    path = place / "results" / f"{NAME}.json"
    if path.exists() and not again:
        return
    work = place / "scale"
    shutil.rmtree(work, ignore_errors=True)
    (work / "real").mkdir(parents=True)
    flights = make_flights()
    shutil.copy(flights, work / "real" / "flights.parquet")
    steps = {"learned 336,776": _step("learn", work / "real", work / "artifact")}
    for rows in MADE:
        name = f"made {rows:,}"
        steps[f"{name}, in memory"] = _step("drop", work / "artifact", work / "twin", rows)
        steps[f"{name}, Parquet"] = _step("write", work / "artifact", work / "twin", rows)
        shutil.rmtree(work / "twin")
    (work / "many").mkdir()
    write_many(flights, work / "many" / "flights.parquet", LEARNED)
    steps[f"learned {LEARNED:,}"] = _step("learn", work / "many", work / "artifact")
    shutil.rmtree(work)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"machine": machine(), "steps": steps}, indent=1))


def write_many(flights: Path, target: Path, rows: int) -> None:
    """So many flights, made of the real ones: each copy a year later, its air time jittered."""
    with duckdb.connect() as connection:
        connection.execute("SET threads = 2")
        held = pq.read_metadata(flights).num_rows
        query = MANY.format(flights=flights, copies=-(-rows // held), rows=rows)
        connection.execute(f"COPY ({query}) TO '{target}' (FORMAT parquet, ROW_GROUP_SIZE 100000)")


def _step(step: str, source: Path, target: Path, rows: int = 0) -> Mapping[str, Any]:
    """One step in a process of its own, so that its memory is its own."""
    print(f"{NAME}: {step} {rows or source.name}", flush=True)
    command = [sys.executable, str(SYSTEMS / "ours_at_scale.py"), step, str(source), str(target)]
    done = subprocess.run(
        [*command, str(rows)], env={**os.environ, **THREADS}, stdout=subprocess.PIPE, text=True,
        check=True,
    )  # fmt: skip
    found: Mapping[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def table(result: Mapping[str, Any]) -> str:
    """The steps as a table."""
    lines = ["| step | wall, s | CPU-s | rows/CPU-s | peak memory, MB |", "|---|---|---|---|---|"]
    for name, step in result["steps"].items():
        rows = int(name.split()[1].rstrip(",").replace(",", ""))
        rate = f"{rows / step['cpu_s']:,.0f}"
        cells = [name + " rows" * (", " not in name), f"{step['wall_s']:,.0f}"]
        cells += [f"{step['cpu_s']:,.0f}", rate, f"{step['peak_mb']:,.0f}"]
        lines.append(f"| {' | '.join(cells)} |")
    about = [result["machine"][key] for key in ("commit", "date", "cpu", "cores")]
    return "\n".join([*lines, "", "Commit {}, {}, {}, {} cores.".format(*about)])
