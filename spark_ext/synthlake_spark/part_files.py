"""Parquet files that workers write by themselves, for add actions."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from synthlake.api import errors
from synthlake_spark.output_types import OutputTypes
from synthlake_spark.worker import located, opened, table_rows

_ROWS_PER_GROUP = 131_072
# and the log's folder: that of a first commit which never came
_PART = re.compile(r"-[0-9a-f]{12}-[0-9]{5,}\.parquet(\.[0-9]+\.tmp)?$|^_delta_log$")


def write_part(
    place: str, table: str, part: tuple[int, int], prefix: str, expected: Mapping[str, str]
) -> pa.RecordBatch:
    """Write one part of a table; returns its path below the table's folder, octets and rows.

    The name follows from the part, so a task that is tried again puts the same file in its place.

    Args:
        place: of the twin's file.
        table: its name.
        part: how many parts there are asked for, and which one.
        prefix: of the file's path, with the table's folder.
        expected: versions on the driver.

    Raises:
        SinkError: the file cannot be written.
        SampleError: versions differ.
    """
    made = opened(located(place))[table]
    cut = made.cuts(part[0])[part[1]]
    path = f"{prefix}-{part[1]:05}.parquet"
    schema = OutputTypes.of(table, made.schema).arrow
    batches = table_rows(place, table, iter([cut]), expected)
    store, target = _opened(path)
    try:
        size = _write(store, target, schema, batches)
    except OSError as error:
        if isinstance(error, errors.SynthlakeError):
            raise
        raise errors.SinkError(
            f"{path} cannot be written: {error.strerror or type(error).__name__}",
            hint="let workers write there; arrow's writer knows local, s3, gs and abfs addresses",
        ) from error
    name = path.rpartition("/")[2]
    return pa.RecordBatch.from_pydict({"path": [name], "size": [size], "rows": [cut[1] - cut[0]]})


def only_parts(folder: str) -> bool:
    """Whether a folder without a table holds only files of ``write_part``, or is not there."""
    local = "://" not in folder
    store, target = (fs.LocalFileSystem(), folder) if local else fs.FileSystem.from_uri(folder)
    listed: Any = store.get_file_info(fs.FileSelector(target, allow_not_found=True))
    return all(_PART.search(found.base_name) for found in listed)


def _opened(path: str) -> tuple[Any, str]:
    """The file system of a path, and the path in it; folders are made."""
    if "://" not in path:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        return fs.LocalFileSystem(), path
    return fs.FileSystem.from_uri(path)


def _write(store: Any, target: str, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> int:
    """Write a file whole; local ones get their name at the end, stores show them at the end."""
    local = isinstance(store, fs.LocalFileSystem)
    staged = f"{target}.{os.getpid()}.tmp" if local else target
    with store.open_output_stream(staged) as out:
        with pq.ParquetWriter(out, schema, compression="zstd") as writer:
            for group in _groups(schema, batches):
                writer.write_table(group)
        size = int(out.tell())
    if local:
        os.replace(staged, target)
    return size


def _groups(schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Batches gathered to row groups."""
    held: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        held.append(batch)
        rows += batch.num_rows
        if rows >= _ROWS_PER_GROUP:
            yield pa.Table.from_batches(held, schema)
            held, rows = [], 0
    if held:
        yield pa.Table.from_batches(held, schema)
