"""Rows without children, as they have no parent of their own and all children have that one.

A flight of no known plane has passengers like any other; but where each passenger refers to a
flight and, by the same column, to a plane that is there, such flights have none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from synthlake.relational.model import Link, TableModel, family_of, link_id
from synthlake.relational.rows import Block

if TYPE_CHECKING:
    from synthlake.relational.generate import Generator

Index = NDArray[np.int64]


class Barren:
    """Counts the children of one sample's rows.

    Args:
        generator: knows the rows above them.
    """

    def __init__(self, generator: Generator) -> None:
        tables = generator.model.tables
        self._plan = generator.plan
        self._needed = {
            link.fk.label(name): found
            for name, model in tables.items() for link in model.links
            if (found := tuple(_needed(model, link, tables)))
        }  # fmt: skip

    def family(self, model: TableModel, label: str) -> list[str]:
        """Features of rows as parents by a key, in the order in which they are drawn."""
        names = {link_id(number) for number in self._needed.get(label, ())}
        last = max((model.order.index(n) + 1 for n in names if n in model.order), default=0)
        return list(model.order[: max(last, len(family_of(model)))])

    def count(self, block: Block, label: str) -> Index:
        """Children of each row of a block by a key, as drawn; one each where these are too few."""
        counts = block.count(label)
        counts = np.ones_like(counts) if label in self._plan.even else counts
        return np.where(self._may(block, label), counts, 0)

    def stubs(self, block: Block, label: str) -> Index:
        """The same of children that find their parents: each that may, if none of a block has."""
        counts = self.count(block, label)
        if label in self._needed and not counts.any():
            return self._may(block, label).astype(np.int64)
        return counts

    def _may(self, block: Block, label: str) -> NDArray[np.bool_]:
        """Rows that may have children by a key."""
        out = np.ones(block.rows, np.bool_)
        for number in self._needed.get(label, ()):
            out &= ~self._lost(block, number)
        return out

    def _lost(self, block: Block, number: int) -> NDArray[np.bool_]:
        """Rows whose parent by a key is missing."""
        link = block.model.links[number]
        label = link.fk.label(block.model.table.name)
        if link.kind != "own":
            codes = block.drawn.get(link_id(number), np.zeros(block.rows, np.int32))
            return (codes >= link.codes) & bool(self._plan.phantoms.get(label))
        assert block.family is not None
        beyond = block.family - self._plan.rows[link.fk.references]
        return (beyond >= 0) & (beyond < self._plan.phantoms.get(label, 0))


def _needed(model: TableModel, link: Link, tables: Mapping[str, TableModel]) -> Iterator[int]:
    """Keys of a parent by which it is somebody's child if it has children by a key itself."""
    to = dict(zip(link.fk.columns, link.fk.to, strict=True))
    for other in model.links if link.kind in ("own", "cluster", "within") else ():
        if other.kind != "derived" or not other.whole or not set(other.fk.columns) <= set(to):
            continue
        wanted = {(to[c], t) for c, t in zip(other.fk.columns, other.fk.to, strict=True)}
        for number, above in enumerate(tables[link.fk.references].links):
            same = above.fk.references == other.fk.references and above.phantoms is not None
            known = same and above.kind in ("own", "cluster", "within")
            if known and wanted == set(zip(above.fk.columns, above.fk.to, strict=True)):
                yield number
