"""Fairness, and matches of partially replaced rows, as a reader sees them: a line a figure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synthlake.quality.report.report import Report

MATCHES = ("expected_match_risk", "true_match_rate", "false_match_rate")
_FAIRNESS = "fairness."


def audited(report: Report) -> list[dict[str, Any]]:
    """Figures of fairness, those of one column together."""
    names = [name for name in report.metrics if name.startswith(_FAIRNESS)]
    rows = [row for name in names for row in report.of(name)]
    subjects = list(dict.fromkeys(row.subject for row in rows))
    out = []
    for row in sorted(rows, key=lambda r: subjects.index(r.subject)):
        detail = row.twin.detail
        real = 0.0 if "raised" in detail and row.twin.value is not None else detail.get("real")
        out.append({
            "title": report.metrics[row.metric].title, "where": row.subject.label,
            "score": row.twin, "real": real, "said": row.twin.reason or _grouped(detail),
        })  # fmt: skip
    return out


def _grouped(detail: Mapping[str, Any]) -> str:
    parts = [f"{detail['groups']} groups"]
    if "raised" in detail:
        parts.append(f"{detail['raised']} {detail['raised by']:+.1%}")
        parts.append(f"{detail['lowered']} {detail['lowered by']:+.1%}")
    elif "difference" in detail:
        low, high = detail["difference interval"]
        parts.append(f"twin less real {detail['difference']:+.3f} [{low:+.3f}, {high:+.3f}]")
    if detail["rows left out"]:
        left = f"{detail['rows left out']:,} rows are not counted: NULL, or in small groups"
        parts.append(left)
    return ", ".join(parts)


def matched(report: Report) -> list[dict[str, Any]]:
    """Figures of what an intruder finds."""
    out = []
    for name in MATCHES:
        for row in report.of(name):
            detail = row.twin.detail
            said = row.twin.reason
            if not said:
                known = ", ".join(detail["kept"]) or "nothing"
                said = f"of {detail['targets']:,} rows; known as they are: {known}"
                said += f"; replaced: {', '.join(detail['replaced']) or 'nothing'}"
            out.append({
                "title": report.metrics[name].title, "where": row.subject.label,
                "score": row.twin, "unmodified": detail.get("unmodified"), "said": said,
            })  # fmt: skip
    return out
