"""When a row has children: the time of its first one, and how long they go on after it.

Parents that others are matched with are found by codes of a dozen and more, whose children may lie
decades apart. Where those of one parent lie close together, the time of the first one and the time
from it to the last are learned as two more features of the parent, drawn before its attributes;
dates of its own are learned as distances from the first one; and its stubs lie in that time, so
that a child of a time finds a parent of its time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.constraints.discover import micros_per_tick
from synthlake.constraints.relative import Linear, spread
from synthlake.constraints.rule import Cells
from synthlake.encode.axis import Axis, Ticks
from synthlake.encode.numeric import NumericCodec
from synthlake.models.support import dense
from synthlake.ports import Codes, Feature
from synthlake.relational.joins import entities, resolve
from synthlake.relational.model import (
    LENGTH,
    START,
    Codec,
    Link,
    Spans,
    column_id,
    parent_id,
)

if TYPE_CHECKING:
    from synthlake.relational.columns import TableData
    from synthlake.relational.draft import Draft
    from synthlake.relational.generate import Generator
    from synthlake.relational.model import Model, TableModel
    from synthlake.relational.rows import Block
    from synthlake.schema.model import ForeignKey, Schema, Table

_CLOSE = 0.25  # share of the variance of children's times that may lie within parents
_TIGHT = 0.5  # of a date's own spread, that its distances from the first child may have
_FEWEST = 16  # codes of a time below which it tells too little
_SLICES, _CELLS = 64, 2_048  # most slices of time, alone and times codes of parents

Floats = NDArray[np.float64]
Index = NDArray[np.int64]
Found = tuple[Index, Ticks, Index]  # rows of parents, when they have a child, and whose date it is


@dataclass(frozen=True)
class Seen:
    """When the rows of a sample have children.

    Attributes:
        table, column: what tells the time of a child: a column of its own parent.
        type: of that column.
        start: of the first child; NULL without children.
        length: from the first to the last one.
        first, last: entities that the first and the last child's dates are of, shape (rows,).
    """

    table: str
    column: str
    type: pa.DataType
    start: Cells
    length: Cells
    first: Index
    last: Index


def find_spans(table: Table, schema: Schema, samples: Mapping[str, pa.Table]) -> Seen | None:
    """When rows of a table have children, where those of one row lie close together in time.

    The time of a child is the first date or timestamp of the parent that it is made with. Only
    children of one such table and column count.
    """
    found: dict[tuple[str, str], list[Found]] = {}
    for child, fk in schema.children(table.name):
        place = _time_of(child, fk, schema)
        if place is not None and child.name in samples:
            found.setdefault(place, []).append(_times(child, fk, place, samples))
    seen = [_seen(place, parts, schema, samples[table.name].num_rows)
            for place, parts in found.items()]  # fmt: skip
    return next((one for one in seen if one is not None), None)


def _time_of(child: Table, fk: ForeignKey, schema: Schema) -> tuple[str, str] | None:
    """The table and column that tell when a child is; None where nothing does."""
    own = child.own
    if own is None or fk == own or set(own.columns) & set(fk.columns) or child.skip:
        return None
    wider = (other for other in child.foreign_keys if set(fk.columns) < set(other.columns))
    above = schema[own.references]
    if above.keep or next(wider, None) is not None or own.references == fk.references:
        return None
    taken = {*above.primary_key, *above.referring}
    for column in above.columns:
        learned = column.action == "learn" and not column.made and column.name not in taken
        if learned and micros_per_tick(column.type) is not None:
            return own.references, column.name
    return None


def _times(
    child: Table, fk: ForeignKey, place: tuple[str, str], samples: Mapping[str, pa.Table]
) -> Found:
    """Parents of children, the times of these, and the entities that the times are of."""
    own, sample = child.own, samples[child.name]
    assert own is not None
    numbers = {key: n for n, key in enumerate(child.foreign_keys)}
    above = resolve(sample, samples[place[0]], own, numbers[own]).parent
    parent = resolve(sample, samples[fk.references], fk, numbers[fk]).parent
    column = samples[place[0]][place[1]]
    ticks, null = Axis(column.type).ticks(column)
    known = (above >= 0) & (parent >= 0)
    known[known] = ~null[above[known]]
    owner = dense(entities(samples[place[0]]))
    return parent[known], ticks[above[known]], owner[above[known]]


def _seen(place: tuple[str, str], parts: list[Found], schema: Schema, rows: int) -> Seen | None:
    """First and last times of each parent; None where children are not close together."""
    parent, ticks, owner = (np.concatenate(held) for held in zip(*parts, strict=True))
    count = np.bincount(parent, minlength=rows)
    times = ticks.astype(np.float64)
    mean = np.bincount(parent, times, rows) / np.maximum(count, 1)
    several = count[parent] > 1
    whole = times[several].var() if several.any() else 0.0
    within = float(((times - mean[parent])[several] ** 2).mean()) if several.any() else 0.0
    if not whole > 0 or within > _CLOSE * whole:
        return None
    order = np.lexsort((owner, ticks, parent))
    ends, null = np.cumsum(count), count == 0
    first, last = (order[np.where(null, 0, at)] for at in (ends - count, ends - 1))
    start = Cells(np.where(null, 0, ticks[first]), null)
    length = Cells(np.where(null, 0, ticks[last] - ticks[first]), null)
    dtype = schema[place[0]].column(place[1]).type
    return Seen(*place, dtype, start, length, owner[first], owner[last])


def spans_of(data: TableData) -> tuple[Spans, dict[str, Feature]] | None:
    """Codecs of when rows have children, and their codes; None where too few tell it.

    Privacy: bins have k entities or more that the dates are of, and so k rows of parents, each of
        which has one first and one last child.
    """
    from synthlake.relational.columns import codec_of_cells

    seen = data.seen
    if seen is None:
        return None
    start = codec_of_cells(seen.start, seen.first, data.k, seen.type)
    length = codec_of_cells(seen.length, seen.last, data.k)
    if start.size < _FEWEST or not length.size:
        return None
    features = {
        name: Feature(codec.encode_ticks(cells.ticks, cells.null), codec.size, True)
        for name, codec, cells in ((START, start, seen.start), (LENGTH, length, seen.length))
    }
    return Spans(seen.table, seen.column, start, length), features


def since_start(data: TableData, own: Cells, codec: Codec) -> Linear | None:
    """A date as its distance from the first child, if that is tighter than the date itself."""
    seen = data.seen
    unit = micros_per_tick(codec.axis.value_type) if isinstance(codec, NumericCodec) else None
    if seen is None or unit is None:
        return None
    per_tick = micros_per_tick(seen.type)
    assert per_tick is not None
    known = ~seen.start.null & ~own.null
    if known.sum() < max(data.k, _FEWEST):
        return None
    middle, times = float(np.mean(seen.start.ticks[known])), per_tick / unit
    linear = Linear((START,), (middle,), (1.0,), ((), (0,)), (middle * times, times), sum=True)
    rest = linear.forward({START: seen.start}, own)
    tight = spread(rest.ticks[known]) < _TIGHT * spread(own.ticks[known])
    return linear if tight else None


def sliced(link: Link, draft: Draft, parent: Draft, drafts: Mapping[str, Draft]) -> Link:
    """The reference of children whose parents are found by time, where they can be."""
    spans, own = parent.spans, draft.table.own
    if spans is None or own is None or own.references != spans.table or link.phantoms is not None:
        return link
    above = drafts.get(spans.table)
    drawn = above.frame.seen.get(column_id(spans.column)) if above is not None else None
    if drawn is None or drawn.size < _FEWEST:
        return link
    return replace(link, slices=int(min(drawn.size, _SLICES, max(_CELLS // link.codes, 1))))


def sampled_slices(
    link: Link, draft: Draft, parent: Draft, drafts: Mapping[str, Draft]
) -> NDArray[np.int64]:
    """The slice of time in which each sampled row lies, as ``slices_of`` says of those made."""
    spans, own = parent.spans, draft.table.own
    assert spans is not None
    assert own is not None
    drawn = drafts[spans.table].frame.seen[column_id(spans.column)]
    above = draft.joins[draft.table.foreign_keys.index(own)].parent
    codes = np.where(above < 0, 0, np.maximum(drawn.codes[above], 0)).astype(np.int64)
    return np.minimum(codes * link.slices // drawn.size, link.slices - 1)


def clock_of(parent: Draft, drafts: Mapping[str, Draft]) -> tuple[str, int]:
    """The feature of the own parent that tells when a child is, and its codes."""
    spans = parent.spans
    assert spans is not None
    name = column_id(spans.column)
    return parent_id(name), drafts[spans.table].frame.seen[name].size


def slices_of(block: Block, link: Link, model: Model) -> NDArray[np.int64]:
    """The slice of time in which each row of a block lies."""
    spans = model.tables[link.fk.references].spans
    assert spans is not None
    codes = np.maximum(block.context[parent_id(column_id(spans.column))], 0).astype(np.int64)
    return np.minimum(codes * link.slices // _clock(model, spans).size, link.slices - 1)


def clock_of_model(model: Model, link: Link) -> NumericCodec:
    """The codec of the column that tells when children of a reference are."""
    spans = model.tables[link.fk.references].spans
    assert spans is not None
    return _clock(model, spans)


def clock_name(model: Model, link: Link) -> str:
    """The feature of the own parent that tells it."""
    spans = model.tables[link.fk.references].spans
    assert spans is not None
    return parent_id(column_id(spans.column))


def ticks_at(model: Model, link: Link, ticks: Floats) -> Floats:
    """Times in codes of that column, and how far into these."""
    spans = model.tables[link.fk.references].spans
    assert spans is not None
    edges = _edges(model, spans, _clock(model, spans).size)
    at: Floats = np.interp(ticks, edges, np.arange(len(edges), dtype=np.float64))
    return at


def _clock(model: Model, spans: Spans) -> NumericCodec:
    """The codec of the column that tells the time."""
    attributes = model.tables[spans.table].attributes
    codec = next(a.codec for a in attributes if a.column == spans.column)
    assert isinstance(codec, NumericCodec)
    return codec


def as_timed(block: Block, name: str, codes: Codes) -> Codes:
    """Codes of when rows have their children by the plan; as drawn where it does not say."""
    spans = block.model.spans
    if spans is None or name not in (START, LENGTH):
        return codes
    codec = spans.start if name == START else spans.length
    drawn = Cells(*codec.draw(codes, block.words(name, 1))) if name == START else None
    cells = None if block.timed is None else block.timed.get(name)
    if drawn is not None:
        block.cells[START] = drawn if cells is None else Cells(
            np.where(cells.null, drawn.ticks, cells.ticks), drawn.null & cells.null
        )  # fmt: skip
    if cells is None:
        return codes
    return np.where(cells.null, codes, codec.encode_ticks(cells.ticks, cells.null))


def by_plan(generator: Generator, block: Block, number: int) -> dict[str, Cells] | None:
    """When the parents of a block have their first children, and how long; None where no plan says.

    What was drawn says in which order parents of a code have children; where these are few, the
    times are others than drawn. Attributes follow the times as they are. Rows that others are made
    with have to be the same before the plan is made, and stay as drawn.
    """
    model, careers = block.model, generator.plan.careers
    if model.spans is None or not follows_plan(generator, model):
        return None
    first, last = np.full(block.rows, np.inf), np.full(block.rows, -np.inf)
    timed = dict(_timed(generator.model, model.table.name))
    for label, link in timed.items():
        if label in careers:
            rows, some = np.arange(block.rows), slice(block.start, block.start + block.rows)
            at, until = careers[label].first[some], careers[label].last[some]
            edges = _edges(generator.model, model.spans, _clock(generator.model, model.spans).size)
        elif label in generator.plan.codes:
            rows, at = generator.matching.times(link, label, number)
            edges, until = _edges(generator.model, model.spans, link.slices), at
        else:
            continue
        begin, end = (np.interp(t, np.arange(len(edges), dtype=np.float64), edges)
                      for t in (at, until))  # fmt: skip
        first[rows] = np.minimum(first[rows], np.where(np.isfinite(at), begin, np.inf))
        last[rows] = np.maximum(last[rows], np.where(np.isfinite(at), end, -np.inf))
    null = ~np.isfinite(first)
    out = {START: _whole(first, null)}
    return out | ({LENGTH: _whole(last - first, null)} if set(timed) <= set(careers) else {})


def _whole(ticks: Floats, null: NDArray[np.bool_]) -> Cells:
    """Whole ticks."""
    return Cells(np.rint(np.where(null, 0.0, ticks)).astype(np.int64), null)


def follows_plan(generator: Generator, model: TableModel) -> bool:
    """Whether rows have their children when the plan says, not when was drawn.

    Rows that others are made with have to be the same before the plan is made.
    """
    name = model.table.name
    above = {held.own.fk.references for held in generator.model.tables.values() if held.own}
    if name in above or model.own is not None or name in generator.plan.given or model.links:
        return False
    return _keyed_apart(generator.model, model)


def _keyed_apart(model: Model, table: TableModel) -> bool:
    """Whether what children refer to is made from the row's number alone."""
    drawn = {name.removeprefix(column_id("")) for name in table.order}
    referred = {column for child in model.tables.values() for fk in child.table.foreign_keys
                if fk.references == table.table.name for column in fk.to}  # fmt: skip
    return not drawn & {*referred, *table.table.primary_key}


def _timed(model: Model, name: str) -> list[tuple[str, Link]]:
    """References to a table whose children find their parents by time, with their labels."""
    return [
        (link.fk.label(table.table.name), link)
        for table in model.tables.values()
        for link in table.links
        if link.slices and link.fk.references == name
    ]


def _edges(model: Model, spans: Spans, slices: int) -> NDArray[np.float64]:
    """Where each slice of time begins, and where the last one ends."""
    clock, at = _clock(model, spans), np.arange(slices)
    begins = clock.low[-(-at * clock.size // slices)].astype(np.float64)
    return np.append(begins, float(clock.high[-1]))


def start_of(block: Block) -> Cells:
    """When the rows of a block have their first children."""
    found, spans = block.cells.get(START), block.model.spans
    assert spans is not None
    if found is None:
        found = Cells(*spans.start.draw(block.drawn[START], block.words(START, 1)))
    return found


def in_slices(block: Block, link: Link, model: Model, degrees: Index) -> Index:
    """How many of its children each row has in each slice of time; shape (rows, slices).

    They are spread evenly from the first to the last one.
    """
    spans = model.tables[link.fk.references].spans
    assert spans is not None
    edges, start = _edges(model, spans, link.slices), start_of(block)
    length, _ = spans.length.draw(block.drawn[LENGTH], block.words(LENGTH, 1))
    first = np.where(start.null, edges[link.slices // 2], start.ticks).astype(np.float64)
    last, count = first + np.maximum(length, 0), degrees.astype(np.float64)
    first, count = first[:, None], count[:, None]
    far, inner = last[:, None] - first, edges[None, 1:-1]
    share = np.where(far > 0, (inner - first) / np.maximum(far, 1e-9), inner > first)
    before = np.clip(np.ceil(np.clip(share, 0.0, 1.0) * count - 0.5), 0.0, count)
    return np.diff(np.hstack([before, count]), axis=1, prepend=0.0).astype(np.int64)
