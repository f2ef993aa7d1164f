"""What is kept without being declared holds in every row that is made, by any cut of a range."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import synthlake as sl
from synthlake.constraints.discover import discover, in_order, rule_from_json
from synthlake.constraints.masks import MaskRule, find_mask_rules, mask_rule_from_json, with_masks
from synthlake.constraints.rule import Cells
from synthlake.constraints.sums import SumRule
from synthlake.encode.axis import Axis

ROWS = 4_000


def nulled(values: Any, null: Any, kind: Any = None) -> pa.Array[Any]:
    return pa.array(values, kind, mask=np.asarray(null))


def decimals(cents: Any) -> pa.Array[Any]:
    return pa.array([Decimal(int(c)).scaleb(-2) for c in cents], pa.decimal128(12, 2))


def _orders() -> pa.Table:
    """Sums of integers, decimals, floats, dates; NULLs in chains; a region of a state."""
    random = np.random.default_rng(1)
    net, tax, fee = (random.integers(0, top, ROWS) for top in (90_000, 900, 50))
    level = random.integers(0, 5, ROWS)
    start, days = random.integers(18_000, 19_000, ROWS), random.integers(0, 90, ROWS)
    state = random.integers(0, 40, ROWS)
    begin = random.integers(0, 10**9, ROWS) * 1_000
    spent = random.integers(0, 10**6, ROWS) * 1_000
    d1, d2, f1, f2 = (random.integers(0, top, ROWS) for top in (9_000, 400, 80_000, 700))
    return pa.table({
        "id": np.arange(ROWS),
        "total": pa.array(net + tax + fee, pa.int64()),
        "net": net, "tax": tax, "fee": fee,
        "gross_d": decimals(d1 + d2), "net_d": decimals(d1), "tax_d": decimals(d2),
        "gross_f": (f1 + f2) / 100, "net_f": f1 / 100, "tax_f": f2 / 100,
        "due": pa.array(start + days, pa.int32()).cast(pa.date32()),
        "start": pa.array(start, pa.int32()).cast(pa.date32()), "days": days,
        "until": pa.array(begin + spent).cast(pa.timestamp("us", "UTC")),
        "since": pa.array(begin).cast(pa.timestamp("us", "UTC")),
        "spent": pa.array(spent).cast(pa.duration("us")),
        "region": np.array(list("nesw"))[state % 4],
        "state": np.array([f"s{n:02d}" for n in range(40)])[state],
        "n0": nulled(random.normal(0, 1, ROWS), level < 1),
        "n1": nulled(np.array(list("abcde"))[level], level < 3),
        "n2": nulled(random.integers(0, 99, ROWS), level < 2),
        "n3": nulled(random.integers(0, 9, ROWS), level < 2),
    })  # fmt: skip


@pytest.fixture(scope="module")
def artifact() -> sl.Artifact:
    roles = {n: {"role": "categorical"} for n in ("region", "state", "n1")}
    return sl.fit({"t": _orders()}, {"t": {"primary_key": ["id"], "columns": roles}}, seed=1)


@pytest.fixture(scope="module")
def made(artifact: sl.Artifact) -> pa.Table:
    return artifact.sample(scale=2.0, seed=5).to_arrow()["t"]


def _sum(table: pa.Table, *parts: str) -> Any:
    out = table[parts[0]]
    for part in parts[1:]:
        out = pc.add(out, table[part])
    return out


def test_sums_hold_in_every_row(made: pa.Table) -> None:
    assert made.num_rows == 2 * ROWS
    assert made["total"].equals(_sum(made, "net", "tax", "fee"))
    assert _sum(made, "net_d", "tax_d").cast(made["gross_d"].type).equals(made["gross_d"])
    cents = [np.rint(np.asarray(made[n]) * 100).astype(int) for n in ("gross_f", "net_f", "tax_f")]
    assert np.array_equal(cents[0], cents[1] + cents[2])
    assert pc.add(made["since"], made["spent"]).equals(made["until"])
    days = [np.asarray(made[n].cast(pa.int32())) for n in ("due", "start")]
    assert np.array_equal(days[0], days[1] + np.asarray(made["days"]))


def test_what_is_computed_has_the_type_and_spread_of_the_source(made: pa.Table) -> None:
    real = _orders()
    assert made.schema.types == real.schema.types
    for name in ("total", "gross_d", "gross_f"):
        a, b = (np.sort(np.asarray(t[name].cast(pa.float64()))) for t in (real, made))
        grid = np.union1d(a, b)
        gap = np.searchsorted(a, grid, "right") / len(a) - np.searchsorted(b, grid, "right") / len(
            b
        )
        assert np.abs(gap).max() < 0.05, name


def test_a_column_of_fewer_values_follows_from_one_of_more(made: pa.Table) -> None:
    real = _orders()
    known = set(zip(real["state"].to_pylist(), real["region"].to_pylist(), strict=True))
    twin = list(zip(made["state"].to_pylist(), made["region"].to_pylist(), strict=True))
    assert set(twin) <= known
    assert len(set(twin)) == 40


def test_nulls_follow_from_nulls(made: pa.Table) -> None:
    real = _orders()
    null = [np.asarray(made[f"n{n}"].is_null()) for n in range(4)]
    assert np.array_equal(null[2], null[3])
    assert not (null[0] & ~null[2]).any()
    assert not (null[2] & ~null[1]).any()
    for n in range(4):
        share = real[f"n{n}"].null_count / ROWS
        assert null[n].mean() == pytest.approx(share, abs=0.03), n


@pytest.mark.parametrize("cuts", [(0, 1, 17, 4_096, 8_000), (3_999, 4_001, 7_777)])
def test_any_cut_gives_the_same_rows(
    artifact: sl.Artifact, made: pa.Table, tmp_path: Path, cuts: tuple[int, ...]
) -> None:
    twin = sl.load(artifact.save(tmp_path / "a")).sample(scale=2.0, seed=5)["t"]
    parts = [pa.Table.from_batches(twin.batches(*ends), made.schema) for ends in pairwise(cuts)]
    assert pa.concat_tables(parts).equals(made.slice(cuts[0], cuts[-1] - cuts[0]))


def test_what_is_kept_is_listed(artifact: sl.Artifact, tmp_path: Path) -> None:
    from synthlake.store.inspection import inspect

    said = {(e.place, e.what) for e in inspect(artifact.save(tmp_path / "a")).entries}
    assert ("total", "rule: sum") in said
    assert ("region", "map from state") in said
    assert ("n2", "rule: NULL together with n3") in said
    assert ("n2", "rule: where it is NULL, so is n1") in said


def test_a_table_learned_column_by_column_keeps_nothing() -> None:
    model = sl.fit({"t": _orders()}, {"t": {"synthesizer": "independent"}}, seed=1)
    made = model.sample(seed=1).to_arrow()["t"]
    assert not made["total"].equals(_sum(made, "net", "tax", "fee"))


# the rules themselves


def _cells(**columns: Any) -> tuple[dict[str, Cells], dict[str, Any], dict[str, Axis]]:
    arrays = {n: pa.array(c) for n, c in columns.items()}
    axes = {n: Axis(a.type) for n, a in arrays.items()}
    return ({n: Cells(*axes[n].ticks(a)) for n, a in arrays.items()},
            {n: a.type for n, a in arrays.items()}, axes)  # fmt: skip


def test_a_sum_that_fails_once_is_none() -> None:
    random = np.random.default_rng(2)
    a, b = random.integers(0, 99, ROWS), random.integers(0, 99, ROWS)
    for wrong in (0, 1):
        total = a + b
        total[:wrong] += 1
        cells, types, axes = _cells(a=a, b=b, t=total)
        rules = discover(cells, types, [], axes).rules
        assert len(rules) == 1 - wrong
    assert rule_from_json(SumRule("t", ("a", "b"), (1, 10)).to_json()) == SumRule(
        "t", ("a", "b"), (1, 10)
    )


def test_a_sum_beyond_its_type_is_not_kept() -> None:
    """All rows fit; the greatest parts together would not."""
    a = np.arange(ROWS) % 100
    cells, types, axes = _cells(a=pa.array(a, pa.int8()), b=pa.array(99 - a, pa.int8()),
                                c=pa.array(a % 7, pa.int8()),
                                t=pa.array(99 + a % 7, pa.int8()))  # fmt: skip
    assert not [r for r in discover(cells, types, [], axes).rules if r.makes == ("t",)]


def test_a_known_column_is_made_by_nothing() -> None:
    random = np.random.default_rng(3)
    a, b = random.integers(0, 99, ROWS), random.integers(0, 99, ROWS)
    cells, types, axes = _cells(a=a, b=b, t=a + b)
    assert discover(cells, types, ["t"], axes).rules == ()


def test_sums_of_sums_come_in_order() -> None:
    random = np.random.default_rng(4)
    a, b, c = (random.integers(0, 999, ROWS) for _ in range(3))
    cells, types, axes = _cells(all=a + b + c, ab=a + b, a=a, b=b, c=c)
    rules = discover(cells, types, [], axes).rules
    assert in_order(rules) == rules
    known = dict(cells)
    for rule in rules:
        made = rule.apply(known)
        assert all(np.array_equal(made[n].ticks, cells[n].ticks) for n in made)
    assert {n for r in rules for n in r.makes} == {"all", "ab"}


@given(st.lists(st.tuples(*[st.integers(0, 4)] * 4), min_size=5, max_size=5),
       st.permutations(range(4)), st.integers(0, 99))  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_masks_agree_whatever_the_order_of_columns(
    levels: list[tuple[int, ...]], order: list[int], seed: int
) -> None:
    """Rules found in planted chains: what they demand never contradicts itself."""
    random = np.random.default_rng(seed)
    row = random.integers(0, len(levels), 3_000)
    names = [f"n{n}" for n in range(4)]
    null = np.stack([np.array([level[n] < 2 for level in levels])[row] for n in range(4)], axis=1)
    rules = find_mask_rules(null, names, np.arange(len(row)), 10)
    assert [mask_rule_from_json(r.to_json()) for r in rules] == list(rules)
    drawn: dict[str, Any] = {}
    for place in order:
        own = random.random(len(row)) < 0.5
        must, known = with_masks(names[place], own, rules, drawn)
        drawn[names[place]] = (own | must) & ~known
    for rule in rules:
        first = drawn[rule.columns[0]]
        assert all(np.array_equal(drawn[n], first) for n in rule.columns)
        assert not any((first & ~drawn[n]).any() for n in rule.then)


def test_masks_have_k_entities() -> None:
    null = np.arange(ROWS) % 5 == 0
    both = np.stack([null, null], axis=1)
    group = np.arange(ROWS)
    assert find_mask_rules(both, ["a", "b"], group, 10) == (MaskRule(("a", "b")),)
    few = np.where(null, group % 9, group)
    assert find_mask_rules(both, ["a", "b"], few, 10) == ()
