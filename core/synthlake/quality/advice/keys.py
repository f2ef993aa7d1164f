"""Causes that lie in keys: who has how many children, and whose they are."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from synthlake.quality.advice.advice import Advice, Rule, excess, ks_noise
from synthlake.quality.dataset import DataSet
from synthlake.quality.metric import Comparison
from synthlake.quality.result import Row
from synthlake.schema.model import ForeignKey

_FAR = 0.1
_ORPHANS = 0.01


def cardinality(
    comparison: Comparison, rows: Sequence[Row], found: Sequence[Advice]
) -> Iterator[Advice]:
    """Parents with more or fewer children than real ones."""
    for row in rows:
        if row.metric != "degrees" or row.twin.value is None:
            continue
        fk = _key(comparison, row)
        sides = (comparison.reference, comparison.candidate)
        parents = (float(s.degrees(row.subject.table, fk)[1].sum()) for s in sides)
        usual = row.ceiling.value if row.ceiling is not None else None
        least = min(1.0 if usual is None else usual, 1 - ks_noise(*parents))
        if row.twin.value >= least - _FAR:
            continue
        real, twin = (_mean(s, row.subject.table, fk) for s in sides)
        times = twin / real if real else math.inf
        even = 0.9 < times < 1.1
        finding = (
            "parents have other numbers of children, though as many in the mean"
            if even else f"parents have {times:.2f} times as many children"
        )  # fmt: skip
        remedy = (
            "choose the foreign key as own (mode: own) if its siblings are alike"
            if even else "see whether children were written twice or joined to several parents, "
            "or rows: asks for more than the source has"
        )  # fmt: skip
        yield Advice("cardinality", row.subject, "degrees", row.twin.value, finding, remedy)


def _key(comparison: Comparison, row: Row) -> ForeignKey:
    table = comparison.schema[row.subject.table]
    return next(fk for fk in table.references if fk.label(table.name) == row.subject.key)


def _mean(side: DataSet, table: str, fk: ForeignKey) -> float:
    degrees, parents = side.degrees(table, fk)
    return float(np.average(degrees, weights=parents)) if parents.sum() else 0.0


def assignment(
    comparison: Comparison, rows: Sequence[Row], found: Sequence[Advice]
) -> Iterator[Advice]:
    """Children that do not fit the parents that they refer to."""
    changed = {(a.subject.table, c) for a in found for c in a.subject.columns}
    for row in rows:
        if row.metric != "parent_pairs" or row.twin.value is None:
            continue
        child, parent = str(row.twin.detail["child"]), str(row.twin.detail["parent"])
        of = _key(comparison, row).references
        if excess(row, float(row.twin.detail["noise"])) <= _FAR:
            continue
        if {(row.subject.table, child), (of, parent)} & changed:
            continue
        finding = (
            f"{row.subject.table}.{child} no longer goes with {of}.{parent}: references do not "
            "fit what the rows hold"
        )
        remedy = (
            "see whether keys were shuffled or renumbered on one side alone; choose mode: own or "
            "match for this foreign key, and learn both tables together"
        )
        yield Advice("assignment", row.subject, row.metric, row.twin.value, finding, remedy)


def dangling(
    comparison: Comparison, rows: Sequence[Row], found: Sequence[Advice]
) -> Iterator[Advice]:
    """References to parents that do not exist, or to none."""
    words = {"orphans": "have no parent", "null_keys": "are NULL"}
    for row in rows:
        if row.metric not in words or row.twin.value is None or excess(row) <= _ORPHANS:
            continue
        real, twin = float(row.twin.detail["real"]), float(row.twin.detail["candidate"])
        a, b = (max(n, 1) for n in row.twin.rows)
        if abs(real - twin) < 3.3 * math.sqrt(max(real, 1 / a) * (1 / a + 1 / b)) + _ORPHANS:
            continue
        finding = f"{twin:.1%} of the references {words[row.metric]}, not {real:.1%}"
        remedy = "set the policy of this foreign key (orphans: keep, null or drop)"
        yield Advice("dangling", row.subject, row.metric, row.twin.value, finding, remedy)


key_rules: tuple[Rule, ...] = (dangling, cardinality, assignment)
