"""The privacy attacks as a reader sees them: what they gained, beside control and training rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from synthlake.quality.report.terminal import figure
from synthlake.quality.result import Row, worst_first

if TYPE_CHECKING:
    from synthlake.quality.report.report import Report


def attacked(report: Report) -> list[dict[str, Any]]:
    """A line for each attack on each table, with its worst figure."""
    out = []
    for name, metric in report.metrics.items():
        if metric.kind != "attack":
            continue
        for table in report.rows:
            rows = report.of(name, table)
            if rows:
                out.append(_line(metric.title, table, worst_first(rows, metric.direction), rows))
    return out


def _line(title: str, table: str, ordered: Sequence[Row], rows: Sequence[Row]) -> dict[str, Any]:
    reasons = list(dict.fromkeys(r.twin.reason for r in rows if r.twin.reason))
    if not ordered:
        return {"title": title, "where": table, "score": None, "said": "; ".join(reasons)}
    first = ordered[0]
    where = first.subject.label
    if len(ordered) > 1:
        where += f" · worst of {len(ordered)}"
    floor = first.floor.value if first.floor else None
    return {"title": title, "where": where, "score": first.twin, "floor": floor,
            "said": _said(first.twin.detail)}  # fmt: skip


def _said(detail: Mapping[str, Any]) -> str:
    if "auc" in detail:
        return (
            f"AUC {figure(detail['auc'])}, {detail['tpr at 1% fpr']:.1%} of members at 1 % false "
            f"alarms"
        )
    if "attack" not in detail:
        return ""
    parts = (("attack", "attack"), ("control", "control"), ("naive", "naive guess"))
    return ", ".join(f"{text} {detail[key]:.1%}" for key, text in parts)
