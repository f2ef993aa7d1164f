"""Options that take several words: ``--rows planes=10 weather=20 --tables planes flights``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from typer.core import TyperCommand

_SEVERAL = ("--rows", "--tables")


class Variadic(TyperCommand):
    """A command some of whose options take all words up to the next option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Repeat the option before each of its words, as the parser below wants it."""
        return super().parse_args(ctx, repeated(args))


def repeated(words: Sequence[str]) -> list[str]:
    """The same words, such options written once a value.

    Only if the argument of the command stands first: after such an option it would look like one
    more value.
    """
    if not words or words[0].startswith("-"):
        return list(words)
    found: list[str] = []
    option = ""
    for word in words:
        if word.startswith("-"):
            option = word
        elif option in _SEVERAL and found[-1] != option:
            found.append(option)
        found.append(word)
    return found
