"""The figures of a report as MLflow's metrics."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

_FORBIDDEN = re.compile(r"[^A-Za-z0-9_./ -]")


def figures(report: Mapping[str, Any]) -> dict[str, float]:
    """Finite figures by name: ``<metric>/<twin, ceiling or floor>/<mean or worst>``, and gates.

    Args:
        report: as in ``report.json``.
    """
    found: dict[str, Any] = {}
    for metric, line in report["summary"].items():
        for part in ("mean", "worst"):
            for role, value in line[part].items():
                found[f"{metric}/{role}/{part}"] = value
    # one that could not be tested is no gate passed
    tested = [g for g in report["gates"] if g["decision"] != "PASS" or g.get("tested", 1)]
    decisions = [gate["decision"] for gate in tested]
    for decision in ("PASS", "WARN", "FAIL"):
        found[f"gates/{decision.lower()}"] = decisions.count(decision)
    return {_FORBIDDEN.sub("_", name): float(v) for name, v in found.items() if _finite(v)}


def _finite(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value)
