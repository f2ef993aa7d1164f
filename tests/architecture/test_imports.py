"""What may import what, and what an import costs."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "core" / "synthlake"
FORBIDDEN = {"torch", "opacus", "pandas", "polars", "sklearn", "scipy", "faiss", "h5py"}
PICKLERS = {"pickle", "_pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
MAX_IMPORT_S = 0.5

PROBE = """
import json, sys, time
start = time.perf_counter()
import {module}
took = time.perf_counter() - start
print(json.dumps({{"took": took, "loaded": sorted({{m.partition(".")[0] for m in sys.modules}})}}))
"""


def _import(module: str) -> tuple[float, set[str]]:
    """Seconds and loaded top-level modules of an import in a fresh interpreter."""
    code = PROBE.format(module=module)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    answer = json.loads(done.stdout)
    return answer["took"], set(answer["loaded"])


@pytest.mark.parametrize("module", ["synthlake", "synthlake.api", "synthlake.cli"])
def test_importing_loads_nothing_heavy(module: str) -> None:
    loaded = _import(module)[1]
    assert "synthlake" in loaded
    assert loaded & FORBIDDEN == set()


def test_making_rows_loads_nothing_that_learns_or_judges(tmp_path: Path) -> None:
    """Neither SQL nor documents: they would take longer to import than a small twin to make."""
    import pyarrow as pa

    import synthlake as sl

    table = pa.table({"a": list(range(500)), "b": ["x", "y"] * 250})
    sl.fit({"t": table}, holdout=0.0).save(tmp_path / "artifact")
    code = (
        "import json, sys, synthlake as sl;"
        f"sl.load({str(tmp_path / 'artifact')!r}).sample().write({str(tmp_path / 'twin')!r});"
        "print(json.dumps([m for m in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout))
    assert (tmp_path / "twin" / "t.parquet").exists()
    assert not loaded & {"sqlglot", "duckdb", "pydantic", "torch", "sklearn", "scipy"}
    assert not loaded & {"synthlake.relational.learn", "synthlake.pipeline.judge"}


def test_importing_is_quick() -> None:
    best = min(_import("synthlake")[0] for _ in range(5))  # a busy machine only ever adds
    assert best < MAX_IMPORT_S


def test_contracts_are_kept() -> None:
    script = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [script, "--no-cache"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "core")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]


def test_nothing_is_pickled() -> None:
    found = []
    for file in sorted(CORE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if _pickles(node):
                found.append(f"{file.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}")
    assert found == []


def _pickles(node: ast.AST) -> bool:
    if isinstance(node, ast.Import):
        return any(alias.name.partition(".")[0] in PICKLERS for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        return (node.module or "").partition(".")[0] in PICKLERS
    return isinstance(node, ast.keyword) and node.arg == "allow_pickle" and _is_true(node.value)


def _is_true(node: ast.expr) -> bool:
    return not (isinstance(node, ast.Constant) and node.value is False)


@pytest.mark.parametrize(
    "source",
    ["import pickle", "from joblib import dump", "np.load(path, allow_pickle=True)"],
)
def test_a_pickle_would_be_seen(source: str) -> None:
    assert any(_pickles(node) for node in ast.walk(ast.parse(source)))
