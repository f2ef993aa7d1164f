"""SDV's HMA on planes and their flights: ``sdv_hma.py FOLDER OUT SEED``; prints JSON.

The columns are said as they are, as for the other systems of SDV. HMA takes no composite key, so
flights have none. Training ends with the process when it has used its CPU-seconds.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import frames
import pandas as pd
import sdv_bridge
from protocol import CAP_CPU_S, Clock, Task, peak_mb, restrict
from sdv.metadata import Metadata
from sdv.multi_table import HMASynthesizer

KEYS = {"planes": "tailnum"}
LINK = {
    "parent_table_name": "planes", "parent_primary_key": "tailnum",
    "child_table_name": "flights", "child_foreign_key": "tailnum",
}  # fmt: skip


def described(rows: dict[str, pd.DataFrame]) -> Any:
    """What SDV is told of the tables."""
    tables: dict[str, Any] = {}
    for name, table in rows.items():
        columns = {c: {"sdtype": sdv_bridge.kind(table[c])} for c in table}
        tables[name] = {"columns": {**columns, "tailnum": {"sdtype": "id"}}}
        if name in KEYS:
            tables[name]["primary_key"] = KEYS[name]
    return Metadata.load_from_dict({"tables": tables, "relationships": [LINK]})


def read(folder: Path) -> dict[str, pd.DataFrame]:
    """Both tables; of microseconds rdt 2.0.0 makes days of January 1970."""
    rows = {name: pd.read_parquet(folder / f"{name}.parquet") for name in ("planes", "flights")}
    for table in rows.values():
        for name in table:
            if pd.api.types.is_datetime64_any_dtype(table[name]):
                table[name] = pd.to_datetime(table[name]).dt.tz_localize(None)
                table[name] = table[name].astype("datetime64[ns]")
    return rows


def main(folder: Path, out: Path, seed: int) -> None:
    """Learn, make as many rows, write."""
    restrict()
    resource.setrlimit(resource.RLIMIT_CPU, (int(CAP_CPU_S), int(CAP_CPU_S) + 10))
    rows = read(folder)
    model, clock = HMASynthesizer(described(rows), verbose=False), Clock()
    clock("fit", lambda: model.fit(rows))
    made = clock("sample", lambda: model.sample_scale(scale=1.0))
    out.mkdir(parents=True, exist_ok=True)
    for name, table in made.items():
        frames.save(table, out / f"{name}.parquet", Task(folder / f"{name}.parquet", seed))
    count = sum(map(len, made.values()))
    versions = {name: version(name) for name in ("sdv", "pandas", "numpy")}
    with tempfile.TemporaryDirectory() as place:
        model.save(Path(place) / "model.pkl")
        size = (Path(place) / "model.pkl").stat().st_size
    print(json.dumps({**clock.took, "rows": count, "peak_mb": peak_mb(), "versions": versions,
                      "model_mb": size / 1e6}))  # fmt: skip


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
