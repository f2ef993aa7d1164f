"""Prints the plan of a run before anything else happens."""

from __future__ import annotations

from rich.console import Console

from synthlake.cli.render import show_plan
from synthlake.pipeline.plan import Plan
from synthlake.ports import Event, OnEvent


def with_plan(on_event: OnEvent, console: Console) -> OnEvent:
    """A receiver that prints the plan when it is told of it, and hands all events on."""

    def received(event: Event) -> None:
        plan = event.detail.get("plan")
        if isinstance(plan, Plan):
            show_plan(plan, console)
        on_event(event)

    return received
