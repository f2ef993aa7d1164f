"""What leaves an engine before a sample does: counts, and nothing that is a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True)
class ColumnStatistics:
    """Counts of one column over all training rows. Held in memory while learning, never stored.

    Attributes:
        rows: training rows, NULLs included.
        nulls: of these, NULL.
        distinct: distinct values, NULL not counted; 0 for nested types, which engines group
            differently or not at all.
        counts: columns ``value`` (the column's Arrow type), ``rows``, ``entities`` (int64), one row
            a distinct value, sorted by value in binary order; None beyond ``MAX_VALUES``.
        cuts: the same columns for types with an order where ``counts`` is None: ``value`` is the
            upper end of an interval (percentile_disc), the counts are those of (previous, value].
        shapes: for text: columns ``shape``, ``rows``, ``entities``; a shape is the text with every
            ASCII digit as ``9``, upper case letter as ``A``, lower case letter as ``a`` and
            every character beyond ASCII as ``*``; at most ``MAX_SHAPES``, most frequent first.
        decimals: for floats: the fewest decimals (0 to 9) that write every value exactly; None if
            more are needed, or for other types.
        special: for floats: rows that are NaN, +infinity, -infinity (not in counts and cuts).
    """

    rows: int
    nulls: int
    distinct: int
    counts: pa.Table | None = None
    cuts: pa.Table | None = None
    shapes: pa.Table | None = None
    decimals: int | None = None
    special: tuple[int, int, int] = (0, 0, 0)


@dataclass(frozen=True)
class KeyStatistics:
    """Counts of one foreign key.

    Attributes:
        rows: rows of the child.
        nulls: rows with a NULL in any part of the key.
        orphans: rows whose key no parent has.
        orphan_keys: distinct keys that no parent has.
        parents: distinct keys of the parent table.
        parent_rows: its rows: more where several share a key, or have none.
        degrees: columns ``degree``, ``parents`` (int64): children per distinct parent key, zero
            included.
        orphan_degrees: columns ``degree``, ``keys``: children per distinct orphan key.
        siblings: mean share of the most frequent value among a parent's children, over the child's
            columns of few values, as excess over what independent children would have; 0 to 1.
    """

    rows: int
    nulls: int
    orphans: int
    orphan_keys: int
    parents: int
    degrees: pa.Table
    orphan_degrees: pa.Table
    siblings: float
    parent_rows: int


@dataclass(frozen=True)
class TableStatistics:
    """Counts of one table.

    Attributes:
        rows: all rows of the source, hold-out included.
        train_rows: rows outside the hold-out.
        entities: distinct roots of the training rows.
        columns: by name; columns of training rows.
        keys: one for each foreign key of the schema, in its order, over all rows (hold-out
            included): a hold-out of parents would thin the degrees.
        primary_duplicates: rows beyond the first of each primary key, and rows with a NULL in it.
    """

    rows: int
    train_rows: int
    entities: int
    columns: Mapping[str, ColumnStatistics]
    keys: tuple[KeyStatistics, ...] = ()
    primary_duplicates: int = 0


MAX_VALUES = 20_000
MAX_SHAPES = 200
MAX_CUTS = 1_024
