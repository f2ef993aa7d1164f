"""Databases by SQLAlchemy: PostgreSQL and SQLite as sources and sinks.

The entry point of the schemes ``postgresql`` and ``sqlite``; neither SQLAlchemy nor a driver is
imported before something is opened.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synthlake.api import Sink, Source

__all__ = ["open_sink", "open_source"]


def open_source(url: str, schema: str | None, options: Mapping[str, Any]) -> Source:
    """Read a database; see ``docs/databases.md`` for URLs and options.

    Raises:
        MissingExtraError: SQLAlchemy or the driver is not installed.
        SourceUnavailableError: the server does not answer now.
        SourceError: the database, a table or a column cannot be read.
    """
    from synthlake_connectors.database.source import DatabaseSource

    return DatabaseSource.open(url, schema, options)


def open_sink(url: str, schema: str | None, options: Mapping[str, Any]) -> Sink:
    """Write a twin into a database; see ``docs/databases.md`` for URLs and options.

    Raises:
        MissingExtraError: SQLAlchemy or the driver is not installed.
        SinkError: the database cannot be written.
    """
    from synthlake_connectors.database.sink import open_sink as opened

    return opened(url, schema, options)
