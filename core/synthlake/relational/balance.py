"""A missing part of a sum whose total and other parts are known: what is left of the total."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from synthlake.constraints.rule import Cells, Mask
from synthlake.constraints.sums import SumRule
from synthlake.encode.axis import Ticks
from synthlake.encode.numeric import NumericCodec
from synthlake.relational.model import Attribute, column_id

if TYPE_CHECKING:
    from synthlake.relational.particles import Known, Particles


def balanced(block: Particles, attribute: Attribute, fact: Known) -> tuple[Known, Mask]:
    """What is known of a column, with what sums say of its missing cells.

    Args:
        block: whose other columns count, as far as they are given or drawn.
        attribute: of the column.
        fact: what is given of it.

    Returns:
        The same with the cells that follow, and tries in which what is left of a total is no value
        that the column can have.
    """
    failed = np.zeros(block.rows, bool)
    codec = attribute.codec
    if fact.cells is None or not isinstance(codec, NumericCodec) or not len(codec.low):
        return fact, failed
    for rule in block.model.rules:
        if not isinstance(rule, SumRule) or attribute.column not in rule.parts:
            continue
        left, known = _left(block, rule, attribute.column)
        known = known & ~fact.there
        factor = rule.factors[rule.parts.index(attribute.column)]
        value = left // factor
        fits = known & (value * factor == left)
        fits &= (value >= codec.low[0]) & (value <= codec.high[-1])
        failed |= known & ~fits
        codes = codec.encode_ticks(value, ~fits)
        cells = Cells(np.where(fits, value, fact.cells.ticks), fact.cells.null & ~fits)
        fact = type(fact)(fact.there | fits, np.where(fits, codes, fact.codes), cells)
    return fact, failed


def _left(block: Particles, rule: SumRule, column: str) -> tuple[Ticks, Mask]:
    """What other parts leave of a given total, and where all of these are known."""
    left, known = _value(block, rule.total, given=True)
    for part, factor in zip(rule.parts, rule.factors, strict=True):
        if part != column:
            ticks, there = _value(block, part)
            left, known = left - ticks * factor, known & there
    return left, known


def _value(block: Particles, column: str, *, given: bool = False) -> tuple[Ticks, Mask]:
    """Values of a column, and where it has one that is given, or drawn already."""
    ticks, there = np.zeros(block.rows, np.int64), np.zeros(block.rows, bool)
    drawn, fact = block.cells.get(column), block.facts.get(column_id(column))
    if drawn is not None and not given:
        ticks, there = drawn.ticks.astype(np.int64), ~drawn.null
    if fact is not None and fact.cells is not None:
        ticks = np.where(fact.there, fact.cells.ticks.astype(np.int64), ticks)
        there = np.where(fact.there, ~fact.cells.null, there)
    return ticks, there
