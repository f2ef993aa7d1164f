"""Further words from a word."""

from __future__ import annotations

import numpy as np

from synthlake.seed import Words


def mix(words: Words) -> Words:
    """A bijection of 64-bit words without visible structure.

    Source: the finaliser of SplitMix64 (Steele et al., OOPSLA 2014).
    """
    x = words.astype(np.uint64)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
