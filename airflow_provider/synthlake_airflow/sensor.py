"""Waits for a run of Synthlake, whoever makes it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar

from airflow.providers.common.compat.sdk import (
    AirflowException,
    AirflowFailException,
    AirflowSkipException,
    BaseSensorOperator,
    PokeReturnValue,
    conf,
)

from synthlake_airflow.hook import SynthlakeHook
from synthlake_airflow.refusals import refuse_secrets
from synthlake_airflow.task import airflow_errors
from synthlake_airflow.trigger import SynthlakeRunTrigger, look


class SynthlakeRunSensor(BaseSensorOperator):
    """Waits until a run is published in a sink; fails once it is put aside as its gate failed.

    Args:
        sink: a folder or URL; or ``sink_conn_id``.
        sink_conn_id: connection of the sink.
        synthlake_run_id: this run alone, such as ``nyc/synthesize/{{ run_id }}/-1``; None for
            whichever is published.
        runs: folder of the reports of runs whose sink is not a folder; the spec's ``runs``.
        deferrable: wait in the triggerer, without a worker.
        given: what every sensor of Airflow takes.

    Returns: ``run_id``, ``decision``, ``artifact`` and ``rows``.

    Raises:
        SpecError: both or none of ``sink`` and ``sink_conn_id`` are given, or a password.
    """

    template_fields: Sequence[str] = ("sink", "sink_conn_id", "synthlake_run_id", "runs")
    template_ext: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        *,
        sink: str | None = None,
        sink_conn_id: str | None = None,
        synthlake_run_id: str | None = None,
        runs: str | None = None,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **given: Any,
    ) -> None:
        super().__init__(**given)
        if (sink is None) == (sink_conn_id is None):
            from synthlake.api import errors

            raise errors.SpecError(
                f"the sensor {self.task_id} needs one of sink and sink_conn_id",
                hint="give the folder or URL that the run publishes to, or its connection",
            )
        refuse_secrets(sink=sink)
        self.sink, self.sink_conn_id = sink, sink_conn_id
        self.synthlake_run_id, self.runs = synthlake_run_id, runs
        self.deferrable = deferrable

    def poke(self, context: Any) -> PokeReturnValue:
        """Look once.

        Raises:
            AirflowFailException: the run was put aside, or the sink cannot be asked.
        """
        with airflow_errors():
            sink: Any = self.sink
            if self.sink_conn_id:
                sink = SynthlakeHook(self.sink_conn_id).address()
            found = look(sink, self.synthlake_run_id, self.runs)
        return PokeReturnValue(found is not None, found and self._accepted(found))

    def execute(self, context: Any) -> Any:
        """Look, and wait here or in the triggerer."""
        if not self.deferrable:
            return super().execute(context)
        try:
            found = self.poke(context)
        except AirflowFailException as error:
            if self.soft_fail or self.never_fail:  # as where it waits here
                raise AirflowSkipException(f"not published: {error}") from error
            raise
        if found:
            return found.xcom_value
        return self.defer(
            timeout=timedelta(seconds=self.timeout),
            trigger=SynthlakeRunTrigger(
                self.sink, self.sink_conn_id, self.synthlake_run_id, self.runs, self.poke_interval
            ),
            method_name="execute_complete",
        )

    def execute_complete(self, context: Any, event: dict[str, Any]) -> dict[str, Any]:
        """What the trigger has found.

        Raises:
            AirflowFailException: the run was put aside, or the sink cannot be asked.
            AirflowException: another try may succeed.
        """
        return self._accepted(event)

    def _accepted(self, found: dict[str, Any]) -> dict[str, Any]:
        if "error" in found:
            kind = AirflowException if found.get("may_pass") else AirflowFailException
            raise kind(found["error"])
        if found["decision"] == "FAIL":
            raise AirflowFailException(
                f"run {found['run_id']} was put aside: a gate failed, nothing was published"
            )
        self.log.info("run: %s: %s", found["run_id"], found["decision"] or "published")
        return found
