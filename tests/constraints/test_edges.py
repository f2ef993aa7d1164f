"""Rules across tables that cannot hold are refused by name; SQL of those that can."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tests.contract.engines import ENGINES

import synthlake as sl
from synthlake.constraints.check import check_rules
from synthlake.constraints.declared import declared
from synthlake.constraints.edges import check_edges
from synthlake.errors import LearnError, SchemaError
from synthlake.quality.dataset import DataSet
from synthlake.quality.metrics.constraints import violations
from synthlake.schema.document import parse_tables
from synthlake.schema.model import Column, ForeignKey, Schema, Table
from synthlake.source import open_source

Rule = dict[str, Any]
TYPES: dict[str, pa.DataType] = {
    "d": pa.date32(), "e": pa.date32(), "f": pa.float64(), "g": pa.float64(), "i": pa.int32(),
    "j": pa.int64(), "x": pa.string(), "y": pa.bool_(), "t": pa.timestamp("us"),
}  # fmt: skip


def schema(mode: str = "own", **rules: list[Rule]) -> Schema:
    """``top``, ``mid`` and ``low``, each made with the one before; ``mid`` refers to it twice."""
    columns = tuple(Column(n, dtype) for n, dtype in TYPES.items())
    keys = (Column("k", pa.int64()), Column("p", pa.int64()), Column("q", pa.int64()))
    own: Any = mode
    tables = {
        "top": Table("top", (*keys, *columns), ("k",)),
        "mid": Table("mid", (*keys, *columns), ("k",),
                     (ForeignKey(("p",), "top", ("k",), own), ForeignKey(("q",), "top", ("k",),
                                                                         "match"))),
        "low": Table("low", (*keys, *columns), ("k",), (ForeignKey(("p",), "mid", ("k",), own),)),
    }  # fmt: skip
    for name, some in rules.items():
        held = tables[name]
        tables[name] = Table(
            name, held.columns, held.primary_key, held.foreign_keys, constraints=tuple(some)
        )
    return Schema(tables)


VIA = {"via": ["p"]}


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"mid": [{"inequality": ["top.d", "d"]}]}, "reached by several foreign keys"),
        ({"mid": [{"inequality": ["top.d", "d"], "via": ["q"]}]}, "are matched to rows"),
        ({"mid": [{"inequality": ["top.d", "d"], "via": ["x"]}]}, r"no foreign key \(x\)"),
        ({"top": [{"inequality": ["mid.d", "d"]}]}, "not of a parent"),
        ({"low": [{"inequality": ["mid.u", "d"]}]}, "mid has no column 'u'"),
        ({"low": [{"inequality": ["mad.d", "d"]}]}, "there is no table 'mad'"),
        ({"low": [{"inequality": ["low.d", "d"]}]}, "a column of the table itself"),
        ({"low": [{"inequality": ["mid.k", "i"]}]}, "mid.k is part of a key"),
        ({"low": [{"inequality": ["mid.d", "i"]}]}, "low.i is int32|mid.d is date32"),
        ({"low": [{"inequality": ["mid.d", "d", "mid.e"]}]}, "mid.d and mid.e, both of parents"),
        (
            {"low": [{"inequality": ["mid.d", "d"]}, {"inequality": ["d", "mid.e"]}]},
            "no rule keeps these in order",
        ),
        (
            {"low": [{"inequality": ["mid.d", "d"], "strict": True},
                     {"inequality": ["d", "mid.e"]}],
             "mid": [{"inequality": ["d", "e"]}]},
            "leaves no room",
        ),
        (
            {"low": [{"inequality": ["mid.f", "f"]}, {"inequality": ["f", "mid.g"]}]},
            "or are floats",
        ),
        ({"low": [{"inequality": ["top.d", "mid.d", "d"]}]}, "no rule keeps top.d and mid.d"),
        (
            {"low": [{"inequality": ["mid.d", "d"]}, {"range": "d", "max": "2020-01-01"}]},
            "may lie beyond",
        ),
        (
            {"low": [{"inequality": ["d", "mid.d"]}, {"range": "d", "min": "2020-01-01"}]},
            "declare {range: d, min: ...} of mid",
        ),
        (
            {"low": [{"inequality": ["mid.i", "i"]}, {"sum": "i", "of": ["j", "f"]}]},
            r"i is made by \{sum: i, of: \[j, f\]\}",
        ),
        ({"low": [{"copy": "x", "of": "mid.i"}]}, "x is string, and mid.i is int32"),
        ({"low": [{"copy": "i", "of": "mid.i"}, {"range": "i", "min": 0}]}, "copied as it is"),
        ({"low": [{"inequality": ["mid.d", "f"]}]}, "mid.d is date32"),
        ({"low": [{"one_per": "top", "column": "y"}]}, "low does not refer to top"),
        ({"low": [{"one_per": "mod", "column": "y"}]}, "there is no table 'mod'"),
        ({"low": [{"one_per": "mid", "column": "f"}]}, "a mark is a boolean"),
        (
            {"low": [{"one_per": "mid", "column": "y"}, {"one_hot": ["y", "i"]}]},
            "speaks of y as well",
        ),
        ({"low": [{"balance": "j", "per": "top"}]}, "low does not refer to top"),
        ({"low": [{"balance": "x", "per": "mid"}]}, "x is string"),
        ({"low": [{"balance": "k", "per": "mid"}]}, "k is part of the primary key"),
        (
            {"low": [{"balance": "j", "per": "mid"}, {"sum": "j", "of": ["i", "f"]}]},
            "speaks of j as well",
        ),
        (
            {"low": [{"balance": "j", "per": "mid"}], "mid": [{"aggregate": "j", "of": "low.j"}]},
            "of low speaks of j as well",
        ),
        (
            {"low": [{"balance": "i", "per": "mid"}, {"inequality": ["mid.i", "i"]}]},
            "speaks of i as well|is made by",
        ),
        ({"mid": [{"aggregate": "j", "of": "low.x"}]}, "sums are of numbers"),
        ({"mid": [{"aggregate": "x", "of": "low", "function": "count"}]}, "a whole number"),
        ({"mid": [{"aggregate": "d", "of": "low.t", "function": "min"}]}, "they have one type"),
        ({"top": [{"aggregate": "j", "of": "low.i"}]}, "low does not refer to top"),
        (
            {"top": [{"aggregate": "j", "of": "mid.i", **VIA}],
             "mid": [{"aggregate": "i", "of": "low.i"}]},
            "totals of totals",
        ),
        (
            {"mid": [{"aggregate": "i", "of": "low.i"}, {"aggregate": "j", "of": "low.i"}]},
            "has another aggregate",
        ),
        (
            {"mid": [{"aggregate": "i", "of": "low.i"}, {"range": "i", "min": 0}]},
            "a total is settled last",
        ),
        (
            {"mid": [{"aggregate": "i", "of": "low.i"}], "low": [{"inequality": ["i", "j"]}]},
            "children are settled last",
        ),
        (
            {"mid": [{"aggregate": "i", "of": "low.i"}], "low": [{"inequality": ["mid.i", "j"]}]},
            "is a total, or what one is made of",
        ),
        ({"mid": [{"aggregate": "p", "of": "low.i"}]}, "p is part of"),
        ({"mid": [{"aggregate": "i", "of": "low.k"}]}, "low.k is part of a key"),
        ({"mid": [{"aggregate": "i", "of": "top.i"}]}, "top does not refer to mid"),
    ],
)  # fmt: skip
def test_refused(rules: dict[str, list[Rule]], said: str) -> None:
    made = schema(**rules)
    with pytest.raises(SchemaError, match=said):
        _checked(made)


def _checked(made: Schema) -> None:
    check_rules(made)
    check_edges(made)


def test_over_a_matched_reference_the_way_out_is_said() -> None:
    made = schema("match", low=[{"inequality": ["mid.d", "d"]}], mid=[
        {"aggregate": "i", "of": "low", "function": "count"}])  # fmt: skip
    check_rules(made)
    with pytest.raises(SchemaError, match="declare `mode: own`"):
        check_edges(made)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"aggregate": "i"}, "lacks of"),
        ({"aggregate": "i", "of": "low.i", "function": "mean"}, "'sum', 'count', 'min' or 'max'"),
        ({"one_per": "mid", "column": "y", "most": 1}, "'most' is not a key"),
        ({"copy": "x"}, "lacks of"),
        ({"balance": "j"}, "lacks per"),
        ({"balance": "j", "per": "mid", "equals": True}, "is no number"),
        ({"balance": "j", "per": "mid", "equals": "much"}, "is no number"),
        ({"balance": "j", "per": "mid", "equals": float("inf")}, "is no number"),
    ],
)
def test_unreadable(rule: Rule, said: str) -> None:
    with pytest.raises(SchemaError, match=said):
        parse_tables({"low": {"constraints": [rule]}})


RULES: dict[str, list[Rule]] = {
    "low": [
        {"inequality": ["top.d", "mid.d", "d"]},
        {"copy": "x", "of": "mid.x"},
        {"determines": ["mid.x", "y"], "column": "i"},
        {"one_per": "mid", "column": "y"},
        {"one_per": "mid", "column": "i", "optional": True},
        {"balance": "j", "per": "mid", "equals": 6},
        {"balance": "f", "per": "mid", "equals": "0.3"},
    ],
    "mid": [
        {"aggregate": "i", "of": "low", "function": "count"},
        {"aggregate": "j", "of": "low.j"},
        {"aggregate": "f", "of": "low.f", "decimals": 2},
        {"aggregate": "e", "of": "low.e", "function": "max"},
    ],
}


@pytest.mark.parametrize("dialect", ["duckdb", "postgres", "spark", "sqlite"])
def test_sql_of_each_kind(dialect: str) -> None:
    made = schema(**RULES)
    path = Path(__file__).parent.parent / "golden" / "constraints" / f"across_{dialect}.sql"
    parts = [f"-- {r.where}\n{r.violation_sql(dialect, 'rows')};\n"
             for t in made for r in declared(t, made)]  # fmt: skip
    text = "\n".join(parts)
    if not path.exists():
        path.write_text(text, encoding="utf-8")
        pytest.fail(f"{path.name} is new: look at it")
    assert text == path.read_text(encoding="utf-8")


def dirty() -> dict[str, pa.Table]:
    """Rows that keep and break each rule, with orphans and NULLs."""
    top = {"k": [1, 2], "p": [0, 0], "q": [0, 0], "d": [10, None], "x": ["a", "b"]}
    mid = {
        "k": [1, 2, 3, 4], "p": [1, 2, 9, 1], "q": [1, 1, 1, 1], "d": [11, 11, 11, 5],
        "e": [30, 20, None, 1], "x": ["a", None, "c", "d"], "i": [3, 1, 1, None],
        "j": [6, 7, 3, 0], "f": [0.3, 1.0, None, 0.0],
    }  # fmt: skip
    low = {
        "k": [1, 2, 3, 4, 5, 6], "p": [1, 1, 1, 2, 8, None], "q": [0] * 6,
        "d": [11, 10, None, 12, 1, 1], "e": [30, 20, 10, 20, 5, 5],
        "x": ["a", "b", None, "z", "z", "z"], "i": [1, 1, 0, 0, 1, 1],
        "j": [1, 2, 3, 7, 9, 9], "f": [0.1, 0.2, None, 1.01, 5.0, 5.0],
        "y": [True, False, None, False, True, True],
    }  # fmt: skip
    out = {}
    for name, columns in {"top": top, "mid": mid, "low": low}.items():
        rows = len(columns["k"])
        types = {"k": pa.int64(), "p": pa.int64(), "q": pa.int64(), **TYPES}
        arrays = {}
        for column, dtype in types.items():
            values = columns.get(column, [None] * rows)
            plain = pa.int32() if pa.types.is_date(dtype) else dtype
            arrays[column] = pa.array(values, plain).cast(dtype)
        out[name] = pa.table(arrays)
    return out


EXPECTED = {
    "low {inequality: [top.d, mid.d, d]}": 1,
    "low {copy: x, of: mid.x}": 2,
    "low {determines: [mid.x, y], column: i}": 0,
    "low {one_per: mid, column: y}": 1,
    "low {one_per: mid, column: i, optional: True}": 1,
    "low {balance: j, per: mid, equals: 6}": 1,
    "low {balance: f, per: mid, equals: 0.3}": 1,
    "mid {aggregate: i, of: low, function: count}": 1,
    "mid {aggregate: j, of: low.j}": 1,
    "mid {aggregate: f, of: low.f, decimals: 2}": 1,
    "mid {aggregate: e, of: low.e, function: max}": 0,
}


@pytest.mark.parametrize("engine", [e for e in ENGINES if e != "spark"])
def test_engines_count_what_breaks(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    made = schema(**RULES)
    source = ENGINES[engine](request, dirty(), tmp_path)
    here = DataSet("twin", source.engine(), source.schema(), made)
    found = {r.where: violations(here, here, r) for t in made for r in declared(t, made)}
    assert found == EXPECTED


def test_a_rule_that_no_real_family_keeps_is_an_error() -> None:
    parents = pa.table({"id": list(range(60)), "total": [99] * 60})
    children = pa.table({"id": list(range(120)), "of": [i // 2 for i in range(120)],
                         "part": [1] * 120, "main": [True] * 60 + [False] * 60})  # fmt: skip
    keys = {"primary_key": ["id"], "foreign_keys": [
        {"columns": ["of"], "references": "parents", "mode": "own"}]}  # fmt: skip
    total = {"parents": {"primary_key": ["id"],
                         "constraints": [{"aggregate": "total", "of": "children.part"}]},
             "children": keys}  # fmt: skip
    one = [{"one_per": "parents", "column": "main"}]
    marks = {"parents": {"primary_key": ["id"]}, "children": {**keys, "constraints": one}}
    with pytest.raises(LearnError, match="agrees with its children in 0 of 60"):
        sl.fit({"parents": parents, "children": children}, total)
    with pytest.raises(LearnError, match="marks one row of a family"):
        sl.fit({"parents": parents, "children": children}, marks)


def test_a_missing_table_is_said_in_the_report() -> None:
    made = schema(**RULES)
    real = open_source(dirty())
    data = DataSet("real", real.engine(), real.schema(), made)
    from synthlake.quality.metrics.constraints import _absent

    partial = open_source({"low": dirty()["low"]})
    lone = DataSet("twin", partial.engine(), partial.schema(), made)
    rule = declared(made["low"], made)[0]
    assert _absent(data, rule) == ""
    assert "is missing" in _absent(lone, rule)
