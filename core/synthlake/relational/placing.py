"""Sides of grids over tables that are made: each place on such a side is one of their rows.

Inside the engine a key on a grid, and every key that refers to it, holds the place; only where rows
are written is it turned into the key of the row that has it, in the table and in all below it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from synthlake.encode.axis import plain
from synthlake.relational.keys import SlotAxis, SlotKey
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
            axis = next(axis for axis in model.key.axes if axis.column == column)
            over = (
                link.fk
                for link in model.links
                if link.kind == "derived" and link.fk.columns == (column,)
                and tables[link.fk.references].kept is None
            )  # fmt: skip
            fk = next(over, None)
            return None if fk is None else Side(axis, fk)
        keys = [link.fk for link in model.links if link.kind != "derived"]
        for fk in (*keys, *(loop.fk for loop in model.loops)):
            if column in fk.columns:
                return self._side(fk.references, fk.to[fk.columns.index(column)])
        return None
