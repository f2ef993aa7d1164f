"""The rows that a model sees: chosen by a seeded hash, so that their order does not matter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from synthlake.errors import SchemaError
from synthlake.quality.dataset import DataSet
from synthlake.quality.expressions import is_null
from synthlake.quality.layout import Field
from synthlake.schema.model import ForeignKey
from synthlake.sql.entities import entity
from synthlake.sql.keys import Part, compared, parts, reference, row_hash
from synthlake.sql.kinds import kind
from synthlake.sql.tables import used

Strings = NDArray[np.object_]
Column = NDArray[np.float64] | Strings
Frame = dict[str, Column]
"""Columns of a sample: numbers with NaN for NULL, or text with None; all of shape (rows,)."""


@dataclass(frozen=True)
class Wanted:
    """A column that a sample shall hold: its name there, what it is, and its relation's alias."""

    name: str
    field: Field
    alias: str = "t"


@dataclass(frozen=True)
class Join:
    """A parent that is joined to the sampled rows."""

    alias: str
    table: str
    fk: ForeignKey
    child: str = "t"
    child_table: str = ""


def order_hash(data: DataSet, table: str, seed: int, whole: bool = False) -> str:
    """The seeded hash that rows of a table are ordered by: of the key, or of the whole row."""
    of, tables = data.schema[table], data.tables
    salt = Part(f"'{int(seed)}'", pa.string(), "seed")
    present = [c.name for c in used(of) if data.found[table].has(c.name)]
    keyed = of.primary_key and not whole and set(of.primary_key) <= set(present)
    return row_hash(
        tables.primitives, [salt, *parts(tables, of, of.primary_key if keyed else present)]
    )


@dataclass(frozen=True)
class Choice:
    """Which rows a sample holds.

    Attributes:
        limit: at most so many.
        seed: of the hash that orders them.
        where: SQL clause of those that may be chosen; empty for all.
    """

    limit: int
    seed: int
    where: str = ""


def draw(
    data: DataSet, table: str, columns: Sequence[Wanted], choice: Choice,
    joins: Sequence[Join] = (),
) -> Frame:  # fmt: skip
    """Chosen rows, in hash order, with columns of the parents that are joined."""
    key = order_hash(data, table, choice.seed)
    if data.schema[table].primary_key and data.duplicates(table):
        key = order_hash(data, table, choice.seed, whole=True)
    # of all columns of a wide table a sort would hold a copy
    own = [w.field.name for w in columns if w.alias == "t" and data.has(w.field)]
    own += [name for join in joins if join.child == "t" for name in join.fk.columns]
    inner = (
        f"SELECT {''.join(f't.{data.tables.name(n)}, ' for n in dict.fromkeys(own))}{key} AS __h "
        f"FROM {data.tables.read(table)} {choice.where} ORDER BY __h LIMIT {int(choice.limit)}"
    )
    select = ", ".join(
        f"{data.value(w.field, w.alias)} AS c{i}"
        for i, w in enumerate(columns)
        if data.has(w.field)
    )
    hits = "".join(f", {j.alias}.__hit AS h{i}" for i, j in enumerate(joins))
    found = data.query(
        f"SELECT t.__h{', ' + select if select else ''}{hits} FROM ({inner}) AS t "
        + " ".join(joined(data, j) for j in joins)
    )
    return frame_of(found, columns, joins)


def owners(data: DataSet, table: str, choice: Choice) -> NDArray[np.int64]:
    """The root entity of each row that ``draw`` chooses, in its order; of each its own without one.

    Shape (rows,).
    """
    of = data.schema[table]
    try:
        found = entity(data.tables, of)
    except SchemaError:  # a key with a float
        return np.arange(min(data.rows(table), choice.limit))
    key = order_hash(
        data, table, choice.seed, whole=bool(of.primary_key and data.duplicates(table))
    )
    got = data.query(
        f"SELECT {key} AS __h, {found.value} AS e FROM {data.tables.read(table)}{found.join} "
        f"{choice.where} ORDER BY __h LIMIT {int(choice.limit)}"
    )
    order = np.argsort(got["__h"].to_numpy(), kind="stable")
    return got["e"].to_numpy().astype(np.int64)[order]


def joined(data: DataSet, join: Join) -> str:
    """The LEFT JOIN of one parent; of parents with the same key, one."""
    schema, lookup = data.schema, data.lookup
    child = schema[join.child_table]
    columns = [f"{join.child}.{data.tables.name(c)}" for c in join.fk.columns]
    mine = compared(data.tables, reference(data.tables, child, join.fk, columns))
    parent = schema[join.table]
    theirs = compared(lookup, parts(lookup, parent, join.fk.to))
    names = [f"__k{i}" for i in range(len(theirs))]
    keys = ", ".join(f"{e} AS {n}" for e, n in zip(theirs, names, strict=True))
    on = " AND ".join(
        f"{m} = {join.alias}.{n}" for m, n in zip(mine, names, strict=True)
    )  # fmt: skip
    present = [c.name for c in used(parent) if data.found[join.table].has(c.name)]
    first = row_hash(lookup.primitives, parts(lookup, parent, present))
    ranked = (
        f"SELECT t.*, {keys}, 1 AS __hit, ROW_NUMBER() OVER (PARTITION BY {', '.join(theirs)} "
        f"ORDER BY {first}) AS __n FROM {lookup.read(join.table)} WHERE NOT {is_null(theirs)}"
    )
    return f"LEFT JOIN (SELECT * FROM ({ranked}) AS r WHERE __n = 1) AS {join.alias} ON {on}"


def frame_of(found: pa.Table, columns: Sequence[Wanted], joins: Sequence[Join]) -> Frame:
    """Arrow columns as numpy ones, in hash order."""
    order = np.argsort(found["__h"].to_numpy(), kind="stable")
    out: Frame = {}
    for i, wanted in enumerate(columns):
        if f"c{i}" in found.column_names:
            out[wanted.name] = _column(found[f"c{i}"], wanted.field)[order]
        else:
            out[wanted.name] = _absent(wanted.field, found.num_rows)
    for i, join in enumerate(joins):
        out[hit(join.alias)] = _there(found[f"h{i}"])[order]
    return out


def _there(column: pa.ChunkedArray[Any]) -> NDArray[np.float64]:
    return (~column.is_null().to_numpy(zero_copy_only=False)).astype(np.float64)


def hit(alias: str) -> str:
    """Name of the column that says whether there is a parent."""
    return f"__hit {alias}"


def _column(column: pa.ChunkedArray[Any], field: Field) -> Column:
    if field.ordered:
        return column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return _shared(column)


def _shared(column: pa.ChunkedArray[Any]) -> Strings:
    """Texts of which rows of the same one share it, and None."""
    if not pa.types.is_string(column.type):
        return np.asarray(column.to_pylist(), dtype=object)
    coded: Any = pc.dictionary_encode(column.combine_chunks())
    values: Strings = np.array([*coded.dictionary.to_pylist(), None], dtype=object)
    places: NDArray[np.int32] = pc.fill_null(coded.indices, len(values) - 1).to_numpy()
    return values[places]


def _absent(field: Field, rows: int) -> Column:
    return np.full(rows, np.nan) if field.ordered else np.full(rows, None, dtype=object)


def size(frame: Mapping[str, Column]) -> int:
    """Rows of a sample."""
    return len(next(iter(frame.values()))) if frame else 0


def day_field(fields: Mapping[str, Field]) -> Field | None:
    """The first date or timestamp."""
    return next((f for f in fields.values() if kind(f.type) in ("date", "timestamp")), None)
