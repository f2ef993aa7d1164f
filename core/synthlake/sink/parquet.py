"""A folder of Parquet files as a sink."""

from __future__ import annotations

from pathlib import Path

from synthlake.sink.folder import FolderSink


class ParquetSink(FolderSink):
    """A folder of Parquet files, zstd, in row groups of fixed size. Conforms to ``ports.Sink``."""

    def __init__(self, folder: str | Path) -> None:
        super().__init__(folder, format="parquet")
