"""References that close a cycle: how deep each row lies below them, and how many refer to it."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count

from synthlake.schema.model import ForeignKey, Schema, Table
from synthlake.sql.keys import compared, parts, reference
from synthlake.sql.membership import among, distinct, present
from synthlake.sql.tables import Tables

LEVEL = "__level_"
"""Before the place of a table's loop: how deep a row lies, int64. 0 without a parent, ``ORPHAN``
for a parent that is nowhere, ``ITSELF`` for a row that refers to itself, else one more than its
parent. Of a reference to another table, 1 with a parent."""

REFERRED = "__referred_"
"""Before the place of a loop to a table, among all of them: how many rows refer to a row."""

ORPHAN, ITSELF = -1, -2
DEEPEST = 12
"""Levels that are told apart; what lies deeper, and what leads to no root, is one below."""


@dataclass(frozen=True)
class Placed:
    """What tells of one row: columns of the statement over a table ``t``, and their joins."""

    columns: tuple[str, ...] = ()
    join: str = ""


class Loops:
    """The loops of a schema in an engine.

    Args:
        tables: of the engine that runs the statements.
        known: all rows of the source.
        stack: of what is stored meanwhile.
    """

    def __init__(self, tables: Tables, known: Tables, stack: ExitStack) -> None:
        self._tables, self._known, self._stack = tables, known, stack
        self._number = count()

    def placed(self, table: Table) -> Placed:
        """Levels (``v0, ...``) of a table's rows, and how many refer to them (``d0, ...``).

        Cost: of a reference to the own table, a join a level, at most twelve.
        """
        columns: list[str] = []
        join = ""
        for place, fk in enumerate(table.loops):
            found = self._level(table, fk, place)
            columns, join = [*columns, *found.columns], join + found.join
        for place, (child, fk) in enumerate(self._known.schema.loops(table.name)):
            found = self._referred(table, child, fk, place)
            columns, join = [*columns, *found.columns], join + found.join
        return Placed(tuple(columns), join)

    def _level(self, table: Table, fk: ForeignKey, place: int) -> Placed:
        up, at = compared(self._tables, reference(self._tables, table, fk)), self._known
        theirs = compared(at, parts(at, at.schema[fk.references], fk.to))
        parent = among(f"lw{place}", up, distinct(theirs, at.read(fk.references)))
        said = f"CASE WHEN NOT ({present(up)}) THEN 0 WHEN NOT ({parent.found}) THEN {ORPHAN}"
        if fk.references != table.name:
            return Placed((f"{said} ELSE 1 END AS v{place}",), parent.join)
        own = compared(self._tables, parts(self._tables, table, fk.to))
        level = among(f"lv{place}", own, self._levels(table, fk))
        said += f" WHEN {_same(up, own)} THEN {ITSELF} ELSE coalesce(lv{place}.l, {DEEPEST + 1})"
        return Placed((f"{said} END AS v{place}",), parent.join + level.join)

    def _levels(self, table: Table, fk: ForeignKey) -> str:
        """What is referred to, with its level (``l``), down to the deepest that is told apart."""
        at = self._known
        own, up = compared(at, parts(at, table, fk.to)), compared(at, reference(at, table, fk))
        parent = among("w", up, distinct(own, at.read(table.name)))
        top = f"NOT ({present(up)}) OR NOT ({parent.found}) OR {_same(up, own)}"
        listed = distinct(own, at.read(table.name) + parent.join)
        stored = [self._stored(f"{listed} WHERE {present(own)} AND ({top})")]
        names = ", ".join(f"k{i}" for i in range(len(own)))
        while len(stored) <= DEEPEST and self._tables.number(
            f"SELECT count(*) AS n FROM {stored[-1]}"
        ):
            above = among("b", up, f"SELECT {names} FROM {stored[-1]}")
            listed = distinct(own, at.read(table.name) + above.join)
            below = f"{present(own)} AND {above.found} AND NOT ({_same(up, own)})"
            stored.append(self._stored(f"{listed} WHERE {below}"))
        every = " UNION ALL ".join(
            f"SELECT {names}, {level} AS l FROM {name}" for level, name in enumerate(stored)
        )
        return f"SELECT {names}, min(l) AS l FROM ({every}) AS u GROUP BY {names}"

    def _stored(self, select: str) -> str:
        name = f"__synthlake_level_{next(self._number)}"
        return self._stack.enter_context(self._tables.materialised(name, select))

    def _referred(self, table: Table, child: Table, fk: ForeignKey, place: int) -> Placed:
        at = self._known
        up = compared(at, reference(at, child, fk))
        there = present(up)
        if child.name == table.name:
            there += f" AND NOT ({_same(up, compared(at, parts(at, table, fk.to)))})"
        named = ", ".join(f"{key} AS k{i}" for i, key in enumerate(up))
        counted = (
            f"SELECT {named}, count(*) AS n FROM {at.read(child.name)} WHERE {there}"
            f" GROUP BY {', '.join(up)}"
        )
        own = compared(self._tables, parts(self._tables, table, fk.to))
        found = among(f"ld{place}", own, counted)
        return Placed((f"coalesce(ld{place}.n, 0) AS d{place}",), found.join)


def marks(schema: Schema, table: Table) -> dict[str, str]:
    """By column of ``Loops.placed``, the name that it has in a sample."""
    levels = {f"v{place}": f"{LEVEL}{place}" for place in range(len(table.loops))}
    referred = schema.loops(table.name)
    return {**levels, **{f"d{place}": f"{REFERRED}{place}" for place in range(len(referred))}}


def _same(left: list[str], right: list[str]) -> str:
    return "(" + " AND ".join(f"{a} = {b}" for a, b in zip(left, right, strict=True)) + ")"
