"""What makes a primary key unique within the families of the own parent, and how many it holds.

A number gives way to the nearest free one, so it alone suffices. Without numbers, parents of
another table give way; without these, categories do, each as far as later ones tell rows apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.encode.axis import coded
from synthlake.encode.numeric import NumericCodec
from synthlake.encode.text import TextCodec
from synthlake.errors import SampleError
from synthlake.ports import Codes
from synthlake.relational.distinctness import repeated
from synthlake.relational.model import TableModel, column_id, link_id

Index = NDArray[np.int64]
_TRIES = range(10, 42)  # numbers of further draws


def often(model: TableModel, rows: Mapping[str, int]) -> dict[str, int]:
    """How often a value may stand in a family, for columns that give way when drawn.

    Once for what siblings have no two of; for columns of the key, as often as its rest tells apart
    the rows that have the same value.
    """
    paired = {link_id(n) for n, k in enumerate(model.links) if k.kind == "cluster"}
    return {**_key_often(model, rows), **{n: 1 for n in model.apart if n not in paired}}


def _key_often(model: TableModel, rows: Mapping[str, int]) -> dict[str, int]:
    """The same for the columns of the key."""
    names = model.distinct
    numbers = [n for n in names if _is(model, n, NumericCodec)]
    if numbers:
        return {numbers[-1]: 1}
    if any(_is(model, n, TextCodec) for n in names) or _related(model):
        return {}
    paired = {link_id(n) for n, k in enumerate(model.links) if k.kind == "cluster"}
    named = [n for n in names if n not in paired]
    rest = prod(_size(model, n, rows) for n in names if n in paired)
    sizes = [_size(model, n, rows) for n in named]
    return {n: max(rest * prod(sizes[at + 1 :]), 1) for at, n in enumerate(named)}


def pairing(model: TableModel) -> int | None:
    """Place of the foreign key whose parents give way; None where other columns do."""
    if any(_is(model, n, NumericCodec) for n in model.distinct):
        return None
    places = [n for n, k in enumerate(model.links)
              if k.kind == "cluster" and link_id(n) in model.distinct]  # fmt: skip
    return max(places, default=None)


def numbered(model: TableModel) -> bool:
    """Whether a number of the key gives way."""
    return any(_is(model, n, NumericCodec) for n in model.distinct)


def _related(model: TableModel) -> bool:
    """Whether parents among relatives are a part of the key; how many differs from row to row."""
    return any(k.kind == "within" and link_id(n) in model.distinct
               for n, k in enumerate(model.links))  # fmt: skip


def tells_all(model: TableModel, name: str, most: Mapping[str, int]) -> bool:
    """Whether a reference alone gives way so that a primary key is unique, none beside it.

    Args:
        model: of the table.
        name: feature of the reference.
        most: see ``often``.
    """
    rare = [link_id(n) for n, k in enumerate(model.links) if k.rest]
    return (
        name in rare
        and [n for n in rare if n in model.distinct] == [name]
        and (most.get(name) == 1 and name not in model.apart and whole_key(model))
    )


def whole_key(model: TableModel) -> bool:
    """Whether the columns that differ within a family are all of the primary key but the own one.

    Others may be made of the row's number, and then tell rows apart that agree in all of these.
    """
    told = {a.column for a in model.attributes if column_id(a.column) in model.distinct}
    for number, link in enumerate(model.links):
        told |= set(link.fk.columns) if link_id(number) in model.distinct else set()
    own = set(model.own.fk.columns) if model.own is not None else set()
    return set(model.table.primary_key) <= told | own


def rewritten(model: TableModel) -> str | None:
    """The text column that gives way: texts of one shape are told apart when they are written."""
    if any(_is(model, n, NumericCodec) for n in model.distinct) or pairing(model) is not None:
        return None
    texts = [n for n in model.distinct if _is(model, n, TextCodec)]
    return texts[-1] if texts else None


def most_children(model: TableModel, rows: Mapping[str, int]) -> int | None:
    """Most rows that a family may have, given other tables' rows; None where no limit is set."""
    own, key = model.own, set(model.table.primary_key)
    if own is None or not key or not set(own.fk.columns) <= key:
        return None
    if key == set(own.fk.columns):
        return 1
    names = model.distinct
    if not names or _related(model) or any(_is(model, n, NumericCodec | TextCodec) for n in names):
        return None
    return max(prod(_size(model, n, rows) for n in names), 1)


@dataclass(frozen=True)
class Others:
    """The parents that rows may have in place of theirs.

    Attributes:
        rows: of the parent's table.
        where: the key, for messages; empty where rows may have the same for want of others.
        named: numbers of parents by what children refer to; -1 stays -1.
    """

    rows: int
    where: str
    named: Callable[[Index], Index]


def unlike(
    parent: Index, keys: Sequence[NDArray[np.integer]], redraw: Callable[[Index, int], Index],
    rows: int, where: str, named: Callable[[Index], Index] | None = None,
) -> Index:  # fmt: skip
    """Parents of which no two rows with equal keys have the same.

    Args:
        parent: number of each row's parent; -1 for none, which is replaced.
        keys: all other columns of the key.
        redraw: parents of some rows, drawn again with the words of another number.
        rows: of the parent's table.
        where: the key, for messages; empty where rows may have the same for want of others.
        named: numbers of parents by what children refer to; None where no two share it.

    Raises:
        SampleError: there are not as many parents.
    """
    others = Others(rows, where, named or (lambda found: found))
    parent = parent.copy()
    for number in _TRIES:
        bad = np.flatnonzero(repeated([others.named(parent), *keys]) | (parent < 0))
        if not len(bad):
            return parent
        parent[bad] = redraw(bad, number)
    told = others.named(parent)
    bad = np.flatnonzero(repeated([told, *keys]) | (parent < 0))
    taken: dict[tuple[int, ...], set[int]] = {}
    good = np.ones(len(parent), bool)
    good[bad] = False
    for key in keys if len(bad) else ():  # of rows that share no key with a bad one, none matters
        good &= np.isin(key, key[bad])
    wanted = {tuple(int(k[row]) for k in keys) for row in bad}
    for row in np.flatnonzero(good) if len(bad) else ():
        group = tuple(int(k[row]) for k in keys)
        if group in wanted:
            taken.setdefault(group, set()).add(int(told[row]))
    for row in bad:
        used = taken.setdefault(tuple(int(k[row]) for k in keys), set())
        parent[row] = _nearest(int(parent[row]), used, others)
        used.add(int(others.named(parent[row : row + 1])[0]))
    return parent


def _nearest(wanted: int, used: set[int], others: Others) -> int:
    """The parent nearest to one that is not used."""
    rows = others.rows
    first, wanted = wanted, min(max(wanted, 0), max(rows - 1, 0))
    for distance in range(rows):
        for found in (wanted + distance, wanted - distance):
            if 0 <= found < rows and int(others.named(np.array([found]))[0]) not in used:
                return found
    if not others.where:
        return first
    raise SampleError(
        f"{others.where} would repeat: a family has more rows than there are {rows:,} parents to"
        " tell them apart",
        hint="ask for more rows of the other tables that the key refers to",
    )


def texts_apart(
    texts: pa.Array[Any], keys: Sequence[NDArray[np.integer]], codec: TextCodec, codes: Codes,
    model: TableModel,
) -> pa.Array[Any]:  # fmt: skip
    """Texts of which no two rows with equal keys have the same: the first that is free.

    Raises:
        SampleError: a family has more rows than there are texts.
    """
    values = texts.cast(pa.string()).to_pylist()
    groups = list(zip(*(key.tolist() for key in keys), strict=True))
    used: dict[tuple[int, ...], set[str]] = {}
    late = []
    for row, (text, group) in enumerate(zip(values, groups, strict=True)):
        held = used.setdefault(group, set())
        if text is None or text in held:
            late.append(row)
        else:
            held.add(text)
    for row in late:
        held = used[groups[row]]
        values[row] = codec.unlike(int(codes[row]), held)
        if values[row] is None:
            raise SampleError(
                f"{model.table.key_text} would repeat: a family has more rows than the"
                f" {len(held):,} texts of its shapes",
                hint="give the column a wider `pattern`, or ask for fewer rows of the parents",
            )
        held.add(str(values[row]))
    made = pa.array(values, pa.string())
    return coded(made, texts.type) if pa.types.is_dictionary(texts.type) else made.cast(texts.type)


def _is(model: TableModel, name: str, kind: object) -> bool:
    found = next((a for a in model.attributes if column_id(a.column) == name), None)
    codec = (found.drawn or found.codec) if found else None
    return isinstance(codec, kind)  # type: ignore[arg-type]


def _size(model: TableModel, name: str, rows: Mapping[str, int]) -> int:
    """Values that a category or a reference can have."""
    for number, link in enumerate(model.links):
        if link_id(number) == name:
            if link.kind == "cluster":
                return rows.get(link.fk.references, 0)
            return link.size - link.rest + link.unlisted
    found = next(a for a in model.attributes if column_id(a.column) == name)
    return found.codec.size if found.codec is not None else 1
