"""The figures of an evaluation, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from synthlake.ports import Score
from synthlake.quality.metric import Direction, Metric, Subject


@dataclass(frozen=True)
class Row:
    """One figure about the twin, with what real rows and independent columns would get.

    Attributes:
        metric: its name.
        subject: what it is about.
        twin: the twin's score.
        ceiling: the hold-out's; None where there is none.
        floor: that of independent columns; None where there is none.
    """

    metric: str
    subject: Subject
    twin: Score
    ceiling: Score | None = None
    floor: Score | None = None


@dataclass(frozen=True)
class Line:
    """A metric over all that it was scored on.

    Attributes:
        metric: the metric.
        scored: number of figures.
        unscored: number of subjects without a figure.
        mean: of twin, ceiling and floor, over the subjects that each has.
        worst: the same for the worst figure.
        subject: where the twin is worst.
        interval: of the worst figure.
    """

    metric: Metric
    scored: int
    unscored: int
    mean: tuple[float | None, float | None, float | None]
    worst: tuple[float | None, float | None, float | None]
    subject: str
    interval: tuple[float, float] | None


def worst_first(rows: Sequence[Row], direction: Direction) -> list[Row]:
    """Scored rows, the twin's worst figure first."""
    scored = [r for r in rows if r.twin.value is not None]
    sign = -1.0 if direction == "low" else 1.0
    return sorted(scored, key=lambda r: (sign * (r.twin.value or 0.0), r.subject.label))


def line_of(metric: Metric, rows: Sequence[Row]) -> Line:
    """Mean and worst figure of a metric."""
    ordered = worst_first(rows, metric.direction)
    values: list[list[float]] = [[], [], []]
    for row in rows:
        for place, score in enumerate((row.twin, row.ceiling, row.floor)):
            if score is not None and score.value is not None:
                values[place].append(score.value)
    pick = max if metric.direction == "low" else min
    means = [float(np.mean(v)) if v else None for v in values]
    worsts = [float(pick(v)) if v else None for v in values]
    first = ordered[0] if ordered else None
    return Line(
        metric, len(ordered), len(rows) - len(ordered), (means[0], means[1], means[2]),
        (worsts[0], worsts[1], worsts[2]), first.subject.label if first else "",
        first.twin.interval if first else None,
    )  # fmt: skip
