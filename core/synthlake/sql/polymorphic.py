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
class _Id:
    """One id as SQL: its value, and the text of its row's type."""

    dialect: str
    held: Polymorphic
    value: str
    type: pa.DataType
    by: str

    def literal(self, text: str) -> str:
        return str(exp.Literal.string(text).sql(dialect=self.dialect))

    @property
    def named(self) -> str:
        """Whether the row's type names a table; never NULL."""
        kinds = ", ".join(self.literal(name) for name, _ in self.held.of)
        return f"({self.by} IS NOT NULL AND {self.by} IN ({kinds}))"

    def part(self, name: str, type: pa.DataType) -> str:
        """The id where the row is of a type, in the type of the column that it refers to."""
        value = self.value
        if kind(type) == "integer" and kind(self.type) == "text":
            known = primitives(self.dialect)
            whole = known.converted(value, type)
            # 007 is not the text of a number
            same = f"{known.key_text(whole, type)} = {known.key_text(value, self.type)}"
            value = f"CASE WHEN {same} THEN {whole} END"
        return f"CASE WHEN {self.by} = {self.literal(name)} THEN {value} END"

    @property
    def rest(self) -> str:
        """The id where no table is named."""
        never = self.held.orphans in ("null", "drop")
        return f"CASE WHEN {'1 = 0' if never else f'NOT {self.named}'} THEN {self.value} END"


def flat_select(dialect: str, table: Table, flat: Table, relation: str) -> str:
    """All rows of a table with flat columns in the place of its polymorphic ids.

    Rows whose type names no table are left out where their policy is to drop them.

    Args:
        dialect: of the engine.
        table: as the source has it.
        flat: as it is read, with its references.
        relation: what to write after FROM.
    """

    def name(column: str) -> str:
        return f"t.{quoted(dialect, column)}"

    ids = {p.column: _id(dialect, table, p, name) for p in flat.polymorphic}
    columns: list[str] = []
    for column in table.columns:
        held = ids.get(column.name)
        if held is None:
            columns.append(name(column.name))
            continue
        made = {part: held.part(kind, flat.column(part).type) for kind, part in held.held.of}
        made[held.held.rest] = held.rest
        columns += [f"{value} AS {quoted(dialect, flat)}" for flat, value in made.items()]
    where = _where(list(ids.values()))
    return f"SELECT {', '.join(columns)} FROM {relation} AS t{where}"


def _id(dialect: str, table: Table, held: Polymorphic, name: Callable[[str], str]) -> _Id:
    by = primitives(dialect).key_text(name(held.by), table.column(held.by).type)
    return _Id(dialect, held, name(held.column), table.column(held.column).type, by)


def _where(ids: Sequence[_Id]) -> str:
    dropped = [i for i in ids if i.held.orphans == "drop"]
    kept = [f"({i.value} IS NULL OR {i.named})" for i in dropped]
    return f" WHERE {' AND '.join(kept)}" if kept else ""
