"""Sums that a few rows break: kept as often as in the real rows, by what is left over."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import synthlake as sl
from synthlake.constraints.relative import balance, linear_from_json
from synthlake.constraints.rule import Cells
from synthlake.constraints.sums import NearSum, solve_sums

ROWS = 6_000


def loans(wrong: int) -> pd.DataFrame:
    """Payments of loans, of which some totals are off by an amount that is no rounding."""
    random = np.random.default_rng(5)
    amount = random.choice([1000, 5000, 12000, 25000, 40000], ROWS)
    principal = (amount * random.beta(1, 6, ROWS)).round(2)
    interest = (principal * random.uniform(0.1, 0.9, ROWS)).round(2)
    late = np.where(random.random(ROWS) < 0.01, random.choice([15.0, 30.0], ROWS), 0.0)
    total = (principal + interest + late).round(2)
    total[random.choice(ROWS, wrong, replace=False)] += 75.5
    balance = (amount - principal).round(2)
    return pd.DataFrame({
        "amount": amount, "balance": balance, "total": total, "principal": principal,
        "interest": interest, "late": late,
    })  # fmt: skip


def broken(rows: pd.DataFrame) -> tuple[float, float]:
    total = (rows.total - rows.principal - rows.interest - rows.late).abs() > 0.005
    rest = (rows.amount - rows.balance - rows.principal).abs() > 0.005
    return float(total.mean()), float(rest.mean())


@pytest.mark.parametrize("wrong", [1, 40])
def test_a_sum_is_broken_as_often_as_in_the_real_rows(wrong: int) -> None:
    real = loans(wrong)
    artifact = sl.fit({"loans": pa.Table.from_pandas(real)}, seed=1)
    made = artifact.sample(rows={"loans": 20_000}, seed=2)["loans"].to_pandas()
    total, rest = broken(made)
    # what fewer than k entities break is broken by none; ends of a range may be cut
    assert abs(total - (wrong / ROWS if wrong > 10 else 0)) < 0.01
    assert rest < 0.03
    assert set(made.amount) <= set(real.amount)


def test_noise_of_a_computation_is_rounded() -> None:
    """21.100000028 in one row does not make all prices floats of nine digits."""
    real = loans(0)
    real.loc[7, "late"] = 21.100000028
    noisy = np.random.default_rng(1).random(ROWS) < 0.02
    real.loc[noisy, "interest"] += 0.00317264
    artifact = sl.fit({"loans": pa.Table.from_pandas(real)}, seed=1)
    made = artifact.sample(rows={"loans": 5_000}, seed=2)["loans"].to_pandas()
    for column in ("late", "interest", "total"):
        assert np.array_equal(made[column].round(2), made[column])


def test_the_finest_column_is_made_and_none_from_itself() -> None:
    sizes = {"amount": (5, 9.0), "balance": (900, 8.0), "principal": (900, 9.5)}
    found = solve_sums([NearSum("amount", ("balance", "principal"))], sizes)
    assert found == {"principal": {"amount": 1, "balance": -1}}
    sizes |= {"total": (950, 9.9), "interest": (800, 2.0)}
    both = [
        NearSum("amount", ("balance", "principal")),
        NearSum("total", ("principal", "interest")),
    ]
    assert solve_sums(both, sizes)["total"] == {"principal": 1, "interest": 1}
    circle = [NearSum("a", ("b", "c")), NearSum("b", ("a", "d"))]
    assert list(solve_sums(circle, dict.fromkeys("abcd", (9, 1.0)))) == ["a"]
    assert solve_sums(circle, {"a": (9, 1.0)}) == {}


def test_what_is_left_over_goes_there_and_back() -> None:
    def cells(*ticks: int) -> Cells:
        return Cells(np.array(ticks), np.zeros(len(ticks), bool))

    given: dict[str, Any] = {"a": cells(5, 10**12), "b": cells(100, 7)}
    linear = balance({"a": 100.0, "b": -1.0})
    value = cells(1, 2)
    rest = linear.forward(given, value)
    assert rest.ticks.tolist() == [1 - 400, 2 - 100 * 10**12 + 7]
    assert linear.inverse(given, rest).ticks.tolist() == [1, 2]
    assert linear_from_json(linear.to_json()) == linear
