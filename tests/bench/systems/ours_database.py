"""Ours on a database: ``ours_database.py SPEC OUT SEED``; one process, prints JSON as its peers."""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path

import sklearn.tree  # noqa: F401  as in ours.py
from protocol import Clock, peak_mb, restrict

import synthlake as sl
from synthlake.pipeline.run import fit


def main(spec: Path, out: Path, seed: int) -> None:
    """Learn, make as many rows, write."""
    restrict()
    artifact, clock = out.with_name(f"{out.name}.artifact"), Clock()
    clock("fit", lambda: fit(spec, artifact))
    twin = sl.load(artifact).sample(seed=seed)
    clock("sample", lambda: twin.write(out, workers=1))
    size = sum(file.stat().st_size for file in artifact.rglob("*") if file.is_file())
    found = {"rows": sum(table.rows for table in twin.values()), "peak_mb": peak_mb(),
             "versions": {"synthlake": version("synthlake")}, "model_mb": size / 1e6}  # fmt: skip
    print(json.dumps({**clock.took, **found}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
