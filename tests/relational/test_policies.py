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
