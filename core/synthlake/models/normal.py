"""Standard normal numbers from words, by tables and single operations on each element.

Tables and not library functions, so that a number is the same in any version, on any processor
and in any cut of a range: only additions and multiplications of float64 are used.
"""

from __future__ import annotations

from functools import cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from synthlake.seed import Words

Floats = NDArray[np.float64]

_BITS = 14  # of a word that choose the interval of the quantile table
_FAR = 8.0  # where the table of the distribution function ends
_STEPS = 512  # of it, a unit
_PART = 2.0 ** -(64 - _BITS)


@cache
def _quantiles() -> Floats:
    """Quantiles at 0, 1/2^14, ..., 1; both ends finite, with the mean of what lies beyond."""
    size = 2**_BITS
    inner = [NormalDist().inv_cdf(at / size) for at in range(1, size)]
    end = NormalDist().inv_cdf(1 - 0.25 / size)
    return np.array([-end, *inner, end])


@cache
def _cumulative() -> Floats:
    size = int(2 * _FAR * _STEPS)
    return np.array([NormalDist().cdf(at / _STEPS - _FAR) for at in range(size + 2)])


def normal(words: Words) -> Floats:
    """A standard normal number for each word; the absolute value is below 4.4."""
    table = _quantiles()
    place = (words >> np.uint64(64 - _BITS)).astype(np.intp)
    part = (words << np.uint64(_BITS) >> np.uint64(_BITS)).astype(np.float64)
    low = table[place]
    made: Floats = low + (table[place + 1] - low) * (part * _PART)
    return made


def quantile(share: Floats) -> Floats:
    """The number below which a share in [0, 1] of all lies."""
    table = _quantiles()
    scaled = share * 2.0**_BITS
    place = np.minimum(scaled.astype(np.intp), 2**_BITS - 1)
    low = table[place]
    made: Floats = low + (table[place + 1] - low) * (scaled - place)
    return made


def share_below(number: Floats) -> Floats:
    """The share of all that lies below a number."""
    table = _cumulative()
    scaled = (np.minimum(np.maximum(number, -_FAR), _FAR) + _FAR) * _STEPS
    place = scaled.astype(np.intp)
    low = table[place]
    made: Floats = low + (table[place + 1] - low) * (scaled - place)
    return made


def between(low: Floats, high: Floats, unit: Floats) -> Floats:
    """A standard normal number between two others, by a number in [0, 1)."""
    below, above = share_below(low), share_below(high)
    made: Floats = np.minimum(np.maximum(quantile(below + (above - below) * unit), low), high)
    return made
