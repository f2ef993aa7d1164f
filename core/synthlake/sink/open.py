"""The door for twins: what a user calls a sink, as a ``Sink``."""

from __future__ import annotations

import re
from pathlib import Path

from synthlake.errors import SinkError
from synthlake.sink.folder import FolderSink
from synthlake.sink.formats import FORMATS


def open_sink(target: str | Path) -> FolderSink:
    """A sink for ``parquet://folder`` (or csv, jsonl, arrow, hdf5), or a folder for Parquet.

    Raises:
        SinkError: no sink is known for the URL.
    """
    url = re.fullmatch(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", str(target), re.DOTALL)
    kind, folder = (url[1].lower(), url[2]) if url else ("parquet", str(target))
    if kind not in FORMATS:
        raise SinkError(
            f"no sink is known for {kind}://",
            hint=f"there are {', '.join(f'{name}://' for name in FORMATS)}",
        )
    if not folder:
        raise SinkError(f"{target} names no folder", hint=f"write {kind}://folder")
    return FolderSink(folder, format=kind)
