"""Commands that take a dataclass: one option or argument a field. For the shell and for plugins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, fields
from inspect import Parameter, Signature
from typing import Any, TypeVar, get_type_hints

T = TypeVar("T")


def taking(options: type[T]) -> Callable[[Callable[[T], None]], Callable[..., None]]:
    """Turn a function of one dataclass into one with a parameter a field, as typer reads it."""

    def turned(function: Callable[[T], None]) -> Callable[..., None]:
        def command(**given: Any) -> None:
            function(options(**given))

        hints = get_type_hints(options, include_extras=True)
        held = {f.name: f.default for f in fields(options)}  # type: ignore[arg-type]
        parameters = [
            Parameter(
                name,
                Parameter.KEYWORD_ONLY,
                default=Parameter.empty if default is MISSING else default,
                annotation=hints[name],
            )
            for name, default in held.items()
        ]
        command.__name__, command.__doc__ = function.__name__, function.__doc__
        command.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
        command.__annotations__ = hints
        return command

    return turned
