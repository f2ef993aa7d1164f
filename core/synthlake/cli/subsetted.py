"""A subset as tables for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console

from synthlake.cli.render import add_row, new_table, say

if TYPE_CHECKING:
    from synthlake.pipeline.subset import Subset


def show_subset(taken: Subset, console: Console) -> None:
    """Print the rows of each table, whether its keys are closed, and that the rows are real."""
    from synthlake.pipeline.subset import REAL

    listed = new_table("table", "taken as", ">rows in source", ">rows in subset")
    for table in taken.counts:
        add_row(listed, table.name, table.part, f"{table.source:,}", f"{table.rows:,}")
    console.print(listed)
    if taken.references:
        keys = new_table("foreign key", ">orphans, as in source", ">orphans created")
        for key in taken.references:
            add_row(keys, key.label, f"{key.orphans - key.created:,}", f"{key.created:,}")
        console.print(keys)
    say(console, *(f"Note: {note}" for note in taken.notes), f"Warning: {REAL}")
