"""Do intervals from several releases of one artifact cover what is true of the population?

    python tests/bench/releases.py [REPETITIONS] [ROWS] [SYNTHESIZER ...]

Each repetition draws a table from a known law, fits it, samples five releases of as many rows, and
combines them by the rule ``plug_in``: the mean of a number, a share, and the slope of a regression.
Printed is how often 95 % intervals cover the law's value, and the variances that the rule is about:
what it claims by what estimates really vary between tables, and what releases of one artifact vary
by what as many rows drawn independently would. Both as rows are drawn, and with that evenness off.
"""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from unittest.mock import patch

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

import synthlake as sl
from synthlake.quality.combine import combine
from synthlake.seed import Words

Floats = NDArray[np.float64]
FIGURES = ("mean", "share", "slope")
TRUTH = np.array([1.15, 0.3, 0.7])
RELEASES = (1, 5)
_SPREAD = [f"synthlake.models.{name}.spread" for name in ("chained", "copula", "mixture", "trees")]


def drawn(rows: int, seed: int) -> pa.Table:
    """A table of the law: a category, a number, and one that depends on both."""
    random = np.random.default_rng(seed)
    group = random.choice(["a", "b", "c"], rows, p=[0.5, 0.3, 0.2])
    x = random.normal(0, 1, rows)
    y = 1 + 0.7 * x + 0.5 * (group == "b") + random.normal(0, 1, rows)
    return pa.table({"group": group, "x": x, "y": y})


def analysed(table: pa.Table) -> tuple[Floats, Floats]:
    """Mean of y, share of a category and slope of y on x: estimates and variances, as if real."""
    x, y = (table[name].to_numpy().astype(float) for name in ("x", "y"))
    share = float(np.mean(table["group"].to_numpy() == "b"))
    rows, about = len(y), x - x.mean()
    slope = float(about @ y / (about @ about))
    left = y - y.mean() - slope * about
    noise = float(left @ left) / (rows - 2) / float(about @ about)
    return (
        np.array([y.mean(), share, slope]),
        np.array([y.var(ddof=1) / rows, share * (1 - share) / rows, noise]),
    )


def released(synthesizer: str, rows: int, seed: int) -> tuple[Floats, Floats, Floats]:
    """Estimates of the real table, and estimates and variances of five releases: (5, figures)."""
    table = drawn(rows, seed)
    artifact = sl.fit({"t": table}, synthesizer=synthesizer, holdout=0.0, seed=seed)
    first = seed * max(RELEASES)  # draws of a seed are the same whatever was learned
    seeds = range(first, first + max(RELEASES))
    found = [analysed(artifact.sample(seed=s).to_arrow()["t"]) for s in seeds]
    q, u = (np.array(part) for part in zip(*found, strict=True))
    return analysed(table)[0], q, u


def simulated(synthesizer: str, rows: int, repetitions: int) -> None:
    """Repeat and print."""
    real, q, u = (
        np.array(part)
        for part in zip(*(released(synthesizer, rows, s) for s in range(repetitions)), strict=True)
    )
    moved = (q.mean(axis=1) - real).mean(axis=0) / real.std(axis=0, ddof=1)
    between = q.var(axis=1, ddof=1).mean(axis=0) / u.mean(axis=(0, 1))
    for releases in RELEASES:
        made = [combine(a[:releases], b[:releases], rows=rows, synthetic_rows=rows)
                for a, b in zip(q, u, strict=True)]  # fmt: skip
        ends = np.array([one.interval() for one in made])
        inside = ((ends[:, 0] <= TRUTH) & (ends[:, 1] >= TRUTH)).mean(axis=0)
        really = q[:, :releases].mean(axis=1).var(axis=0, ddof=1)
        claimed = np.mean([one.variance for one in made], axis=0) / really
        for place, figure in enumerate(FIGURES):
            print(
                f"  {releases} releases, {figure:6} covered {inside[place]:.3f}"
                f"  variance claimed / real {claimed[place]:.2f}"
                f"  between releases / independent rows {between[place]:.2f}"
                f"  moved by the model {moved[place]:+.2f} standard errors",
                flush=True,
            )


def _as_it_is(words: Words, *_: object) -> Words:
    return words


def main() -> int:
    """Simulate and print."""
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    rows = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000
    start = time.process_time()
    for synthesizer in sys.argv[3:] or ["trees", "copula"]:
        print(f"{synthesizer}, {rows} rows, {repetitions} tables; rows drawn evenly")
        simulated(synthesizer, rows, repetitions)
        print(f"{synthesizer}, each row drawn independently")
        with ExitStack() as held:
            for name in _SPREAD:
                held.enter_context(patch(name, _as_it_is))
            simulated(synthesizer, rows, repetitions)
    print(f"{time.process_time() - start:.0f} CPU-s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
