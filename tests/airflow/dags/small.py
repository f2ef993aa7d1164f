"""DAGs that do one thing each, on two small tables."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Asset, AssetAlias, Param, task

from synthlake_airflow import (
    EvaluateOperator,
    QualityGateOperator,
    SynthesizeOperator,
    SynthlakeRunSensor,
)

PARAMS = {"folder": Param("", type="string")}
SPEC = {
    "source": "{{ params.folder }}/real",
    "tables": {"airlines": {"keep": True}, "planes": {"primary_key": ["tailnum"]}},
    "evaluate": {"tier": "quick"},
    "gates": [{"metric": "primary_key", "at_most": 0}],
    "seed": 7,
}
ENDLESS = {**SPEC, "gates": [{"metric": "rows", "at_least": 2}]}  # no twin keeps that


def passes(task_id: str) -> object:
    """A task that does nothing."""

    @task(task_id=task_id, trigger_rule="none_failed_min_one_success")
    def nothing() -> None:
        return None

    return nothing()


with DAG("paths", schedule=None, params=PARAMS) as paths:
    twin = SynthesizeOperator(
        task_id="synthesize",
        spec="{{ params.folder }}/spec.{{ 'json' }}",
        out="{{ params.folder }}/twin.json",
        outlets=[AssetAlias("paths")],
    )
    judged = EvaluateOperator(
        task_id="evaluate",
        real="{{ params.folder }}/real",
        synthetic="{{ params.folder }}/twin.json",
        schema="{{ params.folder }}/spec.yml",
        report="{{ params.folder }}/report.yml",
        asked={"tier": "quick"},
    )
    gate = QualityGateOperator(task_id="gate", report="{{ params.folder }}/report.yml/report.json")
    twin >> judged >> gate

with DAG("gates", schedule=None, params=PARAMS) as gates:
    rejected = SynthesizeOperator(
        task_id="rejected",
        spec=ENDLESS,
        out="{{ params.folder }}/rejected",
        outlets=[Asset("never")],
        if_failed="continue",
    )
    branch = QualityGateOperator(
        task_id="branch", report=rejected.output, otherwise="branch", passed="yes", failed="no"
    )
    short = QualityGateOperator(task_id="short", report=rejected.output, otherwise="short_circuit")
    kinder = QualityGateOperator(
        task_id="kinder",
        report=rejected.output,
        gates=[{"metric": "rows", "at_least": 0.5}],
        otherwise="short_circuit",
    )
    branch >> [passes("yes"), passes("no")]
    short >> passes("after") >> passes("after_after")
    kinder >> passes("kindly")

with DAG("fails", schedule=None, params=PARAMS) as fails:
    refused = SynthesizeOperator(
        task_id="refused", spec=ENDLESS, out="{{ params.folder }}/refused", retries=3
    )
    SynthlakeRunSensor(
        task_id="wait",
        sink="{{ params.folder }}/refused",
        synthlake_run_id="fails/refused/{{ run_id }}/-1",
        trigger_rule="all_done",
    ).set_upstream(refused)
    QualityGateOperator(
        task_id="gate", report="{{ params.folder }}/refused.rejected", trigger_rule="all_done"
    ).set_upstream(refused)

with DAG("mapped", schedule=None, params=PARAMS) as mapped:

    @task.synthesize(out="{{ params.folder }}/decorated")
    def decorated(name: str) -> dict:
        """The spec of one source."""
        return {**SPEC, "source": f"{{{{ params.folder }}}}/{name}"}

    decorated("real") >> SynthesizeOperator.partial(
        task_id="seeds", spec=SPEC, out="{{ params.folder }}/seed-{{ ti.map_index }}"
    ).expand(seed=[1, 2])

with DAG("secret", schedule=None, params=PARAMS) as secret:
    for conn_id in ("shop", "gone"):
        SynthesizeOperator(
            task_id=conn_id,
            spec={**SPEC, "tables": {"planes": {"primary_key": ["tailnum"]}}},
            source_conn_id=conn_id,
            out=f"{{{{ params.folder }}}}/{conn_id}",
        )

with DAG("cleared", schedule=None, params=PARAMS) as cleared:
    SynthesizeOperator(
        task_id="synthesize",
        spec=SPEC,
        out="{{ params.folder }}/twin",
        if_published="{{ var.value.if_published }}",
    )

with DAG("kept", schedule=None, params=PARAMS) as kept:
    SynthesizeOperator(
        task_id="synthesize",
        spec="{{ params.folder }}/spec.yml",
        outlets=[Asset("kept")],
        workers=2,
        retries=3,
        retry_delay=timedelta(seconds=1),
    )
