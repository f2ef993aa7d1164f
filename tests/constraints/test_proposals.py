"""What is proposed, with exact counts of what supports it and of what breaks it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthlake.constraints.discovery.grid import mixed, quoted
from synthlake.constraints.discovery.proposal import Proposal
from synthlake.constraints.discovery.propose import Asked, Found, propose_constraints

ROWS = 4_000


def found_in(columns: Mapping[str, Any], **asked: Any) -> Found:
    group = asked.pop("group", None)
    table = pa.table(dict(columns))
    return propose_constraints(table, Asked(table.column_names, **asked), group)


def one(found: Found, **declaration: Any) -> Proposal:
    """The proposal of just this declaration."""
    held = [p for p in found.proposals if dict(p.declaration) == declaration]
    assert len(held) == 1, [dict(p.declaration) for p in found.proposals]
    return held[0]


def kinds(found: Found) -> set[str]:
    return {p.kind for p in found.proposals}


def some(random: np.random.Generator, count: int) -> np.ndarray[Any, Any]:
    return random.choice(ROWS, count, replace=False)


def nulled(values: Any, null: Any) -> pa.Array[Any]:
    return pa.array(values, mask=np.asarray(null))


@pytest.mark.parametrize("wrong", [0, 1, 17])
def test_a_determinant_and_its_exceptions(wrong: int) -> None:
    random = np.random.default_rng(wrong)
    city = random.integers(0, 40, ROWS)
    state = city % 7
    state[some(random, wrong)] += 7 if wrong else 0
    held = one(found_in({"city": city.astype(str), "state": state.astype(str)}),
               determines=["city"], column="state")  # fmt: skip
    assert (held.support, held.exceptions) == (ROWS, wrong)
    assert (held.entries, held.small, held.safe) == (40, 0, True)
    assert held.automatic == (wrong <= 4)  # a tenth of a percent are errors


def test_entries_below_k_are_counted_by_entities() -> None:
    """Ten rows of one person are one entity."""
    random = np.random.default_rng(1)
    city = np.repeat(np.arange(100), 40)
    group = np.arange(ROWS)
    group[city < 30] = city[city < 30]
    columns = {"city": city.astype(str), "state": (city % 9).astype(str),
               "noise": random.integers(0, 5, ROWS)}  # fmt: skip
    group = np.unique(group, return_inverse=True)[1]
    held = one(found_in(columns, group=group), determines=["city"], column="state")
    assert (held.entries, held.small, held.safe, held.automatic) == (100, 30, False, False)
    assert held.reason == "30 of 100 entries have fewer than k = 10 entities"
    assert one(found_in(columns), determines=["city"], column="state").small == 0


def test_two_determinants_beyond_the_sixteenth_column() -> None:
    random = np.random.default_rng(2)
    columns = {f"c{n}": random.integers(0, 4, ROWS).astype(str) for n in range(30)}
    a, b = random.integers(0, 6, ROWS), random.integers(0, 7, ROWS)
    made = random.integers(0, 50, (6, 7))[a, b]
    columns |= {"made": made.astype(str), "b": b.astype(str), "a": a.astype(str)}
    found = found_in(columns)
    held = one(found, determines=["b", "a"], column="made")
    assert (held.support, held.exceptions, held.entries) == (ROWS, 0, 42)
    assert len(found.proposals) == 1


@pytest.mark.parametrize("wrong", [0, 3])
def test_columns_that_follow_from_each_other_are_one_proposal(wrong: int) -> None:
    random = np.random.default_rng(3)
    code = random.integers(0, 12, ROWS)
    name = np.array([f"n{c}" for c in range(13)])[code]
    name[some(random, wrong)] = "n12"
    found = found_in({"code": code.astype(str), "x": random.random(ROWS), "name": name,
                      "label": np.array([f"l{c}" for c in range(12)])[code]})  # fmt: skip
    held = one(found, fixed_combinations=["code", "name", "label"])
    assert (held.support, held.exceptions) == (ROWS, wrong)
    assert kinds(found) == {"fixed_combinations"}


def test_a_hierarchy_is_said_step_by_step() -> None:
    random = np.random.default_rng(4)
    town = random.integers(0, 60, ROWS)
    found = found_in({"country": (town % 3).astype(str), "town": town.astype(str),
                      "state": (town % 12).astype(str)})  # fmt: skip
    assert {(*p.declaration["determines"], p.declaration["column"]) for p in found.proposals} == {
        ("town", "state"), ("state", "country"),
    }  # fmt: skip


@pytest.mark.parametrize("wrong", [0, 9])
@pytest.mark.parametrize("parts", [2, 3, 4])
def test_sums(parts: int, wrong: int) -> None:
    random = np.random.default_rng(10 * parts + wrong)
    columns = {f"p{n}": random.integers(-50, 900, ROWS) for n in range(parts)}
    total = np.sum(list(columns.values()), axis=0)
    total[some(random, wrong)] += 1
    columns |= {"other": random.integers(0, 900, ROWS), "total": total}
    held = one(found_in(columns), sum="total", of=[f"p{n}" for n in range(parts)])
    assert (held.support, held.exceptions, held.automatic) == (ROWS, wrong, not wrong)


def test_differences_cents_and_dates() -> None:
    random = np.random.default_rng(5)
    gross, tax = random.integers(1_000, 90_000, ROWS), random.integers(0, 900, ROWS)
    start = [date(2020, 1, 1) + timedelta(days=int(d)) for d in random.integers(0, 900, ROWS)]
    days = random.integers(0, 60, ROWS)
    end = [s + timedelta(days=int(d)) for s, d in zip(start, days, strict=True)]
    found = found_in({"gross": gross / 100, "tax": tax / 100, "net": (gross - tax) / 100,
                      "start": start, "end": end, "days": days})  # fmt: skip
    net = one(found, difference="net", of=["gross", "tax"])
    assert (net.support, net.exceptions, net.automatic) == (ROWS, 0, True)
    span = one(found, difference="days", of=["end", "start"])
    assert (span.support, span.exceptions, span.automatic) == (ROWS, 0, True)
    assert kinds(found) == {"difference"}


def test_a_part_that_is_mostly_nothing_is_missed_only_if_it_says_nothing() -> None:
    random = np.random.default_rng(6)
    a, b = random.integers(1, 500, ROWS), random.integers(1, 500, ROWS)
    fee = np.where(np.arange(ROWS) % 100 == 0, random.integers(1, 9, ROWS), 0)
    zero = np.where(np.arange(ROWS) % 1_000 == 0, 3, 0)
    found = found_in({"a": a, "b": b, "fee": fee, "zero": zero, "t": a + b + fee})
    assert one(found, sum="t", of=["a", "b", "fee"]).exceptions == 0
    assert [p.kind for p in found.proposals] == ["sum"]


def test_rounded_sums_are_said_to_be_so() -> None:
    random = np.random.default_rng(7)
    a, b = random.random(ROWS) * 90, random.random(ROWS) * 90
    found = found_in({"a": np.round(a, 2), "b": np.round(b, 2), "t": np.round(a + b, 2)})
    held = one(found, sum="t", of=["a", "b"])
    assert (held.exceptions, held.automatic, held.reason) == (0, False, "but for the last digit")


def test_nulls_count_for_nothing_in_a_sum() -> None:
    random = np.random.default_rng(8)
    a, b = random.integers(0, 500, ROWS), random.integers(0, 500, ROWS)
    null = random.random(ROWS) < 0.3
    found = found_in({"a": nulled(a, null), "b": b, "t": a + b})
    assert one(found, sum="t", of=["a", "b"]).support == int((~null).sum())


@pytest.mark.parametrize("wrong", [0, 11])
def test_ratios(wrong: int) -> None:
    random = np.random.default_rng(9)
    price, number = random.integers(100, 9_000, ROWS) / 100, random.integers(1, 30, ROWS)
    amount = np.round(price * number, 2)
    amount[some(random, wrong)] += 7
    found = found_in({"number": number, "amount": amount, "price": price})
    held = one(found, ratio="price", of=["amount", "number"])
    assert (held.support, held.exceptions, held.automatic) == (ROWS, wrong, False)


def _clock(minute: Any) -> Any:
    minute = minute % 1_440
    return minute // 60 * 100 + minute % 60


@pytest.mark.parametrize("wrong", [0, 8])
def test_clock_times_differ_modulo_a_day(wrong: int) -> None:
    import duckdb

    random = np.random.default_rng(11)
    start, late = random.integers(0, 1_440, ROWS), random.integers(1, 400, ROWS)
    seen = start + late
    seen[some(random, wrong)] += 3
    table = pa.table({"sched": _clock(start), "seen": _clock(seen), "late": late})
    (held,) = [p for p in found_in(dict(zip(table.column_names, table.columns, strict=True))
                                   ).proposals if p.kind == "when"]  # fmt: skip
    assert (held.support, held.exceptions, held.automatic) == (ROWS, wrong, not wrong)
    sql = "SELECT count(*) FROM t WHERE ({when}) AND NOT ({then})".format(**held.declaration)
    connection = duckdb.connect()
    connection.register("t", table)
    assert connection.sql(sql).fetchall() == [(wrong,)]


@pytest.mark.parametrize("wrong", [0, 6])
def test_null_together(wrong: int) -> None:
    random = np.random.default_rng(12)
    null = random.random(ROWS) < 0.2
    odd = null.copy()
    odd[some(random, wrong)] ^= True
    columns = {"a": nulled(random.random(ROWS), null), "b": nulled(random.random(ROWS), odd),
               "c": nulled(random.random(ROWS), random.random(ROWS) < 0.2)}  # fmt: skip
    held = one(found_in(columns), null_together=["a", "b"])
    assert (held.support, held.exceptions, held.automatic) == (ROWS, wrong, not wrong)


@pytest.mark.parametrize("wrong", [0, 5])
def test_one_null_implies_another(wrong: int) -> None:
    random = np.random.default_rng(13)
    wide = random.random(ROWS) < 0.5
    narrow = wide & (random.random(ROWS) < 0.6)
    narrow[np.flatnonzero(~wide)[:wrong]] = True
    columns = {"job": nulled(random.random(ROWS), narrow), "order": nulled(np.ones(ROWS), wide)}
    held = one(found_in(columns), when="job IS NULL", then='"order" IS NULL')
    assert (held.support, held.exceptions) == (int(narrow.sum()), wrong)
    assert held.automatic == (not wrong)


def test_implications_of_nulls_are_said_step_by_step() -> None:
    random = np.random.default_rng(14)
    level = random.integers(0, 4, ROWS)
    found = found_in({n: nulled(random.random(ROWS), level < place + 1)
                      for place, n in enumerate("abc")})  # fmt: skip
    said = {(p.declaration["when"][0], p.declaration["then"][0]) for p in found.proposals}
    assert said == {("a", "b"), ("b", "c")}


@pytest.mark.parametrize("wrong", [0, 4])
def test_exclusive_columns(wrong: int) -> None:
    random = np.random.default_rng(15)
    way = random.integers(0, 4, ROWS)
    known = [way == n for n in range(3)]
    both = np.flatnonzero(way == 0)[:wrong]
    known[1][both] = True
    found = found_in({f"w{n}": nulled(random.random(ROWS), ~known[n]) for n in range(3)})
    held = one(found, exclusive=["w0", "w1", "w2"])
    assert (held.support, held.exceptions) == (int((way < 3).sum()), wrong)


@pytest.mark.parametrize("wrong", [0, 7])
@pytest.mark.parametrize("boolean", [False, True])
def test_one_hot_groups(boolean: bool, wrong: int) -> None:
    random = np.random.default_rng(16)
    first, second = random.integers(0, 4, ROWS), random.integers(0, 3, ROWS)
    columns = {f"a{n}": first == n for n in range(4)}
    columns |= {f"b{n}": second == n for n in range(3)}
    columns["a0"][some(random, wrong)] ^= True
    kept = columns if boolean else {n: c.astype(np.int64) for n, c in columns.items()}
    found = found_in(kept)
    assert one(found, one_hot=["a0", "a1", "a2", "a3"]).exceptions == wrong
    assert one(found, one_hot=["b0", "b1", "b2"]).exceptions == 0


@pytest.mark.parametrize(("wrong", "gap", "strict"), [(0, 0, False), (0, 1, True), (9, 1, True)])
def test_inequalities(wrong: int, gap: int, strict: bool) -> None:
    random = np.random.default_rng(17)
    low = random.integers(0, 500, ROWS)
    high = low + gap + random.integers(0, 90, ROWS)
    bad = some(random, wrong)
    high[bad] = low[bad] - 5
    columns = {"low": low, "high": high, "far": random.integers(5_000, 9_000, ROWS)}
    found = found_in(columns)
    held = one(found, inequality=["low", "high"], strict=strict)
    assert (held.support, held.exceptions, held.automatic) == (ROWS, wrong, False)
    assert len(found.proposals) == 1  # that 500 < 5,000 is no news


def test_inequalities_of_dates_step_by_step() -> None:
    random = np.random.default_rng(18)
    day = np.datetime64("2024-01-01") + random.integers(0, 300, ROWS)
    paid = day + random.integers(0, 200, ROWS)
    found = found_in({"ordered": day, "sent": paid + random.integers(0, 200, ROWS), "paid": paid})
    said = [p.declaration["inequality"] for p in found.proposals if p.kind == "inequality"]
    assert sorted(said) == [["ordered", "paid"], ["paid", "sent"]]


def _married(wrong: int) -> dict[str, Any]:
    random = np.random.default_rng(19)
    status = random.integers(0, 4, ROWS)
    spouse = nulled(
        random.random(ROWS), (status != 2) & (random.random(ROWS) < 0.7) | (status == 0)
    )
    kind = random.integers(0, 5, ROWS)
    kind[status == 3] = 1
    kind[np.flatnonzero(status == 3)[:wrong]] = 2
    names = np.array(["it's", "b", "c", "d"])[status]
    return {"status": names, "spouse": spouse, "kind": np.array(list("vwxyz"))[kind]}


@pytest.mark.parametrize("wrong", [0, 2])
def test_values_imply_values_and_nulls(wrong: int) -> None:
    columns = _married(wrong)
    found = found_in(columns)
    single = one(found, when="status = 'it''s'", then="spouse IS NULL")
    assert single.support == int((columns["status"] == "it's").sum())
    assert single.exceptions == 0
    held = one(found, when="status = 'd'", then="kind = 'w'")
    assert (held.support, held.exceptions) == (int((columns["status"] == "d").sum()), wrong)


def test_values_are_hidden_unless_asked_for() -> None:
    found = found_in(_married(0))
    hidden = [p for p in found.proposals if p.values]
    assert hidden
    for p in hidden:
        assert p.shown is not None
        assert "'" not in p.shown
        assert "..." in p.shown
    for p in found.proposals:
        assert p.values or all("'" not in str(held) for held in p.declaration.values())


def test_values_of_fewer_than_k_entities_imply_nothing() -> None:
    columns = _married(0)
    group = np.arange(ROWS)
    group[columns["status"] == "it's"] = 0
    assert not [p for p in found_in(columns, group=group).proposals
                if p.declaration.get("when") == "status = 'it''s'"]  # fmt: skip


def test_equal_columns() -> None:
    random = np.random.default_rng(20)
    a = random.integers(0, 10**6, ROWS)
    held = one(found_in({"a": a, "b": a}), when="a IS NOT NULL AND b IS NOT NULL", then="a = b")
    assert held.automatic


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 40), st.floats(0.0, 0.5))
def test_independent_columns_suggest_nothing(seed: int, values: int, nulls: float) -> None:
    """Fourteen columns of all kinds that have nothing to do with each other."""
    random = np.random.default_rng(seed)
    skewed = np.minimum(random.geometric(0.6, ROWS), values).astype(str)
    columns: dict[str, Any] = {"skewed": skewed, "rare": random.random(ROWS) < 0.01,
                               "flag": random.integers(0, 2, ROWS)}  # fmt: skip
    for n in range(4):
        columns[f"c{n}"] = random.integers(0, values, ROWS).astype(str)
        columns[f"i{n}"] = nulled(random.integers(0, 10**n * 5, ROWS), random.random(ROWS) < nulls)
    for n in range(3):
        columns[f"f{n}"] = nulled(
            np.round(random.normal(50, 20, ROWS), n), random.random(ROWS) < 0.1
        )
    assert [dict(p.declaration) for p in found_in(columns).proposals] == []


def test_false_proposals_are_rare() -> None:
    """Of 40 tables with 20 columns each, small ones too: rates of what is proposed by chance."""
    false = 0
    for seed in range(40):
        random = np.random.default_rng(seed)
        rows = int(random.integers(60, 3_000))
        columns: dict[str, Any] = {}
        for n in range(10):
            columns[f"c{n}"] = random.integers(0, 2 + n, rows).astype(str)
            null = random.random(rows) < 0.05 * n
            columns[f"i{n}"] = nulled(random.integers(0, 3 ** (n + 1), rows), null)
        false += len(found_in(columns).proposals)
    assert false <= 2


@pytest.mark.parametrize("rows", [0, 1, 39])
def test_few_rows_say_nothing(rows: int) -> None:
    a = np.arange(rows)
    assert found_in({"a": a, "b": a, "c": a % 2}).proposals == ()


def test_odd_columns_are_looked_at_for_their_nulls_alone() -> None:
    null = np.arange(ROWS) % 3 == 0
    lists = pa.array([None if n else [1, 2] for n in null], pa.list_(pa.int64()))
    found = found_in({"a": lists, "b": nulled(np.arange(ROWS), null), "n": pa.nulls(ROWS)})
    assert one(found, null_together=["a", "b"]).exceptions == 0
    text = nulled(np.arange(ROWS).astype(str), null)
    found = found_in({"t": text, "u": text}, hidden=["t", "u"])
    assert [p.kind for p in found.proposals] == ["null_together"]


@settings(deadline=None)
@given(st.integers(1, 5_000))
def test_mixed_rows_are_all_rows(rows: int) -> None:
    assert sorted(mixed(rows).tolist()) == list(range(rows))


@settings(deadline=None)
@given(st.text(min_size=1, max_size=8))
def test_any_name_can_be_said_in_sql(name: str) -> None:
    import sqlglot
    from sqlglot import exp

    if name.isprintable():
        column = sqlglot.parse_one(f"SELECT {quoted(name)} FROM t", read="duckdb").find(exp.Column)
        assert column is not None
        assert column.name == name
