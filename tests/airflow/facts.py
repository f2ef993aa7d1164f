"""What can be asked of the provider in one process; printed as JSON."""

from __future__ import annotations

import asyncio
import importlib.resources
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

SINK = Path(sys.argv[1])  # a folder that no run has published to yet


def parsed() -> list[str]:
    """What is loaded once all DAGs are read, as the scheduler does again and again."""
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
    assert not bag.import_errors, bag.import_errors
    assert len(bag.dags) > len(("nyc_twin", "nyc_twin_user", "nyc_twin_waiter"))
    heavy = ("synthlake", "duckdb", "pyarrow", "sqlglot", "scipy", "sklearn", "torch")
    return [name for name in heavy if name in sys.modules]


def schema_errors() -> list[str]:
    """What Airflow's own schemas have against our provider info."""
    import jsonschema

    from synthlake_airflow import provider_info

    found = []
    folder = importlib.resources.files("airflow")
    runtime = json.loads((folder / "provider_info.schema.json").read_text())
    whole = json.loads((folder / "provider.yaml.schema.json").read_text())
    connections = {"type": "object", "properties": {
        "connection-types": whole["properties"]["connection-types"]}}  # fmt: skip
    for schema in (runtime, connections):
        checked = jsonschema.validators.validator_for(schema)(schema)
        found += [error.message for error in checked.iter_errors(provider_info())]
    return found


def named() -> list[str]:
    """All that provider info names, imported."""
    from airflow.sdk._shared.module_loading import import_string

    from synthlake_airflow import provider_info

    info = provider_info()
    classes = [*info["extra-links"], *(d["class-name"] for d in info["task-decorators"])]
    classes += [c["hook-class-name"] for c in info["connection-types"]]
    classes += [a[key] for a in info["asset-uris"] for key in ("handler", "factory")]
    for kind in ("operators", "sensors", "hooks", "triggers"):
        for module in (m for entry in info[kind] for m in entry["python-modules"]):
            __import__(module)
    return [import_string(name).__name__ for name in classes]


def connection_form() -> dict[str, Any]:
    """What the form for connections has."""
    from airflow.providers_manager import ProvidersManager

    manager = ProvidersManager()
    fields = [f for f in manager.connection_form_widgets if f.startswith("extra__synthlake__")]
    return {
        "fields": sorted(name.rpartition("__")[2] for name in fields),
        "relabeling": manager.field_behaviours["synthlake"]["relabeling"],
        "testable": manager.hooks["synthlake"].connection_testable,
    }


def refused(make: Callable[[], Any]) -> str:
    """The error of a constructor."""
    try:
        make()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "no error"


def constructors() -> dict[str, str]:
    """Arguments that do not go together."""
    from synthlake_airflow import (
        EvaluateOperator,
        QualityGateOperator,
        SynthesizeOperator,
        SynthlakeRunSensor,
    )

    url = "postgresql+psycopg://reader:hunter22@db/shop"

    def judge() -> Any:
        return EvaluateOperator(task_id="t", report="r", deferrable=True)

    return {
        "defer": refused(lambda: SynthesizeOperator(task_id="t", spec="s", deferrable=True)),
        "defer evaluate": refused(judge),
        "word": refused(lambda: SynthesizeOperator(task_id="t", spec="s", if_published="no")),
        "secret": refused(lambda: SynthesizeOperator(task_id="t", spec={"source": url})),
        "option": refused(lambda: SynthesizeOperator(task_id="t", spec={
            "source": {"url": "duckdb:///x", "options": {"encryption_key": "hunter22"}}})),
        "reference": refused(lambda: SynthesizeOperator(task_id="t", spec={
            "source": {"url": "duckdb:///x", "options": {"encryption_key": "env:KEY"}},
            "sink": url.replace("hunter22", "${env:PASSWORD}")})),
        "out": refused(lambda: SynthesizeOperator(task_id="t", spec="s", out=url)),
        "half": refused(lambda: SynthesizeOperator(task_id="t", spec={
            "sink": url.replace("@db", "@${env:HOST}")})),
        "query": refused(lambda: SynthlakeRunSensor(
            task_id="t", sink="postgresql+psycopg://db/shop?user=me&password=hunter22")),
        "real": refused(lambda: EvaluateOperator(task_id="t", report="r", real=url)),
        "holdout": refused(lambda: EvaluateOperator(task_id="t", report="r", holdout=url)),
        "rendered": refused(lambda: SynthlakeRunSensor(
            task_id="t", sink=url.replace("hunter22", "{{ var.value.password }}"))),
        "branch": refused(lambda: QualityGateOperator(task_id="t", report="r", otherwise="branch")),
        "no sink": refused(lambda: SynthlakeRunSensor(task_id="t")),
    }  # fmt: skip


def addresses() -> dict[str, Any]:
    """What connections become."""
    from airflow.sdk import Connection

    from synthlake_airflow.hook import address_of

    def of(conn_type: str, extra: dict[str, Any] | None = None, **given: Any) -> Any:
        made = Connection(conn_id="c", conn_type=conn_type, extra=json.dumps(extra or {}), **given)
        try:
            return address_of(made)
        except ValueError as error:
            return str(error)

    bucket = {"driver": "delta", "path": "s3://b/t", "options": '{"a": "1"}'}
    server = {"host": "db", "login": "me", "password": "p@:/ü", "schema": "shop", "port": 5433}
    return {
        "postgres": of("postgres", {"schema_name": "sales"}, **server),
        "secured": of("postgres", {"sslmode": "verify-full", "sslrootcert": "/a b",
                                   "keepalives": True, "cursor": "dictcursor",
                                   "options": "-c statement_timeout=5"}, **server),
        "socket": of("postgres", host="/var/run/postgresql", login="me", schema="shop"),
        "ipv6": of("postgres", host="::1", schema="shop"),
        "sqlite": of("sqlite", host="/data/shop.db"),
        "duckdb": of("synthlake", {"driver": "duckdb", "path": "/data/shop.duckdb"}),
        "folder": of("synthlake", {"driver": "parquet", "path": "/data/nyc"}),
        "options": of("synthlake", bucket),
        "nothing": of("synthlake", {"driver": "delta"}),
        "no driver": of("http", **server),
    }  # fmt: skip


def tested_connections() -> list[Any]:
    """What the button of the form says."""
    from synthlake_airflow import SynthlakeHook

    return [SynthlakeHook(name).test_connection() for name in ("real", "missing")]


def assets() -> list[str]:
    """URIs of sinks."""
    from airflow.sdk import Asset

    from synthlake_airflow.assets import create_asset, sink_asset

    sinks = ("/data/twin", "parquet:///data/a%20b", "postgresql+psycopg://me:***@db/shop?x=1")
    return [
        *(sink_asset(sink).uri for sink in sinks),
        create_asset(path="/data/twin").uri,
        refused(lambda: Asset("delta://")),
    ]


async def triggered() -> dict[str, Any]:
    """A trigger made anew from what it serializes; other work goes on while it looks."""
    from airflow.sdk._shared.module_loading import import_string

    from synthlake_airflow import SynthlakeRunTrigger

    first = SynthlakeRunTrigger(sink=str(SINK), poke_interval_s=0.01)
    path, given = first.serialize()
    json.dumps(given)
    waiting = asyncio.ensure_future(anext(import_string(path)(**given).run()))
    beats = 0
    while beats < 20:
        await asyncio.sleep(0.01)
        beats += 1
    pending = not waiting.done()
    SINK.mkdir()
    (SINK / "manifest.json").write_text(json.dumps({
        "synthlake": "0", "tables": {"t": {"rows": 3, "files": []}}, "artifact": "a", "run_id": "r",
    }))  # fmt: skip
    event = await asyncio.wait_for(waiting, 30)
    bad = await anext(SynthlakeRunTrigger(sink="nowhere://x").run())
    down = await anext(SynthlakeRunTrigger(sink="postgresql+psycopg://127.0.0.1:1/x").run())
    return {"pending": pending, "event": event.payload, "bad": bad.payload, "down": down.payload}


def sensed() -> list[str]:
    """What a sensor that defers makes of an error, of its own look and of the trigger's."""
    from synthlake_airflow import SynthlakeRunSensor

    def sensor(**given: Any) -> Any:
        return SynthlakeRunSensor(task_id="t", sink="nowhere://x", deferrable=True, **given)

    def told(**event: Any) -> str:
        return refused(lambda: sensor().execute_complete({}, {"error": "e", **event}))

    return [
        told(may_pass=False),
        told(may_pass=True),
        refused(lambda: sensor().execute({})),
        refused(lambda: sensor(soft_fail=True).execute({})),
    ]


def links() -> dict[str, str]:
    """Of a run that was put aside, where its folder is served."""
    from synthlake_airflow.links import aside_of, links_of

    folder = Path("/data/twin.rejected")
    return links_of(folder, folder / "report.html", aside_of("https://files/twin/"))


def missed() -> list[str]:
    """What an XCom says of a report that misses more gates than anybody reads."""
    from types import SimpleNamespace

    from synthlake_airflow.task import quality_of

    gates = [
        SimpleNamespace(gate=SimpleNamespace(text="g"), subject=str(n), decision="FAIL")
        for n in range(1000)
    ]
    report = SimpleNamespace(gates=gates, decision="FAIL", means=dict)
    return list(quality_of(report)["missed"])  # type: ignore[arg-type]


def main() -> None:
    """Print all facts."""
    facts = {
        "parsed": parsed(),
        "sensed": sensed(),
        "links": links(),
        "missed": missed(),
        "schema_errors": schema_errors(),
        "named": named(),
        "form": connection_form(),
        "constructors": constructors(),
        "addresses": addresses(),
        "tested": tested_connections(),
        "assets": assets(),
        "trigger": asyncio.run(triggered()),
    }
    print("\n" + json.dumps(facts))


main()
