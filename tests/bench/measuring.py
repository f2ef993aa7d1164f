"""Runs a system in a process of its own, and says on what."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .datasets import ROOT, Divided
from .environments import SYSTEMS

CORES, TIMEOUT_S = 2, 2 * 3600
# The same for all. Threads that wait by spinning would use CPU-seconds of a shared machine.
THREADS = {
    **dict.fromkeys(
        ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "LOKY_MAX_CPU_COUNT"),
        str(CORES),
    ),
    "OMP_WAIT_POLICY": "PASSIVE",
    "CUDA_VISIBLE_DEVICES": "",
    "HF_HUB_OFFLINE": "1",
    "PYTHONDONTWRITEBYTECODE": "",  # packages of peers are compiled when they are installed
}


class FailedSystemError(Exception):
    """A system ended without a result; the text is the last line it wrote."""


def make(script: str, python: Path, parts: Divided, seed: int, folder: Path) -> Mapping[str, Any]:
    """Timings of one system on one data set; its rows lie in ``folder`` afterwards.

    Raises:
        FailedSystemError: it ended with an error, or took longer than two hours.
    """
    own_paths = {} if script.startswith("ours") else {"PYTHONPATH": ""}
    command = [str(python), str(SYSTEMS / f"{script}.py"), str(parts.train), str(parts.rows[0])]
    folder.parent.mkdir(parents=True, exist_ok=True)
    log = folder.with_suffix(".log")
    with log.open("w") as errors:
        try:
            done = subprocess.run(
                [*command, str(folder), str(seed)], env={**os.environ, **THREADS, **own_paths},
                stdout=subprocess.PIPE, stderr=errors, text=True, timeout=TIMEOUT_S, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise FailedSystemError(f"took longer than {TIMEOUT_S:,} s") from error
    if done.returncode:
        lines = log.read_text().strip().splitlines() or [f"status {done.returncode}"]
        raise FailedSystemError(lines[-1][:300])
    found: Mapping[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def machine() -> dict[str, str]:
    """What this machine is, and which commit is measured."""
    cpu = next(
        (
            x.partition(":")[2].strip()
            for x in _lines("/proc/cpuinfo")
            if x.startswith("model name")
        ),
        platform.machine(),
    )
    memory = next(int(x.split()[1]) for x in _lines("/proc/meminfo") if x.startswith("MemTotal"))
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    return {
        "cpu": cpu,
        "cores": f"{CORES} of {os.cpu_count()}",
        "memory": f"{memory / 2**20:.0f} GiB",
        "system": platform.platform(),
        "python": platform.python_version(),
        "commit": commit.stdout.strip() or "unknown",
        "date": datetime.now(UTC).date().isoformat(),
    }


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()
