"""Keys that share columns with the own one: parents among relatives, and NULL in a part."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tests.property.integrity import Told, wrongs
from tests.relational.databases import Database, Declared, key, made, rates, rows_of

import synthlake as sl
from synthlake.errors import LearnError
from synthlake.relational import Generator, Model
from synthlake.relational.within import _shared_out


def declared(bridge: bool) -> Declared:
    """Keys that begin with the tenant."""
    return {
        "tenants": {"primary_key": ["tenant"], "foreign_keys": []},
        "customers": {
            "primary_key": ["tenant", "customer"],
            "foreign_keys": [key("tenant", "tenants", to="tenant")],
        },
        "products": {
            "primary_key": ["tenant", "product"],
            "foreign_keys": [key("tenant", "tenants", to="tenant")],
        },
        "orders": {
            "primary_key": ["tenant", "order"],
            "foreign_keys": [
                key("tenant", "tenants", to="tenant"),
                key("tenant customer", "customers", "match", to="tenant customer"),
            ],
        },
        "lines": {
            "primary_key": ["tenant", "order", "product" if bridge else "line"],
            "foreign_keys": [
                key("tenant order", "orders", to="tenant order"),
                key("tenant product", "products", "match", to="tenant product"),
            ],
        },
    }


def shop(*, bridge: bool = False) -> tuple[Database, Declared]:
    """Tenants, each with its customers, products and orders; lines of products of the tenant."""
    random = np.random.default_rng(4)
    tenants = np.arange(60) + 1
    customers = [(t, c) for t in tenants for c in range(1, random.integers(3, 11))]
    products = [(t, p) for t in tenants for p in range(1, random.integers(4, 19))]
    orders = [(t, c) for t, c in customers for _ in range(random.poisson(2))]
    of_tenant = {t: [p for u, p in products if u == t] for t in tenants}
    lines = []
    for number, (tenant, _) in enumerate(orders):
        some = of_tenant[tenant]
        picked = random.choice(some, min(1 + random.poisson(2), len(some)), replace=not bridge)
        lines += [(tenant, number, place, p) for place, p in enumerate(picked)]
    gone = np.zeros(len(lines), bool) if bridge else random.random(len(lines)) < 0.15
    table = np.array(lines)
    tables = {
        "tenants": {"tenant": tenants, "plan": random.choice(["a", "b"], 60)},
        "customers": dict(zip(("tenant", "customer"), np.array(customers).T, strict=True)),
        "products": {
            **dict(zip(("tenant", "product"), np.array(products).T, strict=True)),
            "price": random.integers(1, 90, len(products)),
        },
        "orders": {
            **dict(zip(("tenant", "customer"), np.array(orders).T, strict=True)),
            "order": np.arange(len(orders)),
        },
        "lines": {
            "tenant": table[:, 0], "order": table[:, 1], "line": table[:, 2],
            "product": pa.array(table[:, 3], mask=gone),
        },
    }  # fmt: skip
    return made(tables), declared(bridge)


@pytest.mark.parametrize("bridge", [False, True])
@pytest.mark.parametrize("scale", [0.3, 1.0, 3.0])
def test_parents_are_among_relatives(bridge: bool, scale: float) -> None:
    real, schema = shop(bridge=bridge)
    sample: Any = sl.fit(real, schema, k=1, seed=1, holdout=0.0).sample(scale, seed=2)
    twin = sample.to_arrow()
    assert not list(wrongs(real, twin, schema, Told(" ".join(sample.notes)), scale))
    kinds = {k.fk.label(n): k.kind for n, t in sample.model.tables.items() for k in t.links}
    assert kinds["lines(tenant, product) -> products"] == "within"
    assert kinds["orders(tenant, customer) -> customers"] == "within"


def test_any_range_is_the_same() -> None:
    real, schema = shop()
    sample: Any = sl.fit(real, schema, k=3, seed=1, holdout=0.0).sample(seed=2)
    twin = sample.to_arrow()["lines"]
    alone = Generator(Model.from_parts(sample.model.to_parts()), sample.plan)
    for start, stop in ((0, 7), (113, 400), (twin.num_rows - 5, twin.num_rows)):
        part = pa.Table.from_batches(alone.batches("lines", start, stop), twin.schema)
        assert part.equals(twin.slice(start, stop - start))


def test_numbers_of_lines_of_a_product_are_those_of_the_source() -> None:
    real, schema = shop()
    artifact = sl.fit(real, schema, k=1, seed=1, holdout=0.0)
    shares = []
    for tables in (real, *(artifact.sample(seed=seed).to_arrow() for seed in range(1, 5))):
        found = rows_of(tables["lines"], "tenant product")
        counts = [found.count(key) for key in set(rows_of(tables["products"], "tenant product"))]
        shares.append(np.bincount(np.minimum(counts, 12), minlength=13) / len(counts))
    gaps = [np.abs(np.cumsum(shares[0]) - np.cumsum(made)).max() for made in shares[1:]]
    assert np.mean(gaps) < 0.07


@pytest.mark.parametrize("mode", ["own", "match", None])
@pytest.mark.parametrize("k", [1, 5])
def test_what_may_not_be_null_is_filled(mode: str | None, k: int) -> None:
    """Of (origin, hour) only hour is NULL."""
    random = np.random.default_rng(1)
    ports = np.array([f"P{i:03d}" for i in range(150)])
    origin, hour = np.repeat(ports, 5), np.tile(np.arange(5), 150)
    picked, gone = random.integers(0, 750, 1_500), random.random(1_500) < 0.2
    real = made({
        "ports": {"port": ports},
        "weather": {"origin": origin, "hour": hour, "wind": random.integers(0, 30, 750)},
        "flights": {
            "id": np.arange(1_500), "origin": origin[picked],
            "hour": pa.array(hour[picked], mask=gone),
        },
    })  # fmt: skip
    wide: dict[str, Any] = key("origin hour", "weather", to="origin hour")
    narrow: dict[str, Any] = key("origin", "ports", "match", to="port")
    if mode is None:
        del wide["mode"], narrow["mode"]
    else:
        wide["mode"] = mode
    above = key("origin", "ports", to="port")
    schema = {
        "ports": {"primary_key": ["port"], "foreign_keys": []},
        "weather": {"primary_key": ["origin", "hour"], "foreign_keys": [above]},
        "flights": {"primary_key": ["id"], "foreign_keys": [narrow, wide]},
    }
    sample: Any = sl.fit(real, schema, k=k, seed=1, holdout=0.0).sample(seed=2)
    twin = sample.to_arrow()
    assert not list(wrongs(real, twin, schema, Told(" ".join(sample.notes), k)))
    assert not twin["flights"]["origin"].null_count
    null, orphan = rates(twin, "flights", "origin hour", "weather", "origin hour")
    assert (null, orphan) == (pytest.approx(0.2, abs=0.04), 0.0)


def test_keys_that_overlap_without_relatives_are_refused_with_the_way_out() -> None:
    real, schema = shop()
    schema["products"]["foreign_keys"] = []
    with pytest.raises(LearnError, match=r"shares the columns tenant with .*orders") as caught:
        sl.fit(real, schema, k=1, seed=1, holdout=0.0)
    assert "mode: own for lines(tenant, product) -> products" in caught.value.hint


def test_more_lines_than_products_of_a_tenant_are_cut() -> None:
    real, schema = shop(bridge=True)
    artifact = sl.fit(real, schema, k=1, seed=1, holdout=0.0)
    for seed in range(3):
        twin = artifact.sample(0.2, seed=seed).to_arrow()
        rows = rows_of(twin["lines"], "tenant order product")
        assert len(set(rows)) == len(rows)


def test_stubs_are_shared_out_among_parents_of_equal_number() -> None:
    theirs = np.array([3, 3, 5, 5, 9])
    stubs = np.array([1, 3, 0, 0, 2])
    mine = np.array([3] * 8 + [5] * 4 + [9] + [4])
    place = _shared_out(mine, theirs, stubs, 7)
    assert np.bincount(place[:8], minlength=2).tolist() == [2, 6]
    assert sorted(place[8:12].tolist()) == [2, 2, 3, 3]  # nobody has any: each has one
    assert place[12:].tolist() == [4, -1]
    assert not len(_shared_out(mine[:0], theirs, stubs, 7))
    assert (_shared_out(mine, theirs[:0], stubs[:0], 7) == -1).all()


def test_a_number_is_told_apart_below_parents_that_two_codes_share() -> None:
    random = np.random.default_rng(5)
    tenants = np.arange(60) + 1
    products = [(t, p) for t in tenants for p in range(1, 1 + random.integers(1, 4))]
    batches = [(t, p, b) for t, p in products for b in range(1, 1 + random.integers(1, 5))]
    tables = {
        "tenants": pa.table({"tenant": tenants}),
        "products": pa.table(dict(zip(("tenant", "product"), np.array(products).T, strict=True))),
        "batches": pa.table(
            dict(zip(("tenant", "product", "batch"), np.array(batches).T, strict=True))
        ),
    }
    keys = {
        "tenants": {"primary_key": ["tenant"], "foreign_keys": []},
        "products": {
            "primary_key": ["tenant", "product"],
            "foreign_keys": [key("tenant", "tenants", to="tenant")],
        },
        "batches": {
            "primary_key": ["tenant", "product", "batch"],
            "foreign_keys": [
                key("tenant", "tenants", "own", to="tenant"),
                key("tenant product", "products", "match", to="tenant product"),
            ],
        },
    }
    artifact = sl.fit(tables, keys, seed=1, k=1)
    for seed in range(4):
        twin = artifact.sample(seed=seed).to_arrow()
        rows = [tuple(row.values()) for row in twin["batches"].to_pylist()]
        assert len(set(rows)) == len(rows)
