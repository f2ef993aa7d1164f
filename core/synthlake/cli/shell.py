"""Plans and runs as the shell shows them; commands of plugins get this as ``ctx.obj``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from synthlake.cli.guard import GATE_FAILED
from synthlake.cli.planned import with_plan
from synthlake.cli.progress import progress
from synthlake.cli.render import output, say, show_plan

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

    from synthlake.pipeline.run import RunSettings
    from synthlake.pipeline.spec import SynthesisSpec

    Given = SynthesisSpec | str | Path | Mapping[str, Any]


class Shell:
    """What a command of any host does once it has a spec."""

    def plan(self, spec: Given) -> None:
        """Show what a run of the spec would do.

        Raises:
            SpecError: something stops the run.
        """
        from synthlake.pipeline.run import plan as planned

        made = planned(spec)
        show_plan(made, output())
        made.demand()

    def run(self, spec: Given, settings: RunSettings) -> None:
        """Run the spec, and show plan, progress and result.

        Raises:
            typer.Exit: a gate failed.
            SynthlakeError: any error of the steps.
        """
        from synthlake.pipeline.run import run

        console = output()
        with progress() as on_event:
            done = run(spec, settings, with_plan(on_event, console))
        say(console, done.summary.rstrip(), "", *(f"note: {note}" for note in done.notes))
        if done.reused:
            say(console, f"run {done.run_id} was finished before; nothing was done")
        if not done.passed:
            say(console, "a gate failed: nothing was published, the run lies aside")
        say(
            console,
            f"twin     {done.sink or done.folder}",
            f"artifact {done.artifact}",
            f"report   {done.report}",
            f"verdict  {done.decision}",
        )
        if not done.passed:
            raise typer.Exit(GATE_FAILED)

    def say(self, *lines: str) -> None:
        """Print lines as they are."""
        say(output(), *lines)
