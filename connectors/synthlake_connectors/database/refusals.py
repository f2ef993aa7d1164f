"""What a database says when it refuses, as errors of the sink without cells' values."""

from __future__ import annotations

from typing import Any, Final

from synthlake.api import errors

_AGAIN: Final = ("08", "40", "53", "57")  # connection, conflict, resources, shutdown
_SPEAKS_OF_SQL: Final = ("0A", "25", "28", "3D", "3F", "42", "54", "55", *_AGAIN)
_FOR_GOOD: Final = ("authentication failed", "does not exist", "no pg_hba.conf entry")
_RIGHTS: Final = "42501"
_INTEGRITY: Final = "23"
_CONSTRAINED: Final = (
    "nothing was changed; a constraint of the target does not allow the twin's rows, or that"
    " they replace those there: drop it, or write into another schema"
)
_HINT: Final = "nothing was changed; run again with the same run id"


def refusal(name: str, error: Exception) -> errors.SinkError:
    """The error to raise for one of the driver's.

    Args:
        name: of the database.
        error: of SQLAlchemy or of the driver.

    Privacy: messages about data quote it; of these only the kind, table, column and constraint
        remain.
    """
    cause: Any = getattr(error, "orig", None) or error
    state: str | None = getattr(cause, "sqlstate", None)
    if state is None:
        return _unreachable(name, cause)
    where = _place(cause)
    kind = type(cause).__name__
    said = str(cause.diag.message_primary) if state[:2] in _SPEAKS_OF_SQL else f"{kind}{where}"
    if state[:2] in _AGAIN:
        return errors.SinkBusyError(f"{name} broke off: {said}", hint=_HINT)
    hint = _CONSTRAINED if state[:2] == _INTEGRITY else _HINT
    if state == _RIGHTS:
        hint = "give the role the right to create schemas"
    return errors.SinkError(f"{name} refused: {said}", hint=hint)


def _place(cause: Any) -> str:
    held = cause.diag
    parts = [held.table_name, held.column_name, held.constraint_name]
    named = [str(part) for part in parts if part]
    return f" ({', '.join(named)})" if named else ""


def _unreachable(name: str, cause: Any) -> errors.SinkError:
    said = (str(cause).splitlines() or [type(cause).__name__])[-1]
    if any(text in str(cause) for text in _FOR_GOOD):
        return errors.SinkError(f"{name} refused: {said}", hint="check user, password and database")
    return errors.SinkBusyError(f"{name} cannot be reached", hint="start it, or check the address")
