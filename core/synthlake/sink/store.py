"""What a database does for a sink: the little in which databases differ, behind one shape."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import pyarrow as pa
from sqlglot import exp

PREFIX = "_synthlake_"
"""Of every table and schema that holds our records rather than rows of the twin."""

RUNS = f"{PREFIX}runs"
PART = f"{PREFIX}part"

KeyKind = Literal["not null", "primary key", "unique", "foreign key"]


@dataclass(frozen=True)
class Key:
    """A constraint on the rows of a table, wanted or there.

    Attributes:
        references: table of the columns ``to``, of a foreign key.
        name: of one that is there.
    """

    kind: KeyKind
    table: str
    columns: tuple[str, ...]
    references: str = ""
    to: tuple[str, ...] = ()
    name: str = ""

    def label(self) -> str:
        """Name in messages, such as ``primary key planes(tailnum)``."""
        text = f"{self.kind} {self.table}({', '.join(self.columns)})"
        return f"{text} -> {self.references}({', '.join(self.to)})" if self.references else text


@dataclass(frozen=True)
class Existing:
    """A table, view or other relation of the target as it is.

    Attributes:
        columns: their SQL types by name.
        needed: columns that have to be given a value.
        keys: constraints, where they can be altered.
        table: whether rows can be written into it.
        computed: columns that the database computes, and that nobody can write.
        followers: addresses of tables whose rows go or change when rows of this one are deleted.
    """

    name: str
    columns: Mapping[str, str] = field(default_factory=dict)
    needed: tuple[str, ...] = ()
    keys: tuple[Key, ...] = ()
    table: bool = True
    computed: tuple[str, ...] = ()
    followers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Filled:
    """A table of the twin on its way from the staging area to the target.

    Attributes:
        name: of the table.
        columns: with their SQL types.
        staged: address of its rows.
        target: address of the table.
        state: ``new``, ``ours`` (a run before made it) or ``kept`` (the user made it).
    """

    name: str
    columns: Mapping[str, str]
    staged: str
    target: str
    state: Literal["new", "ours", "kept"] = "new"


@dataclass(frozen=True)
class Traits:
    """What sets a database apart.

    Attributes:
        dialect: by which sqlglot quotes.
        folds: whether names that differ in their case alone are one name.
        max_name: longest name in bytes; 0 for any.
        mixed_references: whether a foreign key may refer to whole numbers of another width.
        cycles: whether tables can refer to each other in a cycle, and to themselves.
    """

    dialect: str
    folds: bool
    max_name: int = 0
    mixed_references: bool = True
    cycles: bool = True


class Session(Protocol):
    """One transaction."""

    def run(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a statement; none where it has none."""

    def insert(self, table: str, values: Sequence[Any]) -> None:
        """Add a row of bound values to a table that is given by its address."""

    def load(
        self, table: Filled, schema: pa.Schema, part: int, batches: Iterable[pa.RecordBatch]
    ) -> None:
        """Add batches to the staged rows of a table, with the number of their part first.

        Raises: SinkError: a value cannot be held.
        """


class Store(Protocol):
    """A database. Conforms: ``DuckDBStore``, and those of the plugins.

    Every error of the database's own leaves a session as a SinkError without cells' values.
    """

    @property
    def name(self) -> str:
        """What to call it in messages; without secrets."""

    @property
    def traits(self) -> Traits:
        """What sets it apart."""

    def present(self) -> bool:
        """Whether there is a database to read from."""

    def session(self, lock: str | None = None) -> AbstractContextManager[Session]:
        """A transaction, committed at its end; those with the same lock are one at a time.

        Without a lock it only reads.
        """

    def address(self, table: str, area: str = "") -> str:
        """A table of the target, or of a staging area, quoted."""

    def has_area(self, session: Session, area: str) -> bool:
        """Whether a staging area is there."""

    def make_area(self, session: Session, area: str, tables: Mapping[str, str]) -> None:
        """Make a staging area with its tables; columns with types by the name of the table."""

    def drop_area(self, session: Session, area: str) -> None:
        """Remove a staging area, if it is there."""

    def column_type(self, kind: pa.DataType) -> str | None:
        """The SQL type that holds every value of an Arrow type, or whose load refuses the rest."""

    def fits(self, wanted: str, found: str) -> bool:
        """Whether a column of a type that is there takes all values of the type that we want."""

    def existing(self, session: Session) -> list[Existing]:
        """The relations of the target."""

    def fill(
        self, session: Session, tables: Sequence[Filled], keys: Sequence[Key], drop: Sequence[Key]
    ) -> None:
        """Put the staged rows in the place of those of the target, making what is not there.

        Args:
            session: the transaction that publishes.
            tables: parents before their children, as far as they have an order.
            keys: constraints of the tables that are made.
            drop: constraints of our own tables that the new rows break.
        """


def quote(dialect: str, *names: str) -> str:
    """Names as one address."""
    return ".".join(exp.to_identifier(name, quoted=True).sql(dialect) for name in names)


def listed(dialect: str, names: Iterable[str]) -> str:
    """Names as a list of columns."""
    return ", ".join(quote(dialect, name) for name in names)


def create(dialect: str, table: Filled, keys: Sequence[Key], targets: Mapping[str, str]) -> str:
    """The statement that makes a table with those of the keys that are its own."""
    own = [key for key in keys if key.table == table.name]
    needed = [key.columns for key in own if key.kind in ("not null", "primary key")]
    strict = {name for columns in needed for name in columns}
    parts = [
        f"{quote(dialect, name)} {kind}{' NOT NULL' if name in strict else ''}"
        for name, kind in table.columns.items()
    ]
    parts += [clause(dialect, key, targets) for key in own if key.kind != "not null"]
    return f"CREATE TABLE {table.target} ({', '.join(parts)})"


def clause(dialect: str, key: Key, targets: Mapping[str, str]) -> str:
    """A key as a clause of a table."""
    text = f"{key.kind.upper()} ({listed(dialect, key.columns)})"
    if key.kind == "foreign key":
        text += f" REFERENCES {targets[key.references]} ({listed(dialect, key.to)})"
    return text


def insertion(dialect: str, table: Filled, manner: str = "") -> str:
    """The statement that copies the staged rows of a table.

    Args:
        dialect: of the database.
        table: with the columns that are written.
        manner: what the database wants to hear before SELECT.
    """
    columns = listed(dialect, table.columns)
    return f"INSERT INTO {table.target} ({columns}) {manner}SELECT {columns} FROM {table.staged}"
