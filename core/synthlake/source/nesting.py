"""Nested Arrow arrays taken apart and put together again, whichever of Arrow's forms they have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Values: TypeAlias = Any  # an Arrow array; the stubs have a type for each kind of cell
Mask: TypeAlias = NDArray[np.bool_]
Leaf = Callable[[Any, Any], Any]
"""Turns flat values into another type."""


@dataclass(frozen=True)
class Lists:
    """Lists as lengths and items.

    Attributes:
        lengths: shape (rows,), int64; 0 where the list is NULL.
        there: shape (rows,), whether there is a list.
        items: of all lists, one after the other; of a map, structs of key and value.
    """

    lengths: NDArray[np.int64]
    there: Mask
    items: Any


def is_listed(kind: Any) -> bool:
    """Whether a type is one of the lists, or a map."""
    tests = (
        pa.types.is_list, pa.types.is_large_list, pa.types.is_list_view,
        pa.types.is_large_list_view, pa.types.is_fixed_size_list, pa.types.is_map,
    )  # fmt: skip
    return any(test(kind) for test in tests)


def item_fields(kind: Any) -> list[pa.Field[Any]]:
    """What the items of a list consist of: one field, of a map the key and the value."""
    return [kind.key_field, kind.item_field] if pa.types.is_map(kind) else [kind.value_field]


def lists_of(values: Any) -> Lists:
    """A list, large list, view of lists, list of fixed size or map, as lengths and items."""
    there = np.asarray(values.is_valid())
    kind = values.type
    if pa.types.is_fixed_size_list(kind) and not kind.list_size:  # Arrow would divide by it
        return Lists(np.zeros(len(there), np.int64), there, pa.array([], kind.value_type))
    if pa.types.is_map(kind):
        pairs = pa.struct([kind.key_field, kind.item_field])
        values = values.cast(pa.list_(pa.field("entries", pairs, nullable=False)))
    lengths = np.asarray(pc.fill_null(pc.list_value_length(values), 0)).astype(np.int64)
    return Lists(np.where(there, lengths, 0), there, values.flatten())


def listed(kind: Any, lists: Lists) -> Values:
    """The array of a list type that ``lists_of`` took apart; items have the type's items' type."""
    mask: Any = pa.array(~lists.there)
    if pa.types.is_fixed_size_list(kind):
        return _fixed(kind, lists, mask)
    if not len(lists.lengths):
        return pa.array([], kind)
    ends = np.cumsum(lists.lengths)
    offsets = np.append(0, ends)
    if pa.types.is_map(kind):
        keys, values = (_field(lists.items, n) for n in range(2))
        form: Any = pa.MapArray
        return form.from_arrays(
            pa.array(offsets.astype(np.int32)), keys, values, type=kind, mask=mask
        )
    narrow = np.int32 if pa.types.is_list(kind) or pa.types.is_list_view(kind) else np.int64
    form = _FORMS[type(kind)]
    if form in (pa.ListViewArray, pa.LargeListViewArray):
        starts, sizes = (pa.array(a.astype(narrow)) for a in (offsets[:-1], lists.lengths))
        return form.from_arrays(starts, sizes, lists.items, type=kind, mask=mask)
    return form.from_arrays(pa.array(offsets.astype(narrow)), lists.items, type=kind, mask=mask)


_FORMS: dict[Any, Any] = {
    pa.ListType: pa.ListArray,
    pa.LargeListType: pa.LargeListArray,
    pa.ListViewType: pa.ListViewArray,
    pa.LargeListViewType: pa.LargeListViewArray,
}


def _fixed(kind: Any, lists: Lists, mask: Any) -> Values:
    """Lists of one size; a NULL list has items too, which are NULL."""
    size = kind.list_size
    if not size:
        return pa.array([[] if row else None for row in lists.there.tolist()], kind)
    place = np.full(len(lists.there) * size, -1, np.int64)
    place[np.repeat(lists.there, size)] = np.arange(int(lists.there.sum()) * size)
    items = lists.items.take(pa.array(place, mask=place < 0))
    made: Any = pa.FixedSizeListArray.from_arrays(items, type=kind, mask=mask)
    return made


def _field(values: Any, number: int) -> Any:
    """A field of structs, those of a slice only."""
    return values.field(number).slice(values.offset, len(values)) if values.offset else (
        values.field(number)
    )  # fmt: skip


def fields_of(values: Any) -> list[Any]:
    """The fields of structs, NULL where the struct is."""
    return list(values.flatten())


def struct_of(kind: Any, parts: Sequence[Any], there: Mask) -> Values:
    """Structs from their fields; NULL where the mask does not say that they are there."""
    if not kind.num_fields:
        return pa.array([{} if row else None for row in there.tolist()], kind)
    made: Any = pa.StructArray.from_arrays(list(parts), fields=list(kind), mask=pa.array(~there))
    return made


def recast(values: Any, kind: Any, leaf: Leaf) -> Any:
    """Values in another type of the same nesting; what is not nested goes through ``leaf``.

    Raises:
        ArrowException, ValueError: the nesting differs, or ``leaf`` refuses.
    """
    if values.type == kind:
        return values
    if pa.types.is_struct(kind) and pa.types.is_struct(values.type):
        parts = fields_of(values)
        if len(parts) != kind.num_fields:
            raise pa.ArrowInvalid("structs of different fields")
        made = [recast(p, f.type, leaf) for p, f in zip(parts, kind, strict=True)]
        return struct_of(kind, made, np.asarray(values.is_valid()))
    if is_listed(kind) and is_listed(values.type):
        return _relisted(values, kind, leaf)
    return leaf(values, kind)


def _relisted(values: Any, kind: Any, leaf: Leaf) -> Any:
    held = lists_of(values)
    if pa.types.is_map(kind):
        pairs = pa.struct(item_fields(kind))
        return listed(kind, Lists(held.lengths, held.there, recast(held.items, pairs, leaf)))
    if pa.types.is_fixed_size_list(kind) and (held.lengths[held.there] != kind.list_size).any():
        raise pa.ArrowInvalid("lists of another size")
    items = recast(held.items, kind.value_type, leaf)
    return listed(kind, Lists(held.lengths, held.there, items))


INTERVAL: Any = pa.struct([("months", pa.int32()), ("days", pa.int32()), ("nanos", pa.int64())])
"""What an interval consists of."""

_INTERVAL = np.dtype([("months", "<i4"), ("days", "<i4"), ("nanos", "<i8")])


def interval_parts(values: Any) -> Values:
    """Intervals of months, days and nanoseconds as structs of the type ``INTERVAL``."""
    there = np.asarray(values.is_valid())
    buffer = values.buffers()[1]
    held = np.zeros(len(values), _INTERVAL)
    if buffer is not None and len(values):
        held = np.frombuffer(buffer, _INTERVAL)[values.offset : values.offset + len(values)]
    return struct_of(INTERVAL, [pa.array(held[name]) for name in _INTERVAL.names or ()], there)


def interval_of(values: Any) -> Values:
    """The intervals that ``interval_parts`` took apart."""
    there = np.asarray(values.is_valid())
    held = np.zeros(len(values), _INTERVAL)
    for name, part in zip(_INTERVAL.names or (), fields_of(values), strict=True):
        held[name] = np.asarray(pc.fill_null(part, 0))
    mask: Any = pa.array(there).buffers()[1]
    kind: Any = pa.month_day_nano_interval()
    made: Any = pa.Array.from_buffers(kind, len(values), [mask, pa.py_buffer(held.tobytes())])
    return made
