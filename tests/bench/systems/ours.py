"""Synthlake's default: all rows are learned, the rates are those of ten times as many rows."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

# What others import before they learn is not counted either; a first fit imports these.
import duckdb  # noqa: F401
import pydantic.types  # noqa: F401
import sklearn.tree  # noqa: F401
import sqlglot  # noqa: F401
from protocol import System, Task, main

import synthlake as sl
import synthlake.pipeline.learn
import synthlake.relational.learn
import synthlake.schema.document
import synthlake.source.open


def fit(task: Task, **settings: Any) -> tuple[Any, str]:
    """Learn the folder of the table; told of its key what peers are told: one column, or none."""
    key = task.primary_key if len(task.primary_key) == 1 else []
    declared = {task.table: {"primary_key": key}}
    return sl.fit(task.train.parent, declared, seed=task.seed, holdout=0.0, **settings), task.table


def sample(model: tuple[Any, str], rows: int, seed: int) -> Any:
    """Make the rows and drop them; the twin makes them again for whoever reads it."""
    artifact, table = model
    twin = artifact.sample(rows={table: rows}, seed=seed)
    made = sum(len(batch) for batch in twin[table])
    if made != rows:
        raise RuntimeError(f"{made:,} rows in place of {rows:,}")
    return twin


def save(twin: Any, path: Path, task: Task) -> None:
    """Write Parquet in one process: one file, or parts in a folder of the table's name."""
    whole = path.parent / "twin"
    twin.write(whole, workers=1)
    for made in (whole / task.table, whole / path.name):
        if made.exists():
            made.rename(path.parent / made.name)
    shutil.rmtree(whole)


if __name__ == "__main__":
    main(System(fit, sample, save, ("synthlake", "scikit-learn", "numpy"), lazy=True, times=10))
