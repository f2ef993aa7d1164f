"""Rows of no parent have no children where all children have that parent."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from tests.relational.databases import Database, Declared, key, made, rates

import synthlake as sl

PLANES, FLIGHTS, PASSENGERS = 60, 300, 900


def flown(flight_to_plane: str, passenger_to_flight: str) -> tuple[Database, Declared]:
    """Planes, flights of which a quarter have an unknown plane, and passengers of all others."""
    random = np.random.default_rng(0)
    plane = random.integers(0, PLANES, FLIGHTS)
    plane[: FLIGHTS // 4] = random.integers(900, 920, FLIGHTS // 4)
    number = np.arange(FLIGHTS)
    flight = random.integers(FLIGHTS // 4, FLIGHTS, PASSENGERS)
    tables = made({
        "planes": {"plane": np.arange(PLANES), "kind": random.choice(["x", "y"], PLANES)},
        "flights": {"id": number, "plane": plane, "miles": random.integers(1, 9, FLIGHTS)},
        "passengers": {"id": np.arange(PASSENGERS), "flight": flight, "plane": plane[flight],
                       "age": random.integers(1, 90, PASSENGERS)},
    })  # fmt: skip
    return tables, {
        "planes": {"primary_key": ["plane"]},
        "flights": {
            "primary_key": ["id", "plane"],
            "foreign_keys": [key("plane", "planes", flight_to_plane)],
        },
        "passengers": {
            "primary_key": ["id"],
            "foreign_keys": [
                key("flight plane", "flights", passenger_to_flight, to="id plane"),
                key("plane", "planes", "match"),
            ],
        },
    }


@pytest.mark.parametrize("passengers", ["own", "match"])
@pytest.mark.parametrize("flights", ["own", "match"])
def test_flights_of_no_known_plane_have_no_passengers(flights: str, passengers: str) -> None:
    tables, schema = flown(flights, passengers)
    artifact = sl.fit(tables, schema, k=3, seed=1, holdout=0.0)
    for scale in (0.5, 2.0):
        twin = artifact.sample(scale, seed=2).to_arrow()
        assert rates(twin, "flights", "plane", "planes") == pytest.approx((0.0, 0.25), abs=0.06)
        assert rates(twin, "passengers", "plane", "planes") == (0.0, 0.0)
        assert twin["passengers"].num_rows == pytest.approx(PASSENGERS * scale, rel=0.05)


def test_passengers_of_unknown_planes_stay_if_there_are_some() -> None:
    tables, schema = flown("own", "match")
    lost = np.asarray(tables["flights"]["plane"])[:20]
    some = {"id": np.arange(20) + PASSENGERS, "flight": np.arange(20), "plane": lost,
            "age": np.full(20, 30)}  # fmt: skip
    more = pa.table(some, schema=tables["passengers"].schema)
    tables["passengers"] = pa.concat_tables([tables["passengers"], more])
    twin = sl.fit(tables, schema, k=3, seed=1, holdout=0.0).sample(4.0, seed=2).to_arrow()
    assert 0.0 < rates(twin, "passengers", "plane", "planes")[1] < 0.15
