"""Keys to public tables of which some rows are too rare to be told; wider keys of missing rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import synthlake as sl

K = 5
RARE = ("r0", "r1")


def _lines(third: str) -> tuple[dict[str, pa.Table], dict[str, Any]]:
    """Lines of orders by order, kind and something else; few orders have several of a rare kind."""
    random = np.random.default_rng(0)
    lines = {(order, f"x{random.integers(4)}", line)
             for order in range(300) for line in range(random.integers(1, 5))}  # fmt: skip
    few = random.choice(300, len(RARE) * (K - 1), replace=False).tolist()
    lines |= {(order, RARE[at % 2], 9 + line) for at, order in enumerate(few) for line in range(4)}
    order, kind, line = (list(part) for part in zip(*sorted(lines), strict=True))
    told: list[Any] = [
        f"{chr(65 + n % 26)}{n:02d}-{o % 97}" for o, n in zip(order, line, strict=True)
    ]
    keys = [
        {"columns": ["order"], "references": "orders", "to": ["order"], "mode": "own"},
        {"columns": ["kind"], "references": "kinds", "to": ["kind"], "mode": "match"},
    ]
    tables = {
        "orders": pa.table({"order": range(300)}),
        "kinds": pa.table({"kind": [*(f"x{n}" for n in range(4)), *RARE, *RARE]}),
        "products": pa.table({"product": range(200)}),
    }
    if third == "number":
        told = [n * 1_000 + (o * 37) % 900 for o, n in zip(order, line, strict=True)]
    if third == "reference":
        told = [(o * 7 + n * 13) % 200 for o, n in zip(order, line, strict=True)]
        keys.append({"columns": ["third"], "references": "products", "to": ["product"]})
    tables["lines"] = pa.table({"order": order, "kind": kind, "third": told})
    declared = {
        "orders": {"primary_key": ["order"]},
        "kinds": {"primary_key": [], "keep": True},
        "products": {"primary_key": ["product"]},
        "lines": {"primary_key": ["order", "kind", "third"], "foreign_keys": keys},
    }
    return tables, declared


@pytest.mark.parametrize("third", ["text", "number", "reference"])
def test_what_tells_rows_of_rare_parents_apart_need_not_be_the_parent(third: str) -> None:
    tables, declared = _lines(third)
    artifact = sl.fit(tables, declared, k=K, seed=0, holdout=0.0)
    shares = []
    for seed in range(3):
        made = artifact.sample(seed=seed).to_arrow()["lines"]
        keys = list(zip(*(made[c].to_pylist() for c in made.column_names), strict=True))
        assert len(set(keys)) == len(keys)
        shares.append(np.mean([kind in RARE for _, kind, _ in keys]))
    real = np.mean([kind in RARE for kind in tables["lines"]["kind"].to_pylist()])
    assert abs(np.mean(shares) - real) < 0.02


@pytest.mark.parametrize("kind", ["number", "category"])
@pytest.mark.parametrize("missing", [0, 1])
def test_rows_that_a_key_counts_within_a_wider_parent_are_made_with_it(
    kind: str, missing: int
) -> None:
    """One row that has no parent makes none of the others go."""
    random = np.random.default_rng(0)
    orders = [(shop, n) for shop in range(150) for n in range(1, random.integers(2, 8))]
    lines = [(shop, n, line) for shop, n in orders for line in range(1, 5)]
    lines += [(0, 99, 1)] * missing
    names = [["shop"], ["shop", "n"], ["shop", "n", "line"]]
    rows = [[(shop,) for shop in range(150)], orders, lines]
    tables = {
        table: pa.table(dict(zip(columns, map(list, zip(*some, strict=True)), strict=True)))
        for table, columns, some in zip(("shops", "orders", "lines"), names, rows, strict=True)
    }
    if kind == "category":
        told = pa.array([f"line {n}" for n in tables["lines"]["line"].to_pylist()])
        tables["lines"] = tables["lines"].set_column(2, "line", told)
    up = {"columns": ["shop"], "references": "shops", "to": ["shop"]}
    wide = {"columns": ["shop", "n"], "references": "orders", "to": ["shop", "n"]}
    declared = {
        "shops": {"primary_key": names[0]},
        "orders": {"primary_key": names[1], "foreign_keys": [up]},
        "lines": {"primary_key": names[2], "foreign_keys": [up, {**wide, "orphans": "keep"}]},
    }
    artifact = sl.fit(tables, declared, k=K, seed=0, holdout=0.0)
    own = artifact.schema["lines"].own
    assert own is not None
    assert own.columns == ("shop", "n")
    made = artifact.sample(seed=1).to_arrow()
    assert set(made["lines"]["shop"].to_pylist()) <= set(made["shops"]["shop"].to_pylist())
    assert abs(made["lines"].num_rows - len(lines)) < 0.05 * len(lines)
    assert set(made["lines"]["line"].to_pylist()) <= set(tables["lines"]["line"].to_pylist())
