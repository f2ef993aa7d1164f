"""An audit by shadow models as a reader of the report sees it, and as it lies beside a report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synthlake.errors import EvaluationError
from synthlake.quality.report.terminal import figure

NAME = "audit.json"
_KIND = "synthlake.audit"
_VERSION = 1
_NEEDED = ("verdict", "said", "table", "shadows", "attack", "controls", "targets")


def read_audit(path: Path) -> dict[str, Any]:
    """The figures of an audit from its JSON.

    Raises:
        EvaluationError: there are none, or they are damaged or a newer version's.
    """
    try:
        held = json.loads(path.read_bytes())
    except OSError as error:
        raise EvaluationError(
            f"{path} cannot be read: {error.strerror}", hint="name a file that an audit wrote"
        ) from None
    except ValueError:
        held = None
    if not isinstance(held, dict) or held.get("kind") != _KIND:
        raise EvaluationError(f"{path} is no audit", hint="write it by `synthlake audit --json`")
    if held.get("version") != _VERSION or not set(_NEEDED) <= set(held):
        raise EvaluationError(
            f"{path} is of another version of Synthlake, or damaged", hint="audit again"
        )
    return held


def audit_beside(report: Path) -> dict[str, Any] | None:
    """The audit that lies beside a report; None where there is none, or some other file.

    Raises:
        EvaluationError: it is an audit, and damaged or a newer version's.
    """
    path = report.with_name(NAME)
    return read_audit(path) if _kind(path) == _KIND else None


def _kind(path: Path) -> object:
    try:
        held = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return held.get("kind") if isinstance(held, dict) else None


def shown(held: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Sentence and lines: the attack, and its two controls."""
    if held is None:
        return None
    controls = held["controls"]
    named = (
        ("twins of the synthesizer", held["attack"]),
        ("positive control: copies", controls["copy"]),
        ("negative control: members exchanged", controls["chance"]),
    )
    return {
        "verdict": held["verdict"], "said": held["said"],
        "lines": [_line(title, of) for title, of in named],
    }  # fmt: skip


def _line(title: str, of: Mapping[str, Any]) -> dict[str, str]:
    tpr = of["tpr"]
    return {
        "title": title, "auc": ranged(of["auc"], of["auc_interval"]),
        "one": ranged(tpr["0.01"]["value"], tpr["0.01"]["interval"]),
        "ten": ranged(tpr["0.1"]["value"], tpr["0.1"]["interval"]),
        "epsilon": figure(of.get("epsilon_lower_bound")),
        "trials": f"{of['trials']['members']:,} / {of['trials']['others']:,}",
    }  # fmt: skip


def ranged(value: float, interval: tuple[float, float] | list[float]) -> str:
    """A figure with its interval."""
    return f"{figure(value)} [{figure(interval[0])}, {figure(interval[1])}]"
