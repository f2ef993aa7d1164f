"""Text that names rows: its shapes are learned, its characters are drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from synthlake.encode.axis import plain
from synthlake.encode.categorical import UNKNOWN
from synthlake.encode.pattern import pattern_of_shape, shape_of
from synthlake.seed import Words

_ANY = ("aaaaaaaa",)  # where no shape has support
_LONGEST = 200  # characters; longer text has no shape worth keeping


@dataclass(frozen=True)
class TextCodec:
    """Code i stands for a text of the shape ``shapes[i]``.

    Privacy: holds shapes that k entities share, and no character of any value but punctuation.
    """

    type: pa.DataType
    shapes: tuple[str, ...]

    ordered = False

    @property
    def size(self) -> int:
        """Number of codes."""
        return len(self.shapes)

    def encode(self, array: pa.Array | pa.ChunkedArray) -> NDArray[np.int32]:
        """Codes of texts, shape (rows,); NULL is -1, an unsupported shape ``UNKNOWN``."""
        texts = plain(array).cast(pa.string())
        null = np.asarray(texts.is_null())
        known = {shape: code for code, shape in enumerate(self.shapes)}
        other = 0 if self.shapes == _ANY else UNKNOWN
        codes = [known.get(s, other) for s in shape_of(texts)]
        return np.where(null, -1, np.asarray(codes, np.int32)).astype(np.int32)

    def decode(self, codes: NDArray[np.int32], words: Words) -> pa.Array:
        """Random texts of the shapes; further characters come from the same word by mixing."""
        out: NDArray[np.object_] = np.full(len(codes), None, dtype=object)
        for code in np.unique(codes[codes >= 0]):
            rows = np.flatnonzero(codes == code)
            out[rows] = _texts(self.shapes[code], words[rows])
        made = pa.array(out.tolist(), pa.string())
        return made if made.type == self.type else made.cast(self.type)


def _texts(shape: str, words: Words) -> list[str]:
    """One text a word, in chunks of ten characters."""
    parts = []
    for start in range(0, len(shape), 10):
        pattern = pattern_of_shape(shape[start : start + 10])
        mixed = mix(words + np.uint64((0x9E3779B97F4A7C15 * (start + 1)) % 2**64))
        parts.append(pattern.unrank((mixed % np.uint64(pattern.capacity)).astype(np.int64)))
    if not parts:
        return [""] * len(words)
    joined = pc.binary_join_element_wise(*parts, pa.scalar("", pa.string()))
    return [str(v) for v in joined.to_pylist()]


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
        for shape, entities in zip(
            shapes["shape"].to_pylist(), shapes["entities"].to_pylist(), strict=True
        ):
            if entities >= k and len(shape) <= _LONGEST:
                kept.append(shape)
    return TextCodec(dtype, tuple(kept) or _ANY)
