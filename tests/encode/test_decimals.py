"""How many decimals a column of floats is written with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from synthlake.encode.decimals import needed, usual_decimals


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([0.0, 1.0, -3.0, None], "float64", [0, 0, 0, -1]),
        ([0.1, 0.25, 1e-9, 1e-10], "float64", [1, 2, 9, 10]),
        ([0.1, 0.25, 1 / 3], "float32", [1, 2, 8]),
        ([float("nan"), float("inf"), 1e300], "float64", [-1, -1, 0]),
        ([], "float64", []),
    ],
)
def test_needed(values: list[Any], kind: str, expected: list[int]) -> None:
    assert needed(pa.array(values, kind)).tolist() == expected


def test_few_fractions_do_not_decide() -> None:
    random = np.random.default_rng(0)
    group = np.arange(10_000)
    rain = np.where(random.random(10_000) < 0.04, random.integers(1, 99, 10_000) / 10, 0.0)
    assert usual_decimals(pa.array(rain), group, 10) == 1  # few rows, but all that have a fraction
    smooth = np.where(random.random(10_000) < 0.04, random.random(10_000), 0.0)
    assert usual_decimals(pa.array(smooth), group, 10) is None
    prices = random.integers(1, 9_999, 10_000) / 100
    prices[:300] += 0.00012345678
    assert usual_decimals(pa.array(prices), group, 10) == 2


def test_fewer_than_k_entities_do_not_decide() -> None:
    whole = np.arange(1_000.0)
    whole[:30] += 0.5
    assert usual_decimals(pa.array(whole), np.arange(1_000), 10) == 1
    one = np.where(np.arange(1_000) < 30, 0, np.arange(1_000))  # the thirty are one person's
    assert usual_decimals(pa.array(whole), one, 10) == 0
