"""Rows of several draws, of which those are kept that are most like real ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import synthlake as sl
from synthlake.errors import LearnError, SpecError
from synthlake.relational import refined as refined_module

ROWS = 6_000
TRIES: dict[str, Any] = {"name": "trees", "min_leaf": 1_500, "tries": 8}
ONCE: dict[str, Any] = {"name": "trees", "min_leaf": 1_500}


def moons(seed: int = 0) -> pa.Table:
    """Rows along a curve that leaves of a quarter of the table cannot follow."""
    random = np.random.default_rng(seed)
    angle = random.uniform(0, 2 * np.pi, ROWS)
    x, y = np.cos(angle) * 1_000, np.sin(2 * angle) * 1_000
    day = np.datetime64("2024-01-01") + (angle * 50).astype("timedelta64[D]")
    return pa.table({
        "id": np.arange(ROWS),
        "x": np.round(x + random.normal(0, 40, ROWS)).astype(np.int64),
        "y": np.round(y + random.normal(0, 40, ROWS)).astype(np.int64),
        "kind": np.where(x > 0, "east", "west"),
        "day": day,
        "note": pa.array(np.where(random.random(ROWS) < 0.2, None, random.integers(0, 9, ROWS))),
    })  # fmt: skip


def off_curve(table: pa.Table) -> float:
    """Mean distance from the curve."""
    angle = np.linspace(0, 2 * np.pi, 720)
    curve = np.stack([np.cos(angle) * 1_000, np.sin(2 * angle) * 1_000])
    points = np.stack([table["x"].to_numpy(), table["y"].to_numpy()])
    return float(np.sqrt(((points[:, :, None] - curve[:, None, :]) ** 2).sum(0)).min(1).mean())


def fitted(synthesizer: dict[str, Any], **declared: Any) -> sl.Artifact:
    return sl.fit({"m": moons()}, {"m": {"primary_key": ["id"], **declared}}, seed=1,
                  synthesizer=synthesizer)  # fmt: skip


@pytest.fixture(scope="module")
def refined() -> sl.Artifact:
    return fitted(TRIES)


@pytest.fixture(scope="module")
def made(refined: sl.Artifact) -> pa.Table:
    return refined.sample(seed=3).to_arrow()["m"]


def test_rows_are_nearer_to_the_real_ones(made: pa.Table) -> None:
    once = fitted(ONCE).sample(seed=3).to_arrow()["m"]
    real = off_curve(moons())
    assert off_curve(made) - real < 0.8 * (off_curve(once) - real)
    assert made.schema == once.schema


def test_keys_and_shares_are_as_ever(made: pa.Table) -> None:
    real = moons()
    assert len(set(made["id"].to_pylist())) == made.num_rows == ROWS
    assert made["note"].null_count / ROWS == pytest.approx(real["note"].null_count / ROWS, abs=0.02)
    east = [np.mean(np.asarray(t["kind"]) == "east") for t in (made, real)]
    assert east[0] == pytest.approx(east[1], abs=0.03)


def test_any_range_has_the_same_rows(refined: sl.Artifact) -> None:
    twin = refined.sample(rows={"m": 40_000}, seed=3)
    whole = twin.to_arrow()["m"]
    part = pa.Table.from_batches(twin["m"].batches(16_000, 33_111))
    assert part.equals(whole.slice(16_000, 17_111))


def test_many_draws_are_made_part_by_part(monkeypatch: pytest.MonkeyPatch) -> None:
    many = fitted({**TRIES, "tries": 64})
    held: list[int] = []
    draw = refined_module.Draws.draw

    def noted(block: refined_module.Draws, columns: Sequence[str]) -> None:
        held.append(block.rows)
        draw(block, columns)

    monkeypatch.setattr(refined_module.Draws, "draw", noted)
    twin = many.sample(rows={"m": 20_000}, seed=3)
    whole = twin.to_arrow()["m"]
    assert sum(held) == 64 * 20_000
    assert max(held) <= 8 * 16_384
    part = pa.Table.from_batches(twin["m"].batches(1_900, 17_000))
    assert part.equals(whole.slice(1_900, 15_100))
    assert off_curve(whole) < 300


def test_an_artifact_that_was_saved_makes_the_same(
    refined: sl.Artifact, made: pa.Table, tmp_path: Path
) -> None:
    refined.save(tmp_path / "a")
    again = sl.load(tmp_path / "a").sample(seed=3).to_arrow()["m"]
    assert again.equals(made)


def test_rules_hold(refined: sl.Artifact) -> None:
    ruled = fitted(TRIES, constraints=[{"predicate": "x + y > -1200"}])
    twin = ruled.sample(seed=3).to_arrow()["m"]
    assert int((twin["x"].to_numpy() + twin["y"].to_numpy()).min()) > -1_200
    assert off_curve(twin) < 300


def test_conditions_and_imputation_go_on(refined: sl.Artifact) -> None:
    given = refined.sample(given={"m": {"where": {"kind": "east"}, "rows": 500}}, seed=1)
    assert set(given.to_arrow()["m"]["kind"].to_pylist()) == {"east"}


def test_new_categories_of_further_rows_are_as_frequent_as_they_are(refined: sl.Artifact) -> None:
    further = moons(3)
    kind = np.where(np.arange(ROWS) % 4 == 0, "north", np.asarray(further["kind"]))
    held = refined.refit({"m": further.set_column(3, "kind", pa.array(kind))})
    twin = held.sample(seed=3).to_arrow()["m"]
    assert np.mean(np.asarray(twin["kind"]) == "north") == pytest.approx(0.125, abs=0.012)


def test_it_is_left_out_where_it_says_nothing() -> None:
    random = np.random.default_rng(4)
    table = pa.table({"a": random.integers(0, 9, ROWS), "b": random.integers(0, 9, ROWS)})
    usual = {"name": "trees"}
    both = [
        sl.fit({"t": table}, {"t": {"primary_key": []}}, seed=1, synthesizer=s).sample(seed=2)
        for s in (usual, {**usual, "tries": 4})
    ]
    assert both[0].to_arrow()["t"].equals(both[1].to_arrow()["t"])


def families() -> tuple[dict[str, pa.Table], dict[str, Any]]:
    """Points of two makers and a colour, numbered within the maker; a point has notes."""
    random = np.random.default_rng(2)
    points = moons()
    maker = np.sort(random.integers(0, 300, ROWS))
    number = np.arange(ROWS) - np.searchsorted(maker, maker)
    colour = pa.array(random.integers(0, 25, ROWS), mask=random.random(ROWS) < 0.1)
    tables = {
        "makers": pa.table({"id": np.arange(300), "size": random.integers(1, 9, 300)}),
        "colours": pa.table({"id": np.arange(25), "hue": random.integers(0, 360, 25)}),
        "points": pa.table({
            "maker": maker, "number": number, "colour": colour,
            **{n: points[n] for n in ("x", "y", "kind", "note")},
        }),
        "remarks": pa.table({"id": np.arange(2_000), "maker": maker[:2_000],
                             "number": number[:2_000], "length": random.integers(0, 99, 2_000)}),
    }  # fmt: skip
    to_maker = {"columns": ["maker"], "references": "makers", "mode": "own"}
    schema = {
        "makers": {"primary_key": ["id"]},
        "colours": {"primary_key": ["id"]},
        "points": {
            "primary_key": ["maker", "number"],
            "foreign_keys": [to_maker, {"columns": ["colour"], "references": "colours"}],
            "sequence": False,
        },
        "remarks": {
            "primary_key": ["id"],
            "foreign_keys": [{"columns": ["maker", "number"], "references": "points"}],
        },
    }
    return tables, schema


def test_children_keep_their_keys_and_come_nearer() -> None:
    tables, schema = families()
    made = []
    for settings in (ONCE, TRIES):
        held = {**schema, "points": {**schema["points"], "synthesizer": settings}}
        twin = sl.fit(tables, held, seed=1).sample(seed=3)
        found = twin.to_arrow()
        made.append(found)
        part = pa.Table.from_batches(twin["points"].batches(1_000, 2_345))
        assert part.equals(found["points"].slice(1_000, 1_345))
    once, several = made
    for name in ("maker", "number", "colour"):  # as they are drawn once
        assert several["points"][name].equals(once["points"][name])
    for name in ("makers", "colours"):
        assert several[name].equals(once[name])
    for name in ("maker", "number"):
        assert several["remarks"][name].equals(once["remarks"][name])
    keys = several["points"].select(["maker", "number"]).to_pylist()
    assert len({tuple(k.values()) for k in keys}) == len(keys)
    real = off_curve(moons())
    off = [off_curve(found["points"]) - real for found in made]
    assert off[1] < 0.85 * off[0]


def test_rows_in_an_order_are_refused() -> None:
    random = np.random.default_rng(5)
    steps = pa.table({
        "walk": np.repeat(np.arange(200), 20), "number": np.tile(np.arange(1, 21), 200),
        "at": np.cumsum(random.normal(0, 1, (200, 20)), axis=1).ravel().round(2),
    })  # fmt: skip
    walks = pa.table({"id": np.arange(200), "kind": random.integers(0, 3, 200)})
    schema = {
        "walks": {"primary_key": ["id"]},
        "steps": {
            "primary_key": ["walk", "number"],
            "foreign_keys": [{"columns": ["walk"], "references": "walks", "mode": "own"}],
            "sequence": {"by": "number"}, "synthesizer": TRIES,
        },
    }  # fmt: skip
    with pytest.raises(LearnError, match="leave tries out") as caught:
        sl.fit({"walks": walks, "steps": steps}, schema)
    assert "steps: rows that follow each other" in str(caught.value)


@pytest.mark.parametrize("tries", [0, -1, 65, "many"])
def test_senseless_tries_are_refused(tries: Any) -> None:
    with pytest.raises(SpecError, match="tries"):
        fitted({"name": "trees", "tries": tries})
