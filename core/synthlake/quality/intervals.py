"""Confidence intervals of rates."""

from __future__ import annotations

import math

Z = 1.959963984540054  # two-sided 95 %


def wilson(hits: float, rows: float) -> tuple[float, float]:
    """95 % interval of a rate. Source: Wilson (1927), doi:10.1080/01621459.1927.10502953."""
    if rows <= 0:
        return 0.0, 1.0
    rate, unit = hits / rows, Z * Z / rows
    middle = (rate + unit / 2) / (1 + unit)
    half = Z / (1 + unit) * math.sqrt(rate * (1 - rate) / rows + unit / (4 * rows))
    return max(0.0, min(rate, middle - half)), min(1.0, max(rate, middle + half))
