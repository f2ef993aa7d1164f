"""Every contradiction of a schema is an error that says where it is and the way out."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest

from synthlake.errors import SchemaError
from synthlake.schema.check import check
from synthlake.schema.model import Column, ForeignKey, Schema, Table

ODD = 'select "x"; drop'


def source() -> Schema:
    country = Table("country", (Column("code", pa.string()),), ("code",))
    customer = Table(
        "customer",
        (Column("id", pa.int64()), Column("country", pa.string()), Column("score", pa.float64())),
        ("id",),
        (ForeignKey(("country",), "country", ("code",), "match"),),
    )
    order = Table(
        ODD,
        (Column("customer", pa.int32()), Column("line", pa.int64()), Column("note", pa.string())),
        ("customer", "line"),
        (ForeignKey(("customer",), "customer", ("id",), "own"),),
    )
    return Schema({t.name: t for t in (country, customer, order)})


def changed(table: str, **fields: object) -> Schema:
    schema = source()
    return schema.with_table(replace(schema[table], **fields))  # type: ignore[arg-type]


def with_column(table: str, column: str, **fields: object) -> Schema:
    held = source()[table]
    columns = tuple(
        replace(c, **fields) if c.name == column else c  # type: ignore[arg-type]
        for c in held.columns
    )
    return changed(table, columns=columns)


def with_reference(table: str, *references: ForeignKey) -> Schema:
    return changed(table, foreign_keys=references)


def test_a_good_schema_passes() -> None:
    check(source(), source())
    keep = changed("country", keep=True)
    check(keep, source())


BAD = {
    "unknown table": (
        Schema({"custmer": Table("custmer", ())}),
        "no table 'custmer'",
        "'customer'",
    ),
    "unknown column": (
        changed("country", columns=(Column("cod", pa.string()),)),
        "no column 'cod'",
        "'code'",
    ),
    "other type": (with_column("customer", "id", type=pa.int32()), "int64", "source"),
    "column twice": (
        changed("country", columns=(Column("code", pa.string()), Column("code", pa.string()))),
        "twice",
        "once",
    ),
    "key column missing": (changed("customer", primary_key=("idd",)), "'idd'", "'id'"),
    "key column twice": (changed("customer", primary_key=("id", "id")), "twice", ""),
    "float in key": (changed("customer", primary_key=("score",)), "double", "keys are"),
    "key column masked": (with_column("country", "code", action="mask"), "mask", "action"),
    "key column skipped": (with_column("country", "code", action="skip"), "skip", "action"),
    "parent missing": (
        with_reference(ODD, ForeignKey(("customer",), "costumer", ("id",))),
        "no table 'costumer'",
        "'customer'",
    ),
    "parent column missing": (
        with_reference(ODD, ForeignKey(("customer",), "customer", ("ident",))),
        "no column 'ident'",
        "'id'",
    ),
    "child column missing": (
        with_reference(ODD, ForeignKey(("customr",), "customer", ("id",))),
        "no column 'customr'",
        "'customer'",
    ),
    "columns differ in number": (
        with_reference(ODD, ForeignKey(("customer", "line"), "customer", ("id",))),
        "2 columns refer to 1",
        "pair up",
    ),
    "no columns": (with_reference(ODD, ForeignKey((), "customer", ())), "0 columns", ""),
    "types differ": (
        with_reference(ODD, ForeignKey(("note",), "customer", ("id",))),
        "string",
        "cast",
    ),
    "reference twice": (
        with_reference(
            ODD,
            ForeignKey(("customer",), "customer", ("id",)),
            ForeignKey(("customer",), "customer", ("id",), "match"),
        ),
        "stands twice",
        "",
    ),
    "parent skipped": (changed("country", skip=True), "skipped", "customer"),
    "keep and skip": (changed("country", skip=True, keep=True), "both", ""),
    "two own": (
        with_reference(
            ODD,
            ForeignKey(("customer",), "customer", ("id",), "own"),
            ForeignKey(("line",), "customer", ("id",), "own"),
        ),
        "2 own parents",
        "mode: match",
    ),
    "own of keep": (
        with_reference(ODD, ForeignKey(("customer",), "customer", ("id",), "own")).with_table(
            replace(source()["customer"], keep=True, foreign_keys=())
        ),
        "kept",
        "mode: match",
    ),
    "own that the key forbids": (
        changed(ODD, primary_key=("line", "note")),
        f"{ODD}(customer) -> customer cannot be own",
        "primary_key: []",
    ),
    "keep refers to learned": (changed("customer", keep=True), "kept", "keep country"),
    "unknown synthesizer": (
        changed("country", synthesizer={"name": "treees"}),
        "'treees'",
        "'trees'",
    ),
    "role against type": (with_column("country", "code", role="numeric"), "numeric", ""),
    "text of numbers": (with_column("customer", "score", role="text"), "for text", ""),
    "pattern of numbers": (with_column("customer", "id", pattern="[0-9]{3}"), "pattern", ""),
    "cycle": (
        with_reference("country", ForeignKey(("code",), "customer", ("country",))),
        "cycle",
        "drop one",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_contradictions(name: str) -> None:
    schema, message, hint = BAD[name]
    with pytest.raises(SchemaError) as caught:
        check(schema, source())
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.hint
