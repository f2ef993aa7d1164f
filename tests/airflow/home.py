"""A home for Airflow in a temporary folder: settings, DAGs, and what its database says."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = Path(sys.executable).parent
DAGS = (ROOT / "examples" / "airflow", ROOT / "tests" / "airflow" / "dags")
# Of a command, and of a write that waits for another's: SQLite's own 5 s are few on a busy machine.
TIMEOUT_S, LOCKED_S = 300, 120


@dataclass(frozen=True)
class Home:
    """One home.

    Attributes:
        folder: of Airflow.
        settings: environment variables on top of the common ones.
    """

    folder: Path
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def database(self) -> Path:
        """Airflow's own."""
        return self.folder / "airflow.db"

    @property
    def environment(self) -> dict[str, str]:
        """Of every process of Airflow."""
        clean = {k: v for k, v in os.environ.items() if not k.startswith("AIRFLOW")}
        return {
            **clean,
            "PATH": f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}",
            "AIRFLOW_HOME": str(self.folder),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self.database}?timeout={LOCKED_S}",
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.folder / "dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__PARALLELISM": "2",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            **self.settings,
        }

    def run(self, *command: str, **given: str) -> subprocess.CompletedProcess[str]:
        """A command, and all that it said."""
        return subprocess.run(
            command, cwd=self.folder, env={**self.environment, **given}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIMEOUT_S, check=False,
        )  # fmt: skip

    def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        """What Airflow's own database says."""
        with closing(sqlite3.connect(self.database, timeout=LOCKED_S)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(sql, values)]

    def xcom(self, dag: str, task: str, key: str = "return_value") -> list[Any]:
        """What a task handed on, in the order of its map index."""
        found = self.rows(
            "SELECT value FROM xcom WHERE dag_id = ? AND task_id = ? AND key = ?"
            " ORDER BY map_index", dag, task, key,
        )  # fmt: skip
        return [json.loads(row["value"]) for row in found]

    def states(self, dag: str) -> dict[str, str]:
        """State of each task that is not mapped."""
        rows = self.rows("SELECT task_id, state FROM task_instance WHERE dag_id = ?", dag)
        return {row["task_id"]: row["state"] for row in rows}

    def files(self) -> Iterator[Path]:
        """Everything that Airflow has written, logs and database."""
        return (path for path in self.folder.rglob("*") if path.is_file())


def make(folder: Path, settings: Mapping[str, str] | None = None) -> Home:
    """A home with the DAGs in it, and no database yet."""
    (folder / "dags").mkdir(parents=True)
    for source in DAGS:
        for file in source.iterdir():
            if file.is_file():
                shutil.copy(file, folder / "dags")
    return Home(folder, settings or {})
