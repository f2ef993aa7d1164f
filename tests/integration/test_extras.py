"""The wheel without extras, in an environment of its own: it works, and says what is missing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
UV = Path(sys.executable).with_name("uv")
TIMEOUT_S = 300

# What a user writes, and the extra that it asks for.
MISSING = {
    "postgres source": ("synthlake.open('postgresql+psycopg://u@127.0.0.1/d')", "postgres"),
    "sqlite source": ("synthlake.open('sqlite:///nothing.db')", "sql"),
    "delta source": ("synthlake.open('delta://nothing')", "delta"),
    "mlflow flavor": (
        "from synthlake_connectors import mlflow; mlflow.log_model('nothing')", "mlflow"),
    "mlflow data set": ("import synthlake_connectors.mlflow.datasets", "mlflow"),
    "sagemaker export": (
        "import pyarrow as pa; from synthlake_connectors.sagemaker import export_channels;"
        "twin = {'t': pa.table({'a': [1, 2] * 50, 'b': [0, 1] * 50})};"
        "export_channels(twin, 's3://bucket/t', table='t', label='b')", "sagemaker"),
    "sagemaker channels": (
        "from synthlake_connectors.sagemaker import Channels;"
        "Channels('s3://bucket/t', {'channels': {}}).input_data()", "sagemaker"),
    "augment": (
        "import synthlake, pyarrow as pa;"
        "synthlake.augment(pa.table({'y': [0] * 20 + [1] * 9, 'n': range(29)}), target='y')",
        "augment"),
    "sdv bridge": (
        "import pyarrow as pa; from synthlake_connectors import sdv;"
        "sdv.fit({'t': pa.table({'a': [1, 2]})})", "sdv"),
    "airflow": ("from synthlake_airflow import SynthesizeOperator", "airflow"),
    "spark": ("from synthlake_spark import SparkSynthesizer; SparkSynthesizer()", "spark"),
}  # fmt: skip
# Entry points that others load to see what there is must not need what they are for.
DOORS = (
    "synthlake_connectors.database", "synthlake_connectors.delta", "synthlake_connectors.mlflow",
    "synthlake_connectors.sagemaker", "synthlake_connectors.sdv", "synthlake_airflow",
    "synthlake_dbt.commands",
)  # fmt: skip


def _do(*command: str | Path) -> subprocess.CompletedProcess[str]:
    inherited = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return subprocess.run(
        [str(part) for part in command], env=inherited, capture_output=True, text=True,
        timeout=TIMEOUT_S, check=False,
    )  # fmt: skip


def _made(*command: str | Path) -> None:
    done = _do(*command)
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}{done.stderr[-4000:]}"


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the scripts of an environment that has the wheel and what it requires."""
    home = tmp_path_factory.mktemp("plain")
    _made(UV, "--system-certs", "build", "--quiet", "--wheel", "--out-dir", home, ROOT)
    (wheel,) = home.glob("*.whl")
    _made(UV, "venv", "--quiet", "--python", sys.executable, home / "env")
    scripts = home / "env" / "bin"
    _made(
        UV, "--system-certs", "pip", "install", "--quiet", "--python", scripts / "python",
        "--constraint", ROOT / "requirements.lock", wheel,
    )  # fmt: skip
    return scripts


def _python(scripts: Path, code: str) -> subprocess.CompletedProcess[str]:
    return _do(scripts / "python", "-I", "-W", "error", "-c", code)


def test_it_works(plain: Path) -> None:
    code = """
import pyarrow as pa
import synthlake
table = pa.table({"a": list(range(300)), "b": [i % 3 for i in range(300)]})
artifact = synthlake.fit({"t": table}, seed=1)
assert artifact.sample(rows={"t": 20}, seed=2)["t"].to_arrow().num_rows == 20
"""
    done = _python(plain, code)
    assert done.returncode == 0, done.stderr
    version = _do(plain / "synthlake", "--version")
    assert version.returncode == 0, version.stderr


def test_no_extra_came_along(plain: Path) -> None:
    code = """
import importlib.util
vendors = "airflow dbt deltalake mlflow psycopg pyspark sagemaker sqlalchemy".split()
print([name for name in vendors if importlib.util.find_spec(name)])
"""
    assert _python(plain, code).stdout.strip() == "[]"


@pytest.mark.parametrize("door", DOORS)
def test_doors_open_without_their_vendor(plain: Path, door: str) -> None:
    done = _python(plain, f"import {door}")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("case", MISSING)
def test_a_missing_extra_gives_the_pip_line(plain: Path, case: str) -> None:
    code, extra = MISSING[case]
    done = _python(plain, f"import synthlake; {code}")
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()
    assert any(line.startswith("synthlake.errors.MissingExtraError: ") for line in last), last
    assert last[-1] == f"Hint: pip install 'synthlake[{extra}]'"


def test_dbt_s_command_gives_the_pip_line(plain: Path, tmp_path: Path) -> None:
    (tmp_path / "dbt_project.yml").write_text("name: p\nversion: '1'\nprofile: p\n")
    done = _do(plain / "synthlake", "dbt", "run", "--project-dir", tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "pip install 'synthlake[dbt]'" in done.stderr
    assert "Traceback" not in done.stderr
