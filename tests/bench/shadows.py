"""Does the audit by shadow models find what leaks, and nothing in what does not?

    python tests/bench/shadows.py [SEEDS] [SHADOWS] [PARQUET] [KIND ...]

Makers of twins are audited in the place of a synthesizer, several seeds each: ``copy`` (the
training rows), ``tenth`` (other real rows, a tenth of them training rows), ``honest`` (other real
rows), ``shuffled`` (every column of the training rows permuted on its own: independent marginals);
and the synthesizers ``independent``, ``trees`` and ``copula``. Without PARQUET the rows are drawn
from a distribution with ties between columns.
"""

from __future__ import annotations

import resource
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from synthlake.pipeline.audit import Audit, AuditSettings, Subject, audit
from synthlake.pipeline.learn import fit_settings
from synthlake.pipeline.shadows import Maker, Tables
from synthlake.quality.intervals import wilson
from synthlake.source import open_source

MADE = ("copy", "tenth", "honest", "shuffled")
LEARNED = ("independent", "trees", "copula")


def drawn(rows: int, seed: int) -> pa.Table:
    """People with ties between columns, and some that are unlike all others."""
    random = np.random.default_rng(seed)
    age = random.integers(18, 90, rows)
    trade = random.choice(["cook", "smith", "clerk", "guard"], rows, p=[0.5, 0.3, 0.15, 0.05])
    pay = np.round(random.lognormal(7, 0.8, rows) + 10 * age, 0)
    hours = np.clip(np.round(random.normal(38, 9, rows)), 1, 90)
    return pa.table({
        "age": pa.array(age, pa.int16()), "trade": trade, "pay": pay,
        "hours": pa.array(hours, pa.int16()), "town": random.integers(0, 40, rows).astype(str),
        "debt": np.where(random.random(rows) < 0.8, 0.0, np.round(random.pareto(1.5, rows) * 100)),
    })  # fmt: skip


def maker(kind: str, other: pa.Table, seed: int) -> Maker:
    """What stands in the place of a synthesizer."""

    def make(tables: Tables, number: int) -> Tables:
        random = np.random.default_rng([seed, number])
        table = tables["t"]
        rows = len(table)
        fresh = other.take(random.permutation(len(other))[:rows])
        if kind == "copy":
            return {"t": table}
        if kind == "tenth":
            kept = table.take(random.permutation(rows)[: rows // 10])
            return {"t": pa.concat_tables([kept, fresh.slice(0, rows - len(kept))])}
        if kind == "shuffled":
            mixed = {n: table[n].take(random.permutation(rows)) for n in table.column_names}
            return {"t": pa.table(mixed)}
        return {"t": fresh}

    return make


def audited(kind: str, table: pa.Table, seed: int, shadows: int, rows: int = 2_000) -> Audit:
    """One audit: of the first part of a table, the rest being other real rows."""
    table = table.take(np.random.default_rng(seed).permutation(len(table)))
    pool, other = table.slice(0, rows), table.slice(rows)
    name = kind if kind in LEARNED else "independent"
    fit = fit_settings({"synthesizer": name, "holdout": 0.0})
    settings = AuditSettings(shadows=shadows, rows=rows, seed=seed, budget_s=3_600)
    make = None if kind in LEARNED else maker(kind, other, seed)
    return audit(Subject(open_source({"t": pool}), None, fit), settings, make=make)


def main() -> int:
    """Audit and print."""
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    shadows = int(sys.argv[2]) if len(sys.argv) > 2 else 32
    whole = pq.read_table(sys.argv[3]) if len(sys.argv) > 3 and sys.argv[3] != "-" else None
    kinds = sys.argv[4:] or [*MADE, *LEARNED]
    print(f"{seeds} seeds, {shadows} shadows; means, and the share flagged [95 %]")
    for kind in kinds:
        found = []
        for seed in range(seeds):
            table = drawn(6_000, seed) if whole is None else whole
            found.append(audited(kind, table, seed, shadows))
        print(f"{kind:12}{_line(found)}", flush=True)
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(f"{used.ru_utime + used.ru_stime:.0f} CPU-s, {used.ru_maxrss // 1024} MB at most")
    return 0


def _line(found: list[Audit]) -> str:
    flagged = [a.verdict == "flagged" for a in found]
    low, high = wilson(sum(flagged), len(flagged))
    auc = [a.attack["auc"] for a in found]
    one, ten = ([a.attack["tpr"][at]["value"] for a in found] for at in ("0.01", "0.1"))
    epsilon = [a.attack["epsilon_lower_bound"] for a in found]
    chance = [a.chance["auc"] for a in found]
    return (
        f"flagged {np.mean(flagged):.2f} [{low:.2f},{high:.2f}] AUC {np.mean(auc):.3f}"
        f" ({np.min(auc):.3f}-{np.max(auc):.3f}) TPR@1% {np.mean(one):.3f} @10% {np.mean(ten):.3f}"
        f" eps {np.mean(epsilon):.2f} (most {np.max(epsilon):.2f}) chance AUC {np.mean(chance):.3f}"
    )


if __name__ == "__main__":
    sys.exit(main())
