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


def database(seed: int, accounts: int = 150) -> Database:
    """Accounts, their orders and the lines of these, which keep all rules; NULLs and orphans."""
    random = np.random.default_rng(seed)
    families = random.poisson(3, accounts)
    owner = np.repeat(np.arange(accounts), families)
    table = _accounts(random, families)
    since, until = (np.asarray(table[n].fill_null(0).cast(pa.int32())) for n in ("born", "until"))
    tier, name = np.asarray(table["tier"])[owner], table["name"].take(pa.array(owner))
    rows, place = len(owner), np.arange(len(owner)) - np.searchsorted(owner, owner)
    placed = since[owner] + (random.random(rows) * (until - since)[owner] * 0.5).astype(int)
    closed = placed + (random.random(rows) * (until[owner] - placed)).astype(int)
    closed = np.maximum(closed, since[owner] + 1)
    amount, price = random.gamma(2, 1_000, rows).astype(int), random.integers(0, 5_000, rows)
    main = place == (owner * 7 % np.maximum(families[owner], 1))
    free, bare = random.random(rows) < 0.1, random.random(rows) < 0.1
    orders = pa.table({
        "order": np.arange(rows),
        "account": owner,
        "placed": dates(placed, random.random(rows) < 0.1), "closed": dates(closed),
        "amount": pa.array([Decimal(int(c)).scaleb(-2) for c in amount], pa.decimal128(10, 2),
                           mask=free),
        "price": pa.array(price / 100, mask=bare),
        "seen": dates(placed + random.integers(0, 9, rows)),
        "main": pa.array(main), "flag": pa.array((main & (owner % 3 > 0)).astype(np.int8)),
        "account_name": name, "account_since": table["since"].take(pa.array(owner)),
        "discount": np.array([{"a": 0, "b": 5, "c": 9}[t] for t in tier]),
    })  # fmt: skip
    line = np.repeat(np.arange(rows), random.integers(0, 4, rows))
    last = np.maximum(until[owner], placed)[line]
    lines = pa.table({
        "order": line, "line": np.arange(len(line)) - np.searchsorted(line, line),
        "shipped": dates(np.minimum(placed[line] + random.integers(0, 40, len(line)), last)),
        "quantity": random.integers(1, 9, len(line)),
    })  # fmt: skip
    return _lost({"accounts": _added(table, orders), "orders": orders, "lines": lines}, random)


def _accounts(random: Any, families: Any) -> pa.Table:
    """Accounts without their totals; ``born`` is ``since`` without NULLs."""
    rows = len(families)
    since = random.integers(15_000, 18_000, rows)
    name = np.array([f"{'abcd'[i % 4]}{i // 12}" for i in range(rows)])
    return pa.table({
        "account": np.arange(rows), "born": dates(since),
        "since": dates(since, random.random(rows) < 0.05),
        "until": dates(since + random.integers(1, 900, rows)),
        "name": pa.array(name, mask=random.random(rows) < 0.1),
        "tier": random.choice(["a", "b", "c"], rows),
        "orders_n": pa.array(families, pa.int32()),
    })  # fmt: skip


def _added(accounts: pa.Table, orders: pa.Table) -> pa.Table:
    """Accounts with totals of their orders: 0 or NULL where they have none."""
    query = """
        SELECT columns, COALESCE(SUM(amount), 0)::DECIMAL(14, 2) AS spent,
            ROUND(SUM(price), 2) AS paid, MIN(seen) AS first, MAX(seen) AS last
        FROM accounts AS a LEFT JOIN orders USING (account) GROUP BY ALL ORDER BY account
    """
    with duckdb.connect() as session:
        session.register("accounts", accounts)
        session.register("orders", orders)
        return session.sql(query.replace("columns", _named(accounts))).to_arrow_table()


def _named(accounts: pa.Table) -> str:
    return ", ".join(f"a.{n}" for n in accounts.column_names if n != "born")


def _lost(tables: Database, random: Any) -> Database:
    """The same with rows whose parent nobody has, or that have none: they are free of all rules."""
    lines, orders = tables["lines"], tables["orders"]
    order = np.asarray(lines["order"])
    gone = random.random(orders.num_rows) < 0.04
    lines = lines.set_column(0, "order", pa.array(np.where(gone[order], order + 10**6, order)))
    more = orders.filter(pa.array(random.random(orders.num_rows) < 0.1))
    rows = np.arange(more.num_rows)
    more = more.set_column(0, "order", pa.array(orders.num_rows + rows))
    more = more.set_column(1, "account", pa.array(rows // 2 + 10**6, mask=rows % 5 == 0))
    return {**tables, "orders": pa.concat_tables([orders, more]), "lines": lines}


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


@pytest.mark.slow
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


def keys() -> dict[str, dict[str, Any]]:
    return ruled({})


@pytest.mark.slow
def test_what_holds_everywhere_is_found_without_being_declared(tmp_path: Path) -> None:
    real = database(11, 700)
    artifact = sl.load(sl.fit(real, keys(), seed=1).save(tmp_path / "a"))
    twin = artifact.sample(scale=2.0, seed=3).to_arrow()
    query = """
        SELECT AVG((placed < since)::INT) AS before, AVG(placed - since) AS days,
            AVG((account_since IS DISTINCT FROM since)::INT) AS copy,
            AVG((account_name IS DISTINCT FROM name)::INT) AS name,
            MAX((discount <> CASE tier WHEN 'a' THEN 0 WHEN 'b' THEN 5 ELSE 9 END)::INT) AS mapped
        FROM orders JOIN accounts USING (account)
    """
    found = {}
    for who, tables in (("real", real), ("twin", twin)):
        with duckdb.connect() as session:
            for name, table in tables.items():
                session.register(name, table)
            found[who] = session.sql(query).to_arrow_table().to_pylist()[0]
    days = [float(found[who].pop("days")) for who in ("real", "twin")]
    assert days[1] == pytest.approx(days[0], rel=0.15)
    assert found["twin"] == found["real"] == dict.fromkeys(found["real"], 0)


def test_init_proposes_what_can_be_declared() -> None:
    from synthlake.pipeline.profile import profile
    from synthlake.source import open_source

    tables = profile(open_source(database(2, 800))).tables
    said = {
        name: [dict(p.declaration) for p in table.found.proposals if not p.exceptions]
        for name, table in tables.items()
        if table.found is not None
    }
    for rule in (*OWNED["accounts"]["spent"], *OWNED["accounts"]["ends"]):
        held = {k: v for k, v in rule.items() if v != "sum"}
        assert held in said["accounts"]
    assert OWNED["accounts"]["count"][0] in said["accounts"]
    assert {"one_per": "accounts", "column": "main"} in said["orders"]
    assert {"copy": "account_since", "of": "accounts.since"} in said["orders"]
    assert {"inequality": ["accounts.since", "placed"], "strict": False} in said["orders"]
    assert {"inequality": ["orders.placed", "shipped"], "strict": False} in said["lines"]


def test_what_is_kept_is_listed(whole: sl.Artifact, tmp_path: Path) -> None:
    from synthlake.store.inspection import inspect

    said = {(e.table, e.place, e.what) for e in inspect(whole.save(tmp_path / "a")).entries}
    assert ("orders", "account_name", "copy of accounts.name") in said
    assert ("orders", "main", "rule: one row of a family is marked") in said
    assert ("accounts", "spent", "rule: sum of orders.amount") in said
    assert ("lines", "", "reads orders.placed of its parents") in said
    assert not [s for s in said if s[2] == "across"]


@pytest.mark.slow
def test_totals_are_learned_where_only_some_families_are_drawn() -> None:
    real = database(4, 4_000)
    names = {"accounts": ["spent", "paid", "count", "ends"], "orders": ["one", "copies"]}
    artifact = sl.fit(real, ruled(names), seed=1, max_rows=3_000)
    twin = artifact.sample(seed=2).to_arrow()
    assert set(broken(artifact.schema, twin).values()) == {0}
    bare = twin["accounts"].filter(pa.compute.equal(twin["accounts"]["orders_n"], 0))
    assert bare.num_rows > 50
    assert bare["paid"].null_count == bare.num_rows  # as in the real data
    assert bare["spent"].null_count == 0
    means = [np.mean(t["accounts"]["spent"].cast(pa.float64())) for t in (real, twin)]
    assert means[1] == pytest.approx(means[0], rel=0.1)
