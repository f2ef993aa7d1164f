"""Several runs side by side: what each got, which is best, and what makes them hard to compare."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthlake.errors import EvaluationError
from synthlake.quality.gates import Decision
from synthlake.quality.metric import Metric
from synthlake.quality.report.report import Report
from synthlake.quality.result import Line

if TYPE_CHECKING:
    from rich.console import Console

_EQUAL = 5e-4  # figures that are printed alike
_ROLES = ("twin", "ceiling", "floor")
Reports = Mapping[str, str | os.PathLike[str] | Report] | Sequence[str | os.PathLike[str] | Report]


@dataclass(frozen=True)
class Standing:
    """One metric in all runs.

    Attributes:
        metric: the metric.
        lines: of each run; None where it has no figure.
        best: numbers of the runs whose mean figure is nearest to the metric's best value.
    """

    metric: Metric
    lines: tuple[Line | None, ...]
    best: tuple[int, ...]


@dataclass(frozen=True)
class ColumnStanding:
    """One metric of one column, or of one pair, in all runs.

    Attributes:
        table: where.
        columns: one or two.
        metric: name.
        figures: of each run; None where it has none.
    """

    table: str
    columns: tuple[str, ...]
    metric: str
    figures: tuple[float | None, ...]


@dataclass(frozen=True)
class Comparison:
    """Reports of several runs.

    Attributes:
        names: of the runs.
        reports: their reports.
        notes: what makes figures of different runs no measure of each other.
    """

    names: tuple[str, ...]
    reports: tuple[Report, ...]
    notes: tuple[str, ...]

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """PASS, WARN or FAIL of each run."""
        return tuple(report.decision for report in self.reports)

    def standings(self) -> list[Standing]:
        """One a metric that has a figure in any run, in the order of the reports."""
        by_run = [{line.metric.name: line for line in r.lines()} for r in self.reports]
        metrics: dict[str, Metric] = {}
        for report in self.reports:
            metrics |= {n: m for n, m in report.metrics.items() if n not in metrics}
        out = []
        for name, metric in metrics.items():
            lines = tuple(found.get(name) for found in by_run)
            if any(line is not None and line.scored for line in lines):
                out.append(Standing(metric, lines, _best(metric, lines)))
        return out

    def gates(self) -> dict[str, tuple[Decision | None, ...]]:
        """What became of each gate, by its text; None where a run did not have it."""
        found = [{g.gate.text: g.decision for g in r.gates} for r in self.reports]
        texts = dict.fromkeys(text for one in found for text in one)
        return {text: tuple(one.get(text) for one in found) for text in texts}

    def changes(self, most: int = 20) -> list[ColumnStanding]:
        """Columns and pairs of which the runs differ most, largest difference first.

        Args:
            most: how many.
        """
        found: dict[tuple[str, tuple[str, ...], str], dict[int, float]] = {}
        for number, report in enumerate(self.reports):
            for key, value in _figures(report):
                found.setdefault(key, {})[number] = value
        told = {key: max(v.values()) - min(v.values()) for key, v in found.items() if len(v) > 1}
        first = sorted(told, key=lambda key: (-told[key], key))[:most]
        runs = range(len(self.reports))
        return [
            ColumnStanding(*key, tuple(found[key].get(n) for n in runs))
            for key in first
            if told[key] > _EQUAL
        ]

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON: ``runs``, ``metrics``, ``gates``, ``changes``, ``notes``."""
        from synthlake.quality.report.compared import document

        return document(self)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the comparison as one HTML file, or as JSON for a name that ends in ``.json``.

        Raises:
            SinkError: the file cannot be written.
        """
        from synthlake.quality.report.compared import html, text
        from synthlake.quality.report.written import write_text

        target = Path(path)
        return write_text(target, text(self) if target.suffix == ".json" else html(self))

    def summary(self, console: Console | None = None) -> str:
        """Verdicts and figures as text, printed if a console is given."""
        from synthlake.quality.report.compared import summary

        return summary(self, console)


def compare(runs: Reports) -> Comparison:
    """Reports of several runs, side by side.

    Args:
        runs: at least two, by name or as a list: a ``Report``, a ``report.json``, or the folder of
            a run or a twin that holds one. In a list, a run is named by its folder.

    Raises:
        EvaluationError: fewer than two, or one has no report.

    Privacy: nothing but what the reports say.
    """
    if isinstance(runs, str | os.PathLike) or len(runs) < 2:
        raise EvaluationError(
            "one run alone is not a comparison", hint="name two runs or more, such as `a/ b/`"
        )
    named = dict(runs) if isinstance(runs, Mapping) else _named(runs)
    reports = tuple(r if isinstance(r, Report) else Report.load(r) for r in named.values())
    return Comparison(tuple(named), reports, tuple(_notes(tuple(named), reports)))


def _named(runs: Sequence[str | os.PathLike[str] | Report]) -> dict[str, Any]:
    """Runs by as much of the end of their path as tells them apart."""
    paths = [None if isinstance(run, Report) else _parts(Path(run)) for run in runs]
    out: dict[str, Any] = {}
    for number, (run, parts) in enumerate(zip(runs, paths, strict=True)):
        others = [p for n, p in enumerate(paths) if n != number and p]
        out[_unused(_told_apart(parts, others) if parts else f"run {number + 1}", out)] = run
    return out


def _parts(path: Path) -> tuple[str, ...]:
    whole = Path(os.path.abspath(path))
    named_so = whole.name == "report.json"
    return whole.parts[1:-1] if named_so else (*whole.parts[1:-1], whole.name.removesuffix(".json"))


def _told_apart(parts: tuple[str, ...], others: Sequence[tuple[str, ...]]) -> str:
    size = 1
    while size < len(parts) and any(o[-size:] == parts[-size:] for o in others):
        size += 1
    return "/".join(parts[-size:]) or "/"


def _unused(name: str, taken: Mapping[str, Any]) -> str:
    number, made = 2, name
    while made in taken:
        made, number = f"{name} ({number})", number + 1
    return made


def _best(metric: Metric, lines: Sequence[Line | None]) -> tuple[int, ...]:
    """Runs that are best; none where all are alike."""
    means = [None if line is None else line.mean[0] for line in lines]
    apart = {n: abs(m - metric.best) for n, m in enumerate(means) if m is not None}
    if len(apart) < 2 or max(apart.values()) - min(apart.values()) <= _EQUAL:
        return ()
    least = min(apart.values())
    return tuple(n for n, value in apart.items() if value - least <= _EQUAL)


def _figures(report: Report) -> Iterator[tuple[tuple[str, tuple[str, ...], str], float]]:
    """Figures of columns and pairs that tell how like the twin is."""
    for row in report.scores:
        metric = report.metrics.get(row.metric)
        if metric is None or metric.kind != "fidelity" or row.twin.value is None:
            continue
        if row.subject.columns and not row.subject.key:
            yield (row.subject.table, row.subject.columns, row.metric), row.twin.value


def _notes(names: Sequence[str], reports: Sequence[Report]) -> Iterator[str]:
    """Settings and data in which the runs differ."""
    asked: dict[str, list[Any]] = {
        "tier": [r.settings.tier for r in reports],
        "seed of the evaluation": [r.settings.seed for r in reports],
        "rows that a model sees": [r.settings.max_rows for r in reports],
        "target": [r.settings.target for r in reports],
        "compared with": [", ".join(x for x in r.roles if x != "twin") or "nothing"
                          for r in reports],
    }  # fmt: skip
    for what, values in asked.items():
        if len(set(values)) > 1:
            said = "; ".join(f"{n}: {v}" for n, v in zip(names, values, strict=True))
            yield f"{what} differs ({said})"
    real = [{t: rows[0] for t, rows in r.rows.items()} for r in reports]
    tables = [t for t in dict.fromkeys(t for one in real for t in one)
              if len({one.get(t) for one in real}) > 1]  # fmt: skip
    if tables:
        yield f"the real rows differ in {', '.join(tables)}: figures are about different data"


def roles_of(line: Line) -> dict[str, float | None]:
    """Mean figures of twin, ceiling and floor."""
    return dict(zip(_ROLES, line.mean, strict=True))
