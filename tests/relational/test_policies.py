"""What ``orphans: keep | null | drop | fail`` do to the twin."""

from __future__ import annotations

import pytest
from tests.relational.databases import chain, fit, loans, rates

import synthlake as sl
from synthlake.errors import LearnError


@pytest.mark.parametrize("policy", ["keep", "null", "drop"])
@pytest.mark.parametrize(("mode", "columns", "parent"), [
    ("own", "branch", "branches"), ("match", "broker", "brokers"),
])  # fmt: skip
def test_policy(mode: str, columns: str, parent: str, policy: str) -> None:
    real, artifact = fit(loans(**{mode: policy}))
    twin = artifact.sample(seed=3).to_arrow()
    null, orphans = rates(real, "loans", columns, parent)
    assert orphans > 0.05
    wanted = {
        "keep": (null, orphans),
        "null": (null + orphans, 0),
        "drop": (null / (1 - orphans), 0),
    }
    assert rates(twin, "loans", columns, parent) == pytest.approx(wanted[policy], abs=0.015)
    rows = 900 * (1 - orphans) if policy == "drop" else 900
    assert twin["loans"].num_rows == pytest.approx(rows, rel=0.02)


@pytest.mark.parametrize("mode", ["own", "match"])
def test_fail_says_which_key_and_how_many(mode: str) -> None:
    column = {"own": "branch", "match": "broker"}[mode]
    with pytest.raises(
        LearnError, match=rf"loans\({column}\) -> \w+ has \d+ rows without a parent"
    ):
        fit(loans(**{mode: "fail"}))


def test_null_within_a_primary_key_is_refused() -> None:
    tables, declared = chain()
    tables["orders"] = tables["orders"].slice(50)
    declared["lines"]["foreign_keys"][0]["orphans"] = "null"
    with pytest.raises(LearnError, match=r"lines\(order\) -> orders.*primary key"):
        fit((tables, declared))


def test_a_table_that_a_policy_empties_cannot_be_referred_to() -> None:
    import pyarrow as pa

    real = {
        "plans": pa.table({"id": [1, 2, 3]}),
        "shops": pa.table({"id": [10], "plan": [77]}),
        "sales": pa.table({"id": list(range(40)), "shop": [10] * 40}),
    }
    schema = {
        "plans": {"primary_key": ["id"]},
        "shops": {
            "primary_key": ["id"],
            "foreign_keys": [{"columns": ["plan"], "references": "plans", "orphans": "drop"}],
        },
        "sales": {
            "primary_key": ["id"],
            "foreign_keys": [{"columns": ["shop"], "references": "shops", "orphans": "drop"}],
        },
    }
    with pytest.raises(LearnError, match="shops has no rows left") as caught:
        sl.fit(real, schema, k=1, seed=1, holdout=0.0)
    assert "let shops keep its orphans" in caught.value.hint


def test_keys_that_refer_to_a_kept_table_are_of_it() -> None:
    import numpy as np
    import pyarrow as pa

    # orders are counted within shops; returns name a shop that is gone, and then no order
    random, rows = np.random.default_rng(0), 600
    shop = np.sort(random.integers(1, 81, 400))
    number = np.arange(400) - np.searchsorted(shop, shop) + 1
    order, gone = random.integers(0, 400, rows), random.random(rows) < 0.2
    real = {
        "shops": pa.table({"shop": np.arange(1, 81)}),
        "orders": pa.table({"shop": shop, "no": number, "v": random.integers(0, 5, 400)}),
        "returns": pa.table({
            "id": np.arange(rows),
            "shop": np.where(gone, random.integers(900, 960, rows), shop[order]),
            "no": pa.array([None if lost else int(n) for lost, n in
                            zip(gone, number[order], strict=True)]),
        }),
    }  # fmt: skip
    schema = {
        "shops": {"primary_key": ["shop"], "keep": True},
        "orders": {"primary_key": ["shop", "no"],
                   "foreign_keys": [{"columns": ["shop"], "references": "shops"}]},
        "returns": {"primary_key": ["id"],
                    "foreign_keys": [{"columns": ["shop", "no"], "references": "orders"}]},
    }  # fmt: skip
    twin = sl.fit(real, schema, k=1, seed=0, holdout=0.0).sample(seed=0).to_arrow()
    assert set(twin["orders"]["shop"].to_pylist()) <= set(range(1, 81))
    _, orphans = rates(real, "returns", "shop", "shops")
    assert orphans > 0.1
    assert rates(twin, "returns", "no", "orders")[0] == pytest.approx(0.2, abs=0.05)
