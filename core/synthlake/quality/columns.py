"""Scoring a metric on every column of every table, with nothing left out in silence."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from synthlake.ports import Score
from synthlake.quality.layout import Field
from synthlake.quality.metric import Comparison, Scored, Subject

Figure = Callable[[Comparison, Field], Score]


def each_column(
    comparison: Comparison, kinds: tuple[str, ...], worst: float | None, figure: Figure
) -> Iterator[Scored]:
    """A score for every column of the given kinds, and a reason for those that have none.

    Columns of other kinds are scored by another metric and not listed here; opaque columns and
    keys are.
    """
    for table in comparison.ground.tables:
        missing = comparison.missing(table.name)
        for field in comparison.ground.fields(table.name).values():
            subject = Subject(table.name, (field.name,))
            if field.reason:
                yield subject, Score(None, reason=field.reason)
            elif field.kind in kinds:
                yield subject, _score(comparison, field, missing, worst, figure)


def _score(
    comparison: Comparison, field: Field, missing: str, worst: float | None, figure: Figure
) -> Score:
    rows = comparison.rows(field.table)
    if not rows[0]:
        return Score(None, rows=rows, reason=missing)
    if missing or not comparison.candidate.has(field):
        return Score(worst, rows=rows, reason=missing or "the column is missing")
    return figure(comparison, field)
