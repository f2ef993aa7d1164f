"""The intact sample: whole families, the parents they refer to, and nothing else."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from tests.counting import Counted

from synthlake.errors import SchemaError
from synthlake.ports import Source
from synthlake.schema.model import ForeignKey, Schema
from synthlake.source import open_source
from synthlake.source.view import ViewSource
from synthlake.sql import statistics
from synthlake.sql.draw import ENTITY, ORPHAN, draw
from synthlake.sql.measure import measure
from synthlake.sql.split import split

REAL: dict[tuple[str, ...], tuple[int, int]] = {
    ("origin", "time_hour"): (0, 1556),
    ("carrier",): (0, 0),
    ("tailnum",): (2512, 50094),
    ("origin",): (0, 0),
    ("dest",): (0, 7602),
}
"""Rows of flights without a key and with one that no parent has, as ``test_measure`` counts."""


def keys(table: pa.Table, names: tuple[str, ...]) -> list[tuple[object, ...] | None]:
    rows = zip(*(table.column(name).to_pylist() for name in names), strict=True)
    return [None if None in row else row for row in rows]


Flaws = list[tuple[int, bool, bool]]


def flaws(tables: dict[str, pa.Table], table: str, fk: ForeignKey) -> Flaws:
    """Of each row its entity, whether its key is NULL, and whether no parent has it."""
    parents = set(keys(tables[fk.references], fk.to))
    entities = tables[table][ENTITY].to_pylist()
    return [
        (entity, key is None, key is not None and key not in parents)
        for entity, key in zip(entities, keys(tables[table], fk.columns), strict=True)
    ]


def share(rows: list[tuple[int, bool]]) -> tuple[float, float]:
    """Share of the rows that are true, and its standard error where families are drawn.

    Source: Cochran, Sampling Techniques (1977), equation 6.13, the variance of a ratio.
    """
    of = sum(flaw for _, flaw in rows) / len(rows)
    residuals: Counter[int] = Counter()
    for entity, flaw in rows:
        residuals[entity] += flaw - of
    return of, math.sqrt(sum(r * r for r in residuals.values())) / len(rows)


def same(left: pa.Table, right: pa.Table) -> bool:
    """Whether rows and their order are equal, NaN to itself."""
    return repr(left.to_pylist()) == repr(right.to_pylist())


def whole(source: Source, schema: Schema) -> dict[str, pa.Table]:
    return draw(source, schema, 10**9)


def test_all_rows_when_they_fit(shop: tuple[Source, Schema]) -> None:
    source, schema = shop
    found = whole(source, schema)
    assert list(found) == list(schema.tables)
    for table in schema:
        expected = pa.schema([pa.field(c.name, c.type) for c in table.columns])
        drawn = found[table.name]
        assert drawn.schema == expected.append(pa.field(ENTITY, pa.int64(), nullable=False))
        rows = source.engine().query(f'SELECT * FROM "{table.name}"').to_pylist()
        assert sorted(map(repr, drawn.drop_columns([ENTITY]).to_pylist())) == sorted(
            map(repr, rows)
        )
        assert drawn[ENTITY].to_pylist() == sorted(drawn[ENTITY].to_pylist())


def test_families_are_drawn_whole(shop: tuple[Source, Schema]) -> None:
    source, schema = shop
    every, found = whole(source, schema), draw(source, schema, 2000)
    drawn = [found[name] for name in ("customer", "order", "item")]
    assert 1800 < sum(table.num_rows for table in drawn) <= 2000
    entities = pc.unique(pa.chunked_array([c for t in drawn for c in t[ENTITY].chunks]))
    for name in ("customer", "order", "item"):
        belong = every[name].filter(pc.is_in(every[name][ENTITY], entities))
        assert same(found[name], belong)
    assert same(found["product"], every["product"])
    assert same(found["note"], every["note"])


@pytest.mark.parametrize("limit", [50, 700, 5000])
def test_no_tree_has_more_rows_than_asked(shop: tuple[Source, Schema], limit: int) -> None:
    source, schema = shop
    found = draw(source, schema, limit)
    assert 0 < sum(found[name].num_rows for name in ("customer", "order", "item")) <= limit


def test_order_of_rows_and_time_zone_do_not_matter(
    shop_rows: Callable[..., dict[str, pa.Table]], shop_schema: Callable[[Source], Schema]
) -> None:
    found = []
    for zone, step in (("UTC", 1), ("America/New_York", -1)):
        source = open_source({
            name: table.take(list(range(len(table)))[::step])
            for name, table in shop_rows().items()
        })  # fmt: skip
        source.engine().query(f"SET TimeZone = '{zone}'")
        found.append(draw(source, shop_schema(source), 2000))
    for name, table in found[0].items():
        assert table.num_rows
        assert same(table, found[1][name])


def test_matched_parents_are_pulled_in(keyed: Callable[..., Schema]) -> None:
    parents, children = 3000, 9000
    source = open_source({
        "shop": pa.table({"id": range(parents), "town": [n % 1500 for n in range(parents)]}),
        "town": pa.table({"id": range(2500)}),
        "sale": pa.table(
            {"id": range(children), "shop": [n * 7 % (parents + 90) for n in range(children)]}
        ),
    })  # fmt: skip
    schema = keyed(
        source,
        {"shop": ("id",), "town": ("id",), "sale": ("id",)},
        {
            "shop": (ForeignKey(("town",), "town", ("id",), mode="match"),),
            "sale": (ForeignKey(("shop",), "shop", ("id",), mode="match"),),
        },
    )
    found = draw(source, schema, 1000)
    assert found["sale"].num_rows == 1000
    assert found["shop"].num_rows > 1000 < found["town"].num_rows
    shops = set(found["shop"]["id"].to_pylist())
    assert {s for s in found["sale"]["shop"].to_pylist() if s < parents} <= shops
    assert set(found["shop"]["town"].to_pylist()) <= set(found["town"]["id"].to_pylist())
    assert len(shops) == found["shop"].num_rows


def test_flights_keep_their_shares_of_orphans_and_nulls(flights: tuple[Source, Schema]) -> None:
    source, schema = flights
    found = draw(source, schema, 50_000)
    assert 45_000 < found["weather"].num_rows + found["flights"].num_rows <= 50_000
    for fk in schema["flights"].foreign_keys:
        real_nulls, real_orphans = REAL[fk.columns]
        rows = flaws(found, "flights", fk)
        nulls, nulls_sigma = share([(entity, null) for entity, null, _ in rows])
        orphans, orphans_sigma = share([(entity, orphan) for entity, _, orphan in rows])
        assert abs(nulls - real_nulls / 336_776) <= 3 * nulls_sigma
        assert abs(orphans - real_orphans / 336_776) <= 3 * orphans_sigma


def test_a_head_with_few_families_above_is_drawn_by_its_own_key(
    flights: tuple[Source, Schema],
) -> None:
    source, schema = flights
    weather = schema["weather"]
    own = tuple(replace(fk, mode="own") for fk in weather.foreign_keys)
    found = draw(source, schema.with_table(replace(weather, foreign_keys=own)), 50_000)
    assert 45_000 < found["weather"].num_rows + found["flights"].num_rows <= 50_000
    assert len(set(found["weather"][ENTITY].to_pylist())) == 3  # entities are still the airports


def test_families_stay_together_below_a_small_parent(flights: tuple[Source, Schema]) -> None:
    source, schema = flights
    modes = {("tailnum",): "own"}
    keys_of = tuple(
        replace(fk, mode=modes.get(fk.columns, "match")) for fk in schema["flights"].foreign_keys
    )
    by_plane = schema.with_table(replace(schema["flights"], foreign_keys=keys_of))
    found = draw(source, by_plane, 50_000)
    assert found["planes"].num_rows == 3322
    assert 40_000 < found["flights"].num_rows <= 50_000 - 3322
    real = source.engine().query("SELECT tailnum, count(*) AS n FROM flights GROUP BY tailnum")
    degree = dict(zip(real["tailnum"].to_pylist(), real["n"].to_pylist(), strict=True))
    drawn = found["flights"].group_by("tailnum").aggregate([([], "count_all")]).to_pylist()
    assert all(d["count_all"] == degree[d["tailnum"]] for d in drawn if d["tailnum"] is not None)


def test_only_sample_and_statistics_leave_the_engine(
    shop_rows: Callable[..., dict[str, pa.Table]], shop_schema: Callable[[Source], Schema]
) -> None:
    source = Counted(open_source(shop_rows(customers=3000)))
    schema = shop_schema(source)
    total = sum(table.num_rows for table in shop_rows(customers=3000).values())
    limit = total // 10
    found = draw(source, schema, limit)
    sample = sum(table.num_rows for table in found.values())
    assert sample <= limit + 100  # kept and small tables are whole
    assert sum(source.answers) <= sample + 20  # counts and bounds
    source.answers.clear()
    counts = measure(source, source, schema)
    columns = [of for table in counts.values() for of in table.columns.values()]
    histograms = [h for t in counts.values() for k in t.keys for h in (k.degrees, k.orphan_degrees)]
    tables = [t for of in columns for t in (of.counts, of.cuts, of.shapes) if t is not None]
    known = sum(table.num_rows for table in [*tables, *histograms])
    assert sum(source.answers) <= known + 500  # siblings and profiles
    longest = max(statistics.MAX_VALUES, statistics.MAX_CUTS, statistics.MAX_SHAPES)
    assert max(table.num_rows for table in tables) <= longest


def test_the_sample_is_of_training_rows_only(shop: tuple[Source, Schema]) -> None:
    source, schema = shop
    parts = split(source, schema, 0.3)
    assert parts.holdout is not None
    found, held = whole(parts.train, schema), whole(parts.holdout, schema)
    for name in parts.tables:
        assert not set(found[name][ENTITY].to_pylist()) & set(held[name][ENTITY].to_pylist())


def test_orphans_are_told_by_all_rows(shop: tuple[Source, Schema]) -> None:
    source, schema = shop
    parts = split(source, schema, 0.3)
    # as a match, an item may be learned from while its order is held out
    loose = tuple(replace(fk, mode="match") for fk in schema["item"].foreign_keys)
    schema = schema.with_table(replace(schema["item"], foreign_keys=loose))
    found = draw(parts.train, schema, 2000, source)
    every = whole(source, schema)
    for table in schema:
        for number, fk in enumerate(table.foreign_keys):
            parents = set(keys(every[fk.references], fk.to))
            expected = [
                key is not None and key not in parents
                for key in keys(found[table.name], fk.columns)
            ]
            assert found[table.name][f"{ORPHAN}{number}"].to_pylist() == expected
            assert any(expected)
            assert not all(expected)
    assert f"{ORPHAN}0" not in whole(source, schema)["item"].column_names


def test_odd_names(oddly_named: tuple[Source, Schema]) -> None:
    source, schema = oddly_named
    found = draw(source, schema, 10)
    assert 0 < sum(table.num_rows for table in found.values()) <= 10
    for table in schema:
        assert found[table.name].column_names == [*(c.name for c in table.columns), ENTITY]


@pytest.mark.parametrize("rows", [0, 1])
def test_empty_and_one_row(rows: int) -> None:
    source = open_source({"t": pa.table({"a": pa.nulls(rows, pa.float32()), "b": ["x"] * rows})
                          if rows else pa.table({"a": pa.array([], pa.float32())})})  # fmt: skip
    assert draw(source, source.schema(), 10)["t"].num_rows == rows
    assert draw(source, source.schema(), 0)["t"].num_rows == rows


def test_types_come_back(keyed: Callable[..., Schema]) -> None:
    data = pa.table({
        "id": pa.array([3, 1, 2], pa.uint64()),
        "d": pa.array(["b", None, "a"]).dictionary_encode(),
        "l": pa.array([[1], None, []], pa.list_(pa.int16())),
        "t": pa.array([1, None, 3], pa.timestamp("ms", "Europe/Paris")),
        "u": pa.array([1, None, 3], pa.duration("ns")),
        "f": pa.array([-0.0, None, 2.5], pa.float16()),
        "n": pa.nulls(3),
        "b": pa.array([b"\x00", None, b""], pa.large_binary()),
        "m": pa.array([1, None, 100], pa.decimal128(20, 3)),
    })  # fmt: skip
    source = open_source({"t": data})
    found = draw(source, keyed(source, {"t": ("id",)}, {}), 10)["t"]
    assert found.drop_columns([ENTITY]).schema == data.schema
    by_id = pc.sort_indices(found, sort_keys=[("id", "ascending")])
    expected = data.take(pc.sort_indices(data, sort_keys=[("id", "ascending")]))
    assert found.take(by_id).drop_columns([ENTITY]).to_pylist() == expected.to_pylist()


def test_skipped_tables_and_columns_are_not_read(shop: tuple[Source, Schema]) -> None:
    source, schema = shop
    name, note = schema["customer"].columns[1], schema["note"]
    columns = (schema["customer"].columns[0], replace(name, action="skip"))
    less = schema.with_table(replace(schema["customer"], columns=columns))
    found = draw(source, less.with_table(replace(note, skip=True)), 10**6)
    assert "note" not in found
    assert found["customer"].column_names == ["id", ENTITY]
    bare = tuple(replace(c, action="skip") for c in note.columns)
    found = draw(source, Schema({"note": replace(note, columns=bare)}), 10**6)
    assert found["note"].column_names == [ENTITY]
    assert found["note"].num_rows == 60


@pytest.mark.parametrize("name", [ENTITY, f"{ORPHAN}0"])
def test_a_column_called_as_ours_is_refused(name: str) -> None:
    source = open_source({"t": pa.table({name: [1]})})
    with pytest.raises(SchemaError, match="a name that samples use"):
        draw(source, source.schema(), 10)


def test_views_are_drawn_like_tables(shop: tuple[Source, Schema]) -> None:
    source, schema = shop
    view = ViewSource(source, {"note": "SELECT text, weight FROM note WHERE weight > 1"})
    assert set(whole(view, schema)["note"]["weight"].to_pylist()) == {2.0}
