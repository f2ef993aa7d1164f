"""DAGs by the real scheduler: standalone, SQLite, LocalExecutor."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.airflow.conftest import SMALL, lay
from tests.airflow.standalone import TASK_S, Standalone, processes

pytestmark = pytest.mark.slow


def digests(folder: Path) -> dict[str, str]:
    """Of the tables of a twin."""
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.glob("*.parquet")}


def manifest(folder: Path) -> Any:
    """Of a twin; None where there is none."""
    path = folder / "manifest.json"
    return json.loads(path.read_text()) if path.is_file() else None


def test_triggered_by_api_the_example_is_green_and_wakes_who_waits(
    scheduler: Standalone, two_days: Path, tmp_path: Path
) -> None:
    folder = lay(two_days, tmp_path / "nyc")
    waiter = scheduler.trigger("nyc_twin_waiter", folder=str(folder))
    scheduler.until("nyc_twin_waiter", waiter, "wait", "deferred")
    run = scheduler.trigger("nyc_twin", folder=str(folder))
    assert scheduler.run("nyc_twin", run) == "success", scheduler.said(run)

    assert scheduler.run("nyc_twin_waiter", waiter) == "success", scheduler.said(waiter)
    (outcome,) = scheduler.home.xcom("nyc_twin", "synthesize")
    (seen,) = scheduler.home.xcom("nyc_twin_waiter", "wait")
    assert seen == {key: outcome[key] for key in ("run_id", "decision", "artifact", "rows")}
    assert outcome["run_id"] == f"nyc_twin/synthesize/{run}/-1"

    query = "SELECT run_id FROM dag_run WHERE dag_id = 'nyc_twin_user'"
    (user,) = scheduler.wait(
        lambda: scheduler.home.rows(query) or None, TASK_S, "the asset starts the other DAG"
    )
    assert scheduler.run("nyc_twin_user", user["run_id"]) == "success"
    (used,) = scheduler.home.xcom("nyc_twin_user", "use")
    assert used == {"rows": outcome["rows"], "decision": "PASS"}

    task = f"/api/v2/dags/nyc_twin/dagRuns/{run}/taskInstances/synthesize"
    links = scheduler.ask("GET", f"{task}/links")["extra_links"]
    assert links["Quality report"] == (folder / "twin" / "report.html").as_uri()
    assert links["Synthlake run"] == (folder / "twin").as_uri()
    said = scheduler.log("nyc_twin", run, "synthesize").splitlines()
    assert f"run: {outcome['run_id']}" in said
    assert "decision: PASS" in said
    assert f"report: {folder}/twin/report.html" in said


def test_killed_and_tried_again_it_is_published_once(
    scheduler: Standalone, two_days: Path, tmp_path: Path
) -> None:
    folder = lay(two_days, tmp_path / "kept", *SMALL)
    work = folder / ".twin.synthlake"
    run = scheduler.trigger("kept", folder=str(folder))
    learned = scheduler.wait(lambda: _learned(work), TASK_S, "the run has learned")
    made = (learned / "provenance.json").read_bytes()
    killed = scheduler.task("kept", run, "synthesize")["try_number"]
    _kill_holder(scheduler, work)
    assert manifest(folder / "twin") is None

    assert scheduler.run("kept", run) == "success", scheduler.said(run)
    assert scheduler.task("kept", run, "synthesize")["try_number"] == killed + 1
    assert not work.exists()
    assert (folder / "twin" / "twin.artifact" / "provenance.json").read_bytes() == made
    held = manifest(folder / "twin")["of_run"]
    assert held["run_id"] == f"kept/synthesize/{run}/-1"
    events = scheduler.home.rows("SELECT * FROM asset_event WHERE source_run_id = ?", run)
    assert len(events) == 1


def _learned(work: Path) -> Path | None:
    """The artifact of an unfinished run."""
    return next(iter(work.glob("*/twin.artifact.model")), None)


def _kill_holder(scheduler: Standalone, work: Path) -> None:
    """Kill the process that holds the lock of a run, without a word."""
    (lock,) = work.glob("*.lock")
    for pid in processes(scheduler):
        handles = Path(f"/proc/{pid}/fd")
        if any(_points_at(handle, lock) for handle in _entries(handles)):
            os.kill(pid, signal.SIGKILL)
            return
    raise AssertionError(scheduler.said("nobody is at work"))


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _points_at(handle: Path, file: Path) -> bool:
    try:
        return handle.readlink() == file
    except OSError:
        return False


def test_cleared_it_does_what_if_published_says(
    scheduler: Standalone, two_days: Path, tmp_path: Path
) -> None:
    folder = lay(two_days, tmp_path / "cleared", *SMALL)
    twin = folder / "twin"
    _say(scheduler, "fail")
    run = scheduler.trigger("cleared", folder=str(folder))
    assert scheduler.run("cleared", run) == "success", scheduler.said(run)
    first, written = digests(twin), (twin / "manifest.json").stat().st_mtime_ns

    assert _clear(scheduler, run) == "success"
    assert (twin / "manifest.json").stat().st_mtime_ns == written, "made again, for nothing"
    assert scheduler.home.xcom("cleared", "synthesize")[0]["reused"]

    _change(folder)
    assert _clear(scheduler, run) == "failed"
    assert "was published with another spec, other data" in scheduler.log(
        "cleared", run, "synthesize", 3
    )
    assert digests(twin) == first

    _say(scheduler, "reuse")
    assert _clear(scheduler, run) == "success"
    assert digests(twin) == first

    _say(scheduler, "replace")
    assert _clear(scheduler, run) == "success"
    assert digests(twin) != first
    assert not scheduler.home.xcom("cleared", "synthesize")[0]["reused"]


def _say(scheduler: Standalone, word: str) -> None:
    path, body = "/api/v2/variables", {"key": "if_published", "value": word}
    if scheduler.ask("GET", f"{path}/if_published") is None:
        scheduler.ask("POST", path, body)
    else:
        scheduler.ask("PATCH", f"{path}/if_published", body)


def _clear(scheduler: Standalone, run: str) -> str:
    """Clear the task, and wait for the end of its next try."""
    scheduler.run("cleared", run)  # else the scheduler ends the run over our heads
    before = scheduler.task("cleared", run, "synthesize")["try_number"]
    body = {"dry_run": False, "dag_run_id": run, "only_failed": False, "reset_dag_runs": True}
    scheduler.ask("POST", "/api/v2/dags/cleared/clearTaskInstances", body)

    def tried() -> str | None:
        now = scheduler.task("cleared", run, "synthesize")
        ended = now["try_number"] > before and now["state"] in ("success", "failed")
        return str(now["state"]) if ended else None

    return scheduler.wait(tried, TASK_S, "the cleared task ends")


def _change(folder: Path) -> None:
    path = folder / "real" / "planes.parquet"
    with duckdb.connect() as connection:
        kept = f"SELECT * FROM read_parquet('{path}') ORDER BY tailnum LIMIT 500"
        connection.sql(kept).write_parquet(str(path) + ".new")
    Path(f"{path}.new").replace(path)


def test_a_stopped_task_ends_at_once_and_leaves_its_steps(
    scheduler: Standalone, two_days: Path, tmp_path: Path
) -> None:
    folder = lay(two_days, tmp_path / "stopped", *SMALL)
    spec = folder / "spec.yml"
    # so many rows that it is still at work when it is stopped
    spec.write_text(json.dumps({**json.loads(spec.read_text()), "scale": 1000}))
    run = scheduler.trigger("kept", folder=str(folder))
    work = folder / ".twin.synthlake"
    scheduler.wait(lambda: _learned(work), TASK_S, "the run has learned")
    (lock,) = work.glob("*.lock")
    path = f"/api/v2/dags/kept/dagRuns/{run}/taskInstances/synthesize"
    begun = time.monotonic()
    scheduler.ask("PATCH", path, {"new_state": "failed"})
    scheduler.wait(lambda: None if lock.exists() else True, TASK_S, "the task lets go")
    assert time.monotonic() - begun < TASK_S / 2
    assert _learned(work) is not None
    assert not (folder / "twin").exists()
    assert "stopped; the next try goes on" in scheduler.log("kept", run, "synthesize")
