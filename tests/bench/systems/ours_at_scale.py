"""One step of ours at scale: ``ours_at_scale.py learn|drop|write SOURCE TARGET ROWS``.

``learn`` makes an artifact of a folder of tables; ``drop`` and ``write`` make rows of an artifact,
the latter as Parquet. One process; prints JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import sklearn.tree  # noqa: F401  as in ours.py
from protocol import Clock, peak_mb, restrict

import synthlake as sl

TABLE = "flights"


def run(step: str, source: Path, target: Path, rows: int) -> None:
    """Learn or make."""
    if step == "learn":
        sl.fit(source, seed=0).save(target)
        return
    twin = sl.load(source).sample(rows={TABLE: rows}, seed=0)
    if step == "write":
        twin.write(target, workers=1)
        return
    made = sum(len(batch) for batch in twin[TABLE])
    if made != rows:
        raise RuntimeError(f"{made:,} rows in place of {rows:,}")


if __name__ == "__main__":
    restrict()
    clock = Clock()
    clock("step", lambda: run(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])))
    took = clock.took
    found = {"cpu_s": took["step_cpu_s"], "wall_s": took["step_wall_s"], "peak_mb": peak_mb()}
    print(json.dumps(found))
