"""A part of real rows that is intact: some roots, all below them, all that any of these refer to.

Down from the roots, then up from what is kept, each table twice; within cycles by recursion
(``closure``). Only keys are compared, so that rows are told by what they hold and every engine
takes the same. All of it stays in the engine.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal
from uuid import uuid4

from synthlake.errors import SchemaError, SynthlakeError
from synthlake.ports import Event, OnEvent, QueryEngine, Source
from synthlake.schema.cycles import ancestors, components, descendants
from synthlake.schema.model import Column, ForeignKey, Schema, Table
from synthlake.source.view import ViewEngine
from synthlake.sql.closure import Cycle, reached
from synthlake.sql.descent import OURS, Above, Descent, Rows
from synthlake.sql.dialect import primitives
from synthlake.sql.keys import SPACE, compared, identity, parts, reference, row_hash
from synthlake.sql.membership import Among, among, distinct
from synthlake.sql.tables import Tables

HASH = f"{OURS}hash"
"""Column after a table's own, by which rows are put in an order that all engines share."""

_VIEWS = frozenset({"spark"})  # what they store rests on what it was made of

Others = Literal["fraction", "all", "none"]
Part = Literal["root", "child", "parent", "kept", "other"]


@dataclass(frozen=True)
class Wanted:
    """What a subset is to hold.

    Attributes:
        roots: names of tables.
        fraction: of each root's rows, in (0, 1]; None where ``rows`` are given.
        rows: of each root; None where a fraction is given.
        seed: another seed takes other rows.
        others: what becomes of tables that have nothing to do with the roots: the same fraction
            of them, all rows, or none.
        max_children: of one parent by one foreign key; None for all.
    """

    roots: tuple[str, ...]
    fraction: float | None = None
    rows: int | None = None
    seed: int = 0
    others: Others = "fraction"
    max_children: int | None = None

    @property
    def salt(self) -> str:
        """Of hashes: never empty, as a hold-out is what has the least hashes without one."""
        return f"subset {self.seed} "


@dataclass(frozen=True)
class Lines:
    """What each table of a schema is to the roots, by name."""

    part: Mapping[str, Part]

    @classmethod
    def of(cls, schema: Schema, wanted: Wanted) -> Lines:
        """Of all tables that are not skipped."""
        live = {table.name for table in schema if not table.skip}
        family = descendants(schema, wanted.roots) & live
        kept = {name for name in live if schema[name].keep}
        parents = ancestors(schema, family | kept) & live
        found: dict[str, Part] = {}
        for name in live:
            if name in wanted.roots:
                found[name] = "root"
            elif name in kept:
                found[name] = "kept"
            else:
                found[name] = "child" if name in family else "other"
                if name in parents and name not in family:
                    found[name] = "parent"
        return cls(found)

    def tops(self, schema: Schema, wanted: Wanted) -> set[str]:
        """Those of the other tables from which rows are taken as from roots."""
        others = {name for name, part in self.part.items() if part == "other"}
        if wanted.others == "none":
            return set()
        if wanted.others == "all":
            return others
        groups = [group for group in components(schema) if others.issuperset(group)]
        above = {name: ancestors(schema, [name]) & others for name in others}
        return {name for group in groups for name in group if above[name] == set(group)}


class Chosen:
    """The rows of a subset, in the engine until it is closed or forgotten.

    Attributes:
        engine: in which a relation is the subset's part of the table, with ``HASH`` after its own.
        schema: tables that are not skipped, and columns that are not.
        part: what each table is to the roots.

    Args:
        engine: that holds the rows.
        stored: where, by table.
        held: names of all that is to go with it.
        schema: of them.
        part: by table.
    """

    def __init__(
        self,
        engine: QueryEngine,
        stored: Mapping[str, str],
        held: Sequence[str],
        schema: Schema,
        part: Mapping[str, Part],
    ) -> None:
        self.engine, self.schema, self.part = ViewEngine(engine, stored), schema, dict(part)
        self._closing = weakref.finalize(self, _discard, engine, list(held))

    def close(self) -> None:
        """Let go of the rows."""
        self._closing()


def _discard(engine: QueryEngine, held: Sequence[str]) -> None:
    with suppress(SynthlakeError):  # the session may be closed
        for name in reversed(held):  # what rests on others first
            engine.query(primitives(engine.dialect).discard(name))


def choose(
    source: Source, schema: Schema, wanted: Wanted, on_event: OnEvent | None = None
) -> Chosen:
    """Take a subset.

    Rows with one primary key, or equal rows without one, are taken together.

    Args:
        source: the real rows.
        schema: with all keys; references may form cycles.
        wanted: how much of what.
        on_event: told about each table.

    Raises:
        SchemaError: there is no such root, it is skipped or kept, a key has a float in it, or a
            column is called ``__synthlake_...``.
        SourceError: the references form a cycle and the engine cannot follow it.
        QueryError: the engine refused a statement.

    Cost: at most six statements a table and two a foreign key, however many rows there are and
        however deep they refer; each table is read two or three times, and the rows that are taken
        are copied once inside the engine.
    """
    _check(schema, wanted)
    engine = source.engine()
    work = _Work(Tables(engine, schema), wanted, on_event)
    try:
        work.down()
        work.up()
    except BaseException:
        _discard(engine, work.made)
        raise
    kept = list(work.stored.values())
    if engine.dialect in _VIEWS:
        kept = work.made
    else:
        _discard(engine, [name for name in work.made if name not in kept])
    written = {t.name: _written(t) for t in schema if not t.skip}
    return Chosen(engine, work.stored, kept, Schema(written), work.lines.part)


def _check(schema: Schema, wanted: Wanted) -> None:
    for name in wanted.roots:
        if schema[name].skip or schema[name].keep:
            word = "skip" if schema[name].skip else "keep"
            raise SchemaError(
                f"{name} is marked `{word}` in the schema, and no rows of it can be drawn",
                hint=f"leave `{word}` out, or name another root",
            )
    for table in schema:
        for column in table.columns:
            if not table.skip and column.name.lower().startswith(OURS):
                raise SchemaError(
                    f"{table.name} has a column {column.name!r}, a name that subsets use",
                    hint="skip the table or rename the column in a view",
                )


def _written(table: Table) -> Table:
    columns = tuple(c for c in table.columns if c.action != "skip")
    return Table(table.name, columns, table.primary_key, table.foreign_keys)


class _Work:
    """The subset as it grows."""

    def __init__(self, tables: Tables, wanted: Wanted, on_event: OnEvent | None) -> None:
        self.tables, self.wanted = tables, wanted
        self.lines = Lines.of(tables.schema, wanted)
        self.groups = components(tables.schema)
        self.cycles = {name: Cycle.of(tables, group) for group in self.groups for name in group}
        self.descent = self._descent()
        self.taken: dict[str, str] = {}  # keys of the rows that descend from roots
        self.inner: dict[str, str] = {}  # the same within a cycle, by each of its tables
        self.pulled: dict[str, str] = {}  # keys within a cycle that rows of it are needed for
        self.stored: dict[str, str] = {}  # the rows of the subset
        self.made: list[str] = []  # all of these, in the order in which they rest on each other
        self._on_event, self._mark = on_event, uuid4().hex[:8]

    def down(self) -> None:
        """Keys of all that descends from the roots, parents first."""
        for group in self.groups:
            family = [self.tables.schema[n] for n in group if n in self.descent.family]
            for table in family:
                self._tell("down", table.name)
                cycle = self.cycles[table.name]
                if cycle is not None and table.name not in self.inner:
                    steps = " UNION ALL ".join(self._steps_down(cycle))
                    self.inner |= dict.fromkeys(group, self._reach(steps))
            for table in family:
                if columns := self._referred(table, group):
                    rows = self.descent.rows(table, self._above(table))
                    listed = ", ".join(self.tables.column(name) for name in columns)
                    sql = f"SELECT {listed} FROM {rows.read} WHERE {rows.test}"
                    self.taken[table.name] = self._keep(sql)

    def up(self) -> None:
        """The rows, with those that any of them refers to, children first."""
        for group in reversed(self.groups):
            cycle = self.cycles[group[0]]
            if cycle is not None and any(map(self._may_have_rows, group)):
                steps = " UNION ALL ".join(self._steps_up(cycle))
                self.pulled |= dict.fromkeys(group, self._reach(steps))
            selected = {name: self._select(self.tables.schema[name]) for name in group}
            for name, sql in selected.items():
                self._tell("up", name)
                self.stored[name] = self._keep(sql)

    def _descent(self) -> Descent:
        schema, wanted = self.tables.schema, self.wanted
        bounds = {name: self._bound(schema[name]) for name in wanted.roots}
        least = min(bounds.values())
        for name in self.lines.tops(schema, wanted):
            bounds[name] = SPACE if wanted.others == "all" else least
        live = self.lines.part.keys()
        family = frozenset(descendants(schema, bounds) & live)
        return Descent(self.tables, bounds, family, wanted.salt, wanted.max_children)

    def _bound(self, root: Table) -> int:
        if self.wanted.rows is None:
            # a fraction of the decimal that was written, so that every machine cuts alike
            return int(Fraction(str(self.wanted.fraction)) * SPACE)
        there = self.tables.rows(root.name)
        if there <= self.wanted.rows:
            return SPACE if there else 0
        own = identity(self.tables, root, self.wanted.salt)
        hashes = f"SELECT {own} AS h FROM {self.tables.read(root.name)}"
        least = f"SELECT h FROM ({hashes}) AS s ORDER BY h LIMIT {self.wanted.rows}"
        return self.tables.number(f"SELECT max(h) AS n FROM ({least}) AS s") + 1

    def _referred(self, table: Table, group: tuple[str, ...]) -> list[str]:
        """Columns by which tables of the family outside of the group refer to a table."""
        children = self.tables.schema.children(table.name)
        outside = [fk for child, fk in children if not child.skip and child.name not in group]
        return list(dict.fromkeys(name for fk in outside for name in fk.to))

    def _may_have_rows(self, name: str) -> bool:
        return name in self.descent.family or self.lines.part[name] in ("parent", "kept")

    def _above(self, table: Table, inside: bool = True) -> Above:
        cycle = self.cycles[table.name]
        taken = self._tables(self.taken)

        def found(number: int, fk: ForeignKey) -> Among | None:
            name, parent = f"d{number}", self.tables.schema[fk.references]
            if cycle is not None and parent.name in cycle.names:
                if not inside:
                    return None
                return cycle.is_reached(name, table, fk, self.inner[table.name])
            own = compared(self.tables, reference(self.tables, table, fk))
            keys = compared(taken, parts(taken, parent, fk.to))
            return among(name, own, distinct(keys, taken.read(parent.name)))

        return found

    def _steps_down(self, cycle: Cycle) -> Iterator[str]:
        for table in (self.tables.schema[name] for name in cycle.names):
            first = self.descent.rows(table, self._above(table, inside=False))
            for target in cycle.of_table(table):
                yield cycle.seed(table, target, first)
                for number, fk in cycle.inside(table):
                    every = Rows(self.descent.read(table), self.descent.few(number))
                    yield cycle.edge(table, fk, target, every)

    def _steps_up(self, cycle: Cycle) -> Iterator[str]:
        for table in (self.tables.schema[name] for name in cycle.names):
            first = self._rows(table, inside=False)
            for _, fk in cycle.inside(table):
                yield cycle.seed(table, fk, first)
                for target in cycle.of_table(table):
                    yield cycle.edge(table, target, fk, Rows(self.tables.read(table.name), ""))

    def _rows(self, table: Table, inside: bool = True) -> Rows:
        """The rows of the subset; those that only rows within a cycle need are ``inside``."""
        rows = Rows(self.tables.read(table.name), "1 = 1" if table.keep else "1 = 0")
        if table.name in self.descent.family and not table.keep:
            rows = self.descent.rows(table, self._above(table))
        needed = [*self._needed(table), *(self._needed_inside(table) if inside else ())]
        read = rows.read + "".join(by.join for by in needed)
        return Rows(read, " OR ".join([rows.test, *(by.found for by in needed)]))

    def _needed(self, table: Table) -> Iterator[Among]:
        """Whether rows that are stored already refer to a row."""
        stored, found = self._tables(self.stored), dict[tuple[str, ...], list[str]]()
        for child, fk in self.tables.schema.children(table.name):
            if child.name in self.stored:
                keys = compared(stored, reference(stored, child, fk))
                found.setdefault(fk.to, []).append(distinct(keys, stored.read(child.name)))
        # one join for all that refer by the same columns: SQLite takes at most 64
        for number, (columns, keys) in enumerate(found.items()):
            own = compared(self.tables, parts(self.tables, table, columns))
            yield among(f"p{number}", own, " UNION ".join(keys))

    def _needed_inside(self, table: Table) -> Iterator[Among]:
        cycle = self.cycles[table.name]
        if cycle is not None and table.name in self.pulled:
            for number, target in enumerate(cycle.of_table(table)):
                yield cycle.is_reached(f"q{number}", table, target, self.pulled[table.name])

    def _select(self, table: Table) -> str:
        rows = self._rows(table)
        written = [c for c in table.columns if c.action != "skip"]
        listed = [f"{self._value(c)} AS {self.tables.name(c.name)}" for c in written]
        shown = [c.name for c in written if not _is_hidden(c)]
        of_row = parts(self.tables, table, shown)
        order = row_hash(self.tables.primitives, of_row, self.wanted.salt)
        listed.append(f"{order} AS {self.tables.name(HASH)}")
        return f"SELECT {', '.join(listed)} FROM {rows.read} WHERE {rows.test}"

    def _value(self, column: Column) -> str:
        value = self.tables.column(column.name)
        # NULL of the column's type
        return f"CASE WHEN 1 = 0 THEN {value} END" if _is_hidden(column) else value

    def _tables(self, relations: Mapping[str, str]) -> Tables:
        return Tables(ViewEngine(self.tables.engine, relations), self.tables.schema)

    def _reach(self, steps: str) -> str:
        return self._keep(reached(self._keep(steps)))

    def _keep(self, sql: str) -> str:
        """Store a result in the engine; returns its quoted name."""
        stored = self.tables.name(f"__synthlake_{self._mark}_{len(self.made)}")
        self.made.append(stored)
        self.tables.engine.query(self.tables.primitives.materialise(stored, sql))
        return stored

    def _tell(self, way: str, table: str) -> None:
        if self._on_event is not None:
            done, total = len(self.stored), len(self.lines.part)
            self._on_event(Event("subset", f"{table}, {way}", done, total))


def _is_hidden(column: Column) -> bool:
    return column.action in ("null", "mask")
