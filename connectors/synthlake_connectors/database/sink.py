"""Databases as sinks, by SQLAlchemy URL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synthlake.api import errors, sinks
from synthlake_connectors.database.address import address


def open_sink(url: str, schema: str | None, options: Mapping[str, Any]) -> sinks.DatabaseSink:
    """A sink for a schema of a PostgreSQL database, or for a SQLite file.

    Args:
        url: such as ``postgresql+psycopg://user@host/database`` or ``sqlite:///file.db``.
        schema: None for the first of the role's search path; SQLite has none.
        options: ``constraints`` and ``into_existing``, as in ``DatabaseSettings``; ``password``
            instead of the URL's; ``connect_timeout_s``.

    Raises:
        SinkError: the URL or an option is not one.
        MissingExtraError: SQLAlchemy or the driver is not installed.
    """
    settings = sinks.DatabaseSettings.of(options, ("connect_timeout_s", "password"))
    try:
        parsed = address(url, options)
    except errors.SourceError as error:
        raise errors.SinkError(error.message, hint=error.hint) from None
    return sinks.DatabaseSink(_store(parsed, schema, options), settings)


def _store(url: Any, schema: str | None, options: Mapping[str, Any]) -> sinks.Store:
    if url.get_backend_name() == "sqlite":
        from synthlake_connectors.database.sqlite_store import SQLiteStore

        return SQLiteStore(url.database or "", schema)
    try:
        from synthlake_connectors.database.postgres_store import PostgresStore
    except ImportError:
        raise errors.MissingExtraError("psycopg", "postgres") from None
    return PostgresStore(url, schema, int(options.get("connect_timeout_s", 10)))
