"""Declared rules hold in every row of a twin: each alone, and many together."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.constraints.ruled import RULES, Rule, ids, learned, made, named, sales, violations

import synthlake as sl
from synthlake.errors import LearnError, SampleError
from synthlake.relational import Generator, redraw

SALES = sales()
ROWS = 5_000
TOGETHER: Sequence[Rule] = (
    {"range": "age", "min": 5, "max": 80},
    {"range": "high", "max": 140},
    {"range": "end", "max": "2021-12-01"},
    {"range": "total", "max": 70},
    {"range": "east", "min": -1.5, "max": 1.5},
    {"inequality": ["low", "high"]},
    {"inequality": ["begin", "end"], "strict": True},
    {"inequality": ["end", "seen"]},
    {"sum": "total", "of": ["amount", "price"]},
    {"difference": "days", "of": ["end", "begin"]},
    {"one_hot": ["first", "second", "third"]},
    {"fixed_combinations": ["state", "city"]},
    {"null_together": ["east", "north"]},
    {"null_together": ["low", "age"]},
    {"exclusive": ["gift", "loan"]},
    {"determines": ["state", "amount"], "column": "zone"},
    {"regex": "code", "pattern": "N[0-9]{5}"},
    {"unique": ["code"]},
    {"when": "state = 'NY'", "then": "age < 50"},
    {"when": "second", "then": "gift = 0 and east is null"},
    {"predicate": "low + price < 130 or first"},
    {"predicate": "length(city) > 2"},
)
ASK = settings(
    max_examples=10, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip


def check(rules: Sequence[Rule], real: pa.Table, rows: int = ROWS) -> pa.Table:
    artifact = learned(real, rules)
    twin = made(artifact, rows)
    table = artifact.schema["t"]
    assert violations(table, twin, real) == dict.fromkeys(list(violations(table, real, real)), 0)
    assert twin.schema == real.schema
    assert twin.num_rows == rows
    return twin


@pytest.mark.parametrize("rule", RULES, ids=ids)
def test_each_rule_alone(rule: Rule) -> None:
    real = SALES.select([*named([rule], SALES), "third"]) if "third" not in ids(rule) else (
        SALES.select(named([rule], SALES))
    )  # fmt: skip
    twin = check([rule], real)
    for name in real.column_names:  # what may be NULL still is, what has values still has
        share = real[name].null_count / real.num_rows
        assert twin[name].null_count < ROWS, name
        if not share:
            assert twin[name].null_count == 0, name


@pytest.mark.slow
@ASK
@given(st.lists(st.sampled_from(TOGETHER), min_size=3, max_size=9, unique_by=ids))
def test_rules_together(rules: list[Rule]) -> None:
    check(rules, SALES.select([*dict.fromkeys([*named(rules, SALES), "state"])]), 4_200)


def typed(rows: int = 1_500) -> pa.Table:
    """Columns of the odder types."""
    random = np.random.default_rng(1)
    base = random.integers(0, 100, rows)

    def held(values: Any, dtype: Any, via: Any = None) -> Any:
        array: Any = pa.array(values, via or dtype, mask=random.random(rows) < 0.1)
        return array.cast(dtype)

    days, second = base * 86_400, random.integers(0, 400_000, rows)
    text = np.array(list("abcdefg"))[base % 7]
    return pa.table({
        "tiny": held(base, pa.uint8()), "huge": held(base + 5, pa.uint64()),
        "single": held(random.normal(0, 1, rows), pa.float32()),
        "double": held(random.normal(3, 1, rows), pa.float64()),
        "day": held(base * 86_400_000, pa.date64(), pa.int64()),
        "stamp": held(days + second, pa.timestamp("s"), pa.int64()),
        "berlin": held(days * 10**9, pa.timestamp("ns", "Europe/Berlin"), pa.int64()),
        "zoned": held((days + second) * 10**6, pa.timestamp("us", "UTC"), pa.int64()),
        "clock": held(base * 600, pa.time32("s"), pa.int32()),
        "later": held((base * 600 + second // 200) * 10**6, pa.time64("us"), pa.int64()),
        "letter": held(text, pa.string()).dictionary_encode(),
        "large": held(text, pa.large_string()),
        "exact": held([Decimal(int(v)) / 1_000 for v in base], pa.decimal128(20, 3)),
    })  # fmt: skip


@pytest.mark.parametrize(
    "rule",
    [
        {"range": "tiny", "min": 7.5, "max": 60}, {"range": "huge", "min": 10, "exclusive": True},
        {"range": "single", "min": -1, "max": 0.1, "exclusive": True},
        {"range": "day", "min": "1970-01-10"}, {"range": "berlin", "max": "1970-03-01"},
        {"range": "clock", "min": "08:00:00"}, {"range": "exact", "max": 0.05},
        {"inequality": ["tiny", "huge"], "strict": True},
        {"inequality": ["single", "double"], "strict": True}, {"inequality": ["day", "stamp"]},
        {"inequality": ["berlin", "zoned"]}, {"inequality": ["clock", "later"]},
        {"inequality": ["exact", "tiny"]}, {"inequality": ["single", "tiny"]},
        {"fixed_combinations": ["letter", "large"]}, {"regex": "letter", "pattern": "[a-c]"},
        {"determines": ["tiny"], "column": "letter"}, {"unique": ["letter", "huge"]},
        {"sum": "exact", "of": ["tiny", "huge"]}, {"ratio": "single", "of": ["tiny", "huge"]},
        {"predicate": "zoned > '1970-02-01' and letter in ('a', 'b') or tiny < exact * 1000"},
    ],
    ids=ids,
)  # fmt: skip
def test_types(rule: Rule) -> None:
    real = typed()
    check([rule], real.select([n for n in real.column_names if n in ids(rule)]), 2_000)


def test_what_the_data_breaks_is_not_learned() -> None:
    real = SALES.select(["begin", "end", "state"])
    odd = pa.array(np.arange(len(real)) % 4 == 0)
    begin, end = (real[name].cast(pa.int32()) for name in ("begin", "end"))
    later = pc.if_else(odd, pc.add(end, pa.scalar(3, pa.int32())), begin)
    broken = real.set_column(0, "begin", later.cast(pa.date32()))
    twin = check([{"inequality": ["begin", "end"]}], broken)
    made_, real_ = (
        np.asarray(pc.subtract(t["end"].cast(pa.int32()), t["begin"].cast(pa.int32())).drop_null())
        for t in (twin, real)
    )
    assert abs(made_.mean() - real_.mean()) < 0.5


def test_a_distance_keeps_its_distribution() -> None:
    twin = check([{"inequality": ["low", "high"]}], SALES.select(["low", "high", "state"]), 8_000)
    gap, real = (
        np.sort(np.asarray(pc.subtract(t["high"], t["low"]).drop_null())) for t in (twin, SALES)
    )
    for q in (0.1, 0.5, 0.9):
        assert abs(np.quantile(gap, q) - np.quantile(real, q)) < 0.15 * real.mean(), q


def test_what_is_drawn_again_is_drawn_from_what_is_right() -> None:
    """The twin of a predicate is like the real rows that keep it."""
    rule = {"predicate": "amount * 5 < age"}
    real = SALES.select(["age", "amount", "state"])
    twin = check([rule], real, 8_000)
    keep = pc.fill_null(pc.less(pc.multiply(real["amount"], 5), real["age"]), True)
    good = real.filter(keep)
    for name in ("age", "amount"):
        a, b = (np.asarray(t[name].drop_null()).astype(float) for t in (twin, good))
        assert abs(a.mean() - b.mean()) < 0.15 * b.std(), name


def test_a_declared_rule_wins_over_one_that_was_found() -> None:
    days = SALES["begin"].cast(pa.int32())
    month = pc.month(SALES["begin"]).cast(pa.int64())
    real = pa.table({"begin": SALES["begin"], "month": month, "days": days})
    assert "month" in _made_by_rules(learned(real, []))
    artifact = learned(real, [{"null_together": ["month", "begin"]}])
    assert "month" not in _made_by_rules(artifact)
    check([{"range": "month", "min": 3, "max": 9}], real)


def _made_by_rules(artifact: sl.Artifact) -> set[str]:
    return {n for rule in artifact._model.tables["t"].rules for n in rule.makes}


TRIED: Sequence[Rule] = (
    {"when": "state = 'NY'", "then": "age < 30"},
    {"predicate": "low + price < 110 or second"},
    {"predicate": "code not like 'N1%'"},
    {"sum": "total", "of": ["amount", "price"]},
    {"unique": ["serial"]},
    {"one_hot": ["first", "second", "third"]},
)


@pytest.fixture(scope="module")
def tried() -> sl.Artifact:
    return learned(SALES, TRIED)


@settings(max_examples=8, deadline=None, derandomize=True,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(data=st.data())
def test_any_cut_of_a_range_gives_the_same_rows(tried: sl.Artifact, data: st.DataObject) -> None:
    twin = tried.sample(rows={"t": 9_000}, seed=5)
    whole = twin.to_arrow()["t"]
    cuts = sorted({0, 9_000, *data.draw(st.lists(st.integers(0, 9_000), max_size=4))})
    fresh = Generator(twin.model, twin.plan)
    parts = [
        pa.Table.from_batches(fresh.batches("t", a, b), whole.schema)
        for a, b in reversed(list(itertools.pairwise(cuts)))
    ]
    assert pa.concat_tables(reversed(parts)).equals(whole)


def test_a_stored_artifact_keeps_the_rules(tried: sl.Artifact, tmp_path: Path) -> None:
    tried.save(tmp_path / "artifact")
    again = sl.load(tmp_path / "artifact")
    assert again.id == tried.id
    assert again.schema["t"].constraints == tried.schema["t"].constraints
    assert made(again, 6_000).equals(made(tried, 6_000))


def test_more_seeds_and_sizes(tried: sl.Artifact) -> None:
    table = tried.schema["t"]
    for rows, seed in ((1, 0), (3, 1), (700, 2), (30_000, 3)):
        found = violations(table, made(tried, rows, seed), SALES)
        assert set(found.values()) == {0}, (rows, found)


@pytest.fixture(scope="module")
def ordered() -> tuple[dict[str, pa.Table], sl.Artifact]:
    """Orders of customers, with rules."""
    random = np.random.default_rng(3)
    rows = 4_000
    owner = random.integers(0, 500, rows)
    ordered = random.integers(0, 300, rows)
    tables = {
        "customers": pa.table({"id": np.arange(500), "kind": random.choice(["a", "b"], 500)}),
        "orders": pa.table({
            "order": np.arange(rows), "customer": owner, "ordered": ordered,
            "sent": pa.array(ordered + random.poisson(3, rows), mask=random.random(rows) < 0.1),
            "size": random.integers(1, 40, rows),
        }),
    }  # fmt: skip
    rules = [{"inequality": ["ordered", "sent"]}, {"predicate": "size + ordered < 250"}]
    given_ = {
        "customers": {"primary_key": ["id"]},
        "orders": {
            "primary_key": ["order"], "constraints": rules,
            "foreign_keys": [{"columns": ["customer"], "references": "customers", "mode": "own"}],
        },
    }  # fmt: skip
    return tables, sl.fit(tables, given_, seed=1)


def test_children_keep_rules_and_references(
    ordered: tuple[dict[str, pa.Table], sl.Artifact],
) -> None:
    tables, artifact = ordered
    twin = artifact.sample(scale=2.0, seed=4)
    found = twin.to_arrow()
    assert set(
        violations(artifact.schema["orders"], found["orders"], tables["orders"]).values()
    ) == {0}
    assert pc.all(
        pc.is_in(found["orders"]["customer"], found["customers"]["id"].combine_chunks())
    ).as_py()
    assert len(pc.unique(found["orders"]["order"])) == found["orders"].num_rows
    half = pa.Table.from_batches(twin["orders"].batches(1_500, 2_500), found["orders"].schema)
    assert half.equals(found["orders"].slice(1_500, 1_000))


@pytest.mark.parametrize("stage", ["first", "all", "row", "elsewhere"])
def test_every_stage_of_drawing_again_keeps_keys_and_rules(
    stage: str,
    ordered: tuple[dict[str, pa.Table], sl.Artifact],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tables, artifact = ordered
    usual = artifact.sample(seed=4).to_arrow()
    monkeypatch.setattr(redraw, "_STAGES", ((stage, 1_000),))
    twin = artifact.sample(seed=4)
    found = twin.to_arrow()
    broken = violations(artifact.schema["orders"], found["orders"], tables["orders"])
    assert set(broken.values()) == {0}
    assert found["customers"].equals(usual["customers"])
    for name in ("order", "customer"):
        assert found["orders"][name].equals(usual["orders"][name]), name
    same = np.asarray(pc.equal(found["orders"]["size"], usual["orders"]["size"]))
    assert same.mean() > 0.5  # rows that were right at once are as they were
    again = pa.Table.from_batches(twin["orders"].batches(700, 900), found["orders"].schema)
    assert again.equals(found["orders"].slice(700, 200))


def test_no_support_is_an_error_that_names_the_rule() -> None:
    with pytest.raises(LearnError, match="age, min: 1000"):
        learned(SALES, [{"range": "age", "min": 1_000}])
    with pytest.raises(LearnError, match=r"predicate: amount > 100\} is kept by 0 of"):
        learned(SALES, [{"predicate": "amount > 100"}])
    with pytest.raises(LearnError, match="all rules together are kept by 0 of"):
        learned(SALES, [{"predicate": "amount > 10"}, {"predicate": "amount < 5"}])


def test_what_cannot_be_made_is_an_error_that_names_the_rule() -> None:
    real = SALES.select(["serial", "state"])
    artifact = learned(real, [{"unique": ["serial"]}, {"range": "serial", "min": 1, "max": 9_000}])
    assert set(violations(artifact.schema["t"], made(artifact, 9_000), real).values()) == {0}
    with pytest.raises(SampleError, match=r"unique: .serial.*room for 9,000 values"):
        made(artifact, 9_001)


def test_rules_that_exclude_each_other_in_the_twin(monkeypatch: pytest.MonkeyPatch) -> None:
    artifact = learned(SALES.select(["age", "amount"]), [{"predicate": "amount > 10"}])
    table: Any = artifact._model.tables["t"]
    object.__setattr__(table.table, "constraints", ({"predicate": "amount > 10000"},))
    with pytest.raises(SampleError, match=r"amount > 10000.*0\.00% of the rows drawn"):
        made(artifact, 500)
