"""Batches as PostgreSQL's COPY text: column by column in Arrow, so a row costs no Python."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthlake.api import errors

_ESCAPES: Final = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"))
_NULL: Final = "\\N"
_MAX_BYTES: Final = 32 << 20  # far below what one array of texts can hold
_FIRST_DAY, _LAST_DAY = -719_162, 2_932_896  # 0001-01-01 and 9999-12-31
_DAY_US: Final = 86_400_000_000


def rows(batch: pa.RecordBatch, table: str) -> Iterator[memoryview]:
    """A batch as lines of COPY text, in pieces.

    Args:
        batch: of the types of ``sinks.carried``.
        table: for messages.

    Raises:
        SinkError: PostgreSQL cannot hold a value.
    """
    if batch.nbytes > _MAX_BYTES and batch.num_rows > 1:
        half = batch.num_rows // 2
        yield from rows(batch.slice(0, half), table)
        yield from rows(batch.slice(half), table)
        return
    columns = [
        _text(column, f"{table}.{name}")
        for name, column in zip(batch.schema.names, batch.columns, strict=True)
    ]
    columns[-1] = pc.binary_join_element_wise(columns[-1].fill_null(_NULL), "\n", "")
    joined = pc.binary_join_element_wise(
        *columns, "\t", null_handling="replace", null_replacement=_NULL
    )
    if len(joined):
        yield memoryview(_content(joined))


def _text(values: Any, where: str) -> Any:
    kind = values.type
    if pa.types.is_string(kind):
        return _escaped(values, where)
    if pa.types.is_binary(kind):
        return pc.binary_join_element_wise("\\\\x", _hexadecimal(values), "")
    if kind == pa.uuid():
        return _hexadecimal(values.storage.cast(pa.binary()))
    if pa.types.is_duration(kind):
        counts = pc.cast(values.cast(pa.int64()), pa.string())
        return pc.binary_join_element_wise(counts, "microseconds", " ")
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        _check_years(values, where)
    return pc.cast(values, pa.string())


def _escaped(values: Any, where: str) -> Any:
    held = _content(values)
    if b"\0" in held and (count := pc.sum(pc.match_substring(values, "\0")).as_py()):
        raise errors.SinkError(
            f"{where}: {count} texts have a NUL character, which PostgreSQL cannot hold",
            hint="take it out in the source, or give the column `action: null`",
        )
    for plain, escaped in _ESCAPES:
        if plain.encode() in held:
            values = pc.replace_substring(values, plain, escaped)
    return values


def _content(values: Any) -> bytes | memoryview:
    """The octets of all texts of an array, one after the other."""
    buffer = values.buffers()[2]
    if buffer is None:
        return b""
    offsets = _offsets(values)
    return bytes(memoryview(buffer)[int(offsets[0]) : int(offsets[-1])])


def _offsets(values: Any) -> Any:
    held = np.frombuffer(values.buffers()[1], np.int32, len(values) + values.offset + 1)
    return held[values.offset :]


def _hexadecimal(values: Any) -> Any:
    if not len(values):
        return pa.array([], pa.string())
    offsets = (_offsets(values).astype(np.int32) - _offsets(values)[0]) * np.int32(2)
    digits = pa.py_buffer(bytes(_content(values)).hex().encode())
    texts: Any = pa.Array.from_buffers(
        pa.string(), len(values), [None, pa.py_buffer(offsets), digits]
    )
    return pc.if_else(values.is_valid(), texts, None)


def _check_years(values: Any, where: str) -> None:
    ends = pc.min_max(values.cast(pa.int32() if pa.types.is_date(values.type) else pa.int64()))
    low, high = ends["min"].as_py(), ends["max"].as_py()
    day = 1 if pa.types.is_date(values.type) else _DAY_US
    if low is not None and (low < _FIRST_DAY * day or high >= (_LAST_DAY + 1) * day):
        raise errors.SinkError(
            f"{where} has dates outside of the years 1 to 9999",
            hint="change them in the source; NULL is the date that is not known",
        )
