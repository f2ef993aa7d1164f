"""Every column as few codes, and the counts of all pairs of codes.

Cost: one pass that encodes; then DuckDB's codes are counted as they come, and a database counts
one grouping of three columns for about three pairs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.quality.dataset import DataSet
from synthlake.quality.expressions import interval_code, literal
from synthlake.quality.layout import Field
from synthlake.quality.marginal import Marginal
from synthlake.quality.pairing import Pair
from synthlake.quality.streamed import pair_counts as counted
from synthlake.quality.streamed import streams

BINS = 10
_SETS = 60  # groupings in one statement

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Bins:
    """How one column is encoded: 0 is NULL, then intervals or values, last the rest (or NaN).

    Attributes:
        field: the column.
        edges: for ordered columns: upper ends of all intervals but the last.
        texts: for others: the most frequent values.
    """

    field: Field
    edges: tuple[float, ...] = ()
    texts: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Number of codes."""
        return 3 + (len(self.edges) if self.field.ordered else len(self.texts) - 1)


def bins_of(field: Field, real: Marginal) -> Bins:
    """Ten intervals of equally many real rows, or the ten most frequent values.

    A value that a tenth of the rows hold gets an interval of its own.
    """
    if not field.ordered:
        first = sorted(range(len(real.texts)), key=lambda i: (-int(real.counts[i]), i))[:BINS]
        return Bins(field, texts=tuple(real.texts[i] for i in first))
    edges = [float(real.values[at]) for at in _ends(real.counts)]
    finite = [e for e in edges if np.isfinite(e) and e < real.most]
    return Bins(field, edges=tuple(finite))


def _ends(counts: Counts) -> list[int]:
    """Last values of intervals of a tenth of all rows; one that holds so many begins anew."""
    upto = np.cumsum(counts)
    wanted = max(int(counts.sum()) / BINS, 1.0)
    large = np.flatnonzero(counts >= wanted)
    out: list[int] = []
    first, before = 0, 0  # of an interval, and rows before it
    while first < len(counts):
        last = int(np.searchsorted(upto, before + wanted))
        at = int(np.searchsorted(large, first, side="right"))
        if at < len(large) and large[at] <= last:
            last = int(large[at]) - 1
        elif last == len(counts):
            break
        out.append(last)
        first, before = last + 1, int(upto[last])
    return out


def code(data: DataSet, bins: Bins, alias: str = "t") -> str:
    """SQL of a column's code."""
    column, field = data.value(bins.field, alias), bins.field
    primitives = data.tables.primitives
    if not field.ordered:
        whens = " ".join(
            f"WHEN {literal(text, data.tables.engine.dialect)} THEN {i + 1}"
            for i, text in enumerate(bins.texts)
        )
        known = f"CASE {column} {whens} ELSE {bins.size - 1} END" if whens else "1"
        return f"CASE WHEN {column} IS NULL THEN 0 ELSE {known} END"
    tree = interval_code(column, bins.edges, 1)
    if field.floating:
        is_nan = primitives.is_special(column, "nan")
        tree = f"CASE WHEN {is_nan} THEN {bins.size - 1} ELSE {tree} END"
    return f"CASE WHEN {column} IS NULL THEN 0 ELSE {tree} END"


def cover(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, ...]]:
    """Sets of at most three columns such that every one of these pairs is in one."""
    open_pairs, later = set(pairs), defaultdict[int, set[int]](set)
    for a, b in pairs:
        later[a].add(b)
    out: list[tuple[int, ...]] = []
    for a, b in sorted(pairs):
        if (a, b) not in open_pairs:
            continue
        gains = [(((a, c) in open_pairs) + ((b, c) in open_pairs), -c)
                 for c in sorted(later[a] | later[b]) if c > b]  # fmt: skip
        gain, third = max(gains, default=(0, 0))
        chosen = (a, b, -third) if gain else (a, b)
        out.append(chosen)
        open_pairs -= set(combinations(chosen, 2))
    return out


PairCounts = dict[tuple[str, str], Counts]


def pair_counts(
    data: DataSet, table: str, bins: Sequence[Bins], blocks: Sequence[Sequence[Pair]]
) -> PairCounts:
    """Rows of each pair of codes, shape (size, size) each.

    Args:
        data: what is counted.
        table: of the columns.
        bins: of all columns that can be counted.
        blocks: pairs, see ``pairing.blocks_of``; those of other columns are left out.
    """
    key = ("pairs", table, tuple(b.field.name for b in bins))

    def count(side: DataSet) -> PairCounts:
        out: PairCounts = {}
        for block in blocks:
            inside = {name for pair in block for name in pair}
            out |= _pair_counts(side, table, [b for b in bins if b.field.name in inside], block)
        return out

    return data.count(key, count, _less)


def _less(whole: PairCounts, part: PairCounts) -> PairCounts:
    return {pair: cells - part[pair] for pair, cells in whole.items()}


def _pair_counts(
    data: DataSet, table: str, bins: Sequence[Bins], wanted: Sequence[Pair]
) -> PairCounts:
    place = {b.field.name: i for i, b in enumerate(bins)}
    pairs = [(place[a], place[b]) for a, b in wanted if a in place and b in place]
    if not pairs:
        return {}
    if streams(data):
        codes = ", ".join(f"CAST({code(data, b)} AS UTINYINT) AS c{i}" for i, b in enumerate(bins))
        select = f"SELECT {codes} FROM {data.tables.read(table)}"
        found = counted(data, select, [b.size for b in bins], pairs)
        names = [b.field.name for b in bins]
        return {(names[a], names[b]): cells for (a, b), cells in found.items()}
    return _grouped(data, table, bins, pairs, wanted)


def _grouped(
    data: DataSet, table: str, bins: Sequence[Bins], pairs: Sequence[tuple[int, int]],
    wanted: Sequence[Pair],
) -> PairCounts:  # fmt: skip
    """The same, counted where the rows are."""
    select = ", ".join(f"CAST({code(data, b)} AS SMALLINT) AS c{i}" for i, b in enumerate(bins))
    name = f"__synthlake_codes_{data.label}"
    out: PairCounts = {}
    groups, asked = cover(pairs), set(wanted)
    with data.tables.materialised(name, f"SELECT {select} FROM {data.tables.read(table)}") as codes:
        for start in range(0, len(groups), _SETS):
            _count(data, codes, bins, groups[start : start + _SETS], out)
    return {pair: cells for pair, cells in out.items() if pair in asked}


def _codes(column: pa.ChunkedArray[Any]) -> Counts:
    """Codes as integers, -1 for NULL."""
    found = column.to_numpy(zero_copy_only=False).astype(np.float64)
    return np.where(np.isnan(found), -1, found).astype(np.int64)


def _count(
    data: DataSet, codes: str, bins: Sequence[Bins], groups: Sequence[tuple[int, ...]],
    out: PairCounts,
) -> None:  # fmt: skip
    used = sorted({i for group in groups for i in group})
    sets = ", ".join("(" + ", ".join(f"c{i}" for i in group) + ")" for group in groups)
    names = ", ".join(f"c{i}" for i in used)
    found = data.query(
        f"SELECT {names}, COUNT(*) AS n FROM {codes} GROUP BY GROUPING SETS ({sets})"
    )
    # a column outside of a row's set is NULL; codes never are
    columns = {i: _codes(found[f"c{i}"]) for i in used}
    number = found["n"].to_numpy().astype(np.float64)
    member = {i: columns[i] >= 0 for i in used}
    size = sum(m.astype(np.int8) for m in member.values())
    for group in groups:
        rows = np.flatnonzero(np.logical_and.reduce([member[i] for i in group])
                              & (size == len(group)))  # fmt: skip
        for a, b in combinations(group, 2):
            key = (bins[a].field.name, bins[b].field.name)
            if key in out:
                continue
            shape = (bins[a].size, bins[b].size)
            flat = columns[a][rows] * shape[1] + columns[b][rows]
            cells = np.bincount(flat, number[rows], minlength=shape[0] * shape[1])
            out[key] = cells.reshape(shape).astype(np.int64)
