"""Attributes whose codecs take in values of further rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthlake.constraints.declared import declared
from synthlake.constraints.discover import micros_per_tick
from synthlake.constraints.rule import Cells
from synthlake.encode.axis import plain
from synthlake.encode.categorical import CategoricalCodec
from synthlake.encode.extend import Move, extend_bins, extend_categories
from synthlake.encode.numeric import NumericCodec, rhythm_of
from synthlake.relational.columns import MAX_CATEGORIES, TableData, counted
from synthlake.relational.model import Attribute, Codec, TableModel, column_id

_LARGEST = 2.0**62  # ticks


@dataclass
class Extended:
    """The attributes of a table after their codecs were extended.

    Attributes:
        attributes: in their order.
        drawn: by feature, where drawn codes have gone.
        seen: by feature, where the codes that later columns see have gone.
        beyond: by column, the share of further rows beyond the ends that were learned.
    """

    attributes: tuple[Attribute, ...] = ()
    drawn: dict[str, Move] = field(default_factory=dict)
    seen: dict[str, Move] = field(default_factory=dict)
    beyond: dict[str, float] = field(default_factory=dict)


def extended(model: TableModel, data: TableData, decay: float = 1.0) -> Extended:
    """Codecs with new categories, and with bins beyond their ends.

    Columns of declared rules, and clocks that are drawn as minutes after another, stay within what
    was learned: rules speak of what was there.

    Args:
        model: of the table.
        data: further rows, of types and ranges that the codecs take (``taken``).
        decay: what an old row counts.

    Privacy: what is new has k entities among the further rows alone.
    """
    out = Extended()
    fixed = {name for rule in declared(model.table) for name in rule.columns}
    made = []
    for attribute in model.attributes:
        free = attribute.column not in fixed and attribute.base is None and attribute.gap is None
        if free:
            attribute = _timed(_extended(model, attribute, data, out), data, decay * model.rows)
        made.append(attribute)
    out.attributes = tuple(_with_rests(model, made, data, out))
    return out


def _with_rests(
    model: TableModel, attributes: Sequence[Attribute], data: TableData, out: Extended
) -> Iterator[Attribute]:
    """Attributes whose remainders reach beyond those that were learned, where k entities' do."""
    smooth: dict[str, Cells] = {}
    for attribute in attributes:
        name, codec, rest = attribute.column, attribute.codec, attribute.drawn
        if isinstance(codec, NumericCodec) and len(codec.low) and attribute.learned:
            ticks, null = codec.axis.ticks(data.sample[name])
            smooth[name] = Cells(np.clip(ticks, codec.low[0], codec.high[-1]), null)
        if attribute.linear is not None and rest is not None and name in smooth:
            found = attribute.linear.forward(smooth, smooth[name])
            there = ~found.null
            least = model.rows // max(rest.size, 1)
            wide = extend_bins(rest, found.ticks[there], data.group[there], data.k, least)
            if wide is not None:
                attribute = replace(attribute, drawn=wide[0])
                out.drawn[column_id(name)] = wide[1]
        yield attribute


def _extended(model: TableModel, attribute: Attribute, data: TableData, out: Extended) -> Attribute:
    codec, name = attribute.codec, attribute.column
    found: tuple[Codec, Move] | None = None
    if isinstance(codec, CategoricalCodec):
        known = data.of(name).counts
        counts = known if known is not None else counted(data, name)
        found = extend_categories(codec, counts, data.k, MAX_CATEGORIES)
    elif isinstance(codec, NumericCodec):
        ticks, bad = codec.axis.ticks(data.sample[name])
        ticks, group = ticks[~bad], data.group[~bad]
        found = extend_bins(codec, ticks, group, data.k, model.rows // max(codec.size, 1))
        if found is not None:
            codes = found[0].encode_ticks(ticks, np.zeros(len(ticks), bool))
            over = np.isin(codes, found[1].fresh)
            out.beyond[name] = float(over.sum()) / max(data.sample.num_rows, 1)
    if found is None:
        return attribute
    key = column_id(name)
    out.seen[key] = found[1]
    if attribute.drawn is None:
        out.drawn[key] = found[1]
    return replace(attribute, codec=found[0])


def _timed(attribute: Attribute, data: TableData, old: float) -> Attribute:
    """Dates by the hours of old and of further rows; as before where the latter are even.

    Privacy: see ``rhythm_of``, of further rows alone.
    """
    codec = attribute.codec
    micros = micros_per_tick(codec.axis.value_type) if isinstance(codec, NumericCodec) else None
    if not isinstance(codec, NumericCodec) or micros is None:
        return attribute
    ticks, bad = codec.axis.ticks(data.sample[attribute.column])
    further = rhythm_of(codec, ticks[~bad], data.group[~bad], data.k, micros)
    if further is None:
        return attribute
    share = data.statistics.rows / max(old + data.statistics.rows, 1.0)
    rhythm = (codec.rhythm or further.even()).blended(further, share)
    return replace(attribute, codec=replace(codec, rhythm=rhythm))


def taken(sample: pa.Table, codecs: Mapping[str, Codec | None]) -> pa.Table:
    """Further rows with numbers that no axis of the artifact can hold drawn to its ends."""
    for name, codec in codecs.items():
        if not isinstance(codec, NumericCodec) or codec.axis.continuous or codec.axis.shifted:
            continue
        place = sample.column_names.index(name)
        held = plain(sample[name])
        if pa.types.is_uint64(held.type):
            held = pc.min_element_wise(held, pa.scalar(2**63 - 1, pa.uint64()), skip_nulls=False)
        elif pa.types.is_floating(held.type):
            most = _LARGEST / 10.0 ** (codec.axis.decimals or 0)
            floats = np.asarray(held.cast(pa.float64()).fill_null(0.0))
            floats = np.where(np.isfinite(floats), np.clip(floats, -most, most), floats)
            null = np.asarray(held.is_null())
            held = pa.array(floats, mask=null).cast(held.type, safe=False)
        else:
            continue
        sample = sample.set_column(place, sample.schema.field(name), held)
    return sample
