"""Dates follow the rhythm of the week, where their bins are wider than an hour."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import synthlake as sl
from synthlake.encode.rhythm import Rhythm, find_rhythm

DAY = 86_400_000_000
SHOP = np.array([0] * 9 + [1, 2, 3, 2, 1, 1, 2, 3, 2, 1] + [0] * 5)  # open from 9 to 19


def _visits(rows: int, seed: int = 0) -> np.ndarray:
    """Microseconds of visits of a shop that is closed at night and on Sundays, in two years."""
    random = np.random.default_rng(seed)
    days = random.integers(0, 730, rows * 2)
    days = days[(days + 3) % 7 != 6][:rows]  # 1970-01-01 was a Thursday; Monday is 0
    hours = random.choice(24, rows, p=SHOP / SHOP.sum())
    return days * DAY + hours * 3_600_000_000 + random.integers(0, 3_600, rows) * 1_000_000


def _open(micros: np.ndarray) -> np.ndarray:
    """Which of some times are within the hours of the shop."""
    day, rest = np.divmod(micros, DAY)
    return (SHOP[rest // 3_600_000_000] > 0) & ((day + 3) % 7 != 6)


def test_rows_are_made_when_the_shop_is_open() -> None:
    visits = pa.table(
        {
            "at": pa.array(_visits(4_000), pa.timestamp("us")),
            "spent": pa.array(np.random.default_rng(1).gamma(2.0, 9.0, 4_000)),
        }
    )
    artifact = sl.fit({"visits": visits}, {"visits": {"primary_key": []}}, seed=1)
    made = artifact.sample(rows={"visits": 20_000}, seed=2).to_arrow()["visits"]
    at = np.asarray(made["at"]).astype("datetime64[us]").astype(np.int64)
    assert _open(at).all()
    assert (at % 1_000_000 == 0).all()
    hours = np.bincount(at // 3_600_000_000 % 24, minlength=24) / len(at)
    assert np.abs(hours - SHOP / SHOP.sum()).sum() / 2 < 0.03


def test_days_are_made_as_weekdays_occur() -> None:
    random = np.random.default_rng(3)
    days = random.integers(0, 3_650, 6_000)
    days = days[(days + 3) % 7 < 5][:3_000]  # Monday to Friday
    held = pa.table({"paid": pa.array(days, pa.int32()).cast(pa.date32())})
    artifact = sl.fit({"bills": held}, {"bills": {"primary_key": []}}, seed=1)
    made = artifact.sample(rows={"bills": 5_000}, seed=2).to_arrow()["bills"]["paid"]
    assert {day.as_py().weekday() for day in made} == {0, 1, 2, 3, 4}


def test_an_artifact_keeps_the_rhythm(tmp_path: object) -> None:
    held = pa.table({"at": pa.array(_visits(3_000), pa.timestamp("us"))})
    artifact = sl.fit({"visits": held}, {"visits": {"primary_key": []}}, seed=1)
    before = artifact.sample(seed=4).to_arrow()["visits"]
    artifact.save(f"{tmp_path}/a")
    assert sl.load(f"{tmp_path}/a").sample(seed=4).to_arrow()["visits"].equals(before)


def test_a_part_of_few_entities_has_no_weight() -> None:
    at = np.concatenate([_visits(3_000), np.full(9, 3 * 3_600_000_000)])  # nine visits at night
    found = find_rhythm(at, np.arange(len(at)), 10, 1.0, 1_000_000)
    assert found is not None
    assert np.reshape(found.weights, (7, 24))[:, 3].sum() == 0
    one = np.concatenate([np.arange(3_000), np.full(9, 5)])
    many = np.concatenate([_visits(3_000), np.full(9_000, 3 * 3_600_000_000)])
    found = find_rhythm(many, np.concatenate([one[:3_000], np.full(9_000, 5)]), 10, 1.0, 1_000_000)
    assert found is not None
    assert np.reshape(found.weights, (7, 24))[:, 3].sum() == 0  # of one entity


def test_even_hours_have_no_rhythm() -> None:
    at = np.random.default_rng(0).integers(0, 700 * DAY, 20_000)
    assert find_rhythm(at, np.arange(len(at)), 10, 1.0, 1) is None
    assert find_rhythm(at[:0], at[:0], 10, 1.0, 1) is None
    extreme = np.array([-(2**63), 2**63 - 1] * 100)
    assert find_rhythm(extreme, np.arange(200), 10, 1e-3, 1) is None


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_every_unit_has_the_same_hours(unit: str) -> None:
    at = pa.array(_visits(3_000), pa.timestamp("us")).cast(pa.timestamp(unit))
    artifact = sl.fit({"v": pa.table({"at": at})}, {"v": {"primary_key": []}}, seed=1)
    made = artifact.sample(seed=2).to_arrow()["v"]["at"].cast(pa.timestamp("us"))
    assert _open(np.asarray(made).astype("datetime64[us]").astype(np.int64)).all()


@settings(max_examples=200, deadline=None)
@given(
    start=st.integers(-(10**15), 10**15), width=st.integers(0, 10**14),
    step=st.sampled_from([1, 1_000, 60_000_000, 900_000_000, 3_600_000_000, 6 * 3_600_000_000]),
    weights=st.lists(st.integers(0, 5), min_size=168, max_size=168).filter(any),
    share=st.floats(0, 1, exclude_max=True),
)  # fmt: skip
def test_a_tick_is_in_its_range_and_in_a_part_with_weight(
    start: int, width: int, step: int, weights: list[int], share: float
) -> None:
    rhythm = Rhythm(4 * DAY, DAY // 24, tuple(weights))
    low = np.array([start // step * step])
    high = low + width // step * step
    ticks, there = rhythm.place(low, high, step, np.array([share]))
    if not len(there):
        return
    assert low[0] <= ticks[0] <= high[0]
    assert (ticks[0] - low[0]) % step == 0
    on_grid = step <= DAY // 24
    if on_grid:  # every hour has a tick
        assert weights[(ticks[0] - 4 * DAY) // (DAY // 24) % 168] > 0


def test_shares_of_a_range_are_spread_by_weight() -> None:
    weights = np.tile(SHOP, 7)
    rhythm = Rhythm(4 * DAY, DAY // 24, tuple(weights.tolist()))
    shares = (np.arange(50_000) + 0.5) / 50_000
    low = np.full(len(shares), int(dt.timedelta(days=400, hours=5) / dt.timedelta(microseconds=1)))
    ticks, there = rhythm.place(low, low + 9 * DAY, 1, shares)
    assert len(there) == len(shares)
    assert (np.diff(ticks) >= 0).all()
    whole = np.bincount(ticks[ticks < 405 * DAY] // 3_600_000_000 % 24, minlength=24)[5:]
    assert np.allclose(whole / whole.sum(), SHOP[5:] / SHOP[5:].sum(), atol=0.02)
