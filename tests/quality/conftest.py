"""A small database with the faults of real ones, and ways to change it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from synthlake.ports import Source
from synthlake.schema.model import ForeignKey, Schema
from synthlake.source import open_source

Tables = dict[str, pa.Table]


def shops(seed: int, customers: int = 600) -> Tables:
    """Customers, and orders of them that depend on their customer; regions are public."""
    random = np.random.default_rng(seed)
    tier = random.choice(["gold", "silver", "plain"], customers, p=[0.2, 0.3, 0.5])
    orders = random.poisson(np.where(tier == "gold", 8, 3))
    owner = np.repeat(np.arange(customers), orders)
    rows = len(owner)
    day = random.integers(0, 90, rows)
    amount = np.round(random.gamma(2, np.where(tier[owner] == "gold", 50, 10)), 2)
    orphans = random.random(rows) < 0.05
    keys = [f"X{k}" if o else f"C{k}" for k, o in zip(owner, orphans, strict=True)]
    micros = (day * 86_400 + random.integers(0, 86_400, rows)) * 1_000_000
    missing = random.random(rows) < 0.3
    return {
        "regions": pa.table({"region": ["N", "S", "W"], "tax": [0.1, 0.2, 0.25]}),
        "customers": pa.table({
            "id": [f"C{i}" for i in range(customers)],
            "tier": tier,
            "age": pa.array(random.integers(18, 90, customers), pa.int16()),
            "name": [f"{'ABCDE'[i % 5]}{'x' * int(n)}{seed}-{i}"
                     for i, n in enumerate(random.integers(2, 9, customers))],
            "region": random.choice(["N", "S", "W"], customers),
        }),
        "orders": pa.table({
            "order": pa.array(np.arange(rows) + seed * 100_000, pa.int64()),
            "customer": pa.array([None if random.random() < 0.02 else k for k in keys]),
            "placed": pa.array(micros, pa.timestamp("us")),
            "amount": amount,
            "discount": pa.array(np.where(missing, 0, np.round(amount / 10, 1)), mask=missing),
            "express": pa.array(amount > 60),
            "constant": pa.array(np.ones(rows), pa.int32()),
            "nothing": pa.nulls(rows, pa.float64()),
            "parts": pa.array([[1]] * rows, pa.list_(pa.int64())),
            "mark": pa.array([bytes(range(16))] * rows, pa.binary()),
        }),
    }  # fmt: skip


def schema_of(source: Source) -> Schema:
    """The schema of ``shops`` with its keys."""
    tables = dict(source.schema().tables)
    tables["regions"] = replace(tables["regions"], primary_key=("region",), keep=True)
    tables["customers"] = replace(
        tables["customers"], primary_key=("id",), constraints=({"range": "age", "min": 18},),
        foreign_keys=(ForeignKey(("region",), "regions", ("region",), "match"),),
    )  # fmt: skip
    tables["orders"] = replace(
        tables["orders"], primary_key=("order",),
        foreign_keys=(ForeignKey(("customer",), "customers", ("id",), "own"),),
    )  # fmt: skip
    return Schema(tables)


def shuffled(tables: Tables, seed: int) -> Tables:
    """The same tables, every column drawn on its own."""
    random = np.random.default_rng(seed)
    out = {"regions": tables["regions"]}
    for name in ("customers", "orders"):
        table = tables[name]
        out[name] = pa.table(
            {c: table[c] if c in ("id", "order") else table[c].take(random.permutation(len(table)))
             for c in table.column_names}
        )  # fmt: skip
    return out


@pytest.fixture(scope="session")
def real() -> Tables:
    return shops(1)


@pytest.fixture(scope="session")
def other() -> Tables:
    """Other rows of the same kind."""
    return shops(2)


@pytest.fixture
def opened() -> Callable[[Tables], Source]:
    return open_source
