"""Judges a logged model against real rows, for ``mlflow.models.evaluate``.

MLflow finds it by the entry point ``mlflow.model_evaluator``.
"""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from synthlake.api import Artifact, Schema, Table, errors, evaluate
from synthlake_connectors.mlflow.figures import figures
from synthlake_connectors.mlflow.predictor import tables_of

try:
    from mlflow.models.evaluation.base import EvaluationResult, ModelEvaluator
except ImportError as error:
    raise errors.MissingExtraError("mlflow", "mlflow") from error

MODEL_TYPE = "synthlake"
_KNOWN = ("seed", "table", "tier")


class TwinEvaluator(ModelEvaluator):  # type: ignore[misc,unused-ignore]
    """Figures of one table: its twin of the model against the rows that are given as data.

    ``evaluator_config``: ``table`` (default: the only one), ``seed`` (0), ``tier`` (standard).
    """

    @classmethod
    def can_evaluate(cls, *, model_type: Any, evaluator_config: Any, **_: Any) -> bool:
        """Whether the model makes twins: ``model_type="synthlake"``."""
        return bool(model_type == MODEL_TYPE)

    def evaluate(self, *, model: Any, dataset: Any, run_id: str, **given: Any) -> Any:
        """Log the figures and the report of a twin as large as was learned.

        Raises:
            EvaluationError: the model is none of Synthlake's, the rows are not those of the
                table, or the configuration has an unknown entry.
        """
        import mlflow
        from mlflow.entities import Metric

        asked = _checked(given.get("evaluator_config") or {})
        artifact = _artifact(model)
        table = _table(artifact, asked.get("table"))
        name, seed = table.name, asked.get("seed", 0)
        real = {name: _rows(dataset.features_data, table)}
        twin = {name: artifact.sample(tables=[name], seed=seed)[name].to_arrow()}
        tier = asked.get("tier", "standard")
        report = evaluate(real, twin, Schema({name: table}), seed=seed, tier=tier)
        found = figures(report.to_json())
        client = mlflow.MlflowClient()
        now = int(time.time() * 1000)
        client.log_batch(run_id, metrics=[Metric(n, v, now, 0) for n, v in found.items()])
        with tempfile.TemporaryDirectory(prefix="synthlake-") as folder:
            for file in ("report.html", "report.json"):
                path = report.save(Path(folder) / file)
                client.log_artifact(run_id, str(path), "evaluation")
        return EvaluationResult(metrics=found, artifacts={}, run_id=run_id)


def _checked(config: Mapping[str, Any]) -> Mapping[str, Any]:
    for name in config:
        if name not in _KNOWN:
            raise errors.EvaluationError(
                f"the evaluator has no setting {name!r}", hint=f"there are {', '.join(_KNOWN)}"
            )
    seed = config.get("seed", 0)
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise errors.EvaluationError("seed is no whole number", hint="such as seed: 1")
    return config


def _artifact(model: Any) -> Artifact:
    held = None
    if model is not None:
        with contextlib.suppress(AttributeError, NotImplementedError):  # functions have none
            held = model.get_raw_model()
    if isinstance(held, Artifact):
        return held
    raise errors.EvaluationError(
        "the model is none of Synthlake's", hint="name a model that synthlake's log_model wrote"
    )


def _table(artifact: Artifact, asked: Any) -> Table:
    made = tables_of(artifact)
    if asked is None and len(made) > 1:
        raise errors.EvaluationError(
            "the model has several tables",
            hint=f"give evaluator_config={{'table': ...}}: {', '.join(made)}",
        )
    # rows of one table have no parents here, so that only its columns are judged
    return artifact.schema[asked or made[0]].written.with_keys(foreign_keys=())


def _rows(data: Any, table: Table) -> pa.Table:
    try:
        return pa.Table.from_pandas(data, schema=table.arrow, preserve_index=False)
    except (AttributeError, KeyError, TypeError, pa.ArrowException):
        raise errors.EvaluationError(
            f"the rows are not those of {table.name}",
            hint=f"give a DataFrame with {', '.join(table.arrow.names)}, and no targets",
        ) from None
