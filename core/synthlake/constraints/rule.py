"""Columns that a formula or a map makes from others, so that rows cannot contradict themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Cells:
    """A column as whole numbers.

    Attributes:
        ticks: shape (rows,), int64 or float64 (see ``encode.axis``); any number where NULL.
        null: shape (rows,).
    """

    ticks: NDArray[Any]
    null: Mask

    def take(self, rows: NDArray[np.int64]) -> Cells:
        """Cells of some rows."""
        return Cells(self.ticks[rows], self.null[rows])


class Rule(Protocol):
    """Makes columns of ordered types.

    Conforms: ``DateParts``, ``ClockParts``, ``ClockSum``, ``SumRule``, ``Formula``.
    """

    @property
    def makes(self) -> tuple[str, ...]:
        """Columns that the rule computes."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Columns that it computes them from."""

    def apply(self, cells: Mapping[str, Cells]) -> dict[str, Cells]:
        """The computed columns; what it leaves NULL keeps its own value."""

    def to_json(self) -> dict[str, Any]:
        """The rule, for the artifact."""
