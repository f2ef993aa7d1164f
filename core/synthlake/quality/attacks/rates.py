"""How success is counted: attack and control, the risk between them, and their intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from synthlake.ports import Score

WIDEST = 0.3  # half of an interval beyond which a figure says nothing
_LEAST = 0.05  # risk of the training rows themselves below which there is nothing to find

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Rate:
    """A share of successes.

    Attributes:
        value: the share.
        rows: how many independent tries it rests on; rows of one entity are alike.
    """

    value: float
    rows: float

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Source: Wilson (1927), doi:10.1080/01621459.1927.10502953."""
        if self.rows <= 0:
            return 0.0, 1.0
        z = NormalDist().inv_cdf(0.5 + level / 2)
        unit = z * z / self.rows
        middle = (self.value + unit / 2) / (1 + unit)
        root = math.sqrt(self.value * (1 - self.value) / self.rows + unit / (4 * self.rows))
        half = z / (1 + unit) * root
        return (
            max(0.0, min(self.value, middle - half)), min(1.0, max(self.value, middle + half))
        )  # fmt: skip


def rate(hits: Flags, owners: NDArray[np.int64]) -> Rate:
    """The share of hits, with the tries that it rests on.

    Their number is divided by the design effect of entities. Source: Kish (1965), Survey Sampling,
    sections 5.4 and 8.2.
    """
    count = len(hits)
    if not count:
        return Rate(0.0, 0.0)
    value = float(hits.mean())
    plain = value * (1 - value) / count
    _, group = np.unique(owners, return_inverse=True)
    sums = np.bincount(group, hits - value)
    clustered = float((sums**2).sum()) / count**2
    return Rate(value, count / max(1.0, clustered / plain if plain else 1.0))


@dataclass(frozen=True)
class Outcome:
    """What an attack made of training rows and of unseen ones.

    Attributes:
        attack: success against training rows.
        control: success against equally many unseen rows.
    """

    attack: Rate
    control: Rate

    @property
    def risk(self) -> float:
        """What the attack gains of what the control leaves to gain; at most 1.

        Source: Giomi et al. (2023), doi:10.56553/popets-2023-0055, equation 1.
        """
        left = 1 - self.control.value
        return (self.attack.value - self.control.value) / left if left > 0 else 0.0

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Of the risk. Source: Newcombe (1998), method 10, of the difference of the two rates."""
        left = 1 - self.control.value
        if left <= 0:
            return 0.0, 1.0
        attack, control = self.attack.interval(level), self.control.interval(level)
        below = math.hypot(self.attack.value - attack[0], control[1] - self.control.value)
        above = math.hypot(attack[1] - self.attack.value, self.control.value - control[0])
        return self.risk - below / left, self.risk + above / left


@dataclass(frozen=True)
class Attack:
    """All that a score is made of.

    Attributes:
        twin: outcome with the twin.
        copy: outcome with the training rows in its place.
        naive: success of guessing without looking at the target.
        rows: training rows looked at, rows of the twin.
        detail: what else a report shows.
        figures: how many figures are given at once, for simultaneous intervals (Bonferroni).
    """

    twin: Outcome
    copy: Outcome
    naive: float
    rows: tuple[int, int]
    detail: Mapping[str, object]
    figures: int = 1

    def score(self) -> Score:
        """The risk by that of the training rows themselves: 0 as unseen rows, 1 as a copy."""
        full = self.copy.risk
        detail: dict[str, object] = {
            "attack": self.twin.attack.value, "control": self.twin.control.value,
            "naive": self.naive, "risk": self.twin.risk, "risk of training rows": full,
            **self.detail,
        }  # fmt: skip
        level = 1 - 0.05 / self.figures
        if self.copy.interval(level)[0] < _LEAST:
            why = "nothing to find: even the training rows themselves give no more away"
            return Score(None, rows=self.rows, reason=why, detail=detail)
        low, high = (bound / full for bound in self.twin.interval(level))
        if high - low > 2 * WIDEST:
            why = "too few rows in the hold-out to tell"
            return Score(None, rows=self.rows, reason=why, detail=detail)
        return Score(self.twin.risk / full, (low, high), self.rows, detail=detail)
