"""One text for one value: canonical JSON, and digests of what an artifact holds."""

from __future__ import annotations

import hashlib
import io
import json
import weakref
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

_SIZE = 20
_KEPT: dict[int, tuple[weakref.ref[NDArray[Any]], str]] = {}


def canonical_json(value: Any) -> bytes:
    """JSON with sorted keys, no spaces and no NaN, in ASCII.

    Raises:
        TypeError, ValueError: the value is not JSON.
    """
    text = json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode("ascii")


def digest_bytes(data: bytes) -> str:
    """Digest of bytes, as hex."""
    return hashlib.blake2b(data, digest_size=_SIZE).hexdigest()


def digest_json(value: Any) -> str:
    """Digest of a JSON value, independent of the order of its keys."""
    return digest_bytes(canonical_json(value))


def digest_array(array: NDArray[Any]) -> str:
    """Digest of type, shape and values in little-endian, row-major order.

    That of an array in memory which nobody can change, as loading gives it, is kept with it.
    """
    held: Any = array
    while isinstance(held, np.ndarray):
        held = held.base
    if not isinstance(held, bytes):
        return _digest_array(array)
    kept, digest = _KEPT.get(id(array), (None, ""))
    if kept is None or kept() is not array:
        digest = _digest_array(array)
        number = id(array)
        _KEPT[number] = weakref.ref(array, lambda _: _KEPT.pop(number, None)), digest
    return digest


def _digest_array(array: NDArray[Any]) -> str:
    held = np.asarray(array)
    little = np.ascontiguousarray(held.astype(held.dtype.newbyteorder("<"), copy=False))
    state = hashlib.blake2b(digest_size=_SIZE)
    state.update(f"{little.dtype.str}{held.shape}".encode())
    state.update(little.reshape(-1).view(np.uint8).data if little.size else b"")
    return state.hexdigest()


def table_bytes(table: pa.Table) -> bytes:
    """A table as an Arrow IPC file; the same values give the same bytes, however chunked."""
    out = io.BytesIO()
    whole = table.combine_chunks().replace_schema_metadata(None)
    with pa.ipc.new_file(out, whole.schema) as writer:
        writer.write_table(whole)
    return out.getvalue()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(held) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(held) for held in value]
    if isinstance(value, np.generic):
        return value.item()
    return value
