"""Text that names rows: its shapes are learned, its characters are drawn."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from synthlake.encode.axis import AnyArray, coded, indices, plain
from synthlake.encode.categorical import UNKNOWN
from synthlake.encode.mixing import mix
from synthlake.encode.pattern import (
    Pattern,
    alphabets_of,
    parse_pattern,
    pattern_of_shape,
    shape_of,
)
from synthlake.seed import Words

_LONGEST = 200  # characters; longer text has no shape worth keeping


@dataclass(frozen=True)
class TextCodec:
    """Code i stands for a text of the shape ``shapes[i]``.

    Attributes:
        type: Arrow type.
        shapes: that are learned.
        alphabets: by shape, characters of each place; empty for those of its marks.
        pattern: declared for all texts, in place of learned shapes.

    Privacy: holds shapes that k entities share, and no character of any value but punctuation and
        what all texts of a shape have in a place.
    """

    type: pa.DataType
    shapes: tuple[str, ...]
    alphabets: tuple[tuple[str, ...], ...] = ()
    pattern: str | None = None

    name: ClassVar[str] = "text"
    ordered = False
    exact = False

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
        return self.alphabets[code] if self.alphabets else alphabets_of(self.shapes[code])

    def unlike(self, code: int, used: Container[str]) -> str | None:
        """A text that is not used: of a shape, else of any other; None where all are.

        Cost: as many texts as are used, at most.
        """
        others = (other for other in range(self.size) if other != code)
        for one in (max(code, 0), *others):
            pattern = Pattern(self._alphabets(one))
            for number in range(min(pattern.capacity, 2**31)):
                text = str(pattern.unrank(np.array([number]))[0].as_py())
                if text not in used:
                    return text
        return None

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

    def to_json(self) -> dict[str, Any]:
        """Plain values, without the type."""
        alphabets = [list(some) for some in self.alphabets]
        return {"shapes": list(self.shapes), "alphabets": alphabets, "pattern": self.pattern}

    @classmethod
    def from_json(cls, held: Mapping[str, Any], dtype: pa.DataType) -> TextCodec:
        """The codec that ``to_json`` gave."""
        alphabets = tuple(tuple(some) for some in held["alphabets"])
        return cls(dtype, tuple(held["shapes"]), alphabets, held["pattern"])


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


def build_text(
    dtype: pa.DataType, shapes: pa.Table | None, k: int, values: Sequence[str] = ()
) -> TextCodec:
    """Shapes of at least k entities; a run of letters where none has.

    Args:
        dtype: of the column.
        shapes: counts over all training rows.
        k: least entities behind a shape.
        values: texts of at least k entities, whose common characters stay; none for no character.
    """
    kept: list[str] = []
    if shapes is not None:
        rows: list[dict[str, Any]] = shapes.to_pylist()
        kept = [r["shape"] for r in rows if r["entities"] >= k and len(r["shape"]) <= _LONGEST]
    if not kept or not values:
        return TextCodec(dtype, tuple(kept or ["aaaaaaaa"]))
    seen = shape_of(pa.array(values, pa.string()))
    examples = {s: [v for v, o in zip(values, seen, strict=True) if o == s] for s in kept}
    # one text of a shape says nothing of what k of them have in common
    alphabets = [pattern_of_shape(s, e if len(e) >= k else ()).alphabets
                 for s, e in examples.items()]  # fmt: skip
    return TextCodec(dtype, tuple(kept), tuple(alphabets))
