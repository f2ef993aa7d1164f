"""Can an intruder find a person among rows of which some columns were replaced?"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace

from synthlake.errors import EvaluationError
from synthlake.ports import MetricKind, Score
from synthlake.quality.attacks.matching import Found, Intruder, Matches, best_of, look
from synthlake.quality.declared import Match
from synthlake.quality.intervals import Z, wilson
from synthlake.quality.metric import Comparison, Direction, Metric, Scored, Subject
from synthlake.quality.settings import Tier

Interval = tuple[float, float]


class _Matching(ABC):
    """What all figures share.

    Of at most 4,000 targets; their values match where they are equal, and a replaced number where
    it is within a twentieth of a standard deviation (of the middle half, if that is smaller). The
    intruder knows which columns were replaced: where rows are found more surely by equal values
    alone, or by the kept columns alone, those count.

    Source: Reiter and Mitra (2009), Journal of Privacy and Confidentiality 1(1), pp. 99-110.
    """

    name = title = ""
    kind: MetricKind = "copy"
    tier: Tier = "full"
    best = 0.0
    direction: Direction = "low"

    def score(self, comparison: Comparison) -> Iterator[Scored]:
        """A score for each declared intruder; none without one."""
        for asked in comparison.settings.intruders:
            found = _found(comparison, asked)
            score = Score(None, reason=found) if isinstance(found, str) else self._one(found)
            yield Subject(asked.table), score

    def _one(self, found: Found) -> Score:
        ways = {name: self._figure([way]) for name, way in found.ways.items()}
        figure, copy = self._figure(list(found.ways.values())), self._figure([found.copy])
        best = best_of(list(found.ways.values()))
        detail = {
            "unmodified": None if copy is None else copy[0], "replaced": list(found.replaced),
            "kept": list(found.kept), "targets": found.targets, "rows kept": found.aligned,
            "expected matches": float(best.probability.sum()), "unique": int(best.unique.sum()),
            **{f"by {name}": None if one is None else one[0] for name, one in ways.items()},
        }  # fmt: skip
        if figure is None:
            why = "no target matches one row alone"
            return Score(None, rows=found.rows, reason=why, detail=detail)
        return Score(figure[0], None if found.complete else figure[1], found.rows, detail=detail)

    @abstractmethod
    def _figure(self, ways: Sequence[Matches]) -> tuple[float, Interval] | None:
        """The worst figure of some ways of looking, and its interval; None where there is none."""


class ExpectedMatchRisk(_Matching):
    """Share of people whom an intruder finds on average, taking one of the rows that match.

    The mean of T / c over targets: c released rows match what is known of the target, T is 1 if
    its own row is among them; of each target the largest by all known columns, by those without
    tolerance, and by the kept ones alone. The published sum of these is ``expected matches``.
    """

    name, title = "expected_match_risk", "Expected match risk"

    def _figure(self, ways: Sequence[Matches]) -> tuple[float, Interval]:
        each = best_of(ways).probability
        value, half = float(each.mean()), Z * float(each.std()) / math.sqrt(len(each))
        return value, (max(0.0, value - half), min(1.0, value + half))


class TrueMatchRate(_Matching):
    """Share of people who match one row alone that is their own."""

    name, title = "true_match_rate", "True match rate"

    def _figure(self, ways: Sequence[Matches]) -> tuple[float, Interval]:
        matches = best_of(ways)
        hits, rows = int((matches.unique & matches.true).sum()), len(matches.count)
        return hits / rows, wilson(hits, rows)


class FalseMatchRate(_Matching):
    """Share of matches with one row alone that are wrong: the less an intruder can be sure of.

    The smallest one of intruders who go by all known columns, by those without tolerance, and by
    the kept ones alone.
    """

    name, title = "false_match_rate", "False match rate"
    best = 1.0
    direction: Direction = "high"

    def _figure(self, ways: Sequence[Matches]) -> tuple[float, Interval] | None:
        found = []
        for matches in ways:
            rows = int(matches.unique.sum())
            wrong = int((matches.unique & ~matches.true).sum())
            if rows:
                found.append((wrong / rows, wilson(wrong, rows)))
        return min(found, default=None)


def _found(comparison: Comparison, asked: Match) -> Found | str:
    """What the intruder finds, or why there is nothing to look for.

    Raises:
        EvaluationError: declared columns do not exist, or there is no key.
    """
    intruder = _intruder(comparison, asked)
    if comparison.role == "floor":
        return "rows of independent columns are nobody's"
    if comparison.role == "ceiling":
        return "held-out rows are not released"
    if said := comparison.missing(asked.table):
        return said
    found = comparison.candidate.found[asked.table]
    if absent := [c for c in (*intruder.key, *asked.known) if not found.has(c)]:
        return f"columns are missing: {', '.join(absent)}"
    key = ("matches", asked.table, asked.known, intruder.key)
    return comparison.candidate.once(
        key, lambda: look(comparison.reference, comparison.candidate, intruder)
    )


def _intruder(comparison: Comparison, asked: Match) -> Intruder:
    table, schema = asked.table, comparison.schema
    fields = comparison.ground.fields(table) if table in schema else {}
    for name in asked.known:
        if name not in fields or fields[name].kind == "opaque":
            raise EvaluationError(
                f"an intruder into {table} knows {name!r}, which cannot be compared",
                hint=f"columns of {table} are {', '.join(fields)}" if fields else "name a table",
            )
    key = asked.key or schema[table].primary_key
    if not key or any(not schema[table].has(c) for c in key):
        raise EvaluationError(
            f"which row of {table} became which is not known without a key",
            hint="keep a key in both, and name it: {table: ..., known: [...], key: [id]}",
        )
    # a name is known as it is, not by its length
    known = [replace(f, kind="category") if f.kind == "name" else f
             for f in (fields[n] for n in asked.known)]  # fmt: skip
    return Intruder(table, tuple(known), key, comparison.settings.seed)


METRICS: tuple[Metric, ...] = (ExpectedMatchRisk(), TrueMatchRate(), FalseMatchRate())
