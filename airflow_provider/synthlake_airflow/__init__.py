"""Synthlake in Airflow: operators, a sensor with its trigger, a hook, ``@task.synthesize``."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from synthlake_airflow.info import provider_info

_HOME = {
    "EvaluateOperator": "evaluate",
    "QualityGateOperator": "gate",
    "SynthesizeOperator": "synthesize",
    "SynthlakeHook": "hook",
    "SynthlakeRunSensor": "sensor",
    "SynthlakeRunTrigger": "trigger",
    "synthesize_task": "decorator",
}

__all__ = [
    "EvaluateOperator",
    "QualityGateOperator",
    "SynthesizeOperator",
    "SynthlakeHook",
    "SynthlakeRunSensor",
    "SynthlakeRunTrigger",
    "provider_info",
    "synthesize_task",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'synthlake_airflow' has no attribute {name!r}")
    try:
        import airflow  # noqa: F401
    except ImportError as error:
        from synthlake.api import errors

        raise errors.MissingExtraError("airflow", "airflow") from error
    return getattr(import_module(f"synthlake_airflow.{_HOME[name]}"), name)
