"""The `tables:` subtree: what it takes, what it refuses, and that it round-trips."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthlake.errors import SchemaError
from synthlake.schema.document import parse_tables
from synthlake.schema.file import document_of, dump_tables
from synthlake.schema.model import Column, ForeignKey, Schema, Table

ODD = 'select "x"; drop'


def shop() -> Schema:
    customers = Table(
        "customers",
        (Column("id", pa.int64()), Column("name", pa.string()), Column(ODD, pa.string())),
        primary_key=("id",),
    )
    orders = Table(
        "orders",
        (Column("number", pa.int32()), Column("customer", pa.int64()), Column("id", pa.int64())),
        primary_key=("number",),
        foreign_keys=(ForeignKey(("customer",), "customers", ("id",), "own"),),
    )
    return Schema({t.name: t for t in (customers, orders)})


@pytest.mark.parametrize(
    ("tables", "message", "hint"),
    [
        ({"customers": {"kep": True}}, "kep", "'keep'"),
        ({"customers": {"columns": {"id": {"rol": "key"}}}}, "rol", "'role'"),
        ({"orders": {"foreign_keys": [{"columns": ["a"], "referenses": "b"}]}}, "", "'references'"),
        (
            {"customers": {"synthesizer": {"name": "trees", "min_leaves": 3}}},
            "min_leaves",
            "'min_leaf'",
        ),
        ({"customers": {"columns": {"id": {"role": "primary"}}}}, "role", "categorical"),
        ({"customers": {"columns": {"id": {"action": "keep"}}}}, "does not have", "leave"),
        ({"customers": {"columns": {"id": {"locale": "xx_XX"}}}}, "'xx_XX'", "en_US"),
        ({"customers": {"columns": {"id": {"locale": "german"}}}}, "locale", "en_US"),
        ({"customers": {"columns": {"id": {"kind": "persons_name"}}}}, "kind", "person_name"),
        ({"customers": {"constraints": [{"increasing": "id"}]}}, "does not have", "leave"),
        ({"customers": {"constraints": [{"rnge": "age"}]}}, "'rnge'", "'range'"),
        ({"customers": {"constraints": [{"range": "age", "mn": 0}]}}, "'mn'", "'min'"),
        ({"customers": {"constraints": [{"sum": "a"}]}}, "lacks of", "of"),
        ({"customers": {"constraints": [{"inequality": ["a"]}]}}, "at least 2", "[low, high]"),
        ({"customers": {"constraints": {"range": "age"}}}, "constraints", "a list"),
        (
            {"orders": {"foreign_keys": [{"columns": ["a"], "references": {"by": "b"}}]}},
            "references.of is missing",
            "of:",
        ),
        (
            {
                "orders": {
                    "foreign_keys": [{"columns": ["a"], "references": {"by": "b", "off": {}}}]
                }
            },
            "references.off is not a key",
            "'of'",
        ),
        (
            {
                "orders": {
                    "foreign_keys": [
                        {"columns": ["a"], "references": {"by": "b", "of": {"x": {"tabel": "t"}}}}
                    ]
                }
            },
            "of.x.tabel is not a key",
            "references",
        ),
        ({"orders": {"foreign_keys": [{"columns": ["a"], "references": 3}]}}, "references", "by:"),
        ({"orders": {"foreign_keys": [{"references": "customers"}]}}, "columns is missing", ""),
        ({"orders": {"synthesizer": "tree"}}, "synthesizer", "independent"),
        ({"orders": {"synthesizer": {"min_leaf": 0}}}, "min_leaf", "auto"),
        ({"orders": {"primary_key": "number"}}, "primary_key", "[tailnum]"),
        ({2013: {}}, "2013", ""),
        ({"orders": {"columns": {True: {}}}}, "True", ""),
        ({"orders": 3}, "orders", ""),
    ],
)
def test_refuses_by_name(tables: Any, message: str, hint: str) -> None:
    with pytest.raises(SchemaError) as caught:
        parse_tables(tables)
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_unknown_names_have_the_nearest_as_hint() -> None:
    with pytest.raises(SchemaError, match="did you mean 'orders'"):
        parse_tables({"order": {}}).merge_into(shop())
    with pytest.raises(SchemaError, match="did you mean 'customer'"):
        parse_tables({"orders": {"columns": {"costumer": {}}}}).merge_into(shop())
    reference = {"columns": ["customer"], "references": "customer"}
    document = parse_tables({"orders": {"foreign_keys": [reference]}})
    with pytest.raises(SchemaError, match="did you mean 'customers'"):
        document.merge_into(shop())


def test_lists_replace_and_mappings_merge() -> None:
    given_columns = {ODD: {"role": "text"}, "name": {"action": None}}
    made = parse_tables({"customers": {"columns": given_columns}, "orders": {"foreign_keys": []}})
    merged = made.merge_into(shop())
    assert merged["orders"].foreign_keys == ()
    assert merged["customers"].primary_key == ("id",)
    assert merged["customers"].column(ODD).role == "text"
    assert merged["customers"].column("name").action == "null"
    assert merged["customers"].column("id") == shop()["customers"].column("id")


@pytest.mark.parametrize(
    ("parent_key", "columns", "expected"),
    [
        (("origin", "hour"), ["hour", "origin"], ("hour", "origin")),
        (("a", "b"), ["origin", "hour"], ("a", "b")),
        (("a",), ["origin", "hour"], ("origin", "hour")),
        (("a", "b"), ["x"], None),
    ],
)
def test_parent_columns_default(
    parent_key: tuple[str, ...], columns: list[str], expected: tuple[str, ...] | None
) -> None:
    fields = tuple(Column(c, pa.string()) for c in ("a", "b", "origin", "hour"))
    child = Table("child", tuple(Column(c, pa.string()) for c in ("origin", "hour", "x")))
    schema = Schema({"parent": Table("parent", fields, parent_key), "child": child})
    document = parse_tables(
        {"child": {"foreign_keys": [{"columns": columns, "references": "parent"}]}}
    )
    if expected is None:
        with pytest.raises(SchemaError, match="to: "):
            document.merge_into(schema)
    else:
        assert document.merge_into(schema)["child"].foreign_keys[0].to == expected


@pytest.mark.parametrize("name", ["schema.yml", "schema.json"])
def test_a_saved_schema_loads_as_the_same(tmp_path: Path, name: str) -> None:
    path = shop().save(tmp_path / name)
    assert Schema.load(path).merge_into(shop()) == shop()


def test_a_spec_serves_as_schema_file(tmp_path: Path) -> None:
    path = tmp_path / "synthlake.yml"
    path.write_text("version: 1\nsource: data\ntables: {orders: {skip: true}}\nseed: 3\n")
    assert Schema.load(path).tables["orders"].skip


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("none.yml", None, "no schema file"),
        ("a.yml", "tables: [1", "line 1"),
        ("b.yml", "tables: {a: {}, a: {}}", "duplicate"),
        ("c.json", '{"tables": {"a": {}, "a": {}}}', "twice"),
        ("d.json", '{"tables": {"a": {},}}', "line 1"),
        ("e.yml", "- 1\n", "not a mapping"),
        ("f.yml", "planes: {keep: true}\n", "'planes'"),
        ("g.yml", "version: 1\n", "no tables"),
        ("h.yml", "tables: {a: {kep: 1}}\n", "h.yml"),
        ("i.yml", b"tables: {\xff: 1}", "UTF-8"),
        ("j.yml", "a: !!python/object:os.system {}\ntables: {}\n", ""),
    ],
)
def test_bad_files(tmp_path: Path, name: str, text: str | bytes | None, message: str) -> None:
    path = tmp_path / name
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SchemaError) as caught:
        Schema.load(path)
    assert message in caught.value.message


NAMES = st.one_of(
    st.sampled_from([ODD, "null", "yes", "1", "é 雪", "a: b", "# no", "'", "-", "~", "a\nb"]),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8),
)


@st.composite
def schemas(draw: st.DrawFn) -> Schema:
    """Schemas of text columns with keys of any name, all parents before their children."""
    names = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    tables: dict[str, Table] = {}
    for name in names:
        columns = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
        key = draw(st.lists(st.sampled_from(columns), max_size=2, unique=True))
        parents = [t for t in tables.values() if len(t.primary_key) == 1]
        references = [
            ForeignKey(
                (draw(st.sampled_from(columns)),),
                parent.name,
                parent.primary_key,
                draw(st.sampled_from([None, "match"])),
                draw(st.sampled_from(["keep", "null", "drop", "fail"])),
            )
            for parent in parents
        ]
        roles = st.sampled_from([None, "key", "categorical", "text", "personal"])
        made = tuple(
            Column(c, pa.string(), draw(roles), draw(st.sampled_from(["learn", "mask"])))
            for c in columns
        )
        tables[name] = Table(name, made, tuple(key), tuple(references), keep=draw(st.booleans()))
    return Schema(tables)


def bare(schema: Schema) -> Schema:
    """The same tables and columns with nothing declared."""
    return Schema(
        {t.name: Table(t.name, tuple(Column(c.name, c.type) for c in t.columns)) for t in schema}
    )


@settings(deadline=None, max_examples=60)
@given(schemas())
def test_round_trip(schema: Schema) -> None:
    assert document_of(schema).merge_into(bare(schema)) == schema
    through_json = json.loads(json.dumps(dump_tables(schema)))
    assert parse_tables(through_json).merge_into(bare(schema)) == schema


@settings(deadline=None, max_examples=40)
@given(schema=schemas())
def test_round_trip_through_a_file(
    tmp_path_factory: pytest.TempPathFactory, schema: Schema
) -> None:
    path = tmp_path_factory.mktemp("schema") / "schema.yml"
    assert Schema.load(schema.save(path)).merge_into(bare(schema)) == schema
