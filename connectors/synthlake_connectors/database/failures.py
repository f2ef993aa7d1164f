"""What a database says when it refuses, as typed errors without passwords and cells' values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from synthlake.api import errors

if TYPE_CHECKING:
    from sqlalchemy import URL

# The server is there and will be of another mind later; all else that it says is final.
_PASSES = re.compile(
    r"(?i)starting up|shutting down|in recovery mode|too many (clients|connections)"
    r"|remaining connection slots|refused|timed? ?out|timeout|temporary failure"
    r"|unreachable|reset by peer|server closed the connection|database is locked"
)
# Classes of SQLSTATE whose messages speak of statements, names and resources, never of values.
_SPEAKS_OF_SQL = ("0A", "25", "26", "34", "3B", "3D", "3F", "42", "53", "54", "55", "57", "58")
_LOST = ("08", "57P01", "57P02", "57P03", "40001", "40P01", "53300")
_HINTS = {
    "42501": "grant what is missing to the user of the URL: SELECT on the tables, and TEMPORARY "
    "on the database",
    "25006": "statistics are kept in temporary tables: read from a server that takes writes",
    "53100": "the server's disk is full: give max_rows, or room for temporary files",
    "57014": "a limit of the server or of the user's role: raise statement_timeout",
}


def of_connecting(error: Exception, url: URL) -> errors.SourceError:
    """What to raise where a connection could not be made."""
    reason = _masked(_reason(error), url)
    where = f"{url.get_backend_name()} at {_place(url)}"
    if _PASSES.search(reason):
        return errors.SourceUnavailableError(
            f"{where} does not answer: {reason}", hint="check host and port, or try again"
        )
    return errors.SourceError(
        f"{where} refuses: {reason}",
        hint="check database, user and password; the option password takes env:NAME or file:PATH",
    )


def of_statement(state: str, message: str, sql: str) -> errors.SynthlakeError:
    """What to raise where PostgreSQL refused a statement.

    Args:
        state: SQLSTATE; empty where the connection was lost.
        message: what the server said; used only where it cannot hold a value.
        sql: the statement.
    """
    if not state or state.startswith(_LOST):
        return errors.SourceUnavailableError(
            f"the connection to the server was lost{f' ({state})' if state else ''}",
            hint="run it again; all that was read in one go is of one snapshot",
        )
    said = message if state[:2] in _SPEAKS_OF_SQL else "the server refused a value"
    return errors.QueryError(f"{said} (SQLSTATE {state})", sql=sql, hint=_HINTS.get(state, ""))


def of_sqlite(error: Exception, sql: str) -> errors.SynthlakeError:
    """What to raise where SQLite refused a statement."""
    said = str(error)
    if "database is locked" in said:
        return errors.SourceUnavailableError(
            "the SQLite file is locked by a writer", hint="run it again when the writer is done"
        )
    if "decode to UTF-8" in said:
        said = "a text is not UTF-8"  # the message quotes it
    return errors.QueryError(f"{type(error).__name__}: {said}", sql=sql)


def _reason(error: Exception) -> str:
    original = getattr(error, "orig", None) or error
    lines = [line.strip() for line in str(original).splitlines() if line.strip()]
    return lines[0] if lines else type(original).__name__


def _masked(text: str, url: URL) -> str:
    # libpq says no passwords; a proxy or a driver's hook may
    secret = rf"(?<!\w){re.escape(str(url.password))}(?!\w)"
    return re.sub(secret, "***", text) if url.password else text


def _place(url: URL) -> str:
    if url.host is None:
        return str(url.database)
    return f"{url.host}:{url.port or 5432}/{url.database or ''}"
