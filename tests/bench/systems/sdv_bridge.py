"""What the systems of SDV share: the columns said as they are, nothing left to guesses by name."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pandas as pd
import torch
from protocol import Task
from sdv.metadata import Metadata

PACKAGES = ("sdv", "torch", "ctgan", "copulas", "rdt", "numpy", "pandas")


def kind(values: pd.Series) -> str:
    """SDV's type of a column, by its values.

    SDV's own detection goes by names as well, and would anonymise a column called ``state``.
    """
    if pd.api.types.is_bool_dtype(values):
        return "boolean"
    if pd.api.types.is_numeric_dtype(values):
        return "numerical"
    return "datetime" if pd.api.types.is_datetime64_any_dtype(values) else "categorical"


def fit(synthesizer: Any, task: Task, **settings: Any) -> Any:
    """Read, describe, learn."""
    for seeded in (random.seed, np.random.seed, torch.manual_seed):
        seeded(task.seed)
    rows = pd.read_parquet(task.train)
    for name in rows:
        # Dates come as Python objects; and of microseconds rdt 2.0.0 makes days of January 1970.
        days = rows[name].dtype == object and pd.api.types.infer_dtype(rows[name]) == "date"
        if days or pd.api.types.is_datetime64_any_dtype(rows[name]):
            rows[name] = pd.to_datetime(rows[name]).astype("datetime64[ns]")
    columns: dict[str, Any] = {name: {"sdtype": kind(rows[name])} for name in rows}
    described: dict[str, Any] = {"columns": columns}
    if len(task.primary_key) == 1:
        (key,) = task.primary_key
        columns[key] = {"sdtype": "id"}
        described["primary_key"] = key
    metadata = Metadata.load_from_dict({"tables": {task.table: described}, "relationships": []})
    model = synthesizer(metadata, **settings)
    model.fit({task.table: rows})
    return model, task.table


def sample(model: tuple[Any, str], rows: int, seed: int) -> pd.DataFrame:
    """Rows in memory. SDV's samplers take no seed: it was set before learning."""
    synthesizer, table = model
    return synthesizer.sample(num_rows=rows)[table]
