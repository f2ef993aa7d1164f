"""Conditions that cannot be met, and columns that take only some."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tests.relational.test_given import typed

import synthlake as sl
from synthlake.errors import SampleError, SchemaError


@pytest.fixture(scope="module")
def undeclared() -> sl.Artifact:
    return sl.fit({"t": typed()}, seed=3)


BAD: list[tuple[Any, str]] = [
    ({"where": {"txt": "oak"}, "rows": 5}, "no column 'txt'"),
    ({"where": {"text": "pine"}, "rows": 5}, r"no 10 entities have 'pine'; 4 values"),
    ({"where": {"few": 77}, "rows": 5}, "no 10 entities have 77"),
    ({"where": {"few": 1.5}, "rows": 5}, "no 10 entities have 1.5"),
    ({"where": {"few": "x"}, "rows": 5}, "'x' is no int8"),
    ({"where": {"flag": 1}, "rows": 5}, "1 is no bool"),
    ({"where": {"text": 3}, "rows": 5}, "3 is no string"),
    ({"where": {"money": 1.234}, "rows": 5}, "no 10 entities have 1.234"),
    ({"where": {"many": {"min": 10**7}}, "rows": 5}, "no 10 entities have"),
    ({"where": {"many": {"min": 9, "max": 3}}, "rows": 5}, "no 10 entities have"),
    ({"where": {"text": {"min": "a"}}, "rows": 5}, "has no order"),
    ({"where": {"few": [1, 2]}, "rows": 5}, "that is no condition"),
    ({"where": {"few": {"in": []}}, "rows": 5}, "that is no condition"),
    ({"where": {"day": "yesterday"}, "rows": 5}, "'yesterday' is no date32"),
    ({"where": {"text": None}, "rows": 5}, "text has no NULL"),
    ({"where": {"few": 1}, "rows": -5}, "no whole number from 0"),
    ({"where": {"few": 1}}, "no whole number from 0"),
    ({"where": {"few": 1}, "rows": 5, "least": 2.0}, "no share above 0"),
    ({"where": {"few": 1}, "row": 5}, "'row' is not a key"),
    ({"where": "few", "rows": 5}, "`where` is not a mapping"),
    (7, "is not a mapping"),
    ({"where": {"few": 0, "part": 16}, "rows": 5}, "has no such rows|of the candidates count"),
]


@pytest.mark.parametrize(("asked", "said"), BAD, ids=[said for _, said in BAD])
def test_what_cannot_be_is_refused_by_name(undeclared: sl.Artifact, asked: Any, said: str) -> None:
    with pytest.raises(SampleError, match=said) as caught:
        undeclared.sample(given={"t": [asked]})
    assert caught.value.hint


@pytest.mark.parametrize(
    ("names", "said"),
    [(["txt"], "no column 'txt'"), (["few", "few"], "a column twice"), (["id"], "id is a key")],
)
def test_declared_conditions_are_checked(names: list[str], said: str) -> None:
    real = pa.table({"id": np.arange(300), "few": np.arange(300) % 3})
    with pytest.raises(SchemaError, match=said):
        sl.fit({"t": real}, {"t": {"primary_key": ["id"], "conditions": names}})


def test_texts_that_are_made_can_only_be_null() -> None:
    names = pa.array([f"n{i:05d}" if i % 5 else None for i in range(900)])
    artifact = sl.fit({"t": pa.table({"x": np.arange(900) % 7, "name": names})},
                      {"t": {"columns": {"name": {"role": "text"}}}})  # fmt: skip
    given = [{"where": {"name": None}, "rows": 20}, {"where": {"name": {"null": False}}, "rows": 9}]
    made = artifact.sample(given=given)["t"].to_arrow()["name"].to_pylist()
    assert made[:20] == [None] * 20
    assert None not in made[20:]
    with pytest.raises(SampleError, match="text that is made, not learned"):
        artifact.sample(given=[{"where": {"name": "n00001"}, "rows": 2}])


def test_floats_that_are_not_finite() -> None:
    random = np.random.default_rng(2)
    values = random.normal(0, 1, 2_000)
    values[:200], values[200:300] = np.nan, np.inf
    artifact = sl.fit({"t": pa.table({"v": random.permutation(values), "x": np.arange(2_000) % 5})})
    given = [{"where": {"v": float("nan")}, "rows": 20}, {"where": {"v": "inf"}, "rows": 20},
             {"where": {"v": {"max": 0}}, "rows": 20}]  # fmt: skip
    made = np.asarray(artifact.sample(given=given)["t"].to_arrow()["v"])
    assert np.isnan(made[:20]).all()
    assert (made[20:40] == np.inf).all()
    assert (made[40:] <= 0).all()
    assert np.isfinite(made[40:]).all()


def test_tables_that_take_no_conditions() -> None:
    """Kept as they are, without rows, or a place of a grid each."""
    hours = pa.array(np.repeat(np.arange(400), 3) * 3_600, pa.int64()).cast(pa.timestamp("s"))
    grid = pa.table({"site": np.tile(["a", "b", "c"], 400), "at": hours,
                     "heat": np.random.default_rng(1).normal(10, 4, 1_200).round(1)})  # fmt: skip
    tables = {"kept": pa.table({"x": [1, 2]}), "none": pa.table({"x": pa.array([], pa.int64())}),
              "grid": grid}  # fmt: skip
    schema = {"kept": {"keep": True}, "grid": {"primary_key": ["site", "at"]}}
    artifact = sl.fit(tables, schema, seed=1)
    for name, where, said in (
        ("kept", {"x": 1}, "kept is kept as it is"),
        ("none", {"x": 1}, "none had no rows to learn from"),
        ("grid", {"heat": {"min": 12}}, r"grid has a row for each place of a grid \(site, at\)"),
        ("other", {"x": 1}, "'other', which is not made"),
    ):
        with pytest.raises(SampleError, match=said):
            artifact.sample(given={name: [{"where": where, "rows": 5}]})
