"""What siblings have no two of, and parents that are too rare to be categories."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.relational.databases import Declared, key, made, rows_of

import synthlake as sl
from synthlake.relational.feistel import strided
from synthlake.relational.uniqueness import unlike

RACES, DRIVERS, TEAMS = 300, 80, 60


def season(repeated: int = 0) -> tuple[dict[str, pa.Table], Declared]:
    """Races, each with some drivers, no one twice, but for some rows; points of public teams."""
    random = np.random.default_rng(5)
    sizes = random.integers(4, 12, RACES)
    race = np.repeat(np.arange(RACES), sizes)
    weight = random.pareto(1.0, DRIVERS) + 0.2
    weight /= weight.sum()
    driver = np.concatenate([random.choice(DRIVERS, n, replace=False, p=weight) for n in sizes])
    again = random.choice(np.flatnonzero(race[1:] == race[:-1]) + 1, repeated, replace=False)
    driver[again] = driver[again - 1]
    place = np.concatenate([random.permutation(n) + 1 for n in sizes])
    # 20 teams in one table are as rare as others are in the other one
    first = np.where(random.random(len(race)) < 0.1, random.integers(40, 50, len(race)),
                     random.integers(0, 20, len(race)))  # fmt: skip
    second = np.where(random.random(RACES) < 0.1, random.integers(20, 40, RACES),
                      random.integers(0, 5, RACES))  # fmt: skip
    tables = {
        "teams": {"team": np.arange(TEAMS)},
        "drivers": {"driver": np.arange(DRIVERS), "born": random.integers(1900, 2000, DRIVERS)},
        "races": {"race": np.arange(RACES), "round": random.integers(1, 20, RACES),
                  "team": second},
        "results": {"result": np.arange(len(race)), "race": race, "driver": driver,
                    "team": first, "place": place, "laps": random.integers(50, 60, len(race))},
    }  # fmt: skip
    declared: Declared = {
        "teams": {"primary_key": ["team"], "keep": True},
        "drivers": {"primary_key": ["driver"]},
        "races": {"primary_key": ["race"], "foreign_keys": [key("team", "teams", "match")]},
        "results": {
            "primary_key": ["result"],
            "foreign_keys": [key("race", "races"), key("driver", "drivers", "match"),
                             key("team", "teams", "match")],
        },
    }  # fmt: skip
    return made(tables), declared


@pytest.fixture(scope="module")
def raced() -> Any:
    tables, declared = season()
    return sl.fit(tables, declared, holdout=0.0)


def test_siblings_have_no_parent_and_no_place_twice(raced: Any) -> None:
    assert raced._model.tables["results"].apart == ("f:1", "c:place")
    twin = raced.sample(seed=3).to_arrow()
    for column in ("driver", "place"):
        pairs = rows_of(twin["results"], f"race {column}")
        assert len(set(pairs)) == len(pairs)
    laps = rows_of(twin["results"], "race laps")
    assert len(set(laps)) < len(laps), "what siblings share stays shared"


@pytest.mark.parametrize(("repeated", "found"), [(3, True), (300, False)])
def test_a_few_exceptions_do_not_count(repeated: int, found: bool) -> None:
    tables, declared = season(repeated)
    model = sl.fit(tables, declared, holdout=0.0)._model
    assert ("f:1" in model.tables["results"].apart) is found


def test_the_model_and_any_range_are_as_before(raced: Any, tmp_path: Any) -> None:
    raced.save(tmp_path / "a")
    again = sl.load(tmp_path / "a")
    whole = raced.sample(seed=3).to_arrow()["results"]
    sample = again.sample(seed=3)
    part = pa.Table.from_batches(sample["results"].batches(700, 900))
    assert part.equals(whole.slice(700, 200).combine_chunks())


def test_rare_parents_are_those_of_their_own_table(raced: Any) -> None:
    twin = raced.sample(seed=3).to_arrow()
    listed = {
        t: set(rows_of(raced._model.tables[t].links[n].values, "team"))
        for t, n in (("races", 0), ("results", 2))
    }
    known = set(rows_of(twin["races"], "team")) - listed["races"]
    assert known, "some references of races are to rare teams"
    # made after those of results or before: the rare ones do not depend on what was made before
    alone = raced.sample(seed=3, tables=["races"]).to_arrow()["races"]
    assert alone.equals(twin["races"])
    assert not known & listed["races"]


def test_rare_parents_have_their_numbers_of_children(raced: Any) -> None:
    tables, _ = season()
    link = raced._model.tables["races"].links[0]
    assert sum(n for n, _ in link.shares) == TEAMS - link.values.num_rows
    assert all(n >= 10 for n, _ in link.shares)
    rare = len([t for (t,) in rows_of(tables["races"], "team") if t >= 20])
    assert sum(n * mean for n, mean in link.shares) == pytest.approx(rare)
    used = {t for (t,) in rows_of(raced.sample(seed=3).to_arrow()["races"], "team")}
    assert len(used) < 45, "teams without a race stay without"


def test_parents_may_repeat_where_there_are_too_few() -> None:
    parent = np.array([0, 0, 1, 1, 0])
    found = unlike(parent, [np.zeros(5, np.int64)], lambda rows, n: parent[rows], 3, "")
    assert set(found.tolist()) == {0, 1, 2}


@given(st.integers(1, 5_000), st.integers(0, 2**63))
def test_neighbours_go_far_apart(size: int, word: int) -> None:
    images = strided(np.arange(size), np.full(size, size), np.full(size, word, np.uint64))
    assert np.array_equal(np.sort(images), np.arange(size))
    near = min(size, 8)
    gaps = np.diff(np.sort(images[:near]))
    if size > 200:
        assert gaps.min() > size / 30


def test_permutations_of_any_size() -> None:
    numbers = np.array([0, 1, 2**31 + 4])
    sizes = np.array([7, 2**31, 2**31 + 5])
    images = strided(numbers, sizes, np.full(3, 11, np.uint64))
    assert ((images >= 0) & (images < sizes)).all()
