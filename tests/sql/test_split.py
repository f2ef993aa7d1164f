"""The hold-out: whole families, chosen by hash, whatever the order of the data."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pytest

from synthlake.errors import SpecError
from synthlake.ports import Source
from synthlake.schema.model import Schema
from synthlake.source import open_source, read_table
from synthlake.sql.entities import select_with_entity
from synthlake.sql.split import split
from synthlake.sql.tables import Tables


def rows(source: Source, table: str) -> list[str]:
    engine = source.engine()
    return sorted(map(repr, engine.query(f"SELECT * FROM {engine.relation(table)}").to_pylist()))


def roots(source: Source, schema: Schema, table: str) -> set[int]:
    sql = select_with_entity(Tables(source.engine(), schema), schema[table], ["1 AS one"])
    return set(source.engine().query(sql).column("e").to_pylist())


def test_parts_are_disjoint_complete_and_intact(shop: tuple[Source, Schema]) -> None:
    source, schema = shop
    parts = split(source, schema, 0.2)
    assert parts.holdout is not None
    assert parts.tables == ("customer", "order", "item")
    for table in parts.tables:
        train, held = rows(parts.train, table), rows(parts.holdout, table)
        assert sorted(train + held) == rows(source, table)
        # the roots of the whole source: orphans have one too
        assert 0.15 < len(held) / (len(train) + len(held)) < 0.25
    for part, other in ((parts.train, parts.holdout), (parts.holdout, parts.train)):
        mine = set().union(*(roots(part, schema, table) for table in parts.tables))
        theirs = set().union(*(roots(other, schema, table) for table in parts.tables))
        assert not mine & theirs
        assert mine | theirs == set().union(*(roots(source, schema, t) for t in parts.tables))


def test_kept_and_small_tables_are_whole_in_both_parts(shop: tuple[Source, Schema]) -> None:
    source, schema = shop
    parts = split(source, schema, 0.2)
    assert parts.holdout is not None
    for table in ("product", "note"):
        assert rows(parts.train, table) == rows(parts.holdout, table) == rows(source, table)


def test_few_roots_are_not_split(shop: tuple[Source, Schema]) -> None:
    source, schema = shop
    parts = split(source, schema, 0.2, min_roots=701)
    assert parts.holdout is None
    assert parts.tables == ()
    assert parts.train is source
    assert split(source, schema, 0.2, min_roots=700).tables == ("customer", "order", "item")
    assert split(source, schema, 0.0).holdout is None


def test_columns_keep_their_order_and_type(shop: tuple[Source, Schema]) -> None:
    source, schema = shop
    parts = split(source, schema, 0.2)
    for table in schema:
        assert read_table(parts.train, table.name).schema == read_table(source, table.name).schema


def test_neither_order_nor_time_zone_matters(
    shop: tuple[Source, Schema], shop_rows: Callable[..., dict[str, pa.Table]]
) -> None:
    source, schema = shop
    reverse = {n: t.take(list(range(len(t)))[::-1]) for n, t in shop_rows().items()}
    other = open_source(reverse)
    other.engine().query("SET TimeZone = 'America/New_York'")
    ours, theirs = split(source, schema, 0.3).train, split(other, schema, 0.3).train
    for table in schema:
        assert rows(ours, table.name) == rows(theirs, table.name)


def test_odd_names(oddly_named: tuple[Source, Schema]) -> None:
    source, schema = oddly_named
    parts = split(source, schema, 0.5, min_roots=10)
    assert parts.holdout is not None
    for table in schema:
        train, held = rows(parts.train, table.name), rows(parts.holdout, table.name)
        assert sorted(train + held) == rows(source, table.name)
        assert train
        assert held


@pytest.mark.parametrize("share", [-0.1, 1.0, 2.0])
def test_a_share_beyond_all_is_refused(shop: tuple[Source, Schema], share: float) -> None:
    source, schema = shop
    with pytest.raises(SpecError, match="hold-out"):
        split(source, schema, share)
