"""Where a database is, and a connection to it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthlake.api import errors, mask
from synthlake_connectors.database.failures import of_connecting

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection

_TIMEOUT_S = 10
_IN_MEMORY = ("", ":memory:")


def address(url: str, options: Mapping[str, Any]) -> URL:
    """A URL as SQLAlchemy's, which shows no password, with ``options``' password in it.

    Raises:
        MissingExtraError: SQLAlchemy is not installed.
        SourceError: it is no URL, or names a driver that is not used.
    """
    try:
        from sqlalchemy import make_url
        from sqlalchemy.exc import ArgumentError
    except ModuleNotFoundError:
        extra = "postgres" if url.startswith("postgresql") else "sql"  # the former brings both
        raise errors.MissingExtraError("sqlalchemy", extra) from None
    try:
        found = make_url(url)
    except (ArgumentError, ValueError):
        found = None  # its message may hold the password
    if found is None:
        raise errors.SourceError(
            f"{mask(url)} is no URL of a database",
            hint="write postgresql+psycopg://USER@HOST:PORT/DATABASE; % is %25 in a password",
        )
    if options.get("password") is not None:
        found = found.set(password=str(options["password"]))
    return _with_driver(found)


def _with_driver(url: URL) -> URL:
    driver = {"postgresql": "psycopg", "sqlite": "pysqlite"}[url.get_backend_name()]
    asked = url.drivername.partition("+")[2]
    if asked not in ("", driver):
        raise errors.SourceError(
            f"the driver {asked} is not used for {url.get_backend_name()}",
            hint=f"write {url.get_backend_name()}+{driver}://",
        )
    return url.set(drivername=f"{url.get_backend_name()}+{driver}")


def connect(url: URL, options: Mapping[str, Any]) -> Connection:
    """A connection of its own, in which every statement is sent as it is (``autocommit``).

    Raises:
        MissingExtraError: the driver is not installed.
        SourceMissingError: there is no such file.
        SourceUnavailableError: the server does not answer now.
        SourceError: it refuses.
    """
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    arguments: dict[str, Any] = {"check_same_thread": False}
    if url.get_backend_name() == "postgresql":
        timeout = int(options.get("connect_timeout_s", _TIMEOUT_S))
        arguments = {"connect_timeout": timeout, "application_name": "synthlake"}
        arguments = {k: v for k, v in arguments.items() if k not in url.query}
    else:
        url = read_only(url)
    try:
        engine = create_engine(
            url, poolclass=NullPool, isolation_level="AUTOCOMMIT", connect_args=arguments
        )
        return engine.connect()
    except ModuleNotFoundError as error:
        missing = error.name or "psycopg"
    except Exception as error:
        failure: Exception = error
        missing = ""
    # raised outside of the handler, as the original error is not to be chained
    if missing:
        raise errors.MissingExtraError(missing, "postgres")
    raise of_connecting(failure, url)


def close(connection: Connection) -> None:
    """End a connection, whether the server is still there or not; what is not committed is lost."""
    if not connection.closed:
        connection.invalidate()
        connection.close()


def read_only(url: URL) -> URL:
    """The URL of an SQLite file that is opened for reading and never made.

    Raises:
        SourceMissingError: there is no such file.
    """
    if url.database is None or url.database in _IN_MEMORY:
        raise errors.SourceMissingError(
            "an SQLite database in memory is empty", hint="write sqlite:///PATH"
        )
    path = Path(url.database).expanduser()
    if not path.is_file():
        raise errors.SourceMissingError(
            f"there is no file {path}", hint="an absolute path has four slashes: sqlite:////PATH"
        )
    return url.set(
        database=path.absolute().as_uri(), query={**url.query, "mode": "ro", "uri": "true"}
    )
