"""Columns that repeat a column of their row's parent, as denormalised tables have them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.constraints.bounds import value_type
from synthlake.constraints.discovery.grid import mixed
from synthlake.constraints.discovery.proposal import surprising
from synthlake.constraints.terms import Terms
from synthlake.encode.axis import indices, plain
from synthlake.relational.above import Known
from synthlake.relational.across import Copy
from synthlake.relational.columns import TableData
from synthlake.schema.model import Table

_FIRST = 200  # rows that refute most pairs


def find_copies(data: TableData, table: Table, terms: Terms) -> tuple[Copy, ...]:
    """Copies that are declared, and those that hold in every row and would not by chance.

    Args:
        data: with the columns of parents.
        table: with these among its own.
        terms: of its rules; columns that these claim are not looked at.

    Privacy: a copy repeats what the twin's own parent has; nothing is stored but two names.
    Cost: some rows of each pair of columns of one type; all rows of those that are left.
    """
    out = []
    for rule in terms.copies:
        name, of = rule.rule["copy"], rule.rule["of"]
        if of in data.above:
            out.append(Copy(name, of, _nulls(data, name, data.above[of])))
    taken = terms.claimed | {n for rule in terms.rules for n in rule.columns}
    for name, of in _found(data, table, taken):
        out.append(Copy(name, of, _nulls(data, name, data.above[of])))
    return tuple(out)


def _found(data: TableData, table: Table, taken: set[str]) -> Iterator[tuple[str, str]]:
    free = {n: held for n, held in data.above.items() if held.free}
    keys = {*table.primary_key, *(c for fk in table.foreign_keys for c in fk.columns)}
    for column in table.columns:
        name = column.name
        if name in keys or name in taken or name in data.above or column.action != "learn":
            continue
        if name not in data.sample.column_names:
            continue
        for of, held in free.items():
            same = value_type(held.upper.array.type) == value_type(column.type)
            if same and _copied(data, plain(data.sample[name]), held):
                yield name, of
                break


def _copied(data: TableData, mine: pa.Array[Any], held: Known) -> bool:
    """Whether a column is that of the parent in every row that has one."""
    theirs = held.upper.array
    some = np.flatnonzero(np.asarray(theirs.is_valid()))
    few = indices(some[:_FIRST])
    if not len(some) or not _equal(mine.take(few), theirs.take(few)).all():
        return False
    mine, theirs = mine.take(indices(some)), theirs.take(indices(some))
    if not _equal(mine, theirs).all():
        return False
    # families of one value each say nothing: as many rows would differ if parents were mixed
    chance = int((~_equal(mine, theirs.take(indices(mixed(len(theirs)))))).sum())
    people = len(np.unique(data.group[some]))
    return people >= data.k and surprising(len(theirs), 0, chance)


def _equal(mine: Any, theirs: Any) -> NDArray[np.bool_]:
    return np.asarray(pa.compute.equal(mine, theirs).fill_null(False))


def _nulls(data: TableData, name: str, held: Known) -> bool:
    """Whether it is NULL in all rows whose parent is there and has NULL."""
    gone = np.asarray(held.upper.array.is_null()) & held.upper.there
    mine = np.asarray(plain(data.sample[name]).is_null())
    return bool(gone.any() and mine[gone].all())
