"""Draws that are spread evenly over rows which are alike, so that chance adds little to a twin.

A row's draw stays uniform; but rows of one leaf, and within it of one stratum, share the unit
interval among them. So shares come out as they were learned, and not as they would by luck.

Source: randomised quasi-Monte Carlo for chains, whose states are sorted before each step (L'Ecuyer,
Lécot and Tuffin, Operations Research 56(4), 2008); the points are the additive recurrence of the
golden ratio (Weyl 1916), any run of which is spread almost evenly.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthlake.seed import Words

_GOLDEN, _HALF = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)
_DIGIT, _CHANCE = 16, 7  # bits that are sorted at once, and the fewest of a word that break ties


def spread(words: Words, leaf: NDArray[Any], within: NDArray[Any] | None = None) -> Words:
    """Words whose upper halves are spread evenly along the leaves, in a random order within each.

    Each word is uniform by itself, and its lower half owes nothing to the upper one.

    Args:
        words: shape (rows,), uniform.
        leaf: shape (rows,), integers.
        within: shape (rows,), integers in whose order the rows of a leaf come, or about so.

    Cost: about 20 nanoseconds a row.
    """
    if len(words) < 2:
        return words
    order = _order(leaf, _fine(words, within))
    low = words & _HALF
    start = np.bitwise_xor.reduce(low) << _SHIFT  # owes nothing to any row's own word
    along = np.arange(len(words), dtype=np.uint64)
    along *= _GOLDEN
    along += start
    along &= ~_HALF
    out = np.empty_like(words)
    out[order] = along
    out |= low
    return out


def _fine(words: Words, within: NDArray[Any] | None) -> NDArray[np.uint16]:
    """One digit by which rows of a leaf are ordered: a coarse number, then chance."""
    chance = (words >> np.uint64(64 - _DIGIT)).astype(np.uint16)
    if within is None:
        return chance
    low = int(within.min())
    whole = (int(within.max()) - low).bit_length()
    bits = min(whole, _DIGIT - _CHANCE)
    coarse = ((within - low) >> (whole - bits)).astype(np.uint16)
    return (coarse << np.uint16(_DIGIT - bits)) | (chance >> np.uint16(bits))


def _order(leaf: NDArray[Any], fine: NDArray[np.uint16]) -> NDArray[np.intp]:
    """Rows by leaf, and within by a digit: a sort of 16 bits at once, which numpy does by radix."""
    order = np.argsort(fine, kind="stable")
    rest = leaf - leaf.min()
    bits = int(rest.max()).bit_length()
    for shift in range(0, bits, _DIGIT):
        digit = (rest >> shift if shift else rest).astype(np.uint16)  # the lower bits alone
        order = order.take(np.argsort(digit.take(order), kind="stable"))
    return order
