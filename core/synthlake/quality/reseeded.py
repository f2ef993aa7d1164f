"""The same comparison with another seed, and scores over several seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from synthlake.ports import Score
from synthlake.quality.metric import Comparison, Ground
from synthlake.seed import digest


def reseeded(comparison: Comparison, number: int) -> Comparison:
    """The comparison with the n-th of the seeds that follow from its own; 0 is its own.

    What depends on counts of all rows is kept, and not counted again.
    """
    ground, settings = comparison.ground, comparison.settings
    if not number:
        return comparison
    seed = int.from_bytes(digest("seeds", settings.seed, number, size=4), "little") >> 1
    other = replace(settings, seed=seed)
    return replace(
        comparison,
        ground=Ground(ground.schema, ground.real, other, ground.train, ground.holdout),
        repeat=number,
    )


def averaged(scores: Sequence[Score]) -> Score:
    """Mean and interval of the mean (Student's t) of what several seeds gave.

    One that has no figure for some seed has none at all, with that seed's reason.
    """
    first = scores[0]
    lacking = next((s for s in scores if s.value is None), None)
    if lacking is not None:
        return lacking
    values = np.array([s.value for s in scores], np.float64)
    mean, half = float(values.mean()), half_width(values)
    if values.min() == values.max():  # which a mean may miss by rounding
        mean, half = float(values[0]), 0.0
    spread = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    detail = {"seeds": len(values), "least": float(values.min()), "most": float(values.max()),
              "standard deviation": spread}  # fmt: skip
    return Score(mean, (mean - half, mean + half), first.rows, detail=detail)


def half_width(values: NDArray[np.float64]) -> float:
    """Half of the 95 % interval of a mean, by Student's t."""
    if len(values) < 2:
        return 0.0
    from scipy.stats import t

    return float(t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / math.sqrt(len(values)))
