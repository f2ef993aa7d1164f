"""A schema as JSON and back, exactly, and its id."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from synthlake.errors import SchemaError
from synthlake.schema.model import Column, ForeignKey, Schema, Sequenced, Table
from synthlake.schema.polymorphic import Polymorphic
from synthlake.schema.types import VIEWED, type_from_json, type_to_json
from synthlake.seed import digest


def digest_of(schema: Schema) -> str:
    """The schema's id: a digest of names, Arrow types and keys, and of nothing that is a setting.

    Tables that are skipped, and skipped columns, are no part of what is made. A view on text or
    bytes is the same as these: polars has the one, files the other.
    """
    held = [
        {
            "name": table.name,
            "columns": [
                [c.name, type_to_json(VIEWED.get(c.type, c.type))]
                for c in table.columns
                if c.action != "skip"
            ],
            "primary_key": list(table.primary_key),
            "foreign_keys": [[list(f.columns), f.references, list(f.to)] for f in table.references],
        }
        for table in schema
        if not table.skip
    ]
    return digest(json.dumps(held, sort_keys=True, separators=(",", ":"))).hex()


def schema_to_json(schema: Schema) -> dict[str, Any]:
    """All of a schema as JSON values; ``schema_from_json`` gives an equal schema."""
    return {"tables": [_table_to_json(table) for table in schema]}


def schema_from_json(held: Mapping[str, Any]) -> Schema:
    """The schema that ``schema_to_json`` gave.

    Raises:
        SchemaError: it is none.
    """
    try:
        tables = [_table(entry) for entry in held["tables"]]
    except (KeyError, TypeError, AttributeError) as error:
        raise SchemaError(
            "the schema is not readable", hint="it was damaged, or made by another version"
        ) from error
    return Schema({table.name: table for table in tables})


def _table_to_json(table: Table) -> dict[str, Any]:
    held = {
        "name": table.name,
        "columns": [_column_to_json(c) for c in table.columns],
        "primary_key": list(table.primary_key),
        "foreign_keys": [_reference_to_json(fk) for fk in table.foreign_keys],
        "keep": table.keep,
        "skip": table.skip,
        "constraints": [dict(rule) for rule in table.constraints],
        "synthesizer": None if table.synthesizer is None else dict(table.synthesizer),
        "order": list(table.order),
        "conditions": list(table.conditions),
        **({"loops": [_reference_to_json(fk) for fk in table.loops]} if table.loops else {}),
        **(
            {"polymorphic": [_polymorphic_to_json(p) for p in table.polymorphic]}
            if table.polymorphic
            else {}
        ),
    }
    # left out where it is not declared: schemas that do not have it keep their id
    if table.sequence is None:
        return held
    increasing = list(table.sequence.increasing)
    return {**held, "sequence": {"by": table.sequence.by, "increasing": increasing}}


def _column_to_json(column: Column) -> dict[str, Any]:
    return {**vars(column), "type": type_to_json(column.type)}


def _reference_to_json(fk: ForeignKey) -> dict[str, Any]:
    return {**vars(fk), "columns": list(fk.columns), "to": list(fk.to)}


def _polymorphic_to_json(held: Polymorphic) -> dict[str, Any]:
    return {**vars(held), "type": type_to_json(held.type), "of": [list(pair) for pair in held.of]}


def _polymorphic(held: Mapping[str, Any]) -> Polymorphic:
    of = tuple((kind, part) for kind, part in held["of"])
    return Polymorphic(**{**held, "type": type_from_json(held["type"]), "of": of})


def _table(held: Mapping[str, Any]) -> Table:
    return Table(
        **{
            **held,
            "columns": tuple(_column(c) for c in held["columns"]),
            "primary_key": tuple(held["primary_key"]),
            "foreign_keys": tuple(_reference(fk) for fk in held["foreign_keys"]),
            "constraints": tuple(held["constraints"]),
            "order": tuple(held["order"]),
            "conditions": tuple(held.get("conditions", ())),
            "sequence": _sequenced(held.get("sequence")),
            "loops": tuple(_reference(fk) for fk in held.get("loops", ())),
            "polymorphic": tuple(_polymorphic(p) for p in held.get("polymorphic", ())),
        }
    )


def _sequenced(held: Mapping[str, Any] | None) -> Sequenced | None:
    return None if held is None else Sequenced(held["by"], tuple(held["increasing"]))


def _column(held: Mapping[str, Any]) -> Column:
    return Column(**{**held, "type": type_from_json(held["type"])})


def _reference(held: Mapping[str, Any]) -> ForeignKey:
    return ForeignKey(**{**held, "columns": tuple(held["columns"]), "to": tuple(held["to"])})
