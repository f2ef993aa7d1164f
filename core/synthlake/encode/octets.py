"""Binary values that name rows: their lengths and common bits are learned, the rest is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from synthlake.encode.axis import AnyArray, coded, plain
from synthlake.encode.categorical import UNKNOWN
from synthlake.encode.mixing import mix
from synthlake.seed import Words

MAX_LENGTH = 4_096  # bytes; longer values are not made
_GOLDEN = 0x9E3779B97F4A7C15

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Form:
    """Values of one length.

    Attributes:
        fixed: bytes with a 1 in each bit that all of them share, such as the version of a UUID.
        value: the shared bits; 0 elsewhere.
    """

    fixed: bytes
    value: bytes


@dataclass(frozen=True)
class OctetsCodec:
    """Code i stands for random bytes of the form ``forms[i]``.

    Privacy: holds lengths of k entities or more, and bits that all values of a length share.
    """

    type: pa.DataType
    forms: tuple[Form, ...]

    name: ClassVar[str] = "octets"
    ordered = False
    exact = False

    @property
    def size(self) -> int:
        """Number of codes."""
        return len(self.forms)

    def encode(self, array: AnyArray) -> NDArray[np.int32]:
        """Codes of values, shape (rows,); NULL is -1, an unsupported length ``UNKNOWN``."""
        values: Any = plain(array)
        lengths = np.asarray(pc.fill_null(pc.binary_length(values), -1)).astype(np.int64)
        known = {len(form.fixed): code for code, form in enumerate(self.forms)}
        found, place = np.unique(lengths, return_inverse=True)
        codes = [-1 if n < 0 else known.get(int(n), UNKNOWN) for n in found]
        made: NDArray[np.int32] = np.array(codes, np.int32)[place]
        return made

    def decode(self, codes: NDArray[np.int32], words: Words) -> pa.Array[Any]:
        """Random bytes of the forms; further bytes come from the same word by mixing."""
        sizes = np.array([len(form.fixed) for form in self.forms], np.int64)
        lengths = np.where(codes < 0, 0, sizes[np.maximum(codes, 0)] if len(sizes) else 0)
        ends = np.cumsum(lengths)
        data = np.zeros(int(ends[-1]) if len(ends) else 0, np.uint8)
        for code, form in enumerate(self.forms):
            rows = np.flatnonzero(codes == code)
            if len(rows) and form.fixed:
                place = (ends[rows] - lengths[rows])[:, None] + np.arange(len(form.fixed))
                data[place] = _drawn(form, words[rows])
        offsets = pa.py_buffer(np.append(0, ends).astype(np.int64).tobytes())
        there = pa.array(codes >= 0).buffers()[1]
        buffers = [there, offsets, pa.py_buffer(data.tobytes())]
        made: Any = pa.Array.from_buffers(pa.large_binary(), len(codes), buffers)
        kind: Any = self.type.value_type if pa.types.is_dictionary(self.type) else self.type
        return coded(made.cast(pa.binary()).cast(kind), self.type)

    def to_json(self) -> dict[str, Any]:
        """Plain values, without the type."""
        return {"forms": [[form.fixed.hex(), form.value.hex()] for form in self.forms]}

    @classmethod
    def from_json(cls, held: Mapping[str, Any], dtype: pa.DataType) -> OctetsCodec:
        """The codec that ``to_json`` gave."""
        return cls(dtype, tuple(Form(*map(bytes.fromhex, form)) for form in held["forms"]))


def _drawn(form: Form, words: Words) -> Bytes:
    """Bytes of a form, shape (rows, length)."""
    parts = [
        mix(words + np.uint64(_GOLDEN * (n + 1) % 2**64))
        .astype("<u8")
        .view(np.uint8)
        .reshape(-1, 8)
        for n in range(-(-len(form.fixed) // 8))
    ]
    free = np.concatenate(parts, axis=1)[:, : len(form.fixed)]
    fixed, value = (np.frombuffer(held, np.uint8) for held in (form.fixed, form.value))
    made: Bytes = (free & ~fixed) | value
    return made


def build_octets(
    dtype: pa.DataType, array: AnyArray, group: NDArray[np.int64], k: int
) -> OctetsCodec:
    """Forms of the lengths that at least k entities have, from a sample.

    Args:
        dtype: of the column.
        array: its values.
        group: shape (rows,), the entity of each row.
        k: least number of entities.
    """
    values: Any = plain(array)
    there = np.asarray(values.is_valid())
    values, group = values.filter(pa.array(there)), group[there]
    lengths, place = np.unique(np.asarray(pc.binary_length(values)), return_inverse=True)
    pairs = np.unique(np.stack([place, group]), axis=1)
    people = np.bincount(pairs[0], minlength=len(lengths))
    forms = [
        _form(values.filter(pa.array(place == number)), int(lengths[number]))
        for number in np.flatnonzero(people >= k)
        if lengths[number] <= MAX_LENGTH
    ]
    return OctetsCodec(dtype, tuple(forms))


def _form(values: Any, length: int) -> Form:
    """What all values of one length share."""
    rows = np.frombuffer(b"".join(values.to_pylist()), np.uint8).reshape(len(values), length)
    ones, zeros = np.bitwise_and.reduce(rows), ~np.bitwise_or.reduce(rows)
    return Form((ones | zeros).tobytes(), ones.tobytes())
