"""Parents with what their children are like."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from synthlake.quality.dataset import DataSet
from synthlake.quality.layout import Field
from synthlake.quality.sample import Frame, Wanted, frame_of, order_hash
from synthlake.schema.model import ForeignKey, Table
from synthlake.sql.keys import compared, parts, reference


def aggregated(
    data: DataSet, above: Sequence[Wanted], below: Sequence[Field], table: Table, fk: ForeignKey,
    sample: tuple[int, int],
) -> Frame:  # fmt: skip
    """Sampled parents with number, means and numbers of distinct values of their children.

    Args:
        data: where parents and children are.
        above: columns of the parent.
        below: columns of the child.
        table: the child.
        fk: its foreign key.
        sample: number of parents, and the seed.
    """
    inner = _parents(data, table, fk, sample)
    there = [w for w in above if data.has(w.field)]
    known = [f for f in below if data.has(f)]
    select = [f"{data.value(w.field)} AS c{i}" for i, w in enumerate(above) if w in there]
    select += ["COALESCE(a.n, 0) AS n", *(f"a.m{i}" for i in range(len(known)))]
    on = " AND ".join(f"t.__k{i} = a.k{i}" for i in range(len(fk.columns)))
    found = data.query(
        f"SELECT t.__h, {', '.join(select)} FROM ({inner}) AS t "
        f"LEFT JOIN ({_children(data, table, fk, known)}) AS a ON {on}"
    )
    frame = frame_of(found, above, ())
    order = np.argsort(found["__h"].to_numpy(), kind="stable")
    frame["children"] = found["n"].to_numpy().astype(np.float64)[order]
    for i, field in enumerate(known):
        column = found[f"m{i}"].to_numpy(zero_copy_only=False).astype(np.float64)
        # sums of doubles differ in the last digits with the order of rows
        frame[f"children.{field.name}"] = column.astype(np.float32).astype(np.float64)[order]
    return frame


def _parents(data: DataSet, table: Table, fk: ForeignKey, sample: tuple[int, int]) -> str:
    limit, seed = sample
    parent = data.schema[fk.references]
    keys = compared(data.tables, parts(data.tables, parent, fk.to))
    listed = ", ".join(f"{e} AS __k{i}" for i, e in enumerate(keys))
    hashed = order_hash(data, parent.name, seed, whole=not parent.primary_key)
    return (
        f"SELECT t.*, {listed}, {hashed} AS __h "
        f"FROM {data.tables.read(parent.name)} ORDER BY __h LIMIT {int(limit)}"
    )


def _children(data: DataSet, table: Table, fk: ForeignKey, known: Sequence[Field]) -> str:
    keys = compared(data.tables, reference(data.tables, table, fk))
    listed = ", ".join(f"{e} AS k{i}" for i, e in enumerate(keys))
    figures = [
        f"AVG(CAST({data.value(f)} AS DOUBLE)) AS m{i}"
        if f.ordered
        else f"COUNT(DISTINCT {data.value(f)}) AS m{i}"
        for i, f in enumerate(known)
    ]
    group = ", ".join(str(i + 1) for i in range(len(keys)))
    columns = ", ".join([listed, "COUNT(*) AS n", *figures])
    return f"SELECT {columns} FROM {data.tables.read(table.name)} GROUP BY {group}"
