"""Refits of maps whose keys have exceptions, and of dates whose hours have changed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

import synthlake as sl

DAY = 86_400_000_000
PLAIN = {"v": {"primary_key": []}}


def _aircraft(rows: int, seats: list[int], seed: int) -> pa.Table:
    """Each type has one number of seats; one of them, which is rare, has some of several."""
    random = np.random.default_rng(seed)
    kind = random.choice(20, rows, p=[0.01, *[0.99 / 19] * 19])
    held = 10 + 3 * (kind % 6)
    held[kind == 0] = random.choice(seats, (kind == 0).sum())
    return pa.table({"type": np.char.add("t", kind.astype(str)), "seats": held.astype(str)})


def test_further_rows_map_no_key_that_had_exceptions(tmp_path: Path) -> None:
    sl.fit({"v": _aircraft(10_000, [10, 99], 0)}, PLAIN, seed=1).save(tmp_path / "a")
    held = sl.load(tmp_path / "a").refit({"v": _aircraft(2_000, [99], 1)})
    made = held.sample(rows={"v": 20_000}, seed=3).to_arrow()["v"]
    kind, seats = np.array(made["type"]), np.array(made["seats"])
    assert set(seats[kind == "t0"]) == {"10", "99"}  # half of the old ones had 10
    assert set(seats[kind == "t1"]) == {"13"}


def _visits(rows: int, days: tuple[int, int], sunday: bool, hours: tuple[int, int]) -> pa.Table:
    random = np.random.default_rng(days[0])
    day = random.integers(*days, rows * 9)
    day = day[((day + 3) % 7 == 6) == sunday][:rows]
    at = day * DAY + random.integers(hours[0] * 3_600, hours[1] * 3_600, rows) * 1_000_000
    return pa.table({"at": pa.array(at, pa.timestamp("us"))})


def _hours(artifact: sl.Artifact) -> np.ndarray:
    made = artifact.sample(rows={"v": 6_000}, seed=2).to_arrow()["v"]["at"]
    at = np.asarray(made).astype("datetime64[us]").astype(np.int64)
    counts = np.bincount(at // (DAY // 24) % 168, minlength=168)  # from Thursday
    return np.roll(counts.reshape(7, 24), 3, axis=0)


def test_dates_follow_the_hours_of_old_and_further_rows() -> None:
    old = sl.fit({"v": _visits(1_500, (0, 700), False, (9, 19))}, PLAIN, seed=1)
    same = _hours(old.refit({"v": _visits(1_500, (700, 1_400), False, (9, 19))}))
    assert not same[6].any()
    assert not same[:, :9].any()
    assert not same[:, 19:].any()
    other = _hours(old.refit({"v": _visits(1_500, (700, 1_400), True, (20, 24))}))
    assert 0.3 < other[6].sum() / other.sum() < 0.7  # half of all rows are of Sundays now
    assert not other[:6, 20:].any()
    faint = _hours(old.refit({"v": _visits(1_500, (700, 1_400), True, (20, 24))}, decay=0.01))
    assert faint[6].sum() / faint.sum() > 0.7
