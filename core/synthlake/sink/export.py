"""Single tables as files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from synthlake.errors import SinkError
from synthlake.sink.formats import ending, write_file
from synthlake.source.filenames import encode


def write_table(
    folder: str | Path,
    name: str,
    schema: pa.Schema,
    batches: Iterable[pa.RecordBatch],
    format: str = "parquet",
) -> Path:
    """Write one table as ``<name>.<ending>``, in one step; returns the file.

    A file of that name is replaced. For all tables of a run use ``FolderSink``.

    Raises:
        SinkError: the folder cannot be written to, or the format cannot hold the rows.
        MissingExtraError: the format's package is not installed.
    """
    path = Path(folder).expanduser() / f"{encode(name)}{ending(format)}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SinkError(
            f"the folder {path.parent} cannot be made ({error.strerror})", hint="give another one"
        ) from None
    write_file(path, name, schema, batches, format)
    return path
