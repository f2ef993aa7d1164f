"""Grids over rows that are made with those of another table."""

from __future__ import annotations

import numpy as np
import pytest
from tests.relational.databases import Database, Declared, key, made, rates

import synthlake as sl


def weathered() -> tuple[Database, Declared]:
    """Countries, their airports, and the weather of each airport by the hour, with gaps."""
    random = np.random.default_rng(0)
    airports, hours = 12, 60
    at, hour = np.divmod(np.flatnonzero(random.random(airports * hours) < 0.8), hours)
    tables = made({
        "countries": {"country": np.arange(6), "large": random.choice(["y", "n"], 6)},
        "airports": {"airport": np.arange(airports) + 1,
                     "country": random.integers(0, 6, airports)},
        "weather": {"airport": at + 1, "hour": hour + 500,
                    "wind": random.integers(0, 30, len(at))},
    })  # fmt: skip
    return tables, {
        "countries": {"primary_key": ["country"]},
        "airports": {"primary_key": ["airport"], "foreign_keys": [key("country", "countries")]},
        "weather": {
            "primary_key": ["airport", "hour"],
            "foreign_keys": [key("airport", "airports", "match")],
        },
    }


@pytest.mark.parametrize("scale", [0.4, 1.0, 2.5])
def test_a_grid_has_no_more_places_than_rows_for_them(scale: float) -> None:
    tables, schema = weathered()
    artifact = sl.fit(tables, schema, k=1, seed=1, holdout=0.0)
    for seed in range(3):
        twin = artifact.sample(scale, seed=seed).to_arrow()
        rows = list(
            zip(*(twin["weather"][c].to_pylist() for c in ("airport", "hour")), strict=True)
        )
        assert len(set(rows)) == len(rows)
        assert rows
        assert rates(twin, "weather", "airport", "airports") == (0.0, 0.0)
