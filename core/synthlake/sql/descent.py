"""Which rows of a table descend from the roots of a subset, as SQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from synthlake.schema.model import ForeignKey, Table
from synthlake.sql.entities import reference_hash
from synthlake.sql.keys import compared, identity, parts, reference
from synthlake.sql.membership import Among, among, distinct, present
from synthlake.sql.tables import Tables

OURS = "__synthlake_"
"""Before the names of columns that are ours."""

Above = Callable[[int, ForeignKey], Among | None]
"""By number and foreign key, whether the parent is taken; None to leave that parent out."""


@dataclass(frozen=True)
class Rows:
    """Some rows of a table ``t``: what to write after FROM and after WHERE."""

    read: str
    test: str


@dataclass(frozen=True)
class Descent:
    """What makes a row one of a subset, parents that it is needed for aside.

    A row of a root table is taken by the hash of its primary key, or of the whole row without one.
    A row below is taken if any of its parents is. A row that leads to no root, as its keys to
    tables of the family are all NULL or refer to nothing, is taken by the hash of the first of them
    that is not NULL, so that what refers to one missing parent stays together, else by its own.
    Semi-joins alone would never see such rows (SQL.md).

    Attributes:
        tables: of the source.
        bounds: by root table, the hash below which its rows are taken.
        family: the root tables and all that refer to them, directly or not.
        salt: of the hashes.
        most: children of one parent by one foreign key, those of the least hashes, equal ones
            together; None for all.
    """

    tables: Tables
    bounds: Mapping[str, int]
    family: frozenset[str]
    salt: str
    most: int | None = None

    def parents(self, table: Table) -> list[tuple[int, ForeignKey]]:
        """The foreign keys by which a table's rows may descend from a root, with their numbers."""
        keys = enumerate(table.foreign_keys)
        return [(number, fk) for number, fk in keys if fk.references in self.family]

    def read(self, table: Table) -> str:
        """What to write after FROM; with a rank among the siblings of each parent, if that counts.

        Cost: where it counts, a sort of the table by each foreign key.
        """
        if self.most is None or table.name not in self.family:
            return self.tables.read(table.name)
        order = identity(self.tables, table, self.salt)
        ranks = "".join(
            f", rank() OVER (PARTITION BY {', '.join(self._values(table, fk))}"
            f" ORDER BY {order}) AS {_rank(number)}"
            for number, fk in self.parents(table)
        )
        return f"(SELECT t.*{ranks} FROM {self.tables.read(table.name)}) AS t"

    def few(self, number: int) -> str:
        """Whether a row is among those of its siblings that may be taken; empty if all may."""
        return "" if self.most is None else f" AND t.{_rank(number)} <= {self.most}"

    def rows(self, table: Table, above: Above) -> Rows:
        """The rows that descend from the roots, or are roots.

        Raises:
            SchemaError: a key has a float in it.
        """
        read, tests = self.read(table), []
        if table.name in self.bounds:
            own = identity(self.tables, table, self.salt)
            tests.append(f"{own} < {self.bounds[table.name]}")
        for number, fk in self.parents(table):
            taken = above(number, fk)
            if taken is not None:
                read += taken.join
                tests.append(f"({taken.found}{self.few(number)})")
        if table.name not in self.bounds:
            joins, test = self._rootless(table)
            read += joins
            tests.append(test)
        return Rows(read, " OR ".join(tests))

    def _rootless(self, table: Table) -> tuple[str, str]:
        joins, dead, hashes, places = "", [], [], []
        for number, fk in self.parents(table):
            own = self._values(table, fk)
            parent = self.tables.schema[fk.references]
            keys = compared(self.tables, parts(self.tables, parent, fk.to))
            there = among(f"x{number}", own, distinct(keys, self.tables.read(parent.name)))
            joins += there.join
            dead.append(f"NOT ({there.found})")
            hashes.append(reference_hash(self.tables, table, fk, self.salt))
            places.append(f"WHEN {present(own)} THEN t.{_rank(number)}")
        value = ", ".join([*hashes, identity(self.tables, table, self.salt)])
        test = f"{' AND '.join(dead)} AND coalesce({value}) < {min(self.bounds.values())}"
        if self.most is not None:
            test += f" AND CASE {' '.join(places)} ELSE 0 END <= {self.most}"
        return joins, f"({test})"

    def _values(self, table: Table, fk: ForeignKey) -> list[str]:
        return compared(self.tables, reference(self.tables, table, fk))


def _rank(number: int) -> str:
    return f"{OURS}r{number}"
