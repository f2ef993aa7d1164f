"""Codecs of columns as declared rules want them."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from synthlake.constraints.bounds import Limits, decimals_of
from synthlake.constraints.conditions import digits_of, regex_of
from synthlake.constraints.declared import FORMULAS
from synthlake.constraints.terms import Terms
from synthlake.encode.axis import Axis
from synthlake.encode.categorical import CategoricalCodec
from synthlake.encode.numeric import NumericCodec
from synthlake.encode.text import TextCodec
from synthlake.errors import LearnError
from synthlake.relational.columns import TableData, build_codec
from synthlake.relational.model import Codec
from synthlake.schema.model import Column, is_text

_COVERED = 0.5  # share of the values of a text that must match a pattern to be recalled


def codec_for(data: TableData, column: Column, terms: Terms) -> Codec | None:
    """The codec of a column whose values keep the rules that speak of it alone.

    Raises:
        LearnError: no supported value keeps them, or the type cannot be learned.
    """
    name = column.name
    if column.made and name not in data.key and _speaks(name, terms):
        column = _drawn(column)  # of the row's number, a rule could not be kept
    if name in terms.categories:
        codec = build_codec(data, replace(column, role="categorical"))
        if isinstance(codec, TextCodec):  # shapes stand for many values, a category for one
            codec = CategoricalCodec(column.type, pa.array([], pa.string()))
    elif _computed(name, terms):
        codec = build_codec(data, replace(column, role="numeric"))
    else:
        codec = build_codec(data, column)
    if isinstance(codec, NumericCodec):
        codec = _number(codec, name, terms)
    elif name in terms.patterns:
        codec = _text(codec, column.type, terms.patterns[name])
    if codec is not None and not codec.size and _speaks(name, terms):
        labels = " and ".join(f"{{{r.label}}}" for r in terms.rules if name in r.columns)
        raise LearnError(
            f"{data.name}.{name}: no value that k = {data.k} entities share keeps {labels}",
            hint="check the rule against the data, or lower k",
        )
    return codec


def _drawn(column: Column) -> Column:
    """An identifier or personal data as a column that is drawn; of the latter only the shape."""
    if not is_text(column.type):
        return replace(column, role="numeric", kind=None)
    action = "mask" if column.role == "personal" else column.action
    return replace(column, role="text", kind=None, pattern=None, action=action)


def _computed(name: str, terms: Terms) -> bool:
    """Whether rules compare or compute with a column, so that it has to be a number."""
    gaps = set(terms.below) | {n for pairs in terms.below.values() for n, _ in pairs}
    gaps |= set(terms.under) | terms.added
    return name in gaps or name in terms.limits or any(name in r.columns for r in terms.formulas)


def _speaks(name: str, terms: Terms) -> bool:
    return any(name in rule.columns for rule in terms.rules)


def _number(codec: NumericCodec, name: str, terms: Terms) -> NumericCodec:
    """Bins within the limits; one bin for a column whose values are made of row numbers."""
    for rule in terms.formulas:
        if rule.rule[rule.kind] == name:
            codec = _rescaled(codec, digits_of(rule.rule, codec.axis.type))
    bare = [r for r in terms.rules if r.kind in (*FORMULAS, "inequality") and name in r.columns]
    if bare or name in terms.added:  # nothing is computed from infinities
        codec = replace(codec, special=())
    limits = terms.limits.get(name)
    if limits is not None:
        codec = cut(codec, limits)
    if name in terms.unique and len(codec.low):
        codec = replace(codec, low=codec.low[:1], high=codec.high[-1:], special=())
    return codec


def _rescaled(codec: NumericCodec, digits: int | None) -> NumericCodec:
    """The same bins of a float on an axis of other decimals."""
    axis = codec.axis
    if not pa.types.is_floating(axis.value_type) or axis.decimals == digits:
        return codec
    if digits is not None and (axis.decimals is None or axis.decimals > digits):
        return codec  # values of its own keep their digits; what is computed has fewer
    made = Axis(axis.type, digits)
    times = 10.0 ** ((0 if digits is None else digits) - decimals_of(axis))
    ends: list[Any] = [codec.low * times, codec.high * times]
    if digits is not None:
        ends = [np.rint(end).astype(np.int64) for end in ends]
    return replace(codec, axis=made, low=ends[0], high=ends[1], step=1)


def cut(codec: NumericCodec, limits: Limits) -> NumericCodec:
    """The part of all bins that lies within limits; their own steps are kept."""
    first, last = limits.ticks(codec.axis)
    low, high, step = codec.low, codec.high, codec.step
    if first is not None:
        more = np.maximum(first - low.astype(object), 0)
        low = (low + _steps(more, step, codec.axis.continuous)).astype(codec.low.dtype)
    if last is not None:
        less = np.minimum(high.astype(object), last)
        if not codec.axis.continuous:
            start = low.astype(object)
            less = start + (less - start) // step * step
        high = np.array(less, dtype=object).astype(codec.high.dtype)
    there = low <= high
    special = tuple(s for s in codec.special if not _beyond(s, limits))
    return replace(codec, low=low[there], high=high[there], special=special)


def _steps(more: Any, step: int, continuous: bool) -> Any:
    """Whole steps that reach at least as far."""
    return more.astype(float) if continuous else -(-more // step) * step


def _beyond(special: int, limits: Limits) -> bool:
    """Whether NaN, infinity or -infinity (0, 1, 2) is out; engines sort NaN above all numbers."""
    return (limits.low if special == 2 else limits.high) is not None


def _text(codec: Codec | None, dtype: pa.DataType, pattern: str) -> Codec:
    """Recalled values that match a pattern, or texts that are made of it."""
    if isinstance(codec, CategoricalCodec) and len(codec.values):
        whole = re.compile(regex_of(pattern))
        match = [bool(whole.fullmatch(str(v))) for v in codec.values.to_pylist()]
        if sum(match) >= _COVERED * len(match):
            return CategoricalCodec(dtype, codec.values.filter(pa.array(match)))
    return TextCodec(dtype, ("",), pattern=pattern)
