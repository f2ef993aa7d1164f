"""Where data comes from: files, DuckDB databases, tables in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synthlake.late import late_names

if TYPE_CHECKING:
    from synthlake.source.open import open_source, read_table
    from synthlake.source.view import ViewSource

__all__ = ["ViewSource", "open_source", "read_table"]
__getattr__ = late_names(__name__, dict(zip(__all__, ("view", "open", "open"), strict=True)))
