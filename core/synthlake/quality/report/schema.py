"""The JSON schema of report.json: ``python -m synthlake.quality.report.schema FILE``.

Fields may be added within a version, so readers let others be.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from synthlake.ports import MetricKind

Decision = Literal["PASS", "WARN", "FAIL"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="allow")


class SettingsPart(_Part):
    """What was asked for."""

    tier: Literal["quick", "standard", "full", "deep"]
    seed: int = Field(ge=0, description="Of samples that models see.")
    max_rows: int = Field(description="Rows a side that a model sees.")
    k: int = Field(description="Least real rows behind a value that is shown.")
    target: str | None = Field(description="table.column that models predict.")


class RowsPart(_Part):
    """Rows of a table."""

    real: int
    twin: int


class GatePart(_Part):
    """A gate and what became of it."""

    gate: str = Field(description="As text: metric, ≤ or ≥, bound.")
    metric: str
    decision: Decision
    otherwise: Literal["FAIL", "WARN"]
    worst: str = Field(description="Where the worst figure is.")
    value: float | None = Field(description="The worst figure.")
    bound: float | None
    tested: int = Field(description="Figures that were tested.")
    missed: int = Field(description="Figures that miss the gate.")
    recommendation: str
    table: str
    column: str


class RecommendationPart(_Part):
    """What is wrong by its likely cause, and what to do."""

    cause: str = Field(description="In a word, such as shifted or copied.")
    table: str
    columns: list[str]
    key: str = Field(description="Label of a foreign key, or empty.")
    metric: str = Field(description="The figure that shows it.")
    value: float | None
    finding: str
    remedy: str


class RolesPart(_Part):
    """A figure of the twin, of held-out rows and of independent columns."""

    twin: float | None
    ceiling: float | None
    floor: float | None


class SummaryPart(_Part):
    """A metric over all that it was scored on."""

    title: str
    kind: MetricKind
    best: float
    better: Literal["low", "high"]
    scored: int
    unscored: int
    mean: RolesPart
    worst: RolesPart
    worst_at: str


class ScorePart(_Part):
    """One figure; ``reason`` says why there is none."""

    value: float | None
    interval: list[float | None] | None = Field(description="95 % confidence, two numbers.")
    rows: list[int] = Field(description="Of the real data and of the candidate.")
    reason: str
    detail: dict[str, Any]


class ScoresPart(_Part):
    """A metric on one subject: a table, its columns, or a foreign key."""

    metric: str
    table: str
    columns: list[str]
    key: str = Field(description="Label of a foreign key; empty for other subjects.")
    twin: ScorePart
    ceiling: ScorePart | None
    floor: ScorePart | None


class AuditFigures(_Part):
    """How well a membership attack does."""

    auc: float
    auc_interval: list[float] = Field(description="95 %, two numbers.")
    epsilon_lower_bound: float | None = Field(default=None, description="At 95 %.")
    p_value: float | None = Field(default=None, description="Of the AUC, against chance.")
    p_value_tpr: float | None = Field(default=None, description="Of members told at 1 %.")
    flagged: bool | None = Field(default=None, description="Absent of the control by chance.")


class AuditPart(_Part):
    """An audit of the synthesizer by shadow models, as ``synthlake audit`` writes it."""

    version: Literal[1]
    kind: Literal["synthlake.audit"]
    verdict: Literal["flagged", "not flagged", "inconclusive"]
    said: str = Field(description="The finding in a sentence.")
    table: str = Field(description="Whose entities were attacked.")
    shadows: int = Field(description="How often the synthesizer was fitted.")
    attack: AuditFigures
    controls: dict[Literal["copy", "chance"], AuditFigures]


class ReportDocument(_Part):
    """The report of an evaluation."""

    version: Literal[1]
    decision: Decision
    settings: SettingsPart
    about: dict[str, Any]
    candidates: list[Literal["twin", "ceiling", "floor"]]
    seconds: float = Field(default=0.0, description="Absent from the report of a run.")
    tables: dict[str, RowsPart]
    gates: list[GatePart]
    recommendations: list[RecommendationPart] = Field([], description="The gravest first.")
    summary: dict[str, SummaryPart] = Field(description="By metric.")
    scores: list[ScoresPart]
    audit: AuditPart | None = Field(default=None, description="Absent without an audit.")


def report_schema() -> dict[str, Any]:
    """JSON schema of the report, in the 2020-12 dialect."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **ReportDocument.model_json_schema(),
        "title": "A Synthlake report",
    }


def text() -> str:
    """The schema as it stands in docs/report.schema.json."""
    return json.dumps(report_schema(), indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(text(), encoding="utf-8")
