"""Processes that make rows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SCRIPT = """
import pyarrow as pa
with open("ran", "a") as ran:
    ran.write(__name__ + "\\n")
import synthlake as sl
rows = {"a": list(range(400)), "b": [n % 7 for n in range(400)]}
artifact = sl.fit({"one": pa.table(rows), "two": pa.table(rows)})
artifact.sample(seed=1).write("twin", workers=2)
artifact.sample(seed=1).write("alone")
"""


def test_a_script_needs_no_guard_and_is_not_run_again(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, "-W", "error", "script.py"], cwd=tmp_path, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "ran").read_text() == "__main__\n"
    for name in ("one", "two"):
        made = (tmp_path / "twin" / f"{name}.parquet").read_bytes()
        assert made == (tmp_path / "alone" / f"{name}.parquet").read_bytes()
