"""Where twins go to: folders of files, published in one step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synthlake.late import late_names

if TYPE_CHECKING:
    from synthlake.sink.export import write_table
    from synthlake.sink.folder import FolderSink
    from synthlake.sink.formats import FORMATS
    from synthlake.sink.open import open_sink
    from synthlake.sink.parquet import ParquetSink

__all__ = ["FORMATS", "FolderSink", "ParquetSink", "open_sink", "write_table"]
_HOMES = dict(zip(__all__, ("formats", "folder", "parquet", "open", "export"), strict=True))
__getattr__ = late_names(__name__, _HOMES)
