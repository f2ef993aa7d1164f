"""NULLs that follow from those of other columns, while rows are drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from synthlake.constraints.masks import with_masks
from synthlake.encode.numeric import NumericCodec
from synthlake.ports import Codes, Redraw
from synthlake.relational.model import column_id

if TYPE_CHECKING:
    from synthlake.relational.rows import Block

_TRIES = range(30, 38)  # numbers of further draws
_LEFT = 38  # of the draw that says what the rest is


def masked(block: Block, name: str, codes: Codes, redraw: Redraw) -> Codes:
    """Codes that are NULL where the table's rules on NULLs want it, and only there.

    What must be known and is NULL is drawn again from its leaf, eight times at most; what is left
    is any value that k entities have.
    """
    names = {column_id(c): c for rule in block.model.masks for c in (*rule.columns, *rule.then)}
    if name not in names:
        return codes
    null = {names[n]: drawn < 0 for n, drawn in block.drawn.items() if n in names}
    must, rows = with_masks(names[name], codes < 0, block.model.masks, null)
    codes = np.where(must, np.int32(-1), codes)
    left = np.flatnonzero(rows)
    for number in _TRIES:
        if not len(left):
            return codes
        codes[left] = redraw(left, number)
        left = left[codes[left] < 0]
    size = _values(block, names[name])
    if size:
        codes[left] = (block.words(name, _LEFT)[left] % np.uint64(size)).astype(np.int32)
    return codes


def _values(block: Block, column: str) -> int:
    """Codes of a column that stand for values, those for NaN and infinities left out."""
    attribute = next(a for a in block.model.attributes if a.column == column)
    codec = attribute.drawn or attribute.codec
    if codec is None:
        return 0
    return len(codec.low) if isinstance(codec, NumericCodec) else codec.size
