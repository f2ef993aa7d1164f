"""Prints the plan of a run before anything else happens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console

from synthlake.cli.render import show_plan

if TYPE_CHECKING:
    from synthlake.ports import Event, OnEvent


def with_plan(on_event: OnEvent, console: Console) -> OnEvent:
    """A receiver that prints the plan when it is told of it, and hands all events on."""

    def received(event: Event) -> None:
        if "plan" in event.detail:
            show_plan(event.detail["plan"], console)
        on_event(event)

    return received
