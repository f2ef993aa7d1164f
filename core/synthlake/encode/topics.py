"""What a text is about: one of a few topics, by the words that it has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_APART = r"[^\p{L}\p{N}]+"
_CHUNK = 10_000  # texts that are split at once

Floats = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(frozen=True)
class Topics:
    """Topics of texts.

    Attributes:
        words: in lower case, that tell topics apart.
        weights: shape (topics, words), what a word adds to the score of each topic.
        base: shape (topics,), the score of a text without any of them.

    Privacy: words have k entities, and what tells their weights has k entities in the topic.
    """

    words: tuple[str, ...] = ()
    weights: tuple[tuple[float, ...], ...] = ((),)
    base: tuple[float, ...] = (0.0,)

    @property
    def size(self) -> int:
        """Number of topics."""
        return len(self.base)

    def of(self, texts: Any) -> Index:
        """The topic of each text of the highest score; of the first of NULL.

        Cost: splits each text once.
        """
        if self.size == 1:
            return np.zeros(len(texts), np.int64)
        weights = np.array(self.weights)
        parts = [np.zeros(0, np.int64)]
        for start in range(0, len(texts), _CHUNK):
            some = texts.slice(start, _CHUNK)
            row, word = had(some, pa.array(self.words, pa.large_string()))
            scores = np.stack([
                np.bincount(row, one[word], len(some)) + base
                for one, base in zip(weights, self.base, strict=True)
            ])  # fmt: skip
            parts.append(np.argmax(scores, axis=0))
        return np.concatenate(parts)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        weights = [list(one) for one in self.weights]
        return {"words": list(self.words), "weights": weights, "base": list(self.base)}

    @classmethod
    def from_json(cls, held: Mapping[str, Any]) -> Topics:
        """The topics that ``to_json`` gave."""
        weights = tuple(tuple(map(float, one)) for one in held["weights"])
        return cls(tuple(held["words"]), weights, tuple(map(float, held["base"])))


def had(texts: Any, words: Any) -> tuple[Index, Index]:
    """Rows of texts and numbers of the words that they have, each pair once, ascending.

    Args:
        texts: large strings.
        words: large strings in lower case; others are passed over.
    """
    row, split = split_words(texts)
    found = np.asarray(pc.fill_null(pc.index_in(split, value_set=words), -1)).astype(np.int64)
    there = found >= 0
    pairs = np.unique(row[there] * max(len(words), 1) + found[there])
    return pairs // max(len(words), 1), pairs % max(len(words), 1)


def split_words(texts: Any) -> tuple[Index, Any]:
    """The words of texts in lower case, one after another, and the row of each."""
    split: Any = pc.split_pattern_regex(pc.fill_null(pc.utf8_lower(texts), ""), _APART)
    sizes = np.asarray(pc.list_value_length(split)).astype(np.int64)
    return np.repeat(np.arange(len(texts)), sizes), split.flatten()
