"""Subsets by plain Python, row by row: what the SQL has to give, whatever the schema."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from synthlake.schema.cycles import ancestors, components, descendants
from synthlake.schema.model import ForeignKey, Schema, Table
from synthlake.sql.keys import SPACE
from synthlake.sql.subset import Wanted

Row = dict[str, Any]
Database = Mapping[str, list[Row]]
Place = tuple[str, int]


def hashed(salt: str, values: list[Any]) -> int:
    """The hash of SQL.md, of integers, texts and NULL."""
    texts = ["n;" if v is None else f"{len(str(v).encode())}:{v};" for v in values]
    return int(hashlib.sha256((salt + "".join(texts)).encode()).hexdigest()[:15], 16)


class Oracle:
    """A subset of a small database.

    Args:
        schema: with keys; kept and skipped tables are not known here.
        data: rows by table.
        wanted: what is asked.
    """

    def __init__(self, schema: Schema, data: Database, wanted: Wanted) -> None:
        self.schema, self.data, self.wanted = schema, data, wanted
        self.bounds = {name: self._bound(schema[name]) for name in wanted.roots}
        least = min(self.bounds.values())
        family = descendants(schema, wanted.roots)
        others = set(schema.tables) - ancestors(schema, family)
        for group in components(schema):
            top = not (ancestors(schema, group) & others) - set(group)
            if others.issuperset(group) and wanted.others != "none":
                if wanted.others == "all":
                    self.bounds |= dict.fromkeys(group, SPACE)
                elif top:
                    self.bounds |= dict.fromkeys(group, least)
        self.family = descendants(schema, self.bounds)
        self.least = least

    def rows(self) -> dict[str, list[Row]]:
        """The rows of the subset by table, in the order of the data."""
        self.first: set[Place] = {place for place in self.places() if self.begins(place)}
        self.below = self.close(self.first, lambda place: self.parents(place, down=True))
        kept = set(self.below)
        todo = list(kept)
        while todo:
            fresh = {parent for parent in self.parents(todo.pop()) if parent not in kept}
            kept |= fresh
            todo.extend(fresh)
        return {
            name: [row for number, row in enumerate(rows) if (name, number) in kept]
            for name, rows in self.data.items()
        }

    def close(self, first: set[Place], above: Any) -> set[Place]:
        found = set(first)
        while True:
            fresh = {p for p in self.places() if p not in found and set(above(p)) & found}
            if not fresh:
                return found
            found |= fresh

    def places(self) -> Iterator[Place]:
        return ((name, n) for name, rows in self.data.items() for n in range(len(rows)))

    def begins(self, place: Place) -> bool:
        """Whether a row is a root, or leads to none, and its hash is low enough."""
        name, number = place
        table, row = self.schema[name], self.data[name][number]
        if name in self.bounds:
            return self.identity(table, row) < self.bounds[name]
        keys = [(n, fk) for n, fk in enumerate(table.foreign_keys) if fk.references in self.family]
        if not keys or any(self.found(row, fk) for _, fk in keys):
            return False
        there = [(n, fk) for n, fk in keys if None not in self.key(row, fk.columns)]
        if not there:
            return self.identity(table, row) < self.least
        number, fk = there[0]
        if not self.is_few(place, number, fk):
            return False
        return self.reference(row, fk) < self.least

    def parents(self, place: Place, down: bool = False) -> list[Place]:
        name, number = place
        row, found = self.data[name][number], []
        for n, fk in enumerate(self.schema[name].foreign_keys):
            if not down or (fk.references in self.family and self.is_few(place, n, fk)):
                found += [(fk.references, other) for other in self.found(row, fk)]
        return found

    def found(self, row: Row, fk: ForeignKey) -> list[int]:
        own = self.key(row, fk.columns)
        if None in own:
            return []
        rows = self.data[fk.references]
        return [n for n, parent in enumerate(rows) if self.key(parent, fk.to) == own]

    def is_few(self, place: Place, number: int, fk: ForeignKey) -> bool:
        if self.wanted.max_children is None:
            return True
        table, rows = self.schema[place[0]], self.data[place[0]]
        own = self.key(rows[place[1]], fk.columns)
        if None in own:
            return True
        hashes = sorted(
            self.identity(table, row) for row in rows if self.key(row, fk.columns) == own
        )
        return self.identity(table, rows[place[1]]) in hashes[: self.wanted.max_children]

    def identity(self, table: Table, row: Row) -> int:
        names = table.primary_key or tuple(c.name for c in table.columns)
        return hashed(self.wanted.salt, [row[name] for name in names])

    def reference(self, row: Row, fk: ForeignKey) -> int:
        by = dict(zip(fk.to, fk.columns, strict=True))
        key = self.schema[fk.references].primary_key
        order = key if set(key) == set(fk.to) else fk.to
        return hashed(self.wanted.salt, [row[by[name]] for name in order])

    def _bound(self, table: Table) -> int:
        if self.wanted.rows is None:
            assert self.wanted.fraction is not None
            # exact for the tenths that are asked
            return round(self.wanted.fraction * 10) * SPACE // 10
        hashes = sorted(self.identity(table, row) for row in self.data[table.name])
        if not hashes:  # a root without rows has no rate: what leads to no root is left
            return 0
        return SPACE if len(hashes) <= self.wanted.rows else hashes[self.wanted.rows - 1] + 1

    @staticmethod
    def key(row: Row, names: tuple[str, ...]) -> tuple[Any, ...]:
        return tuple(row[name] for name in names)
