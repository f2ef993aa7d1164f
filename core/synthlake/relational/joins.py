"""Which sampled parent each sampled child has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.encode.axis import plain
from synthlake.late import late
from synthlake.schema.model import ForeignKey

if TYPE_CHECKING:
    from synthlake.sql import draw
else:
    draw = late("synthlake.sql.draw")


@dataclass(frozen=True)
class Join:
    """A foreign key resolved within a sample.

    Attributes:
        parent: shape (rows,), row of the parent in its sample; -1 for none.
        key: shape (rows,), a number per distinct key; -1 for NULL.
        orphan: shape (rows,), True where the source has no such parent at all.
    """

    parent: NDArray[np.int64]
    key: NDArray[np.int64]
    orphan: NDArray[np.bool_]


def resolve(child: pa.Table, parent: pa.Table, fk: ForeignKey, number: int) -> Join:
    """Match rows of a child to rows of a parent; the first of equal parents is taken.

    A parent that is held out is no orphan: ``__orphan_<number>`` in the sample says which are.
    """
    mine, theirs = key_numbers([[child[c] for c in fk.columns], [parent[c] for c in fk.to]])
    size = int(max(mine.max(initial=-1), theirs.max(initial=-1))) + 1
    row_of = np.full(size + 1, -1, np.int64)
    known = np.flatnonzero(theirs >= 0)[::-1]
    row_of[theirs[known]] = known
    row_of[size] = -1
    found = row_of[mine]
    flag = f"{draw.ORPHAN}{number}"
    if flag in child.column_names:
        orphan = np.asarray(plain(child[flag]).fill_null(False))
    else:
        orphan = (mine >= 0) & (found < 0)
    return Join(found, mine, orphan & (mine >= 0) & (found < 0))


def key_numbers(sides: Sequence[Sequence[pa.ChunkedArray[Any]]]) -> list[NDArray[np.int64]]:
    """Numbers of key tuples that are equal on all sides; -1 where any part is NULL."""
    total: NDArray[np.int64] | None = None
    lengths = [len(side[0]) for side in sides]
    for parts in zip(*sides, strict=True):
        arrays = [plain(p) for p in parts]
        wide = _common(arrays)
        joined = pa.concat_arrays([a.cast(wide) for a in arrays])
        codes = np.asarray(joined.dictionary_encode().indices.fill_null(-1)).astype(np.int64)
        total = codes if total is None else _fused(total, codes)
    if total is None:
        return [np.full(n, -1, np.int64) for n in lengths]
    return list(np.split(total, np.cumsum(lengths)[:-1]))


def _common(arrays: Sequence[pa.Array[Any]]) -> pa.DataType:
    """A type that holds keys of both sides."""
    kinds = {a.type for a in arrays}
    if len(kinds) == 1:
        same: pa.DataType = arrays[0].type
        return same
    if all(pa.types.is_integer(t) for t in kinds):
        return pa.int64()
    return pa.string()


def _fused(left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    missing = (left < 0) | (right < 0)
    pair = left * (int(right.max(initial=0)) + 1) + right
    _, dense = np.unique(pair, return_inverse=True)
    return np.where(missing, -1, dense)


def entities(sample: pa.Table) -> NDArray[np.int64]:
    """The entity of each row; the row itself where the sample does not say."""
    if draw.ENTITY in sample.column_names:
        return np.asarray(plain(sample[draw.ENTITY])).astype(np.int64)
    return np.arange(sample.num_rows, dtype=np.int64)
