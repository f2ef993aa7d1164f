"""Plans, inspections and results as tables for a terminal, plain text elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from synthlake.pipeline.plan import Plan, TablePlan
    from synthlake.store.inspection import Inspection

_PLAIN_WIDTH = 140  # where there is no terminal to ask


def output() -> Console:
    """Where results go; made anew, as tests replace the stream."""
    console = Console(markup=False, highlight=False)
    if console.is_terminal:
        return console
    return Console(markup=False, highlight=False, width=_PLAIN_WIDTH)


def show_plan(plan: Plan, console: Console) -> None:
    """Print a plan: tables in order, keys and modes, estimates, notes and problems."""
    table = new_table(
        "table", "made by", ">rows", ">to make", ">columns", "size follows", ">key room"
    )
    for made in plan.tables:
        add_row(table, *_plan_row(made))
    console.print(table)
    keys = [key for made in plan.tables if made.made != "skip" for key in made.keys]
    if keys:
        listed = new_table("foreign key", "mode", "orphans")
        for key in keys:
            add_row(listed, key.label, key.mode, key.orphans)
        console.print(listed)
    say(
        console,
        f"Learns from at most {plan.max_rows:,} rows a tree of tables; {plan.holdout:.0%} of roots "
        f"held out.",
        f"Estimate: {plan.estimate.memory_mb:,} MB of memory, {plan.estimate.seconds:,} s "
        f"with one worker.",
        *(f"Note: {note}" for note in plan.notes),
        *(f"Problem: {problem}" for problem in plan.problems),
    )


def show_inspection(found: Inspection, console: Console) -> None:
    """Print all that an artifact holds."""
    say(
        console,
        f"artifact {found.id}",
        f"{found.bytes:,} bytes in {len(found.files)} files; every stored value stands for at "
        f"least k = {found.k} entities",
    )
    columns = new_table("table", "column", "type", "role", "action")
    for column in found.columns:
        add_row(columns, column.table, column.name, column.type, column.role, column.action)
    console.print(columns)
    held = new_table("table", "holds", "what", ">entries", ">bytes")
    for entry in found.entries:
        add_row(held, entry.table, entry.place, entry.what, f"{entry.count:,}", f"{entry.bytes:,}")
    console.print(held)
    for kept in found.kept:
        say(console, f"kept as it is, by declaration: {kept.table}, {kept.rows:,} rows")
    files = new_table("file", ">bytes")
    for name, size in found.files.items():
        add_row(files, name, f"{size:,}")
    console.print(files)


def say(console: Console, *lines: str) -> None:
    """Print lines as they are: paths are not broken."""
    for line in lines:
        console.print(line, soft_wrap=True)


def _plan_row(made: TablePlan) -> list[str]:
    wanted = f"~{made.wanted:,}" if made.child and made.made != "keep" else f"{made.wanted:,}"
    return [
        made.name,
        made.made,
        f"{made.rows:,}",
        wanted,
        str(made.columns),
        made.root if made.child else "",
        "" if made.capacity is None else f"{made.capacity:,}",
    ]


def new_table(*heads: str) -> Table:
    """A table without lines; a head that starts with `>` is aligned to the right."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in heads:
        right = head.startswith(">")
        table.add_column(head.lstrip(">"), justify="right" if right else "left", overflow="fold")
    return table


def add_row(table: Table, *cells: str) -> None:
    """Add cells as they are."""
    table.add_row(*(Text(cell) for cell in cells))  # names may look like markup
