"""What an evaluation is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from synthlake.errors import SpecError
from synthlake.quality.declared import Fairness, Match, fairness_of, matches_of

Tier = Literal["quick", "standard", "full", "deep"]
TIERS: tuple[Tier, ...] = get_args(Tier)


@dataclass(frozen=True)
class Regression:
    """An analysis whose coefficients are compared.

    Attributes:
        target: ``table.column``: a number, or a category of two values.
        features: columns of the same table.
    """

    target: str
    features: tuple[str, ...]

    def __post_init__(self) -> None:
        if "." not in self.target or not self.features:
            raise SpecError(
                "a regression needs a target table.column and features",
                hint="{target: flights.arr_delay, features: [distance, hour]}",
            )


@dataclass(frozen=True)
class EvaluationSettings:
    """How the twin is judged.

    Attributes:
        tier: ``quick`` (rows, keys, ranges, copies), ``standard`` (every column and every pair,
            degrees, nearest rows), ``full`` (classifiers, attacks, and a model for ``target``) or
            ``deep`` (models over several seeds, combinations of up to five columns).
        seed: of the samples that models see.
        max_rows: rows a side that a model sees.
        k: least number of rows behind any value, bin or degree that a report shows.
        metrics: metrics of a higher tier that are computed as well.
        gates: bounds as in the spec; None for the defaults.
        target: ``table.column`` that a model is trained for.
        regressions: analyses whose coefficients are compared (tier ``full``); mappings have
            ``target`` and ``features``.
        fairness: predictions that are to treat groups alike (tier ``full``); mappings have
            ``target``, ``protected`` and, if need be, ``positive`` and ``privileged``.
        matches: what intruders know of tables of which columns were replaced (tier ``full``);
            mappings have ``table``, ``known`` and, without a primary key, ``key``.
        about: what was run: run id, artifact id, versions; shown as it is.
    """

    tier: Tier = "standard"
    seed: int = 0
    max_rows: int = 20_000
    k: int = 10
    metrics: tuple[str, ...] = ()
    gates: tuple[Mapping[str, Any], ...] | None = None
    target: str | None = None
    regressions: Sequence[Regression | Mapping[str, Any]] = ()
    fairness: Sequence[Fairness | Mapping[str, Any]] = ()
    matches: Sequence[Match | Mapping[str, Any]] = ()
    about: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.tier not in TIERS:
            raise SpecError(f"there is no tier {self.tier!r}", hint=f"tiers are {TIERS}")
        if self.max_rows < 1 or self.k < 1:
            raise SpecError("max_rows and k must be at least 1", hint="leave them out")
        if self.target is not None and "." not in self.target:
            raise SpecError("the target is not of the form table.column", hint="flights.arr_delay")

        _ = self.analyses, self.audits, self.intruders

    @property
    def audits(self) -> tuple[Fairness, ...]:
        """The declared predictions that are to treat groups alike.

        Raises:
            SpecError: one of them has no target or no protected column.
        """
        return fairness_of(self.fairness)

    @property
    def intruders(self) -> tuple[Match, ...]:
        """The declared intruders.

        Raises:
            SpecError: one of them has no table or knows nothing.
        """
        return matches_of(self.matches)

    @property
    def analyses(self) -> tuple[Regression, ...]:
        """The declared regressions.

        Raises:
            SpecError: one of them has no target or no features.
        """
        return tuple(
            r if isinstance(r, Regression)
            else Regression(str(r.get("target", "")), tuple(r.get("features", ())))
            for r in self.regressions
        )  # fmt: skip

    def reaches(self, tier: Tier) -> bool:
        """Whether metrics of a tier are part of this evaluation."""
        return TIERS.index(tier) <= TIERS.index(self.tier)
