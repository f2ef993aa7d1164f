"""Logs to an MLflow server, in a process of its own: MLflow keeps state, and takes long to import.

python mlflow_author.py SERVER FOLDER

reads FOLDER/author.json, the results of two runs and an artifact, and prints what was logged.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import mlflow

from synthlake.api import RunResult
from synthlake_connectors import mlflow as flavor


def result(held: dict[str, str]) -> RunResult:
    return RunResult(held["run_id"], held["decision"], Path(held["folder"]), "")


def author(folder: Path) -> dict[str, Any]:
    given = json.loads((folder / "author.json").read_text())
    passed, failed = result(given["passed"]), result(given["failed"])
    assert mlflow.active_run() is None
    first = flavor.log_run(passed, registered_model_name="flights")
    again = flavor.log_run(passed, registered_model_name="flights")
    rejected = flavor.log_run(failed, registered_model_name="flights")
    assert mlflow.active_run() is None
    with mlflow.start_run() as mine:
        mlflow.log_param("seed", "of the user")
        inside = flavor.log_run(passed)
        assert mlflow.active_run().info.run_id == mine.info.run_id
        assert flavor.log_run(passed) == inside
        alone = flavor.log_model(given["artifact"], "planes", registered_model_name="planes")
    return {
        "first": vars(first),
        "again": vars(again),
        "rejected": vars(rejected),
        "inside": vars(inside),
        "mine": mine.info.run_id,
        "alone": alone.registered_model_version,
    }


if __name__ == "__main__":
    mlflow.set_tracking_uri(sys.argv[1])
    print(json.dumps(author(Path(sys.argv[2]))))
