"""What an evaluation found."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthlake.quality.advice import Advice
from synthlake.quality.gates import Decision, GateResult, decide, overall, parse
from synthlake.quality.metric import Metric, Role, metrics
from synthlake.quality.pictures import Pictures
from synthlake.quality.result import Line, Row, line_of
from synthlake.quality.settings import EvaluationSettings

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True)
class Report:
    """All figures of an evaluation, and the decision.

    Attributes:
        settings: what was asked for.
        metrics: by name, in the order in which they were computed.
        scores: every figure of every metric, also those without a value.
        gates: what became of each gate.
        pictures: what is drawn.
        rows: by table: rows of the real data and of the twin.
        roles: which candidates there were.
        seconds: how long it took.
        advice: what is wrong by its likely cause, and what to do; the gravest first.
        audit: figures of an audit of the synthesizer by shadow models, as its JSON; None without.
    """

    settings: EvaluationSettings
    metrics: Mapping[str, Metric]
    scores: tuple[Row, ...]
    gates: tuple[GateResult, ...]
    pictures: Pictures = field(repr=False)
    rows: Mapping[str, tuple[int, int]]
    roles: tuple[Role, ...]
    seconds: float
    advice: tuple[Advice, ...] = ()
    audit: Mapping[str, Any] | None = None

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Report:
        """A report from its JSON: every figure and decision, no pictures.

        Args:
            path: of the JSON, or of a folder with a ``report.json``.

        Raises:
            EvaluationError: there is none, it is damaged, or a newer version wrote it.
        """
        from synthlake.quality.report.stored import read

        return read(Path(path))

    def decided(self, gates: Iterable[Mapping[str, Any]]) -> Report:
        """The same figures under other gates, in the form of a spec's.

        Raises:
            SpecError: a gate cannot be read, or names no known metric.
        """
        found = decide(parse(gates, {**metrics(), **self.metrics}), self.scores, asked=True)
        return replace(self, gates=tuple(found))

    def audited(self, path: str | os.PathLike[str]) -> Report:
        """The same report with the figures of an audit of the synthesizer, from its JSON.

        Raises:
            EvaluationError: it is no audit, or damaged.
        """
        from synthlake.quality.report.audited import read_audit

        return replace(self, audit=read_audit(Path(path)))

    @property
    def decision(self) -> Decision:
        """PASS, WARN or FAIL: the worst of all gates."""
        return overall(self.gates)

    def of(self, metric: str, table: str = "") -> list[Row]:
        """The scores of a metric."""
        return [r for r in self.scores if r.metric == metric and table in ("", r.subject.table)]

    def lines(self) -> list[Line]:
        """One line for each metric that has a figure."""
        found = (line_of(m, self.of(name)) for name, m in self.metrics.items())
        return [line for line in found if line.scored or line.unscored]

    def means(self) -> dict[str, float]:
        """The twin's mean figure of each metric that has one: what a tracker of runs logs."""
        found = {line.metric.name: line.mean[0] for line in self.lines()}
        return {name: value for name, value in found.items() if value is not None}

    def to_json(self) -> dict[str, Any]:
        """All figures as JSON."""
        from synthlake.quality.report.document import document

        return document(self)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the report, as one HTML file, or as JSON for a name that ends in ``.json``.

        Raises:
            SinkError: the file cannot be written.
        """
        from synthlake.quality.report.document import text
        from synthlake.quality.report.html import html
        from synthlake.quality.report.written import write_text

        target = Path(path)
        return write_text(target, text(self) if target.suffix == ".json" else html(self))

    def summary(self, console: Console | None = None) -> str:
        """The decision, the gates and the main figures as text, printed if a console is given."""
        from synthlake.quality.report.terminal import summary

        return summary(self, console)
