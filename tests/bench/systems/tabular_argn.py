"""TabularARGN of mostlyai-engine, until training has used its CPU-seconds or stops early itself."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import frames
import pandas as pd
from mostlyai import engine
from protocol import CAP_CPU_S, System, Task, main, trained


def fit(task: Task) -> Path:
    """Split, analyse, encode and train; the model is a folder."""
    engine.set_random_state(task.seed)
    place = Path(tempfile.mkdtemp(prefix="argn-"))
    key = task.primary_key[0] if len(task.primary_key) == 1 else None
    rows = pd.read_parquet(task.train)
    engine.split(rows, tgt_primary_key=key, model_type="TABULAR", workspace_dir=place)
    engine.analyze(workspace_dir=place)
    engine.encode(workspace_dir=place)
    start = time.process_time()

    def enough(message: Any = None, **_: Any) -> dict[str, bool]:
        if message and message.get("epoch") is not None:
            trained["epochs"] = message["epoch"]
        return {"stopExecution": time.process_time() - start > CAP_CPU_S}

    engine.train(device="cpu", workspace_dir=place, update_progress=enough)
    return place


def sample(place: Path, rows: int, seed: int) -> pd.DataFrame:
    """Rows in memory; the engine hands them over as files."""
    engine.set_random_state(seed)
    engine.generate(sample_size=rows, device="cpu", workspace_dir=place)
    made = pd.read_parquet(place / "SyntheticData")
    shutil.rmtree(place)
    return made


if __name__ == "__main__":
    main(
        System(
            fit=fit,
            sample=sample,
            save=frames.save,
            packages=("mostlyai-engine", "torch", "numpy", "pandas"),
            cap=f"{CAP_CPU_S:g} CPU-s or its own early stopping",
        )
    )
