"""What an evaluation is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from synthlake.errors import SpecError

Tier = Literal["quick", "standard", "full", "deep"]
TIERS: tuple[Tier, ...] = get_args(Tier)


@dataclass(frozen=True)
class EvaluationSettings:
    """How the twin is judged.

    Attributes:
        tier: ``quick`` (rows, keys, ranges, copies), ``standard`` (every column and every pair,
            degrees, nearest rows) or ``full`` (classifiers, and a model for ``target``).
        seed: of the samples that models see.
        max_rows: rows a side that a model sees.
        k: least number of rows behind any value, bin or degree that a report shows.
        metrics: metrics of a higher tier that are computed as well.
        gates: bounds as in the spec; None for the defaults.
        target: ``table.column`` that a model is trained for.
        about: what was run: run id, artifact id, versions; shown as it is.
    """

    tier: Tier = "standard"
    seed: int = 0
    max_rows: int = 20_000
    k: int = 10
    metrics: tuple[str, ...] = ()
    gates: tuple[Mapping[str, Any], ...] | None = None
    target: str | None = None
    about: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.tier not in TIERS:
            raise SpecError(f"there is no tier {self.tier!r}", hint=f"tiers are {TIERS[:3]}")
        if self.tier == "deep":
            raise SpecError("the tier 'deep' cannot be run by this version", hint="use 'full'")
        if self.max_rows < 1 or self.k < 1:
            raise SpecError("max_rows and k must be at least 1", hint="leave them out")
        if self.target is not None and "." not in self.target:
            raise SpecError("the target is not of the form table.column", hint="flights.arr_delay")

    def reaches(self, tier: Tier) -> bool:
        """Whether metrics of a tier are part of this evaluation."""
        return TIERS.index(tier) <= TIERS.index(self.tier)
