"""What each column is to the judge, decided on the real data alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import pyarrow as pa

from synthlake.schema.model import Column, Schema, Table
from synthlake.source.nesting import is_listed
from synthlake.sql import kinds

Kind = Literal["number", "time", "category", "name", "opaque"]

_KINDS: Mapping[kinds.Kind, Kind] = {
    "integer": "number",
    "float": "number",
    "decimal": "number",
    "date": "time",
    "timestamp": "time",
    "time": "time",
    "duration": "time",
    "boolean": "category",
    "text": "category",
    "uuid": "category",
}


_NAMED = {"nested": "a nested column or one that no engine counts", "binary": "binary values"}


@dataclass(frozen=True)
class Field:
    """A column as it is compared.

    Attributes:
        table: its table.
        name: its name.
        type: Arrow type in the real data.
        kind: ``number`` and ``time`` have an order; a ``name`` is text of which at least half the
            rows have a value of their own, compared by presence and length. A list or map is the
            number of its items.
        key: a one-column primary key, or part of a foreign key.
        identity: a key whose values may be renamed, so that its distribution means nothing.
        made: why its values are not those of the source, of a column that is no key; else empty.
    """

    table: str
    name: str
    type: pa.DataType
    kind: Kind
    key: bool
    identity: bool
    made: str = ""

    @property
    def ordered(self) -> bool:
        """Whether it is compared by its order."""
        return self.kind in ("number", "time", "name")

    @property
    def floating(self) -> bool:
        """Whether it may hold NaN."""
        return kinds.kind(self.type) == "float"

    @property
    def reason(self) -> str:
        """Why its distribution is not scored; empty if it is."""
        if self.kind == "opaque":
            return f"{_NAMED.get(kinds.kind(self.type), 'this type')}: not compared, but for NULL"
        if self.made:
            return self.made
        if self.identity:
            return "key: judged by duplicates, orphans and degrees"
        return ""

    def as_name(self) -> Field:
        """The same column, compared by presence and length."""
        return replace(self, kind="name")


def fields_of(schema: Schema, table: Table) -> dict[str, Field]:
    """All columns of a table that the twin has, in order."""
    out = {}
    single = table.primary_key if len(table.primary_key) == 1 else ()
    foreign = table.referring
    public = {c for fk in table.references if schema[fk.references].keep for c in fk.columns}
    for column in table.columns:
        if column.action == "skip":
            continue
        kind = _KINDS.get(kinds.kind(column.type), "opaque")
        kind = "number" if is_listed(column.type) else kind
        key = column.name in single or column.name in foreign
        # a date in a key is data, and keys of public tables cannot be renamed
        identity = key and kind != "time" and column.name not in public and not table.keep
        made = "" if key or table.keep else _made(column)
        # what is made anew tells nothing of copies either
        key, identity = key or bool(made), identity or bool(made)
        out[column.name] = Field(table.name, column.name, column.type, kind, key, identity, made)
    return out


def _made(column: Column) -> str:
    if column.action == "null":
        return "written as NULL, by declaration"
    return "made, not learned: only where it is NULL is compared" if column.made else ""
