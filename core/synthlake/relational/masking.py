"""NULLs that follow from those of other columns, while rows are drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from synthlake.constraints.masks import Mask, with_masks
from synthlake.encode.numeric import NumericCodec
from synthlake.ports import Codes, Redraw
from synthlake.relational.model import column_id

if TYPE_CHECKING:
    from synthlake.relational.rows import Block

_TRIES = range(30, 38)  # numbers of further draws
_LEFT = 38  # of the draw that says what the rest is


def demanded(block: Block, name: str, drawn: Mapping[str, Codes]) -> tuple[Mask, Mask] | None:
    """Rows in which a feature must be NULL, and in which it must not; None where no rule says.

    Args:
        block: whose rules count.
        name: of the feature.
        drawn: codes that are known already, by feature.
    """
    names = {column_id(c): c for rule in block.model.masks for c in (*rule.columns, *rule.then)}
    if name not in names:
        return None
    null = {names[n]: codes == -1 for n, codes in drawn.items() if n in names}
    return with_masks(names[name], np.ones(block.rows, bool), block.model.masks, null)


def masked(
    block: Block, name: str, codes: Codes, redraw: Redraw, drawn: Mapping[str, Codes]
) -> Codes:
    """Codes that are NULL where the table's rules on NULLs want it, and only there.

    What must be known and is NULL is drawn again from its leaf, eight times at most; what is left
    is any value that k entities have.
    """
    demand = demanded(block, name, drawn)
    if demand is None:
        return codes
    codes = np.where(demand[0], np.int32(-1), codes)
    left = np.flatnonzero(demand[1] & (codes < 0))
    for number in _TRIES:
        if not len(left):
            return codes
        codes[left] = redraw(left, number)
        left = left[codes[left] < 0]
    size = _values(block, name)
    if size:
        codes[left] = (block.words(name, _LEFT)[left] % np.uint64(size)).astype(np.int32)
    return codes


def _values(block: Block, name: str) -> int:
    """Codes of a feature that stand for values, those for NaN and infinities left out."""
    attribute = next(a for a in block.model.attributes if column_id(a.column) == name)
    codec = attribute.drawn or attribute.codec
    if codec is None:
        return 0
    return len(codec.low) if isinstance(codec, NumericCodec) else codec.size
