"""Clock times written as HHMM."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthlake.constraints.clock import (
    ClockParts,
    ClockSum,
    clock,
    find_clock_parts,
    find_clock_sums,
    find_clocks,
    minutes,
)
from synthlake.constraints.discover import discover, in_order, rule_from_json
from synthlake.constraints.relative import clock_gap
from synthlake.constraints.rule import Cells

ROWS = 2_000


def cells(values: Any, null: Any = None) -> Cells:
    ticks = np.asarray(values, np.int64)
    return Cells(ticks, np.zeros(len(ticks), bool) if null is None else np.asarray(null))


@given(st.integers(0, 1_439), st.integers(-3_000, 3_000), st.sampled_from([0, 2400]))
def test_a_day_has_1440_minutes(minute: int, more: int, midnight: int) -> None:
    written = clock(np.array([minute]), midnight)
    assert minutes(written)[0] % 1_440 == minute
    assert written[0] % 100 < 60
    later = clock(np.array([minute + more]), midnight)
    gap = clock_gap(cells(later), cells(written)).ticks[0]
    assert gap == more % 1_440
    assert clock(minutes(written) + gap, midnight)[0] == later[0]


@pytest.mark.parametrize("midnight", [0, 2400])
def test_sums_hold_over_midnight(midnight: int) -> None:
    random = np.random.default_rng(1)
    base = clock(random.integers(1, 1_440, ROWS), midnight)
    delay = np.concatenate([random.integers(-40, 300, ROWS - 20), 1_440 - minutes(base[-20:])])
    made = clock(minutes(base) + delay, midnight)
    assert (made == midnight).sum() >= 20
    null = random.random(ROWS) < 0.1
    columns = {"dep": cells(made, null), "sched": cells(base), "delay": cells(delay, null)}
    clocks = find_clocks(columns, list(columns))
    assert clocks == ["dep", "sched"]
    (rule,) = find_clock_sums(columns, clocks, ["delay"])
    assert rule == ClockSum("dep", "sched", "delay", midnight)
    found = rule.apply(columns)["dep"]
    assert np.array_equal(found.ticks[~null], made[~null])
    assert np.array_equal(found.null, null)
    assert rule_from_json(rule.to_json()) == rule


def test_sums_that_fail_once_are_none() -> None:
    random = np.random.default_rng(2)
    base = clock(random.integers(0, 1_440, ROWS), 0)
    delay = random.integers(-40, 300, ROWS)
    made = clock(minutes(base) + delay, 0)
    made[5] = clock(minutes(made[5:6]) + 1, 0)[0]
    columns = {"dep": cells(made), "sched": cells(base), "delay": cells(delay)}
    assert find_clock_sums(columns, ["dep", "sched"], ["delay"]) == []


@pytest.mark.parametrize(
    "values",
    [
        np.arange(ROWS),
        np.full(ROWS, 1_230),
        np.arange(ROWS) % 60,
        np.random.default_rng(3).integers(0, 2_400, ROWS),
        -clock(np.arange(ROWS), 0),
    ],
    ids=["a count", "a constant", "minutes", "any number", "negative"],
)
def test_what_is_no_clock(values: Any) -> None:
    assert find_clocks({"c": cells(values)}, ["c"]) == []


def test_parts_from_the_clock_and_the_clock_from_parts() -> None:
    time = clock(np.random.default_rng(4).integers(0, 1_440, ROWS), 0)
    columns = {"t": cells(time), "h": cells(time // 100), "m": cells(time % 100)}
    (rule,) = find_clock_parts(columns, ["t"], ["h", "m"])
    made = rule.apply(columns)
    assert np.array_equal(made["h"].ticks, time // 100)
    back = ClockParts("t", "h", "m", from_parts=True)
    assert np.array_equal(back.apply(columns)["t"].ticks, time)
    assert rule_from_json(back.to_json()) == back


def test_cycles_are_cut_and_nothing_is_lost() -> None:
    """a = b + x and b = a + y say the same; each column comes about in one way only."""
    random = np.random.default_rng(5)
    b, x = clock(random.integers(0, 1_440, ROWS), 0), random.integers(1, 200, ROWS)
    a = clock(minutes(b) + x, 0)
    columns = {"a": cells(a), "b": cells(b), "x": cells(x), "y": cells(-x)}
    structure = discover(columns, {n: pa.int64() for n in columns}, [])
    made = [n for r in structure.rules for n in r.makes]
    assert len(made) == len(set(made)) == 1
    both = (ClockSum("a", "b", "x", 0), ClockSum("b", "a", "y", 0))
    assert len(in_order(both)) < 2


def test_rules_come_after_what_they_need() -> None:
    last, middle = ClockSum("c", "b", "y", 0), ClockSum("b", "a", "x", 0)
    assert in_order([last, middle]) == (middle, last)
