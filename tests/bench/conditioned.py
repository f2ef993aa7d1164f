"""What a condition on a class of 0.1 % costs, by CPU time: declared at fit, and not.

    python tests/bench/conditioned.py [ROWS]

Prints rows per CPU second of each, the best of several, and how many times slower than without a
condition. Exit code 1 if a declared condition is more than three times slower.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np
import pyarrow as pa

import synthlake as sl

MOST, TIMES = 3.0, 5


def table(rows: int) -> pa.Table:
    """Eighteen columns that depend on each other, and a class that one row of a thousand has."""
    random = np.random.default_rng(1)
    base = random.normal(0, 1, rows)
    columns: dict[str, Any] = {
        "rare": np.where(random.random(rows) < 0.002 / (1 + np.exp(-2 * base)), "yes", "no")
    }
    for place in range(9):
        code = np.clip((base * 2 + random.normal(0, 1, rows) + 6).astype(int), 0, 4 + 3 * place)
        columns[f"c{place}"] = np.char.add("v", code.astype(str))
    for place in range(8):
        columns[f"n{place}"] = np.round(base * 10 + random.normal(0, 4 + place, rows), 1)
    return pa.table(columns)


def cpu_seconds(artifact: sl.Artifact, rows: int, given: Any) -> float:
    """The least CPU time of several samples; the last columns are made as well."""
    found = []
    for _ in range(TIMES):
        twin = artifact.sample(given=given) if given else artifact.sample(rows={"t": rows})
        start = time.process_time()
        made = sum(batch.num_rows for batch in twin["t"])
        found.append(time.process_time() - start)
        assert made == rows
    return min(found)


def main() -> int:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    real = table(100_000)
    share = np.mean(np.asarray(real["rare"]) == "yes")
    given = [{"where": {"rare": "yes"}, "rows": rows}]
    print(f"class of {share:.2%} of {real.num_rows:,} rows, {real.num_columns} columns")
    slower = {}
    for name, conditions in (("declared", ["rare"]), ("undeclared", [])):
        artifact = sl.fit({"t": real}, {"t": {"conditions": conditions}}, seed=1)
        free = cpu_seconds(artifact, rows, None)
        bound = cpu_seconds(artifact, rows, given)
        slower[name] = bound / free
        print(
            f"{name:<11} free {rows / free:>9,.0f} rows/CPU-s, given {rows / bound:>9,.0f},"
            f" {bound / free:.2f} times slower"
        )
    return int(slower["declared"] > MOST)


if __name__ == "__main__":
    sys.exit(main())
