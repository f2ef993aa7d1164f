"""Parts of dates as features: columns that come after a date are drawn given its hour and season.

A tree that sees a date as one number cannot find what comes round every day or year. So once a date
is settled, its hour, weekday and day of the year are known to the columns after it, whether the
table has columns of these or not.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from synthlake.constraints.dates import DateParts, fields, micros_of
from synthlake.constraints.discover import micros_per_tick
from synthlake.constraints.rule import Cells, Rule
from synthlake.encode.axis import Axis, plain
from synthlake.encode.numeric import NumericCodec
from synthlake.ports import Codes, Feature

if TYPE_CHECKING:
    from synthlake.relational.columns import TableData
    from synthlake.relational.model import Attribute
    from synthlake.relational.rows import Block

PART_SIZES = {"yearday": 367, "weekday1": 8, "hour": 24}  # in whose order they are features
_YEAR = 366 * 86_400 * 1_000_000  # microseconds; within one, the day of the year is the date
_WHOLE = 1.2  # years from which seasons come round
_PREFIX = "d:"


@dataclass(frozen=True)
class Dated:
    """A date whose parts are features.

    Attributes:
        column: the date.
        unit: microseconds a tick.
        zone: in which the parts are read.
        parts: names as ``constraints.dates.fields`` has them.
    """

    column: str
    unit: float
    zone: str
    parts: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features."""
        return tuple(f"{_PREFIX}{self.column}:{part}" for part in self.parts)

    def features(self, cells: Cells) -> dict[str, Feature]:
        """Parts of dates; NULL where there is none.

        Cost: about 0.2 microseconds a date.
        """
        found = fields(micros_of(cells.ticks, self.unit), self.zone)
        out = {}
        for name, part in zip(self.names, self.parts, strict=True):
            size = PART_SIZES[part]
            codes = np.where(cells.null, -1, np.clip(found[part], 0, size - 1))
            out[name] = Feature(codes.astype(np.int32), size, True)
        return out

    def to_json(self) -> dict[str, Any]:
        """For the artifact."""
        return {"column": self.column, "unit": self.unit, "zone": self.zone,
                "parts": list(self.parts)}  # fmt: skip

    @classmethod
    def from_json(cls, held: Mapping[str, Any]) -> Dated:
        """What ``to_json`` gave."""
        return cls(held["column"], held["unit"], held["zone"], tuple(held["parts"]))


def find_dated(
    data: TableData, attributes: Sequence[Attribute], rules: Sequence[Rule]
) -> tuple[Dated, ...]:
    """Dates of which a part has several values, and which are known as soon as they are drawn.

    Privacy: says of a date only whether k entities have another hour, weekday or season than the
        rest.
    """
    zones = {r.source: r.zone for r in rules if isinstance(r, DateParts)}
    out = []
    for attribute in attributes:
        if not isinstance(attribute.codec, NumericCodec) or attribute.base is not None:
            continue
        array = plain(data.sample[attribute.column])
        unit = micros_per_tick(array.type)
        if unit is None:
            continue
        zone = zones.get(attribute.column) or _zone(array.type)
        whole = Dated(attribute.column, unit, zone, tuple(PART_SIZES))
        parts = tuple(_several(whole, Cells(*Axis(array.type).ticks(array)), data))
        if parts:
            out.append(Dated(whole.column, whole.unit, whole.zone, parts))
    return tuple(out)


def _zone(dtype: Any) -> str:
    """The zone in which a type shows its timestamps; UTC where it names none that is known."""
    name = getattr(dtype, "tz", None) or "UTC"
    try:
        return zoneinfo.ZoneInfo(name).key
    except (KeyError, ValueError, OSError):  # an offset such as +02:00, which shifts all alike
        return "UTC"


def _several(dated: Dated, cells: Cells, data: TableData) -> list[str]:
    """Parts that have more than one value of k entities."""
    known = ~cells.null
    group = data.group[known]
    if not len(group):
        return []
    micros = micros_of(cells.ticks[known], dated.unit)
    low, high = np.quantile(micros, (0.05, 0.95))
    made = dated.features(Cells(cells.ticks[known], np.zeros(int(known.sum()), bool)))
    out = []
    for part, feature in zip(dated.parts, made.values(), strict=True):
        pairs = np.unique(np.stack([feature.codes.astype(np.int64), group]), axis=1)
        people = np.bincount(pairs[0], minlength=feature.size)
        if (people >= data.k).sum() > 1 and (part != "yearday" or high - low > _WHOLE * _YEAR):
            out.append(part)
    return out


def dated_features(
    dated: Sequence[Dated], columns: Mapping[str, Any] | pa.Table
) -> dict[str, dict[str, Feature]]:
    """Features of the parts of dates, by column."""
    out = {}
    for one in dated:
        array = plain(columns[one.column])
        out[one.column] = one.features(Cells(*Axis(array.type).ticks(array)))
    return out


class Live(dict[str, Codes]):
    """What is given of a block's rows; parts of a date as soon as it is drawn.

    They are looked up in the block, so that they are of the rows that it has by then.
    """

    def __init__(self, context: Mapping[str, Codes], block: Block) -> None:
        super().__init__(context)
        self._block = block
        self._dates = {n: d for d in block.model.dates for n in d.names}
        self._made: dict[str, tuple[Cells, dict[str, Feature]]] = {}

    def __missing__(self, name: str) -> Codes:
        dated = self._dates[name]
        cells = self._block.cells[dated.column]
        held = self._made.get(dated.column)
        if held is None or held[0] is not cells:
            held = self._made[dated.column] = (cells, dated.features(cells))
        return held[1][name].codes
