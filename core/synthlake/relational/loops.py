"""What is learned of foreign keys that close a cycle: levels, and how many refer to a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.constraints.rule import Cells
from synthlake.encode.axis import plain
from synthlake.encode.categorical import UNKNOWN
from synthlake.errors import LearnError
from synthlake.models.support import distinct
from synthlake.ports import Feature
from synthlake.relational.columns import codec_of_cells
from synthlake.relational.draft import Draft
from synthlake.relational.joins import key_numbers
from synthlake.relational.model import Loop, count_id, level_id
from synthlake.schema.model import ForeignKey, Schema, Table
from synthlake.sql.loops import DEEPEST, ITSELF, LEVEL, ORPHAN, REFERRED
from synthlake.sql.statistics import TableStatistics

Levels = NDArray[np.int64]


def without_orphans(
    table: Table, sample: pa.Table, statistics: TableStatistics
) -> tuple[pa.Table, TableStatistics]:
    """A sample after the policies of the loops, and the counts of its rows.

    Raises:
        LearnError: a key with ``orphans: fail`` has some.
    """
    for place, fk in enumerate(table.loops):
        name = f"{LEVEL}{place}"
        if fk.orphans == "keep" or name not in sample.column_names:
            continue
        lost = np.asarray(plain(sample[name])) == ORPHAN
        if fk.orphans == "fail" and lost.any():
            raise LearnError(
                f"{fk.label(table.name)} has {int(lost.sum())} rows without a parent, and its"
                " policy is fail",
                hint="mend the data, or choose orphans: keep, 'null' or drop",
            )
        if fk.orphans == "drop" and lost.any():
            share = float(1.0 - lost.mean())
            sample = sample.filter(pa.array(~lost))
            rows, trained = round(statistics.rows * share), round(statistics.train_rows * share)
            statistics = replace(statistics, rows=rows, train_rows=trained)
    return sample, statistics


def close_loops(drafts: Mapping[str, Draft], schema: Schema) -> None:
    """Levels of rows, and numbers of those that refer to them, for every loop between drafts."""
    for draft in drafts.values():
        for place, fk in enumerate(draft.table.loops):
            if fk.references in drafts:
                draft.loops[place] = _close(draft, place, fk)
        for place, (child, fk) in enumerate(schema.loops(draft.table.name)):
            if child.name in drafts:
                _count(draft, place, fk.label(child.name))


def _count(parent: Draft, place: int, label: str) -> None:
    """How many rows refer to each row."""
    counts = np.asarray(plain(parent.data.sample[f"{REFERRED}{place}"])).astype(np.int64)
    cells = Cells(counts, np.zeros(len(counts), bool))
    codec = codec_of_cells(cells, parent.data.group, parent.data.k)
    feature = Feature(codec.encode_ticks(counts, cells.null), codec.size, True)
    parent.family[count_id(label)], parent.degrees[label] = feature, codec


def _close(draft: Draft, place: int, fk: ForeignKey) -> Loop:
    """One loop; its code becomes a feature of the rows."""
    level = np.asarray(plain(draft.data.sample[f"{LEVEL}{place}"])).astype(np.int64)
    within = fk.references == draft.table.name
    lost, people = level == ORPHAN, draft.data.group
    # orphans of too few people: of any level, as far as is told
    hidden = np.zeros(len(level), bool)
    if fk.orphans != "keep" or len(np.unique(people[lost])) < draft.data.k:
        hidden = lost & (fk.orphans == "keep") & (not lost.all())
        lost = np.zeros(len(level), bool)
    own, depth = level == ITSELF, np.maximum(level, 0)
    known = ~lost & ~hidden
    ends = _ends(depth[known], people[known], draft.data.k)
    codes = np.searchsorted(ends, depth, side="left").astype(np.int32)
    begins = [0, *(ends[:-1] + 1)]
    lumps = tuple(
        bool(end > begin or end > DEEPEST) for begin, end in zip(begins, ends, strict=True)
    )
    if not within:
        codes, lumps = _apart(depth, people, known, draft.data.k), (False, False)
    codes = np.where(lost, len(lumps), np.where(hidden, UNKNOWN, codes)).astype(np.int32)
    nobody = (level == 0) & ~own
    strict = not any(draft.table.column(c).nullable for c in fk.columns)
    itself = within and (strict or own.sum() > nobody.sum())
    loop = Loop(fk, lumps, within, _keys(draft, fk, lost), itself)
    draft.family[level_id(place)] = Feature(codes, loop.size, within)
    return loop


def _ends(depth: Levels, people: Levels, k: int) -> Levels:
    """The last level of each group of levels: the fewest that k entities lie on, from the top."""
    ends: list[int] = []
    begin = 0
    for level in np.unique(depth).tolist():
        inside = (depth >= begin) & (depth <= level)
        if len(np.unique(people[inside])) >= k:
            ends.append(int(level))
            begin = int(level) + 1
    last = int(depth.max(initial=0))
    return np.array([*ends[:-1], max(last, ends[-1])] if ends else [last], np.int64)


def _apart(
    depth: Levels, people: Levels, known: NDArray[np.bool_], k: int
) -> NDArray[np.int32]:  # fmt: skip
    """Whether rows have a parent in another table; all alike where fewer than k differ."""
    codes = (depth > 0).astype(np.int64)
    few = distinct(codes[known], people[known], 2) < k
    if few.any():
        codes[:] = int(np.argmax(np.bincount(codes[known], minlength=2)))
    return codes.astype(np.int32)


def _keys(draft: Draft, fk: ForeignKey, lost: NDArray[np.bool_]) -> int:
    """How many keys that no row has there are in the source, by the sample."""
    if not lost.any():
        return 0
    rows = draft.data.sample.filter(pa.array(lost))
    found = len(np.unique(key_numbers([[rows[c] for c in fk.columns]])[0]))
    grown = draft.data.statistics.rows / max(draft.data.sample.num_rows, 1)
    return max(round(found * grown), 1)
