"""A declaration that the data suggests, with what speaks for it and against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

KEPT = "kept without being declared"
ASKED = "the owner must say whether it is a rule"
ROUNDED = "but for the last digit"
LEAST = 20  # rows that would break a rule by chance, below which it says nothing
FEW = 0.01  # share of rows that may break what is proposed
BETTER = 0.1  # of the exceptions that chance alone would bring


@dataclass(frozen=True)
class Proposal:
    """One constraint in the words of a spec.

    Attributes:
        declaration: an entry of a table's ``constraints:``.
        support: rows it applies to.
        exceptions: rows of these that break it.
        score: share of rows that would break it if its columns had nothing to do with each other,
            less ten times the share that do.
        entries: what would have to be stored; 0 for a formula.
        small: entries with fewer than k entities.
        automatic: whether learning keeps it without a declaration.
        reason: why it is not, else how.
        shown: what stands for the declaration where values are not shown; None where it has none.
    """

    declaration: Mapping[str, Any]
    support: int
    exceptions: int
    score: float
    entries: int = 0
    small: int = 0
    automatic: bool = False
    reason: str = ""
    shown: str | None = None

    @property
    def kind(self) -> str:
        """The word by which the declaration starts."""
        return next(iter(self.declaration))

    @property
    def safe(self) -> bool:
        """Whether k entities stand behind all that accepting it would store."""
        return self.small == 0

    @property
    def inexact(self) -> bool:
        """Whether it holds but for what rounding loses."""
        return self.reason == ROUNDED

    @property
    def values(self) -> bool:
        """Whether the declaration repeats cells."""
        return self.shown is not None


def scored(support: int, exceptions: int, expected: float, rows: int) -> float:
    """The score of a rule that chance would break in ``expected`` rows."""
    if not rows or not support:
        return 0.0
    return round(max(expected, 0.0) / rows - 10.0 * exceptions / support, 4)


def surprising(support: int, exceptions: int, expected: float) -> bool:
    """Whether so few exceptions are no accident."""
    few = exceptions <= FEW * support
    return expected >= LEAST and few and exceptions <= BETTER * expected


def reason_of(exceptions: int, kept: bool = False) -> str:
    """Why a proposal is not taken without being declared, or that it is."""
    if exceptions:
        return f"{exceptions:,} rows break it" if exceptions > 1 else "1 row breaks it"
    return KEPT if kept else ASKED
