"""Judges a twin that is there already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, get_args

from airflow.providers.common.compat.sdk import AirflowFailException

from synthlake_airflow.assets import tell_assets
from synthlake_airflow.hook import SynthlakeHook
from synthlake_airflow.links import links_of
from synthlake_airflow.local import IfFailed, LocalOperator, checked
from synthlake_airflow.refusals import refuse_secrets
from synthlake_airflow.task import quality_of, rows_of, run_id_of, tell_report

if TYPE_CHECKING:
    from synthlake.api import Report

_ASKED = ("tier", "seed", "target", "gates", "max_rows", "k")


class EvaluateOperator(LocalOperator):
    """Judges a twin against the real data and writes ``report.html`` and ``report.json``.

    Args:
        real: folder, file or URL of the real data; or ``real_conn_id``.
        synthetic: the same of the twin; or ``synthetic_conn_id``.
        report: folder for the report.
        schema: path of a schema file or spec, or its ``tables:``; None to infer it.
        holdout: real data that was not learned from.
        asked: ``tier``, ``seed``, ``target``, ``gates``, ``max_rows`` and ``k``, as in a spec.
        real_conn_id: connection of the real data.
        synthetic_conn_id: connection of the twin.
        if_failed: ``fail`` the task where a gate fails, or ``continue`` and leave it to a
            ``QualityGateOperator``.
        served_at: address at which people reach the folder of the report, for the links of the
            task.
        given: what every operator of Airflow takes; outlets are told rows and quality.

    Returns: a small mapping: ``run_id``, ``decision``, ``rows``, ``quality``, ``report`` and
        ``report_json``.
    """

    template_fields: Sequence[str] = ("real", "synthetic", "report", "schema", "holdout", "asked",
                                      "real_conn_id", "synthetic_conn_id",
                                      "served_at")  # fmt: skip
    template_fields_renderers: ClassVar[dict[str, str]] = {"asked": "json", "schema": "json"}
    ui_color = "#e6ebf7"

    def __init__(  # noqa: PLR0913  # mapped tasks read the arguments from the signature
        self,
        *,
        report: str,
        real: str | None = None,
        synthetic: str | None = None,
        schema: Any = None,
        holdout: str | None = None,
        asked: Mapping[str, Any] | None = None,
        real_conn_id: str | None = None,
        synthetic_conn_id: str | None = None,
        if_failed: IfFailed = "continue",
        served_at: str | None = None,
        **given: Any,
    ) -> None:
        super().__init__(**given)
        refuse_secrets(real=real, synthetic=synthetic, holdout=holdout)
        self.report, self.schema, self.holdout = report, schema, holdout
        self.real, self.real_conn_id = real, real_conn_id
        self.synthetic, self.synthetic_conn_id = synthetic, synthetic_conn_id
        self.asked = dict(asked or {})
        self.if_failed = checked("if_failed", if_failed, get_args(IfFailed))
        self.served_at = served_at

    def execute(self, context: Any) -> dict[str, Any]:
        """Judge.

        Raises:
            AirflowFailException: the gate failed, or the same call will fail again.
            AirflowException: another try may succeed.
        """
        folder = Path(self.report).expanduser()
        page, figures = folder / "report.html", folder / "report.json"
        with self.working():
            report = self._judged()
            tell_report(report, self.log)
            report.save(page)
            report.save(figures)
        self.log.info("report: %s", page)
        self.links = links_of(folder, page, self.served_at)
        outcome = {
            "run_id": run_id_of(context),
            "decision": report.decision,
            "rows": rows_of(report),
            "quality": quality_of(report),
            "report": str(page),
            "report_json": str(figures),
        }
        if report.decision == "FAIL" and self.if_failed == "fail":
            raise AirflowFailException(f"a gate failed: {page}")
        told = ("rows", "quality", "run_id")
        tell_assets(context, str(folder), {key: outcome[key] for key in told})
        return outcome

    def _judged(self) -> Report:
        from synthlake import api

        unknown = sorted(set(self.asked) - set(_ASKED))
        if unknown:
            raise api.errors.SpecError(
                f"asked: there is no {unknown[0]!r}", hint=f"there are {', '.join(_ASKED)}"
            )
        schema = self.schema
        if isinstance(schema, str):
            schema = api.Schema.load(schema)
        return api.evaluate(
            _place("real", self.real, self.real_conn_id),
            _place("synthetic", self.synthetic, self.synthetic_conn_id),
            schema, holdout=self.holdout or None, on_event=api.Lines(self.log.info),
            **self.asked,
        )  # fmt: skip


def _place(name: str, given: str | None, conn_id: str | None) -> Any:
    from synthlake.api import errors

    if bool(given) == bool(conn_id):
        raise errors.SpecError(
            f"give one of {name} and {name}_conn_id", hint="a folder, a URL or a connection"
        )
    return SynthlakeHook(conn_id).address() if conn_id else given
