"""Rows of a slice of time that stay: constructors race all season, branches are open all month.

Where siblings differ in what children of one parent share (``kin``, ``unlike``), each row of a
family is a seat. What was drawn for all seats of a slice is put on them anew, in an order that is
the same everywhere: so a value has its seats for as many families in a row as it has rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from synthlake.encode.mixing import mix
from synthlake.models.support import dense, ranks
from synthlake.ports import Codes, Redraw
from synthlake.relational.model import Kin, link_id, link_of
from synthlake.relational.sets import Rest, expected, handed_out, steadied

if TYPE_CHECKING:
    from synthlake.relational.rows import Block

Index = NDArray[np.int64]


def seated(block: Block, name: str, codes: Codes, redraw: Redraw) -> Codes:
    """Codes of what siblings share, as many of each in a slice of time, on seats that last.

    Who has which of the codes of a family is told by what its rows expect.

    Args:
        block: the rows.
        name: of the feature.
        codes: as they are drawn.
        redraw: codes of some rows by the words of another number.
    """
    kin = _shared(block, name)
    if kin is None or block.family is None or not len(codes):
        return codes
    key = block.seed.key(block.model.table.name, f"seats:{name}") % 2**63
    known = np.flatnonzero(codes >= 0)
    drawn = expected(codes, redraw)[:, known]
    group, size = dense(block.family[known]), int(max(drawn.max(), codes.max())) + 1
    slices, seat = slices_at(block, kin)[known], ranks(group)
    seats = np.lexsort((group, block.context[kin.time][known], seat, slices))
    line = mix(np.arange(size).astype(np.uint64) + np.uint64(key))
    codes = codes.copy()
    codes[known] = steadied(codes[known].astype(np.int64), drawn, size, rest=rest_of(block, name))
    held = codes[known].astype(np.int64)
    held = held[np.lexsort((line[held], slices))]
    out = codes.copy()
    out[known] = handed_out(drawn, group, np.sort(group[seats] * size + held), size, key)
    return out


def slices_at(block: Block, kin: Kin) -> Index:
    """The slice of time in which each row of a block lies."""
    codes = np.maximum(block.context[kin.time], 0).astype(np.int64)
    return np.minimum(codes * kin.slices // kin.times, kin.slices - 1)


def rest_of(block: Block, name: str) -> Rest | None:
    """The code of a reference that stands for many parents; None where none does."""
    link = link_of(block.model, name)
    if link is None or not link.rest:
        return None
    times = link.often * block.rows / max(block.model.rows, 1)
    return Rest(link.size - 1, times if link.shares else None)


def _shared(block: Block, name: str) -> Kin | None:
    """What children of one parent share, if it is this feature, in which siblings differ."""
    if name not in block.model.unlike:
        return None
    return next((link.kin for number, link in enumerate(block.model.links)
                 if link.kin is not None and link.kin.name == name
                 and link_id(number) in block.careers), None)  # fmt: skip
