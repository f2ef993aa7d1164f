"""Statistics, against the same counts taken in Python."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pytest

from synthlake.errors import SchemaError
from synthlake.ports import Source
from synthlake.schema.model import ForeignKey, Schema
from synthlake.source import open_source
from synthlake.sql.entities import select_with_entity
from synthlake.sql.measure import measure
from synthlake.sql.split import split
from synthlake.sql.statistics import (
    MAX_CUTS,
    MAX_SHAPES,
    MAX_VALUES,
    ColumnStatistics,
    TableStatistics,
)
from synthlake.sql.tables import Tables


def column_of(values: pa.Array) -> ColumnStatistics:
    source = open_source({"t": pa.table({"v": values})})
    return measure(source, source, source.schema())["t"].columns["v"]


def pairs(table: pa.Table | None) -> list[tuple[Any, int, int]]:
    assert table is not None
    assert [str(type) for type in table.schema.types[1:]] == ["int64", "int64"]
    return [(row[table.column_names[0]], row["rows"], row["entities"]) for row in table.to_pylist()]


def counted(rows: Sequence[tuple[Any, Any]]) -> list[tuple[Any, int, int]]:
    """Value, rows and entities from (value, entity), sorted by value."""
    values = Counter(value for value, _ in rows)
    entities = Counter(value for value, _ in set(rows))
    return [(v, values[v], entities[v]) for v in sorted(values)]


def shape(text: str) -> str:
    for pattern, mark in (("[0-9]", "9"), ("[A-Z]", "A"), ("[a-z]", "a"), (r"[^\x00-\x7f]", "*")):
        text = re.sub(pattern, mark, text)
    return text


def test_counts_of_rows_and_entities(shop: tuple[Source, Schema]) -> None:
    source, schema = shop
    found = measure(source, source, schema)
    assert list(found) == list(schema.tables)
    for table in schema:
        tables = Tables(source.engine(), schema)
        listed = [tables.column(c.name) for c in table.columns]
        rows = source.engine().query(select_with_entity(tables, table, listed)).to_pylist()
        assert found[table.name].rows == found[table.name].train_rows == len(rows)
        assert found[table.name].entities == len({row["e"] for row in rows})
        for column in table.columns:
            of = found[table.name].columns[column.name]
            given = [
                (value, row["e"]) for row in rows
                if (value := row[column.name]) is not None and value == value
            ]  # fmt: skip
            assert pairs(of.counts) == counted(given)
            assert of.distinct == len({value for value, _ in given})
            assert of.nulls == sum(row[column.name] is None for row in rows)


def test_columns_are_of_training_rows_and_keys_of_all(shop: tuple[Source, Schema]) -> None:
    source, schema = shop
    parts = split(source, schema, 0.3)
    found, all_rows = measure(parts.train, source, schema), measure(source, source, schema)
    for name in parts.tables:
        assert found[name].rows == all_rows[name].rows > found[name].train_rows > 0
        for ours, theirs in zip(found[name].keys, all_rows[name].keys, strict=True):
            assert ours.degrees == theirs.degrees
            assert ours.orphan_degrees == theirs.orphan_degrees
            assert (ours.rows, ours.nulls, ours.orphans) == (
                theirs.rows,
                theirs.nulls,
                theirs.orphans,
            )


def test_foreign_keys(shop: tuple[Source, Schema]) -> None:
    source, schema = shop
    found = measure(source, source, schema)
    orders = source.engine().query('SELECT * FROM "order"').to_pylist()
    items = source.engine().query("SELECT * FROM item").to_pylist()
    check(found["order"], 0, [o["customer"] for o in orders], list(range(700)))
    keys = [None if i["number"] is None else (i["number"], i["year"]) for i in items]
    check(found["item"], 0, keys, [(o["number"], o["year"]) for o in orders])
    check(found["item"], 1, [i["sku"] for i in items], [f"S{n:02d}" for n in range(38)])
    assert found["item"].keys[0].orphans > 0 < found["item"].keys[0].nulls


def check(of: TableStatistics, number: int, children: list[Any], parents: list[Any]) -> None:
    found, degree = of.keys[number], Counter(key for key in children if key is not None)
    orphans = {key: n for key, n in degree.items() if key not in set(parents)}
    assert found.rows == len(children)
    assert found.nulls == children.count(None)
    assert found.orphans == sum(orphans.values())
    assert found.orphan_keys == len(orphans)
    assert found.parents == len(set(parents))
    assert found.degrees.to_pydict() == histogram([degree[key] for key in set(parents)], "parents")
    assert found.orphan_degrees.to_pydict() == histogram(list(orphans.values()), "keys")


def histogram(degrees: list[int], name: str) -> dict[str, list[int]]:
    counts = sorted(Counter(degrees).items())
    return {"degree": [d for d, _ in counts], name: [n for _, n in counts]}


def test_siblings_are_compared_with_independent_children(keyed: Callable[..., Schema]) -> None:
    families = [["a", "a", "a"], ["b", "b"], ["a", "b", "c"], ["c"], ["b", "b", None, None]]
    rows = [(n, v) for n, family in enumerate(families) for v in family] + [(None, "a")] * 5
    child = pa.table({"p": [p for p, _ in rows], "v": [v for _, v in rows], "one": [1] * len(rows)})
    source = open_source({"p": pa.table({"id": range(5)}), "c": child})
    own = ForeignKey(("p",), "p", ("id",), mode="own")
    found = measure(source, source, keyed(source, {"p": ("id",)}, {"c": (own,)}))["c"].keys[0]
    with_siblings = [family for family in families if len(family) > 1]
    together = [value for family in with_siblings for value in family]
    alike = sum(
        (family.count(v) - 1) / (len(family) - 1) for family in with_siblings for v in family
    )
    chance = sum((together.count(v) - 1) / (len(together) - 1) for v in together)
    assert found.siblings == pytest.approx((alike - chance) / len(together))


def test_siblings_tell_homogeneous_from_independent_parents(keyed: Callable[..., Schema]) -> None:
    rows = range(4000)
    child = pa.table({
        "a": [n % 400 for n in rows],
        "b": [n * 7919 % 389 for n in rows],
        "v": [n % 400 % 5 for n in rows],
    })  # fmt: skip
    source = open_source({"p": pa.table({"id": range(400)}), "c": child})
    keys = tuple(ForeignKey((name,), "p", ("id",), mode="match") for name in "ab")
    alike, independent = measure(source, source, keyed(source, {}, {"c": keys}))["c"].keys
    assert alike.siblings == pytest.approx(0.8, abs=0.01)
    assert independent.siblings < 0.02


def test_duplicates_and_nulls_of_a_primary_key(keyed: Callable[..., Schema]) -> None:
    source = open_source({
        "t": pa.table({"a": [1, 1, 1, 2, None], "b": ["x", "x", "y", None, "x"]})
    })  # fmt: skip
    schema = keyed(source, {"t": ("a", "b")}, {})
    assert measure(source, source, schema)["t"].primary_duplicates == 3
    assert measure(source, source, source.schema())["t"].primary_duplicates == 0


def test_cuts_are_percentiles_and_count_what_lies_between() -> None:
    rows = 2 * MAX_VALUES + 17
    values = [n * 7 % rows if n % 3 else 5 for n in range(rows)]
    source = open_source({"t": pa.table({"v": values, "g": [n % 97 for n in range(rows)]})})
    of = measure(source, source, source.schema())["t"].columns["v"]
    assert of.counts is None
    fractions = [n / MAX_CUTS for n in range(1, MAX_CUTS + 1)]
    expected = source.engine().query(
        f"SELECT DISTINCT unnest(quantile_disc(v, {fractions})) AS cut FROM t ORDER BY cut"
    )
    found = pairs(of.cuts)
    assert [value for value, *_ in found] == expected.column("cut").to_pylist()
    ends = [-1] + [value for value, *_ in found]
    between = [sum(low < v <= high for v in values) for low, high in pairwise(ends[:10])]
    assert [n for _, n, _ in found[:9]] == between
    assert sum(n for _, n, _ in found) == rows


def test_cuts_count_entities(keyed: Callable[..., Schema]) -> None:
    rows = MAX_VALUES + 1000
    parents = [n % 5 for n in range(rows)]
    source = open_source({
        "p": pa.table({"id": range(5)}), "c": pa.table({"v": range(rows), "p": parents})
    })  # fmt: skip
    own = ForeignKey(("p",), "p", ("id",), mode="own")
    of = measure(source, source, keyed(source, {"p": ("id",)}, {"c": (own,)}))["c"].columns["v"]
    found = pairs(of.cuts)
    assert len(found) == MAX_CUTS
    assert {entities for *_, entities in found} == {5}


def test_text_is_sorted_as_bytes_and_shaped() -> None:
    texts = ["_a", "-1", "a", "B", "é9", "Ünï", "", " x\t0", "日本7", "a\\d'", None]
    of = column_of(pa.array(texts))
    values = [value for value, *_ in pairs(of.counts)]
    assert values == sorted((t for t in texts if t is not None), key=str.encode)
    expected = Counter(shape(t) for t in texts if t is not None)
    assert of.shapes is not None
    assert of.shapes.column_names == ["shape", "rows", "entities"]
    assert pairs(of.shapes) == sorted(
        ((s, n, n) for s, n in expected.items()), key=lambda row: (-row[1], row[0].encode())
    )


def test_only_the_most_frequent_shapes_leave() -> None:
    texts = [f"{'a' * (n % 300)}1" for n in range(900)] + ["X"] * 9
    of = column_of(pa.array(texts))
    assert of.shapes is not None
    assert of.shapes.num_rows == MAX_SHAPES
    assert pairs(of.shapes)[0] == ("A", 9, 1)


@pytest.mark.parametrize(
    "type", [pa.string(), pa.large_string(), pa.dictionary(pa.int8(), pa.string())]
)
def test_string_like_columns_are_text(type: pa.DataType) -> None:
    of = column_of(pa.array(["b", "a", None, "b"], pa.string()).cast(type))
    assert pairs(of.counts) == [("a", 1, 1), ("b", 2, 1)]
    assert of.counts is not None
    assert of.counts.schema.field("value").type == (
        type.value_type if isinstance(type, pa.DictionaryType) else type
    )
    assert pairs(of.shapes) == [("a", 3, 2)]


@pytest.mark.parametrize(
    ("values", "type", "decimals"),
    [
        ([1.0, -3.0], pa.float64(), 0),
        ([0.1, 39.02, None], pa.float64(), 2),
        ([0.1, 0.25], pa.float32(), 2),
        ([1e-9, math.nan, math.inf], pa.float64(), 9),
        ([1 / 3], pa.float64(), None),
        ([None], pa.float64(), 0),
        ([1], pa.int64(), None),
    ],
)
def test_decimals(values: list[Any], type: pa.DataType, decimals: int | None) -> None:
    assert column_of(pa.array(values, type)).decimals == decimals


def test_floats_that_are_no_numbers_are_counted_apart() -> None:
    of = column_of(pa.array([math.nan, math.nan, math.inf, -math.inf, 0.0, -0.0, 1.5, None]))
    assert of.special == (2, 1, 1)
    assert (of.rows, of.nulls, of.distinct) == (8, 1, 2)
    # rows without a key that are equal are one entity
    assert pairs(of.counts) == [(0.0, 2, 1), (1.5, 1, 1)]
    assert of.counts is not None
    assert math.copysign(1, of.counts.column("value")[0].as_py()) == 1


@pytest.mark.parametrize(
    ("values", "distinct"),
    [
        # engines group nested values differently or not at all
        (pa.array([[1], None, [1], []], pa.list_(pa.int64())), 0),
        (pa.array([{"a": 1}, None, {"a": 1}, {"a": 2}]), 0),
        (pa.array([b"a", None, b"a", b"b"]), 2),
    ],
)
def test_types_without_an_order_are_counted_as_a_whole(values: pa.Array, distinct: int) -> None:
    of = column_of(values)
    assert (of.rows, of.nulls, of.distinct) == (4, 1, distinct)
    assert of.counts is None
    assert of.cuts is None
    assert of.shapes is None


@pytest.mark.parametrize("rows", [0, 1, 3])
@pytest.mark.parametrize(
    "type",
    [pa.int64(), pa.float64(), pa.string(), pa.timestamp("us", "UTC"), pa.decimal128(9, 2),
     pa.bool_(), pa.date32(), pa.null(), pa.list_(pa.int8()), pa.duration("s")],
)  # fmt: skip
def test_columns_that_are_all_null(type: pa.DataType, rows: int) -> None:
    of = column_of(pa.nulls(rows, type))
    assert (of.rows, of.nulls, of.distinct) == (rows, rows, 0)
    assert of.counts is None or (of.counts.num_rows == 0)
    assert of.special == (0, 0, 0)


def test_odd_names(oddly_named: tuple[Source, Schema]) -> None:
    source, schema = oddly_named
    parent, child = schema
    found = measure(source, source, schema)
    key = found[child.name].keys[0]
    assert (key.rows, key.nulls, key.orphans, key.parents) == (17, 1, 1, 20)
    assert set(found[parent.name].columns) == {c.name for c in parent.columns}
    assert found[parent.name].columns[parent.columns[1].name].nulls == 10


def test_a_float_in_a_foreign_key_is_refused(keyed: Callable[..., Schema]) -> None:
    source = open_source({"p": pa.table({"id": [1.0]}), "c": pa.table({"p": [1.0]})})
    own = ForeignKey(("p",), "p", ("id",), mode="match")
    with pytest.raises(SchemaError, match=r"c\.p is of type double"):
        measure(source, source, keyed(source, {}, {"c": (own,)}))


def test_nothing_depends_on_the_time_zone_or_the_order_of_rows(
    shop_rows: Callable[..., dict[str, pa.Table]], shop_schema: Callable[[Source], Schema]
) -> None:
    at = pa.array([n * 1_000_003 for n in range(700)], pa.timestamp("us", "UTC"))
    ours = shop_rows()
    ours["customer"] = ours["customer"].append_column("at", at)
    found = []
    for zone, step in (("UTC", 1), ("America/New_York", -1)):
        source = open_source({
            name: table.take(list(range(len(table)))[::step]) for name, table in ours.items()
        })  # fmt: skip
        source.engine().query(f"SET TimeZone = '{zone}'")
        found.append(measure(source, source, shop_schema(source)))
    assert found[0] == found[1]


def test_flights(flights: tuple[Source, Schema]) -> None:
    source, schema = flights
    events = []
    found = measure(source, source, schema, events.append)
    assert [event.message for event in events] == [table.name for table in schema.order()]
    of = found["flights"]
    assert of.primary_duplicates == 0
    own, carrier, plane, origin, dest = of.keys
    assert (own.nulls, own.orphans, own.orphan_keys, own.parents) == (0, 1556, 108, 26115)
    assert (plane.nulls, plane.orphans, plane.orphan_keys, plane.parents) == (
        2512,
        50094,
        721,
        3322,
    )
    assert (dest.orphans, carrier.orphans, origin.orphans) == (7602, 0, 0)
    assert own.degrees.slice(0, 1).to_pylist() == [{"degree": 0, "parents": 6737}]
    assert own.siblings > plane.siblings > origin.siblings
    assert of.columns["tailnum"].distinct == 4043
    assert found["weather"].columns["temp"].decimals == 2
    assert found["weather"].columns["time_hour"].counts.num_rows == 8714
