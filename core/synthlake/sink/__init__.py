"""Where twins go to: folders of files, published in one step."""

from synthlake.sink.export import write_table
from synthlake.sink.folder import FolderSink
from synthlake.sink.formats import FORMATS
from synthlake.sink.open import open_sink
from synthlake.sink.parquet import ParquetSink

__all__ = ["FORMATS", "FolderSink", "ParquetSink", "open_sink", "write_table"]
