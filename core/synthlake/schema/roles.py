"""Roles of columns: what a column is to the synthesizer, by type, key, counts and name."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from synthlake.schema.keys import family
from synthlake.schema.model import Column, Role, Table
from synthlake.schema.probe import MIN_SHARED, Probe, TableCounts, TextCounts, countable, rate
from synthlake.schema.types import learnable
from synthlake.schema.words import words

_PERSONS = {
    "person", "people", "customer", "client", "employee", "user", "member", "patient", "student",
    "teacher", "driver", "passenger", "contact", "applicant", "guest", "subscriber", "staff",
}  # fmt: skip
_KINDS: dict[str, list[tuple[str, ...]]] = {
    "email": [("email",), ("mail",), ("e", "mail")],
    "phone": [("phone",), ("telephone",), ("mobile",), ("cell",), ("fax",)],
    "first_name": [("first", "name"), ("forename",), ("given", "name"), ("firstname",)],
    "last_name": [("last", "name"), ("surname",), ("family", "name"), ("lastname",)],
    "person_name": [
        ("full", "name"), ("fullname",), ("contact", "name"), ("person", "name"),
        ("customer", "name"), ("employee", "name"), ("patient", "name"), ("user", "name"),
        ("username",),
    ],
    "street_address": [("address",), ("street",), ("street", "address")],
    "ssn": [("ssn",), ("social", "security", "number")],
    "iban": [("iban",)],
    "credit_card": [("credit", "card"), ("card", "number")],
    "passport": [("passport",), ("passport", "number")],
}  # fmt: skip
_LONGEST = {"email": 254, "phone": 40, "ssn": 20, "iban": 40, "credit_card": 30}
_NOT_PERSONAL_AFTER = {"type", "status", "verified", "count", "country", "domain", "ip", "mac"}


def role_of(
    table: Table, column: Column, counts: TableCounts, texts: dict[str, TextCounts], probe: Probe
) -> tuple[Column, str]:
    """The column with a role, and with the action null where its type cannot be learned.

    Args:
        table: with its keys.
        column: without a role.
        counts: of the table.
        texts: shapes of its text columns.
        probe: asks the engine.

    Returns:
        The column and the evidence.
    """
    held = counts.columns[column.name]
    said = _said(counts, column.name)
    if column.name in _identity(table):
        return replace(column, role="key"), f"part of a key; {said}"
    role = by_type(column.type)
    if role is not None:
        return replace(column, role=role), said
    if not learnable(column.type):
        return _unlearned(column, f"{column.type} is not learned: written as NULL")
    if not countable(column.type) or family(column.type) in ("binary", "uuid"):
        return replace(column, role="categorical"), said
    if family(column.type) == "text":
        kind = _personal(table, column.name, texts.get(column.name), held.values)
        if kind is not None:
            return replace(column, role="personal", kind=kind), f"by its name; {said}"
    return _by_sharing(table, column, counts, probe)


def _by_sharing(
    table: Table, column: Column, counts: TableCounts, probe: Probe
) -> tuple[Column, str]:
    values, said = counts.columns[column.name].values, _said(counts, column.name)
    if not values:
        return replace(column, role="categorical"), said
    shared = probe.shared(table, column.name)
    evidence = f"{said}, {rate(shared, values)} of rows in values of {MIN_SHARED} rows or more"
    if shared * 2 >= values:
        return replace(column, role="categorical"), evidence
    return replace(column, role="text"), evidence


def _identity(table: Table) -> set[str]:
    single = table.primary_key if len(table.primary_key) == 1 else ()
    return {*single, *(c for fk in table.foreign_keys for c in fk.columns)}


def by_type(kind: pa.DataType) -> Role | None:
    """The role that a type has by itself; None for texts, binary and nested values."""
    kind = kind.value_type if isinstance(kind, pa.DictionaryType) else kind
    types = pa.types
    if types.is_boolean(kind):
        return "boolean"
    if types.is_date(kind) or types.is_timestamp(kind) or types.is_time(kind):
        return "datetime"
    if (
        types.is_integer(kind)
        or types.is_floating(kind)
        or types.is_decimal(kind)
        or types.is_duration(kind)
    ):
        return "numeric"
    return None


def _unlearned(column: Column, evidence: str) -> tuple[Column, str]:
    action = "null" if column.action == "learn" else column.action
    return replace(column, role="categorical", action=action, nullable=True), evidence


def _personal(table: Table, column: str, text: TextCounts | None, values: int) -> str | None:
    said = words(column)
    if not said or text is None or not values or said[-1] in _NOT_PERSONAL_AFTER:
        return None
    if text.at * 2 >= values:
        return "email"
    if said == ("name",) and {*words(table.name)} & _PERSONS:
        return "person_name"
    for kind, endings in _KINDS.items():
        if any(said[-len(end) :] == end for end in endings):
            return kind if text.longest <= _LONGEST.get(kind, 200) and kind != "email" else None
    return None


def _said(counts: TableCounts, name: str) -> str:
    held = counts.columns[name]
    nulls = counts.rows - held.values
    distinct = f"{held.distinct} distinct" if held.distinct or not held.values else ""
    parts = [distinct, f"{rate(nulls, counts.rows)} NULL" if nulls else ""]
    return ", ".join(part for part in parts if part) or f"{held.values} values"
