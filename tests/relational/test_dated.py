"""Columns that are drawn given the hour, weekday and season of a date before them."""

from __future__ import annotations

import zoneinfo
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import synthlake as sl
from synthlake.constraints.dates import fields, micros_of
from synthlake.relational.dated import Dated

ROWS = 5_000
SCHEMA: dict[str, Any] = {"m": {"primary_key": ["id"], "order": ["at"]}}


def shifts(zone: str | None = None, seed: int = 0, rows: int = ROWS) -> pa.Table:
    """Rows whose load follows the hour, whose kind follows the weekday; some without a date."""
    random = np.random.default_rng(seed)
    wall = np.datetime64("2021-01-01T00", "h") + random.integers(0, 24 * 900, rows)
    where = zoneinfo.ZoneInfo(zone or "UTC")
    walls = wall.astype("datetime64[s]").astype(object)
    ticks = [round(w.replace(tzinfo=where).timestamp() * 1e6) for w in walls]
    gone = random.random(rows) < 0.1
    hour, day = wall.astype(np.int64) % 24, (wall.astype(np.int64) // 24 + 3) % 7
    return pa.table({
        "id": np.arange(rows),
        "at": pa.array(ticks, pa.timestamp("us", zone), mask=gone),
        "load": np.where(hour < 6, 0, 100) + random.integers(0, 20, rows),
        "kind": np.where(day > 4, "rest", np.where(random.random(rows) < 0.5, "work", "other")),
    })  # fmt: skip


def agree(table: pa.Table) -> tuple[float, float]:
    """Shares of rows with a date whose load and kind are those of its hour and weekday."""
    table = table.filter(pc.is_valid(table["at"]))
    at = table["at"].to_pylist()
    night = np.array([t.hour < 6 for t in at])
    rest = np.array([t.weekday() > 4 for t in at])
    load, kind = np.asarray(table["load"]), np.asarray(table["kind"])
    return float(np.mean((load < 60) == night)), float(np.mean((kind == "rest") == rest))


@pytest.fixture(scope="module")
def artifact() -> sl.Artifact:
    return sl.fit({"m": shifts()}, SCHEMA, seed=1)


@pytest.mark.parametrize("zone", [None, "Europe/Berlin", "America/New_York"])
def test_columns_follow_the_clock_and_the_week_of_the_zone(zone: str | None) -> None:
    twin = sl.fit({"m": shifts(zone)}, SCHEMA, seed=1).sample(seed=2).to_arrow()["m"]
    assert twin.schema.field("at").type == pa.timestamp("us", zone)
    assert min(agree(twin)) > 0.99
    assert 0.05 < twin["at"].null_count / ROWS < 0.15


def test_offsets_and_zones_that_nobody_knows_are_read_as_utc() -> None:
    for zone in ("+05:30", "-08:00"):
        cast = shifts().set_column(1, "at", shifts()["at"].cast(pa.timestamp("us", zone)))
        twin = sl.fit({"m": cast}, SCHEMA, seed=1).sample(seed=2).to_arrow()["m"]
        plain = twin.set_column(1, "at", twin["at"].cast(pa.timestamp("us", "UTC")))
        assert min(agree(plain)) > 0.99


def test_given_rows_and_filled_cells_follow_it_too(artifact: sl.Artifact) -> None:
    given = {"m": {"where": {"kind": "work"}, "rows": 2_000}}
    assert min(agree(artifact.sample(given=given, seed=1).to_arrow()["m"])) > 0.99
    real = shifts(seed=5)
    holes = real.set_column(2, "load", pa.nulls(ROWS, pa.int64()))
    filled = artifact.impute(holes, columns=["load"], seed=1)
    assert filled["load"].null_count == 0
    assert min(agree(filled)) > 0.99


def test_further_rows_and_saved_artifacts_keep_it(artifact: sl.Artifact, tmp_path: Path) -> None:
    twice = artifact.refit({"m": shifts(seed=6)}).refit({"m": shifts(seed=7)})
    made = twice.sample(seed=3).to_arrow()["m"]
    assert min(agree(made)) > 0.99
    twice.save(tmp_path / "a")
    assert sl.load(tmp_path / "a").sample(seed=3).to_arrow()["m"].equals(made)


def test_any_range_has_the_same_rows(artifact: sl.Artifact) -> None:
    twin = artifact.sample(rows={"m": 40_000}, seed=3)
    part = pa.Table.from_batches(twin["m"].batches(16_000, 33_111))
    assert part.equals(twin.to_arrow()["m"].slice(16_000, 17_111))


@pytest.mark.parametrize("type_", [pa.timestamp("s"), pa.timestamp("ns"), pa.date32(), pa.date64()])
def test_dates_at_the_ends_of_their_types_are_taken(type_: pa.DataType) -> None:
    days = np.arange(2_000) % 700
    wide = {"timestamp[s]": 2**61, "timestamp[ns]": 2**63 - 1}.get(str(type_))
    at: Any = pa.array((np.datetime64("2021-01-01") + days).astype("datetime64[D]"))
    if wide is not None:
        ticks = np.asarray(at.cast(type_).cast(pa.int64())).copy()
        ticks[::7], ticks[1::7] = wide, -wide
        at = pa.array(ticks, pa.int64())
    table = pa.table({"id": np.arange(2_000), "at": at.cast(type_), "n": days % 7})
    twin = sl.fit({"m": table}, SCHEMA, seed=1).sample(seed=2).to_arrow()["m"]
    assert twin.num_rows == 2_000
    assert twin.schema.field("at").type == type_


def test_parts_are_those_of_calendars() -> None:
    dated = Dated("at", 1.0, "UTC", ("yearday", "weekday1", "hour"))
    assert Dated.from_json(dated.to_json()) == dated
    found = fields(micros_of(np.array([0]), 1.0), "UTC")
    assert [int(found[p][0]) for p in dated.parts] == [1, 4, 0]
