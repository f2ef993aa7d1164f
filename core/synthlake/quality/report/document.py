"""The report as JSON. Fields may be added within a version; none changes its meaning."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from synthlake.ports import Score
from synthlake.quality.advice import Advice
from synthlake.quality.gates import GateResult
from synthlake.quality.result import Line, Row

if TYPE_CHECKING:
    from synthlake.quality.report.report import Report

VERSION = 1


def document(report: Report) -> dict[str, Any]:
    """The whole report.

    ``version``, ``decision``, ``settings``, ``about``, ``candidates``, ``seconds``, ``tables``
    (rows), ``gates``, ``recommendations``, ``summary`` (mean and worst of each metric), ``scores``
    (every figure); ``audit`` where there was one.
    """
    settings = report.settings
    return {
        "version": VERSION,
        "decision": report.decision,
        "settings": {"tier": settings.tier, "seed": settings.seed, "max_rows": settings.max_rows,
                     "k": settings.k, "target": settings.target},
        "about": dict(settings.about),
        "candidates": list(report.roles),
        "seconds": report.seconds,
        "tables": {t: {"real": a, "twin": b} for t, (a, b) in report.rows.items()},
        "gates": [_gate(g) for g in report.gates],
        "recommendations": [_advice(a) for a in report.advice],
        "summary": {line.metric.name: _line(line) for line in report.lines()},
        "scores": [_row(r) for r in report.scores],
        **({"audit": dict(report.audit)} if report.audit is not None else {}),
    }  # fmt: skip


def text(report: Report) -> str:
    """The document as canonical text: sorted keys, no NaN."""
    return json.dumps(document(report), indent=1, sort_keys=True, allow_nan=False) + "\n"


def _gate(result: GateResult) -> dict[str, Any]:
    return {
        "gate": result.gate.text, "metric": result.gate.metric, "decision": result.decision,
        "worst": result.subject, "value": _number(result.value), "bound": _number(result.bound),
        "tested": result.tested, "missed": result.missed, "recommendation": result.advice,
        "otherwise": result.gate.otherwise, "table": result.gate.table,
        "column": result.gate.column,
    }  # fmt: skip


def _advice(advice: Advice) -> dict[str, Any]:
    subject = advice.subject
    return {
        "cause": advice.cause, "table": subject.table, "columns": list(subject.columns),
        "key": subject.key, "metric": advice.metric, "value": _number(advice.value),
        "finding": advice.finding, "remedy": advice.remedy,
    }  # fmt: skip


def _line(line: Line) -> dict[str, Any]:
    roles = ("twin", "ceiling", "floor")
    metric = line.metric
    return {
        "title": metric.title, "kind": metric.kind, "best": metric.best,
        "better": metric.direction, "scored": line.scored, "unscored": line.unscored,
        "mean": {r: _number(v) for r, v in zip(roles, line.mean, strict=True)},
        "worst": {r: _number(v) for r, v in zip(roles, line.worst, strict=True)},
        "worst_at": line.subject,
    }  # fmt: skip


def _row(row: Row) -> dict[str, Any]:
    subject = row.subject
    return {
        "metric": row.metric, "table": subject.table, "columns": list(subject.columns),
        "key": subject.key, "twin": _score(row.twin), "ceiling": _score(row.ceiling),
        "floor": _score(row.floor),
    }  # fmt: skip


def _score(score: Score | None) -> dict[str, Any] | None:
    if score is None:
        return None
    interval = [_number(v) for v in score.interval] if score.interval else None
    return {
        "value": _number(score.value), "interval": interval, "rows": list(score.rows),
        "reason": score.reason, "detail": {k: _plain(v) for k, v in score.detail.items()},
    }  # fmt: skip


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, bool | int | str) or value is None:
        return value
    return _number(float(value))
