"""Columns that are never below one of their row's parent, and near to it: learned as distances."""

from __future__ import annotations

import numpy as np

from synthlake.constraints.bounds import family_of
from synthlake.constraints.discovery.grid import mixed
from synthlake.constraints.discovery.proposal import surprising
from synthlake.constraints.gap import Gap, below_of, gap_of
from synthlake.constraints.relative import spread
from synthlake.constraints.rule import Cells
from synthlake.encode.numeric import NumericCodec
from synthlake.relational.above import Known
from synthlake.relational.columns import TableData, codec_of_cells
from synthlake.relational.model import START, Codec

_TIGHT = 0.5  # of the column's own spread, that its distances may have
_KNOWN = 0.8  # share of rows that have such a parent
_TIMES = ("date", "instant")
_FEW = 40  # codes from which a column is smooth enough to be learned as a distance


def smooth_above(data: TableData) -> dict[str, Cells]:
    """Columns of parents that others may be learned as remainders of, as far as they are whole."""
    above = {
        n: held.smooth for n, held in data.above.items() if held.free and held.smooth is not None
    }
    return above if data.seen is None else {**above, START: data.seen.start}


def find_near(
    data: TableData, name: str, own: Cells, codec: Codec
) -> tuple[Gap, NumericCodec] | None:
    """The distance from a parent's date that a date is never before, if that is tighter.

    Args:
        data: with the columns of parents.
        name: of the column.
        own: its values.
        codec: of its values.

    Returns:
        The distance and its bins; None where none tells more than the column itself. Not a rule:
        what holds in all real rows is not said to hold ever.

    Privacy: every bin has k entities, as have both ends of the distance.
    """
    if not isinstance(codec, NumericCodec) or codec.size < _FEW:
        return None
    if family_of(codec.axis.type) not in _TIMES:
        return None
    best, found = _TIGHT * spread(own.ticks[~own.null]), None
    for of, held in data.above.items():
        gap = _gap(of, held, codec) if held.free else None
        if gap is None or not _holds(gap, held, own):
            continue
        rest = gap.forward({of: held.upper.cells or own}, own)
        there = ~rest.null & ~(held.upper.cells or own).null
        if spread(rest.ticks[there]) < best:
            best, found = spread(rest.ticks[there]), (gap, rest, there)
    if found is None:
        return None
    gap, rest, there = found
    whole = codec_of_cells(rest, data.group, data.k)
    near = codec_of_cells(Cells(rest.ticks, rest.null | ~there), data.group, data.k)
    if not len(near.low):
        return None
    reach = float(near.high[-1])
    return Gap(gap.below, gap.origin, gap.most, gap.usual, gap.continuous, reach), whole


def _gap(of: str, held: Known, codec: NumericCodec) -> Gap | None:
    axis = held.axis
    if axis is None or family_of(axis.type) != family_of(codec.axis.type):
        return None
    return gap_of(codec, (below_of(of, False, axis, codec.axis),), (), (None, None))


def _holds(gap: Gap, held: Known, own: Cells) -> bool:
    """Whether no row is below its parent, and as many would be if parents were mixed."""
    theirs = held.upper.cells
    if theirs is None:
        return False
    known = np.flatnonzero(~own.null & ~theirs.null)
    if len(known) < _KNOWN * (~own.null).sum():
        return False
    of = gap.below[0].column
    mine, given = own.take(known), theirs.take(known)
    if not gap.kept({of: given}, mine).all():
        return False
    chance = int((~gap.kept({of: given.take(mixed(len(known)))}, mine)).sum())
    return surprising(len(known), 0, chance)
