"""What is reached within a cycle of references, as keys: by one recursive statement.

A node is a key that a foreign key of the cycle refers to, by the number of its columns (``e``) and
its canonical text. Rows of the cycle's tables are the edges between what they refer to and what
they can be referred to by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from synthlake.errors import SourceError
from synthlake.schema.model import ForeignKey, Schema, Table
from synthlake.sql.descent import Rows
from synthlake.sql.keys import key_text, parts, reference
from synthlake.sql.membership import Among, among
from synthlake.sql.tables import Tables

Target = tuple[str, tuple[str, ...]]  # a table, and the columns that are referred to
_WITHOUT_RECURSION = frozenset({"spark"})  # it keeps no set of what was reached, and never ends


@dataclass(frozen=True)
class Cycle:
    """Tables that refer to each other, or one that refers to itself.

    Attributes:
        tables: of the source.
        names: of the tables.
        targets: numbers of what is referred to within the cycle.
    """

    tables: Tables
    names: tuple[str, ...]
    targets: Mapping[Target, int]

    @classmethod
    def of(cls, tables: Tables, names: Sequence[str]) -> Cycle | None:
        """The cycle of a component of the schema; None where it is a table in no cycle.

        Raises:
            SourceError: the engine cannot follow a cycle.
        """
        inner = sorted(
            {(fk.references, fk.to) for _, fk in _inner(tables.schema, names)},
        )
        if not inner:
            return None
        if tables.engine.dialect in _WITHOUT_RECURSION:
            raise SourceError(
                f"the references of {', '.join(names)} form a cycle, which"
                f" {tables.engine.dialect} cannot follow",
                hint="write the tables as Parquet and open those, or leave one of the keys out of"
                " the schema",
            )
        return cls(tables, tuple(names), {target: number for number, target in enumerate(inner)})

    def inside(self, table: Table) -> list[tuple[int, ForeignKey]]:
        """Foreign keys of a table that stay within the cycle, with their numbers."""
        keys = enumerate(table.foreign_keys)
        return [(number, fk) for number, fk in keys if fk.references in self.names]

    def of_table(self, table: Table) -> list[Target]:
        """What the rows of a table are referred to by within the cycle."""
        return [target for target in self.targets if target[0] == table.name]

    def is_reached(self, name: str, table: Table, by: ForeignKey | Target, stored: str) -> Among:
        """Whether a row's foreign key, or a key of its own, is among those that are reached.

        Args:
            name: of the keys in the statement.
            table: whose rows.
            by: the key.
            stored: the result of ``reached``.
        """
        number, text = self._node(table, by)
        return among(name, [text], f"SELECT l AS k0 FROM {stored} WHERE b = {number}")

    def seed(self, table: Table, by: ForeignKey | Target, rows: Rows) -> str:
        """Nodes to begin with: keys of some rows of a table."""
        number, text = self._node(table, by)
        return (
            f"SELECT -1 AS a, '' AS k, {number} AS b, {text} AS l FROM {rows.read}"
            f" WHERE ({rows.test}) AND {text} IS NOT NULL"
        )

    def edge(
        self, table: Table, start: ForeignKey | Target, end: ForeignKey | Target, rows: Rows
    ) -> str:
        """A step from one key of a row to another, for all of some rows."""
        (first, k), (second, label) = self._node(table, start), self._node(table, end)
        return (
            f"SELECT {first} AS a, {k} AS k, {second} AS b, {label} AS l FROM {rows.read}"
            f" WHERE {k} IS NOT NULL AND {label} IS NOT NULL{rows.test}"
        )

    def _node(self, table: Table, by: ForeignKey | Target) -> tuple[int, str]:
        of = self.tables.primitives
        if isinstance(by, ForeignKey):
            key = reference(self.tables, table, by)
            return self.targets[by.references, by.to], key_text(of, key)
        return self.targets[by], key_text(of, parts(self.tables, table, by[1]))


def reached(steps: str) -> str:
    """All nodes that stored seeds and edges lead to, as ``b`` and ``l``.

    Cost: linear in the edges, whatever the length of the chains.
    """
    return (
        f"WITH RECURSIVE r(b, l) AS (SELECT b, l FROM {steps} WHERE a = -1"
        f" UNION SELECT e.b, e.l FROM r JOIN {steps} AS e ON e.a = r.b AND e.k = r.l)"
        " SELECT b, l FROM r"
    )


def _inner(schema: Schema, names: Sequence[str]) -> list[tuple[Table, ForeignKey]]:
    return [(t, fk) for name in names for t, fk in schema.children(name) if t.name in names]
