"""Can an attacker link two halves of a row, known from two sources, by the twin?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from synthlake.ports import MetricKind, Score
from synthlake.quality.attacks.arena import Arena, Rows, arena, nearest_rows
from synthlake.quality.attacks.rates import Attack, Outcome, rate
from synthlake.quality.attacks.targets import each_table
from synthlake.quality.classifier import one_thread
from synthlake.quality.metric import Comparison, Direction, Metric, Scored
from synthlake.quality.settings import Tier

NEIGHBOURS = 10
_TARGETS = 2_000


class Linkability:
    """Gain from linking two halves of a row by the twin: 0 as for unseen rows, 1 as by a copy.

    The columns are dealt into two halves by the seed. A target is linked if one row of the twin is
    among the ten nearest by either half. The control is the same for unseen rows, the naive
    attack draws ten rows for each half.

    Cost: (targets) * (rows of twin and training data) * axes multiplications, twice.
    Source: Giomi et al. (2023), doi:10.56553/popets-2023-0055, section 4.2; Anonymeter.
    """

    name, title = "linkability", "Linkability"
    kind: MetricKind = "attack"
    tier: Tier = "full"
    best = 0.0
    direction: Direction = "low"

    def score(self, comparison: Comparison) -> Iterator[Scored]:
        """A score for each table."""
        yield from each_table(comparison, _one)


def _one(comparison: Comparison, table: str) -> Score:
    where = arena(comparison.ground, table)
    seen = where.of(comparison.candidate)
    if len(where.names) < 2:
        return Score(None, reason="one column has no halves")
    if len(seen) <= 2 * NEIGHBOURS:
        return Score(None, reason=f"the twin has no more than {2 * NEIGHBOURS} rows to compare")
    with one_thread():
        return _attack(where, seen).score()


def _attack(where: Arena, seen: Rows) -> Attack:
    words = where.seed("linkability").words("", "deal", 0, len(where.names))
    dealt = [where.names[i] for i in np.argsort(words, kind="stable")]
    parts = dealt[::2], dealt[1::2]
    count = min(where.targets, _TARGETS)
    sides = where.train.first(count), where.unseen.first(count)

    def linked(by: Rows) -> Outcome:
        rates = []
        for side in sides:
            found = [nearest_rows(side.points(p), by.points(p), NEIGHBOURS) for p in parts]
            rates.append(rate(_meet(*found), side.owners))
        return Outcome(*rates)

    # P(two draws of ten without repetition share one)
    rows = len(seen)
    apart = np.prod([(rows - NEIGHBOURS - i) / (rows - i) for i in range(NEIGHBOURS)])
    return Attack(
        linked(seen), linked(where.train), float(1 - apart), (len(where.train), rows),
        {"targets": count, "neighbours": NEIGHBOURS},
    )  # fmt: skip


def _meet(left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.bool_]:
    return np.array([bool(set(a) & set(b)) for a, b in zip(left.tolist(), right.tolist(),
                                                           strict=True)], dtype=bool)  # fmt: skip


METRICS: tuple[Metric, ...] = (Linkability(),)
