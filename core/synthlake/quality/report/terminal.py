"""The report in a terminal."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from synthlake.quality.result import Line

if TYPE_CHECKING:
    from rich.console import Console

    from synthlake.quality.report.report import Report

_MOST_ADVICE = 10
STYLES = {"PASS": "bold green", "WARN": "bold yellow", "FAIL": "bold red"}


def figure(value: float | None) -> str:
    """A figure in few digits."""
    if value is None:
        return "-"
    if value and abs(value) < 0.0005:
        return f"{value:.1e}"
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3f}"


def summary(report: Report, console: Console | None = None) -> str:
    """The decision, the gates and the main figures; printed too if there is a console."""
    from rich.console import Console as Made
    from rich.text import Text

    shown = console or Made(width=110, file=io.StringIO(), force_terminal=False)
    verdict = Text.assemble(("Verdict ", "bold"), (report.decision, STYLES[report.decision]))
    tables = (_gates(report), _lines(report))
    with shown.capture() as captured:
        shown.print(verdict)
        for table in tables:
            shown.print(table)
        for result in report.gates:
            if result.advice:
                shown.print(Text(f"{result.decision} {result.gate.text}: {result.advice}"))
        told = {result.advice for result in report.gates}
        for advice in [a for a in report.advice if a.text not in told][:_MOST_ADVICE]:
            shown.print(Text(f"Look at {advice.text}"))
        if report.audit is not None:
            shown.print(Text(f"Audit {report.audit['verdict']}: {report.audit['said']}"))
    text = captured.get()
    if console is not None:
        console.print(Text.from_ansi(text))
    return text


def _gates(report: Report) -> object:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table("gate", "value", "where", "decision", box=box.SIMPLE_HEAD, title_justify="left")
    for result in report.gates:
        decision = Text(result.decision, style=STYLES[result.decision])
        table.add_row(Text(result.gate.text), figure(result.value), Text(result.subject), decision)
    return table


def _lines(report: Report) -> object:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table("metric", "figures", box=box.SIMPLE_HEAD)
    for heading in ("floor", "twin", "ceiling", "best"):
        table.add_column(heading, justify="right")
    table.add_column("twin's worst")
    for line in report.lines():
        if line.scored:
            table.add_row(*(Text(cell) for cell in _cells(line)))
    return table


def _cells(line: Line) -> tuple[str, ...]:
    twin, ceiling, floor = line.mean
    return (
        line.metric.title, str(line.scored), figure(floor), figure(twin), figure(ceiling),
        f"{line.metric.best:g}", f"{figure(line.worst[0])} {line.subject}",
    )  # fmt: skip
