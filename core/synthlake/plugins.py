"""What plugins bring: connectors by the scheme of their URL, commands and synthesizers by name.

A connector is a module (or object) with one or both of

    open_source(url: str, schema: str | None, options: Mapping[str, Any]) -> Source
    open_sink(url: str, schema: str | None, options: Mapping[str, Any]) -> Sink

under the scheme as its name; ``postgresql+psycopg://`` is looked up as ``postgresql``. A command,
``synthlake NAME ...``, is a typer app under ``synthlake.commands``; its context's ``obj`` plans and
runs a spec as the shell itself does (``cli.shell``). A kind of rule, ``{NAME: ...}`` among the
``constraints`` of a table, is a function under ``synthlake.constraints`` (``ports.Constraint``).

A synthesizer is a frozen dataclass under ``synthlake.synthesizers`` that conforms to
``ports.Synthesizer``; its fields are the settings that a spec may give. Those that come with
Synthlake are registered the same way, by the list below.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal

GROUP = "synthlake.connectors"
COMMANDS = "synthlake.commands"
SYNTHESIZERS = "synthlake.synthesizers"
BUILT_IN = {
    "trees": "synthlake.models.trees:Trees",
    "independent": "synthlake.models.independent:Independent",
    "copula": "synthlake.models.copula:Copula",
    "mixture": "synthlake.models.mixture:Mixture",
    "auto": "synthlake.models.auto:Auto",
}
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


def synthesizers() -> dict[str, EntryPoint]:
    """Where the class of each synthesizer is, by name: built in first, then installed ones.

    An installed one cannot take the name of one that is built in.
    """
    found = {name: EntryPoint(name, place, SYNTHESIZERS) for name, place in BUILT_IN.items()}
    for entry in sorted(entry_points(group=SYNTHESIZERS), key=lambda e: (e.name, e.value)):
        found.setdefault(entry.name, entry)
    return found


def synthesizer(name: str) -> EntryPoint | None:
    """Where the class of a synthesizer is; None if there is none of that name."""
    if name in BUILT_IN:  # without a look at what is installed, which takes a while
        return EntryPoint(name, BUILT_IN[name], SYNTHESIZERS)
    return synthesizers().get(name)


def distribution_of(name: str) -> str:
    """The package that brought an installed synthesizer; empty for what comes with Synthlake."""
    entry = None if name in BUILT_IN else synthesizers().get(name)
    return entry.dist.name if entry is not None and entry.dist is not None else ""


def constraint(name: str) -> Callable[[Mapping[str, Any]], str] | None:
    """The function that turns a kind of rule into a SQL predicate; None if no plugin has it."""
    found = entry_points(group=CONSTRAINTS, name=name)
    return next((entry.load() for entry in found), None)
