"""A report from its JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from synthlake.errors import EvaluationError
from synthlake.ports import MetricKind, Score
from synthlake.quality.advice import Advice
from synthlake.quality.gates import Gate, GateResult
from synthlake.quality.metric import Comparison, Direction, Metric, Scored, Subject, metrics
from synthlake.quality.report.audited import audit_beside
from synthlake.quality.result import Row
from synthlake.quality.settings import EvaluationSettings, Tier

if TYPE_CHECKING:
    from synthlake.quality.report.report import Report

_VERSION = 1
_NAME = "report.json"
_GATE = re.compile(r"(\S+) (≤|≥) (.+)", re.DOTALL)
_SIDES: Mapping[str, Any] = {"≤": "at_most", "≥": "at_least"}


@dataclass
class StoredMetric:
    """What a report says of a metric that is not installed here."""

    name: str
    title: str
    kind: MetricKind
    tier: Tier
    best: float
    direction: Direction

    def score(self, comparison: Comparison) -> Iterable[Scored]:
        """Nothing can be computed.

        Raises:
            EvaluationError: always.
        """
        raise EvaluationError(f"the metric {self.name} is not installed", hint="install it")


def read(path: Path) -> Report:
    """The report of a file, or of the ``report.json`` in a folder.

    Raises:
        EvaluationError: there is none, it is damaged, or a newer version wrote it.
    """
    place = path / _NAME if path.is_dir() else path
    try:
        held = json.loads(place.read_bytes())
        version = held["version"]
    except OSError as error:
        raise EvaluationError(
            f"there is no report at {place}: {error.strerror}",
            hint=f"name a {_NAME} that an evaluation or a run has written",
        ) from None
    except (ValueError, TypeError, KeyError):
        raise _damaged(place) from None
    if version != _VERSION:
        raise EvaluationError(
            f"{place} is a report of version {version}", hint="read it with a newer Synthlake"
        )
    beside = audit_beside(place)
    if beside is not None:
        held["audit"] = beside
    try:
        return _report(held)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise _damaged(place) from None


def _damaged(place: Path) -> EvaluationError:
    return EvaluationError(f"{place} is not a report, or damaged", hint=f"name a {_NAME}")


def _report(held: Mapping[str, Any]) -> Report:
    from synthlake.quality.report.report import Report

    settings = EvaluationSettings(**held["settings"], about=dict(held["about"]))
    return Report(
        settings=settings,
        metrics=_metrics(held["summary"], settings.tier),
        scores=tuple(_row(item) for item in held["scores"]),
        gates=tuple(_gate(item) for item in held["gates"]),
        pictures={},
        rows={t: (int(n["real"]), int(n["twin"])) for t, n in held["tables"].items()},
        roles=tuple(held["candidates"]),
        seconds=float(held.get("seconds", 0.0)),
        advice=tuple(_advice(item) for item in held.get("recommendations", ())),
        audit=held.get("audit"),
    )


def _metrics(summary: Mapping[str, Any], tier: Tier) -> dict[str, Metric]:
    """In the order in which they are computed; those that are not installed come last."""
    known = metrics()
    found = {name: metric for name, metric in known.items() if name in summary}
    for name, line in summary.items():
        if name not in known:
            best = float(line["best"])
            found[name] = StoredMetric(
                name, line["title"], line["kind"], tier, best, line["better"]
            )
    return found


def _row(item: Mapping[str, Any]) -> Row:
    subject = Subject(item["table"], tuple(item["columns"]), item["key"])
    twin = cast(Score, _score(item["twin"]))
    return Row(item["metric"], subject, twin, _score(item["ceiling"]), _score(item["floor"]))


def _score(item: Mapping[str, Any] | None) -> Score | None:
    if item is None:
        return None
    interval = item["interval"]
    low_high = (float(interval[0]), float(interval[1])) if _both(interval) else None
    real, candidate = item["rows"]
    return Score(item["value"], low_high, (real, candidate), item["reason"], item["detail"])


def _both(interval: list[float | None] | None) -> bool:
    return interval is not None and None not in interval


def _advice(item: Mapping[str, Any]) -> Advice:
    subject = Subject(item["table"], tuple(item["columns"]), item["key"])
    return Advice(
        item["cause"], subject, item["metric"], float(item["value"] or 0.0), item["finding"],
        item["remedy"],
    )  # fmt: skip


def _gate(item: Mapping[str, Any]) -> GateResult:
    matched = _GATE.fullmatch(item["gate"])
    if matched is None:
        raise ValueError("a gate has another form")
    bound = matched[3]
    gate = Gate(
        item["metric"], _SIDES[matched[2]], _number(bound), item["otherwise"],
        item["table"], item["column"],
    )  # fmt: skip
    return GateResult(
        gate, item["decision"], item["worst"], item["value"], item["bound"],
        item["tested"], item["missed"], item["recommendation"],
    )  # fmt: skip


def _number(bound: str) -> float | str:
    try:
        return float(bound)
    except ValueError:
        return bound
