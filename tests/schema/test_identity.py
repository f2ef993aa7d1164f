"""A schema as JSON, and its id."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthlake.errors import SchemaError
from synthlake.schema.identity import digest_of, schema_from_json, schema_to_json
from synthlake.schema.model import Column, ForeignKey, Schema, Table
from synthlake.schema.types import type_from_json, type_to_json

FLAT = st.one_of(
    st.sampled_from(
        [
            pa.null(), pa.bool_(), pa.int8(), pa.uint64(), pa.float16(), pa.float64(), pa.string(),
            pa.large_string(), pa.string_view(), pa.binary(), pa.binary(16), pa.large_binary(),
            pa.date32(), pa.date64(), pa.time32("s"), pa.time32("ms"), pa.time64("us"),
            pa.time64("ns"), pa.duration("s"), pa.duration("ns"), pa.timestamp("us"), pa.uuid(),
            pa.timestamp("ns", "Europe/Paris"), pa.timestamp("s", "+02:00"),
            pa.month_day_nano_interval(),
        ]
    ),
    st.builds(pa.decimal128, st.integers(1, 38), st.integers(-3, 10)),
    st.builds(pa.decimal256, st.integers(39, 76), st.integers(0, 20)),
)  # fmt: skip


def _fields(inner: st.SearchStrategy[pa.DataType]) -> st.SearchStrategy[Any]:
    def make(name: str, kind: pa.DataType, nullable: bool) -> Any:
        return pa.field(name, kind, nullable or pa.types.is_null(kind))

    return st.builds(make, st.text(max_size=5), inner, st.booleans())


def _nest(inner: st.SearchStrategy[pa.DataType]) -> st.SearchStrategy[pa.DataType]:
    fields = _fields(inner)
    named = inner.filter(lambda kind: not pa.types.is_null(kind))
    keys = st.builds(lambda kind: pa.field("key", kind, nullable=False), named)
    return st.one_of(
        st.builds(pa.list_, fields),
        st.builds(pa.large_list, fields),
        st.builds(pa.list_, fields, st.integers(1, 5)),
        st.builds(pa.struct, st.lists(fields, max_size=3)),
        st.builds(pa.map_, keys, fields, keys_sorted=st.booleans()),
        st.builds(
            pa.dictionary, st.sampled_from([pa.int8(), pa.uint32()]), inner, ordered=st.booleans()
        ),
    )


TYPES = st.recursive(FLAT, _nest, max_leaves=4)


@settings(deadline=None)
@given(TYPES)
def test_types_round_trip(kind: pa.DataType) -> None:
    held = json.loads(json.dumps(type_to_json(kind)))
    assert type_from_json(held).equals(kind, check_metadata=True)


def test_common_types_are_readable_text() -> None:
    assert type_to_json(pa.timestamp("us", "UTC")) == "timestamp[us, tz=UTC]"
    assert type_to_json(pa.decimal128(10, 2)) == "decimal128(10, 2)"
    assert type_to_json(pa.dictionary(pa.int32(), pa.string())) == {
        "dictionary": "int32", "values": "string", "ordered": False
    }  # fmt: skip


@pytest.mark.parametrize("held", ["int63", "", None, 3, {}, {"list": 3}, {"ipc": "!"}, []])
def test_bad_types(held: Any) -> None:
    with pytest.raises(SchemaError):
        type_from_json(held)


def example() -> Schema:
    parent = Table(
        "parent",
        (Column("id", pa.int64(), "key", nullable=False), Column("at", pa.timestamp("us", "UTC"))),
        primary_key=("id",),
        keep=True,
    )
    child = Table(
        'select "x"; drop',
        (
            Column("parent", pa.int64(), "key"),
            Column("text", pa.string(), "personal", "mask", kind="person_name", pattern="[A-Z]{3}"),
        ),
        foreign_keys=(ForeignKey(("parent",), "parent", ("id",), "own", "null"),),
        synthesizer={"name": "trees", "min_leaf": 20},
    )
    return Schema({t.name: t for t in (parent, child)})


def test_schema_round_trips() -> None:
    held = json.loads(json.dumps(schema_to_json(example())))
    assert schema_from_json(held) == example()


@pytest.mark.parametrize("held", [{}, {"tables": 3}, {"tables": [{"name": "a"}]}])
def test_damaged_schema(held: Any) -> None:
    with pytest.raises(SchemaError):
        schema_from_json(held)


def test_the_id_is_of_names_types_and_keys() -> None:
    schema = example()
    parent = schema["parent"]
    assert len(digest_of(schema)) == 32
    assert digest_of(schema) == digest_of(schema_from_json(schema_to_json(schema)))
    same = schema.with_table(replace(parent, keep=False, synthesizer={"name": "independent"}))
    assert digest_of(same) == digest_of(schema)
    for other in (
        replace(parent, primary_key=()),
        replace(parent, columns=parent.columns[:1]),
        replace(parent, columns=(Column("id", pa.int32()), parent.columns[1])),
        replace(parent, columns=(Column("ID", pa.int64()), parent.columns[1])),
    ):
        assert digest_of(schema.with_table(other)) != digest_of(schema)
