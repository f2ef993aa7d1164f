"""Events of a run as a progress bar on a terminal, and as plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column

from synthlake.cli.guard import errors
from synthlake.pipeline.lines import Lines

if TYPE_CHECKING:
    from rich.progress import TaskID

    from synthlake.ports import Event, OnEvent


@contextmanager
def progress() -> Iterator[OnEvent]:
    """A receiver of events that shows them until the block ends."""
    console = errors()
    if not console.is_terminal:
        yield Lines(console.print)
        return
    columns = (
        TextColumn("{task.fields[step]:<9}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(table_column=Column(no_wrap=True)),
        TimeElapsedColumn(table_column=Column(no_wrap=True)),
        TextColumn(
            "{task.description}",
            markup=False,
            table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis"),
        ),
    )
    with Progress(*columns, console=console, expand=True) as shown:
        yield Bars(shown)


class Bars:
    """One bar a step."""

    def __init__(self, shown: Progress) -> None:
        self.shown = shown
        self.tasks: dict[str, TaskID] = {}

    def __call__(self, event: Event) -> None:
        """Show an event."""
        if event.step not in self.tasks:
            self._finish()
            self.tasks[event.step] = self.shown.add_task("", total=1, step=event.step)
        self.shown.update(
            self.tasks[event.step],
            description=event.message,
            completed=event.done,
            total=event.total or None,
        )

    def _finish(self) -> None:
        for task in self.shown.tasks:
            total = task.total or max(task.completed, 1)
            self.shown.update(task.id, total=total, completed=total)
