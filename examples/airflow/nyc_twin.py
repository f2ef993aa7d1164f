"""Makes a twin of a folder of tables, and tells whoever uses it.

`nyc_twin` runs a spec, decides by its report, and publishes an asset. `nyc_twin_user` starts when
the asset is there. `nyc_twin_waiter` waits for a run of another DAG without holding a worker.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from airflow.sdk import DAG, Asset, Param, task

from synthlake_airflow import (
    EvaluateOperator,
    QualityGateOperator,
    SynthesizeOperator,
    SynthlakeRunSensor,
)

FOLDER = Param("out/nycflights13", type="string", description="holds real/, gets twin/")
TWIN = Asset("nyc_twin")

CHANGED = Param("replace", enum=["replace", "reuse", "fail"], description="cleared, data changed")

with DAG(
    "nyc_twin", schedule=None, params={"folder": FOLDER, "if_published": CHANGED},
    tags=["synthlake"],
):  # fmt: skip
    synthesize = SynthesizeOperator(
        task_id="synthesize",
        spec=str(Path(__file__).with_suffix(".yml")),
        outlets=[TWIN],
        if_published="{{ params.if_published }}",
        if_failed="continue",
        retries=2,
        retry_delay=timedelta(seconds=10),
    )
    gate = QualityGateOperator(
        task_id="gate",
        report=synthesize.output,
        otherwise="branch",
        passed="evaluate",
        failed="say_so",
    )
    evaluate = EvaluateOperator(
        task_id="evaluate",
        real="{{ params.folder }}/real",
        synthetic="{{ params.folder }}/twin",
        schema=str(Path(__file__).with_suffix(".yml")),
        report="{{ params.folder }}/second-opinion",
        asked={"tier": "quick", "gates": [{"metric": "rows", "at_least": 0.9}]},
    )

    @task
    def say_so(outcome: dict) -> None:
        """Where people are told that the twin was not published."""
        print("no twin:", outcome["quality"]["missed"])

    gate >> [evaluate, say_so(synthesize.output)]

with DAG("nyc_twin_user", schedule=[TWIN], tags=["synthlake"]):

    @task
    def use(triggering_asset_events: dict | None = None) -> dict:
        """What the twin is, from the event alone."""
        (event, *_) = (triggering_asset_events or {})[TWIN]
        return {"rows": event.extra["rows"], "decision": event.extra["quality"]["decision"]}

    use()

with DAG("nyc_twin_waiter", schedule=None, params={"folder": FOLDER}, tags=["synthlake"]):
    SynthlakeRunSensor(
        task_id="wait",
        sink="{{ params.folder }}/twin",
        deferrable=True,
        poke_interval=2,
        timeout=600,
    )
