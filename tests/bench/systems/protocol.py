"""What every system is asked, in a process of its own, by its own Python.

    SYSTEM.py TRAIN.parquet ROWS FOLDER SEED  ->  the last line printed is JSON of timings

Learns TRAIN, writes ROWS rows as ``FOLDER/<table>.parquet`` or a folder ``<table>`` of parts. The
``metadata.json`` beside TRAIN's folder has the primary key. Needs the standard library alone, as
the systems share no environment.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

CORES = 2
CAP_CPU_S = float(os.environ.get("BENCH_CAP_CPU_S", "360"))
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Task:
    """What is learned: a Parquet file, its table's name and one-column primary key, and a seed."""

    train: Path
    seed: int

    @property
    def table(self) -> str:
        return self.train.stem

    @property
    def primary_key(self) -> list[str]:
        metadata = json.loads((self.train.parents[1] / "metadata.json").read_text())
        return metadata["tables"][self.table]["primary_key"] or []


@dataclass(frozen=True)
class System:
    """How one system learns and makes rows.

    Attributes:
        fit: learns a task.
        sample: makes rows, whole in memory; a ``lazy`` system makes and drops them.
        save: writes what ``sample`` gave as a file; a ``lazy`` system makes the rows once more.
        packages: whose versions are noted.
        cap: what training was limited to, in words.
        lazy: rows are made while they are read.
        times: how many times the rows are made for the rates.
    """

    fit: Callable[[Task], Any]
    sample: Callable[[Any, int, int], Any]
    save: Callable[[Any, Path, Task], None]
    packages: tuple[str, ...]
    cap: str = "none"
    lazy: bool = False
    times: int = 1


def descendants() -> Iterator[tuple[int, list[str]]]:
    """Living processes below this one: id, and the fields of ``stat`` after the name."""
    stats: dict[int, list[str]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stats[int(entry.name)] = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:  # it ended
                continue
    for process, fields in stats.items():
        parent = int(fields[1])
        while parent in stats and parent != os.getpid():
            parent = int(stats[parent][1])
        if parent == os.getpid():
            yield process, fields


def cpu_s() -> float:
    """CPU-seconds of this process, its children that ended and its descendants that live."""
    living = sum(int(tick) for _, fields in descendants() for tick in fields[11:15])
    return sum(os.times()[:4]) + living / TICKS_PER_S


def peak_mb() -> float:
    """Most memory that this process and its living descendants held, or one child that ended."""
    kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for process, _ in descendants():
        try:
            status = Path(f"/proc/{process}/status").read_text()
        except OSError:
            continue
        kib += next((int(x.split()[1]) for x in status.splitlines() if "VmHWM" in x), 0)
    return max(kib, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 1024


def held_mb() -> float:
    """Most memory of this process alone; the other count begins with that of who started it."""
    status = Path("/proc/self/status").read_text()
    return next(int(x.split()[1]) for x in status.splitlines() if "VmHWM" in x) / 1024


class Clock:
    """CPU and wall seconds by phase."""

    def __init__(self) -> None:
        self.took: dict[str, float] = {"import_cpu_s": cpu_s()}

    def __call__(self, phase: str, work: Callable[[], Any]) -> Any:
        used, start = cpu_s(), time.perf_counter()
        result = work()
        self.took[f"{phase}_cpu_s"] = cpu_s() - used
        self.took[f"{phase}_wall_s"] = time.perf_counter() - start
        return result


def restrict() -> None:
    """Two cores for all alike; the driver limits the threads of libraries by the environment."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])


def epochs_within(cap_cpu_s: float) -> Callable[..., Iterator[int]]:
    """Stands for ``tqdm`` in a training loop: no epoch begins after a process used so much more."""

    def epochs(planned: range, **_: Any) -> Iterator[int]:
        start = time.process_time()
        for epoch in planned:
            if time.process_time() - start > cap_cpu_s:
                return
            trained["epochs"] = epoch + 1
            yield epoch

    return epochs


trained: dict[str, Any] = {}
"""What a system notes of its training, such as epochs."""


def measure(system: System, task: Task, rows: int, folder: Path) -> dict[str, Any]:
    """Learn, make, write; seconds, megabytes, versions."""
    clock, many = Clock(), rows * system.times
    model = clock("fit", lambda: system.fit(task))
    clock.took["fit_peak_mb"] = peak_mb()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    made = clock("sample", lambda: system.sample(model, many, task.seed))
    place = folder / f"{task.table}.parquet"
    clock("save", lambda: system.save(made, place, task))
    clock.took["peak_mb"] = peak_mb()
    if many != rows:
        shutil.rmtree(folder)
        folder.mkdir()
        system.save(system.sample(model, rows, task.seed), place, task)
    before = 0.0 if system.lazy else clock.took["sample_cpu_s"]
    return {
        **clock.took,
        "rows": rows,
        "sampled_rows": many,
        "rows_per_cpu_s": many / max(clock.took["sample_cpu_s"], 1e-3),
        "parquet_rows_per_cpu_s": many / max(before + clock.took["save_cpu_s"], 1e-3),
        "cap": system.cap,
        "trained": trained,
        "versions": {name: version(name) for name in system.packages},
    }


def main(system: System) -> None:
    """The command line of every system."""
    train, rows, folder, seed = sys.argv[1:]
    restrict()
    print(json.dumps(measure(system, Task(Path(train), int(seed)), int(rows), Path(folder))))
