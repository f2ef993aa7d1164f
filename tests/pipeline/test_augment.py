"""Augmentation of rare classes: real rows stay, new ones have the same types."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import synthlake
from synthlake.errors import LearnError, MissingExtraError, SchemaError

ROWS = 400


def table() -> pa.Table:
    """All that can be interpolated, large numbers and NULLs among it."""
    random = np.random.default_rng(1)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    seconds = random.integers(0, 10_000, ROWS)
    return pa.table({
        "class": pa.array(np.where(random.random(ROWS) < 0.1, "rare", "common")),
        "large": pa.array(2**60 + random.integers(0, 1_000, ROWS)),
        "float": pa.array(np.round(random.normal(size=ROWS), 2), mask=random.random(ROWS) < 0.2),
        "small": pa.array(random.normal(size=ROWS).astype(np.float32)),
        "money": pa.array([Decimal(int(c)) / 100 for c in seconds], pa.decimal128(12, 2)),
        "day": pa.array([date(2026, 1, 1) + timedelta(int(d) % 300) for d in seconds]),
        "at": pa.array([start + timedelta(seconds=int(s)) for s in seconds],
                       pa.timestamp("ns", "UTC")),
        "yes": pa.array(random.random(ROWS) < 0.5),
        "word": pa.array(random.choice(["a", "b", None], ROWS)),
        "raw": pa.array([b"x", b"y"] * (ROWS // 2)),
        "coded": pa.array(["p", "q"] * (ROWS // 2)).dictionary_encode(),
        "nothing": pa.nulls(ROWS),
    })  # fmt: skip


def counts(made: pa.Table) -> dict[Any, int]:
    return {r["values"]: r["counts"] for r in pc.value_counts(made["class"]).to_pylist()}


def test_real_rows_stay_and_types_are_kept() -> None:
    real = table()
    made = synthlake.augment(real, target="class")
    made.validate(full=True)
    assert made.schema == real.schema
    assert made.slice(0, ROWS).equals(real)
    assert len(set(counts(made).values())) == 1
    new = made.slice(ROWS)
    assert counts(new) == {"rare": made.num_rows - ROWS}
    for name in ("large", "float", "money", "day", "at"):
        rare = pc.min_max(real.filter(pc.field("class") == "rare")[name]).as_py()
        assert rare["min"] <= pc.min(new[name]).as_py() <= pc.max(new[name]).as_py() <= rare["max"]
    for name in ("word", "raw", "coded", "yes"):
        assert set(new[name].to_pylist()) <= set(real[name].to_pylist())
    rounded = np.round(np.asarray(new["float"].drop_null()), 2)
    assert np.array_equal(rounded, np.asarray(new["float"].drop_null())), "more decimals than real"


def test_wanted_rows_marker_and_seed() -> None:
    real = table()
    asked = {"target": "class", "wanted": {"rare": 90}, "marker": "_synthetic"}
    made = synthlake.augment(real, seed=3, **asked)
    assert counts(made)["rare"] == 90
    assert pc.sum(made["_synthetic"]).as_py() == made.num_rows - ROWS
    assert made.equals(synthlake.augment(real, seed=3, **asked))
    assert not made.equals(synthlake.augment(real, seed=4, **asked))
    assert synthlake.augment(real, target="class", wanted={}).equals(real)


def test_numbers_alone_and_categories_alone() -> None:
    real = table()
    for method in ("smote", "adasyn"):
        made = synthlake.augment(
            real.select(["class", "large", "small"]), target="class", method=method
        )
        assert made.num_rows > ROWS * 1.5
    made = synthlake.augment(real.select(["class", "word", "coded"]), target="class")
    assert len(set(counts(made).values())) == 1


def test_a_class_that_is_null_is_kept_and_not_learned_from() -> None:
    real = table().set_column(
        0, "class", pa.array([None, *table()["class"].to_pylist()[1:]], pa.string())
    )
    made = synthlake.augment(real, target="class")
    assert made.slice(0, ROWS).equals(real)
    assert made.slice(ROWS)["class"].null_count == 0


def test_whatever_speaks_arrow() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"class": ["a"] * 40 + ["b"] * 10, "n": range(50)})
    assert synthlake.augment(frame, target="class").num_rows == 80


@pytest.mark.parametrize(
    ("given", "error", "said", "hint"),
    [
        ({"target": "clas"}, SchemaError, "no column 'clas'", "'class'"),
        ({"method": "smot"}, SchemaError, "no method 'smot'", "'smote'"),
        ({"marker": "word"}, SchemaError, "'word' already", "another name"),
        ({"method": "adasyn"}, LearnError, "float holds NULL", "smote"),
        ({"wanted": {"blue": 9}}, LearnError, "1 classes are wanted", "keys"),
        ({"wanted": {"common": 9}}, LearnError, "more rows than are wanted", "counts them too"),
        ({"neighbours": 300}, LearnError, "too few rows", "neighbours="),
        ({"target": "nothing"}, LearnError, "0 classes", "two"),
    ],
)
def test_refusals(given: dict[str, Any], error: type[Exception], said: str, hint: str) -> None:
    with pytest.raises(error) as caught:
        synthlake.augment(table(), **{"target": "class", **given})
    assert said in caught.value.message
    assert hint in caught.value.hint


def test_lists_and_wide_numbers_are_refused() -> None:
    label = pa.array(["a", "b"] * 20)
    with pytest.raises(LearnError, match="l is list"):
        synthlake.augment(pa.table({"class": label, "l": [[1]] * 40}), target="class")
    wide = pa.array([0, 2**62] * 20)
    with pytest.raises(LearnError, match="exact as floats"):
        synthlake.augment(pa.table({"class": label, "w": wide}), target="class")
    with pytest.raises(SchemaError, match="list is no table"):
        synthlake.augment([1, 2], target="class")


def test_without_the_extra_the_pip_line_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "imblearn.over_sampling", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'synthlake\[augment\]'"):
        synthlake.augment(table(), target="class")
