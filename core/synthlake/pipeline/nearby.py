"""A source as DuckDB reads it, for those who judge: its own engine may be a database or Spark."""

from __future__ import annotations

from pathlib import Path

from synthlake.ports import Source
from synthlake.schema.model import Schema


def nearby(source: Source, schema: Schema, folder: Path) -> Source:
    """The source itself if DuckDB reads it, else a copy of its tables in a folder.

    Args:
        source: the real data.
        schema: tables that are skipped are not copied.
        folder: where the copy is made, as Parquet.

    Raises:
        QueryError, SourceError: the source cannot be read.

    Cost: one read of all rows; memory of a batch.
    Privacy: the real rows lie in the folder, which the caller removes.
    """
    if source.engine().dialect == "duckdb":
        return source
    from synthlake.sink.folder import FolderSink
    from synthlake.source import open_source

    given = source.schema()
    copied = Schema({t.name: given[t.name] for t in schema if not t.skip})
    sink = FolderSink(folder)
    sink.open("copy", copied)
    for table in copied:
        sink.write_part(table.name, 0, source.batches(table.name))
    sink.publish({})
    return open_source(folder)
