"""Permutations of [0, n) that are computed, not stored, and their inverses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthlake.encode.text import mix

_ROUNDS = 6


@dataclass(frozen=True)
class Permutation:
    """A pseudorandom permutation of [0, size).

    Source: Feistel network with cycle walking (Black & Rogaway, CT-RSA 2002).
    """

    size: int
    key: int

    @property
    def _half(self) -> int:
        return max(1, (max(self.size - 1, 1).bit_length() + 1) // 2)

    def __call__(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Images of numbers in [0, size)."""
        return self._walk(numbers, range(_ROUNDS), forward=True)

    def inverse(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """The numbers whose images these are."""
        return self._walk(numbers, range(_ROUNDS - 1, -1, -1), forward=False)

    def _walk(
        self, numbers: NDArray[np.int64], rounds: range, *, forward: bool
    ) -> NDArray[np.int64]:
        if self.size < 2:
            return np.zeros_like(numbers)
        out = self._pass(numbers.astype(np.uint64), rounds, forward)
        outside = np.flatnonzero(out >= np.uint64(self.size))
        while len(outside):
            out[outside] = self._pass(out[outside], rounds, forward)
            outside = outside[out[outside] >= np.uint64(self.size)]
        return out.astype(np.int64)

    def _pass(
        self, numbers: NDArray[np.uint64], rounds: range, forward: bool
    ) -> NDArray[np.uint64]:
        bits = np.uint64(self._half)
        mask = np.uint64((1 << self._half) - 1)
        left, right = numbers >> bits, numbers & mask
        for number in rounds:
            salt = np.uint64((self.key + number * 0x9E3779B97F4A7C15) % 2**64)
            if forward:
                left, right = right, left ^ (mix(right ^ salt) & mask)
            else:
                left, right = right ^ (mix(left ^ salt) & mask), left
        return (left << bits) | right
