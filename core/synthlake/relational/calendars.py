"""Features of key columns that are known before a row is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from synthlake.constraints.dates import DateParts, fields, micros_of
from synthlake.constraints.discover import micros_per_tick
from synthlake.constraints.rule import Rule
from synthlake.encode.axis import Axis, plain
from synthlake.ports import Feature
from synthlake.relational.columns import TableData, build_codec
from synthlake.relational.model import Calendar
from synthlake.schema.model import Table

_SIZES = {"month": 13, "yearday": 367, "weekday1": 8, "hour": 24}


def find_calendars(
    data: TableData, table: Table, known: Sequence[str], rules: Sequence[Rule]
) -> tuple[Calendar, ...]:
    """What each known column tells: its value, and the parts of a date."""
    zones = {r.source: r.zone for r in rules if isinstance(r, DateParts)}
    out = []
    for name in known:
        column = table.column(name)
        unit = micros_per_tick(column.type)
        codec = build_codec(data, column)
        if unit is not None:
            out.append(Calendar(name, unit, zones.get(name, "UTC"), codec))
        elif codec is not None and codec.size > 1:
            out.append(Calendar(name, codec=codec))
    return tuple(out)


def calendar_features(
    calendars: Sequence[Calendar], columns: Mapping[str, pa.Array[Any]] | pa.Table
) -> dict[str, Feature]:
    """Features of rows whose key columns are known."""
    out: dict[str, Feature] = {}
    for calendar in calendars:
        array = plain(columns[calendar.column])
        name = f"k:{calendar.column}"
        if calendar.codec is not None:
            codes = calendar.codec.encode(array)
            out[name] = Feature(codes, calendar.codec.size, calendar.codec.ordered)
        if calendar.unit is None:
            continue
        ticks, null = Axis(array.type).ticks(array)
        found = fields(micros_of(ticks, calendar.unit), calendar.zone)
        for part, size in _SIZES.items():
            codes = np.where(null, -1, np.clip(found[part], 0, size - 1)).astype(np.int32)
            out[f"{name}:{part}"] = Feature(codes, size, True)
    return out
