"""Tables that are empty, public, keyless, one-to-one, or whose keys hold only so many rows."""

from __future__ import annotations

import decimal
import uuid
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tests.relational.databases import Database, Declared, days, fit, key, made, rates, repeats


def families(**child: Any) -> tuple[Database, Declared]:
    """300 parents and a child table ``c`` with the column ``p``; its key is (p, ...)."""
    random = np.random.default_rng(7)
    tables = made({"p": {"p": np.arange(300), "v": random.integers(0, 3, 300)}, "c": child})
    own = {"primary_key": list(child)[:-1], "foreign_keys": [key("p", "p")]}
    return tables, {"p": {"primary_key": ["p"]}, "c": own}


def distinct(*sides: int, rows: int = 1_200) -> list[np.ndarray]:  # type: ignore[type-arg]
    """Columns of random tuples that do not repeat."""
    random = np.random.default_rng(8)
    drawn = np.stack([random.integers(0, side, rows) for side in sides])
    return list(np.unique(drawn, axis=1))


def test_empty_tables() -> None:
    none = pa.array([], pa.int64())
    tables = made({
        "a": {"id": np.arange(300), "v": np.arange(300) % 7},
        "b": {"b": none, "id": none, "z": pa.array([], pa.string())},
        "c": {"c": none},
        "e": {"e": np.arange(300), "c": pa.nulls(300, pa.int64()), "b": pa.nulls(300, pa.int64())},
    })  # fmt: skip
    declared: Declared = {
        "a": {"primary_key": ["id"]},
        "b": {"primary_key": ["b"], "foreign_keys": [key("id", "a")]},
        "c": {"primary_key": ["c"]},
        "e": {"primary_key": ["e"], "foreign_keys": [key("c", "c"), key("b", "b", "match")]},
    }
    _, artifact = fit((tables, declared))
    twin = artifact.sample(2.0).to_arrow()
    assert {n: t.num_rows for n, t in twin.items()} == {"a": 600, "b": 0, "c": 0, "e": 600}
    assert {n: t.schema for n, t in twin.items()} == {n: t.schema for n, t in tables.items()}
    assert twin["e"]["c"].null_count == twin["e"]["b"].null_count == 600


def test_tables_without_key() -> None:
    random = np.random.default_rng(3)
    tables = made({
        "a": {"id": np.arange(300), "v": random.integers(0, 5, 300)},
        "logs": {"id": random.integers(0, 300, 1_000), "m": random.integers(0, 9, 1_000)},
        "loose": {"x": random.integers(0, 9, 400), "y": random.random(400)},
    })  # fmt: skip
    declared: Declared = {
        "a": {"primary_key": ["id"]},
        "logs": {"primary_key": [], "foreign_keys": [key("id", "a")]},
        "loose": {"primary_key": []},
    }
    _, artifact = fit((tables, declared))
    twin = artifact.sample(3.0, seed=1).to_arrow()
    assert rates(twin, "logs", "id", "a") == (0, 0)
    assert twin["loose"].num_rows == 1_200
    assert twin["logs"].num_rows == pytest.approx(3_000, rel=0.02)


def test_a_public_table_with_a_composite_key_and_rare_rows() -> None:
    random = np.random.default_rng(6)
    code, number = np.repeat(["AA", "BB", "CC", "DD"], 60), np.tile(np.arange(60), 4)
    picked = np.where(random.random(1_500) < 0.8, *random.integers(0, [[20], [240]], (2, 1_500)))
    tables = made({
        "ref": {"code": code, "number": number, "name": [f"n{i}" for i in range(240)]},
        "facts": {
            "id": np.arange(1_500),
            "code": code[picked],
            "number": number[picked].astype(np.int32),
            "v": random.integers(0, 9, 1_500),
        },
    })  # fmt: skip
    declared: Declared = {
        "ref": {"primary_key": ["code", "number"], "keep": True},
        "facts": {"primary_key": ["id"], "foreign_keys": [key("code number", "ref", "match")]},
    }
    _, artifact = fit((tables, declared))
    twin = artifact.sample(3.0, seed=1).to_arrow()
    order = [("code", "ascending"), ("number", "ascending")]
    assert twin["ref"].sort_by(order).equals(tables["ref"])
    assert twin["facts"].schema == tables["facts"].schema
    assert rates(twin, "facts", "code number", "ref") == (0, 0)
    used = set(
        zip(twin["facts"]["code"].to_pylist(), twin["facts"]["number"].to_pylist(), strict=True)
    )
    real = len(np.unique(picked))
    assert abs(len(used) - real) < 20, "rare rows are referred to as well, and as many of them"


def test_one_row_a_parent() -> None:
    child = np.sort(np.random.default_rng(1).permutation(300)[:200])
    tables, declared = families(p=child, w=np.arange(200) % 5)
    _, artifact = fit((tables, declared))
    for scale in (1.0, 7.0):
        twin = artifact.sample(scale, seed=1).to_arrow()
        assert repeats(twin["c"], "p") == 0
        assert rates(twin, "c", "p", "p") == (0, 0)
        assert twin["c"].num_rows == pytest.approx(200 * scale, rel=0.03)


@pytest.mark.parametrize("scale", [1.0, 4.0])
def test_a_key_with_a_category(scale: float) -> None:
    parent, day = distinct(300, 7)
    names = np.array(["mo", "tu", "we", "th", "fr", "sa", "su"])
    real, artifact = fit(families(p=parent, day=names[day], opens=(parent + day) % 5))
    twin = artifact.sample(scale, seed=1).to_arrow()
    assert repeats(twin["c"], "p day") == 0
    assert set(twin["c"]["day"].to_pylist()) == set(names)
    assert twin["c"].num_rows == pytest.approx(real["c"].num_rows * scale, rel=0.02)


def test_a_key_with_two_categories() -> None:
    parent, a, b = distinct(300, 3, 4)
    sides = {"a": np.array(list("xyz"))[a], "b": np.array(list("klmn"))[b]}
    real, artifact = fit(families(p=parent, **sides, v=parent % 9))
    twin = artifact.sample(2.0, seed=1).to_arrow()
    assert repeats(twin["c"], "p a b") == 0
    assert twin["c"].num_rows == pytest.approx(real["c"].num_rows * 2, rel=0.02)


def test_a_key_with_text_that_is_not_recalled() -> None:
    parent, letter, digit = distinct(300, 26, 10, rows=900)
    text = [f"{chr(65 + x)}{y}" for x, y in zip(letter, digit, strict=True)]
    _, artifact = fit(families(p=parent, text=text, v=parent % 9), k=20)
    twin = artifact.sample(3.0, seed=1).to_arrow()
    assert repeats(twin["c"], "p text") == 0


def test_children_whose_key_holds_no_more() -> None:
    random = np.random.default_rng(10)
    names = [str(uuid.UUID(int=int(x) * 2**64 + int(y), version=4))
             for x, y in random.integers(0, 2**62, (400, 2))]  # fmt: skip
    tables = made({
        "u": {"u": names, "v": random.integers(0, 4, 400)},
        "text": {"t": [f"{i:03d}" for i in range(950)], "u": random.choice(names, 950)},
        "small": {"s": pa.array(range(100), pa.int8()), "u": random.choice(names, 100)},
    })  # fmt: skip
    declared: Declared = {
        "u": {"primary_key": ["u"]},
        "text": {"primary_key": ["t"], "foreign_keys": [key("u", "u")]},
        "small": {"primary_key": ["s"], "foreign_keys": [key("u", "u")]},
    }
    _, artifact = fit((tables, declared))
    sample = artifact.sample(3.0, seed=1)
    twin = sample.to_arrow()
    assert twin["u"].num_rows == 1_200
    for name, column, most in (("text", "t", 1_000), ("small", "s", 128)):
        assert repeats(twin[name], column) == 0
        assert rates(twin, name, "u", "u") == (0, 0)
        assert 0.9 * most < twin[name].num_rows <= most
        assert any(note.startswith(f"{name} cannot grow") for note in sample.notes)


def test_dates_and_decimals_as_keys() -> None:
    random = np.random.default_rng(11)
    dates = days(500)
    tables = made({
        "calendar": {"day": dates, "w": random.integers(0, 7, 500)},
        "sales": {
            "id": pa.array([decimal.Decimal(i) for i in range(900)], pa.decimal128(38, 0)),
            "day": dates.take(pa.array(random.integers(0, 500, 900))),
            "x": random.integers(0, 5, 900),
        },
    })  # fmt: skip
    declared: Declared = {
        "calendar": {"primary_key": ["day"]},
        "sales": {"primary_key": ["id"], "foreign_keys": [key("day", "calendar")]},
    }
    _, artifact = fit((tables, declared))
    sample = artifact.sample(3.0, seed=1)
    twin = sample.to_arrow()
    assert repeats(twin["calendar"], "day") == repeats(twin["sales"], "id") == 0
    assert rates(twin, "sales", "day", "calendar") == (0, 0)
    assert twin["sales"].schema == tables["sales"].schema
    assert twin["calendar"].num_rows == 500, "a series without gaps is held"
    assert twin["sales"].num_rows == pytest.approx(2_700, rel=0.02), "its children grow"
    assert "calendar cannot grow" in sample.notes[0]


def readings(mode: str | None) -> tuple[Database, Declared]:
    """A full grid of sensors and hours."""
    sensor, hour = np.divmod(np.arange(2_000), 50)
    tables = made({
        "sensors": {"sensor": np.arange(40) + 7, "kind": np.array(["x", "y"])[np.arange(40) % 2]},
        "readings": {"sensor": sensor + 7, "hour": hour, "value": (sensor * hour) % 99},
    })  # fmt: skip
    held = key("sensor", "sensors", mode or "")
    if mode is None:
        del held["mode"]
    return tables, {
        "sensors": {"primary_key": ["sensor"]},
        "readings": {"primary_key": ["sensor", "hour"], "foreign_keys": [held]},
    }


@pytest.mark.parametrize("mode", ["own", None])
def test_a_grid_over_rows_that_are_made_anew(mode: str | None) -> None:
    _, artifact = fit(readings(mode))
    twin = artifact.sample(2.0, seed=1).to_arrow()
    assert repeats(twin["readings"], "sensor hour") == 0
    assert rates(twin, "readings", "sensor", "sensors") == (0, 0)


@pytest.mark.parametrize("scale", [0.01, 1.0, 3.0])
def test_places_on_a_grid_over_made_parents_are_rows_of_them(scale: float) -> None:
    _, artifact = fit(readings("match"))
    twin = artifact.sample(scale, seed=1).to_arrow()
    assert repeats(twin["readings"], "sensor hour") == 0
    assert rates(twin, "readings", "sensor", "sensors") == (0, 0)


@pytest.mark.parametrize("mode", ["own", "match"])
def test_a_composite_key_of_a_matched_parent_and_a_number(mode: str) -> None:
    random = np.random.default_rng(13)
    site = random.integers(0, 200, 900)
    picked = random.integers(0, 900, 1_500)
    lost = np.where(np.arange(1_500) < 100, random.integers(2_000, 2_050, 1_500), picked)
    tables = made({
        "sites": {"site": np.arange(200), "r": random.integers(0, 4, 200)},
        "events": {"site": site, "number": np.arange(900), "k": random.integers(0, 4, 900)},
        "items": {"item": np.arange(1_500), "site": site[picked], "number": lost},
    })  # fmt: skip
    declared: Declared = {
        "sites": {"primary_key": ["site"]},
        "events": {
            "primary_key": ["site", "number"],
            "foreign_keys": [key("site", "sites", "match")],
        },
        "items": {"primary_key": ["item"], "foreign_keys": [key("site number", "events", mode)]},
    }
    _, artifact = fit((tables, declared))
    for scale in (1.0, 3.0):
        twin = artifact.sample(scale, seed=1).to_arrow()
        assert repeats(twin["events"], "site number") == 0
        assert rates(twin, "events", "site", "sites") == (0, 0)
        found = rates(twin, "items", "site number", "events")
        assert found == pytest.approx((0, 100 / 1_500), abs=0.012)


@pytest.mark.parametrize("mode", ["own", "match"])
def test_orphans_of_columns_that_are_no_key_are_named(mode: str) -> None:
    random = np.random.default_rng(14)
    plate = np.arange(300) + 5_000
    driven = random.choice(plate, 900)
    driven[:100] = random.integers(9_000, 9_050, 100)
    tables = made(
        {
            "cars": {"car": np.arange(300), "plate": plate, "size": random.integers(0, 4, 300)},
            "trips": {
                "trip": np.arange(900),
                "plate": driven,
                "length": random.integers(0, 9, 900),
            },
        }
    )
    declared: Declared = {
        "cars": {"primary_key": ["car"]},
        "trips": {"primary_key": ["trip"], "foreign_keys": [key("plate", "cars", mode, "plate")]},
    }
    _, artifact = fit((tables, declared))
    sample = artifact.sample(seed=1)
    twin = sample.to_arrow()
    assert rates(twin, "trips", "plate", "cars") == (0, 0)
    assert any(note.startswith("trips(plate) -> cars: rows without") for note in sample.notes)
