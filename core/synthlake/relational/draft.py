"""All that is prepared for a table before anything is fitted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.constraints.dates import DateParts, fields, micros_of
from synthlake.constraints.discover import micros_per_tick
from synthlake.constraints.joined import joined
from synthlake.constraints.rule import Cells
from synthlake.encode.axis import Axis
from synthlake.encode.numeric import NumericCodec
from synthlake.models.support import distinct
from synthlake.ports import Feature
from synthlake.relational.above import known_above
from synthlake.relational.attributes import Frame, build_frame
from synthlake.relational.balancing import with_balances
from synthlake.relational.calendars import calendar_features, find_calendars
from synthlake.relational.clusters import cluster
from synthlake.relational.columns import TableData, codec_of_cells
from synthlake.relational.distinctness import REPEATED, repeated
from synthlake.relational.joins import Join, key_numbers, resolve
from synthlake.relational.keymaking import build_key
from synthlake.relational.keys import Busy, KeyMaker, SlotKey
from synthlake.relational.kin import with_kin
from synthlake.relational.links import (
    build_phantoms,
    children_of,
    degrees_of,
    identity_feature,
    identity_link,
    link_kinds,
    spread_if_few,
    with_unseen,
)
from synthlake.relational.model import CODE, Link, LinkKind, Loop, Spans, count_id, link_id
from synthlake.relational.narrower import with_lost
from synthlake.relational.ordering import Order, find_order
from synthlake.relational.polymorphic import check_types, types_first
from synthlake.relational.spans import clock_of, find_spans, sampled_slices, sliced, spans_of
from synthlake.relational.tied import with_marks
from synthlake.relational.totals import with_totals
from synthlake.schema.model import Column, ForeignKey, Schema, Table
from synthlake.sql.statistics import TableStatistics

_ALIKE = Feature(np.zeros(0, np.int32), 1, False)
MATCHED: tuple[LinkKind, ...] = ("cluster", "within")
_RELATED = 0.95  # share of rows
_LEAST_PARENTS = 12  # parents of a code, if k asks for fewer


@dataclass
class Draft:
    """A table on its way to a model.

    Attributes:
        joins: resolved foreign keys, by position.
        kinds: how each foreign key will come about, by position.
        links: those that are finished, by position.
        codes: features of the foreign keys, by position.
        family: features that this table's rows have as parents.
        degrees: codecs of their numbers of children, by label.
        groups: number of codes they have, by label.
        code: of its rows, as parents that others are matched with.
        order: of its rows; None where there is none.
        loops: foreign keys that close a cycle, by position.
        spans: when its rows have children.
    """

    table: Table
    data: TableData
    structured: bool
    joins: list[Join]
    kinds: list[LinkKind]
    key: KeyMaker | None
    frame: Frame
    links: dict[int, Link] = field(default_factory=dict)
    codes: dict[int, Feature] = field(default_factory=dict)
    family: dict[str, Feature] = field(default_factory=dict)
    degrees: dict[str, NumericCodec] = field(default_factory=dict)
    groups: dict[str, int] = field(default_factory=dict)
    code: Feature = _ALIKE
    order: Order | None = None
    loops: dict[int, Loop] = field(default_factory=dict)
    spans: Spans | None = None

    @property
    def known(self) -> list[str]:
        """Columns that are there before the row is drawn."""
        return [*known_columns(self.table, self.key), *(self.order.made if self.order else ())]

    def link(self, number: int) -> Link:
        """A foreign key's link; of a derived one it is only which rows lack this parent."""
        found = self.links.get(number)
        if found is not None:
            return found
        lost = self.data.group[self.joins[number].orphan]
        whole = self.kinds[number] == "derived" and len(np.unique(lost)) < self.data.k
        link = Link(self.table.foreign_keys[number], self.kinds[number], whole=whole)
        return with_lost(link, self, number)

    def features(self) -> dict[str, Feature]:
        """What describes a row to those who cluster by it: references and attributes."""
        links = {link_id(n): f for n, f in self.codes.items()}
        return {**links, **self.frame.seen}


def known_columns(table: Table, key: KeyMaker | None) -> list[str]:
    """Columns of the own key and of a made key."""
    own = table.own.columns if table.own else ()
    return list(dict.fromkeys([*own, *(key.columns if key else ())]))


def attributes_of(table: Table, key: KeyMaker | None) -> list[Column]:
    """Columns that are neither references nor made keys nor skipped."""
    taken = table.referring
    taken |= set(key.columns if key else ())
    return [c for c in table.columns if c.name not in taken and c.action != "skip"]


def meaningful(table: Table, key: KeyMaker | None, drafts: Mapping[str, Draft]) -> list[str]:
    """Known columns that say something: places on a grid, the table's own or the parent's."""
    names = list(key.columns) if isinstance(key, SlotKey) else []
    own = table.own
    if own is not None and own.references in drafts:
        grid = drafts[own.references].key
        if isinstance(grid, SlotKey):
            names += [c for c, to in zip(own.columns, own.to, strict=True) if to in grid.columns]
    return names


def prepare(
    table: Table, samples: Mapping[str, pa.Table], statistics: Mapping[str, TableStatistics],
    schema: Schema, drafts: Mapping[str, Draft], settings: tuple[int, bool, bool],
) -> Draft:  # fmt: skip
    """Codecs, keys, and references that need no other table's model.

    Args:
        table: which table.
        samples: rows of all tables.
        statistics: counts of all tables.
        schema: with all modes decided.
        drafts: of the tables before this one.
        settings: k, whether columns may depend on each other, and rows on the row before.
    """
    k, structured, ordered = settings
    sample = samples[table.name]
    joins = [resolve(sample, samples[fk.references], fk, n)
             for n, fk in enumerate(table.foreign_keys)]  # fmt: skip
    above = known_above(table, schema, drafts, joins, structured)
    seen = find_spans(table, schema, samples) if structured else None
    data = TableData(table.name, sample, statistics[table.name], k, table.primary_key, above, seen)
    spans = spans_of(data)
    data = data if spans is not None else replace(data, seen=None)
    key = build_key(data, table, schema, samples)
    kinds = link_kinds(table, schema, key)
    links, codes = {}, {}
    for number, kind in enumerate(kinds):
        if kind == "identity":
            fk = table.foreign_keys[number]
            links[number] = identity_link(data, table, fk, joins[number], samples[fk.references])
            codes[number] = identity_feature(data, links[number])
    order = find_order(data, table, key, joins) if ordered else None
    made = order.made if order else ()
    known = [*known_columns(table, key), *made]
    plain = find_calendars(data, table, meaningful(table, key, drafts), ())
    placed = calendar_features(plain, data.sample)
    named = {n: f for n, f in placed.items() if not f.ordered}
    named |= {link_id(n): f for n, f in codes.items()}
    columns = [c for c in attributes_of(table, key) if c.name not in made]
    first = order.first(table) if order else table
    whole = joined(first, schema, tuple(held.place for held in above.values()))
    frame = build_frame(data, types_first(whole), columns, known, named, structured)
    check_types(table, frame)
    frame = with_totals(
        frame, data, table, schema, samples,
        lambda name: samples[name].num_rows < statistics[name].train_rows,
    )  # fmt: skip
    if table.own is not None:
        family = joins[table.foreign_keys.index(table.own)].key
        frame = with_balances(with_marks(frame, data, family), data, family)
    draft = Draft(table, data, structured, joins, kinds, key, frame, links, codes, order=order)
    if spans is not None:
        draft.spans, draft.family = spans
    return draft


def connect(drafts: Mapping[str, Draft], schema: Schema) -> None:
    """Numbers of children and codes of parents, for every reference between drafts."""
    for parent in drafts.values():
        matched = [
            (draft, number)
            for draft in drafts.values()
            for number, fk in enumerate(draft.table.foreign_keys)
            if fk.references == parent.table.name and draft.kinds[number] in MATCHED
        ]
        if matched:
            parent.code = _parent_codes(parent, matched)
            parent.family[CODE] = parent.code
    for draft in drafts.values():
        for number, fk in enumerate(draft.table.foreign_keys):
            found = drafts.get(fk.references)
            if draft.kinds[number] in ("own", *MATCHED) and found is not None:
                _connect(draft, found, number, fk)
                if draft.kinds[number] == "cluster":
                    draft.links[number] = _timed(draft, found, number, drafts)


def _timed(draft: Draft, parent: Draft, number: int, drafts: Mapping[str, Draft]) -> Link:
    """A reference whose parents are found by time, and by what their children share."""
    link = sliced(draft.links[number], draft, parent, drafts)
    if not link.slices:
        return link
    link = replace(link, once=_once(draft, number))
    others = {link_id(n): f for n, f in draft.codes.items() if draft.kinds[n] == "identity"}
    at = sampled_slices(link, draft, parent, drafts)
    rows = (draft.joins[number].parent, draft.codes[number].codes, at)
    return with_kin(link, others, rows, clock_of(parent, drafts), draft.data.k)


def _once(draft: Draft, number: int) -> bool:
    """Whether hardly a row has a parent that another row of its family has by the same reference.

    Or any row of it by a reference before that to the same table: home and away.

    Privacy: a count of all rows.
    """
    keys = draft.table.foreign_keys
    own = draft.table.own
    assert own is not None
    family = draft.joins[keys.index(own)].parent
    to = keys[number].references
    same = [n for n, fk in enumerate(keys[: number + 1])
            if fk.references == to and draft.kinds[n] == "cluster"]  # fmt: skip
    parent = np.concatenate([draft.joins[n].parent for n in same])
    families = np.tile(family, len(same))
    known = (parent >= 0) & (families >= 0)
    again = repeated([parent[known], families[known]])
    return not known.any() or float(again.mean()) <= REPEATED


def _connect(draft: Draft, parent: Draft, number: int, fk: ForeignKey) -> None:
    """One reference."""
    label = fk.label(draft.table.name)
    join, rows, k = draft.joins[number], parent.data.sample.num_rows, draft.data.k
    statistics = draft.data.statistics.keys[number]
    counts, clustered = _degrees(draft, number, rows), draft.kinds[number] in MATCHED
    if not clustered:
        counts = spread_if_few(counts, parent.data.group, k)
    cells = Cells(counts, np.zeros(rows, bool))
    codec = codec_of_cells(cells, parent.data.group, k)
    parent.family[count_id(label)] = Feature(
        codec.encode_ticks(counts, cells.null), codec.size, True
    )
    parent.degrees[label] = codec
    orphans, lost = _orphan_codes(draft, join)
    phantoms = build_phantoms(draft.data.group, orphans, lost, statistics, k)
    if phantoms is None:
        orphans = np.full_like(orphans, -1)
    if not clustered:
        if phantoms is not None and isinstance(parent.key, SlotKey):
            parent.key = replace(parent.key, busy=_busy(draft, parent, parent.key, fk))
        met = statistics.rows - statistics.nulls - statistics.orphans
        nulls = statistics.nulls + (statistics.orphans if fk.orphans == "null" else 0)
        draft.links[number] = Link(
            fk, "own", phantoms=phantoms,
            null_rows=nulls if nulls >= k else 0,
            mean=met / max(statistics.parent_rows, 1),
        )  # fmt: skip
        return
    near = _near(draft, parent, number) if draft.kinds[number] == "within" else None
    related = near is not None and _related(near[0], near[1] & ~join.orphan)
    told = _told(parent.code, join, draft.data.group, k)
    link = Link(fk, draft.kinds[number], codes=told.size, phantoms=phantoms, related=related)
    draft.links[number], parent.groups[label] = link, told.size
    codes = _child_codes(join, told.codes, orphans, told.size)
    codes = _balanced(codes, join, draft.data.group, k)
    if _few(codes, draft.data.group, k):  # not who the parent is, but that there is one
        codes = np.where(join.key >= 0, 0, codes).astype(np.int32)
    if near is not None:  # rows without relatives are NULL anyway, and say nothing of the others
        codes = np.where((codes == -1) & ~near[0], -2, codes).astype(np.int32)
    draft.codes[number] = Feature(codes, link.size, False)


def _near(draft: Draft, parent: Draft, number: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which rows lie below one that has rows of the parent, and which say below what they lie."""
    fk, own = draft.table.foreign_keys[number], draft.table.own
    pairs = [(c, to) for c, to in zip(fk.columns, fk.to, strict=True) if own and c in own.columns]
    mine, theirs = key_numbers([
        [draft.data.sample[c] for c, _ in pairs], [parent.data.sample[to] for _, to in pairs],
    ])  # fmt: skip
    return np.isin(mine, theirs) & (mine >= 0), mine >= 0


def _related(near: NDArray[np.bool_], told: NDArray[np.bool_]) -> bool:
    """Whether hardly a row lies below one without relatives."""
    return bool(near[told].mean() >= _RELATED) if told.any() else False


def _degrees(draft: Draft, number: int, parents: int) -> NDArray[np.int64]:
    """Children of each parent by one reference; those that are held out with another one, too."""
    of, key = draft.data.statistics, draft.data.statistics.keys[number]
    whole = of.rows if draft.kinds[number] in MATCHED else of.train_rows
    return degrees_of(draft.joins[number], parents, draft.data.sample.num_rows, key, whole)


def _busy(draft: Draft, parent: Draft, grid: SlotKey, fk: ForeignKey) -> Busy | None:
    """Hours in which children are, if the grid has them and not in all of them.

    Privacy: an hour counts with children of k entities or more.
    """
    for column, to in zip(fk.columns, fk.to, strict=True):
        unit = micros_per_tick(draft.table.column(column).type)
        if unit is None or to not in grid.columns or parent.table.column(to).type != (
            draft.table.column(column).type
        ):  # fmt: skip
            continue
        rules = (*draft.frame.rules, *parent.frame.rules)
        zones = [r.zone for r in rules if isinstance(r, DateParts) and r.source in (column, to)]
        zone = zones[0] if zones else "UTC"
        ticks, null = Axis(draft.data.sample[column].type).ticks(draft.data.sample[column])
        hour = fields(micros_of(ticks[~null], unit), zone)["hour"]
        people = distinct(hour, draft.data.group[~null], 24)
        hours = np.flatnonzero(people >= draft.data.k)
        return Busy(to, unit, zone, tuple(int(h) for h in hours)) if 0 < len(hours) < 24 else None
    return None


def _parent_codes(parent: Draft, matched: Sequence[tuple[Draft, int]]) -> Feature:
    """Codes of a table's rows: of like parents with like children.

    One code for all references to the table: where parents are few, codes of which each would
    tell half of the same things leave nothing that enough of them share.
    """
    rows = parent.data.sample.num_rows
    if not all(draft.structured for draft, _ in (*matched, (parent, 0))):
        return Feature(np.zeros(rows, np.int32), 1, False)
    children = [(draft.features(), draft.joins[number].parent) for draft, number in matched]
    least = max(parent.data.k, _LEAST_PARENTS)
    codes, size = cluster(parent.features(), children, rows, least)
    sampled, true = np.zeros((2, rows), np.int64)
    for draft, number in matched:
        sampled += children_of(draft.joins[number], rows)
        true += _degrees(draft, number, rows)
    return Feature(with_unseen(codes, sampled, true), size, False)


def _orphan_codes(draft: Draft, join: Join) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """A code for each child whose parent is missing (else -1), and the missing key's number."""
    rows = np.flatnonzero(join.orphan)
    keys, lost = np.unique(join.key[rows], return_inverse=True)
    out = np.full(len(join.key), -1, np.int32)
    number = np.full(len(join.key), -1, np.int64)
    number[rows] = lost
    least = max(draft.data.k, _LEAST_PARENTS)
    if len(keys) < 2 * least or not draft.structured:
        out[rows] = 0
        return out, number
    codes, _ = cluster({}, [(draft.features(), number)], len(keys), least)
    out[rows] = codes[lost]
    few = _few(out, draft.data.group, draft.data.k)
    return np.minimum(out, np.int32(0)) if few else out, number


def _few(codes: NDArray[np.int32], group: NDArray[np.int64], k: int) -> bool:
    """Whether there is no code that k entities have."""
    rows = np.flatnonzero(codes >= 0)
    size = int(codes.max(initial=0)) + 1
    return int(distinct(codes[rows].astype(np.int64), group[rows], size).max()) < k


def _told(code: Feature, join: Join, group: NDArray[np.int64], k: int) -> Feature:
    """Codes of parents, as far as children tell them apart; else one for all.

    Children of few entities have no code that k of these share, and may have parents nevertheless.
    """
    there = np.flatnonzero(join.parent >= 0)
    if len(there) and _few(code.codes[join.parent[there]], group[there], k):
        return Feature(np.zeros_like(code.codes), 1, False)
    return code


def _child_codes(
    join: Join, codes: NDArray[np.int32], orphans: NDArray[np.int32], size: int
) -> NDArray[np.int32]:
    """The code of each child's parent: phantom codes after real ones, -2 for a held-out parent."""
    out = np.where(join.parent >= 0, codes[join.parent] if len(codes) else -2, -2)
    out = np.where(orphans >= 0, size + orphans, out)
    return np.where(join.key < 0, -1, out).astype(np.int32)


def _balanced(
    codes: NDArray[np.int32], join: Join, group: NDArray[np.int64], k: int
) -> NDArray[np.int32]:
    """Codes of which as many of orphans teach nothing as of rows with a parent.

    Where parents are held out, their children are left out, and orphans would be too many among the
    others. NULL is not: a row that teaches nothing else counts as one that is not NULL. Where fewer
    than k entities would be left, all of them stay.
    """
    out, known = codes.copy(), int((join.parent >= 0).sum())
    lost = int(((join.key >= 0) & (join.parent < 0) & ~join.orphan).sum())
    share = lost / (lost + known) if known else 0.0
    rows = np.flatnonzero(join.orphan & (codes >= 0))
    taken = np.diff(np.floor(np.arange(len(rows) + 1) * share)) > 0
    if len(np.unique(group[rows[~taken]])) >= k:
        out[rows[taken]] = -2
    return out
