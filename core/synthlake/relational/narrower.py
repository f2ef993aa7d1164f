"""Orphans of a narrower key whose wider one is NULL in part.

A return names its order and, if it is known, the line: (order, line) sets the columns of (order).
Where the line is NULL no row is referred to by both, and the order may be one that is missing.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.encode.axis import indices
from synthlake.relational.model import Link, Phantoms
from synthlake.relational.rows import Block
from synthlake.schema.model import ForeignKey, Table
from synthlake.seed import below, unit

if TYPE_CHECKING:
    from synthlake.relational.draft import Draft
    from synthlake.relational.generate import Generator

Columns = dict[str, "pa.Array[Any]"]


def with_lost(link: Link, draft: Draft, number: int) -> Link:
    """A derived link, with how often its parent is missing where every wider key is NULL.

    Privacy: k entities have such a row; that some have a parent instead is told of k as well.
    """
    table, data, join = draft.table, draft.data, draft.joins[number]
    wider = [draft.joins[table.foreign_keys.index(fk)].key < 0 for fk in _wider(table, link.fk)]
    if link.kind != "derived" or not wider or not _free(draft, number):
        return link
    rows = np.logical_and.reduce(wider) & (join.key >= 0)
    lost = rows & join.orphan
    if len(np.unique(data.group[lost])) < data.k:
        return link
    others = len(np.unique(data.group[rows & ~lost])) >= data.k
    count = len(np.unique(join.key[lost]))
    known = count / len(np.unique(join.key[join.orphan]))
    keys = max(round(data.statistics.keys[number].orphan_keys * known), 1)
    share = float(lost.sum() / rows.sum()) if others else 1.0
    return replace(
        link, lost=share, phantoms=Phantoms(keys, (1,), None, None, float(lost.sum()) / count)
    )


def _wider(table: Table, narrow: ForeignKey) -> list[ForeignKey]:
    """References by all columns of another one, and more."""
    return [fk for fk in table.foreign_keys if set(narrow.columns) < set(fk.columns)]


def _free(draft: Draft, number: int) -> bool:
    """Whether no other key wants the columns of one to be those of a parent, or distinct.

    And whether they have a value where a wider one is NULL in part: what may be NULL is then.
    """
    table, data = draft.table, draft.data
    fk, own = table.foreign_keys[number], table.own
    mine, wider = set(fk.columns), _wider(table, fk)
    held = {*table.primary_key, *(own.columns if own is not None else ())}
    held |= {column.name for column in table.columns if column.nullable}
    for other, join in zip(table.foreign_keys, draft.joins, strict=True):
        whole = len(np.unique(data.group[join.orphan])) < data.k
        if whole and other != fk and other not in wider:
            held |= set(other.columns)
    return not mine & held


def lost_columns(generator: Generator, block: Block, columns: Columns) -> Columns:
    """Columns of narrower keys, in which some rows without a wider one name a missing parent.

    They are given as the wider keys have set them.
    """
    plan, table, out = generator.plan, block.model.table, Columns()
    for link in block.model.links:
        fk, label = link.fk, link.fk.label(table.name)
        missing, real = plan.phantoms.get(label, 0), plan.rows.get(link.fk.references, 0)
        if not (link.lost and missing and real):
            continue
        alone = _alone(table, fk, {**block.known, **columns})
        rows = np.flatnonzero(alone & (unit(block.words(f"lost:{label}", 0)) < link.lost))
        if not len(rows):
            continue
        words = partial(block.words, f"lost:{label}", 1)
        parent = real + plan.offsets.get(label, 0) + below(words()[rows], missing)
        made = generator.referring(table, fk, fk.columns, parent, words)
        place = np.arange(block.rows)
        place[rows] = block.rows + np.arange(len(rows))
        for name, keys in made.items():
            out[name] = pa.concat_arrays([columns[name], keys]).take(indices(place))
    return out


def _alone(table: Table, fk: ForeignKey, columns: Columns) -> NDArray[np.bool_]:
    """Rows in which a key has a value, and no wider one has."""
    alone = _known(fk, columns)
    for other in _wider(table, fk):
        alone &= ~_known(other, columns)
    return alone


def _known(fk: ForeignKey, columns: Columns) -> NDArray[np.bool_]:
    """Rows in which no column of a key is NULL."""
    there: NDArray[np.bool_] = ~np.any([columns[name].is_null() for name in fk.columns], axis=0)
    return there
