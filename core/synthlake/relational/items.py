"""Making lists: all items of one position at a time, each given the one before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.encode.axis import indices, plain
from synthlake.encode.categorical import CategoricalCodec
from synthlake.encode.mixing import mix
from synthlake.encode.nested import Plan, packed, put_together
from synthlake.encode.numeric import NumericCodec
from synthlake.late import late
from synthlake.ports import Codes, Redraw
from synthlake.relational.model import TableModel, column_id, parent_id
from synthlake.relational.rows import Block
from synthlake.seed import Words
from synthlake.source.nesting import Lists

if TYPE_CHECKING:
    from synthlake.relational import lists
else:
    lists = late("synthlake.relational.lists")

_GOLDEN = 0x9E3779B97F4A7C15
_TRIES = range(30, 46)  # draws of a key that the map has already

Index = NDArray[np.int64]


def nested_arrays(block: Block) -> dict[str, pa.Array[Any]]:
    """All columns of a block, nested ones put together."""
    flat = block.arrays()
    fill = partial(_lists, block, flat)
    made = {n: put_together(plan, flat, fill) for n, plan in block.model.plans.items()}
    return {**flat, **made}


@dataclass
class ItemBlock(Block):
    """Items of one position in the lists of other rows.

    Attributes:
        above: those rows.
        active: numbers of those that have an item here.
        position: of the items.
        used: codes of the map's keys at positions before, shape (rows, position).
    """

    above: Block | None = None
    active: Index = field(default_factory=lambda: np.zeros(0, np.int64))
    position: int = 0
    used: NDArray[np.int32] | None = None

    def words(self, column: str, number: int) -> Words:
        """Words of the rows above, mixed with the position.

        Source: the states of SplitMix64 (Steele et al., OOPSLA 2014), one stream a row.
        """
        assert self.above is not None
        base = self.above.words(f"{self.model.table.name}:{column}", number)[self.active]
        return mix(base + np.uint64(_GOLDEN * (self.position + 1) % 2**64))

    def _settle(self, name: str, codes: Codes, redraw: Redraw) -> Codes:
        if self.used is not None and name == _key(self.model):
            codes = _fresh(codes, self.used, redraw, _size(self.model, name))
        return super()._settle(name, codes, redraw)


def _key(model: TableModel) -> str | None:
    """The feature of a map's keys, where each code of it is one key."""
    if len(model.table.primary_key) != 1:
        return None
    name = model.table.primary_key[0]
    codec = next(a.drawn or a.codec for a in model.attributes if a.column == name)
    if isinstance(codec, NumericCodec) and not (codec.low < codec.high).any():
        return column_id(name)
    return column_id(name) if isinstance(codec, CategoricalCodec) else None


def _size(model: TableModel, name: str) -> int:
    return next(a.codec.size for a in model.attributes if column_id(a.column) == name and a.codec)


def _fresh(codes: Codes, used: NDArray[np.int32], redraw: Redraw, size: int) -> Codes:
    """Codes that the rows do not have yet, as long as there are any."""
    codes = codes.copy()
    for number in _TRIES:
        bad = np.flatnonzero((used == codes[:, None]).any(axis=1))
        if not len(bad):
            return codes
        codes[bad] = redraw(bad, number)
    for _ in range(min(size, used.shape[1] + 1)):  # so many are in the way at most
        bad = np.flatnonzero((used == codes[:, None]).any(axis=1))
        codes[bad] = (codes[bad] + 1) % max(size, 1)
    return codes


def _lists(block: Block, flat: Mapping[str, Any], plan: Plan) -> Lists:
    """The lists of a plan, of all rows of a block."""
    head = flat[plan.name]
    there = np.asarray(head.is_valid())
    if plan.fixed is None:
        lengths = np.maximum(np.asarray(plain(head).fill_null(0)).astype(np.int64), 0)
    else:
        lengths = np.where(there, plan.fixed, 0).astype(np.int64)
    model = block.model.lists[plan.name]
    parts, lengths = _items(block, model, lengths)
    return Lists(lengths, there, packed(plan, [parts[part.name] for part in plan.parts]))


def _items(block: Block, model: TableModel, lengths: Index) -> tuple[dict[str, Any], Index]:
    """What the items consist of, row by row, and how many each row has."""
    made: list[dict[str, Any]] = []
    rows: list[Index] = []
    before: ItemBlock | None = None
    for position in range(int(lengths.max(initial=0))):
        before = _at(block, model, np.flatnonzero(lengths > position), before)
        made.append(nested_arrays(before))
        rows.append(before.active)
    if not made:
        empty = ItemBlock(model, block.seed, 0, 0, {}, {}, above=block)
        return nested_arrays(empty), lengths
    order = np.argsort(np.concatenate(rows), kind="stable")
    whole = {
        n: pa.concat_arrays([one[n] for one in made]).take(indices(order)) for n in model.plans
    }
    return _distinct(whole, lengths) if len(model.plans) > 1 else (whole, lengths)


def _at(block: Block, model: TableModel, active: Index, before: ItemBlock | None) -> ItemBlock:
    """The items of one position."""
    position = 0 if before is None else before.position + 1
    context = {parent_id(n): c[active] for n, c in {**block.context, **block.codes}.items()}
    context[lists.POSITION] = lists.place_of(np.full(len(active), position)).codes
    used = None
    if before is None:
        context |= {lists.before_id(n): np.full(len(active), -1, np.int32) for n in model.order}
    else:
        place = np.searchsorted(before.active, active)
        context |= {lists.before_id(n): codes[place] for n, codes in before.codes.items()}
        key = _key(model)
        if key in before.drawn:
            last = before.drawn[key][:, None]
            known = last if before.used is None else np.append(before.used, last, axis=1)
            used = known[place]
    made = ItemBlock(
        model, block.seed, 0, len(active), {}, context,
        above=block, active=active, position=position, used=used,
    )  # fmt: skip
    made.draw(model.order)
    return made


def _distinct(parts: dict[str, Any], lengths: Index) -> tuple[dict[str, Any], Index]:
    """Maps without the entries whose key they have already."""
    keys = next(iter(parts.values()))
    if pa.types.is_nested(keys.type):
        numbers = np.unique([str(key) for key in keys.to_pylist()], return_inverse=True)[1]
    else:
        numbers = np.asarray(plain(keys).dictionary_encode().indices.fill_null(-1))
    owner, _ = lists.owner_of(lengths)
    first = np.unique(np.stack([owner, numbers.astype(np.int64)]), axis=1, return_index=True)[1]
    kept = np.sort(first)
    taken = {n: values.take(indices(kept)) for n, values in parts.items()}
    return taken, np.bincount(owner[kept], minlength=len(lengths)).astype(np.int64)
