"""Identifiers and personal data of a whole twin: unique, of their pattern, and nobody's."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import synthlake as sl
from synthlake.errors import SampleError
from synthlake.relational import Generator, Model
from synthlake.schema import validators
from synthlake.store.artifact import load
from synthlake.store.inspection import inspect

ROWS = 800
UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
UNIQUE = ["order_no", "token", "isbn", "badge", "email", "full_name", "phone", "serial"]
CANARY = "Zzyqxcanary"


def card(number: int) -> str:
    """An ISBN-13."""
    body = f"978{number:09d}"
    total = sum(int(d) * (3 if i % 2 else 1) for i, d in enumerate(body))
    return f"{body}{-total % 10}"


def clients() -> pa.Table:
    """A table of identifiers and of people, every one of whom has a canary in the name."""
    random = np.random.default_rng(8)
    number = random.permutation(10**6)[:ROWS]
    vip = random.random(ROWS) < 0.3
    tail = [f"{random.integers(16**12):012x}" for _ in range(ROWS)]
    return pa.table({
        "client_id": np.arange(ROWS) + 1,
        "vip": vip,
        "order_no": random.permutation(ROWS) + 50_000,
        "token": [f"{n:08x}-0a0b-7c1d-9e2f-{t}" for n, t in zip(number, tail, strict=True)],
        "isbn": [card(int(n) * 997 + 11) for n in number],
        "badge": [f"IN-{n:06d}" if n % 4 else f"EX{n:07d}" for n in number],
        "zipcode_text": [f"0{n % 10_000:04d}" for n in number],
        "email": [f"{CANARY.lower()}{n}@mail{n % 90}.org" for n in number],
        "full_name": [f"{CANARY} Wworthyman{n}" for n in number],
        "phone": [None if v else f"+1 212 {n:07d}" for v, n in zip(vip, number, strict=True)],
        "company": [f"{CANARY}corp {i % 400}" for i in range(ROWS)],
        "serial": [f"S{n}K" for n in number + 1_000_000],
        "visits": random.integers(0, 30, ROWS),
    })  # fmt: skip


DECLARED: dict[str, Any] = {
    "clients": {
        "primary_key": ["client_id"],
        "columns": {
            "full_name": {"kind": "person_name", "locale": "de_DE"},
            "serial": {"pattern": "(S|T)[0-9]{6,8}K?"},
        },
    }
}


@pytest.fixture(scope="module")
def real() -> pa.Table:
    return clients()


@pytest.fixture(scope="module")
def learned(real: pa.Table) -> sl.Artifact:
    return sl.fit({"clients": real}, DECLARED, seed=1)


@pytest.fixture(scope="module", params=[1.0, 10.0], ids=["as large", "ten times"])
def twin(request: pytest.FixtureRequest, learned: sl.Artifact) -> pa.Table:
    return learned.sample(request.param, seed=4).to_arrow()["clients"]


def test_what_repeats_nothing_repeats_nothing(real: pa.Table, twin: pa.Table) -> None:
    for name in UNIQUE:
        for table in (real, twin):
            values = table[name].drop_null()
            assert len(values.unique()) == len(values), name


def test_patterns_versions_and_check_digits_stay(twin: pa.Table) -> None:
    held = {name: twin[name].to_pylist() for name in twin.column_names}
    assert all(UUID7.fullmatch(v) for v in held["token"])
    assert all(re.fullmatch(r"978\d{10}", v) and card(int(v[3:12])) == v for v in held["isbn"])
    assert all(re.fullmatch(r"IN-\d{6}|EX\d{7}", v) for v in held["badge"])
    assert all(re.fullmatch(r"0\d{4}", v) for v in held["zipcode_text"])
    assert all(re.fullmatch(r"(S|T)[0-9]{6,8}K?", v) for v in held["serial"])
    share = np.mean([v.startswith("EX") for v in held["badge"]])
    assert abs(share - 0.25) < 0.06


def test_nulls_follow_the_row(twin: pa.Table) -> None:
    gone, vip = np.asarray(twin["phone"].is_null()), np.asarray(twin["vip"])
    assert (gone == vip).mean() > 0.98


def test_people_hang_together(twin: pa.Table) -> None:
    for name, mail in zip(twin["full_name"].to_pylist(), twin["email"].to_pylist(), strict=True):
        first, _, last = name.partition(" ")
        if len(re.split("[ -]", name)) == 2 and name.isascii() and "." not in name:
            letters = [re.sub("[^a-z]", "", part.lower()) for part in (first, last)]
            assert mail.startswith(".".join(letters))
    assert all(validators.is_email(mail) for mail in twin["email"].to_pylist())


def test_companies_repeat_as_often(real: pa.Table, twin: pa.Table) -> None:
    share = [len(t["company"].unique()) / t.num_rows for t in (real, twin)]
    assert share[1] == pytest.approx(share[0], rel=0.02)


def test_no_token_of_a_real_value_is_anywhere(
    real: pa.Table, learned: sl.Artifact, twin: pa.Table, tmp_path: Path
) -> None:
    path = learned.save(tmp_path / "artifact")
    held = b"".join(p.read_bytes() for p in Path(path).rglob("*") if p.is_file())
    written = json.dumps([twin[n].to_pylist() for n in twin.column_names], default=str).encode()
    tokens = {CANARY, CANARY.lower(), "Wworthyman", "mail7"}
    for name in ("token", "isbn", "email", "full_name", "serial"):
        tokens |= {str(v) for v in real[name].to_pylist()}
    for data, where in ((held, "artifact"), (written, "twin")):
        found = [t for t in tokens if t.encode() in data]
        # 800 of 200,000,000 possible serials, and of 10**9 numbers: by chance at most
        assert [t for t in found if not t.isdigit() and not t.startswith("S")] == [], where
        assert len(found) <= 3, where


def test_any_range_is_the_same_after_loading(learned: sl.Artifact, tmp_path: Path) -> None:
    whole = learned.sample(2.0, seed=4)
    rows = whole.to_arrow()["clients"]
    model = Model.from_parts(load(learned.save(tmp_path / "artifact")).parts)
    assert sl.load(tmp_path / "artifact").id == learned.id
    fresh = Generator(model, whole.plan)
    for start, stop in ((0, 3), (1_111, 1_600), (799, 801)):
        part = pa.Table.from_batches(fresh.batches("clients", start, stop), rows.schema)
        assert part.equals(rows.slice(start, stop - start))


def test_the_artifact_lists_it(learned: sl.Artifact, tmp_path: Path) -> None:
    held = inspect(learned.save(tmp_path / "artifact"))
    said = {(e.place, e.what) for e in held.entries if e.table == "clients"}
    assert ("order_no", "identifier: numbers that grow") in said
    assert ("badge", "identifier: patterns and their weights") in said
    assert ("email", "personal: email, de_DE; nothing learned but its form") in said
    assert ("", "word lists of Faker, de_DE") in said
    assert ("phone", "whether there is a value") in said


def test_a_pattern_without_room_says_so_before_it_starts() -> None:
    table = pa.table({"id": np.arange(90), "slot": [f"{i:02d}" for i in range(90)]})
    declared = {"t": {"primary_key": ["id"], "columns": {"slot": {"pattern": "[0-9]{2}"}}}}
    made = sl.fit({"t": table}, declared, seed=1)
    assert len(made.sample(1.1).to_arrow()["t"]["slot"].unique()) == 99
    with pytest.raises(SampleError) as caught:
        made.sample(2.0).to_arrow()
    assert "100 distinct values, and 180 rows" in caught.value.message
    assert caught.value.hint


def test_children_have_identifiers_too() -> None:
    random = np.random.default_rng(3)
    homes = pa.table({"home_id": np.arange(200), "kind": random.choice(["flat", "house"], 200)})
    tenants = pa.table({
        "home_id": np.sort(random.integers(0, 200, 900)),
        "mail": [f"x{i}@y.org" for i in range(900)],
        "contract": [f"C{i:05d}" for i in random.permutation(90_000)[:900]],
    })  # fmt: skip
    declared = {"tenants": {"foreign_keys": [
        {"columns": ["home_id"], "references": "homes", "mode": "own"}]}}  # fmt: skip
    twin = sl.fit({"homes": homes, "tenants": tenants}, declared, seed=1).sample(3.0).to_arrow()
    made = twin["tenants"]
    assert made.num_rows > 2_000
    assert len(made["mail"].unique()) == len(made["contract"].unique()) == made.num_rows
    assert all(re.fullmatch(r"C\d{5}", v) for v in made["contract"].to_pylist())
    assert set(made["home_id"].to_pylist()) <= set(twin["homes"]["home_id"].to_pylist())


def test_codes_that_repeat_keep_their_shapes_and_how_often() -> None:
    random = np.random.default_rng(5)
    known = [f"N{n}{chr(65 + n % 26)}Q" for n in random.permutation(9_000)[:300] + 1_000]
    table = pa.table({"id": np.arange(1_500), "tail_no": random.choice(known, 1_500)})
    twin = sl.fit({"t": table}, {"t": {"primary_key": ["id"]}}, seed=1).sample(2.0).to_arrow()["t"]
    values = twin["tail_no"].to_pylist()
    assert all(re.fullmatch(r"N\d{4}[A-Z]Q", v) for v in values)
    assert len(set(values)) == pytest.approx(2 * 300, rel=0.02)
    assert len(set(values) & set(known)) < 30  # of 234,000 possible: by chance
