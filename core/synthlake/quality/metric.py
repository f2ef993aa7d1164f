"""What a metric is, and where metrics are found."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import entry_points
from typing import Literal, Protocol

import numpy as np

from synthlake.errors import SpecError
from synthlake.ports import MetricKind, Score
from synthlake.quality.bins import Bins, PairCounts, bins_of, pair_counts
from synthlake.quality.dataset import DataSet
from synthlake.quality.layout import Field, fields_of
from synthlake.quality.marginal import MAX_CUTS, Aligned, align_texts, align_values, thinned
from synthlake.quality.pairing import Pair, blocks_of
from synthlake.quality.settings import EvaluationSettings, Tier
from synthlake.schema.model import Schema, Table

Direction = Literal["low", "high"]
Role = Literal["twin", "ceiling", "floor"]
GROUP = "synthlake.metrics"


@dataclass(frozen=True)
class Subject:
    """What a score is about.

    Attributes:
        table: the table.
        columns: none for the whole table, one, or the two of a pair.
        key: label of a foreign key.
    """

    table: str
    columns: tuple[str, ...] = ()
    key: str = ""

    @property
    def label(self) -> str:
        """Name in reports, such as ``flights.distance x air_time``."""
        return self.key or ".".join(filter(None, [self.table, " x ".join(self.columns)]))


class Ground:
    """What all comparisons share: the schema, and how each column of the real data is read.

    Args:
        schema: of the real data.
        real: all real rows.
        settings: of the evaluation.
        holdout: real rows never learned from.
        train: real rows that were learned from.
    """

    def __init__(
        self, schema: Schema, real: DataSet, settings: EvaluationSettings,
        train: DataSet, holdout: DataSet | None,
    ) -> None:  # fmt: skip
        self.schema, self.real, self.settings = schema, real, settings
        self.train, self.holdout = train, holdout

    @cached_property
    def tables(self) -> list[Table]:
        """All tables that are judged."""
        return [t for t in self.schema if not t.skip]

    def fields(self, table: str) -> dict[str, Field]:
        """All columns of a table, names recognised."""
        return self.real.once(("fields", table), lambda: self._fields(table))

    def _fields(self, table: str) -> dict[str, Field]:
        out = fields_of(self.schema, self.schema[table])
        for name, field in out.items():
            if field.kind == "category" and not field.identity:
                marginal = self.real.marginal(field)
                if 2 * marginal.distinct >= marginal.known > 0 and marginal.distinct > 2:
                    out[name] = field.as_name()
        return out

    def bins(self, table: str) -> list[Bins]:
        """Codes of the columns whose distribution is scored."""
        fields = [f for f in self.fields(table).values() if not f.reason]
        return self.real.once(
            ("bins", table), lambda: [bins_of(f, self.real.marginal(f)) for f in fields]
        )

    def blocks(self, table: str) -> list[list[Pair]]:
        """Pairs of columns that are judged, in blocks."""
        names = list(self.fields(table))
        return self.real.once(("blocks", table), lambda: blocks_of(names, self.settings.seed))


@dataclass(frozen=True)
class Comparison:
    """A candidate against the real rows that it should be like.

    Attributes:
        role: ``twin`` and ``floor`` are compared with all real rows, the ``ceiling`` (the
            hold-out) with the rows that were learned from.
        reference: real rows.
        candidate: what is judged.
        ground: what all comparisons share.
        repeat: which of several seeds this is; 0 the evaluation's own.
    """

    role: Role
    reference: DataSet
    candidate: DataSet
    ground: Ground
    repeat: int = 0

    @property
    def settings(self) -> EvaluationSettings:
        """Of the evaluation."""
        return self.ground.settings

    @property
    def schema(self) -> Schema:
        """Of the real data."""
        return self.ground.schema

    def rows(self, table: str) -> tuple[int, int]:
        """Rows of reference and candidate."""
        return self.reference.rows(table), self.candidate.rows(table)

    def missing(self, table: str) -> str:
        """Why nothing of a table can be compared; empty if it can."""
        real, other = self.rows(table)
        if table not in self.candidate.found:
            return "the table is missing"
        if not real:
            return "the real table is empty"
        return "" if other else "the table has no rows"

    def aligned(self, field: Field) -> Aligned:
        """Counts of a column's values in both."""
        key = ("aligned", self.reference.label, field)
        return self.candidate.once(key, lambda: self._aligned(field))

    def _aligned(self, field: Field) -> Aligned:
        real, other = self.reference.marginal(field), self.candidate.marginal(field)
        if not field.ordered:
            return align_texts(real, other)
        if real.complete and other.complete:
            return align_values(real, other)
        cuts = thinned(real, MAX_CUTS)
        cells = self.candidate.intervals(field, cuts.values)
        counts = cells[1:-1]
        values = [*cuts.values.tolist(), float("inf")]
        full = [*cuts.counts.tolist(), 0]
        ends = (real.nulls, real.nans), (int(cells[0]), int(cells[-1]))
        return Aligned(np.array(values), np.array(full), counts, ends, exact=False)

    def pairs(self, table: str) -> tuple[PairCounts, PairCounts]:
        """Counts of all judged pairs of columns in both."""
        bins = self.ground.bins(table)
        usable = [b for b in bins if self.candidate.has(b.field)]
        blocks = self.ground.blocks(table)
        real, other = (
            pair_counts(s, table, usable, blocks) for s in (self.reference, self.candidate)
        )
        return real, other


Scored = tuple[Subject, Score]


class Metric(Protocol):
    """A figure about the twin. Conforms: everything in ``quality.metrics``.

    Attributes:
        name: as in gates and JSON.
        title: as in reports, a few words.
        kind: fidelity is exactly ``best`` for a table against itself; copy exactly not.
        tier: the lowest tier that computes it.
        best: the best value.
        direction: whether lower or higher is better.
    """

    name: str
    title: str
    kind: MetricKind
    tier: Tier
    best: float
    direction: Direction

    def score(self, comparison: Comparison) -> Iterable[Scored]:
        """All scores of a candidate, also those without a value and why."""


_BUILT_IN = (
    "structure", "rows", "nulls", "ranges", "coverage", "copies", "primary_keys", "constraints",
    "references", "ks", "tvd", "wasserstein", "pairs", "mutual_information", "correlation",
    "degrees", "autocorrelation", "transitions", "inter_event_times", "parent_pairs", "memorised",
    "classifier", "utility", "fairness", "propensity", "regressions", "membership",
    "attribute", "singling_out", "linkability", "tcap", "matches",
    "repeated", "marginals", "supports", "authenticity", "importance",
)  # fmt: skip


def metrics() -> dict[str, Metric]:
    """All metrics by name, built in and installed."""
    found: dict[str, Metric] = {}
    for module in _BUILT_IN:
        loaded = importlib.import_module(f"synthlake.quality.metrics.{module}")
        found |= {metric.name: metric for metric in loaded.METRICS}
    for entry in sorted(entry_points(group=GROUP), key=lambda e: e.name):
        metric = entry.load()
        if metric.name in found:
            raise SpecError(
                f"two metrics are named {metric.name!r}", hint=f"uninstall {entry.value}"
            )
        found[metric.name] = metric
    return found


def chosen(settings: EvaluationSettings) -> Iterator[Metric]:
    """The metrics that an evaluation computes.

    Raises:
        SpecError: one that is asked for does not exist.
    """
    known: Mapping[str, Metric] = metrics()
    for name in settings.metrics:
        if name not in known:
            raise SpecError(f"there is no metric {name!r}", hint=f"metrics are {', '.join(known)}")
    for metric in known.values():
        if settings.reaches(metric.tier) or metric.name in settings.metrics:
            yield metric
