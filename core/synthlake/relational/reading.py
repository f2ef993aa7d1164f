"""Key columns that are data, of any rows of a table: made block by block, once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.encode.axis import empty, indices
from synthlake.relational.model import TableModel, link_id
from synthlake.relational.parents import as_type
from synthlake.relational.recent import Recent
from synthlake.relational.shelf import Shelf

if TYPE_CHECKING:
    from synthlake.relational.generate import Generator

_KEPT_KEYS = 256 * 2**20  # octets of keys of changing widths: 16 million of two short texts

_BITS = 64  # most columns of which a number says which have a value

Index = NDArray[np.int64]


class Reading:
    """Reads columns of one sample's rows.

    Args:
        generator: makes the rows.
        shelf: for columns whose values have one width.
    """

    def __init__(self, generator: Generator, shelf: Shelf) -> None:
        self._generator, self._shelf = generator, shelf
        self._keys = Recent(_KEPT_KEYS, _octets)

    def rows(self, table: str, names: tuple[str, ...], index: Index) -> dict[str, pa.Array[Any]]:
        """Columns of some rows, by ascending number."""
        types = {n: self._generator.model.tables[table].table.column(n).type for n in names}
        if not len(index) or not names:
            return {n: empty(0, t) for n, t in types.items()}
        if all(map(_fixed, types.values())) and len(names) <= _BITS:
            return self._shelved(table, types, index)
        parts: dict[str, list[pa.Array[Any]]] = {n: [empty(0, t)] for n, t in types.items()}
        starts = self._generator.starts(table)
        first, last = np.searchsorted(starts, index[[0, -1]], side="right") - 1
        for number in range(int(first), int(last) + 1):
            low, high = np.searchsorted(index, starts[number : number + 2])
            if low < high:
                make = partial(self._columns, table, names, number)
                columns = self._keys.get((table, names, number), make)
                inside = indices(index[low:high] - starts[number])
                for name in names:
                    parts[name].append(columns[name].take(inside))
        return {n: pa.concat_arrays(p) for n, p in parts.items()}

    def _shelved(
        self, table: str, types: Mapping[str, pa.DataType], index: Index
    ) -> dict[str, pa.Array[Any]]:
        """The same of columns that the shelf holds, with a bit for each that has a value."""
        names = tuple(types)
        starts, dtypes = self._generator.starts(table), [_dtype(t) for t in types.values()]
        bits = np.min_scalar_type(2 ** len(names) - 1)
        held = self._shelf.get(("keys", table, *names), starts, [*dtypes, bits])

        def make(number: int) -> list[NDArray[Any]]:
            made = self._columns(table, names, number)
            known = [np.asarray(made[n].is_valid()).astype(bits) for n in names]
            there = [found << place for place, found in enumerate(known)]
            values = [_values(made[n], d) for n, d in zip(names, dtypes, strict=True)]
            return [*values, np.bitwise_or.reduce(there)]

        held.need(np.unique(np.searchsorted(starts, index, side="right") - 1), make)
        there, out = held.take(len(names), index), {}
        for place, (name, kind) in enumerate(types.items()):
            known = (there >> place) & 1 == 1
            buffers = [None if known.all() else pa.array(known).buffers()[1],
                       pa.py_buffer(held.take(place, index).view(np.uint8).data)]  # fmt: skip
            out[name] = pa.Array.from_buffers(kind, len(index), buffers)
        return out

    def _columns(self, table: str, names: tuple[str, ...], number: int) -> dict[str, pa.Array[Any]]:
        """Some columns of a block; where they are foreign keys, nothing after these is drawn."""
        generator = self._generator
        model = generator.model.tables[table]
        if model.enforced is None and _referring(model).issuperset(names):
            block = generator.open_block(table, number)
            needed = [link_id(n) for n in range(len(model.links))] + list(model.distinct)
            last = max((model.order.index(n) + 1 for n in needed if n in model.order), default=0)
            block.draw(model.order[:last])
            columns = {**block.known, **generator.references(block)}
        else:
            block = generator.block(table, number)
            columns = {**block.arrays(names), **generator.references(block)}
        return {n: as_type(columns[n], model.table.column(n).type) for n in names}


def _referring(model: TableModel) -> set[str]:
    """Columns of foreign keys that the keys' codes decide."""
    return {c for link in model.links if link.kind != "derived" for c in link.fk.columns}


def _fixed(kind: pa.DataType) -> bool:
    """Whether values of a type all take the same whole octets."""
    return (pa.types.is_primitive(kind) or pa.types.is_decimal(kind)) and not kind.bit_width % 8


def _dtype(kind: pa.DataType) -> np.dtype[Any]:
    """As what values of a type are held."""
    octets = kind.bit_width // 8
    return np.dtype(f"u{octets}" if octets <= 8 else f"V{octets}")


def _values(array: pa.Array[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """The values of an array as they lie in memory."""
    held, begin = array.buffers()[1], array.offset * dtype.itemsize
    if held is None or not len(array):
        return np.zeros(len(array), dtype)
    values: NDArray[Any] = np.frombuffer(memoryview(held), dtype, len(array), begin)
    return values


def _octets(columns: Mapping[str, pa.Array[Any]]) -> int:
    """Memory of some columns."""
    return sum(array.nbytes for array in columns.values())
