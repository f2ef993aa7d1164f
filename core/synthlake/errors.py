"""Every error that Synthlake raises on purpose.

    SynthlakeError
    ├── SchemaError(ValueError)          the schema contradicts itself or the source
    ├── SpecError(ValueError)            the spec is not readable, or asks for the impossible
    ├── SourceError(OSError)             the data cannot be read
    │   ├── SourceMissingError(FileNotFoundError)
    │   └── SourceUnavailableError(ConnectionError)  a server does not answer now; may pass
    ├── SinkError(OSError)               the output cannot be written
    │   ├── SinkOccupiedError(FileExistsError)
    │   └── SinkBusyError                another process is at work on the same run; passes
    ├── ArtifactError(ValueError)        not an artifact, damaged, or of another version
    ├── QueryError(RuntimeError)         an engine refused a statement; carries its SQL
    ├── LearnError(ValueError)           the data cannot be learned as asked
    ├── SampleError(ValueError)          rows cannot be made as asked
    ├── EvaluationError(ValueError)      the data sets cannot be compared
    ├── GateError(RuntimeError)          a gate of the spec failed
    └── MissingExtraError(ImportError)   an optional dependency is not installed

Each says what, where (``table.column`` and counts, never a cell's value), what was expected, and a
hint. ``Transient`` errors may go away when the call is repeated, ``Terminal`` ones do not.
"""

from __future__ import annotations

from typing import Any

_SAID_SQL = 4_000  # characters of a statement


class SynthlakeError(Exception):
    """Root of all errors raised on purpose.

    Args:
        message: what happened and where; never a cell's value.
        hint: what the caller can do about it.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        self.message, self.hint = message, hint
        super().__init__(f"{message}\nHint: {hint}" if hint else message)

    def __reduce__(self) -> tuple[Any, ...]:
        # leaves have arguments of their own; from a worker process they come back as they were
        return _restored, (type(self), self.args, self.__dict__)


def _restored(
    kind: type[SynthlakeError], args: tuple[Any, ...], held: dict[str, Any]
) -> SynthlakeError:
    error = kind.__new__(kind, *args)
    error.args = args  # OSError leaves them to its constructor
    error.__dict__.update(held)
    return error


class Transient:
    """Mixed into errors after which the same call may succeed."""


class Terminal:
    """Mixed into errors that the same call will raise again."""


class SchemaError(SynthlakeError, Terminal, ValueError):
    """The schema contradicts itself or the source."""


class SpecError(SynthlakeError, Terminal, ValueError):
    """The spec cannot be read or asks for what cannot be done."""


class SourceError(SynthlakeError, Terminal, OSError):
    """The data cannot be read."""

    def __str__(self) -> str:
        return str(self.args[0])


class SourceMissingError(SourceError, FileNotFoundError):
    """There is nothing at the address of the source."""


class SourceUnavailableError(SourceError, Transient, ConnectionError):
    """A server cannot be reached or is too busy now; the one error of sources that may pass."""


class SinkError(SynthlakeError, Terminal, OSError):
    """The output cannot be written."""

    def __str__(self) -> str:
        return str(self.args[0])


class SinkOccupiedError(SinkError, FileExistsError):
    """The target holds something that Synthlake did not write."""


class SinkBusyError(SinkError, Transient):
    """Another process is at work on the same run; the one error of sinks that passes by itself."""


class ArtifactError(SynthlakeError, Terminal, ValueError):
    """Not an artifact, damaged, or of another version."""


class QueryError(SynthlakeError, Terminal, RuntimeError):
    """An engine refused a statement.

    Args:
        message: what the engine said, without values of cells.
        sql: the statement; of a very long one, the text says the beginning alone.
    """

    def __init__(self, message: str, *, sql: str, hint: str = "") -> None:
        self.sql = sql
        rest = len(sql) - _SAID_SQL
        said = f"{sql[:_SAID_SQL]} ... ({rest:,} more characters)" if rest > 0 else sql
        super().__init__(f"{message}\nSQL: {said}", hint=hint)


class LearnError(SynthlakeError, Terminal, ValueError):
    """The data cannot be learned as asked."""


class SampleError(SynthlakeError, Terminal, ValueError):
    """Rows cannot be made as asked."""


class EvaluationError(SynthlakeError, Terminal, ValueError):
    """The data sets cannot be compared."""


class GateError(SynthlakeError, Terminal, RuntimeError):
    """A gate of the spec failed."""


class MissingExtraError(SynthlakeError, Terminal, ImportError):
    """An optional dependency is not installed.

    Args:
        package: the module that is missing.
        extra: the extra of Synthlake that brings it.
    """

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed", hint=f"pip install 'synthlake[{extra}]'")
