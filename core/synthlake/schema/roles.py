"""Roles of columns: what a column is to the synthesizer, by type, key, counts, name and values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pyarrow as pa

from synthlake.schema.identifiers import identifier
from synthlake.schema.keys import family
from synthlake.schema.kind_words import is_called
from synthlake.schema.kinds import WHOLE
from synthlake.schema.model import Action, Column, Role, Table
from synthlake.schema.personal import (
    LOOKED_AT,
    Found,
    is_birth,
    locale_for,
    recognise,
    shared_locale,
)
from synthlake.schema.probe import MIN_SHARED, Probe, TableCounts, TextCounts, countable, rate
from synthlake.schema.types import learnable
from synthlake.schema.words import words

LONG = 200  # characters of a text, in the mean, from which no single one names a row


def roles_of(
    table: Table, counts: TableCounts, texts: Mapping[str, TextCounts], probe: Probe
) -> tuple[Table, dict[str, str]]:
    """The table with a role for every column, and the action null where nothing can be made.

    Args:
        table: with its keys.
        counts: of the table.
        texts: of its text columns.
        probe: asks the engine.

    Returns:
        The table and the evidence by column.

    Privacy: some distinct values are looked at; what is said of them are counts and rates.
    """
    roles = _Roles(table, counts, texts, probe)
    columns = [roles.give(column) for column in table.columns]
    locale = shared_locale(list(roles.found.values()))
    for place, column in enumerate(columns):
        found = roles.found.get(column.name)
        if found is not None and column.locale is None:
            columns[place] = replace(column, locale=locale_for(found, locale))
    return replace(table, columns=tuple(columns)), roles.said


@dataclass
class _Roles:
    """Looks at one table."""

    table: Table
    counts: TableCounts
    texts: Mapping[str, TextCounts]
    probe: Probe
    said: dict[str, str] = field(default_factory=dict)
    found: dict[str, Found] = field(default_factory=dict)
    read: dict[str, list[str]] = field(default_factory=dict)

    def give(self, column: Column) -> Column:
        """The column with a role."""
        if column.action == "skip":
            return column
        if column.role is not None:
            return self._with_kind(column) if column.role == "personal" else column
        made, said = self._role(column)
        self.said[column.name] = said
        return made

    def _with_kind(self, column: Column) -> Column:
        """A declared role, and the kind if it is not declared."""
        found = None
        if column.kind is None and column.pattern is None and column.action == "learn":
            found = self._recognised(column)
        if found is None:
            if column.kind is not None and column.locale is None:
                self.found[column.name] = Found(column.kind, "")
            return column
        self.found[column.name] = found
        self.said[column.name] = found.evidence
        return replace(column, kind=found.kind)

    def _role(self, column: Column) -> tuple[Column, str]:
        said = _said(self.counts, column.name)
        if column.name in _identity(self.table):
            return replace(column, role="key"), f"part of a key; {said}"
        if column.pattern is not None:
            return replace(column, role="key"), f"by its pattern; {said}"
        role = by_type(column.type)
        if role is not None:
            return self._typed(column, role, said)
        if not learnable(column.type):
            return _unlearned(column, f"{column.type} is not learned: written as NULL")
        if not countable(column.type) or family(column.type) in ("binary", "uuid"):
            return replace(column, role="categorical"), said
        return self._text(column, said)

    def _typed(self, column: Column, role: Role, said: str) -> tuple[Column, str]:
        if role == "datetime" and is_birth(column.name):
            return replace(column, role=role), f"{said}; a date of birth, learned in ranges"
        if family(column.type) == "int":
            said_so = any(is_called(kind, words(column.name), ()) for kind in WHOLE)
            found = self._recognised(column) if said_so else None
            if found is not None and found.kind in WHOLE and not found.rare:
                return self._personal(column, found, said)
            evidence = identifier(column, self.counts, ())
            if evidence:
                return replace(column, role="key"), evidence
        return replace(column, role=role), said

    def _text(self, column: Column, said: str) -> tuple[Column, str]:
        values = self.counts.columns[column.name].values
        if not values:
            return replace(column, role="categorical"), said
        found = self._recognised(column) if family(column.type) == "text" else None
        if found is not None and not found.rare:
            return self._personal(column, found, said)
        shared = self.probe.shared(self.table, column.name)
        said = f"{said}, {rate(shared, values)} of rows in values of {MIN_SHARED} rows or more"
        if shared * 2 >= values:
            return replace(column, role="categorical"), said
        if found is not None:
            return self._personal(column, found, said)
        return self._free(column, said)

    def _free(self, column: Column, said: str) -> tuple[Column, str]:
        """Text of which few values are shared: an identifier, or free text."""
        text = self.texts.get(column.name)
        if text is not None and text.mean(self.counts.columns[column.name].values) > LONG:
            return replace(column, role="text"), f"{said}; long text, more than {LONG} characters"
        if text is not None:
            evidence = identifier(column, self.counts, self._values(column))
            if evidence:
                return replace(column, role="key"), evidence
        return replace(column, role="text"), said

    def _personal(self, column: Column, found: Found, said: str) -> tuple[Column, str]:
        self.found[column.name] = found
        return replace(column, role="personal", kind=found.kind), f"{found.evidence}; {said}"

    def _recognised(self, column: Column) -> Found | None:
        values = self._values(column)
        text = self.texts.get(column.name)
        longest = text.longest if text is not None else max(map(len, values), default=0)
        if column.name in self.table.primary_key:
            return None
        return recognise(self.table.name, column.name, values, longest)

    def _values(self, column: Column) -> list[str]:
        if column.name not in self.read:
            self.read[column.name] = self.probe.some(self.table, column.name, LOOKED_AT)
        return self.read[column.name]


def _identity(table: Table) -> set[str]:
    single = table.primary_key if len(table.primary_key) == 1 else ()
    return {*single, *table.referring}


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
    return replace(column, role="categorical", action=_null(column), nullable=True), evidence


def _null(column: Column) -> Action:
    return "null" if column.action == "learn" else column.action


def _said(counts: TableCounts, name: str) -> str:
    held = counts.columns[name]
    nulls = counts.rows - held.values
    distinct = f"{held.distinct} distinct" if held.distinct or not held.values else ""
    parts = [distinct, f"{rate(nulls, counts.rows)} NULL" if nulls else ""]
    return ", ".join(part for part in parts if part) or f"{held.values} values"
