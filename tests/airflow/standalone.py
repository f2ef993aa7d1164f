"""``airflow standalone`` for tests: started once, asked by REST, and ended whatever happens."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from tests.airflow.home import Home

T = TypeVar("T")
# Bounds, not waits: a machine that is busy with other things may need minutes.
HEALTHY_S, TASK_S, REQUEST_S, POLL_S = 600.0, 240.0, 120.0, 0.25
COMPONENTS = ("scheduler", "triggerer", "dag_processor", "metadatabase")
FINISHED = ("success", "failed")


@dataclass
class Standalone:
    """A running Airflow.

    Attributes:
        home: its home.
        url: of its API.
        process: the parent of all its processes.
        token: of the API.
    """

    home: Home
    url: str
    process: subprocess.Popen[bytes]
    token: str = ""

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The answer to a request; None where there is no such thing."""
        request = urllib.request.Request(
            self.url + path, method=method, data=None if body is None else json.dumps(body).encode()
        )
        request.add_header("Content-Type", "application/json")
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        try:
            with urllib.request.urlopen(request, timeout=REQUEST_S) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                if error.code == 404:
                    return None
                why = f"{method} {path}: {error.code} {error.read()!r}"
            raise AssertionError(self.said(why)) from None

    def wait(self, look: Callable[[], T | None], seconds: float, what: str) -> T:
        """What a look finds, as soon as it finds something."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert self.process.poll() is None, self.said(f"airflow ended while {what}")
            if (found := look()) is not None:
                return found
            time.sleep(POLL_S)
        raise AssertionError(self.said(f"{seconds:.0f} s and not yet: {what}"))

    def said(self, why: str) -> str:
        """Why, and the last that Airflow and its tasks have said."""
        logs = sorted(self.home.folder.glob("logs/dag_id=*/**/*.log"), key=_age)[-3:]
        parts = [self.home.folder / "standalone.log", *logs]
        return "\n".join([why, *(f"--- {p.name}\n{p.read_text()[-3000:]}" for p in parts)])

    def trigger(self, dag: str, **conf: str) -> str:
        """Start a run that has no logical date; returns its id."""
        body = {"logical_date": None, "conf": conf}
        made = self.ask("POST", f"/api/v2/dags/{dag}/dagRuns", body)
        assert made["logical_date"] is None
        return str(made["dag_run_id"])

    def run(self, dag: str, run_id: str) -> str:
        """Wait for the end of a run; returns its state."""

        def ended() -> str | None:
            (found,) = self.home.rows(
                "SELECT state FROM dag_run WHERE dag_id = ? AND run_id = ?", dag, run_id
            )
            return found["state"] if found["state"] in FINISHED else None

        return self.wait(ended, TASK_S, f"{dag} {run_id} ends")

    def task(self, dag: str, run_id: str, task: str) -> dict[str, Any]:
        """A task as it is now."""
        (found,) = self.home.rows(
            "SELECT state, try_number FROM task_instance"
            " WHERE dag_id = ? AND run_id = ? AND task_id = ?", dag, run_id, task,
        )  # fmt: skip
        return found

    def until(self, dag: str, run_id: str, task: str, *states: str) -> dict[str, Any]:
        """Wait for a task to be in one of some states."""

        def there() -> dict[str, Any] | None:
            found = self.task(dag, run_id, task)
            return found if found["state"] in states else None

        return self.wait(there, TASK_S, f"{dag}.{task} is in {states}")

    def log(self, dag: str, run_id: str, task: str, number: int = 1) -> str:
        """What a try of a task has said, a line an event or error."""
        folder = self.home.folder / "logs" / f"dag_id={dag}" / f"run_id={run_id}"
        text = (folder / f"task_id={task}" / f"attempt={number}.log").read_text()
        lines = [json.loads(line) for line in text.splitlines()]
        errors = (e["exc_value"] for line in lines for e in line.get("error_detail") or ())
        return "\n".join([*(str(line["event"]) for line in lines), *map(str, errors)])


def _age(path: Path) -> float:
    return path.stat().st_mtime


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


@contextmanager
def standalone(home: Home) -> Iterator[Standalone]:
    """A healthy Airflow, until the block ends."""
    url = f"http://localhost:{free_port()}"
    settings = {
        "AIRFLOW__API__PORT": url.rpartition(":")[2],
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        # a busy machine answers late, and nobody is to take that for a failed task
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": str(REQUEST_S),
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "900",
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
        **home.settings,
    }
    home = replace(home, settings=settings)
    with (home.folder / "standalone.log").open("wb") as log:
        process = subprocess.Popen(
            ["airflow", "standalone"], cwd=home.folder, env=home.environment,
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    started = Standalone(home, url, process)
    try:
        started.wait(lambda: _healthy(started), HEALTHY_S, "healthy")
        yield started
    finally:
        _end(started)


def _healthy(started: Standalone) -> bool | None:
    try:
        health = started.ask("GET", "/api/v2/monitor/health")
        if any(health[name]["status"] != "healthy" for name in COMPONENTS):
            return None
        started.token = started.ask("GET", "/auth/token")["access_token"]
        started.ask("GET", "/execution/health")  # loads what tasks talk to
        return True if started.ask("GET", "/api/v2/dags/kept") else None
    except (OSError, KeyError, TypeError):
        return None


def _end(started: Standalone) -> None:
    """Kill every process: there is nothing to keep, and a gentle end takes long."""
    for _ in range(3):  # one may start another while it is being ended
        for pid in processes(started):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
    started.process.wait()


def processes(started: Standalone) -> list[int]:
    """All that were started, the first one last; they share a session of their own."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdecimal() and os.getsid(int(entry.name)) == started.process.pid:
                found.append(int(entry.name))
        except OSError:
            continue
    return sorted(found, reverse=True)
