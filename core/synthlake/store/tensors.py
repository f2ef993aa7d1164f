"""One file of arrays with a JSON document: what a worker maps into memory."""

from __future__ import annotations

import json
import math
import mmap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthlake.errors import ArtifactError
from synthlake.store.canonical import canonical_json, digest_array, digest_json
from synthlake.store.directory import write_file

_DOCUMENT = "document"
_KINDS = {
    "F64": np.float64, "F32": np.float32, "F16": np.float16, "BOOL": np.bool_,
    "I64": np.int64, "I32": np.int32, "I16": np.int16, "I8": np.int8,
    "U64": np.uint64, "U32": np.uint32, "U16": np.uint16, "U8": np.uint8,
}  # fmt: skip


def save_tensors(
    path: Path, document: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]
) -> str:
    """Write a document and its arrays into one file, atomically; returns their digest."""
    from safetensors.numpy import save

    held = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
    write_file(path, save(held, metadata={_DOCUMENT: canonical_json(document).decode()}))
    return digest_tensors(document, tensors)


def load_tensors(path: Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The document and arrays of a file, which are mapped into memory: nobody can change them.

    Raises:
        ArtifactError: it is missing or damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="np") as file, path.open("rb") as held:
            document = json.loads(file.metadata()[_DOCUMENT])
            return document, arrays_of(mmap.mmap(held.fileno(), 0, access=mmap.ACCESS_READ))
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        raise ArtifactError(
            f"{path} cannot be read: {type(error).__name__}", hint="delete it and run again"
        ) from error


def tensors_of(data: bytes) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The document and arrays of a file's content.

    Raises:
        ValueError: it is damaged.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    size = int.from_bytes(data[:8], "little")
    try:
        held = json.loads(data[8 : 8 + size])["__metadata__"]
        return json.loads(held[_DOCUMENT]), load(data)
    except (SafetensorError, KeyError) as error:
        raise ValueError("not a document with arrays") from error


def arrays_of(data: bytes | mmap.mmap) -> dict[str, NDArray[Any]]:
    """The arrays of a file's content, where they lie in it: nobody can change them.

    Raises:
        ValueError: it is damaged.
    """
    size = int.from_bytes(data[:8], "little")
    try:
        header = json.loads(data[8 : 8 + size])
        return {
            name: _array_of(data, 8 + size, said)
            for name, said in header.items()
            if name != "__metadata__"
        }
    except (AttributeError, LookupError, OverflowError, RecursionError, TypeError) as error:
        raise ValueError("not a file of arrays") from error


def _array_of(data: bytes | mmap.mmap, begin: int, said: Mapping[str, Any]) -> NDArray[Any]:
    """An array by its entry in the header."""
    kind = np.dtype(_KINDS[said["dtype"]]).newbyteorder("<")
    shape = tuple(map(int, said["shape"]))
    first, last = map(int, said["data_offsets"])
    count = math.prod(shape)
    if min(first, *shape, 0) < 0 or last - first != count * kind.itemsize:
        raise ValueError("an array has another size than its shape")
    flat = np.frombuffer(data, kind, count, begin + first) if count else np.zeros(0, kind)
    return flat.reshape(shape)


def digest_tensors(document: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]) -> str:
    """Digest of a document and its arrays, whatever file they lie in."""
    return digest_json(
        {"document": document, "tensors": {n: digest_array(a) for n, a in tensors.items()}}
    )
