"""One step of ours on TPC-H: ``ours_tpch.py learn SPEC ARTIFACT`` or ``make ARTIFACT TWIN SCALE``.

``make`` writes Parquet by two workers. Prints JSON: CPU-seconds of all processes, wall seconds, and
the most memory that they held together, looked at five times a second (pages that processes share
are counted once, by PSS).
"""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path

from protocol import CORES, Clock, descendants, restrict

import synthlake as sl

_EVERY_S = 0.2


def learn(spec: Path, artifact: Path) -> dict[str, int]:
    """Learn a spec."""
    from synthlake.pipeline.run import fit

    fit(spec, artifact)
    return {}


def make(artifact: Path, target: Path, scale: float) -> dict[str, int]:
    """Make a twin; returns its rows by table."""
    twin = sl.load(artifact).sample(scale, seed=7)
    twin.write(target, workers=CORES)
    return {table.name: table.rows for table in twin.values()}


class Memory(threading.Thread):
    """Looks at the memory of this process and those below it until it is stopped."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak_mb, self._done = 0.0, threading.Event()

    def run(self) -> None:
        """Keep the most that is seen."""
        while not self._done.wait(_EVERY_S):
            processes = [os.getpid(), *(process for process, _ in descendants())]
            self.peak_mb = max(self.peak_mb, sum(map(_held_mb, processes)))

    def stop(self) -> float:
        """The most, in megabytes."""
        self._done.set()
        self.join()
        return self.peak_mb


def _held_mb(process: int) -> float:
    """Memory of a process by proportional set size; 0 where it has ended."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(x.split()[1]) for x in lines if x.startswith("Pss:")), 0) / 1024


def main(step: str, source: Path, target: Path, scale: float) -> None:
    """One step."""
    restrict()
    clock, memory = Clock(), Memory()
    memory.start()
    rows = clock("step", lambda: learn(source, target) if step == "learn"
                 else make(source, target, scale))  # fmt: skip
    found = {"cpu_s": clock.took["step_cpu_s"], "wall_s": clock.took["step_wall_s"]}
    print(json.dumps({**found, "peak_mb": memory.stop(), "rows": rows}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), float(sys.argv[4]))
