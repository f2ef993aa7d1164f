"""How a prediction treats groups: rates of each group, and how far they lie apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
Rates = Mapping[str, float]


@dataclass(frozen=True)
class Grouped:
    """Rows of which each belongs to a group.

    Attributes:
        names: of the groups.
        group: number of each row's group, -1 for none, shape (rows,).
        owners: the root entity of each row, shape (rows,).
        truth: whether the outcome is positive, shape (rows,).
        k: least number of entities behind a rate.
    """

    names: tuple[str, ...]
    group: NDArray[np.int64]
    owners: NDArray[np.int64]
    truth: Flags
    k: int

    @cached_property
    def held(self) -> Mapping[str, tuple[int, ...]]:
        """Groups with k entities: among all rows, positive ones, and others."""
        sides = {"all": self.group >= 0, "positive": self.truth, "negative": ~self.truth}
        return {side: tuple(self._enough(among)) for side, among in sides.items()}

    def _enough(self, among: Flags) -> Iterator[int]:
        for g in range(len(self.names)):
            if len(np.unique(self.owners[(self.group == g) & among])) >= self.k:
                yield g

    def _rates(self, side: str, said: Flags, weights: Floats) -> Rates:
        """Share of each group's rows of a side of which something is said."""
        among = self.group >= 0
        if side != "all":
            among &= self.truth if side == "positive" else ~self.truth
        group, mine, size = self.group[among], weights[among], len(self.names)
        total = np.bincount(group, mine, size)
        hits = np.bincount(group, mine * said[among], size)
        return {
            self.names[g]: float(hits[g] / total[g]) if total[g] else 0.0 for g in self.held[side]
        }

    def selected(self, said: Flags, weights: Floats) -> Rates:
        """Selection rates, P(said | group)."""
        return self._rates("all", said, weights)

    def true_positives(self, said: Flags, weights: Floats) -> Rates:
        """P(said | group, positive)."""
        return self._rates("positive", said, weights)

    def false_positives(self, said: Flags, weights: Floats) -> Rates:
        """P(said | group, not positive)."""
        return self._rates("negative", said, weights)


def apart(rates: Rates, privileged: str = "") -> float | None:
    """Largest less smallest rate, or the largest distance from that of the privileged group.

    None for fewer than two groups, or where the privileged one is not among them.
    """
    if len(rates) < 2 or (privileged and privileged not in rates):
        return None
    if privileged:
        return max(abs(rate - rates[privileged]) for rate in rates.values())
    return max(rates.values()) - min(rates.values())


def demographic_parity(
    rows: Grouped, said: Flags, weights: Floats, privileged: str = ""
) -> float | None:
    """Difference of selection rates.

    Source: Agarwal et al. (2018), arXiv:1803.02453, definition 1; as
    ``fairlearn.metrics.demographic_parity_difference``.
    """
    return apart(rows.selected(said, weights), privileged)


def equal_opportunity(
    rows: Grouped, said: Flags, weights: Floats, privileged: str = ""
) -> float | None:
    """Difference of true positive rates.

    Source: Hardt, Price and Srebro (2016), arXiv:1610.02413, definition 2.2; as
    ``fairlearn.metrics.equal_opportunity_difference``.
    """
    return apart(rows.true_positives(said, weights), privileged)


def equalized_odds(
    rows: Grouped, said: Flags, weights: Floats, privileged: str = ""
) -> float | None:
    """The larger of the differences of true and of false positive rates.

    Source: Hardt, Price and Srebro (2016), arXiv:1610.02413, definition 2.1; as
    ``fairlearn.metrics.equalized_odds_difference`` with its defaults (worst case).
    """
    true = apart(rows.true_positives(said, weights), privileged)
    false = apart(rows.false_positives(said, weights), privileged)
    return None if true is None or false is None else max(true, false)
