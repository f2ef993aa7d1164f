"""A comparison of runs: HTML, JSON and terminal."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from synthlake.quality.comparison import Comparison, Standing, roles_of
from synthlake.quality.report.html import KINDS, explained, page
from synthlake.quality.report.terminal import STYLES, figure
from synthlake.quality.result import Line

if TYPE_CHECKING:
    from rich.console import Console

VERSION = 1


def document(found: Comparison) -> dict[str, Any]:
    """The whole comparison; lists have an entry for each run, in their order."""
    return {
        "version": VERSION,
        "runs": [
            {"name": name, "decision": report.decision, "about": dict(report.settings.about),
             "tables": {t: {"real": a, "twin": b} for t, (a, b) in report.rows.items()}}
            for name, report in zip(found.names, found.reports, strict=True)
        ],
        "notes": list(found.notes),
        "gates": [{"gate": text, "decisions": list(each)} for text, each in found.gates().items()],
        "metrics": [
            {"metric": s.metric.name, "title": s.metric.title, "kind": s.metric.kind,
             "best": s.metric.best, "best_runs": list(s.best),
             "mean": [None if x is None else roles_of(x) for x in s.lines],
             "worst": [None if x is None else x.worst[0] for x in s.lines],
             "worst_at": [None if x is None else x.subject for x in s.lines]}
            for s in found.standings()
        ],
        "changes": [
            {"table": c.table, "columns": list(c.columns), "metric": c.metric,
             "figures": list(c.figures)}
            for c in found.changes()
        ],
    }  # fmt: skip


def text(found: Comparison) -> str:
    """The document as canonical text."""
    return json.dumps(document(found), indent=1, sort_keys=True, allow_nan=False) + "\n"


def html(found: Comparison) -> str:
    """One page that needs no network."""
    return page("compare.html.j2", {
        "names": found.names, "reports": found.reports, "decisions": found.decisions,
        "notes": found.notes, "gates": found.gates(), "groups": _groups(found.standings()),
        "changes": found.changes(), "about": _about(found),
    })  # fmt: skip


def _groups(standings: Sequence[Standing]) -> list[dict[str, Any]]:
    out = []
    for kind, title in KINDS:
        mine = [
            {"metric": s.metric, "explained": explained(s.metric), "cells": _cells(s)}
            for s in standings
            if s.metric.kind == kind
        ]
        if mine:
            out.append({"title": title, "lines": mine})
    return out


def _cells(standing: Standing) -> list[dict[str, Any]]:
    """What a run's cell says of a metric: mean, worst, ceiling."""
    return [
        {"mean": None if line is None else line.mean[0], "best": number in standing.best,
         "worst": _worst(line), "ceiling": None if line is None else line.mean[1]}
        for number, line in enumerate(standing.lines)
    ]  # fmt: skip


def _worst(line: Line | None) -> str:
    if line is None or line.worst[0] in (None, line.metric.best) or line.scored < 2:
        return ""
    return f"worst {figure(line.worst[0])} {line.subject}"


def _about(found: Comparison) -> list[tuple[str, list[str]]]:
    """Settings of each run, those in which they differ first."""
    held = [
        {**{str(k): str(v) for k, v in r.settings.about.items()}, "tier": r.settings.tier,
         "seed": str(r.settings.seed),
         "rows": "; ".join(f"{t}: {b:,}" for t, (_, b) in r.rows.items())}
        for r in found.reports
    ]  # fmt: skip
    keys = dict.fromkeys(key for one in held for key in one)
    lines = [(key, [one.get(key, "–") for one in held]) for key in keys]
    return sorted(lines, key=lambda line: len(set(line[1])) == 1)


def summary(found: Comparison, console: Console | None = None) -> str:
    """Verdicts, gates that differ and mean figures; printed too if there is a console."""
    from rich.console import Console as Made
    from rich.text import Text

    shown = console or Made(width=140, file=io.StringIO(), force_terminal=False)
    with shown.capture() as captured:
        shown.print(_table(found))
        for note in found.notes:
            shown.print(Text(f"Note: {note}"))
    made = captured.get()
    if console is not None:
        console.print(Text.from_ansi(made))
    return made


def _table(found: Comparison) -> object:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table("", box=box.SIMPLE_HEAD)
    for name in found.names:
        table.add_column(Text(name), justify="right")
    table.add_column("best", justify="right")
    verdicts = (Text(d, style=STYLES[d]) for d in found.decisions)
    table.add_row("verdict", *verdicts, "")
    for gate, decisions in found.gates().items():
        if len(set(decisions)) > 1:
            table.add_row(Text(gate), *(Text(d or "-") for d in decisions), "")
    for standing in found.standings():
        means = [figure(None if x is None else x.mean[0]) for x in standing.lines]
        cells = (Text(m, style="bold" if n in standing.best else "") for n, m in enumerate(means))
        table.add_row(Text(standing.metric.title), *cells, f"{standing.metric.best:g}")
    return table
