"""Makes a twin: learn, sample, judge, publish."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, get_args

from airflow.providers.common.compat.sdk import AirflowFailException

from synthlake_airflow.assets import tell_assets
from synthlake_airflow.hook import SynthlakeHook
from synthlake_airflow.links import aside_of, links_of
from synthlake_airflow.local import IfFailed, LocalOperator, checked
from synthlake_airflow.refusals import refuse_secrets, refuse_secrets_of_spec
from synthlake_airflow.task import quality_of, rows_of, run_id_of, tell_report

if TYPE_CHECKING:
    from synthlake.api import FoundRun, RunResult, SynthesisSpec

_PUBLISHED = ("reuse", "replace", "fail")


class SynthesizeOperator(LocalOperator):
    """Runs a spec and publishes its twin.

    The run is named ``dag_id/task_id/run_id/map_index``, without the number of the try: a killed
    try is gone on with by the next one, and what is published already is not made again unless
    spec or data have changed.

    Args:
        spec: a spec as a mapping, or the path of a file of YAML or JSON that is read by the worker.
            Texts within it are templates.
        source_conn_id: connection in place of the spec's source.
        sink_conn_id: connection in place of the spec's sink.
        out: folder or URL in place of the spec's sink.
        seed: in place of the spec's.
        workers: processes that make rows; the result does not depend on it.
        if_published: what to do if spec or data have changed since this run was published, as
            after a task is cleared: ``replace`` it, ``reuse`` it, or ``fail``.
        if_failed: whether a twin whose gate failed, and which is therefore not published, fails
            the task; ``continue`` leaves that to a ``QualityGateOperator``.
        served_at: address at which people reach the run's folder, for the links of the task; that
            of a twin that was put aside ends in ``.rejected`` as its folder does.
        given: what every operator of Airflow takes. Outlets are told rows, quality, artifact and
            run; an ``AssetAlias`` becomes the sink.

    Returns: a small mapping: ``run_id``, ``decision``, ``artifact``, ``rows``, ``quality``,
        ``folder``, ``report``, ``report_json``, ``sink`` and ``reused``.

    Privacy: passwords belong into connections or ``env:`` references. A spec in the DAG, or an
        ``out``, that holds one is refused, as Airflow would store and show it.
    """

    template_fields: Sequence[str] = ("spec", "out", "seed", "if_published", "served_at",
                                      "source_conn_id", "sink_conn_id")  # fmt: skip
    template_fields_renderers: ClassVar[dict[str, str]] = {"spec": "json"}
    ui_color = "#d9efe6"

    def __init__(  # noqa: PLR0913  # mapped tasks read the arguments from the signature
        self,
        *,
        spec: Any,
        source_conn_id: str | None = None,
        sink_conn_id: str | None = None,
        out: str | None = None,
        seed: int | str | None = None,
        workers: int = 1,
        if_published: str = "replace",
        if_failed: IfFailed = "fail",
        served_at: str | None = None,
        **given: Any,
    ) -> None:
        super().__init__(**given)
        refuse_secrets_of_spec(spec)
        refuse_secrets(out=out)
        self.spec, self.out, self.seed, self.workers = spec, out, seed, workers
        self.source_conn_id, self.sink_conn_id = source_conn_id, sink_conn_id
        if isinstance(if_published, str) and "{" not in if_published:  # else it is told later
            checked("if_published", if_published, _PUBLISHED)
        self.if_published = if_published
        self.if_failed = checked("if_failed", if_failed, get_args(IfFailed))
        self.served_at = served_at

    def execute(self, context: Any) -> dict[str, Any]:
        """Run the spec.

        Raises:
            AirflowFailException: the gate failed, or the same call will fail again.
            AirflowException: another try may succeed.
        """
        from synthlake import api

        with self.working():
            settings = api.RunSettings(
                run_id=run_id_of(context),
                seed=_whole(self.seed),
                out=str(self.out) if self.out else None,
                workers=self.workers,
                if_published=checked("if_published", self.if_published, _PUBLISHED),
            )
            self.log.info("run: %s", settings.run_id)
            spec = self._spec(context)
            result = api.run(spec, settings, api.Lines(self.log.info))
            outcome = self._told(result, spec)
        if result.passed:
            told = ("rows", "quality", "artifact", "run_id")
            where = result.sink or str(result.folder)
            tell_assets(context, where, {key: outcome[key] for key in told})
            return outcome
        self.outlets.clear()  # nothing was published: whoever waits for the twin waits on
        if self.if_failed == "fail":
            raise AirflowFailException(f"a gate failed, nothing was published: {result.report}")
        return outcome

    def _spec(self, context: Any) -> SynthesisSpec:
        from synthlake import api

        document = api.read_document(self.spec)
        values = document.values
        if not isinstance(self.spec, Mapping):  # Airflow has rendered a mapping already
            values = self.render_template(values, context)
        if self.source_conn_id:
            values = {**values, "source": SynthlakeHook(self.source_conn_id).address()}
        if self.sink_conn_id:
            values = {**values, "sink": SynthlakeHook(self.sink_conn_id).address()}
        return api.SynthesisSpec.parse(replace(document, values=values))

    def _told(self, result: RunResult, spec: SynthesisSpec) -> dict[str, Any]:
        """Log what the run left behind; returns what is worth knowing of it."""
        from synthlake import api

        if result.reused:
            self.log.info("this run was published before: nothing was done")
        for note in result.notes:
            self.log.info("note: %s", note)
        outcome: dict[str, Any] = {"run_id": result.run_id, "decision": result.decision,
                                   "reused": result.reused, "sink": result.sink}  # fmt: skip
        figures = result.report.with_suffix(".json")
        report = api.Report.load(figures) if figures.is_file() else None  # may lie elsewhere
        if report is not None:
            tell_report(report, self.log)
            place = aside_of(self.served_at) if not result.passed else self.served_at
            self.links = links_of(result.folder, result.report, place)
        self.log.info("twin: %s", result.sink or result.folder)
        self.log.info("report: %s", result.report)
        told = None if report else api.find_run(self._sink(spec), result.run_id)
        return outcome | {
            "artifact": report.settings.about.get("artifact", "") if report else _artifact(told),
            "rows": rows_of(report) if report else dict(told.rows if told else {}),
            "quality": quality_of(report) if report else {"decision": result.decision},
            "folder": str(result.folder),
            "report": str(result.report),
            "report_json": str(figures),
        }

    def _sink(self, spec: SynthesisSpec) -> dict[str, Any]:
        if self.out:
            return {"url": str(self.out)}
        return dict(spec.to_dict()["sink"])


def _artifact(found: FoundRun | None) -> str:
    return found.artifact if found else ""


def _whole(seed: int | str | None) -> int | None:
    """A seed as a number; a template's is text."""
    if seed is None or seed == "":
        return None
    try:
        return int(seed)
    except ValueError:
        from synthlake.api import errors

        raise errors.SpecError("the seed is not a whole number", hint="such as 7") from None
