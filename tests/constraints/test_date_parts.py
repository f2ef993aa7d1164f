"""Year, month, day, hour ... of a timestamp: found where they hold, and only there."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from synthlake.constraints.dates import DateParts, fields, find_date_parts, micros_of
from synthlake.constraints.discover import discover, micros_per_tick, rule_from_json
from synthlake.constraints.rule import Cells

ZONES = ("UTC", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Auckland")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MANY = {"year", "month", "day", "hour", "minute", "second", "weekday0", "weekday1", "weekday7",
        "yearday", "quarter"}  # fmt: skip


def cells(values: Any, null: Any = None) -> Cells:
    ticks = np.asarray(values, np.int64)
    return Cells(ticks, np.zeros(len(ticks), bool) if null is None else np.asarray(null))


def expected(when: datetime) -> dict[str, int]:
    """Python's own calendar."""
    return {
        "year": when.year, "month": when.month, "day": when.day, "hour": when.hour,
        "minute": when.minute, "second": when.second, "weekday0": when.weekday(),
        "weekday1": when.isoweekday(), "weekday7": when.isoweekday() % 7,
        "yearday": when.timetuple().tm_yday, "quarter": (when.month - 1) // 3 + 1,
    }  # fmt: skip


@given(
    st.datetimes(datetime(1902, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001 - drawn as UTC below
    st.sampled_from([z for z in ZONES if z != "Australia/Lord_Howe"]),
)
def test_fields_are_those_of_the_calendar(when: datetime, zone: str) -> None:
    """Summer and winter time, before and after the epoch. Lord Howe changes at half past."""
    when = when.replace(tzinfo=UTC)
    micros = np.array([(when - EPOCH) // timedelta(microseconds=1)])
    found = {name: int(value[0]) for name, value in fields(micros, zone).items()}
    assert found == expected(when.astimezone(zoneinfo.ZoneInfo(zone)))


def test_every_part_is_known() -> None:
    assert set(fields(np.zeros(1, np.int64), "UTC")) == MANY


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_parts_and_their_zone_are_found(zone: str, unit: str) -> None:
    random = np.random.default_rng(1)
    seconds = random.integers(-3_000_000_000, 1_900_000_000, 600)
    dtype = pa.timestamp(unit, "UTC")
    per_tick = micros_per_tick(dtype)
    assert per_tick is not None
    ticks = (seconds * 1_000_000 / per_tick).astype(np.int64)
    if unit in ("us", "ns"):
        ticks = seconds * int(1_000_000 / per_tick)
    parts = fields(seconds * 1_000_000, zone)
    columns = {"t": cells(ticks), **{f"c_{n}": cells(v) for n, v in parts.items()}}
    rule = find_date_parts("t", per_tick, columns, [n for n in columns if n != "t"])
    assert rule is not None
    assert dict(rule.parts) == {f"c_{n}": n for n in MANY}
    made = rule.apply({"t": columns["t"]})
    assert all(np.array_equal(made[n].ticks, columns[n].ticks) for n in made)
    assert rule_from_json(rule.to_json()) == rule


def test_dates_have_parts() -> None:
    days = np.arange(-800, 800)
    parts = fields(days * 86_400_000_000, "UTC")
    columns = {"d": cells(days), "y": cells(parts["year"]), "w": cells(parts["weekday0"]),
               "midnight": cells(parts["hour"])}  # fmt: skip
    rule = find_date_parts("d", 86_400e6, columns, ["y", "w", "midnight"])
    assert rule is not None
    assert dict(rule.parts) == {"y": "year", "w": "weekday0"}


def _stamps(rows: int = 500) -> NDArray[np.int64]:
    return np.random.default_rng(2).integers(1_356_998_400, 1_388_534_400, rows) * 1_000_000


def test_accidents_are_no_parts() -> None:
    random = np.random.default_rng(3)
    micros = _stamps()
    january = micros % (31 * 86_400_000_000) + 1_356_998_400_000_000
    hour = fields(micros, "UTC")["hour"]
    nearly = hour.copy()
    nearly[7] = (nearly[7] + 1) % 24
    columns = {
        "t": cells(micros), "code": cells(random.integers(0, 24, 500)), "nearly": cells(nearly),
        "shuffled": cells(random.permutation(hour)),
    }  # fmt: skip
    assert find_date_parts("t", 1.0, columns, ["code", "nearly", "shuffled"]) is None
    columns = {"t": cells(january), "one": cells(np.ones(500)), "year": cells(np.full(500, 2013))}
    rule = find_date_parts("t", 1.0, columns, ["one", "year"])
    assert rule is not None
    assert dict(rule.parts) == {"year": "year"}


def test_null_where_the_timestamp_is() -> None:
    micros = _stamps()
    null = np.arange(500) % 5 == 0
    month = fields(micros, "UTC")["month"]
    columns = {"t": cells(micros, null), "m": cells(np.where(null, 0, month), null),
               "elsewhere": cells(month, np.arange(500) % 7 == 0)}  # fmt: skip
    rule = find_date_parts("t", 1.0, columns, ["m", "elsewhere"])
    assert rule is not None
    assert rule.makes == ("m",)
    assert np.array_equal(rule.apply(columns)["m"].null, null)


def test_two_timestamps_keep_their_own_parts() -> None:
    first, second = _stamps(), _stamps() + 40 * 86_400_000_000
    columns = {
        "a": cells(first), "b": cells(second),
        "a_month": cells(fields(first, "UTC")["month"]),
        "b_day": cells(fields(second, "UTC")["day"]),
    }  # fmt: skip
    types = {
        "a": pa.timestamp("us"),
        "b": pa.timestamp("us"),
        "a_month": pa.int32(),
        "b_day": pa.int8(),
    }
    rules = [r for r in discover(columns, types, []).rules if isinstance(r, DateParts)]
    assert {(r.source, r.makes) for r in rules} == {("a", ("a_month",)), ("b", ("b_day",))}


def test_the_ends_of_time_overflow_nothing() -> None:
    ends = np.array([-(2**63), -(2**63) + 1, 0, 2**63 - 1])
    for unit in (86_400e6, 1e6, 1e3, 1.0, 1e-3):
        for zone in ("UTC", "Europe/Berlin"):
            parts = fields(micros_of(ends, unit), zone)
            assert ((parts["month"] >= 1) & (parts["month"] <= 12)).all()
