"""Exit codes: 0 done, 2 bad input, 3 the gate failed; errors without a traceback."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from synthlake.errors import GateError, SynthlakeError

BROKEN, BAD_INPUT, GATE_FAILED, INTERRUPTED = 1, 2, 3, 130
# with the class of all usage errors: typer brings a click of its own, or takes the installed one
_OF_TYPER: tuple[Any, ...] = (typer.Abort, typer.Exit, typer.BadParameter.__mro__[2])


class Guarded(TyperGroup):
    """A group of commands whose errors are told in words."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command; turn what it raises into words and an exit code."""
        if ctx.params.get("debug"):
            return super().invoke(ctx)
        try:
            return super().invoke(ctx)
        except SynthlakeError as error:
            tell(error)
            code = GATE_FAILED if isinstance(error, GateError) else BAD_INPUT
        except KeyboardInterrupt:
            errors().print("stopped; the same command goes on where it was")
            code = INTERRUPTED
        except BrokenPipeError:
            raise
        except OSError as error:
            named = f" ({error.filename})" if error.filename else ""
            errors().print(f"Error: {error.strerror or type(error).__name__}{named}")
            code = BAD_INPUT
        except _OF_TYPER:
            raise
        except Exception as error:
            # its text may be a library's that quotes a cell's value
            last = traceback.extract_tb(error.__traceback__)[-1]
            at = f"{Path(last.filename).name}, line {last.lineno}"
            errors().print(f"Error: {type(error).__name__} in {at}, which should not happen")
            errors().print("Hint: report it; --debug shows more, and may show values")
            code = BROKEN
        raise typer.Exit(code)


def errors() -> Console:
    """Where errors and progress go; made anew, as tests replace the stream."""
    return Console(stderr=True, markup=False, highlight=False, soft_wrap=True)


def tell(error: SynthlakeError) -> None:
    """Print what happened, where, and the way out."""
    console = errors()
    console.print(f"Error: {error.message}", style="red" if console.is_terminal else None)
    sql = getattr(error, "sql", "")
    if sql:
        console.print(f"SQL: {sql}")
    if error.hint:
        console.print(f"Hint: {error.hint}")
