"""Do the privacy attacks find what leaks, and nothing in what does not?

    python tests/bench/attacks.py [SEEDS] [ROWS] [PARQUET]

Real rows are cut at random into training rows, a hold-out and others of the same kind. Four twins
are attacked: other real rows (honest), the training rows (copy), honest rows of which a tenth are
training rows, and training rows with noise (jittered). A metric flags a twin where its default gate
fails. Without PARQUET the rows are drawn from a distribution with ties between columns.
"""

from __future__ import annotations

import resource
import sys
from collections import defaultdict
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from synthlake.quality.evaluate import evaluate
from synthlake.quality.gates import DEFAULTS
from synthlake.quality.intervals import wilson
from synthlake.quality.metric import metrics
from synthlake.quality.report import Report
from synthlake.quality.settings import EvaluationSettings
from synthlake.source import open_source

ATTACKS = tuple(n for n, m in metrics().items() if m.kind == "attack")
KINDS = ("honest", "copy", "tenth", "jittered")


def drawn(rows: int, seed: int) -> pa.Table:
    """Rows of a distribution with ties between columns, NULL and categories."""
    random = np.random.default_rng(seed)
    job = random.choice(
        ["clerk", "nurse", "smith", "pilot", "baker"], rows, p=[0.4, 0.3, 0.15, 0.1, 0.05]
    )
    age = np.clip(random.normal(45, 14, rows), 18, 90).round()
    pay = random.lognormal(3 + 0.4 * (job == "pilot") + 0.01 * age, 0.4).round(1)
    hours = np.where(random.random(rows) < 0.5, 40, random.integers(10, 70, rows))
    town = random.choice([f"T{i}" for i in range(12)], rows)
    return pa.table({
        "job": job, "age": age, "pay": pay, "hours": hours, "town": town,
        "debt": pa.array(random.gamma(2, pay), mask=random.random(rows) < 0.3),
        "smoker": random.random(rows) < 0.2 + 0.2 * (job == "smith"),
    })  # fmt: skip


def jittered(table: pa.Table, seed: int) -> pa.Table:
    """The same rows: a twentieth of a standard deviation of noise, 5 % of other values changed."""
    random = np.random.default_rng(seed)
    out = {}
    for name in table.column_names:
        column = table[name]
        if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
            numbers = column.to_numpy(zero_copy_only=False).astype(float)
            noise = random.normal(0, 0.05 * np.nanstd(numbers), len(numbers))
            out[name] = pa.array(numbers + noise, from_pandas=True)
            if pa.types.is_integer(column.type):
                out[name] = pa.array(np.rint(numbers + noise), from_pandas=True).cast(column.type)
            continue
        values = np.asarray(column.to_pylist(), dtype=object)
        changed = random.random(len(values)) < 0.05
        values[changed] = random.permutation(values)[changed]
        out[name] = pa.array(values.tolist(), column.type)
    return pa.table(out)


def parts(table: pa.Table, seed: int) -> tuple[pa.Table, pa.Table, dict[str, pa.Table]]:
    """Training rows, hold-out, and the twins."""
    table = table.take(np.random.default_rng(seed).permutation(len(table)))
    rows = len(table)
    train, held = table.slice(0, rows * 2 // 5), table.slice(rows * 2 // 5, rows // 5)
    other = table.slice(rows * 3 // 5)
    tenth = len(train) // 10
    mixed = pa.concat_tables([train.slice(0, tenth), other.slice(0, len(train) - tenth)])
    made = {"honest": other, "copy": train, "tenth": mixed, "jittered": jittered(train, seed)}
    return train, held, made


def attacked(train: pa.Table, held: pa.Table, twin: pa.Table, seed: int) -> Report:
    """The report on one twin, of attacks and copy detectors alone."""
    source = open_source({"t": train})
    gates = tuple(g for g in DEFAULTS if g["metric"] in (*ATTACKS, "memorised", "copies"))
    settings = EvaluationSettings("quick", seed, metrics=ATTACKS, gates=gates)
    holdout = open_source({"t": held})
    return evaluate(source, open_source({"t": twin}), source.schema(), settings=settings,
                    holdout=holdout)  # fmt: skip


def flags(report: Report) -> Mapping[str, bool | None]:
    """By metric: whether its gate is missed; None where there is no figure."""
    return {
        g.gate.metric: None if g.value is None else g.decision != "PASS" for g in report.gates
    }  # fmt: skip


def main() -> int:
    """Attack and print."""
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    rows = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
    whole = pq.read_table(sys.argv[3]) if len(sys.argv) > 3 else None
    caught: dict[tuple[str, str], list[bool]] = defaultdict(list)
    values: dict[tuple[str, str], list[float]] = defaultdict(list)
    for seed in range(seeds):
        table = drawn(rows, seed)
        if whole is not None:
            chosen = np.random.default_rng(seed).permutation(len(whole))[:rows]
            table = whole.take(chosen)
        train, held, twins = parts(table, seed)
        for kind in KINDS:
            report = attacked(train, held, twins[kind], seed)
            found = flags(report)
            for gate in report.gates:
                if gate.value is not None:
                    caught[gate.gate.metric, kind].append(gate.decision != "PASS")
                    values[gate.gate.metric, kind].append(gate.value)
            caught["any attack", kind].append(any(found.get(n) for n in ATTACKS))
    print(f"{seeds} seeds, {rows} rows: share of twins flagged [95 %], mean of the worst figure")
    print(f"{'':20}" + "".join(f"{kind:>26}" for kind in KINDS))
    for metric in dict.fromkeys(m for m, _ in caught):
        cells = (_cell(caught[metric, k], values[metric, k]) for k in KINDS)
        print(f"{metric:20}" + "".join(f"{c:>26}" for c in cells))
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(f"{used.ru_utime + used.ru_stime:.0f} CPU-s, {used.ru_maxrss // 1024} MB at most")
    return 0


def _cell(flagged: list[bool], found: list[float]) -> str:
    if not flagged:
        return "-"
    low, high = wilson(sum(flagged), len(flagged))
    mean = f" {np.mean(found):.2f}" if found else ""
    return f"{np.mean(flagged):.2f} [{low:.2f},{high:.2f}]{mean}"


if __name__ == "__main__":
    sys.exit(main())
