"""To how many decimals the real data rounds what a rule computes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa

from synthlake.constraints.bounds import value_type
from synthlake.constraints.declared import FORMULAS, Declared, declared
from synthlake.ports import QueryEngine
from synthlake.schema.model import Schema, Table
from synthlake.sql.tables import Tables

_MOST = 9  # decimals beyond which a float is not rounded


def with_digits(schema: Schema, engine: QueryEngine) -> Schema:
    """The schema with ``decimals`` in the rules that compute floats and do not say them.

    Cost: a scan a rule.
    """
    tables = Tables(engine, schema)
    for table in schema:
        rules = [_with_digits(rule, tables) for rule in declared(table)]
        if rules:
            schema = schema.with_table(replace(table, constraints=tuple(rules)))
    return schema


def _with_digits(rule: Declared, tables: Tables) -> Any:
    if rule.kind not in FORMULAS or rule.rule.get("decimals") is not None:
        return rule.rule
    name = rule.rule[rule.kind]
    dtype = rule.table.column(name).type
    if not pa.types.is_floating(value_type(dtype)):
        return rule.rule
    found = _digits(rule.table, name, tables)
    return rule.rule if found > _MOST else {**rule.rule, "decimals": found}


def _digits(table: Table, name: str, tables: Tables) -> int:
    dtype = value_type(table.column(name).type)
    value = tables.primitives.decimals(tables.primitives.finite(tables.column(name)), dtype)
    return tables.number(f"SELECT MAX({value}) AS n FROM {tables.read(table.name)}")
