"""The same by SDMetrics: ``sdmetrics_quality.py REAL TWIN report|exact|codes FIGURES``.

``exact`` computes of every column KSComplement or TVComplement, of every pair of numbers Pearson's
and Spearman's CorrelationSimilarity, and of every pair ContingencySimilarity with ten bins a
number, on all rows. ``report`` is its QualityReport with its own settings. ``codes`` is
ContingencySimilarity of columns that are codes. Reading Parquet counts, as with ours. Prints JSON.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import pandas as pd
from protocol import Clock, held_mb, restrict
from sdmetrics.column_pairs import ContingencySimilarity, CorrelationSimilarity
from sdmetrics.reports.single_table import QualityReport
from sdmetrics.single_column import KSComplement, TVComplement

Found = dict[str, dict[str, float | None]]


def of(compute: Callable[..., float], real: Any, twin: Any, **settings: Any) -> float | None:
    """A figure, or None where there is none."""
    try:
        value = float(compute(real, twin, **settings))
    except Exception as error:  # each metric has errors of its own for what it cannot say
        print(f"{compute}: {error}"[:200], file=sys.stderr)
        return None
    return None if value != value else value


def exact(real: pd.DataFrame, twin: pd.DataFrame) -> Found:
    """All columns and pairs."""
    texts = [c for c in real if real[c].dtype == object]
    numbers = [c for c in real if c not in texts]
    found: Found = {"ks": {}, "tvd": {}, "pearson": {}, "spearman": {}, "contingency": {}}
    for name in real:
        metric, kind = (TVComplement, "tvd") if name in texts else (KSComplement, "ks")
        found[kind][name] = of(metric.compute, real[name], twin[name])
    for pair in combinations(numbers, 2):
        for coefficient in ("Pearson", "Spearman"):
            sides = real[list(pair)], twin[list(pair)]
            found[coefficient.lower()][" x ".join(pair)] = of(
                CorrelationSimilarity.compute, *sides, coefficient=coefficient
            )
    for pair in combinations(real.columns, 2):
        inside = [c for c in pair if c in numbers]
        found["contingency"][" x ".join(pair)] = of(
            ContingencySimilarity.compute, real[list(pair)], twin[list(pair)],
            continuous_column_names=inside or None,
        )  # fmt: skip
    return found


def codes(real: pd.DataFrame, twin: pd.DataFrame) -> Found:
    """Pairs of columns that are codes."""
    pairs = combinations(real.columns, 2)
    return {"contingency": {" x ".join(p): of(ContingencySimilarity.compute, real[list(p)],
                                              twin[list(p)]) for p in pairs}}  # fmt: skip


def report(real: pd.DataFrame, twin: pd.DataFrame) -> Found:
    """Its own report."""
    kinds = {c: {"sdtype": "categorical"} if real[c].dtype == object
             else {"sdtype": "datetime"} if str(real[c].dtype).startswith("datetime")
             else {"sdtype": "numerical"} for c in real}  # fmt: skip
    made = QualityReport()
    made.generate(real, twin, {"columns": kinds}, verbose=False)
    shapes = made.get_details("Column Shapes").set_index("Column")["Score"]
    return {"shapes": {c: float(v) for c, v in shapes.items()}}


def run(places: tuple[Path, Path], step: str) -> Found:
    """Read, and compute."""
    real, twin = (pd.read_parquet(place) for place in places)
    return {"exact": exact, "report": report, "codes": codes}[step](real, twin)


if __name__ == "__main__":
    restrict()
    warnings.simplefilter("ignore")
    clock = Clock()
    found = clock("step", lambda: run((Path(sys.argv[1]), Path(sys.argv[2])), sys.argv[3]))
    Path(sys.argv[4]).write_text(json.dumps(found))
    took = {"cpu_s": clock.took["step_cpu_s"], "wall_s": clock.took["step_wall_s"]}
    print(json.dumps({**took, "peak_mb": held_mb()}))
