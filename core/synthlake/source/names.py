"""Which names of tables and columns can be read, and what was meant by one that cannot."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from synthlake.errors import SourceError


def check_tables(names: Iterable[str]) -> None:
    """Refuse names that SQL cannot tell apart or write.

    Raises:
        SourceError: a name is empty, holds NUL, or differs from another only in case.
    """
    _check("table", "the source", names)


def check_columns(table: str, names: Iterable[str]) -> None:
    """Refuse columns that SQL cannot tell apart or write, and tables without columns.

    Raises:
        SourceError: there is none, or a name is empty, holds NUL, or is there twice.
    """
    names = list(names)
    if not names:
        raise SourceError(f"table {table} has no columns", hint="leave it out of the source")
    _check("column", f"table {table}", names)


def _check(what: str, where: str, names: Iterable[str]) -> None:
    seen: dict[str, str] = {}
    for name in names:
        if not name or "\0" in name:
            raise SourceError(
                f"{where} has a {what} whose name is {'empty' if not name else 'broken by NUL'}",
                hint=f"rename the {what}",
            )
        if (other := seen.get(name.lower())) is not None:
            raise SourceError(
                f"{where} has the {what}s {other!r} and {name!r}, which are one name in SQL",
                hint=f"rename one of the {what}s",
            )
        seen[name.lower()] = name


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint with the known name that is most like the given one; all of them if none is."""
    known = list(known)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]}?"
    return f"there are {', '.join(sorted(known)[:20])}" if known else "there is nothing"
