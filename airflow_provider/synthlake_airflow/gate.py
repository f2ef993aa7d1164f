"""Decides by a report how a DAG goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

from airflow.providers.common.compat.sdk import AirflowFailException, BaseOperator, BranchMixIn

from synthlake_airflow.local import checked
from synthlake_airflow.task import airflow_errors, quality_of, tell_gates

if TYPE_CHECKING:
    from synthlake.api import Report

Otherwise = Literal["fail", "short_circuit", "branch"]


class QualityGateOperator(BaseOperator, BranchMixIn):
    """Lets a DAG go on where a report passes its gates.

    Args:
        report: path of a ``report.json`` or of the folder that holds one, or what a
            ``SynthesizeOperator`` or ``EvaluateOperator`` returned (its ``output``).
        gates: bounds as in a spec, tested on the stored figures; None for those of the report.
        otherwise: what happens where a gate fails: ``fail``, ``short_circuit`` (all tasks after
            this one are skipped), or ``branch``.
        passed: task or tasks that follow where no gate fails; only with ``branch``.
        failed: task or tasks that follow where one does; only with ``branch``.
        given: what every operator of Airflow takes.

    Returns: ``decision``, ``missed`` and ``metrics``.

    Raises:
        SpecError: the arguments do not go together.
    """

    template_fields: Sequence[str] = ("report", "gates")
    template_ext: ClassVar[tuple[str, ...]] = ()
    template_fields_renderers: ClassVar[dict[str, str]] = {"report": "json", "gates": "json"}
    inherits_from_skipmixin = True
    ui_color = "#f7efd9"

    def __init__(
        self,
        *,
        report: Any,
        gates: Sequence[Mapping[str, Any]] | None = None,
        otherwise: Otherwise = "fail",
        passed: str | Sequence[str] | None = None,
        failed: str | Sequence[str] | None = None,
        **given: Any,
    ) -> None:
        super().__init__(**given)
        self.report, self.gates = report, gates
        self.otherwise = checked("otherwise", otherwise, get_args(Otherwise))
        if (self.otherwise == "branch") != bool(passed and failed):
            from synthlake.api import errors

            raise errors.SpecError(
                f"the gate {self.task_id}: passed and failed belong to a branch",
                hint="give otherwise='branch' and both of them, or none",
            )
        self.passed, self.failed = passed, failed

    def execute(self, context: Any) -> dict[str, Any]:
        """Decide.

        Raises:
            AirflowFailException: a gate failed, or there is no such report.
        """
        with airflow_errors():
            report = self._read()
            tell_gates(report, self.log)
        quality = quality_of(report)
        accepted = report.decision != "FAIL"
        if self.otherwise == "fail" and not accepted:
            raise AirflowFailException(f"a gate failed: {', '.join(quality['missed'])}")
        if self.otherwise != "fail":  # skipping ends the task by an exception
            context["ti"].xcom_push(key="return_value", value=quality)
        if self.otherwise == "branch":
            self.do_branch(context, self.passed if accepted else self.failed)
        elif not accepted:
            later = context["task"].get_flat_relatives(upstream=False)
            self.skip(ti=context["ti"], tasks=[task for task in later if not task.is_teardown])
        return quality

    def _read(self) -> Report:
        from synthlake import api

        given = self.report
        path = given.get("report_json", "") if isinstance(given, Mapping) else given
        if not path:
            raise api.errors.EvaluationError(
                "there is no report to decide by", hint="give the path of a report.json"
            )
        report = api.Report.load(path)
        return report if self.gates is None else report.decided(self.gates)
