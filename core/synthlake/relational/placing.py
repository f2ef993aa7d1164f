"""Sides of grids over tables that are made: each place on such a side is one of their rows.

Inside the engine a key on a grid, and every key that refers to it, holds the place; only where rows
are written is it turned into the key of the row that has it, in the table and in all below it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from synthlake.encode.axis import plain
from synthlake.relational.keys import KeyMaker, SlotAxis, SlotKey
from synthlake.relational.model import TableModel
from synthlake.relational.parents import as_type, with_nulls
from synthlake.schema.model import ForeignKey

if TYPE_CHECKING:
    from synthlake.relational.generate import Generator


@dataclass(frozen=True)
class Side:
    """A side of a grid, and whose rows its places are.

    Attributes:
        fk: of the table that lies on the grid.
    """

    axis: SlotAxis
    fk: ForeignKey


def sides_of(model: TableModel, tables: Mapping[str, TableModel]) -> dict[str, Side]:
    """Sides over tables that are made, of the grid that a table's key is, by column.

    Of two tables that a column refers to, it is the one below: its keys are those of the other too.

    Args:
        model: of the table.
        tables: parents before children.
    """
    if not isinstance(model.key, SlotKey):
        return {}
    depth = {name: place for place, name in enumerate(tables)}
    over = [
        link.fk for link in model.links
        if link.kind == "derived" and tables[link.fk.references].kept is None
    ]  # fmt: skip
    over.sort(key=lambda fk: depth[fk.references])
    found = {fk.columns: fk for fk in over}
    return {a.column: Side(a, found[(a.column,)]) for a in model.key.axes if (a.column,) in found}


def key_of(
    model: TableModel, tables: Mapping[str, TableModel], rows: Mapping[str, int]
) -> KeyMaker | None:
    """The maker of a table's key, as a sample has it.

    A side of a grid has no more places than there are rows for them, which are as many as it had
    in the source only if they are made alone.

    Args:
        model: of the table.
        tables: parents before children.
        rows: of the tables before this one, in the sample.
    """
    key, sides = model.key, sides_of(model, tables)
    if not isinstance(key, SlotKey) or not sides:
        return key
    counts = {column: rows[side.fk.references] for column, side in sides.items()}
    axes = (a.first(counts[a.column]) if counts.get(a.column) else a for a in key.axes)
    return replace(key, axes=tuple(axes))


class Placing:
    """Writes places as keys.

    Args:
        generator: makes the keys.
    """

    def __init__(self, generator: Generator) -> None:
        self._generator = generator

    def placed(self, table: str, columns: Mapping[str, pa.Array[Any]]) -> dict[str, pa.Array[Any]]:
        """Columns of a table that hold places, as they are written."""
        model = self._generator.model.tables[table]
        names = [*(c for fk in model.table.references for c in fk.columns if c in columns)]
        out: dict[str, pa.Array[Any]] = {}
        for name in dict.fromkeys(names):
            made = self._written(table, name, columns[name])
            if made is not columns[name]:
                dtype = model.table.column(name).type
                gone = np.asarray(columns[name].is_null())
                out |= with_nulls({name: as_type(made, dtype)}, gone)
        return out

    def _written(self, table: str, column: str, values: pa.Array[Any]) -> pa.Array[Any]:
        """Values of a key column as they are written; the same where it holds no places."""
        side = self._side(table, column)
        if side is None:
            return values
        generator, (parent, to) = self._generator, (side.fk.references, side.fk.to[0])
        rows = generator.plan.rows[parent]
        if not rows:
            return values
        place = side.axis.place(plain(values)) % rows
        made = generator.key_columns(parent, (to,), place)[to]
        return self._written(parent, to, made)

    def _side(self, table: str, column: str) -> Side | None:
        """The side that a column's values are places on, be it of the table or of one above."""
        tables = self._generator.model.tables
        model = tables[table]
        if isinstance(model.key, SlotKey) and column in model.key.columns:
            return sides_of(model, tables).get(column)
        keys = [link.fk for link in model.links if link.kind != "derived"]
        for fk in (*keys, *(loop.fk for loop in model.loops)):
            if column in fk.columns:
                return self._side(fk.references, fk.to[fk.columns.index(column)])
        return None
