"""How systems that make pandas DataFrames write them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from protocol import Task


def save(rows: pd.DataFrame, path: Path, task: Task) -> None:
    """Parquet, with the training rows' types where the values allow them: pandas widens many."""
    wanted = pq.read_schema(task.train)
    made = pa.Table.from_pandas(rows, preserve_index=False)
    for place, name in enumerate(made.column_names):
        if name not in wanted.names:
            continue
        try:
            cast = made[name].cast(wanted.field(name).type)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            continue
        made = made.set_column(place, name, cast)
    pq.write_table(made, path)
