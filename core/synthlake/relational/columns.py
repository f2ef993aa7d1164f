"""Codecs of columns from statistics and sample."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from synthlake.constraints.discover import micros_per_tick
from synthlake.constraints.rule import Cells
from synthlake.encode.axis import Axis, axis_for, is_ordered, plain
from synthlake.encode.categorical import build_categorical, is_categorical
from synthlake.encode.decimals import usual_decimals
from synthlake.encode.numeric import NumericCodec, build_numeric, rhythm_of
from synthlake.encode.octets import build_octets
from synthlake.encode.presence import PresenceCodec
from synthlake.encode.template import build_template
from synthlake.encode.text import build_text
from synthlake.errors import LearnError
from synthlake.models.support import dense, distinct, ranks
from synthlake.relational.joins import entities
from synthlake.relational.model import Codec
from synthlake.relational.prose import MAX_TEXTS, build_prose
from synthlake.schema.model import Column, is_text

if TYPE_CHECKING:
    from synthlake.relational.above import Known
    from synthlake.relational.spans import Seen
    from synthlake.sql.statistics import ColumnStatistics, TableStatistics

MAX_CATEGORIES = 20_000
_LONG = 200  # characters, of one text in ten, from which texts have no templates
_SENTENCE = 7  # spaces, in the mean, from which they have none
_MAX_LISTED = 2_000  # values of a wide decimal up to which they are categories
# Possessive, as a text that is none would be tried in 2^letters ways.
_WORDY = re.compile(r"(?=.*[^\W\d_]{3})(?:[^\W\d_]++|\d++(?![^\W\d_])|[\W_])*+", re.S)
_LISTED = 0.9  # share of rows with a supported value from which wide decimals are categories
_COVERED = 0.5  # share of rows with a supported value below which text is rendered, not recalled


@dataclass(frozen=True)
class TableData:
    """What is learned from for one table.

    Attributes:
        name: of the table.
        sample: rows that left the engine.
        statistics: counts over all training rows.
        k: least entities behind a stored value.
        key: columns of the primary key.
        above: columns of parents in the sample, by the names by which rules call them.
        seen: when rows have children; None where these are not close together in time.
    """

    name: str
    sample: pa.Table
    statistics: TableStatistics
    k: int
    key: tuple[str, ...] = ()
    above: Mapping[str, Known] = field(default_factory=dict)
    seen: Seen | None = None
    _decimals: dict[str, int | None] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def group(self) -> NDArray[np.int64]:
        """Entities of the rows, numbered from 0."""
        return dense(entities(self.sample))

    def repeats(self, column: str, unique: float) -> float:
        """Distinct values a row, in two digits; 0 where no value is meant to stand twice.

        Args:
            column: which.
            unique: share of the values that are distinct from which none is.
        """
        known = self.of(column)
        values = max(known.rows - known.nulls, 1)
        if known.distinct >= unique * values:
            return 0.0
        # rows that are held out bring few values that no other has
        whole = values * max(self.statistics.rows, known.rows) / max(known.rows, 1)
        return float(f"{known.distinct / whole:.2g}")

    def of(self, column: str) -> ColumnStatistics:
        """Statistics of a column."""
        return self.statistics.columns[column]

    def decimals(self, column: Column) -> int | None:
        """Decimals that a float column is written with; None for one without a fixed number.

        What few of its fractions need, or fewer than k entities have, is noise of some computation
        (21.100000028 among prices), and rounded.
        """
        if not pa.types.is_floating(Axis(column.type).value_type):
            return self.of(column.name).decimals
        if column.name not in self._decimals:
            most = self.of(column.name).decimals
            self._decimals[column.name] = most
            if most is None or most > 0:
                found = usual_decimals(self.sample[column.name], self.group, self.k)
                self._decimals[column.name] = most if found is None else found
        return self._decimals[column.name]


def build_codec(data: TableData, column: Column) -> Codec | None:
    """The codec of a column; None for one that can only be NULL.

    Raises:
        LearnError: its type cannot be learned.
    """
    known = data.of(column.name)
    if column.made and column.name not in data.key:
        return PresenceCodec(column.type)
    if column.action == "mask" or column.role in ("text", "personal"):
        if is_text(column.type):
            return _masked(data, column)
        if column.action == "mask":
            raise LearnError(
                f"{data.name}.{column.name} is no text and cannot be masked",
                hint="use action: learn, 'null' or skip",
            )
    if pa.types.is_null(column.type):
        return None
    if is_ordered(column.type) and not _as_category(data, column):
        return ordered_codec(data, column)
    if not (is_categorical(column.type) or is_ordered(column.type)):
        raise LearnError(
            f"{data.name}.{column.name} has the type {column.type}, which is not learned",
            hint="give the column action: 'null' or skip",
        )
    return _category_codec(data, column, known)


def _as_category(data: TableData, column: Column) -> bool:
    """Whether an ordered column is learned as categories: as asked, or as no axis holds it."""
    counts = data.of(column.name).counts
    if counts is None or counts.num_rows > MAX_CATEGORIES:
        return False
    if column.role == "categorical":
        return True
    if counts.num_rows > _MAX_LISTED:
        return False
    axis = axis_of(data, column)
    if not (axis.continuous and pa.types.is_decimal(axis.value_type)):
        return False
    # as floats these lose digits, which many values of k entities each need not
    held = np.asarray(counts["entities"]) >= data.k
    rows = np.asarray(counts["rows"])
    return bool(rows[held].sum() > _LISTED * rows.sum())


def is_octets(dtype: pa.DataType) -> bool:
    """Whether values are bytes."""
    value = dtype.value_type if pa.types.is_dictionary(dtype) else dtype
    tests = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary,
             pa.types.is_binary_view)  # fmt: skip
    return any(test(value) for test in tests)


def _category_codec(data: TableData, column: Column, known: ColumnStatistics) -> Codec | None:
    """Supported values, or shapes where most values have no support."""
    counts = known.counts
    if counts is None:
        counts = counted(data, column.name)
    codec = build_categorical(column.type, counts, data.k, MAX_CATEGORIES)
    kept = counts.filter(pc.is_in(plain(counts["value"]), value_set=codec.values))
    total = max(int(pc.sum(counts["rows"]).as_py() or 0), 1)
    covered = int(pc.sum(kept["rows"]).as_py() or 0) / total
    if is_text(column.type) and (covered < _COVERED or _hides_long(data, column, codec.values)):
        return _free_text(data, column)
    if covered < _COVERED and is_octets(column.type):
        return build_octets(column.type, data.sample[column.name], data.group, data.k)
    return codec


def _hides_long(data: TableData, column: Column, values: pa.Array[Any]) -> bool:
    """Whether a tenth of the texts are long, and none of the values that are kept."""
    texts: Any = plain(data.sample[column.name]).cast(pa.large_string())
    lengths = pc.fill_null(pc.utf8_length(texts), 0)
    known = np.asarray(pc.is_in(texts, value_set=values.cast(pa.large_string())))
    hidden = np.count_nonzero((np.asarray(lengths) > _LONG) & ~known)
    return bool(10 * hidden > len(texts) - texts.null_count)


def _masked(data: TableData, column: Column) -> Codec:
    """Free text as it is learned; no character of what is to be masked, or personal."""
    if column.role == "text" and column.action == "learn":
        return _free_text(data, column)
    return build_text(column.type, data.of(column.name).shapes, data.k)


def _free_text(data: TableData, column: Column) -> Codec:
    """Templates of words, or which word follows which; shapes in a key, and without words."""
    known = data.of(column.name)
    texts: Any = plain(data.sample[column.name]).cast(pa.large_string())
    there = np.flatnonzero(np.asarray(texts.is_valid()))
    # one text of each entity, then a second, ...: what is too much is not all of a few
    there = there[np.argsort(ranks(data.group[there]), kind="stable")]
    values = [str(v) for v in texts.take(pa.array(there[:MAX_TEXTS])).to_pylist()]
    made = None
    if column.name not in data.key:
        made = _worded(column, values, data.group[there[: len(values)]], data.k)
    many = len(np.unique(data.group[there])) >= data.k
    return made or build_text(column.type, known.shapes, data.k, values if many else ())


def _worded(column: Column, values: list[str], group: NDArray[np.int64], k: int) -> Codec | None:
    """Templates where texts are few words; what follows what where they are many, or differ."""
    long = 10 * sum(len(v) > _LONG for v in values) > len(values)
    words = long or _are_words(values)
    few = words and not long and sum(v.count(" ") for v in values) < _SENTENCE * len(values)
    made = build_template(column.type, values, group, k) if few else None
    return made or (build_prose(column.type, values, group, k) if words else None)


def _are_words(values: list[str]) -> bool:
    """Whether most texts are words, and perhaps numbers: letters and digits apart."""
    return 2 * sum(map(bool, map(_WORDY.fullmatch, values))) > len(values)


def counted(data: TableData, name: str) -> pa.Table:
    """Counts of values in the sample, for columns with too many for the statistics."""
    values = plain(data.sample[name])
    there = np.asarray(values.is_valid())
    values, group = values.filter(pa.array(there)), data.group[there]
    coded = values.dictionary_encode()
    index = np.asarray(coded.indices).astype(np.int64)
    size = len(coded.dictionary)
    table = pa.table({
        "value": coded.dictionary,
        "rows": pa.array(np.bincount(index, minlength=size)),
        "entities": pa.array(distinct(index, group, size)),
    })  # fmt: skip
    return table.take(pc.sort_indices(table, [("value", "ascending")])) if size else table


def axis_of(data: TableData, column: Column) -> Axis:
    """The axis of a column, wide enough for all its counted values."""
    known = data.of(column.name)
    counted = known.counts if known.counts is not None else known.cuts
    arrays = [data.sample[column.name], *([] if counted is None else [counted["value"]])]
    return axis_for(column.type, data.decimals(column), *arrays)


def ordered_codec(data: TableData, column: Column) -> NumericCodec:
    """Bins of a column on an axis, from all training rows, checked on the sample."""
    known = data.of(column.name)
    axis = axis_of(data, column)
    counted = known.counts if known.counts is not None else known.cuts
    ticks, null = axis.ticks(data.sample[column.name])
    if counted is None or not counted.num_rows:
        values, rows = np.unique(ticks[~null], return_counts=True)
    else:
        values, empty = axis.ticks(counted["value"])
        rows = np.asarray(counted["rows"]).astype(np.int64)[~empty]
        values, place = np.unique(values[~empty], return_inverse=True)
        rows = np.bincount(place, rows, len(values)).astype(np.int64)
    codec = build_numeric(axis, values, rows, (ticks[~null], data.group[~null]), data.k)
    micros = micros_per_tick(axis.value_type)
    rhythm = None
    if micros is not None:
        rhythm = rhythm_of(codec, ticks[~null], data.group[~null], data.k, micros)
    return replace(codec, special=_special(data, column), rhythm=rhythm)


def _special(data: TableData, column: Column) -> tuple[int, ...]:
    """Which of NaN and the infinities k entities have."""
    dtype = Axis(column.type).value_type
    if not pa.types.is_floating(dtype) or not any(data.of(column.name).special):
        return ()
    floats = np.asarray(plain(data.sample[column.name]).cast(pa.float64()).fill_null(0.0))
    masks = (np.isnan(floats), floats == np.inf, floats == -np.inf)
    return tuple(i for i, m in enumerate(masks) if len(np.unique(data.group[m])) >= data.k)


def cells_of(data: TableData, column: Column) -> Cells | None:
    """A column of the sample as whole numbers; None where it has no axis."""
    if not is_ordered(column.type):
        return None
    return Cells(*axis_of(data, column).ticks(data.sample[column.name]))


def codec_of_cells(
    cells: Cells, group: NDArray[np.int64], k: int, dtype: pa.DataType | None = None
) -> NumericCodec:
    """Bins of numbers that are computed, not stored, in the data."""
    there = ~cells.null
    values, rows = np.unique(cells.ticks[there], return_counts=True)
    axis = Axis(dtype or pa.int64(), 0)
    return build_numeric(axis, values, rows, (cells.ticks[there], group[there]), k)
