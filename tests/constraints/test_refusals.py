"""Rules that cannot hold are refused before anything is read, by their name."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from tests.constraints.ruled import Rule, sales

import synthlake as sl
from synthlake.constraints.check import check_rules, check_table
from synthlake.constraints.declared import declared
from synthlake.constraints.predicate import parse_predicate
from synthlake.errors import SchemaError
from synthlake.pipeline.learn import understand
from synthlake.ports import QueryEngine
from synthlake.schema.model import Column, ForeignKey, Schema, Table
from synthlake.source import open_source

TYPES: dict[str, pa.DataType] = {
    "a": pa.int32(), "b": pa.int64(), "c": pa.decimal128(10, 2), "f": pa.float64(),
    "d": pa.date32(), "e": pa.timestamp("us"), "z": pa.timestamp("us", "UTC"), "x": pa.string(),
    "y": pa.bool_(), "k": pa.int64(), "p": pa.int64(), "l": pa.list_(pa.int64()),
}  # fmt: skip


def table(*rules: Rule, **more: Any) -> Table:
    columns = tuple(Column(name, dtype) for name, dtype in TYPES.items())
    keys: dict[str, Any] = {
        "primary_key": ("k",), "foreign_keys": (ForeignKey(("p",), "t", ("k",)),),
    }  # fmt: skip
    return Table("t", columns, constraints=rules, **{**keys, **more})


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ([{"range": "a", "min": 3, "max": 1}], "range: a, min: 3, max: 1}: no value lies within"),
        ([{"range": "a", "min": 1, "max": 1, "exclusive": True}], "no value lies within"),
        ([{"range": "a", "min": 3}, {"range": "a", "max": 1}], "{range: a, min: 3} and {range: a"),
        ([{"range": "a"}], "has no bound"),
        ([{"range": "q", "min": 1}], "no column 'q'"),
        ([{"range": "x", "min": 1}], "t.x is string"),
        ([{"range": "d", "min": "20x"}], "t.d is date32"),
        ([{"range": "d", "min": 3}], "t.d is date32"),
        ([{"range": "k", "min": 3}], "k is part of the primary key"),
        ([{"unique": ["p"]}], "p is part of t(p) -> t"),
        ([{"predicate": "p > a"}], "p is part of t(p) -> t"),
        ([{"inequality": ["a", "b"]}, {"inequality": ["b", "a"]}], "put a column below itself"),
        (
            [{"inequality": ["a", "b", "c"]}, {"inequality": ["c", "a"], "strict": True}],
            "{inequality: [a, b, c]} and {inequality: [c, a], strict: True}",
        ),
        (
            [{"inequality": ["a", "b"]}, {"range": "a", "min": 9}, {"range": "b", "max": 5}],
            "no value satisfies",
        ),
        (
            [
                {"inequality": ["a", "b"], "strict": True},
                {"range": "a", "min": 5},
                {"range": "b", "max": 5},
            ],
            "no value satisfies",
        ),
        ([{"inequality": ["a", "d"]}], "t.a is int32"),
        ([{"inequality": ["e", "z"]}], "t.e is timestamp"),
        ([{"inequality": ["a", "a"]}], "names a column twice"),
        ([{"sum": "a", "of": ["b", "c"]}, {"sum": "b", "of": ["a", "c"]}], "in a cycle: {sum: a"),
        ([{"sum": "a", "of": ["b", "c"]}, {"ratio": "a", "of": ["b", "c"]}], "both make a"),
        ([{"sum": "a", "of": ["a", "c"]}], "computed from itself"),
        ([{"difference": "f", "of": ["d", "d"]}], "t.f is double"),
        ([{"sum": "f", "of": ["x", "a"]}], "t.x is string"),
        ([{"one_hot": ["x", "y"]}], "t.x is string"),
        ([{"fixed_combinations": ["a", "x"]}, {"one_hot": ["a", "b"]}], "both make a"),
        ([{"fixed_combinations": ["a", "x"]}, {"sum": "f", "of": ["a", "b"]}], "as a category"),
        ([{"fixed_combinations": ["a", "l"]}], "t.l is list"),
        ([{"determines": ["a"], "column": "x"}, {"fixed_combinations": ["x", "y"]}], "both make x"),
        ([{"unique": ["d"]}], "whole numbers"),
        ([{"unique": ["x"]}, {"null_together": ["x", "a"]}], "made from the row's number"),
        ([{"regex": "a", "pattern": "[0-9]"}], "t.a is int32"),
        ([{"regex": "x", "pattern": "a|b"}], "unsupported syntax"),
        ([{"regex": "x", "pattern": "a"}, {"regex": "x", "pattern": "b"}], "of one column"),
        ([{"predicate": "a + 1"}], "true or false"),
        ([{"predicate": "1 = 1"}], "names no column"),
        ([{"predicate": "y > d"}], "is no condition of these columns"),
        ([{"when": "a > 0", "then": "q is null"}], "no column 'q'"),
    ],
)
def test_rules_that_cannot_hold(rules: list[Rule], said: str) -> None:
    with pytest.raises(SchemaError) as caught:
        check_rules(Schema({"t": table(*rules)}))
    assert said in caught.value.message
    assert caught.value.hint


def test_rules_of_tables_that_are_not_made() -> None:
    for word in ("keep", "skip"):
        with pytest.raises(SchemaError, match=f"`{word}: true` and rules"):
            check_table(table({"range": "a", "min": 0}, **{word: True}))


def test_rules_of_columns_that_are_not_learned() -> None:
    made = sl.open({"t": sales(200)})
    given = {
        "t": {"columns": {"age": {"action": "null"}}, "constraints": [{"range": "age", "min": 1}]}
    }
    with pytest.raises(SchemaError, match="age has the action null"):
        sl.fit(made, given)


def test_nothing_is_read_before_rules_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    source = open_source({"t": sales(200)})

    def refuse(self: object) -> QueryEngine:
        raise AssertionError("the engine was asked")

    monkeypatch.setattr(type(source), "engine", refuse)
    with pytest.raises(SchemaError, match="no value lies within"):
        understand(source, {"t": {"constraints": [{"range": "age", "min": 9, "max": 1}]}})


@pytest.mark.parametrize(
    "text",
    [
        "a in (select 1)", "exists (select 1)", "a > (select max(a) from t)", "random() > 0.5",
        "now() > e", "current_date > d", "a > 0; drop table t", "1) or (1=1", "a > 0 -- x",
        "a > /* x */ 0", "read_csv('/etc/passwd') is null", "getenv('HOME') = x", "t2.a > 0",
        "select 1", "sum(a) > 3", "pg_sleep(3) is null", "a = ?", "a = :p", "a = $1",
        "unnest([1]) > 0", "row_number() over () = 1", "x similar to 'a'", "nextval('s') > a",
        "uuid() = x", "a > 0 union select 1", "copy t to 'x'", "set threads = 1", "",
        "x = 'a' collate nocase", "y and lambda(a)", "a" + " + a" * 2_000 + " > 0",
        "(" * 300 + "a" + ")" * 300 + " > 0 and",
    ],
)  # fmt: skip
def test_predicates_are_expressions_over_a_row(text: str) -> None:
    with pytest.raises(SchemaError) as caught:
        parse_predicate(text, table())
    assert caught.value.hint


def test_predicates_find_columns_whatever_their_case() -> None:
    odd = Table("t", (Column("Order Date", pa.date32()), Column("a", pa.int64())))
    made = parse_predicate("\"order date\" > DATE '2020-01-01' and A is not null", odd)
    assert made.sql("duckdb") == (
        '"t"."Order Date" > CAST(\'2020-01-01\' AS DATE) AND NOT "t"."a" IS NULL'
    )


def test_words_of_sql_in_names_stay_names() -> None:
    hostile = 'x" > 0 OR "y'
    odd = Table("t", (Column(hostile, pa.int64()),), constraints=({"range": hostile, "min": 0},))
    check_table(odd)
    sql = declared(odd)[0].violation_sql("duckdb", "r")
    assert sql == 'SELECT COUNT(*) AS n FROM r AS t WHERE NOT ("t"."x"" > 0 OR ""y" >= 0)'
