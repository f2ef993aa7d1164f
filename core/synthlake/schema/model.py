"""What a database is made of: tables, columns, keys and the references between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa

from synthlake.errors import SchemaError
from synthlake.schema.polymorphic import Polymorphic

if TYPE_CHECKING:
    from synthlake.schema.document import SchemaDocument

Role = Literal["key", "categorical", "numeric", "datetime", "boolean", "text", "personal"]
Action = Literal["learn", "keep", "null", "mask", "skip"]
Mode = Literal["own", "match"]
Orphans = Literal["keep", "null", "drop", "fail"]


def is_text(dtype: pa.DataType) -> bool:
    """Whether values are strings."""
    value = dtype.value_type if pa.types.is_dictionary(dtype) else dtype
    return bool(
        pa.types.is_string(value)
        or pa.types.is_large_string(value)
        or pa.types.is_string_view(value)
    )


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        name: as in the source.
        type: Arrow type; the twin has the same.
        role: what it is to the synthesizer; None until inferred.
        action: what becomes of it.
        nullable: False where the real data has no NULL, and so the twin has none; of a source's
            schema, where the source promises it.
        pattern: of a key or code, such as ``N[0-9]{3}[A-Z]{2}``; None to learn it.
        kind: of personal data, such as ``person_name``.
        locale: of personal data, such as ``en_US``.
    """

    name: str
    type: pa.DataType
    role: Role | None = None
    action: Action = "learn"
    nullable: bool = True
    pattern: str | None = None
    kind: str | None = None
    locale: str | None = None

    @property
    def made(self) -> bool:
        """Whether its values are made from the row's number: only where it is NULL is learned."""
        if self.action != "learn":
            return False
        if self.role == "personal":
            return self.kind is not None
        whole = pa.types.is_integer(self.type)
        return self.pattern is not None or (self.role == "key" and (whole or is_text(self.type)))


@dataclass(frozen=True)
class ForeignKey:
    """``columns`` refer to the columns ``to`` of the table ``references``.

    Attributes:
        mode: ``own``: children are made with this parent; ``match``: parents are drawn for them;
            None until chosen by evidence.
        orphans: what becomes of references that no parent has.
    """

    columns: tuple[str, ...]
    references: str
    to: tuple[str, ...]
    mode: Mode | None = None
    orphans: Orphans = "keep"

    def label(self, table: str) -> str:
        """Name in messages and reports, such as ``flights(tailnum) -> planes``."""
        return f"{table}({', '.join(self.columns)}) -> {self.references}"


@dataclass(frozen=True)
class Sequenced:
    """The declared order of a table's rows: of the children of a parent, or along a grid's time.

    Attributes:
        by: the column that orders them: a line number, a time, a key that grows; empty for rows
            that are in no order, whatever they look like.
        increasing: columns that never fall from row to row.
    """

    by: str
    increasing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """One table.

    Attributes:
        primary_key: columns of the key; empty for none.
        loops: foreign keys that close a cycle: to the table itself, or to one below it. They are
            written last, and decide no order.
        keep: public reference data, stored and emitted as it is.
        skip: not synthesised; nothing may refer to it.
        constraints: rules of its rows, as given in the spec.
        synthesizer: name and settings; None for the spec's default.
        order: columns that are drawn first after these, in this order.
        conditions: columns that come first in the order in which they are drawn, so that samples
            can be conditioned on them at full speed.
        sequence: the order of its rows; None to be found by evidence.
        polymorphic: id columns in whose place ``columns`` has one a target.
    """

    name: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    keep: bool = False
    skip: bool = False
    constraints: tuple[Mapping[str, Any], ...] = ()
    synthesizer: Mapping[str, Any] | None = None
    order: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    sequence: Sequenced | None = None
    loops: tuple[ForeignKey, ...] = ()
    polymorphic: tuple[Polymorphic, ...] = ()

    def column(self, name: str) -> Column:
        """A column by name.

        Raises:
            SchemaError: there is none.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise SchemaError(
            f"{self.name} has no column {name!r}",
            hint=f"its columns are {', '.join(c.name for c in self.columns)}",
        )

    @property
    def key_text(self) -> str:
        """The primary key, as messages call it."""
        return f"the primary key of {self.name} ({', '.join(self.primary_key)})"

    def has(self, name: str) -> bool:
        """Whether there is a column of that name."""
        return any(c.name == name for c in self.columns)

    def with_keys(
        self,
        primary_key: tuple[str, ...] | None = None,
        foreign_keys: tuple[ForeignKey, ...] | None = None,
    ) -> Table:
        """The same table with other keys; None leaves what is there."""
        return replace(
            self,
            primary_key=self.primary_key if primary_key is None else primary_key,
            foreign_keys=self.foreign_keys if foreign_keys is None else foreign_keys,
        )

    @property
    def references(self) -> tuple[ForeignKey, ...]:
        """All foreign keys, those that close a cycle last."""
        return (*self.foreign_keys, *self.loops)

    @property
    def referring(self) -> set[str]:
        """Columns of all foreign keys."""
        return {c for fk in self.references for c in fk.columns}

    @property
    def own(self) -> ForeignKey | None:
        """The foreign key whose parent this table's rows are made with."""
        return next((fk for fk in self.foreign_keys if fk.mode == "own"), None)

    @property
    def arrow(self) -> pa.Schema:
        """Arrow schema of the twin: all columns that are not skipped.

        No field promises that it has no NULL: what a frame or a database promises differs, and
        the same data is to give the same twin.
        """
        return pa.schema([pa.field(c.name, c.type) for c in self.columns if c.action != "skip"])

    @property
    def written(self) -> Table:
        """The table as its rows are written: polymorphic ids in one column, which is no key."""
        if not self.polymorphic:
            return self
        ids = {p.rest: Column(p.column, p.type, "key", nullable=p.nullable)
               for p in self.polymorphic}  # fmt: skip
        parts = {part for p in self.polymorphic for part in p.parts}
        return replace(
            self,
            columns=tuple(ids.get(c.name, c) for c in self.columns if c.name not in parts),
            foreign_keys=tuple(f for f in self.foreign_keys if not parts & {*f.columns}),
            loops=tuple(f for f in self.loops if not parts & {*f.columns}),
            polymorphic=(),
        )


@dataclass(frozen=True)
class Schema:
    """All tables by name, in the order of the source."""

    tables: Mapping[str, Table] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tables", MappingProxyType(dict(self.tables)))

    @staticmethod
    def load(path: str | Path) -> SchemaDocument:
        """What a schema file declares, which may be a part; ``fit`` takes it and infers the rest.

        Raises:
            SchemaError: there is no such file, or it declares no schema.
        """
        from synthlake.schema.file import load_document

        return load_document(path)

    def save(self, path: str | Path) -> Path:
        """Write the schema as a file that ``load`` reads; JSON for ``.json``, else YAML."""
        from synthlake.schema.file import save_schema

        return save_schema(self, path)

    def __iter__(self) -> Iterator[Table]:
        return iter(self.tables.values())

    def __getitem__(self, name: str) -> Table:
        try:
            return self.tables[name]
        except KeyError:
            raise SchemaError(
                f"there is no table {name!r}", hint=f"tables are {', '.join(self.tables)}"
            ) from None

    def __contains__(self, name: object) -> bool:
        return name in self.tables

    @property
    def written(self) -> Schema:
        """The schema of the rows that are written."""
        return Schema({table.name: table.written for table in self})

    def ordered(self) -> Schema:
        """The same schema in an order that no source decides.

        Tables by name; foreign keys by their number of columns, then their place in the table.
        """
        tables = sorted(self, key=lambda table: table.name.encode())
        return Schema({table.name: _with_ordered_keys(table) for table in tables})

    def with_table(self, table: Table) -> Schema:
        """The same schema with one table replaced or added."""
        return replace(self, tables={**self.tables, table.name: table})

    def children(self, name: str) -> list[tuple[Table, ForeignKey]]:
        """Every foreign key that refers to a table, with the table that holds it."""
        return [(t, fk) for t in self for fk in t.foreign_keys if fk.references == name]

    def order(self) -> list[Table]:
        """Synthesised tables, every parent before its children.

        Raises:
            SchemaError: the references form a cycle.
        """
        done: dict[str, Table] = {}
        todo = {t.name: t for t in self if not t.skip}
        while todo:
            free = [
                t for t in todo.values()
                if all(fk.references in done for fk in t.foreign_keys)
            ]  # fmt: skip
            if not free:
                raise _cycle([todo[name] for name in sorted(todo)])
            for table in free:
                done[table.name] = todo.pop(table.name)
        return list(done.values())

    def loops(self, name: str) -> list[tuple[Table, ForeignKey]]:
        """Every foreign key to a table that closes a cycle, with the table that holds it."""
        return [(t, fk) for t in self for fk in t.loops if fk.references == name]

    def chain(self, name: str) -> list[str]:
        """The table, its own parent, that one's own parent, up to the root."""
        names = [name]
        while (own := self[names[-1]].own) is not None:
            names.append(own.references)
        return names


def _cycle(tables: list[Table]) -> SchemaError:
    """What to say of tables of which none can be made first."""
    names = {table.name for table in tables}
    keys = [fk.label(t.name) for t in tables for fk in t.foreign_keys if fk.references in names]
    return SchemaError(
        f"the tables {', '.join(sorted(names))} refer to each other in a cycle, and none of"
        f" {'; '.join(keys)} may be NULL and is free to be written last",
        hint="drop one of the foreign keys of the cycle from the schema, or give the one that"
        " closes it `orphans: 'null'`; a key that is written last has columns of its own, that are"
        " part of no other key, and no `mode: own`",
    )


def _with_ordered_keys(table: Table) -> Table:
    places = {column.name: place for place, column in enumerate(table.columns)}
    keys = sorted(
        table.foreign_keys,
        key=lambda fk: (
            len(fk.columns), [places.get(c, -1) for c in fk.columns], fk.references, fk.to,
        ),
    )  # fmt: skip
    return table.with_keys(foreign_keys=tuple(keys))
