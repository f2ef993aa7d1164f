"""From figures to causes: each finding names the place, what happened there and the remedy."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from synthlake.quality.gates import GateResult
from synthlake.quality.metric import Comparison, Subject
from synthlake.quality.result import Row


@dataclass(frozen=True)
class Advice:
    """A finding.

    Attributes:
        cause: in a word, such as ``shifted`` or ``copied``.
        subject: where: a table, a column, a pair or a foreign key.
        metric: the figure that shows it.
        value: that figure.
        finding: what was found.
        remedy: what to do.

    Privacy: names of tables and columns, rates, and differences in standard deviations; no value.
    """

    cause: str
    subject: Subject
    metric: str
    value: float
    finding: str
    remedy: str

    @property
    def text(self) -> str:
        """The finding and its remedy, with the place."""
        return f"{self.subject.label}: {self.finding}; {self.remedy}"


Rule = Callable[[Comparison, Sequence[Row], Sequence[Advice]], Iterable[Advice]]
"""Finds causes in figures, given what was found before: what is explained is not said again."""


def advise(comparison: Comparison, rows: Sequence[Row]) -> tuple[Advice, ...]:
    """What a reader should look at, the gravest first.

    Args:
        comparison: of the twin.
        rows: all figures.

    Cost: counts that the figures asked for are kept; no table is read again.
    """
    from synthlake.quality.advice.columns import column_rules
    from synthlake.quality.advice.fairness import fairness_rules
    from synthlake.quality.advice.keys import key_rules
    from synthlake.quality.advice.pairs import pair_rules
    from synthlake.quality.advice.privacy import privacy_rules
    from synthlake.quality.advice.sequences import sequence_rules

    rules: tuple[Rule, ...] = (
        *privacy_rules, *column_rules, *pair_rules, *key_rules, *sequence_rules, *fairness_rules,
    )  # fmt: skip
    found: list[Advice] = []
    for rule in rules:
        found += rule(comparison, rows, tuple(found))
    return tuple(found)


def explained(results: Iterable[GateResult], found: Sequence[Advice]) -> list[GateResult]:
    """Gates that are missed, with the cause in place of the remedy that fits every cause."""
    out = []
    for result in results:
        cause = next((a for a in found if a.subject.label == result.subject), None)
        known = result.decision != "PASS" and cause is not None and result.advice
        out.append(replace(result, advice=cause.text) if cause and known else result)
    return out


def excess(row: Row, noise: float = 0.0) -> float:
    """How much worse a figure (less is better) is than that of other real rows.

    Args:
        row: the figure.
        noise: what other real rows of the same number would have at most, by chance.
    """
    if row.twin.value is None:
        return 0.0
    ceiling = row.ceiling.value if row.ceiling else None
    return row.twin.value - max(noise, ceiling or 0.0)


def ks_noise(a: float, b: float) -> float:
    """What the KS distance of two samples of one distribution exceeds once in a thousand.

    Source: Smirnov (1948), doi:10.1214/aoms/1177730256, the limit sqrt(ln(2 / .001) / 2).
    """
    return 1.95 * math.sqrt(1 / max(a, 1) + 1 / max(b, 1))
