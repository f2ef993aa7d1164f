"""Where data comes from: files, DuckDB databases, tables in memory."""

from synthlake.source.open import open_source, read_table
from synthlake.source.view import ViewSource

__all__ = ["ViewSource", "open_source", "read_table"]
