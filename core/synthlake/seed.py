"""Counter-based randomness: a word is a function of (key, row), whoever asks for it.

No generator distributions are used, as their consumption of words varies: values come from raw
64-bit words by integer arithmetic. Source: Salmon et al., "Parallel random numbers: as easy as
1, 2, 3" (SC 2011), Philox 4x64-10 as in numpy.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]
_LANES = 4  # words that one counter value yields


def digest(*parts: object, size: int = 16) -> bytes:
    """A hash of texts and numbers that no concatenation of other parts shares."""
    state = hashlib.blake2b(digest_size=size)
    for part in parts:
        text = str(part).encode()
        state.update(len(text).to_bytes(8, "little") + text)
    return state.digest()


@dataclass(frozen=True)
class Seed:
    """The seed of one sample, bound to a schema so that equal numbers give unrelated twins.

    Args:
        number: the user's seed.
        scope: identity of what is sampled, such as the schema's id.
    """

    number: int
    scope: str = ""

    def key(self, table: str, column: str, draw: int = 0) -> int:
        """The 128-bit key of one stream of words."""
        return int.from_bytes(digest(self.scope, self.number, table, column, draw), "little")

    def words(self, table: str, column: str, start: int, count: int, draw: int = 0) -> Words:
        """Words of the rows ``start .. start + count``; shape (count,), uniform on 64 bits."""
        first = start // _LANES
        skip = start - first * _LANES
        bits = np.random.Philox(key=self.key(table, column, draw), counter=first)
        return bits.random_raw(skip + count)[skip:]


def below(words: Words, bounds: NDArray[np.int64] | int) -> NDArray[np.int64]:
    """Integers in [0, bound) from words: the high half of a 32 x 32 bit product.

    Bounds up to 2**31. The bias is below bound / 2**32.
    """
    high = (words >> np.uint64(32)).astype(np.uint64)
    return ((high * np.asarray(bounds).astype(np.uint64)) >> np.uint64(32)).astype(np.int64)


def unit(words: Words) -> NDArray[np.float64]:
    """Floats in [0, 1) from the upper 53 bits of words."""
    return (words >> np.uint64(11)).astype(np.float64) * 2.0**-53


def mulhigh(
    numbers: NDArray[np.int64], times: NDArray[np.int64], by: NDArray[np.int64]
) -> NDArray[np.int64]:
    """``numbers * times // by`` for numbers below ``by``, exactly up to 2**31 and nearly beyond."""
    by = np.maximum(by, 1)
    exact = numbers * times // by
    near = np.floor(numbers.astype(np.float64) / by * times).astype(np.int64)
    return np.where((by < 2**31) & (times < 2**31), exact, near)
