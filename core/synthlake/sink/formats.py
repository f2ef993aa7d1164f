"""The formats of a sink's files: one writer each, all streaming."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from synthlake.errors import SinkError
from synthlake.schema.model import Schema
from synthlake.sink import hdf5, text
from synthlake.sink.dictionaries import dictionary_columns
from synthlake.sink.groups import GROUP_ROWS, groups
from synthlake.sink.widening import file_schema

Writer = Callable[[Path, pa.Schema, Iterable[pa.RecordBatch]], None]


def _parquet(path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
    groups = iter(batches)
    first = list(islice(groups, 1))
    listed: Any = dictionary_columns(first[0]) if first else True
    with pq.ParquetWriter(
        path, schema, compression="zstd", version="2.6", use_dictionary=listed
    ) as writer:
        for batch in chain(first, groups):
            writer.write_batch(batch, row_group_size=GROUP_ROWS)


def _arrow(path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
    options = pa.ipc.IpcWriteOptions(compression="zstd", emit_dictionary_deltas=True)
    known: dict[int, Any] = {}
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, schema, options=options) as out:
        for batch in batches:
            columns = [_growing(known, n, column) for n, column in enumerate(batch.columns)]
            out.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))


def _growing(known: dict[int, Any], number: int, column: Any) -> Any:
    """A dictionary column in the values known so far and its own: a file's may only grow."""
    if not pa.types.is_dictionary(column.type):
        return column
    values = column.dictionary
    if number in known:
        fresh = values.filter(pc.invert(pc.is_in(values, value_set=known[number])))
        values = pa.concat_arrays([known[number], fresh])
    known[number] = values
    plain = column.cast(column.type.value_type)
    places = pc.index_in(plain, value_set=values).cast(column.type.index_type)
    return pa.DictionaryArray.from_arrays(places, values, ordered=column.type.ordered)


_WRITERS: Final[dict[str, tuple[str, Writer]]] = {
    "parquet": (".parquet", _parquet),
    "csv": (".csv", text.csv),
    "jsonl": (".jsonl", text.jsonl),
    "arrow": (".arrow", _arrow),
    "hdf5": (".h5", hdf5.write),
}
FORMATS: Final = tuple(_WRITERS)


def ending(kind: str) -> str:
    """The ending of a format's files.

    Raises:
        SinkError: there is no such format.
    """
    if kind not in _WRITERS:
        raise SinkError(f"there is no format {kind!r}", hint=f"there are {', '.join(FORMATS)}")
    return _WRITERS[kind][0]


def check_types(schema: Schema, kind: str) -> None:
    """Refuse columns that a format cannot hold, before anything is learned.

    A column of each type is written and read, in a scratch folder.

    Raises:
        SinkError: one cannot be held; says which.
        MissingExtraError: the format's package is not installed.
    """
    ending(kind)
    for table in (t for t in schema if not t.skip):
        for column in file_schema(table, kind):
            if not _holds(column.type, kind):
                raise SinkError(
                    f"{table.name}.{column.name} is {column.type}, which {kind} cannot hold",
                    hint="choose another format, such as arrow, cast the column in the source,"
                    " or give it `action: skip`",
                )


@lru_cache(maxsize=512)
def _holds(dtype: pa.DataType, kind: str) -> bool:
    """Whether a column can be written and read."""
    make: Any = pa.nulls
    nullable = not (kind == "parquet" and pa.types.is_fixed_size_list(dtype))
    values = make(int(nullable), dtype)
    schema = pa.schema([pa.field("v", dtype)])
    batch = pa.RecordBatch.from_arrays([values], schema=schema)
    with tempfile.TemporaryDirectory(prefix="synthlake-") as folder:
        path = Path(folder) / "probe"
        try:
            _WRITERS[kind][1](path, schema, [batch])
            if kind == "parquet":
                pq.read_table(path)
        except (pa.ArrowException, OSError):
            return False
    return True


def write_file(
    path: Path, table: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch], kind: str
) -> int:
    """Write a file in one step: it is there whole, on the disk, or not at all; returns its rows.

    Equal rows give equal bytes, however they are cut into batches.

    Raises:
        SinkError: the batches are not of the schema, or the format cannot hold a type.
        MissingExtraError: the format's package is not installed.
    """
    ending(kind)
    rows = 0

    def counted() -> Iterable[pa.RecordBatch]:
        nonlocal rows
        for group in groups(table, schema, batches):
            rows += group.num_rows
            yield group

    scratch = path.with_name(f".{uuid4().hex}.tmp")
    failed = ""
    try:
        _WRITERS[kind][1](scratch, schema, counted())
        sync(scratch)
        os.replace(scratch, path)
    except pa.ArrowException as error:
        failed = type(error).__name__
    finally:
        scratch.unlink(missing_ok=True)
    if failed:
        raise SinkError(
            f"table {table} cannot be written as {kind} ({failed})",
            hint="choose another format, such as parquet",
        )
    return rows


def sync(path: Path) -> None:
    """Bring a file or a folder's entries to the disk."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
