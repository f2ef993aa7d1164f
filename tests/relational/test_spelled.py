"""Identifiers of a twin that are spelled from its names."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import synthlake as sl
from synthlake.relational import Generator, Model, plan_sample
from synthlake.store.inspection import inspect

ROWS = 600
NAMES = ["Ann", "Bob", "Cid", "Dora", "Eve", "Finn", "Gus", "Hal", "Ida", "Jon", "Kay", "Leo"]


def members(rows: int = ROWS) -> pa.Table:
    """People with a slug that tells namesakes apart, a code, and a code of nothing."""
    dice = random.Random(3)
    ends = ["son", "berg", "man", "ley", "ton", "ford", "well", "ham", "wick", "by"]
    last = [f"{dice.choice('BCDFGHKLMNPRST')}{dice.choice('aeiou')}"
            f"{dice.choice('lmnrt')}{dice.choice(ends)}" for _ in range(rows)]  # fmt: skip
    first = [dice.choice(NAMES) for _ in range(rows)]
    seen: dict[str, int] = {}
    slugs = []
    for one, other in zip(first, last, strict=True):
        seen[other] = seen.get(other, 0) + 1
        many = "" if seen[other] < 3 else str(seen[other])
        slugs.append(other.lower() if seen[other] == 1 else f"{one}-{other}{many}".lower())
    return pa.table({
        "id": range(rows),
        "slug": slugs,
        "code": [name[:3].upper() if dice.random() < 0.9 else None for name in last],
        "first_name": first,
        "last_name": last,
        "noise": ["".join(dice.choice("qwxz") for _ in range(7)) for _ in range(rows)],
    })  # fmt: skip


SCHEMA: dict[str, Any] = {
    "members": {
        "primary_key": ["id"],
        "columns": {
            "slug": {"role": "key"},
            "code": {"role": "key"},
            "noise": {"role": "key"},
            "first_name": {"kind": "first_name"},
            "last_name": {"kind": "last_name"},
        },
    }
}


@pytest.fixture(scope="module")
def learned() -> sl.Artifact:
    return sl.fit({"members": members()}, SCHEMA, seed=1, holdout=0.0)


def test_identifiers_are_spelled_as_the_real_ones_are(learned: sl.Artifact) -> None:
    twin = learned.sample(1.0, seed=2).to_arrow()["members"]
    rows = twin.to_pylist()
    plain = [r for r in rows if r["slug"] == r["last_name"].lower()]
    assert len(plain) > ROWS // 2
    assert all(r["last_name"].lower() in r["slug"] for r in rows)
    coded = [r for r in rows if r["code"] is not None]
    assert 0.8 < len(coded) / ROWS < 0.97
    assert all(r["code"] == r["last_name"][:3].upper() for r in coded)


@pytest.mark.parametrize("scale", [0.1, 1.0, 20.0])
def test_no_slug_stands_twice(learned: sl.Artifact, scale: float) -> None:
    slugs = learned.sample(scale, seed=3).to_arrow()["members"]["slug"].to_pylist()
    assert len(set(slugs)) == len(slugs)


def test_as_many_names_are_different_as_real_ones(learned: sl.Artifact) -> None:
    real = len(set(members()["last_name"].to_pylist()))
    twin = learned.sample(1.0, seed=4).to_arrow()["members"]
    assert abs(len(set(twin["last_name"].to_pylist())) - real) < 0.15 * ROWS


def test_names_are_as_long_as_real_ones(learned: sl.Artifact) -> None:
    twin = learned.sample(5.0, seed=5).to_arrow()["members"]

    def mean(table: pa.Table, name: str) -> float:
        texts = table[name].to_pylist()
        return sum(map(len, texts)) / len(texts)

    for name in ("first_name", "last_name"):
        assert abs(mean(twin, name) - mean(members(), name)) < 0.5


def test_what_follows_from_nothing_is_made_by_its_own_pattern(learned: sl.Artifact) -> None:
    twin = learned.sample(1.0, seed=6).to_arrow()["members"]
    assert all(re.fullmatch("[a-z]{7}", text) for text in twin["noise"].to_pylist())


def test_any_cut_has_the_same_rows(learned: sl.Artifact) -> None:
    parts: Any = learned  # the model and its plan are no part of the API
    model = next(held for held in vars(parts).values() if isinstance(held, Model))
    generator = Generator(model, plan_sample(model, 7))
    whole = pa.Table.from_batches(generator.batches("members", 0, ROWS)).to_pylist()
    for at in range(0, ROWS, 97):
        end = min(at + 97, ROWS)
        again = Generator(model, plan_sample(model, 7)).batches("members", at, end)
        assert pa.Table.from_batches(again).to_pylist() == whole[at:end]


def test_no_real_name_is_in_the_twin_but_by_chance(learned: sl.Artifact) -> None:
    real = set(members()["last_name"].to_pylist())
    twin = learned.sample(1.0, seed=8).to_arrow()["members"]["last_name"].to_pylist()
    assert sum(name in real for name in twin) < 0.05 * ROWS


def test_plain_values_and_back(learned: sl.Artifact, tmp_path: Path) -> None:
    learned.save(tmp_path / "artifact")
    again = sl.load(tmp_path / "artifact").sample(1.0, seed=9).to_arrow()["members"]
    assert again.equals(learned.sample(1.0, seed=9).to_arrow()["members"])


def test_an_artifact_says_what_is_spelled(learned: sl.Artifact, tmp_path: Path) -> None:
    said = str(inspect(learned.save(tmp_path / "artifact")))
    assert "spelled from last_name" in said


def surnames(rows: int, dice: random.Random) -> list[str]:
    ends = ["son", "berg", "ov", "ev", "er"]
    return [f"{dice.choice('BCDFGHKLMNPRST')}{dice.choice('aeiou')}"
            f"{dice.choice('lmnrt')}{dice.choice(ends)}" for _ in range(rows)]  # fmt: skip


def numbered(texts: list[str]) -> list[str]:
    """The texts, namesakes with a number behind."""
    seen: dict[str, int] = {}
    out = []
    for text in texts:
        seen[text] = seen.get(text, 0) + 1
        out.append(text if seen[text] == 1 else f"{text}{seen[text]}")
    return out


def twin_of(
    table: pa.Table, slugs: list[str], locale: str = "en_US", scale: float = 1.0
) -> pa.Table:
    columns: dict[str, Any] = {name: {"role": "key"} for name in slugs}
    columns["last_name"] = {"kind": "last_name", "locale": locale}
    if "first_name" in table.column_names:
        columns["first_name"] = {"kind": "first_name", "locale": locale}
    schema: dict[str, Any] = {"people": {"primary_key": ["id"], "columns": columns}}
    artifact = sl.fit({"people": table}, schema, seed=1, holdout=0.0)
    return artifact.sample(scale, seed=2).to_arrow()["people"]


@pytest.mark.parametrize("second", ["{first}", "{initial}{last}"])
def test_a_second_spelling_that_tells_no_rows_apart_is_none(second: str) -> None:
    dice = random.Random(1)
    last = surnames(600, dice)
    first = ["".join(dice.choice("abcdefgh") for _ in range(6)).title() for _ in last]
    slugs: list[str] = []
    taken: set[str] = set()
    for number, (one, other) in enumerate(zip(first, last, strict=True)):
        asked = (other, second.format(first=one, last=other, initial=one[0]), f"zz{number}")
        slugs.append(next(t for t in map(str.lower, asked) if t not in taken))
        taken.add(slugs[-1])
    table = pa.table({"id": range(600), "slug": slugs, "first_name": first, "last_name": last})
    twin = twin_of(table, ["slug"], scale=3.0)
    assert len(set(twin["slug"].to_pylist())) == twin.num_rows
    for row in twin.to_pylist():
        assert re.fullmatch(row["last_name"].lower() + "[0-9]*", row["slug"])


@pytest.mark.parametrize("order", [["short", "long"], ["long", "short"]])
def test_two_identifiers_of_one_name_repeat_nothing(order: list[str]) -> None:
    dice = random.Random(1)
    last = [dice.choice(["van den ", "de ", "", ""]) + name for name in surnames(600, dice)]
    table = pa.table({
        "id": range(600),
        "short": numbered([name.split()[-1].lower() for name in last]),
        "long": numbered([name.replace(" ", "-").lower() for name in last]),
        "last_name": last,
    }).select(["id", *order, "last_name"])  # fmt: skip
    twin = twin_of(table, order, "nl_NL", 3.0)
    for name in order:
        assert len(set(twin[name].to_pylist())) == twin.num_rows


@pytest.mark.parametrize("locale", ["ru_RU", "bg_BG", "ja_JP"])
def test_names_in_other_letters_are_not_spelled(locale: str) -> None:
    last = surnames(400, random.Random(1))
    table = pa.table({
        "id": range(400),
        "slug": numbered([name.lower() for name in last]),
        "code": [f"X-{name[:3].upper()}" for name in last],
        "last_name": last,
    })  # fmt: skip
    twin = twin_of(table, ["slug", "code"], locale)
    assert len(set(twin["slug"].to_pylist())) == twin.num_rows
    assert all(re.fullmatch("[a-z]+[0-9]*", text) for text in twin["slug"].to_pylist())
    assert all(re.fullmatch("X-[A-Z]{3}", text) for text in twin["code"].to_pylist())
    assert len(set(twin["last_name"].to_pylist())) > 20


def test_a_second_spelling_that_holds_the_first_is_kept(learned: sl.Artifact) -> None:
    slugs = learned.sample(1.0, seed=2).to_arrow()["members"]["slug"].to_pylist()
    assert sum("-" in slug for slug in slugs) > 20
