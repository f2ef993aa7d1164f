"""A file's arrays are read where they lie, or the file is refused."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save

from synthlake.store.canonical import digest_array
from synthlake.store.tensors import arrays_of

KINDS = ("f8", "f4", "f2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "?")


def content() -> bytes:
    arrays = {f"a/{kind}": np.arange(n * 3).reshape(3, n).astype(kind)
              for n, kind in enumerate(KINDS)}  # fmt: skip
    return save({**arrays, "one": np.array(5.0)}, metadata={"document": "{}"})


def changed(name: str, **said: Any) -> bytes:
    """The content with another entry in its header."""
    data = content()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    header[name] = {**header[name], **said}
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data[8 + size :]


def test_they_are_those_of_the_library() -> None:
    data = content()
    found, expected = arrays_of(data), load(data)
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert found[name].dtype == array.dtype
        assert found[name].shape == array.shape
        np.testing.assert_array_equal(found[name], array)
        assert not found[name].size or not found[name].flags.writeable


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\1", b"\2\0\0\0\0\0\0\0[]", b"\xff" * 40, content()[:-1],
        changed("one", dtype="BF16"), changed("one", shape=[2]), changed("one", shape=[-1, -1]),
        changed("one", data_offsets=[-8, 0]), changed("one", data_offsets=[10**30, 10**30 + 8]),
        changed("one", data_offsets=[1e999, 1]), changed("one", shape=None),
    ],
)  # fmt: skip
def test_damage_is_told(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of several libraries
        arrays_of(data)


def test_a_digest_that_is_kept_is_that_of_the_values() -> None:
    data = content()
    for name, array in arrays_of(data).items():
        assert digest_array(array) == digest_array(array) == digest_array(load(data)[name].copy())


def test_a_digest_of_what_may_change_is_not_kept() -> None:
    array = np.arange(5)
    before = digest_array(array)
    array[0] = 9
    assert digest_array(array) != before
