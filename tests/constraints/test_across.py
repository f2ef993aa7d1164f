"""Rules across tables hold in every row of random databases, by their own SQL and any cut."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import synthlake as sl
from synthlake.constraints.declared import declared
from synthlake.schema.model import Schema

Rule = dict[str, Any]
Database = dict[str, pa.Table]
OWNED = {
    "accounts": {
        "spent": [{"aggregate": "spent", "of": "orders.amount", "function": "sum"}],
        "paid": [{"aggregate": "paid", "of": "orders.price"}],
        "count": [{"aggregate": "orders_n", "of": "orders", "function": "count"}],
        "ends": [
            {"aggregate": "first", "of": "orders.seen", "function": "min"},
            {"aggregate": "last", "of": "orders.seen", "function": "max"},
        ],
        "life": [{"inequality": ["since", "until"]}],
    },
    "orders": {
        "after": [{"inequality": ["accounts.since", "placed"]}],
        "between": [{"inequality": ["accounts.since", "placed", "closed", "accounts.until"]}],
        "strictly": [{"inequality": ["accounts.since", "closed"], "strict": True}],
        "one": [{"one_per": "accounts", "column": "main"}],
        "most": [{"one_per": "accounts", "column": "flag", "optional": True}],
        "copy": [{"copy": "account_name", "of": "accounts.name"}],
        "copies": [{"copy": "account_since", "of": "accounts.since"}],
        "map": [{"determines": ["accounts.tier"], "column": "discount"}],
        "when": [{"when": "main", "then": "discount < 10"}],
    },
    "lines": {
        "own": [{"inequality": ["orders.placed", "shipped"]}],
        "up": [{"inequality": ["accounts.since", "shipped"]}],
        "under": [{"inequality": ["shipped", "accounts.until"]}],
    },
}
NEEDS = {"between": "life"}  # a rule of the parent that another one needs


def dates(values: Any, null: Any = None) -> pa.Array[Any]:
    mask = None if null is None else np.asarray(null)
    return pa.array(np.asarray(values), pa.int32(), mask=mask).cast(pa.date32())


def database(seed: int, accounts: int = 150, *, orphans: bool = True) -> Database:
    """Accounts, their orders and the lines of these, which keep all rules; NULLs and orphans."""
    random = np.random.default_rng(seed)

    def gone(share: float, rows: int) -> Any:
        return random.random(rows) < share

    since = random.integers(15_000, 18_000, accounts)
    until = since + random.integers(0, 900, accounts)
    nameless, ageless = gone(0.1, accounts), gone(0.05, accounts)
    tier = random.choice(["a", "b", "c"], accounts)
    families = random.poisson(3, accounts)
    owner = np.repeat(np.arange(accounts), families)
    orders = len(owner)
    placed = since[owner] + (random.random(orders) * (until - since)[owner] * 0.5).astype(int)
    closed = placed + (random.random(orders) * (until[owner] - placed)).astype(int)
    closed = np.maximum(closed, np.minimum(since[owner] + 1, until[owner]))
    closed = np.where(closed <= since[owner], since[owner] + 1, closed)
    amount, price = random.gamma(2, 1_000, orders).astype(int), random.integers(0, 5_000, orders)
    free, bare = gone(0.1, orders), gone(0.1, orders)
    seen = placed + random.integers(0, 9, orders)
    place = np.arange(orders) - np.searchsorted(owner, owner)
    main = place == (owner * 7 % np.maximum(families[owner], 1))
    flag = main & (owner % 3 > 0)
    name = np.array([f"{'abcd'[i % 4]}{i // 12}" for i in range(accounts)])
    known = np.bincount(owner, np.where(free, 0, amount), accounts).astype(int)
    paid = np.bincount(owner, np.where(bare, 0, price), accounts) / 100
    ends = [[seen[owner == a] for a in range(accounts)], (min, max)]
    first, last = ([end(s) if len(s) else None for s in ends[0]] for end in ends[1])  # type: ignore[operator]
    customers = np.where(orphans & (gone(0.04, orders)), owner % 17 + 9_000, owner)
    lost = customers != owner
    lines = np.repeat(np.arange(orders), random.integers(0, 4, orders))
    del ends, lost
    return {
        "accounts": pa.table({
            "account": np.arange(accounts),
            "since": dates(since, ageless), "until": dates(until, ageless),
            "name": pa.array(name, mask=nameless), "tier": tier,
            "spent": pa.array([Decimal(int(c)).scaleb(-2) for c in known], pa.decimal128(14, 2)),
            "paid": pa.array(np.round(paid, 2), mask=families == 0),
            "orders_n": pa.array(families, pa.int32()),
            "first": pa.array(first, pa.int32()).cast(pa.date32()),
            "last": pa.array(last, pa.int32()).cast(pa.date32()),
        }),
        "orders": pa.table({
            "order": np.arange(orders), "account": customers,
            "placed": dates(placed, gone(0.1, orders)), "closed": dates(closed),
            "amount": pa.array([Decimal(int(c)).scaleb(-2) for c in amount], pa.decimal128(10, 2),
                               mask=free),
            "price": pa.array(price / 100, mask=bare), "seen": dates(seen),
            "main": pa.array(main), "flag": pa.array(flag.astype(np.int8)),
            "account_name": pa.array(name[owner], mask=nameless[owner]),
            "account_since": dates(since[owner], ageless[owner]),
            "discount": np.array([{"a": 0, "b": 5, "c": 9}[t] for t in tier[owner]]),
        }),
        "lines": pa.table({
            "order": lines, "line": np.arange(len(lines)) - np.searchsorted(lines, lines),
            "shipped": dates(np.minimum(placed[lines] + random.integers(0, 40, len(lines)),
                                        np.maximum(until[owner][lines], placed[lines]))),
            "quantity": random.integers(1, 9, len(lines)),
        }),
    }  # fmt: skip


def keyed(columns: str, parent: str) -> Rule:
    return {"columns": [columns], "references": parent, "mode": "own"}


def ruled(names: dict[str, list[str]]) -> dict[str, dict[str, Any]]:
    """Keys and modes, and some of the rules by name."""
    names = {t: list(found) for t, found in names.items()}
    for found in list(names.values()):
        for name in found:
            if name in NEEDS and NEEDS[name] not in names.setdefault("accounts", []):
                names["accounts"].append(NEEDS[name])
    rules = {t: [r for n in found for r in OWNED[t][n]] for t, found in names.items()}
    keys: dict[str, dict[str, Any]] = {
        "accounts": {"primary_key": ["account"]},
        "orders": {"primary_key": ["order"], "foreign_keys": [keyed("account", "accounts")]},
        "lines": {"primary_key": ["order", "line"], "foreign_keys": [keyed("order", "orders")]},
    }
    return {t: {**entry, "constraints": rules.get(t, [])} for t, entry in keys.items()}


def broken(schema: Schema, twin: Database) -> dict[str, int]:
    """What breaks each rule of a schema, by the rule's own SQL."""
    with duckdb.connect() as session:
        for name, table in twin.items():
            session.register(name, table)
        found = {}
        for table_ in schema:
            for rule in declared(table_, schema):
                sql = rule.violation_sql("duckdb", f'"{table_.name}"')
                row = session.execute(sql).fetchone()
                assert row is not None
                found[rule.where] = int(row[0])
    return found


def kept(names: dict[str, list[str]], seed: int, scale: float = 1.0) -> sl.Artifact:
    real = database(seed)
    artifact = sl.fit(real, ruled(names), seed=seed)
    twin = artifact.sample(scale=scale, seed=seed + 1).to_arrow()
    found = broken(artifact.schema, twin)
    assert found, "no rule"
    assert set(found.values()) == {0}, found
    return artifact


@pytest.mark.parametrize(
    ("table", "name"), [(t, n) for t, rules in OWNED.items() for n in rules if n != "when"]
)
def test_each_rule_alone(table: str, name: str) -> None:
    kept({table: [name]}, seed=3, scale=2.0)


_APART = ({"between", "after"}, {"between", "strictly"}, {"after", "strictly"})


@st.composite
def chosen(draw: Any) -> dict[str, list[str]]:
    """Rules that go together."""
    names = {t: draw(st.lists(st.sampled_from(sorted(rules)), unique=True, max_size=4))
             for t, rules in OWNED.items()}  # fmt: skip
    if not any(names.values()):
        names["orders"] = ["after"]
    found = names["orders"]
    if "between" in found:
        names["orders"] = [n for n in found if n not in ("after", "strictly")]
    if "under" in names["lines"]:
        names["lines"] = ["under"]
    return names


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(names=chosen(), seed=st.integers(0, 50), scale=st.sampled_from([0.3, 1.0, 3.0]))
def test_rules_together(names: dict[str, list[str]], seed: int, scale: float) -> None:
    kept(names, seed, scale)


EVERY = {
    "accounts": ["spent", "paid", "count", "ends", "life"],
    "orders": ["between", "one", "most", "copy", "map", "when"],
    "lines": ["own", "up"],
}


@pytest.fixture(scope="module")
def whole() -> sl.Artifact:
    return kept(EVERY, seed=5)


def test_the_rules_hold_at_scale_and_in_the_saved_artifact(
    whole: sl.Artifact, tmp_path: Path
) -> None:
    again = sl.load(whole.save(tmp_path / "a"))
    twins = [a.sample(scale=10.0, seed=9).to_arrow() for a in (whole, again)]
    assert twins[0] == twins[1]
    assert set(broken(whole.schema, twins[1]).values()) == {0}


@pytest.mark.parametrize("cuts", [(0, 1, 17, 300), (0, 128, 129, 130, 299)])
@pytest.mark.parametrize("table", ["accounts", "orders", "lines"])
def test_any_cut_gives_the_same_rows(whole: sl.Artifact, table: str, cuts: tuple[int, ...]) -> None:
    twin = whole.sample(scale=2.0, seed=4)
    every = pa.Table.from_batches(twin[table].batches())
    alone = whole.sample(scale=2.0, seed=4)[table]  # nothing made before it
    ends = [c for c in cuts if c < every.num_rows] + [every.num_rows]
    parts = [pa.Table.from_batches(alone.batches(*pair), every.schema) for pair in pairwise(ends)]
    assert pa.concat_tables(parts).equals(every.slice(ends[0]))


def test_the_databases_keep_what_they_are_made_to_keep() -> None:
    real = database(7)
    names = {t: list(rules) for t, rules in OWNED.items()}
    names["orders"].remove("when")
    schema = sl.fit(real, ruled(names | {"lines": ["own", "up"]} | {"orders": ["after"]})).schema
    assert set(broken(schema, real).values()) == {0}
