"""Text that names rows: its shapes are learned, its characters are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from synthlake.encode.axis import AnyArray, coded, indices, plain
from synthlake.encode.categorical import UNKNOWN
from synthlake.encode.pattern import Pattern, parse_pattern, pattern_of_shape, shape_of
from synthlake.seed import Words

_LONGEST = 200  # characters; longer text has no shape worth keeping


@dataclass(frozen=True)
class TextCodec:
    """Code i stands for a text of the shape ``shapes[i]``.

    Attributes:
        pattern: declared for all texts, in place of learned shapes.

    Privacy: holds shapes that k entities share, and no character of any value but punctuation.
    """

    type: pa.DataType
    shapes: tuple[str, ...]
    pattern: str | None = None

    ordered = False

    @property
    def size(self) -> int:
        """Number of codes."""
        return len(self.shapes)

    def encode(self, array: AnyArray) -> NDArray[np.int32]:
        """Codes of texts, shape (rows,); NULL is -1, an unsupported shape ``UNKNOWN``."""
        texts: Any = plain(array).cast(pa.string()).dictionary_encode()
        known = {shape: code for code, shape in enumerate(self.shapes)}
        # one shape stands for all texts: there is nothing that tells them apart
        other = 0 if len(self.shapes) == 1 else UNKNOWN
        found = [known.get(s, other) for s in shape_of(texts.dictionary)]
        index = np.asarray(texts.indices.fill_null(len(found)))
        codes: NDArray[np.int32] = np.array([*found, -1], np.int32)[index]
        return codes

    def _alphabets(self, code: int) -> tuple[str, ...]:
        """What each character of a code's texts is drawn from."""
        if self.pattern is not None:
            return parse_pattern(self.pattern).alphabets
        return pattern_of_shape(self.shapes[code]).alphabets

    def decode(self, codes: NDArray[np.int32], words: Words) -> pa.Array[Any]:
        """Random texts of the shapes; further characters come from the same word by mixing."""
        parts: list[pa.Array[Any]] = [pa.array([None], pa.string())]
        places = np.zeros(len(codes), np.int64)
        start = 1
        for code in np.unique(codes[codes >= 0]):
            rows = np.flatnonzero(codes == code)
            parts.append(_texts(self._alphabets(code), words[rows]))
            places[rows] = np.arange(start, start + len(rows))
            start += len(rows)
        made = pa.concat_arrays(parts).take(indices(places))
        return (
            made.cast(self.type)
            if not pa.types.is_dictionary(self.type)
            else coded(made, self.type)
        )


def _texts(alphabets: tuple[str, ...], words: Words) -> pa.Array[Any]:
    """One text a word, in chunks of ten characters."""
    parts: list[Any] = [pa.array([""] * len(words), pa.string())]
    for start in range(0, len(alphabets), 10):
        pattern = Pattern(alphabets[start : start + 10])
        mixed = mix(words + np.uint64((0x9E3779B97F4A7C15 * (start + 1)) % 2**64))
        parts.append(pattern.unrank((mixed % np.uint64(pattern.capacity)).astype(np.int64)))
    joined: Any = pc.binary_join_element_wise
    made: pa.Array[Any] = joined(*parts, pa.scalar("", pa.string()))
    return made


def mix(words: Words) -> Words:
    """A bijection of 64-bit words without visible structure.

    Source: the finaliser of SplitMix64 (Steele et al., OOPSLA 2014).
    """
    x = words.astype(np.uint64)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def build_text(dtype: pa.DataType, shapes: pa.Table | None, k: int) -> TextCodec:
    """Shapes of at least k entities; a run of letters where none has."""
    kept: list[str] = []
    if shapes is not None:
        rows: list[dict[str, Any]] = shapes.to_pylist()
        kept = [r["shape"] for r in rows if r["entities"] >= k and len(r["shape"]) <= _LONGEST]
    return TextCodec(dtype, tuple(kept or ["aaaaaaaa"]))
