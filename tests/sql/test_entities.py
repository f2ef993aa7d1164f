"""Entities, against the same rules written in Python."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from synthlake.errors import SchemaError
from synthlake.ports import Source
from synthlake.schema.model import ForeignKey, Schema
from synthlake.source import open_source
from synthlake.sql.entities import entity, select_with_entity
from synthlake.sql.keys import SPACE
from synthlake.sql.tables import Tables


def hashed(*parts: object) -> int:
    text = "".join(f"{len(str(part).encode())}:{part};" for part in parts)
    return int(hashlib.sha256(text.encode()).hexdigest()[:15], 16)


def entities(source: Source, schema: Schema, table: str, *columns: str) -> list[tuple[Any, ...]]:
    tables = Tables(source.engine(), schema)
    listed = [f"{tables.column(name)} AS x{i}" for i, name in enumerate(columns)]
    found = source.engine().query(select_with_entity(tables, schema[table], listed))
    return [tuple(row.values()) for row in found.to_pylist()]


def test_entities_follow_the_chain_of_own_keys(
    shop: tuple[Source, Schema], shop_rows: Callable[..., dict[str, pa.Table]]
) -> None:
    source, schema = shop
    roots = {row[0]: row[1] for row in entities(source, schema, "customer", "id")}
    assert roots == {key: hashed(key) for key in range(700)}
    orders = {}
    for year, number, customer, root in entities(
        source, schema, "order", "year", "number", "customer"
    ):
        # a missing customer counts as one; without any, the order stands for itself
        assert root == (hashed(customer) if customer is not None else hashed(year, number))
        orders[year, number] = root
    seen = {"known": 0, "missing": 0, "null": 0}
    for key, number, year, root in entities(source, schema, "item", "id", "number", "year"):
        if number is None:
            kind, expected = "null", hashed(key)
        elif (year, number) in orders:
            kind, expected = "known", orders[year, number]
        else:
            kind, expected = "missing", hashed(year, number)  # in the order of the parent's key
        assert root == expected
        seen[kind] += 1
    assert min(seen.values()) > 50
    assert len(entities(source, schema, "item")) == shop_rows()["item"].num_rows


def test_tables_without_a_key_hash_whole_rows(shop: tuple[Source, Schema]) -> None:
    source, schema = shop
    roots = entities(source, schema, "note", "text", "weight")
    assert len({root for *_, root in roots}) == len({row[:2] for row in roots}) == 15
    assert all(0 <= root < SPACE for *_, root in roots)


def test_a_top_is_a_root(shop: tuple[Source, Schema]) -> None:
    source, schema = shop
    tables = Tables(source.engine(), schema)
    assert (
        entity(tables, schema["order"], tops=["order"]).value
        == entity(tables, replace(schema["order"], foreign_keys=())).value
    )
    assert not entity(tables, schema["item"], tops=["order"]).join


def test_parents_that_share_a_key_do_not_multiply_children() -> None:
    source = open_source({
        "root": pa.table({"id": [1, 2]}),
        "middle": pa.table({"id": [1, 2, 3], "root": [1, 2, 2], "code": ["a", "a", "b"]}),
        "leaf": pa.table({"id": [1, 2, 3], "code": ["a", "b", "c"]}),
    })  # fmt: skip
    own = ForeignKey(("root",), "root", ("id",), mode="own")
    code = ForeignKey(("code",), "middle", ("code",), mode="own")
    keys = {"root": (), "middle": (own,), "leaf": (code,)}
    schema = Schema({
        t.name: replace(t, primary_key=("id",), foreign_keys=keys[t.name])
        for t in source.schema()
    })  # fmt: skip
    assert entities(source, schema, "leaf", "id") == [
        (1, min(hashed(1), hashed(2))), (2, hashed(2)), (3, hashed("c"))
    ]  # fmt: skip


def test_a_child_of_another_type_hashes_as_its_parent() -> None:
    source = open_source({
        "p": pa.table({"id": pa.array(["1", "2"]), "n": [1, 2]}),
        "c": pa.table({"p": pa.array([1, 2, None], pa.int64()), "id": [7, 8, 9]}),
    })  # fmt: skip
    own = ForeignKey(("p",), "p", ("id",), mode="own")
    schema = Schema({
        "p": replace(source.schema()["p"], primary_key=("id",)),
        "c": replace(source.schema()["c"], primary_key=("id",), foreign_keys=(own,)),
    })  # fmt: skip
    assert sorted(entities(source, schema, "c", "id")) == [
        (7, hashed("1")), (8, hashed("2")), (9, hashed(9))
    ]  # fmt: skip


def test_a_float_in_a_primary_key_is_refused() -> None:
    source = open_source({"t": pa.table({"x": [1.5]})})
    schema = Schema({"t": replace(source.schema()["t"], primary_key=("x",))})
    with pytest.raises(SchemaError, match=r"t\.x"):
        entities(source, schema, "t")
