"""Which keys the rows of a twin keep: asked of the staged rows, by SQL, before they are published.

Real data has orphans and repeated keys, and its twin has them too; a constraint on such a key
would refuse the twin.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from synthlake.errors import SinkError
from synthlake.schema.model import ForeignKey, Schema, Table
from synthlake.sink.store import Filled, Key, Session, Store, listed, quote

Constraints = Literal["auto", "none", "require"]


@dataclass(frozen=True)
class Decision:
    """The keys of a publication.

    Attributes:
        made: of the tables that are made.
        dropped: of our own tables, which the new rows break.
        left_out: what the twin's schema declares and its rows do not keep, with the reason.
    """

    made: tuple[Key, ...] = ()
    dropped: tuple[Key, ...] = ()
    left_out: tuple[str, ...] = ()


class Keys:
    """Decides on the keys of one publication.

    Args:
        store: the database.
        session: the transaction that publishes.
        schema: of the twin.
        tables: what is published.
        mode: ``auto`` makes the keys that hold, ``none`` makes none, ``require`` refuses a twin
            that breaks one.
    """

    def __init__(
        self,
        store: Store,
        session: Session,
        schema: Schema,
        tables: Mapping[str, Filled],
        mode: Constraints,
    ) -> None:
        self._store, self._session, self._schema = store, session, schema
        self._tables, self._mode = tables, mode

    def decide(self, there: Sequence[Key]) -> Decision:
        """The keys to make and to drop.

        Args:
            there: constraints of the tables that are there and stay.

        Raises:
            SinkError: the rows break a key that is required, or one that the user made.
        """
        dropped = tuple(key for key in there if self._broken(key))
        if self._mode == "none":
            return Decision(dropped=dropped)
        made: list[Key] = []
        reasons: list[str] = []
        for table in ordered(self._schema):
            if self._tables[table.name].state != "kept":
                self._table(table, made, reasons)
        if reasons and self._mode == "require":
            raise SinkError(
                f"the twin breaks {len(reasons)} keys of its schema: {'; '.join(reasons)}",
                hint="give the sink the option `constraints: auto`, or let the schema drop orphans",
            )
        known = {_shape(key) for key in there if key not in dropped}
        fresh = tuple(key for key in made if _shape(key) not in known)
        return Decision(fresh, dropped, tuple(reasons))

    def _table(self, table: Table, made: list[Key], reasons: list[str]) -> None:
        strict = [c.name for c in table.columns if not c.nullable and c.action != "skip"]
        wanted = [Key("not null", table.name, (name,)) for name in strict]
        if table.primary_key:
            wanted.append(Key("primary key", table.name, table.primary_key))
        for key in wanted:
            if (count := self.violations(key)) == 0:
                made.append(key)
            else:
                reasons.append(f"{key.label()}: {count} violations")
        for fk in table.foreign_keys:
            if fk.references in self._tables:
                self._reference(table, fk, made, reasons)

    def _reference(self, table: Table, fk: ForeignKey, made: list[Key], reasons: list[str]) -> None:
        key = Key("foreign key", table.name, fk.columns, fk.references, fk.to)
        parent = Key("unique", fk.references, fk.to)
        reason = self._impossible(key)
        if not reason and not _unique(parent, made):
            count = self.violations(parent)
            reason = f"{count} values of the parent are not unique" if count else ""
        if not reason and (count := self.violations(key)):
            reason = f"{count} orphans"
        if reason:
            reasons.append(f"{key.label()}: {reason}")
            return
        if not _unique(parent, made):
            made.append(parent)
        made.append(key)

    def _impossible(self, key: Key) -> str:
        """Why a database cannot have a foreign key, whatever the rows."""
        if self._tables[key.references].state == "kept":
            return "the parent's table is the user's"
        if not self._store.traits.cycles and self._cyclic(key):
            return "the engine cannot fill tables that refer to each other in a cycle"
        mine, theirs = (
            [self._tables[name].columns[c] for c in columns]
            for name, columns in ((key.table, key.columns), (key.references, key.to))
        )
        alike = all(self._alike(a, b) for a, b in zip(mine, theirs, strict=True))
        return "" if alike else "the columns are of different types"

    def _cyclic(self, key: Key) -> bool:
        names = [table.name for table in ordered(self._schema)]
        return names.index(key.references) >= names.index(key.table)

    def _alike(self, mine: str, theirs: str) -> bool:
        whole = {"smallint", "integer", "bigint"}
        mixed = self._store.traits.mixed_references and {mine.lower(), theirs.lower()} <= whole
        return mine == theirs or mixed

    def _broken(self, key: Key) -> bool:
        known = key.table in self._tables and (key.references or key.table) in self._tables
        count = self.violations(key) if known else 0
        if not count:
            return False
        if self._tables[key.table].state == "ours":
            return True
        raise SinkError(
            f"{count} rows of the twin break the constraint {key.name} of the table that is there:"
            f" {key.label()}",
            hint="drop the constraint, or let the schema give the twin that key without orphans",
        )

    def violations(self, key: Key) -> int:
        """How often the staged rows break a key."""
        if key.kind == "foreign key":
            return self._count(self._orphans(key))
        rows = self._tables[key.table].staged
        names = [quote(self._store.traits.dialect, name) for name in key.columns]
        missing = " OR ".join(f"{name} IS NULL" for name in names)
        nulls = self._count(f"SELECT count(*) FROM {rows} WHERE {missing}")
        if key.kind == "not null":
            return nulls
        columns = ", ".join(names)
        repeated = self._count(
            f"SELECT count(*) FROM (SELECT 1 AS one FROM {rows} WHERE NOT ({missing})"
            f" GROUP BY {columns} HAVING count(*) > 1) AS repeated"
        )
        return repeated + (nulls if key.kind == "primary key" else 0)

    def _orphans(self, key: Key) -> str:
        d = self._store.traits.dialect
        pairs = [(f"child.{quote(d, a)}", f"parent.{quote(d, b)}") for a, b in zip(
            key.columns, key.to, strict=True
        )]  # fmt: skip
        # a join, as SQLite reads the whole parent for each row of a correlated NOT EXISTS
        return (
            f"SELECT count(*) FROM {self._tables[key.table].staged} AS child"
            f" LEFT JOIN (SELECT DISTINCT {listed(d, key.to)}, 1 AS found"
            f" FROM {self._tables[key.references].staged}) AS parent"
            f" ON {' AND '.join(f'{b} = {a}' for a, b in pairs)}"
            f" WHERE {' AND '.join(f'{a} IS NOT NULL' for a, _ in pairs)} AND parent.found IS NULL"
        )

    def _count(self, sql: str) -> int:
        return int(self._session.run(sql)[0][0])


def ordered(schema: Schema) -> list[Table]:
    """Tables, every parent before its children as far as cycles allow."""
    done: dict[str, Table] = {}
    todo = {t.name: t for t in schema if not t.skip}
    while todo:
        free = [t for t in todo.values() if not _waits(t, todo)] or [next(iter(todo.values()))]
        for table in free:
            done[table.name] = todo.pop(table.name)
    return list(done.values())


def _waits(table: Table, todo: Mapping[str, Table]) -> bool:
    return any(fk.references in todo and fk.references != table.name for fk in table.foreign_keys)


def _shape(key: Key) -> Key:
    return replace(key, name="")


def _unique(wanted: Key, made: Sequence[Key]) -> bool:
    return any(
        key.kind in ("primary key", "unique")
        and key.table == wanted.table
        and set(key.columns) == set(wanted.columns)
        for key in made
    )
