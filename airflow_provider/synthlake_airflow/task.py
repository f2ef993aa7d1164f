"""What all tasks of Synthlake share: run ids, errors, logs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException

if TYPE_CHECKING:
    from synthlake.api import Report


def run_id_of(context: Mapping[str, Any]) -> str:
    """Name of a task's run: the same for each try, and for no other task."""
    ti = context["ti"]
    index = -1 if ti.map_index is None else ti.map_index
    return f"{ti.dag_id}/{ti.task_id}/{ti.run_id}/{index}"


_NAMED = 20  # gates by name in an XCom; the report has all of them


@contextmanager
def airflow_errors() -> Iterator[None]:
    """Errors of Synthlake as those of Airflow: what will not pass by itself is not tried again.

    Raises:
        AirflowFailException: the same call will fail again.
        AirflowException: another try may succeed.
    """
    from synthlake.api import errors

    try:
        yield
    except errors.SynthlakeError as error:
        kind = AirflowException if may_pass(error) else AirflowFailException
        raise kind(f"{type(error).__name__}: {error}") from error


def may_pass(error: Exception) -> bool:
    """Whether another try may succeed where this error was met."""
    from synthlake.api import errors

    return isinstance(error, errors.Transient) or not isinstance(error, errors.Terminal)


def tell_report(report: Report, log: Any) -> None:
    """Log rows, gates and decision, a line each."""
    for table, (real, twin) in report.rows.items():
        log.info("rows: %s: %s real, %s twin", table, f"{real:,}", f"{twin:,}")
    tell_gates(report, log)


def tell_gates(report: Report, log: Any) -> None:
    """Log gates and decision, a line each."""
    for result in report.gates:
        value = "no figure" if result.value is None else f"{result.value:.4g}"
        where = f" at {result.subject}" if result.subject else ""
        log.info("gate: %s %s: %s%s", result.decision, result.gate.text, value, where)
        if result.advice:
            log.info("gate: advice: %s", result.advice)
    log.info("decision: %s", report.decision)


def quality_of(report: Report) -> dict[str, Any]:
    """The decision, the gates that were missed, and the twin's mean of each metric."""
    missed = [f"{g.gate.text} ({g.subject})" for g in report.gates if g.decision != "PASS"]
    if len(missed) > _NAMED:  # a gate may be missed by each of a thousand columns
        missed = [*missed[:_NAMED], f"and {len(missed) - _NAMED} more"]
    figures = {name: round(value, 6) for name, value in report.means().items()}
    return {"decision": report.decision, "missed": missed, "metrics": figures}


def rows_of(report: Report) -> dict[str, int]:
    """Rows of the twin by table."""
    return {table: twin for table, (_, twin) in report.rows.items()}
