"""Seats."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from synthlake.models.support import dense
from synthlake.ports import Codes, Redraw
from synthlake.relational.sets import expected, handed_out, _hash, _ranks
from synthlake.seed import unit

if TYPE_CHECKING:
    from synthlake.relational.rows import Block

Index = NDArray[np.int64]


def seated(block: Block, name: str, codes: Codes, redraw: Redraw) -> Codes:
    kin = next((k.kin for k in block.model.links if k.kin is not None and k.kin.name == name), None)
    if kin is None or block.family is None or not len(codes) or os.environ.get("NOSEATS"):
        return codes
    slices = np.maximum(block.context[kin.time], 0).astype(np.int64) * kin.slices // kin.times
    key = block.seed.key(block.model.table.name, f"seats:{name}") % 2**62
    known = np.flatnonzero(codes >= 0)
    drawn = expected(codes, redraw)
    group = dense(block.family)
    size = int(drawn.max()) + 1
    line = _hash(np.arange(size), key)
    rank = _ranks(group[known])
    order = np.lexsort((group[known], block.context[kin.time][known], rank, slices[known]))
    held = codes[known][np.lexsort((line[codes[known]], slices[known]))].astype(np.int64)
    chosen = [group[known][order] * size + held]
    made = handed_out(drawn[:, known], group[known], np.sort(np.concatenate(chosen)), size, key)
    out = codes.copy()
    out[known] = made
    return out
