"""A run of Synthlake as a run of MLflow: report, figures, data sets, model."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from synthlake.api import Artifact, RunResult, errors, load
from synthlake_connectors.mlflow.figures import figures
from synthlake_connectors.mlflow.flavor import log_model
from synthlake_connectors.mlflow.vendor import vendor

PREFIX = "synthlake."
_DONE, _URI, _VERSION = f"{PREFIX}logged", f"{PREFIX}model_uri", f"{PREFIX}model_version"
_FOLDER = "report"
_CONTEXT = "mlflow.data.context"


@dataclass(frozen=True)
class LoggedRun:
    """Where a run was logged.

    Attributes:
        run_id: of MLflow.
        model_uri: of the model.
        version: of the registered model; None if none was asked for.
    """

    run_id: str
    model_uri: str
    version: str | None = None


def log_run(
    result: RunResult, *, registered_model_name: str | None = None, alias: str = "champion"
) -> LoggedRun:
    """Log a run into the active run of MLflow, or into one of its own.

    Logged are ``report/report.html`` and ``report/report.json``, the figures, the tables that were
    learned (context ``training``) and made (``synthetic``), and the artifact as a model. The same
    call again changes nothing and returns what was logged.

    Args:
        result: of ``synthlake.run``.
        registered_model_name: under which the model becomes a version; None for no version.
        alias: of the registered model, moved to that version only if no gate failed.

    Raises:
        SourceMissingError: the folder of the run has no report.
        ArtifactError: the folder of the run has no whole artifact.
        MissingExtraError: MLflow is not installed.

    Privacy: names, counts and scores; no row of the source, and no secret of its address.
    """
    mlflow = vendor()
    entry = _Entry(result)
    key = entry.key(registered_model_name, alias)
    before = _before(mlflow, key)
    if before is not None:
        return before
    client = mlflow.MlflowClient()
    with _active_run(mlflow, f"synthlake {result.run_id}") as run_id:
        entry.log(client, run_id)
        model = log_model(
            entry.artifact, run_id=run_id, registered_model_name=registered_model_name
        )
        version = model.registered_model_version
        if version is not None and result.passed:
            client.set_registered_model_alias(registered_model_name, alias, str(version))
        logged = LoggedRun(run_id, model.model_uri, None if version is None else str(version))
        client.set_tag(run_id, _URI, logged.model_uri)
        client.set_tag(run_id, _VERSION, logged.version or "")
        client.set_tag(run_id, _DONE, key)  # last: what lacks it is not whole
    return logged


@dataclass(frozen=True)
class _Entry:
    """What is logged of a run, but for its model."""

    result: RunResult

    @cached_property
    def artifact(self) -> Artifact:
        return load(self.result.artifact)

    @cached_property
    def report(self) -> dict[str, Any]:
        path = self._files()[1]
        held: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return held

    def key(self, model: str | None, alias: str) -> str:
        """Digest of all that is asked for; it stands in a query, where a run id could not."""
        asked = [self.result.run_id, self.artifact.id, self.result.decision, model, alias]
        return hashlib.blake2b(json.dumps(asked).encode(), digest_size=16).hexdigest()

    def log(self, client: Any, run_id: str) -> None:
        from mlflow.entities import Metric, Param, RunTag

        now = int(time.time() * 1000)
        client.log_batch(
            run_id,
            metrics=[Metric(n, v, now, 0) for n, v in figures(self.report).items()],
            params=[Param(PREFIX + n, str(v)) for n, v in self._params().items()],
            tags=[RunTag(PREFIX + n, v) for n, v in self._tags().items()],
        )
        for path in self._files():
            client.log_artifact(run_id, str(path), _FOLDER)
        client.log_inputs(run_id, datasets=self._datasets())

    def _params(self) -> dict[str, Any]:
        asked = self.report["settings"]
        return {name: asked[name] for name in ("seed", "k", "tier")}

    def _tags(self) -> dict[str, str]:
        result = self.result
        return {
            "run_id": result.run_id, "artifact": self.artifact.id, "decision": result.decision
        }  # fmt: skip

    def _files(self) -> tuple[Path, Path]:
        files = self.result.report, self.result.report.with_suffix(".json")
        for path in files:
            if not path.is_file():
                raise errors.SourceMissingError(
                    f"{path} is not there", hint="log a run where its folder is"
                )
        return files

    def _datasets(self) -> list[Any]:
        from mlflow.entities import DatasetInput, InputTag

        from synthlake_connectors.mlflow.datasets import Facts, SynthlakeDataset, SynthlakeSource

        real = SynthlakeSource(str(self.artifact.provenance.get("source", "")))
        twin = SynthlakeSource(self.result.sink or f"parquet://{self.result.folder.absolute()}")
        found = []
        for name, rows in self.report["tables"].items():
            table = self.artifact.schema[name].written
            for source, context, facts in (
                (real, "training", Facts(table, rows["real"])),
                (twin, "synthetic", Facts(table, rows["twin"], self.artifact.id)),
            ):
                dataset = SynthlakeDataset(source, facts)._to_mlflow_entity()
                found.append(DatasetInput(dataset, [InputTag(_CONTEXT, context)]))
        return found


def _before(mlflow: Any, key: str) -> LoggedRun | None:
    """Where the run was logged before, wholly; looked for in the active run, or experiment."""
    active = mlflow.active_run()
    if active is not None:
        found = [mlflow.get_run(active.info.run_id)]
    else:
        wanted = f"tags.`{_DONE}` = '{key}'"
        found = mlflow.search_runs(filter_string=wanted, output_format="list", max_results=1)
    for run in found:
        tags = run.data.tags
        if tags.get(_DONE) == key:
            return LoggedRun(run.info.run_id, tags[_URI], tags[_VERSION] or None)
    return None


@contextmanager
def _active_run(mlflow: Any, name: str) -> Iterator[str]:
    """Id of the active run, which stays active, or of a new one, which ends with the block."""
    active = mlflow.active_run()
    if active is not None:
        yield active.info.run_id
        return
    with mlflow.start_run(run_name=name) as started:
        yield started.info.run_id
