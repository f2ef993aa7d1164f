"""A small database that can be learned in a second, and the command that learns it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

CUSTOMERS, ORDERS = 600, 2_000

SPEC = """
version: 1
source: {source}
sink: parquet://{sink}
tables:
  customers:
    primary_key: [customer_id]
  orders:
    primary_key: [order_id]
    foreign_keys:
      - {{columns: [customer_id], references: customers, mode: own}}
holdout: {{share: .1}}
seed: 7
evaluate: {{tier: quick}}
gates:
  - {{metric: schema, at_most: 0}}
"""


def write_shop(folder: Path) -> Path:
    """Customers and their orders as Parquet."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(5)
    customers = pa.table(
        {
            "customer_id": np.arange(CUSTOMERS),
            "city": np.array(["Oslo", "Rome", "Kyiv"])[random.integers(0, 3, CUSTOMERS)],
            "income": random.integers(20, 90, CUSTOMERS),
        }
    )
    orders = pa.table(
        {
            "order_id": np.arange(ORDERS),
            "customer_id": random.integers(0, CUSTOMERS, ORDERS),
            "amount": random.integers(1, 40, ORDERS),
            "paid": random.random(ORDERS) < 0.8,
        }
    )
    pq.write_table(customers, folder / "customers.parquet")
    pq.write_table(orders, folder / "orders.parquet")
    return folder


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database; read only."""
    return write_shop(tmp_path_factory.mktemp("shop") / "data")


@pytest.fixture(scope="session")
def shop_spec() -> str:
    """A spec of it, without the names of ``source`` and ``sink``."""
    return SPEC


@pytest.fixture
def spec(shop: Path, tmp_path: Path) -> Path:
    """A spec of it that publishes into ``tmp_path / "twin"``."""
    path = tmp_path / "synthlake.yml"
    path.write_text(SPEC.format(source=shop, sink=tmp_path / "twin"))
    return path
