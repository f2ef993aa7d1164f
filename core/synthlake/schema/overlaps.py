"""Foreign keys that share columns with the own key, and neither covers the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from synthlake.schema.model import ForeignKey, Schema, Table


@dataclass(frozen=True)
class Shared:
    """The table above a row that decides which parents a foreign key may have.

    A product of an order's line is one of its tenant: ``(tenant, order)`` is the own key,
    ``(tenant, product)`` refers to products, which are made with tenants as orders are.

    Attributes:
        table: above both the rows and their parents by this key.
        steps: own parents from the row up to it.
        columns: of the row that both keys have.
    """

    table: str
    steps: int
    columns: tuple[str, ...]


def shared_above(table: Table, fk: ForeignKey, schema: Schema) -> Shared | None:
    """The table by which a key's parents are found among the relatives of a row.

    None where the columns that the key shares with the own one are not the own key of its parent,
    or do not come from the same table above.
    """
    own, parent = table.own, schema[fk.references]
    above = parent.own
    if own is None or above is None or parent.keep or fk.mode == "own":
        return None
    columns = tuple(c for c in fk.columns if c in own.columns)
    theirs = {c: fk.to[fk.columns.index(c)] for c in columns}
    if len(columns) == len(fk.columns) or set(theirs.values()) != set(above.columns):
        return None
    wanted = {c: above.to[above.columns.index(to)] for c, to in theirs.items()}
    steps = _steps(table, wanted, above.references, schema)
    return None if steps is None else Shared(above.references, steps, columns)


def _steps(table: Table, wanted: Mapping[str, str], top: str, schema: Schema) -> int | None:
    """Own parents up to a table whose columns some columns of a row come from."""
    here = {c: c for c in wanted}
    steps, own = 0, table.own
    while own is not None and set(here.values()) <= set(own.columns):
        here = {c: own.to[own.columns.index(name)] for c, name in here.items()}
        steps += 1
        if own.references == top and here == dict(wanted):
            return steps
        own = schema[own.references].own
    return None
