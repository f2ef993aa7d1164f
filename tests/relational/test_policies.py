"""What ``orphans: keep | null | drop | fail`` do to the twin."""

from __future__ import annotations

import pytest
from tests.relational.databases import chain, fit, loans, rates

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
