"""MLflow: the flavor of an artifact, and the log of a run.

    save_model, log_model      an artifact as an MLflow model, without pickle
    load_model                 the artifact of such a model
    log_run                    report, figures, tables and model of a run, in one MLflow run

``mlflow.pyfunc.load_model`` calls ``_load_pyfunc``. Nothing here imports MLflow before it is used.
"""

from __future__ import annotations

from synthlake_connectors.mlflow.flavor import _load_pyfunc, load_model, log_model, save_model
from synthlake_connectors.mlflow.runs import LoggedRun, log_run

__all__ = ["LoggedRun", "_load_pyfunc", "load_model", "log_model", "log_run", "save_model"]
