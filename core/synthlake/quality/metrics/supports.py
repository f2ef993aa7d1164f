"""Are the rows where real ones are, and are all real ones met?"""

from __future__ import annotations

from collections.abc import Iterator

from synthlake.ports import MetricKind, Score
from synthlake.quality.classifier import one_thread
from synthlake.quality.metric import Comparison, Direction, Metric, Scored, Subject
from synthlake.quality.metrics.memorised import fields_of, unplaced
from synthlake.quality.neighbours import Space
from synthlake.quality.sample import Choice, Wanted, draw, size
from synthlake.quality.settings import Tier
from synthlake.quality.supports import Supports, supports

MIN_ROWS = 40


def found(comparison: Comparison, table: str) -> tuple[Supports | None, tuple[int, int]]:
    """Both figures, and the rows that they rest on; computed once for a candidate."""

    def make() -> tuple[Supports | None, tuple[int, int]]:
        settings = comparison.settings
        fields = fields_of(comparison.ground, table)
        limit = min(settings.max_rows, *(max(n, 1) for n in comparison.rows(table)))
        wanted = [Wanted(f.name, f) for f in fields]
        real, other = (
            draw(side, table, wanted, Choice(limit, settings.seed))
            for side in (comparison.reference, comparison.candidate)
        )
        rows = size(real), size(other)
        if min(rows) < MIN_ROWS:
            return None, rows
        space = Space(fields, real)
        with one_thread():
            return supports(space.place(real), space.place(other)), rows

    return comparison.candidate.once(("supports", table, comparison.reference.label), make)


class _Support:
    """What both figures share. Equally many rows a side, at most ``max_rows``."""

    kind: MetricKind = "fidelity"
    tier: Tier = "deep"
    best = 1.0
    direction: Direction = "high"

    def score(self, comparison: Comparison) -> Iterator[Scored]:
        """A score for each table."""
        for table in comparison.ground.tables:
            reason = unplaced(comparison, table.name)
            if reason:
                yield Subject(table.name), Score(None, reason=reason)
                continue
            both, rows = found(comparison, table.name)
            if both is None:
                why = f"fewer than {MIN_ROWS} rows on a side"
                yield Subject(table.name), Score(None, rows=rows, reason=why)
            else:
                yield Subject(table.name), self._figure(both, rows)

    def _figure(self, both: Supports, rows: tuple[int, int]) -> Score:
        raise TypeError("a figure of its own is what a metric is for")


class AlphaPrecision(_Support):
    """How rows lie around the centre of the real ones: 1 as these, 0 all outside or in a point."""

    name, title = "alpha_precision", "Alpha-precision (integrated)"

    def _figure(self, both: Supports, rows: tuple[int, int]) -> Score:
        return Score(both.precision, rows=rows)


class BetaRecall(_Support):
    """How far real rows have one within their fifth neighbour: 1 as themselves, 0 none."""

    name, title = "beta_recall", "Beta-recall (integrated)"

    def _figure(self, both: Supports, rows: tuple[int, int]) -> Score:
        return Score(both.recall, rows=rows, detail={"in reach": both.covered})


METRICS: tuple[Metric, ...] = (AlphaPrecision(), BetaRecall())
