"""What is learned anew, and how, where a gate was missed; and which of two twins is the better."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from synthlake.models.leafsize import start
from synthlake.schema.model import Schema

if TYPE_CHECKING:
    from synthlake.quality.gates import GateResult
    from synthlake.quality.report import Report

_TREES = "trees"
_LEAF = "min_leaf"
_TIMES, _LARGEST = 2, 4_000  # steps of a leaf's rows, and the most
_NEAR_ZERO = 0.05  # bounds below it are not what an excess is measured by
_MEMORY = ("copy", "attack")
_LIKENESS = ("fidelity", "utility")
_RANKS = {"PASS": 0, "WARN": 1, "FAIL": 2}


@dataclass(frozen=True)
class Remedy:
    """Other settings for some tables.

    Attributes:
        tables: by table: the synthesizer and its settings.
    """

    tables: Mapping[str, Mapping[str, Any]]

    @property
    def text(self) -> str:
        """In words."""
        said = (f"{table}: {_LEAF} {held[_LEAF]:,}" for table, held in sorted(self.tables.items()))
        return ", ".join(said)

    def applied(self, schema: Schema) -> Schema:
        """The schema with these settings."""
        for name, held in self.tables.items():
            schema = schema.with_table(replace(schema[name], synthesizer=dict(held)))
        return schema


def remedy_of(
    report: Report, schema: Schema, default: Mapping[str, Any], before: Remedy | None, k: int
) -> Remedy | None:
    """What to try next; None where no setting of the trees would help.

    Leaves of a table become twice as large where copies, memorised rows or an attack missed a
    gate, as larger leaves remember less; else half as large where likeness or usefulness did.
    Settings that the spec declares stay as they are.

    Args:
        report: of the last try.
        schema: of the run.
        default: the synthesizer of tables that do not say.
        before: settings of the last try.
        k: least entities of a leaf.
    """
    tried = dict(before.tables) if before else {}
    changed = dict(tried)
    for table, kinds in _missed(report).items():
        declared = schema[table].synthesizer or default
        if schema[table].keep or declared.get("name") != _TREES or _LEAF in declared:
            continue
        size = int(tried.get(table, {}).get(_LEAF) or start(report.rows[table][0], k))
        size = size * _TIMES if kinds & set(_MEMORY) else size // _TIMES
        if 2 * k <= size <= _LARGEST:
            changed[table] = {**declared, _LEAF: size}
    return Remedy(changed) if changed != tried else None


def better(report: Report, than: Report) -> bool:
    """Whether a report is better: by its verdict, then by the gates missed and by how much."""
    return _badness(report) < _badness(than)


def _badness(report: Report) -> tuple[int, int, float]:
    missed = [g for g in report.gates if g.decision != "PASS"]
    return _RANKS[report.decision], len(missed), round(sum(map(_excess, missed)), 6)


def _excess(result: GateResult) -> float:
    """By how much a bound is missed, in multiples of it."""
    if result.value is None or result.bound is None:
        return 0.0
    return abs(result.value - result.bound) / max(abs(result.bound), _NEAR_ZERO)


def _missed(report: Report) -> dict[str, set[str]]:
    """Tables that missed a gate, with the kinds of the metrics."""
    out: dict[str, set[str]] = {}
    for table, kind in _misses(report):
        if kind in (*_MEMORY, *_LIKENESS):
            out.setdefault(table, set()).add(kind)
    return out


def _misses(report: Report) -> Iterator[tuple[str, str]]:
    from synthlake.quality.gates import bound_of

    for result in report.gates:
        metric = report.metrics.get(result.gate.metric)
        if result.decision == "PASS" or metric is None:
            continue
        sign = 1.0 if result.gate.side == "at_most" else -1.0
        for row in filter(result.gate.covers, report.scores):
            bound = bound_of(result.gate, row)
            if row.twin.value is None or bound is None:
                continue
            if sign * (row.twin.value - bound) > 0 and row.subject.table:
                yield row.subject.table, metric.kind
