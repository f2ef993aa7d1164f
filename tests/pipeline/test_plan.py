"""The plan: what it says before anything runs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from synthlake.errors import SpecError
from synthlake.pipeline.capacity import capacity, pattern_capacity
from synthlake.pipeline.estimate import Size, affordable_rows, estimate
from synthlake.pipeline.learn import understand
from synthlake.pipeline.plan import Plan, TablePlan, plan_run, too_large
from synthlake.pipeline.spec import SynthesisSpec
from synthlake.pipeline.stages import fit_settings
from synthlake.schema.model import Column, Table
from synthlake.source import open_source

CUSTOMERS, ORDERS = 40, 200
TABLES = {
    "orders": pa.table(
        {
            "order_id": range(ORDERS),
            "customer_id": [n % CUSTOMERS for n in range(ORDERS)],
            "country_id": [f"c{n % 3}" for n in range(ORDERS)],
            "amount": [n % 17 for n in range(ORDERS)],
        }
    ),
    "customers": pa.table(
        {"customer_id": range(CUSTOMERS), "city": [f"t{n % 2}" for n in range(CUSTOMERS)]}
    ),
    "countries": pa.table({"country_id": ["c0", "c1", "c2"], "name": ["a", "b", "c"]}),
    "log": pa.table({"line": [f"x{n}" for n in range(50)]}),
}
DECLARED: dict[str, Any] = {
    "customers": {"primary_key": ["customer_id"]},
    "countries": {"primary_key": ["country_id"], "keep": True},
    "orders": {
        "primary_key": ["order_id"],
        "foreign_keys": [
            {"columns": ["customer_id"], "references": "customers", "mode": "own"},
            {"columns": ["country_id"], "references": "countries", "mode": "match"},
        ],
    },
    "log": {"skip": True},
}


def planned(tables: dict[str, Any] | None = None, **spec: Any) -> Plan:
    held = SynthesisSpec.load({"source": "memory", "tables": tables or DECLARED, **spec})
    source = open_source(TABLES)
    return plan_run(source, understand(source, held.tables), held)


def test_parents_come_first_and_children_follow_their_root() -> None:
    plan = planned(scale=2.0)
    made = {table.name: table for table in plan.tables}
    order = [table.name for table in plan.tables]
    assert order.index("orders") > max(order.index("customers"), order.index("countries"))
    assert order[-1] == "log"
    assert [made[n].made for n in ("customers", "countries", "log")] == ["trees", "keep", "skip"]
    assert made["orders"].root == "customers"
    assert (made["customers"].wanted, made["orders"].wanted) == (2 * CUSTOMERS, 2 * ORDERS)
    assert (made["countries"].wanted, made["log"].wanted) == (3, 0)
    assert [key.mode for key in made["orders"].keys] == ["own", "match"]
    assert plan.problems == ()
    assert plan.to_dict()["tables"]


def test_a_plan_names_what_takes_much_memory() -> None:
    wide = TablePlan("wide", "trees", "wide", rows=120_000, wanted=120_000, columns=400)
    small = TablePlan("small", "trees", "small", rows=10, wanted=10, columns=3)
    said = too_large([small, wide], 500_000, "standard")
    assert len(said) == 1
    assert "400 columns of wide" in said[0]
    assert "max_rows: 1031" in said[0]
    assert too_large([small, wide], 100_000, "standard") == []
    assert too_large([replace(wide, made="keep")], 500_000, "standard") == []


def test_rows_win_over_scale() -> None:
    made = {t.name: t for t in planned(scale=9.0, rows={"customers": 20}).tables}
    assert (made["customers"].wanted, made["orders"].wanted) == (20, 100)


@pytest.mark.parametrize(
    ("asked", "said", "hint"),
    [
        ({"rows": {"orders": 5}}, "follows from its parent", "customers"),
        ({"rows": {"custmers": 5}}, "no table 'custmers'", "customers"),
        ({"rows": {"countries": 5}}, "is not scaled", "keep"),
        ({"evaluate": {"target": "orders.amout"}}, "no column 'orders.amout'", "orders.amount"),
        ({"evaluate": {"target": "amount"}}, "no column 'amount'", "orders.amount"),
        (
            {"evaluate": {"regressions": [{"target": "orders.amount", "features": ["shap"]}]}},
            "evaluate.regressions: there is no column 'orders.shap'",
            "orders.",
        ),
        (
            {"evaluate": {"fairness": [{"target": "orders.amount", "protected": ["shap"]}]}},
            "evaluate.fairness: there is no column 'orders.shap'",
            "orders.",
        ),
        (
            {"gates": [{"metric": "ks", "at_most": 1, "table": "ordrs"}]},
            "gates.0: there is no table 'ordrs'",
            "orders",
        ),
        (
            {"gates": [{"metric": "ks", "at_most": 1, "table": "orders", "column": "city"}]},
            "gates.0: there is no column 'city'",
            "amount",
        ),
    ],
)
def test_what_cannot_be_is_refused(asked: dict[str, Any], said: str, hint: str) -> None:
    with pytest.raises(SpecError) as caught:
        planned(**asked)
    assert said in caught.value.message
    assert hint in caught.value.hint


def test_a_table_too_small_to_learn_needs_a_decision() -> None:
    undecided = {**DECLARED, "countries": {"primary_key": ["country_id"]}}
    plan = planned(undecided)
    assert len(plan.problems) == 1
    assert "countries has 3 rows" in plan.problems[0]
    with pytest.raises(SpecError, match="keep: true"):
        plan.demand()
    for decision in ({"keep": True}, {"synthesizer": "independent"}):
        decided = {**DECLARED, "countries": {"primary_key": ["country_id"], **decision}}
        assert planned(decided).problems == ()
    assert planned(undecided, k=3).problems == ()


def test_a_key_without_room_is_said_by_name() -> None:
    narrow = {"columns": {"customer_id": {"role": "key"}}, "primary_key": ["customer_id"]}
    tables = {"people": pa.table({"customer_id": pa.array(range(100), pa.int8())})}
    held = SynthesisSpec.load({"source": "m", "tables": {"people": narrow}, "scale": 5.0})
    source = open_source(tables)
    plan = plan_run(source, understand(source, held.tables), held)
    assert plan.problems == ()
    assert any("people cannot grow to 500 rows" in said and "256" in said for said in plan.notes)


def test_a_full_grid_cannot_grow() -> None:
    cells = [(place, hour) for place in "abc" for hour in range(40)]
    full = pa.table(
        {
            "place": [place for place, _ in cells],
            "hour": pa.array([hour * 3_600_000_000 for _, hour in cells], pa.timestamp("us")),
            "wind": [n % 7 for n in range(len(cells))],
        }
    )
    declared = {"weather": {"primary_key": ["place", "hour"]}}

    def notes(table: pa.Table, scale: float) -> tuple[str, ...]:
        held = SynthesisSpec.load({"source": "m", "tables": declared, "scale": scale})
        source = open_source({"weather": table})
        return plan_run(source, understand(source, held.tables), held).notes

    said = [note for note in notes(full, 10.0) if "cannot grow" in note]
    assert said
    assert "weather cannot grow to 1,200 rows" in said[0]
    assert "about 120" in said[0]
    assert not any("cannot grow" in note for note in notes(full, 1.0))
    diagonal = full.slice(0, 40).set_column(0, "place", pa.array([f"p{n}" for n in range(40)]))
    assert not any("cannot grow" in note for note in notes(diagonal, 10.0))


def test_the_sample_bounds_memory_and_the_clock_bounds_the_sample() -> None:
    small, large = Size(10_000, 10_000, 10), Size(10**9, 10_000, 10)
    bounded = estimate([large], 500_000, "standard").memory_mb
    assert bounded < 2_000
    assert estimate([small], 500_000, "standard").memory_mb < bounded
    assert estimate([small], 500_000, "full").seconds >= estimate([small], 500_000, "quick").seconds
    assert affordable_rows([large], 500_000, None) == 500_000
    assert affordable_rows([large], 500_000, 0.01) < 500_000
    note = planned(fit={"max_rows": 500_000, "max_minutes": 0.0001}).notes
    assert any("max_minutes" in said for said in note)


@pytest.mark.parametrize(
    ("pattern", "room"),
    [
        ("N[0-9]{3}[A-Z]{2}", 676_000),
        (r"\d{2}-[ab]", 200),
        ("[0-9]{1,2}", 110),
        ("abc", 1),
        (r"\.x", 1),
        ("[A-Za-z0-9_]", 63),
        ("(a|b)", None),
        ("a*", None),
        (".", None),
        ("[^a]", None),
    ],
)
def test_the_room_of_a_pattern(pattern: str, room: int | None) -> None:
    assert pattern_capacity(pattern) == room


def test_the_room_of_a_key_is_that_of_its_parts() -> None:
    def table(**types: pa.DataType) -> Table:
        columns = tuple(Column(name, kind) for name, kind in types.items())
        return Table("t", columns, primary_key=tuple(types))

    assert capacity(table(a=pa.int8(), b=pa.bool_())) == 512
    assert capacity(table(a=pa.int64())) is None
    assert capacity(table(a=pa.int8(), b=pa.string())) is None
    assert capacity(Table("t", ())) is None


def test_children_of_few_parents_are_refused() -> None:
    tables = {
        "shops": pa.table({"shop": list("abcdefghijklmnop")}),
        "visits": pa.table({"visit": range(300), "shop": ["a", "b", "c"] * 100}),
    }
    keys = [{"columns": ["shop"], "references": "shops", "mode": "own"}]
    declared = {
        "shops": {"primary_key": ["shop"]},
        "visits": {"primary_key": ["visit"], "foreign_keys": keys},
    }
    held = SynthesisSpec.load({"source": "memory", "tables": declared})
    source = open_source(tables)
    (problem,) = plan_run(source, understand(source, held.tables), held).problems
    assert problem.startswith("visits has 3 parents in shops")
    assert "give shops `keep: true`" in problem


def test_a_grid_over_parents_that_are_made_anew_is_planned() -> None:
    days, stations = 60, 12
    tables = {
        "stations": pa.table({"station": [f"s{n:02d}" for n in range(stations)]}),
        "readings": pa.table(
            {
                "station": [f"s{n % stations:02d}" for n in range(days * stations)],
                "day": [n // stations for n in range(days * stations)],
            }
        ),
    }
    keys = [{"columns": ["station"], "references": "stations", "mode": "match"}]
    declared: dict[str, Any] = {
        "stations": {"primary_key": ["station"]},
        "readings": {"primary_key": ["station", "day"], "foreign_keys": keys},
    }
    held = SynthesisSpec.load({"source": "memory", "tables": declared})
    source = open_source(tables)
    assert plan_run(source, understand(source, held.tables), held).problems == ()


def test_tournaments_share_a_quarter_of_the_minutes() -> None:
    plan = planned(synthesizer="auto", fit={"max_minutes": 4})
    spec = SynthesisSpec.load(
        {"source": "memory", "synthesizer": "auto", "fit": {"max_minutes": 4}}
    )
    assert [t.made for t in plan.tables].count("auto") == 2
    assert fit_settings(spec, plan).synthesizer == {"name": "auto", "budget_s": 30.0}
    own = SynthesisSpec.load({
        "source": "memory", "synthesizer": {"name": "auto", "budget_s": 5.0},
        "fit": {"max_minutes": 4},
    })  # fmt: skip
    assert fit_settings(own, plan).synthesizer["budget_s"] == 5.0
