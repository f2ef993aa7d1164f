"""A table with NULLs that keeps rules of every kind, and the rules."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

import synthlake as sl
from synthlake.constraints.declared import declared
from synthlake.schema.model import Table

Rule = dict[str, Any]
CITIES = {"NY": ("Albany", "Buffalo"), "CA": ("LA", "SF"), "TX": ("Austin", "Dallas")}


def sales(rows: int = 2_000, seed: int = 0) -> pa.Table:
    """Prices, dates, sums, flags and places; most columns with NULLs."""
    random = np.random.default_rng(seed)

    def some(values: Any, share: float, dtype: pa.DataType | None = None) -> pa.Array[Any]:
        return pa.array(values, dtype, mask=random.random(rows) < share)

    low = random.normal(100, 20, rows).round(2)
    begin = random.integers(18_000, 19_000, rows)
    amount, price = random.integers(1, 20, rows), random.gamma(2, 10, rows).round(2)
    cents = [Decimal(int(v)) / 100 for v in random.gamma(2, 900, rows)]
    hot, state = random.integers(0, 3, rows), random.choice(list(CITIES), rows, p=[0.5, 0.3, 0.2])
    gone = random.random(rows) < 0.2
    end = begin + random.geometric(0.3, rows)
    return pa.table({
        "age": some(random.integers(0, 90, rows), 0.1, pa.int32()),
        "low": some(low, 0.05),
        "high": some((low + random.exponential(5, rows)).round(2), 0.05),
        "begin": some(begin, 0.05, pa.int32()).cast(pa.date32()),
        "end": some(end, 0.05, pa.int32()).cast(pa.date32()),
        "days": pa.array(end - begin, pa.int16()),
        "seen": pa.array((end * 86_400 + random.integers(0, 86_400, rows)) * 10**6,
                         pa.timestamp("us"), mask=random.random(rows) < 0.1),
        "amount": pa.array(amount),
        "price": some(price, 0.03),
        "total": pa.array((amount + price).round(2)),
        "each": pa.array(price / amount),
        "cents": pa.array(cents, pa.decimal128(12, 2)),
        "first": pa.array(hot == 0), "second": pa.array(hot == 1), "third": pa.array(hot == 2),
        "state": pa.array(state),
        "city": pa.array([CITIES[s][random.integers(0, 2)] for s in state]),
        "zone": pa.array([f"{s}{a > 9}" for s, a in zip(state, amount, strict=True)]),
        "east": pa.array(random.normal(0, 1, rows), mask=gone),
        "north": pa.array(random.integers(0, 9, rows), mask=gone),
        "gift": pa.array(random.integers(0, 5, rows) * (hot == 0)),
        "loan": pa.array(random.integers(1, 5, rows), mask=hot == 0),
        "code": pa.array([f"N{i:05d}" for i in random.integers(0, 99_999, rows)]),
        "serial": pa.array(np.arange(rows) * 3 + 7),
    })  # fmt: skip


RULES: Sequence[Rule] = (
    {"range": "age", "min": 18, "max": 70},
    {"range": "low", "min": 70.5, "max": 120, "exclusive": True},
    {"range": "begin", "min": "2020-01-01"},
    {"range": "seen", "max": "2021-06-30 12:00:00"},
    {"range": "cents", "max": 30.5},
    {"inequality": ["low", "high"]},
    {"inequality": ["begin", "end", "seen"], "strict": True},
    {"inequality": ["age", "cents"]},
    {"sum": "total", "of": ["amount", "price"]},
    {"difference": "days", "of": ["end", "begin"]},
    {"difference": "price", "of": ["total", "amount"], "decimals": 2},
    {"ratio": "each", "of": ["price", "amount"]},
    {"one_hot": ["first", "second", "third"]},
    {"fixed_combinations": ["state", "city"]},
    {"fixed_combinations": ["age", "state"]},
    {"null_together": ["east", "north"]},
    {"null_together": ["low", "age"]},
    {"exclusive": ["gift", "loan"]},
    {"exclusive": ["age", "loan", "first"]},
    {"determines": ["city"], "column": "state"},
    {"determines": ["state", "amount"], "column": "zone"},
    {"regex": "code", "pattern": "N[0-9]{5}"},
    {"regex": "code", "pattern": "N[0-4][0-9]{4}"},
    {"unique": ["code"]},
    {"unique": ["state", "serial"]},
    {"when": "state = 'NY'", "then": "age < 30 and age is not null"},
    {"when": "first", "then": "gift > 0"},
    {"predicate": "low + price < 110 or second"},
    {"predicate": "age is null or age <> 45"},
    {"predicate": "length(city) > 2 and code not like 'N1%'"},
)


def ids(rule: Rule) -> str:
    return " ".join(f"{k} {v}" for k, v in rule.items())


def named(rules: Sequence[Rule], table: pa.Table) -> list[str]:
    """Columns that rules speak of, by way of their texts too."""
    said = " ".join(str(v) for rule in rules for v in rule.values())
    return [name for name in table.column_names if name in said]


def learned(table: pa.Table, rules: Sequence[Rule], **more: Any) -> sl.Artifact:
    given = {"t": {"primary_key": [], "constraints": list(rules), **more}}
    return sl.fit({"t": table}, given, seed=1)


def made(artifact: sl.Artifact, rows: int, seed: int = 2) -> pa.Table:
    return artifact.sample(rows={"t": rows}, seed=seed).to_arrow()["t"]


def violations(table: Table, twin: pa.Table, real: pa.Table) -> dict[str, int]:
    """Rows of a twin that break the rules, by the rules' own SQL."""
    with duckdb.connect() as session:
        session.register("twin", twin)
        session.register("real", real)
        found = {}
        for rule in declared(table):
            row = session.execute(rule.violation_sql("duckdb", "twin", "real")).fetchone()
            assert row is not None
            found[rule.label] = int(row[0])
    return found
