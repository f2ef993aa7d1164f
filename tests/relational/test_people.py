"""Rows of tables without a key."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

import synthlake as sl


def test_equal_rows_of_a_table_without_a_key_are_different_people() -> None:
    draws = np.random.default_rng(3)
    table = pa.table({
        "branch": draws.choice(["army", "navy", "marines"], 5_000),
        "rank": pa.array(draws.integers(1, 9, 5_000), pa.int32()),
    })  # fmt: skip
    twin = sl.fit({"people": table}, seed=1).sample(seed=2).to_arrow()["people"]
    assert twin.num_rows == 5_000
    assert set(twin["branch"].to_pylist()) == {"army", "navy", "marines"}
    assert twin["rank"].null_count == 0
    assert set(twin["rank"].to_pylist()) == set(range(1, 9))
