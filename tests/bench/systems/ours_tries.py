"""Synthlake with eight draws of each row, of which the one most like real rows is kept."""

from __future__ import annotations

from typing import Any

from ours import fit, sample, save
from protocol import System, Task, main


def fit_tries(task: Task) -> tuple[Any, str]:
    """Learn as the default does, and then what tells its rows from real ones."""
    return fit(task, synthesizer={"name": "trees", "tries": 8})


if __name__ == "__main__":
    packages = ("synthlake", "scikit-learn", "numpy")
    main(System(fit_tries, sample, save, packages, lazy=True, times=2))
