"""NULL and orphans come at the real rates, whether parents are held out or have no relatives."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from tests.relational.databases import Database, Declared, key, made

import synthlake as sl

NULL, ORPHANS = 0.2, 0.1


def followed() -> tuple[Database, Declared]:
    """Rows that refer to frequent and rare parents, to missing ones, and to none."""
    random = np.random.default_rng(0)
    parents, rows = 600, 2_500
    often = np.where(random.random(rows) < 0.6, 60, parents)
    to = [
        None if x < NULL else 900_000 + int(lost) if x < NULL + ORPHANS else int(n)
        for x, lost, n in zip(
            random.random(rows), random.integers(0, 80, rows), random.integers(0, often),
            strict=True,
        )
    ]  # fmt: skip
    tables = made({
        "parents": {"p": np.arange(parents), "kind": random.choice(["x", "y"], parents)},
        "rows": {"id": np.arange(rows), "p": pa.array(to, pa.int64()),
                 "v": random.integers(0, 9, rows)},
    })  # fmt: skip
    return tables, {
        "parents": {"primary_key": ["p"], "foreign_keys": []},
        "rows": {"primary_key": ["id"], "foreign_keys": [key("p", "parents", "match", to="p")]},
    }


@pytest.mark.parametrize("held_out", [0.0, 0.1, 0.3])
def test_held_out_parents_change_neither_null_nor_orphans(held_out: float) -> None:
    tables, schema = followed()
    none, lost = [], []
    artifact = sl.fit(tables, schema, k=5, seed=1, holdout=held_out)
    for seed in range(3):
        twin = artifact.sample(seed=seed).to_arrow()
        drawn, there = twin["rows"]["p"].to_pylist(), set(twin["parents"]["p"].to_pylist())
        none.append(np.mean([p is None for p in drawn]))
        lost.append(np.mean([p is not None and p not in there for p in drawn]))
    of = tables["rows"]["p"].to_pylist()
    assert np.mean(none) == pytest.approx(np.mean([p is None for p in of]), abs=0.015)
    missing = np.mean([p is not None and p >= 900_000 for p in of])
    assert np.mean(lost) == pytest.approx(missing, abs=0.015)


def test_rows_without_relatives_are_null_and_no_others() -> None:
    random = np.random.default_rng(0)
    tenants = np.arange(80) + 1
    products = {int(t): random.integers(3, 9) for t in tenants if random.random() > 0.2}
    orders = [(int(t), 5_000 + n) for n, t in enumerate(random.choice(tenants, 900))]
    lines = [
        (t, order, int(random.integers(1, products[t] + 1)) if t in products else None)
        for t, order in orders for _ in range(1 + random.poisson(1.5))
    ]  # fmt: skip
    pairs = np.array([(t, n + 1) for t, size in products.items() for n in range(size)])
    below, order, product = zip(*lines, strict=True)
    tables = made({
        "tenants": {"tenant": tenants, "plan": random.choice(["a", "b"], 80)},
        "products": {"tenant": pairs[:, 0], "product": pairs[:, 1],
                     "price": random.integers(1, 90, len(pairs))},
        "orders": {"tenant": np.array(orders)[:, 0], "order": np.array(orders)[:, 1]},
        "lines": {"id": np.arange(len(lines)), "tenant": np.array(below), "order": np.array(order),
                  "product": pa.array(product, pa.int64())},
    })  # fmt: skip
    schema: Declared = {
        "tenants": {"primary_key": ["tenant"], "foreign_keys": []},
        "products": {
            "primary_key": ["tenant", "product"],
            "foreign_keys": [key("tenant", "tenants", to="tenant")],
        },
        "orders": {
            "primary_key": ["tenant", "order"],
            "foreign_keys": [key("tenant", "tenants", to="tenant")],
        },
        "lines": {
            "primary_key": ["id"],
            "foreign_keys": [
                key("tenant order", "orders", to="tenant order"),
                key("tenant product", "products", "match", to="tenant product"),
            ],
        },
    }
    artifact, shares = sl.fit(tables, schema, k=1, seed=1, holdout=0.0), []
    for seed in range(6):
        twin = artifact.sample(seed=seed).to_arrow()
        stocked = set(twin["products"]["tenant"].to_pylist())
        near = [t in stocked for t in twin["lines"]["tenant"].to_pylist()]
        none = [p is None for p in twin["lines"]["product"].to_pylist()]
        assert not any(n and missing for n, missing in zip(near, none, strict=True))
        shares.append(float(np.mean(none)))
    # 16 of 80 tenants have no products: a twin has 12 to 20, and the mean of six 14.5 to 17.5
    assert np.mean(shares) == pytest.approx(np.mean([p is None for p in product]), rel=0.2)
