"""The tables of ``tests/bench/extremes.py``, small enough to be quick."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tests.bench import extremes

import synthlake as sl
from synthlake.errors import LearnError


def twin(table: pa.Table) -> pa.Table:
    made = sl.fit({"t": table}, seed=0).sample(seed=0)["t"].to_arrow()
    assert made.schema.types == table.schema.types
    assert made.column_names == table.column_names
    return made


def random() -> np.random.Generator:
    return np.random.default_rng(0)


def shares(column: Any) -> dict[Any, float]:
    counts = column.value_counts().to_pylist()
    return {c["values"]: c["counts"] / len(column) for c in counts}


def test_a_table_without_rows() -> None:
    assert twin(extremes.few(0)(random())).num_rows == 0


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_a_table_of_so_few_rows_is_refused_with_a_way_out(rows: int) -> None:
    with pytest.raises(LearnError, match=r"fewer than k = 10") as caught:
        sl.fit({"t": extremes.few(rows)(random())}, seed=0)
    assert "independent" in caught.value.hint


def test_constants_and_nulls_of_every_type() -> None:
    real = extremes.constant(random())
    made = twin(real)
    for name in real.column_names:
        if name == "one_float64":  # NaN is not equal to itself
            assert np.isnan(np.asarray(made[name])).all()
        elif name.startswith("one_"):
            assert set(map(str, made[name].to_pylist())) == {str(real[name][0].as_py())}, name
        else:
            assert made[name].null_count == made.num_rows, name


def test_a_category_of_two_rows_each_is_not_recalled() -> None:
    real = extremes.nearly_unique(random(), 4_000)
    made = twin(real)
    known = set(real["product"].to_pylist())
    assert np.mean([v in known for v in made["product"].to_pylist()]) < 0.05
    assert all(len(v) == 10 and v[6] == "-" for v in made["product"].to_pylist())


def test_the_frequent_of_many_categories_are_kept() -> None:
    real = extremes.heavy_tail(random(), 6_000)
    made = twin(real)
    before, after = shares(real["product"]), shares(made["product"])
    top = max(before, key=lambda v: before[v])
    assert after.get(top, 0.0) > 0.5 * before[top]
    rare = {v for v, share in before.items() if share * real.num_rows < 5}
    assert sum(share for v, share in after.items() if v in rare) < 0.02


def test_one_column() -> None:
    real = extremes.one_column(random(), 20_000)
    made = twin(real)
    gap = abs(np.mean(np.asarray(made["value"])) / np.mean(np.asarray(real["value"])) - 1)
    assert gap < 0.03


def test_of_texts_of_100_kb_the_begin_is_learned_and_the_rest_is_made() -> None:
    made = twin(extremes.long_texts(random(), 40))
    assert made["text"].null_count == 0
    lengths = [len(text) for text in made["text"].to_pylist()]
    assert 3_000 < min(lengths) <= max(lengths) < 7_000  # 4,000 characters are read
    assert set(made["stars"].to_pylist()) <= {1, 2, 3, 4, 5}


def test_many_numbers_beside_nan_and_infinities() -> None:
    real = extremes.many_numbers(random(), 8_000)
    made = twin(real)
    for test in (np.isnan, np.isposinf, np.isneginf):
        shares = [test(t["real"].drop_null().to_numpy()).mean() for t in (real, made)]
        assert abs(shares[0] - shares[1]) < 0.02
    assert abs(made["real"].null_count - real["real"].null_count) < 0.03 * real.num_rows


@pytest.mark.slow
def test_a_wide_table_keeps_its_groups() -> None:
    real = extremes.wide(700, 105)(random())
    made = twin(real)
    for a, b in [("c0000", "c0001"), ("c0070", "c0071"), ("c0071", "c0073")]:
        found = [np.corrcoef(number(t[a]), number(t[b]))[0, 1] for t in (real, made)]
        assert found[0] > 0.5
        assert found[1] > 0.5 * found[0], (a, b, found)


def number(column: pa.ChunkedArray) -> np.ndarray:
    """Numbers and days, NULL as the mean."""
    kind = pa.int32() if pa.types.is_date(column.type) else pa.float64()
    values = column.cast(kind).cast(pa.float64())
    return np.asarray(values.fill_null(np.nanmean(values.to_numpy())))
