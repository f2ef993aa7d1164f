"""Commands that plugins bring, such as ``synthlake dbt``; loaded when they are called."""

from __future__ import annotations

from typing import Any

import typer

from synthlake.cli.guard import Guarded
from synthlake.plugins import command, commands


class WithPlugins(Guarded):
    """A group of commands that finds more of them by entry point."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names of all commands, those of plugins last."""
        own = super().list_commands(ctx)
        return [*own, *(name for name in commands() if name not in own)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A command by name; None if there is none."""
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        app = command(cmd_name)
        return None if app is None else typer.main.get_command(app)
