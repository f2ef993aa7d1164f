"""A run that is killed leaves nothing half, and goes on to the same bytes."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import random
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synthlake.pipeline.document import to_json
from synthlake.pipeline.run import RunSettings, run
from synthlake.pipeline.work import PROVENANCE

pytestmark = pytest.mark.slow

MOMENTS = 20
Spec = dict[str, Any]


def content(folder: Path) -> dict[str, str]:
    """Digests of all files but the provenance, which has the time in it."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    found = {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }
    found.pop(PROVENANCE)
    return found


def test_killed_at_any_moment_it_ends_with_the_same_bytes(
    tables: Any, spec_of: Callable[..., Spec], tmp_path: Path
) -> None:
    spec = spec_of(tables)
    # imports are done once, so that the moments fall into the run and not before it
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(["synthlake.pipeline.run", "sklearn.tree", "duckdb", "sqlglot"])

    def started(out: Path) -> Any:
        process = server.Process(target=run, args=(spec, RunSettings("r", out=str(out))))
        process.start()
        return process

    def finish(out: Path) -> float:
        start = time.perf_counter()
        process = started(out)
        process.join(120)
        assert process.exitcode == 0
        return time.perf_counter() - start

    finish(tmp_path / "warm" / "twin")
    whole = tmp_path / "whole" / "twin"
    duration = finish(whole)
    expected = content(whole)
    moments = random.Random(11)
    killed = runs = 0
    while killed < MOMENTS:
        out, runs = tmp_path / str(runs) / "twin", runs + 1
        ended = False
        while not ended and killed < MOMENTS:
            process = started(out)
            process.join(moments.uniform(0, duration))
            process.kill()
            process.join()
            ended = process.exitcode == 0
            killed += process.exitcode == -signal.SIGKILL
            assert not out.exists() or content(out) == expected
        finish(out)
        assert content(out) == expected
        assert [path.name for path in out.parent.iterdir()] == ["twin"]


def test_workers_end_with_the_run(
    tables: Any, spec_of: Callable[..., Spec], tmp_path: Path
) -> None:
    path, out = tmp_path / "spec.json", tmp_path / "twin"
    path.write_text(to_json(spec_of(tables)))
    command = [sys.executable, "-m", "synthlake.cli", "run", str(path), "--run-id", "r"]
    process = subprocess.Popen([*command, "--workers", "2"], stderr=subprocess.DEVNULL)
    workers = children(process)
    process.kill()
    process.wait()
    for worker in workers:
        assert select.select([worker], [], [], 30)[0], "a worker outlives its run"
        os.close(worker)
    assert not out.exists()
    subprocess.run(command, check=True, capture_output=True)
    assert (out / "orders.parquet").is_file()


def children(process: subprocess.Popen[bytes]) -> list[int]:
    """Handles of a process's workers, as soon as there are two, its resource tracker aside."""
    listed = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    with open(os.pidfd_open(process.pid), "rb", buffering=0) as ended:
        while not select.select([ended], [], [], 0.01)[0]:
            found = [int(word) for word in listed.read_text().split()]
            named = [p for p in found if b"spawn_main" in Path(f"/proc/{p}/cmdline").read_bytes()]
            if len(named) == 2:
                return [os.pidfd_open(pid) for pid in named]
    raise AssertionError("the run ended before it had workers")
