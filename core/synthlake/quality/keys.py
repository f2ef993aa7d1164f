"""Scoring a metric on every foreign key, with nothing left out in silence."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from synthlake.ports import Score
from synthlake.quality.dataset import DataSet
from synthlake.quality.metric import Comparison, Scored, Subject
from synthlake.schema.model import ForeignKey, Table

Figure = Callable[[Comparison, Table, ForeignKey], Score]


def each_key(comparison: Comparison, figure: Figure, loops: bool = True) -> Iterator[Scored]:
    """A score for every foreign key, and a reason for those that cannot be followed on a side.

    Args:
        comparison: real rows and a candidate.
        figure: scores a key that can be followed on both sides.
        loops: whether keys that close a cycle are scored, too.
    """
    for table in comparison.ground.tables:
        for fk in table.references if loops else table.foreign_keys:
            subject = Subject(table.name, key=fk.label(table.name))
            sides = comparison.reference, comparison.candidate
            reason = next(filter(None, (absent(side, table, fk) for side in sides)), "")
            rows = comparison.rows(table.name)
            yield (
                subject,
                Score(None, rows=rows, reason=reason) if reason else figure(comparison, table, fk),
            )


def absent(data: DataSet, table: Table, fk: ForeignKey) -> str:
    """Why a foreign key cannot be followed; empty if it can."""
    for name, columns in ((table.name, fk.columns), (fk.references, fk.to)):
        if name not in data.found or not all(data.found[name].has(c) for c in columns):
            return f"{name} or its key is missing"
    return "" if data.rows(table.name) else "the table has no rows"
