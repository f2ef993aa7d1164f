"""Declared polymorphic references as plain ones: a column and a foreign key for each target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from synthlake.errors import SchemaError
from synthlake.schema.document import (
    ColumnDocument,
    ForeignKeyDocument,
    SchemaDocument,
    TableDocument,
)
from synthlake.schema.keys import family
from synthlake.schema.model import Column, Schema, Table
from synthlake.schema.nearest import nearest
from synthlake.schema.polymorphic import Polymorphic, flat_names
from synthlake.schema.targets import ByDocument, TargetDocument
from synthlake.schema.words import words


@dataclass(frozen=True)
class Flattened:
    """A declaration without polymorphic references.

    Attributes:
        document: with a foreign key for each of their targets.
        schema: of the source, with a column for each of these.
    """

    document: SchemaDocument
    schema: Schema


def flatten(document: SchemaDocument, source: Schema) -> Flattened:
    """What is declared of a source, with flat columns in the place of polymorphic ids.

    Args:
        document: as declared.
        source: tables, columns and keys of the source.

    Raises:
        SchemaError: a polymorphic reference cannot be taken; says why and the way out.
    """
    entries, schema = dict(document.tables), source
    for name, entry in document.tables.items():
        found = [fk for fk in entry.foreign_keys or () if isinstance(fk.references, ByDocument)]
        if found and not entry.skip and name in source:
            work = _Work(source[name], entry, document, source)
            made = [work.read(fk) for fk in found]
            schema = schema.with_table(flat_table(source[name], made, work.types))
            entries[name] = work.entry(made)
    return Flattened(SchemaDocument(tables=entries), schema)


def flat_table(
    table: Table, polymorphic: Sequence[Polymorphic], types: Mapping[str, pa.DataType]
) -> Table:
    """A table of a source as it is read, with flat columns where its ids are.

    Args:
        table: of the source.
        polymorphic: its references.
        types: of flat columns that are not of the id's type.
    """
    columns: list[Column] = []
    by_id = {p.column: p for p in polymorphic}
    for column in table.columns:
        held = by_id.get(column.name)
        flat = held.flat if held is not None else ()
        columns += [Column(n, types.get(n, column.type)) for n in flat] or [column]
    kept = tuple(fk for fk in table.foreign_keys if not {*fk.columns} & {*by_id})
    return replace(table, columns=tuple(columns), foreign_keys=kept, polymorphic=tuple(polymorphic))


@dataclass
class _Work:
    """One table whose references are read."""

    table: Table
    given: TableDocument
    document: SchemaDocument
    source: Schema

    def __post_init__(self) -> None:
        self.types: dict[str, pa.DataType] = {}
        self._taken = [c.name for c in self.table.columns]
        self._targets: dict[str, tuple[str, TargetDocument, ForeignKeyDocument]] = {}

    def read(self, fk: ForeignKeyDocument) -> Polymorphic:
        """One reference.

        Raises:
            SchemaError: it cannot be taken.
        """
        by = fk.references
        assert isinstance(by, ByDocument)
        where = f"{self.table.name}({', '.join(fk.columns)}) by {by.by}"
        self._check_form(fk, where)
        column = self._column(fk.columns[0], where)
        self._check_by(by.by, column.name, where)
        self._check_id(column, where)
        *parts, rest = flat_names(column.name, by.of, self._taken)
        self._taken += [*parts, rest]
        for part, (kind, target) in zip(parts, by.of.items(), strict=True):
            self._targets[part] = kind, target, fk
            self.types[part] = self._type(column, target)
        return Polymorphic(
            by.by, column.name, column.type, column.nullable,
            tuple(zip(by.of, parts, strict=True)), rest, fk.orphans,
        )  # fmt: skip

    def entry(self, made: Sequence[Polymorphic]) -> TableDocument:
        """The table's entry with plain references."""
        keys: list[ForeignKeyDocument] = []
        for fk in self.given.foreign_keys or ():
            keys += [fk] if not isinstance(fk.references, ByDocument) else []
        for part, (_, target, fk) in self._targets.items():
            keys.append(
                ForeignKeyDocument(
                    columns=(part,), references=target.references, to=target.to,
                    mode="match", orphans=target.orphans or fk.orphans,
                )
            )  # fmt: skip
        ids = {p.column for p in made}
        columns = {n: c for n, c in self.given.columns.items() if n not in ids}
        for p in made:
            said = columns.get(p.by) or ColumnDocument()
            columns[p.by] = said.model_copy(update={"role": "categorical"})
        return self.given.model_copy(update={"foreign_keys": tuple(keys), "columns": columns})

    def _check_form(self, fk: ForeignKeyDocument, where: str) -> None:
        if len(fk.columns) != 1:
            raise SchemaError(
                f"{where}: {len(fk.columns)} columns hold the key, and a reference whose table"
                " another column names has one",
                hint="refer to the targets by a key of one column, or leave the foreign key out",
            )
        if fk.to is not None:
            raise SchemaError(
                f"{where}: `to` is said of each target",
                hint="write it as of: {type: {references: table, to: [column]}}",
            )
        if fk.mode == "own":
            raise SchemaError(
                f"{where}: rows are made with one parent, and this one may be in several tables",
                hint="leave `mode` out: a parent of the type's table is drawn for each row",
            )

    def _column(self, name: str, where: str) -> Column:
        if not self.table.has(name):
            raise SchemaError(
                f"{where}: {self.table.name} has no column {name!r}",
                hint=nearest(name, [c.name for c in self.table.columns]),
            )
        return self.table.column(name)

    def _check_by(self, by: str, column: str, where: str) -> None:
        """Whether a column can say which table is meant."""
        held, said = self._column(by, where), self.given.columns.get(by) or ColumnDocument()
        if by == column or family(held.type) not in ("text", "int"):
            raise SchemaError(
                f"{where}: {by} is {held.type}, and types are texts or whole numbers beside the id",
                hint="name the column that says which table is meant in `by`",
            )
        odd = said.kind or said.pattern or said.role not in (None, "categorical")
        if odd or said.action not in (None, "learn"):
            raise SchemaError(
                f"{where}: {by} decides which table is meant, and is learned as a category",
                hint=f"leave the entry of {by} out of `columns`",
            )
        if by in self._key or by in self._referring:
            raise SchemaError(
                f"{where}: {by} is part of a key of {self.table.name}",
                hint=f"leave {by} out of `primary_key` and of other foreign keys",
            )

    def _check_id(self, column: Column, where: str) -> None:
        """Whether a column can be read as one for each target."""
        said = self.given.columns.get(column.name) or ColumnDocument()
        if said not in (ColumnDocument(), ColumnDocument(role="key")):
            raise SchemaError(
                f"{where}: {column.name} holds keys of other tables, and has no more to be said of",
                hint=f"leave the entry of {column.name} out of `columns`",
            )
        if family(column.type) == "other":
            raise SchemaError(
                f"{where}: {column.name} is {column.type}, which cannot be part of a key",
                hint="leave the foreign key out",
            )
        if column.name in self._key:
            raise SchemaError(
                f"{where}: {column.name} is part of the primary key of {self.table.name}, whose"
                " rows cannot be told apart by parents of several tables",
                hint=f"declare `primary_key: []` for {self.table.name}, or leave the foreign key"
                " out",
            )
        if self._referring.count(column.name) > 1:
            raise SchemaError(
                f"{where}: {column.name} is part of another foreign key",
                hint="declare one of the two",
            )

    @property
    def _key(self) -> tuple[str, ...]:
        said = self.given.primary_key
        return self.table.primary_key if said is None else said

    @property
    def _referring(self) -> list[str]:
        """Columns of the declared foreign keys."""
        return [c for fk in self.given.foreign_keys or () for c in fk.columns]

    def _type(self, column: Column, target: TargetDocument) -> pa.DataType:
        """The type of a flat column: a text id may hold the whole numbers of a target."""
        if target.references not in self.source:
            return column.type  # whoever looks for the table says it
        parent = self.source[target.references]
        entry = self.document.tables.get(parent.name)
        said = entry.primary_key if entry is not None else None
        usual = tuple(c.name for c in parent.columns if words(c.name) == ("id",))
        to = target.to or said or parent.primary_key or usual
        if len(to) != 1 or not parent.has(to[0]):
            return column.type
        theirs = parent.column(to[0]).type
        numbers = family(column.type) == "text" and family(theirs) == "int"
        return theirs if numbers else column.type
