"""Which of many columns a tree asks, and what trees of wide tables keep."""

from __future__ import annotations

import numpy as np

from synthlake.models.screening import KEPT, WIDEST, Screen
from synthlake.models.trees import FittedTrees, Trees
from synthlake.ports import Feature, Redraw, TrainingTable
from synthlake.seed import Seed

ROWS = 3_000


def noise(columns: int, rows: int = ROWS, seed: int = 0) -> dict[str, Feature]:
    """Columns of all kinds that say nothing of each other."""
    random = np.random.default_rng(seed)
    sizes = (2, 5, 30, 400)
    return {
        f"c{n}": Feature(
            random.integers(-1, sizes[n % 4], rows).astype(np.int32), sizes[n % 4], n % 3 > 0
        )
        for n in range(columns)
    }


def kept(target: Feature, done: dict[str, Feature], always: tuple[str, ...] = ()) -> list[str]:
    return list(Screen(np.arange(len(target.codes)), always).of(target, done))


def test_a_narrow_table_is_not_screened() -> None:
    done = noise(WIDEST)
    screen = Screen(np.arange(ROWS), ())
    assert screen.of(done["c3"], done) is done
    wide = {**done, "given": done["c1"]}
    assert Screen(np.arange(ROWS), {"given"}).of(done["c3"], wide) is wide


def test_what_says_something_is_kept_and_noise_is_not() -> None:
    done = noise(300)
    random = np.random.default_rng(1)
    codes = np.where(random.random(ROWS) < 0.3, random.integers(0, 30, ROWS), done["c2"].codes)
    found = kept(Feature(codes.astype(np.int32), 30, True), done)
    assert "c2" in found
    assert len(found) < 30


def test_a_null_that_follows_from_another_is_seen() -> None:
    done = noise(200)
    codes = np.where(done["c7"].codes < 200, -1, done["c11"].codes).astype(np.int32)
    assert "c7" in kept(Feature(codes, 400, True), done)


def test_what_is_given_is_always_asked_and_no_more_than_so_many() -> None:
    random = np.random.default_rng(2)
    base = random.integers(0, 50, ROWS)
    alike = {
        f"c{n}": Feature(
            np.where(random.random(ROWS) < 0.5, base, random.integers(0, 50, ROWS)).astype(
                np.int32
            ),
            50, n % 2 == 0,
        )
        for n in range(200)
    }  # fmt: skip
    target = Feature(base.astype(np.int32), 50, True)
    found = kept(target, {**alike, **{f"g{n}": f for n, f in noise(9).items()}}, ("gc0", "gc8"))
    assert {"gc0", "gc8"} <= set(found)
    assert len(found) == KEPT + 2
    assert found == sorted(found, key=[*alike, "gc0", "gc8"].index)


def test_nothing_is_known_of_a_column_that_is_unknown() -> None:
    done = noise(100)
    assert kept(Feature(np.full(ROWS, -2, np.int32), 3, True), done) == []
    assert kept(Feature(np.full(ROWS, -1, np.int32), 0, False), done) == []
    assert kept(Feature(np.zeros(0, np.int32), 3, True), noise(100, 0)) == []


def wide(columns: int, rows: int = 2_000) -> TrainingTable:
    """Groups of four columns that go together."""
    random = np.random.default_rng(3)
    made: dict[str, Feature] = {}
    for n in range(columns):
        if n % 4 == 0:
            base = random.integers(0, 12, rows)
        codes = np.clip(base + random.integers(-1, 2, rows), 0, 11)
        made[f"c{n}"] = Feature(codes.astype(np.int32), 12, n % 2 == 0)
    return TrainingTable(made, {}, np.arange(rows), 10)


def sampled(model: FittedTrees, data: TrainingTable) -> dict[str, np.ndarray]:
    out: dict[str, np.ndarray] = {}

    def settle(name: str, codes: np.ndarray, redraw: Redraw) -> np.ndarray:
        out[name] = codes
        return codes

    seed = Seed(0, "wide")
    rows = len(data.group)
    model.sample(list(data.columns), {}, lambda c, n: seed.words("", c, 0, rows, n), settle)
    return out


def test_groups_of_a_wide_table_stay_together() -> None:
    data = wide(100)
    model = Trees(min_leaf=40).fit(data, 0)
    assert max(len(step.asks) for step in model.steps) <= 2 * KEPT
    made = sampled(model, data)
    gaps = [
        np.corrcoef(made[f"c{n}"], made[f"c{n + 1}"])[0, 1]
        - np.corrcoef(data.columns[f"c{n}"].codes, data.columns[f"c{n + 1}"].codes)[0, 1]
        for n in range(0, 100, 4)
    ]
    assert np.abs(gaps).max() < 0.12
    again = Trees(min_leaf=40).fit(data, 0)
    for a, b in zip(again.steps, model.steps, strict=True):
        assert [ask.column for ask in a.asks] == [ask.column for ask in b.asks]
        assert np.array_equal(a.tree.threshold, b.tree.threshold)


def test_the_size_of_leaves_is_chosen_among_many_columns() -> None:
    model = Trees().fit(wide(70), 0)
    assert len(model.steps) == 70
