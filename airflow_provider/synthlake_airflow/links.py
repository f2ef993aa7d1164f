"""Links from a task to its report and to its run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from airflow.providers.common.compat.sdk import BaseOperatorLink


class _Link(BaseOperatorLink):
    """A link that the task wrote down when it ran."""

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """The address; empty where the task did not come so far."""
        return str(getattr(operator, "links", {}).get(self.name, ""))


class ReportLink(_Link):
    """The report as HTML."""

    name = "Quality report"


class RunLink(_Link):
    """The folder of the run: manifest, artifact, report and, where it is the sink, the tables."""

    name = "Synthlake run"


def aside_of(served_at: str | None) -> str | None:
    """Where people reach what was put aside: beside the run's folder, as on the disk."""
    return None if served_at is None else served_at.rstrip("/") + ".rejected"


def links_of(folder: Path, report: Path, served_at: str | None) -> dict[str, str]:
    """The addresses by name of link.

    Args:
        folder: of the run.
        report: as HTML, in the folder.
        served_at: where people reach the folder; None for ``file:`` addresses.
    """
    if served_at is None:
        whole = folder.absolute()
        return {
            RunLink.name: whole.as_uri(),
            ReportLink.name: (whole / report.relative_to(folder)).as_uri(),
        }
    home = served_at.rstrip("/")
    return {
        RunLink.name: f"{home}/",
        ReportLink.name: f"{home}/{report.relative_to(folder).as_posix()}",
    }
