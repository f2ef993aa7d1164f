"""Every synthesizer on the same rows: what it costs, and how near it comes to unseen rows.

    python tests/bench/family.py [FILE.parquet]

Without a file, on 20,000 made rows. A fifth is held out; C2ST and memorised are against it, by the
report's own metrics. Fit and rows are CPU-seconds of one process, decoding included.
"""

from __future__ import annotations

import sys
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import synthlake

NAMES = ("independent", "copula", "mixture", "trees", "auto")
ROWS = 20_000
SAMPLED = 200_000


def made() -> pa.Table:
    """Categories and numbers that hang together, one of them in two groups, and NULLs."""
    random = np.random.default_rng(7)
    kind = random.integers(0, 6, ROWS)
    age = np.clip(random.gamma(9, 4, ROWS) + 3 * kind, 18, 90).astype(int)
    pay = np.round(np.exp(random.normal(7 + 0.02 * age, 0.4)), 2)
    high = (pay > np.median(pay)) ^ (kind == 3)
    city = np.array([f"city {n}" for n in range(40)])[(random.zipf(1.5, ROWS) + 3 * kind) % 40]
    return pa.table({
        "kind": pa.array([f"kind {n}" for n in kind]), "city": city, "age": age,
        "pay": pa.array(pay, mask=random.random(ROWS) < 0.02 * kind),
        "hours": np.clip(random.normal(np.where(high, 42, 20), 5), 1, 80).round().astype(int),
        "high": high,
    })  # fmt: skip


def main() -> None:
    """Learn, make, judge and print."""
    table = pq.read_table(sys.argv[1]) if len(sys.argv) > 1 else made()
    order = np.random.default_rng(0).permutation(table.num_rows)
    cut = table.num_rows * 4 // 5
    train, unseen = (table.take(np.sort(part)) for part in (order[:cut], order[cut:]))
    print(f"{cut:,} rows x {table.num_columns} columns, {len(unseen):,} held out")
    print("| name | fit CPU-s | rows/CPU-s | C2ST | pairs (TVD) | memorised | kB |")
    print("|---|---|---|---|---|---|---|")
    for name in NAMES:
        start = time.process_time()
        artifact = synthlake.fit({"t": train}, synthesizer=name, holdout=0.0, seed=1)
        fitted = time.process_time() - start
        start = time.process_time()
        for _ in artifact.sample(seed=2, rows={"t": SAMPLED})["t"]:
            pass
        speed = SAMPLED / (time.process_time() - start)
        twin = artifact.sample(seed=1)
        report = synthlake.evaluate({"t": train}, twin, holdout={"t": unseen}, tier="full")
        figures = [report.of(m)[0].twin.value for m in ("c2st.table", "pairs", "memorised")]
        held = sum(t.nbytes for t in artifact._model.to_parts().tensors.values())
        said = " | ".join("-" if f is None else f"{f:.3f}" for f in figures)
        print(f"| `{name}` | {fitted:.1f} | {speed:,.0f} | {said} | {held // 1000} |", flush=True)


if __name__ == "__main__":
    main()
