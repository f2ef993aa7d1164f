"""The SELECT that reads a polymorphic id as one column a target."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa
from sqlglot import exp

from synthlake.schema.model import Table
from synthlake.schema.polymorphic import Polymorphic
from synthlake.sql.dialect import primitives, quoted
from synthlake.sql.kinds import kind


@dataclass(frozen=True)
class Spelling:
    """How a dialect writes what the statement needs.

    Attributes:
        dialect: as sqlglot calls it.
        text: a value of a type as text.
        converted: a text as a whole number of a type, NULL where it is none.
    """

    dialect: str
    text: Callable[[str, pa.DataType], str]
    converted: Callable[[str, pa.DataType], str]


def spelling(dialect: str) -> Spelling:
    """That of an engine."""
    known = primitives(dialect)
    return Spelling(dialect, known.key_text, known.converted)


@dataclass(frozen=True)
class _Id:
    """One id as SQL: its value, and the text of its row's type."""

    spelled: Spelling
    held: Polymorphic
    value: str
    type: pa.DataType
    by: str

    def literal(self, text: str) -> str:
        return str(exp.Literal.string(text).sql(dialect=self.spelled.dialect))

    @property
    def named(self) -> str:
        """Whether the row's type names a table; never NULL."""
        kinds = ", ".join(self.literal(name) for name, _ in self.held.of)
        return f"({self.by} IS NOT NULL AND {self.by} IN ({kinds}))"

    def part(self, name: str, type: pa.DataType) -> str:
        """The id where the row is of a type, in the type of the column that it refers to."""
        value = self.value
        if kind(type) == "integer" and kind(self.type) == "text":
            whole = self.spelled.converted(value, type)
            # 007 is not the text of a number
            same = f"{self.spelled.text(whole, type)} = {self.spelled.text(value, self.type)}"
            value = f"CASE WHEN {same} THEN {whole} END"
        return f"CASE WHEN {self.by} = {self.literal(name)} THEN {value} END"

    @property
    def rest(self) -> str:
        """The id where no table is named."""
        never = self.held.orphans in ("null", "drop")
        return f"CASE WHEN {'1 = 0' if never else f'NOT {self.named}'} THEN {self.value} END"


def flat_select(spelled: Spelling, table: Table, flat: Table, relation: str) -> str:
    """All rows of a table with flat columns in the place of its polymorphic ids.

    Rows whose type names no table are left out where their policy is to drop them.

    Args:
        spelled: by the engine.
        table: as the source has it.
        flat: as it is read, with its references.
        relation: what to write after FROM.
    """

    def name(column: str) -> str:
        return f"t.{quoted(spelled.dialect, column)}"

    ids = {p.column: _id(spelled, table, p, name) for p in flat.polymorphic}
    columns: list[str] = []
    for column in table.columns:
        one = ids.get(column.name)
        if one is None:
            columns.append(name(column.name))
            continue
        made = {part: one.part(text, flat.column(part).type) for text, part in one.held.of}
        made[one.held.rest] = one.rest
        columns += [f"{v} AS {quoted(spelled.dialect, n)}" for n, v in made.items()]
    where = _where(list(ids.values()))
    return f"SELECT {', '.join(columns)} FROM {relation} AS t{where}"


def written_select(spelled: Spelling, flat: Table, relation: str) -> str:
    """All rows of a table with polymorphic ids in one column again.

    Args:
        spelled: by the engine.
        flat: as it is read.
        relation: what to write after FROM.
    """
    ids = {p.rest: p for p in flat.polymorphic}
    columns = []
    for column in flat.written.columns:
        held = next((p for p in ids.values() if p.column == column.name), None)
        name = quoted(spelled.dialect, column.name)
        columns.append(f"t.{name}" if held is None else f"{_joined(spelled, flat, held)} AS {name}")
    return f"SELECT {', '.join(columns)} FROM {relation} AS t"


def _joined(spelled: Spelling, flat: Table, held: Polymorphic) -> str:
    """The one flat column that is not NULL, in the type of the id."""
    parts = []
    for name in held.flat:
        value, type = f"t.{quoted(spelled.dialect, name)}", flat.column(name).type
        parts.append(spelled.text(value, type) if type != held.type else value)
    return f"COALESCE({', '.join(parts)})"


def _id(spelled: Spelling, table: Table, held: Polymorphic, name: Callable[[str], str]) -> _Id:
    by = spelled.text(name(held.by), table.column(held.by).type)
    return _Id(spelled, held, name(held.column), table.column(held.column).type, by)


def _where(ids: Sequence[_Id]) -> str:
    dropped = [i for i in ids if i.held.orphans == "drop"]
    kept = [f"({i.value} IS NULL OR {i.named})" for i in dropped]
    return f" WHERE {' AND '.join(kept)}" if kept else ""
