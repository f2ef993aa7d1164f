"""Waits for a run without a worker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from airflow.providers.common.compat.sdk import BaseHook
from airflow.triggers.base import BaseTrigger, TriggerEvent

from synthlake_airflow.hook import address_of
from synthlake_airflow.task import may_pass


class SynthlakeRunTrigger(BaseTrigger):
    """Fires once when a run is published in a sink, or put aside, or the sink cannot be asked.

    Args:
        sink: a folder or URL; or ``sink_conn_id``.
        sink_conn_id: connection of the sink; Airflow stores its name, not its password.
        run_id: this run alone; None for whichever is published.
        runs: folder of the reports of runs whose sink is not a folder.
        poke_interval_s: seconds between two looks.
    """

    def __init__(
        self,
        sink: str | None = None,
        sink_conn_id: str | None = None,
        run_id: str | None = None,
        runs: str | None = None,
        poke_interval_s: float = 30.0,
    ) -> None:
        super().__init__()
        self.sink, self.sink_conn_id, self.run_id = sink, sink_conn_id, run_id
        self.runs, self.poke_interval_s = runs, poke_interval_s

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """What the triggerer makes the trigger anew from."""
        return "synthlake_airflow.trigger.SynthlakeRunTrigger", {
            "sink": self.sink, "sink_conn_id": self.sink_conn_id, "run_id": self.run_id,
            "runs": self.runs, "poke_interval_s": self.poke_interval_s,
        }  # fmt: skip

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look, in a thread of its own, until there is something to tell."""
        from synthlake.api import errors

        try:
            sink: Any = self.sink
            if self.sink_conn_id:
                sink = address_of(await BaseHook.aget_connection(self.sink_conn_id))
            while (found := await asyncio.to_thread(look, sink, self.run_id, self.runs)) is None:
                await asyncio.sleep(self.poke_interval_s)
        except errors.SynthlakeError as error:
            told = f"{type(error).__name__}: {error}"
            yield TriggerEvent({"error": told, "may_pass": may_pass(error)})
            return
        yield TriggerEvent(found)


def look(sink: Any, run_id: str | None, runs: str | None) -> dict[str, Any] | None:
    """What there is to tell of a run; None as long as there is nothing.

    Raises:
        SynthlakeError: the sink cannot be asked.
    """
    from synthlake import api

    run = api.find_run(sink, run_id, **({} if runs is None else {"runs": runs}))
    if run is None:
        return None
    return {"run_id": run.run_id, "decision": run.decision, "artifact": run.artifact,
            "rows": dict(run.rows)}  # fmt: skip
