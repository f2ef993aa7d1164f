"""Cells drawn given the rest of their row: imputation, and partial synthesis."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from tests.relational.test_given import law, typed, variation

import synthlake as sl
from synthlake.errors import SampleError


def holed(table: pa.Table, share: float, seed: int, columns: list[str]) -> pa.Table:
    """The table with cells missing at random."""
    random = np.random.default_rng(seed)
    for name in columns:
        place = table.column_names.index(name)
        mask = pa.array(random.random(table.num_rows) < share)
        whole: Any = table[name].combine_chunks()
        gone: Any = pa.nulls(1, whole.type)
        if pa.types.is_dictionary(whole.type):
            plain = pc.if_else(mask, pa.scalar(None, whole.type.value_type),
                               whole.cast(whole.type.value_type))  # fmt: skip
            made = plain.dictionary_encode().cast(whole.type)
        else:
            made = pc.if_else(mask, gone[0], whole)
        table = table.set_column(place, table.field(name), made)
    return table


def kept(before: pa.Table, after: pa.Table) -> bool:
    """Whether every cell that was known is as it was."""
    for name in before.column_names:
        one: Any = before[name].combine_chunks()
        other: Any = after[name].combine_chunks()
        if pa.types.is_dictionary(one.type):
            one, other = (a.cast(a.type.value_type) for a in (one, other))
        there = one.is_valid()
        if not one.filter(there).equals(other.filter(there)):
            return False
    return before.schema.equals(after.schema) and before.num_rows == after.num_rows


@pytest.fixture(scope="module")
def real() -> pa.Table:
    return typed()


@pytest.fixture(scope="module")
def artifact(real: pa.Table) -> sl.Artifact:
    return sl.fit({"t": real}, seed=3)


@pytest.fixture(scope="module")
def lawful() -> sl.Artifact:
    return sl.fit({"t": law()}, seed=1)


def test_known_cells_stay_and_missing_ones_are_filled(
    artifact: sl.Artifact, real: pa.Table
) -> None:
    """Every type of column at once."""
    given = holed(real.slice(0, 2_500), 0.2, 7, real.column_names)
    filled = artifact.impute(given, seed=1, tries=8)
    assert kept(given, filled)
    assert sum(c.null_count for c in given.columns) > 5_000
    assert sum(c.null_count for c in filled.columns) == 0
    assert artifact.impute(given, seed=1, tries=8).equals(filled)
    assert not artifact.impute(given, seed=2, tries=8).equals(filled)
    # rows stand for themselves: a part of them is filled alike as long as blocks are
    assert artifact.impute(given.slice(0, 1_024), seed=1, tries=8).equals(filled.slice(0, 1_024))


def test_only_some_columns(artifact: sl.Artifact, real: pa.Table) -> None:
    given = holed(real.slice(0, 500), 0.3, 8, ["text", "many"])
    given = given.append_column("other", pa.nulls(500, pa.int8()))
    filled = artifact.impute(given, columns=["many"])
    assert filled["many"].null_count == 0
    assert filled.drop(["many"]).equals(given.drop(["many"]))
    nothing = artifact.impute(given, columns=["few"])
    assert nothing.equals(given)
    assert artifact.impute(given.slice(0, 0)).num_rows == 0


def test_imputed_cells_follow_the_rest_of_the_row(lawful: sl.Artifact) -> None:
    """Columns before and after the missing one tell what it is, as by the law."""
    real = law(12_000)
    given = holed(real, 0.25, 9, ["y"])
    filled = lawful.impute(given, seed=1)
    assert kept(given, filled)
    gone = given["y"].is_null()
    truth, made = real.filter(gone), filled.filter(gone)
    assert variation(truth["y"], made["y"]) < 0.03
    for other in ("a", "b"):
        both = [np.char.add(np.asarray(t["y"]).astype(str), np.asarray(t[other]).astype(str))
                for t in (truth, made)]  # fmt: skip
        assert variation(*both) < 0.1, other
    tens = [np.char.add(np.asarray(t["y"]).astype(str), (np.asarray(t["z"]) // 10).astype(str))
            for t in (truth, made)]  # fmt: skip
    assert variation(*tens) < 0.07
    # by a and b alone, and not by z, the two would differ by more than a fifth
    first = holed(real, 1.0, 9, ["z"])
    blind = lawful.impute(holed(first, 0.25, 9, ["y"]).drop(["z"]), seed=1).filter(gone)
    tens[1] = np.char.add(
        np.asarray(blind["y"]).astype(str), (np.asarray(truth["z"]) // 10).astype(str)
    )
    assert variation(*tens) > 0.2


def test_several_missing_cells_of_a_row(lawful: sl.Artifact) -> None:
    real = law(5_000)
    given = holed(real, 1.0, 9, ["a", "y"])
    filled = lawful.impute(given, seed=1)
    pairs = [np.char.add(np.asarray(t["a"]).astype(str), np.asarray(t["y"]).astype(str))
             for t in (real, filled)]  # fmt: skip
    assert variation(*pairs) < 0.06
    tens = [np.char.add(np.asarray(t["y"]).astype(str), (np.asarray(t["z"]) // 10).astype(str))
            for t in (real, filled)]  # fmt: skip
    assert variation(*tens) < 0.06


def structured(rows: int = 6_000) -> pa.Table:
    random = np.random.default_rng(4)
    city, x = random.integers(0, 40, rows), random.integers(0, 1_000, rows)
    stamps = pa.array(1_500_000_000 + random.integers(0, 700 * 86_400, rows), pa.int64())
    at = stamps.cast(pa.timestamp("s"))
    return pa.table(
        {
            "city": np.char.add("c", city.astype(str)),
            "country": np.char.add("k", (city // 4).astype(str)),
            "area": np.char.add("r", ((city * 7) % 40).astype(str)),
            "x": x,
            "y": 3 * x + random.integers(0, 40, rows),
            "at": at,
            "month": pc.month(at),
        }
    )


@pytest.fixture(scope="module")
def ruled() -> sl.Artifact:
    return sl.fit({"t": structured()}, {"t": {"primary_key": []}}, seed=1)


def test_what_follows_from_others_still_does(ruled: sl.Artifact) -> None:
    """Maps in both directions, parts of dates, and remainders."""
    real = structured().slice(0, 800)
    for column in ("country", "city", "area", "month", "y", "x"):
        given = holed(real, 0.4, 3, [column])
        filled = ruled.impute(given, seed=2, tries=64)
        assert kept(given, filled)
        assert filled[column].null_count == 0
        assert pc.month(filled["at"]).equals(filled["month"])
        city = np.char.strip(np.asarray(filled["city"]).astype(str), "c").astype(int)
        country = np.char.strip(np.asarray(filled["country"]).astype(str), "k").astype(int)
        area = np.char.strip(np.asarray(filled["area"]).astype(str), "r").astype(int)
        assert (city // 4 == country).mean() > 0.995, column
        assert (city * 7 % 40 == area).mean() > 0.995, column
        rest = np.asarray(filled["y"]) - 3 * np.asarray(filled["x"])
        assert np.abs(rest - 20).mean() < (15 if column == "y" else 120)
    given = holed(real, 0.4, 3, ["at"])
    filled = ruled.impute(given, seed=2, tries=64)
    same = pc.equal(pc.month(filled["at"]), filled["month"])
    assert pc.mean(same.cast(pa.int8())).as_py() > 0.98


def test_replaced_columns_are_new_and_the_rest_is_kept(
    lawful: sl.Artifact, artifact: sl.Artifact
) -> None:
    real = law(12_000)
    made = lawful.replace(real, ["y"], seed=1)
    assert made.schema.equals(real.schema)
    assert made.drop(["y"]).equals(real.drop(["y"]))
    new = np.mean(np.asarray(made["y"]) != np.asarray(real["y"]))
    assert 0.4 < new < 0.9
    for other in ("a", "b"):
        both = [np.char.add(np.asarray(t["y"]).astype(str), np.asarray(t[other]).astype(str))
                for t in (real, made)]  # fmt: skip
        assert variation(*both) < 0.06, other
    with_null = typed().slice(0, 3_000)
    again = artifact.replace(with_null, ["part", "money"], seed=1, tries=8)
    assert again.drop(["part", "money"]).equals(with_null.drop(["part", "money"]))
    assert again["part"].null_count / 3_000 == pytest.approx(0.15, abs=0.04)
    other = artifact.replace(with_null, ["part", "money"], seed=2, tries=8)
    assert not other.equals(again)


def test_one_side_of_a_rule_alone_is_not_replaced(ruled: sl.Artifact) -> None:
    real = structured(200)
    for columns, said in (
        (["month"], "month follows from at, and at would stay real"),
        (["at"], "month follows from at, and month would stay real"),
        (["area"], "area follows from city, and city would stay real"),
        (["city"], "area follows from city, and area would stay real"),
    ):
        with pytest.raises(SampleError, match=said) as caught:
            ruled.replace(real, columns)
        assert "as well" in caught.value.hint
    made = ruled.replace(real, ["at", "month"], seed=1)
    assert pc.month(made["at"]).equals(made["month"])
    assert not made["at"].equals(real["at"])


def test_frames_and_streams(lawful: sl.Artifact) -> None:
    frame = law(50).to_pandas()
    frame.loc[3, "y"] = None
    made = lawful.impute(frame)
    assert made["y"].null_count == 0
    assert lawful.impute(made.to_batches()[0]).equals(made)
    frame["z"] = None  # nothing is known of it, not even the type
    assert lawful.impute(frame)["z"].type == pa.int64()
    narrow = made.set_column(3, "z", pa.array([None] * 50, pa.decimal128(3, 2)))
    with pytest.raises(SampleError, match=r"z is decimal128\(3, 2\)"):
        lawful.impute(narrow)
    twin = lawful.sample(rows={"t": 40})["t"]
    assert lawful.impute(twin).equals(twin.to_arrow())


def test_what_cannot_be_filled_is_refused_by_name(lawful: sl.Artifact) -> None:
    real = law(60)
    for call, said in (
        (lambda: lawful.impute(real, columns=["q"]), "the rows have no column 'q'"),
        (lambda: lawful.impute([1, 2]), "rows of the type list are no Arrow table"),
        (lambda: lawful.impute(real, table="u"), "there is no table 'u'"),
        (lambda: lawful.impute(real, tries=0), "0 tries of a row"),
        (lambda: lawful.replace(real, []), "no column is to be replaced"),
        (
            lambda: lawful.impute(real.set_column(3, "z", pa.array(["a"] * 60))),
            "z is string, and int64 was learned",
        ),
    ):
        with pytest.raises(SampleError, match=said) as caught:
            call()
        assert caught.value.hint


def test_children_are_refused() -> None:
    parents = pa.table({"id": np.arange(300), "kind": np.arange(300) % 3})
    children = pa.table({"owner": np.arange(900) % 300, "paid": np.arange(900) % 7})
    schema = {
        "people": {"primary_key": ["id"]},
        "orders": {"foreign_keys": [{"columns": ["owner"], "references": "people", "mode": "own"}]},
    }
    artifact = sl.fit({"people": parents, "orders": children}, schema, seed=1)
    with pytest.raises(SampleError, match="depend on those of its parent, people"):
        artifact.impute(children, table="orders")
    with pytest.raises(SampleError, match="not said of which of 2 tables"):
        artifact.impute(parents)
    gone = parents.set_column(1, "kind", pa.array([None, *range(299)], pa.int64()).cast(pa.int64()))
    filled = artifact.impute(gone, table="people")
    assert filled["kind"].null_count == 0
    assert filled["id"].equals(parents["id"])
    with pytest.raises(SampleError, match=r"people.id is a key"):
        artifact.impute(gone, table="people", columns=["id"])
