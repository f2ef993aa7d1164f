"""Texts from word lists and formats, many at once: each a pure function of a number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.encode.axis import indices
from synthlake.encode.choices import by_choice, joined
from synthlake.encode.mixing import mix
from synthlake.encode.pattern import Pattern
from synthlake.seed import Words, digest

_POWERS = (1.0, 0.75, 0.5, 0.35, 0.25, 0.12, 0.0)  # of weights, from as they are to even
_WEIGHT = 10_000_000  # of all words together
Part = tuple[str, str]  # ("=", literal), ("@", symbol) or ("#", alphabet of one character)


@dataclass(frozen=True)
class Draw:
    """The words of some numbers; each label gives words of its own.

    Attributes:
        numbers: shape (rows,); equal numbers get equal words.
        key: of the table, group and sample.
    """

    numbers: NDArray[np.uint64]
    key: int

    def words(self, label: str) -> Words:
        """Words for a choice."""
        salt = int.from_bytes(digest(self.key, label, size=16), "little")
        low, high = np.uint64(salt % 2**64), np.uint64(salt >> 64)
        return mix(mix(self.numbers + low) ^ high)

    def at(self, rows: NDArray[np.int64]) -> Draw:
        """The draw of some of the rows."""
        return Draw(self.numbers[rows], self.key)


@dataclass(frozen=True)
class Rule:
    """What a symbol stands for: one of its words, or one of its formats.

    Attributes:
        words: to choose from.
        weights: of the words; empty for equal ones.
        formats: where there are no words.
    """

    words: tuple[str, ...] = ()
    weights: tuple[int, ...] = ()
    formats: tuple[tuple[Part, ...], ...] = ()

    @cached_property
    def array(self) -> pa.Array[Any]:
        """The words."""
        return pa.array(self.words, pa.string())

    @cached_property
    def _ends(self) -> NDArray[np.uint64]:
        return np.cumsum(np.array(self.weights, np.uint64))

    def choose(self, words: Words) -> NDArray[np.int64]:
        """Places of words, by weight."""
        if not self.weights:
            return (words % np.uint64(len(self.words))).astype(np.int64)
        drawn = words % self._ends[-1]
        places: NDArray[np.int64] = np.searchsorted(self._ends, drawn, side="right")
        return places.astype(np.int64)

    def lengthened(self, shares: Mapping[int, float]) -> Rule:
        """The same words, weighed so that they are as long as they should be.

        Args:
            shares: by number of characters; the rule as it is where it has no word of them.
        """
        lengths = np.array([len(word) for word in self.words])
        weights = np.array(self.weights or [1] * len(self.words), np.float64)
        before = np.bincount(lengths, weights)
        wanted = np.array([shares.get(n, 0.0) for n in range(len(before))])
        wanted = np.where(before > 0, wanted, 0.0)
        if not wanted.sum() > 0:
            return self
        factor = wanted / wanted.sum() / np.maximum(before, 1.0)
        return replace(self, weights=_scaled(weights * factor[lengths]))

    def evened(self, distinct: int, rows: int) -> Rule:
        """The same words, weighed so that rows have as many different ones, as far as can be.

        Words stay as long as they are, on average and altogether.

        Args:
            distinct: different words of the rows.
            rows: how many.
        """
        lengths = np.array([len(word) for word in self.words])
        weights = np.array(self.weights or [1] * len(self.words), np.float64)
        of_length = np.bincount(lengths, weights / weights.sum())
        shares = {n: float(share) for n, share in enumerate(of_length)}
        tried = [replace(self, weights=_scaled(weights**power)).lengthened(shares)
                 for power in _POWERS]  # fmt: skip
        return min(tried, key=lambda rule: abs(rule._different(rows) - distinct))

    def _different(self, rows: int) -> float:
        """Different words of rows that have each as often as its weight says."""
        weights = np.array(self.weights, np.float64)
        return float(np.minimum(weights / weights.sum() * rows, 1.0).sum())


def _scaled(weights: NDArray[np.float64]) -> tuple[int, ...]:
    """Weights as whole numbers; what is never chosen stays so."""
    return tuple(int(w) for w in np.ceil(weights / weights.sum() * _WEIGHT) * (weights > 0))


@dataclass(frozen=True)
class Grammar:
    """Rules by symbol. All symbols that formats name are there."""

    rules: Mapping[str, Rule]

    def __contains__(self, symbol: object) -> bool:
        return symbol in self.rules

    def __getitem__(self, symbol: str) -> Rule:
        return self.rules[symbol]

    def lengthened(self, symbol: str, shares: Mapping[int, float]) -> Grammar:
        """The grammar with the words of a symbol as long as they should be."""
        rule = self.rules[symbol]
        if not rule.words or not shares:
            return self
        return Grammar({**self.rules, symbol: rule.lengthened(shares)})

    def expand(self, symbol: str, draw: Draw, label: str = "") -> pa.Array[Any]:
        """One text a number."""
        rule, label = self.rules[symbol], f"{label}/{symbol}"
        words = draw.words(label)
        if rule.words:
            return rule.array.take(indices(rule.choose(words)))
        choice = (words % np.uint64(len(rule.formats))).astype(np.int64)

        def one(number: int, rows: NDArray[np.int64]) -> pa.Array[Any]:
            return self._format(rule.formats[number], draw.at(rows), f"{label}{number}")

        return by_choice(choice, one)

    def _format(self, parts: Sequence[Part], draw: Draw, label: str) -> pa.Array[Any]:
        columns: list[Any] = []
        for place, (mark, text) in enumerate(parts):
            if mark == "=":
                columns.append(pa.scalar(text, pa.string()))
            elif mark == "@":
                columns.append(self.expand(text, draw, f"{label}.{place}"))
            else:
                columns.append(_one_of(text, draw.words(f"{label}.{place}")))
        return joined(columns, len(draw.numbers))

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            name: {"words": list(r.words), "weights": list(r.weights),
                   "formats": [[list(p) for p in f] for f in r.formats]}
            for name, r in self.rules.items()
        }  # fmt: skip

    @classmethod
    def from_json(cls, held: Mapping[str, Any]) -> Grammar:
        """The grammar that ``to_json`` gave."""
        return cls({
            name: Rule(tuple(r["words"]), tuple(r["weights"]),
                       tuple(tuple((p[0], p[1]) for p in f) for f in r["formats"]))
            for name, r in held.items()
        })  # fmt: skip


def _one_of(alphabet: str, words: Words) -> pa.Array[Any]:
    pattern = Pattern((alphabet,))
    return pattern.unrank((words % np.uint64(pattern.capacity)).astype(np.int64))
