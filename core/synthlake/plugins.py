"""What plugins bring: sources and sinks by the scheme of their URL, and commands by their name.

A connector is a module (or object) with one or both of

    open_source(url: str, schema: str | None, options: Mapping[str, Any]) -> Source
    open_sink(url: str, schema: str | None, options: Mapping[str, Any]) -> Sink

under the scheme as its name; ``postgresql+psycopg://`` is looked up as ``postgresql``. A command,
``synthlake NAME ...``, is a typer app under ``synthlake.commands``; its context's ``obj`` plans and
runs a spec as the shell itself does (``cli.shell``). A kind of rule, ``{NAME: ...}`` among the
``constraints`` of a table, is a function under ``synthlake.constraints`` (``ports.Constraint``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from typing import Any, Literal

GROUP = "synthlake.connectors"
COMMANDS = "synthlake.commands"
CONSTRAINTS = "synthlake.constraints"
Door = Literal["open_source", "open_sink"]


def schemes() -> list[str]:
    """Schemes that plugins know, sorted."""
    return sorted({entry.name for entry in entry_points(group=GROUP)})


def door(scheme: str, name: Door) -> Callable[..., Any] | None:
    """The function that opens sources or sinks of a scheme; None if no plugin has it.

    Raises:
        MissingExtraError: the plugin's dependencies are not installed.
    """
    found = entry_points(group=GROUP, name=scheme.partition("+")[0].lower())
    for entry in found:
        opened: Callable[..., Any] | None = getattr(entry.load(), name, None)
        if opened is not None:
            return opened
    return None


def command(name: str) -> Any | None:
    """The typer app of a host's command; None if no plugin has it.

    Raises:
        MissingExtraError: the plugin's dependencies are not installed.
    """
    found = entry_points(group=COMMANDS, name=name)
    return next((entry.load() for entry in found), None)


def commands() -> list[str]:
    """Names of the commands that plugins bring, sorted."""
    return sorted({entry.name for entry in entry_points(group=COMMANDS)})


def constraint(name: str) -> Callable[[Mapping[str, Any]], str] | None:
    """The function that turns a kind of rule into a SQL predicate; None if no plugin has it."""
    found = entry_points(group=CONSTRAINTS, name=name)
    return next((entry.load() for entry in found), None)
