"""Counts of what several columns hold together, for a seeded choice of combinations."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from synthlake.quality.bins import Bins, code
from synthlake.quality.dataset import DataSet

MOST = 100  # combinations of a table
_TOGETHER = 20  # in one statement

Columns = tuple[str, ...]
Counted = Mapping[Columns, NDArray[np.int64]]
"""Rows of each combination of codes, shape (cells,), by its columns."""


def chosen(names: Sequence[str], size: int, seed: int) -> tuple[Columns, ...]:
    """Combinations of ``size`` columns: all, or of many a hundred in which columns come evenly.

    Columns are laid out in random orders, one after the other, and cut into pieces of ``size``.
    """
    if math.comb(len(names), size) <= MOST:
        return tuple(combinations(names, size))
    random = np.random.Generator(np.random.Philox(key=seed))
    found: set[tuple[int, ...]] = set()
    while len(found) < MOST:
        order = random.permutation(len(names))
        for at in range(0, len(order) - size + 1, size):
            found.add(tuple(sorted(order[at : at + size].tolist())))
            if len(found) == MOST:
                break
    return tuple(tuple(names[i] for i in one) for one in sorted(found))


def said_of(names: Sequence[str], size: int, sets: Sequence[Columns]) -> str:
    """What a report has to say of the choice; empty where all are judged."""
    every = math.comb(len(names), size)
    if every == len(sets):
        return ""
    return f"{len(sets):,} of {every:,} combinations are judged, chosen by chance (the seed)"


def coarse(bins: Bins, codes: int) -> Bins:
    """The same column in at most so many intervals or values, NULL and the rest apart."""
    if not bins.field.ordered:
        return replace(bins, texts=bins.texts[:codes])
    step = -(-(len(bins.edges) + 1) // codes)
    return replace(bins, edges=bins.edges[step - 1 :: step])


def counted(
    data: DataSet, bins: Sequence[Bins], sets: Sequence[Columns], codes: int
) -> Counted:  # fmt: skip
    """Rows of each combination of codes, from all rows.

    Args:
        data: what is counted.
        bins: of the table's columns, of which those of ``sets`` are there.
        sets: combinations of their columns.
        codes: most intervals or values of a column.
    """
    if not sets:
        return {}
    used = {name for one in sets for name in one}
    held = {b.field.name: coarse(b, codes) for b in bins if b.field.name in used}
    table = bins[0].field.table
    key = ("combinations", table, tuple(sets), codes)
    return data.count(key, lambda side: _counted(side, table, held, sets), _less)


def _less(whole: Counted, part: Counted) -> Counted:
    return {columns: cells - part[columns] for columns, cells in whole.items()}


def _counted(
    data: DataSet, table: str, held: Mapping[str, Bins], sets: Sequence[Columns]
) -> Counted:
    place = {name: i for i, name in enumerate(held)}
    select = ", ".join(
        f"CAST({code(data, b)} AS INTEGER) AS c{place[name]}" for name, b in held.items()
    )
    name = f"__synthlake_combinations_{data.label}"
    out: dict[Columns, NDArray[np.int64]] = {}
    with data.tables.materialised(name, f"SELECT {select} FROM {data.tables.read(table)}") as codes:
        for start in range(0, len(sets), _TOGETHER):
            part = sets[start : start + _TOGETHER]
            union = " UNION ALL ".join(
                f"SELECT {i} AS s, cell, COUNT(*) AS n FROM (SELECT {_cell(one, place, held)} "
                f"AS cell FROM {codes}) AS t{i} GROUP BY cell"
                for i, one in enumerate(part)
            )
            found = data.query(union)
            member, cell = (found[c].to_numpy().astype(np.int64) for c in ("s", "cell"))
            number = found["n"].to_numpy().astype(np.int64)
            for i, one in enumerate(part):
                cells = np.zeros(math.prod(held[c].size for c in one), np.int64)
                cells[cell[member == i]] = number[member == i]
                out[one] = cells
    return out


def _cell(columns: Columns, place: Mapping[str, int], held: Mapping[str, Bins]) -> str:
    """SQL of the number of a combination of codes."""
    out = "0"
    for name in columns:
        out = f"({out} * {held[name].size} + c{place[name]})"
    return out
