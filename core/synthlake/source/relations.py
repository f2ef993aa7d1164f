"""Tables of a database that are named one by one: the option ``tables`` of its source.

    options: {tables: {flights: {schema: marts, name: flights_v2}, planes: {}}}

Just these are read, tables and views alike, each under the name on the left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from synthlake.errors import SourceError
from synthlake.source.names import nearest

_KEYS = ("schema", "name")
_FORM = "write {TABLE: {schema: ..., name: ...}}"


@dataclass(frozen=True)
class Relation:
    """Where a table is in its database.

    Attributes:
        schema: None for that of the source.
        name: of the table or view.
    """

    schema: str | None
    name: str


def relations(given: Any) -> dict[str, Relation]:
    """The option ``tables`` of a source, by the name that each table has for us.

    Raises:
        SourceError: it is not a mapping of mappings, or has an unknown key.
    """
    if not isinstance(given, Mapping) or not given:
        raise SourceError("the option tables is not a mapping of tables", hint=_FORM)
    return {str(table): _relation(str(table), entry) for table, entry in given.items()}


def _relation(table: str, entry: Any) -> Relation:
    if not isinstance(entry, Mapping):
        raise SourceError(f"options.tables.{table} is not a mapping", hint=_FORM)
    for key, value in entry.items():
        if key not in _KEYS:
            raise SourceError(
                f"options.tables.{table} has no key {key!r}", hint=nearest(str(key), _KEYS)
            )
        if not isinstance(value, str) or not value:
            raise SourceError(f"options.tables.{table}.{key} is not a name", hint=_FORM)
    return Relation(entry.get("schema"), entry.get("name", table))
