"""The door for twins: what a user calls a sink, as a ``Sink``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synthlake.errors import SinkError
from synthlake.plugins import door, schemes
from synthlake.ports import Sink
from synthlake.sink.folder import FolderSink
from synthlake.sink.formats import FORMATS
from synthlake.source.secrets import resolve


def open_sink(
    target: str | Path, *, schema: str | None = None, options: Mapping[str, Any] | None = None
) -> Sink:
    """A sink for ``parquet://folder`` (or csv, jsonl, arrow, hdf5), or a folder for Parquet.

    ``duckdb:///path`` is a DuckDB file; all other schemes are of connectors.

    Args:
        target: a folder, or a URL.
        schema: of a database, instead of its default.
        options: of the database or connector; a text may be ``env:NAME`` or ``file:PATH``.

    Raises:
        SinkError: no sink is known for the URL.
        MissingExtraError: the connector's dependencies are not installed.
    """
    url = re.fullmatch(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", str(target), re.DOTALL)
    kind, folder = (url[1].lower(), url[2]) if url else ("parquet", str(target))
    if kind == "duckdb":
        return _open_duckdb(folder, schema, options or {})
    if kind not in FORMATS:
        opened = door(kind, "open_sink")
        if opened is None:
            known = ", ".join(f"{name}://" for name in [*FORMATS, "duckdb", *schemes()])
            raise SinkError(f"no sink is known for {kind}://", hint=f"there are {known}")
        given = {k: resolve(v) if isinstance(v, str) else v for k, v in (options or {}).items()}
        sink: Sink = opened(str(target), schema, given)
        return sink
    if not folder:
        raise SinkError(f"{target} names no folder", hint=f"write {kind}://folder")
    return FolderSink(folder, format=kind)


def _open_duckdb(address: str, schema: str | None, options: Mapping[str, Any]) -> Sink:
    from synthlake.sink.duckdb_database import duckdb_sink

    path = Path(address.removeprefix("/"))  # as in SQLAlchemy: a fourth slash makes it absolute
    if not path.name:
        raise SinkError("duckdb:// names no file", hint="write duckdb:///path.duckdb")
    given = {k: resolve(v) if isinstance(v, str) else v for k, v in options.items()}
    return duckdb_sink(path.expanduser(), schema, given)
