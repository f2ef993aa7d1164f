"""Conditions on columns that a declared inequality makes distances of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import synthlake as sl

DAY = 86_400_000_000


@pytest.fixture(scope="module", params=[(), ("y",), ("b", "y"), ("y", "x")])
def artifact(request: pytest.FixtureRequest) -> sl.Artifact:
    random = np.random.default_rng(0)
    start = random.integers(0, 730 * 86_400, 1_500) * 1_000_000
    end = start + random.integers(0, 9, 1_500) * DAY
    x = random.integers(0, 500, 1_500)
    held = pa.table(
        {
            "a": pa.array(start, pa.timestamp("us")),
            "b": pa.array(end, pa.timestamp("us"), mask=random.random(1_500) < 0.2),
            "x": x,
            "y": x + random.integers(0, 60, 1_500),
        }
    )
    rules = [{"inequality": ["a", "b"]}, {"inequality": ["x", "y"]}]
    spec = {"primary_key": [], "constraints": rules, "conditions": list(request.param)}
    return sl.fit({"v": held}, {"v": spec}, seed=1)


@pytest.mark.parametrize(
    ("column", "asked"),
    [
        ("b", {"min": "1971-01-01", "max": "1971-06-01"}),
        ("b", {"null": False}),
        ("b", None),
        ("y", {"min": 100, "max": 200}),
        ("y", {"min": 400}),
    ],
)
def test_every_row_keeps_condition_and_rules(
    artifact: sl.Artifact, column: str, asked: dict[str, Any] | None
) -> None:
    given = {"v": {"where": {column: asked}, "rows": 300}}
    made = artifact.sample(given=given, seed=3).to_arrow()["v"].to_pylist()
    assert len(made) == 300
    assert all(row["x"] <= row["y"] for row in made)
    assert all(row["b"] is None or row["a"] <= row["b"] for row in made)
    values = [row[column] for row in made]
    if asked is None:
        assert values == [None] * 300
        return
    assert None not in values
    as_asked = [v if column == "y" else v.date().isoformat() for v in values]
    assert min(as_asked) >= asked.get("min", min(as_asked))
    assert max(as_asked) <= asked.get("max", max(as_asked))


def test_a_twin_without_conditions_is_made(artifact: sl.Artifact) -> None:
    made = artifact.sample(rows={"v": 500}, seed=3).to_arrow()["v"].to_pylist()
    assert all(row["x"] <= row["y"] for row in made)
