"""Permutations of [0, n) that are computed, not stored, and their inverses."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import gcd

import numpy as np
from numpy.typing import NDArray

from synthlake.encode.mixing import mix

_ROUNDS = 6
_GOLDEN = 0x9E3779B97F4A7C15
_LARGEST_STRIDED = 2**31  # sizes from which products of two numbers may not fit

Index = NDArray[np.int64]
Words = NDArray[np.uint64]


@dataclass(frozen=True)
class Permutation:
    """A pseudorandom permutation of [0, size).

    Source: Feistel network with cycle walking (Black & Rogaway, CT-RSA 2002).
    """

    size: int
    key: int

    def __call__(self, numbers: Index) -> Index:
        """Images of numbers in [0, size)."""
        return _permuted(numbers, *self._settings(len(numbers)), forward=True)

    def inverse(self, numbers: Index) -> Index:
        """The numbers whose images these are."""
        return _permuted(numbers, *self._settings(len(numbers)), forward=False)

    def _settings(self, rows: int) -> tuple[Words, Words]:
        return np.full(rows, self.size, np.uint64), np.full(rows, self.key, np.uint64)


def permute_each(numbers: Index, sizes: Index, keys: Words) -> Index:
    """Images of numbers, each under the permutation of its own size and key."""
    return _permuted(numbers, sizes.astype(np.uint64), keys, forward=True)


def strided(numbers: Index, sizes: Index, keys: Words) -> Index:
    """Images of numbers, each under a permutation of its own size; neighbours go far apart.

    Any m numbers that follow each other are some size / (3 m) apart from each other, or more.

    Source: the additive recurrence of the golden ratio (Weyl 1916), by the nearest step that has no
    common divisor with the size.
    """
    out = np.empty(len(numbers), np.int64)
    distinct, place = np.unique(sizes, return_inverse=True)
    large = distinct >= _LARGEST_STRIDED
    step = np.array([0 if big else _step(int(s)) for s, big in zip(distinct, large, strict=True)])
    few, many = np.flatnonzero(~large[place]), np.flatnonzero(large[place])
    size = sizes[few].astype(np.uint64)
    moved = numbers[few].astype(np.uint64) * step[place[few]].astype(np.uint64) + keys[few] % size
    out[few] = (moved % size).astype(np.int64)
    out[many] = permute_each(numbers[many], sizes[many], keys[many])
    return out


@lru_cache(maxsize=65_536)
def _step(size: int) -> int:
    """The number nearest to the golden section of a size that shares no divisor with it."""
    wanted = round(size * _GOLDEN / 2**64)
    around = (wanted + sign * way for way in range(size + 1) for sign in (1, -1))
    return next((s for s in around if 0 < s <= size and gcd(s, size) == 1), 1)


def _permuted(numbers: Index, sizes: Words, keys: Words, *, forward: bool) -> Index:
    bits = _half_bits(sizes)
    out = _pass(numbers.astype(np.uint64), bits, keys, forward)
    outside = np.flatnonzero(out >= sizes)
    while len(outside):  # walk the cycle until it comes back inside
        out[outside] = _pass(out[outside], bits[outside], keys[outside], forward)
        outside = outside[out[outside] >= sizes[outside]]
    return out.astype(np.int64)


def _half_bits(sizes: Words) -> Words:
    """Bits of each half of the network: the smallest square power of two that holds the size."""
    distinct, place = np.unique(sizes, return_inverse=True)
    bits = [max(1, (max(int(s) - 1, 1).bit_length() + 1) // 2) for s in distinct]
    return np.asarray(bits, np.uint64)[place]


def _pass(numbers: Words, bits: Words, keys: Words, forward: bool) -> Words:
    mask: Words = (np.uint64(1) << bits) - np.uint64(1)
    left, right = numbers >> bits, numbers & mask
    for number in range(_ROUNDS) if forward else range(_ROUNDS - 1, -1, -1):
        salt = keys + np.uint64(number * _GOLDEN % 2**64)
        if forward:
            left, right = right, left ^ (mix(right ^ salt) & mask)
        else:
            left, right = right ^ (mix(left ^ salt) & mask), left
    return (left << bits) | right
