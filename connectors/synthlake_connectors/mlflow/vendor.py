"""The door to MLflow itself."""

from __future__ import annotations

import warnings
from typing import Any

from synthlake.api import errors


def vendor() -> Any:
    """MLflow, with the parts that a flavor needs.

    Raises:
        MissingExtraError: MLflow is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # MLflow warns of type hints of its own
            import mlflow
            import mlflow.pyfunc
    except ImportError as error:
        raise errors.MissingExtraError("mlflow", "mlflow") from error
    return mlflow
