"""Where the two tables that are compared lie, and how their columns are read there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from synthlake.quality.emitted.dialects import Leaves
from synthlake.quality.emitted.statement import Statement, select, text, union
from synthlake.quality.layout import Field, fields_of
from synthlake.quality.pairing import Pair, blocks_of
from synthlake.schema.model import Schema, Table
from synthlake.source.nesting import is_listed
from synthlake.sql.polymorphic import Spelling, flat_select

SIDES = (0, 1)  # real, synthetic


@dataclass(frozen=True)
class Counted:
    """A column whose distribution is counted.

    Attributes:
        number: among those of its table; names its columns in what is kept.
        field: the column.
        value: as it is compared: a double, or text.
        length: of a text; what is compared where most rows have a text of their own.
    """

    number: int
    field: Field
    value: str
    length: str = ""

    @property
    def ordered(self) -> bool:
        """Whether it is a number or a time; texts are so only if they turn out to be names."""
        return self.field.ordered


@dataclass(frozen=True)
class Site:
    """One table, real and synthetic.

    Attributes:
        leaves: of the dialect.
        schema: of the real data.
        table: the table.
        place: among the tables of the script; names what is kept.
        spaces: names that stand before a table's own: of the real data, of the synthetic.
        seed: of the choice of pairs in a wide table.
    """

    leaves: Leaves
    schema: Schema
    table: Table
    place: int
    spaces: tuple[tuple[str, ...], tuple[str, ...]]
    seed: int = 0

    def relation(self, side: int, table: str = "") -> str:
        """What to write after FROM; ids of several tables are read as a column for each."""
        flat = self.schema[table or self.table.name]
        if not flat.polymorphic:
            return self.stored(side, table)
        leaves = self.leaves
        spelled = Spelling(leaves.name, lambda v, _: leaves.text.format(v), leaves.converted)
        return f"({flat_select(spelled, flat.written, flat, self.stored(side, table))})"

    def stored(self, side: int, table: str = "") -> str:
        """The name of a table where it lies."""
        names = (*self.spaces[side], table or self.table.name)
        return ".".join(self.leaves.quoted(name) for name in names)

    def column(self, name: str) -> str:
        """A column of the relation ``t``."""
        return f"t.{self.leaves.quoted(name)}"

    def kept(self, what: str) -> str:
        """Name of what is kept for later statements."""
        return f"synthlake_t{self.place}_{what}"

    @cached_property
    def fields(self) -> Mapping[str, Field]:
        """All columns that the twin has, in order."""
        return fields_of(self.schema, self.table)

    @cached_property
    def left_out(self) -> Mapping[str, str]:
        """Columns whose distribution is not counted, and why."""
        out = {f.name: f.reason for f in self.fields.values() if f.reason}
        for field in self.fields.values():
            if not field.reason and self._value(field) is None:
                out[field.name] = f"{field.type}: {self.leaves.name} does not count it alike"
        return out

    @cached_property
    def counted(self) -> Sequence[Counted]:
        """Columns whose distribution is counted."""
        out: list[Counted] = []
        for field in self.fields.values():
            value = None if field.name in self.left_out else self._value(field)
            if value is None:
                continue
            length = "" if field.ordered else f"LENGTH({value})"
            out.append(Counted(len(out), field, value, length))
        return out

    @cached_property
    def pairs(self) -> Sequence[tuple[Counted, Counted]]:
        """Pairs of columns that are judged."""
        known = {c.field.name: c for c in self.counted}
        wanted: list[Pair] = list(chain.from_iterable(blocks_of(list(self.fields), self.seed)))
        return [(known[a], known[b]) for a, b in wanted if a in known and b in known]

    def _value(self, field: Field) -> str | None:
        column, leaves = self.column(field.name), self.leaves
        if is_listed(field.type):
            return leaves.double(leaves.items(column, field.type))
        if field.kind == "number":
            return leaves.double(column)
        if field.kind == "time":
            micros = leaves.instant(column, field.type)
            return None if micros is None else leaves.double(micros)
        return leaves.text.format(column)

    def names(self) -> Statement:
        """Columns by their number."""
        parts = [
            select(
                "SELECT :c AS c, :name AS name, :kind AS kind",
                c=c.number, name=text(c.field.name), kind=int(not c.ordered),
            )
            for c in self.counted
        ]  # fmt: skip
        return Statement("names", union(parts), self.kept("names"))
