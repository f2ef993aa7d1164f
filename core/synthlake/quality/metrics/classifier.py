"""Can a classifier tell the rows from real ones?"""

from __future__ import annotations

from collections.abc import Iterator

from synthlake.ports import MetricKind, Score
from synthlake.quality.classifier import c2st
from synthlake.quality.joined import (
    blocks,
    frames,
    parents_with_children,
    single,
    visible,
    with_parents,
)
from synthlake.quality.keys import absent
from synthlake.quality.metric import Comparison, Direction, Metric, Scored, Subject
from synthlake.quality.settings import Tier
from synthlake.schema.model import Table
from synthlake.seed import Seed


def _seed(comparison: Comparison, label: str) -> Seed:
    return Seed(comparison.settings.seed, f"c2st/{label}")


class _Classifier:
    """max(.5, AUC) of gradient boosted trees on rows, days and parents that they never saw."""

    kind: MetricKind = "fidelity"
    tier: Tier = "full"
    best = 0.5
    direction: Direction = "low"


class TableClassifier(_Classifier):
    """How surely a classifier tells rows from real ones: 0.5 not at all, 1 always."""

    name, title = "c2st.table", "Classifier on a table (AUC)"

    def score(self, comparison: Comparison) -> Iterator[Scored]:
        """A score for each table."""
        for table in comparison.ground.tables:
            reason = comparison.missing(table.name) or _same(comparison, table)
            if not visible(comparison.ground.fields(table.name)):
                reason = reason or "no columns but keys"
            score = Score(None, reason=reason) if reason else self._one(comparison, table)
            yield Subject(table.name), score

    @staticmethod
    def _one(comparison: Comparison, table: Table) -> Score:
        shape = single(comparison.ground, table.name)
        real, other = frames(comparison, table.name, shape)
        apart = blocks(real, other, shape)
        return c2st(real, other, apart, _seed(comparison, table.name), comparison.repeat)


class JoinedClassifier(_Classifier):
    """How surely it tells children with their parents' columns from real ones: 0.5 not at all."""

    name, title = "c2st.joined", "Classifier on a child with its parents (AUC)"

    def score(self, comparison: Comparison) -> Iterator[Scored]:
        """A score for each table that has foreign keys."""
        for table in comparison.ground.tables:
            if table.foreign_keys:
                reason = _unlinked(comparison, table) or _same(comparison, table)
                score = Score(None, reason=reason) if reason else self._one(comparison, table)
                yield Subject(table.name), score

    @staticmethod
    def _one(comparison: Comparison, table: Table) -> Score:
        shape = with_parents(comparison, table)
        real, other = frames(comparison, table.name, shape)
        apart = blocks(real, other, shape)
        seed = _seed(comparison, f"{table.name}/joined")
        return c2st(real, other, apart, seed, comparison.repeat)


class ParentClassifier(_Classifier):
    """How surely it tells parents with figures of their children from real ones: 0.5 not at all."""

    name, title = "c2st.parent", "Classifier on parents with their children (AUC)"

    def score(self, comparison: Comparison) -> Iterator[Scored]:
        """A score for each foreign key."""
        for table in comparison.ground.tables:
            for fk in table.foreign_keys:
                label = fk.label(table.name)
                reason = _unlinked(comparison, table) or comparison.missing(fk.references)
                if comparison.role == "ceiling" and fk.mode != "own":
                    reason = reason or "the hold-out divides the children of a parent"
                if reason:
                    yield Subject(table.name, key=label), Score(None, reason=reason)
                    continue
                real, other = parents_with_children(comparison, table, fk)
                score = c2st(real, other, [], _seed(comparison, label))
                yield Subject(table.name, key=label), score


def _same(comparison: Comparison, table: Table) -> str:
    return "kept as it is, by declaration" if table.keep else ""


def _unlinked(comparison: Comparison, table: Table) -> str:
    missing = comparison.missing(table.name)
    sides = (comparison.reference, comparison.candidate)
    return missing or next(
        (r for fk in table.foreign_keys for s in sides if (r := absent(s, table, fk))), ""
    )


METRICS: tuple[Metric, ...] = (TableClassifier(), JoinedClassifier(), ParentClassifier())
