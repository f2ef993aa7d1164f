"""Databases small enough to be learned in a second."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

CUSTOMERS, ORDERS = 600, 2_000
Database = dict[str, pa.Table]


def shop() -> Database:
    """Customers and their orders."""
    random = np.random.default_rng(5)
    cities = np.array(["Oslo", "Rome", "Kyiv"])
    return {
        "customers": pa.table(
            {
                "customer_id": np.arange(CUSTOMERS),
                "city": cities[random.integers(0, 3, CUSTOMERS)],
                "income": random.integers(20, 90, CUSTOMERS),
            }
        ),
        "orders": pa.table(
            {
                "order_id": np.arange(ORDERS),
                "customer_id": random.integers(0, CUSTOMERS, ORDERS),
                "amount": random.integers(1, 40, ORDERS),
            }
        ),
    }


@pytest.fixture
def tables() -> Database:
    """The tables, free to be changed by a test."""
    return shop()


@pytest.fixture
def spec_of(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Writes a database as Parquet, and makes a spec of it."""

    def made(tables: Database, **changes: Any) -> dict[str, Any]:
        folder = tmp_path / "data"
        folder.mkdir(exist_ok=True)
        for name, table in tables.items():
            pq.write_table(table, folder / f"{name}.parquet")
        declared = {
            "customers": {"primary_key": ["customer_id"]},
            "orders": {
                "primary_key": ["order_id"],
                "foreign_keys": [
                    {"columns": ["customer_id"], "references": "customers", "mode": "own"}
                ],
            },
        }
        return {
            "source": str(folder),
            "sink": str(tmp_path / "twin"),
            "seed": 7,
            "evaluate": {"tier": "quick"},
            "gates": [{"metric": "primary_key", "at_most": 0}],
            "tables": declared,
            **changes,
        }

    return made
