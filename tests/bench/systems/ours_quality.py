"""Ours judged for speed: ``ours_quality.py REAL TWIN HOLDOUT|- FIGURES [CODES]``.

Evaluates two folders of one table in the tier ``standard``, floor included, and writes the figures
of columns and pairs as JSON; with CODES also both tables in the intervals and values that pairs
are counted in. Modules are loaded by a first evaluation of a few rows. Prints JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
from protocol import Clock, held_mb, restrict

import synthlake as sl
from synthlake.quality.bins import bins_of, code
from synthlake.quality.dataset import DataSet
from synthlake.quality.layout import fields_of
from synthlake.schema.model import Schema

SCHEMA: dict[str, Any] = {"flights": {"primary_key": []}}
SCORED = ("ks", "tvd", "pairs", "pearson")


def judged(real: Path, twin: Path, holdout: str) -> Any:
    """The report."""
    held = None if holdout == "-" else holdout
    return sl.evaluate(real, twin, SCHEMA, holdout=held, tier="standard")


def load() -> None:
    """Import all that an evaluation needs."""
    few = {"flights": pa.table({"a": list(range(100)), "b": ["x", "y"] * 50})}
    sl.evaluate(few, few, holdout=few, tier="standard")


def figures(report: Any) -> dict[str, dict[str, float]]:
    """By metric and columns."""
    return {
        name: {" x ".join(row.subject.columns): row.twin.value
               for row in report.of(name) if row.twin.value is not None}
        for name in SCORED
    }  # fmt: skip


def write_codes(real: Path, twin: Path, folder: Path) -> None:
    """Both tables in codes."""
    sides = [DataSet(name, source.engine(), source.schema(), sl.open(real).schema())
             for name, source in (("real", sl.open(real)), ("twin", sl.open(twin)))]  # fmt: skip
    schema: Schema = sides[0].schema
    fields = fields_of(schema, schema["flights"])
    bins = [bins_of(field, sides[0].marginal(field)) for field in fields.values()]
    folder.mkdir(parents=True, exist_ok=True)
    for side in sides:
        select = ", ".join(f'{code(side, b)} AS "{b.field.name}"' for b in bins)
        side.query(f"COPY (SELECT {select} FROM {side.tables.read('flights')}) TO "
                   f"'{folder / side.label}.parquet' (FORMAT parquet)")  # fmt: skip


if __name__ == "__main__":
    restrict()
    clock = Clock()
    real, twin = Path(sys.argv[1]), Path(sys.argv[2])
    clock("load", load)
    report = clock("step", lambda: judged(real, twin, sys.argv[3]))
    took = {"peak_mb": held_mb(), "imports_cpu_s": clock.took["load_cpu_s"]}
    took |= {"cpu_s": clock.took["step_cpu_s"], "wall_s": clock.took["step_wall_s"]}
    Path(sys.argv[4]).write_text(json.dumps(figures(report)))
    if len(sys.argv) > 5:
        write_codes(real, twin, Path(sys.argv[5]))
    print(json.dumps(took))
