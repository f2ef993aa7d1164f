"""Drift as a table for a terminal, and where a refitted artifact may go."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from synthlake.cli.render import add_row, new_table, say
from synthlake.errors import SpecError
from synthlake.store.artifact import is_artifact
from synthlake.store.directory import check_target

if TYPE_CHECKING:
    from rich.console import Console

    from synthlake.quality.drift import ColumnDrift, Drift


def check_out(artifact: Path, out: Path) -> None:
    """Refuse a folder for the new artifact, before any work.

    Raises:
        SpecError: it is the old artifact's.
        SinkOccupiedError: it holds something that is no artifact.
    """
    if out.resolve() == artifact.resolve():
        raise SpecError(
            f"{out} is the artifact itself, which a refit leaves as it is",
            hint="name another folder by --out",
        )
    check_target(out, is_artifact)


def show_drift(drift: Drift, console: Console, show_values: bool = False) -> None:
    """Print how far columns have moved, and the rules that further rows break."""
    table = new_table(
        "table", "column", "drift", ">PSI", ">usual", ">TV", ">NULL was", ">NULL is", ">new",
        ">gone", ">beyond", "of",
    )  # fmt: skip
    for column in drift.columns:
        add_row(table, *_row(column))
    console.print(table)
    if show_values:
        for column in drift.columns:
            for word, values in (("new", column.appeared), ("gone", column.vanished)):
                if values:
                    say(console, f"{word} in {column.table}.{column.column}: {', '.join(values)}")
    for held in drift.contradictions:
        said = f"{held.table}: {held.rule}: {held.broken:,} of {held.rows:,} further rows do not"
        say(console, said)
    for name, (old, new) in drift.rows.items():
        say(console, f"{name}: {old:,} rows and {new:,} further ones")
    moved = [f"{c.table}.{c.column}" for c in drift.columns if c.drifted]
    said = f"drift in {', '.join(moved)}" if moved else "no drift"
    say(console, f"{said}: {drift.figure:.1f}, by chance up to {drift.threshold:.1f}")


def _row(column: ColumnDrift) -> list[str]:
    return [
        column.table, column.column, "yes" if column.drifted else "", f"{column.psi:.4f}",
        f"{column.usual_psi:.4f}", f"{column.total_variation:.3f}", f"{column.nulls[0]:.3f}",
        f"{column.nulls[1]:.3f}", str(len(column.appeared) or ""),
        str(len(column.vanished) or ""), f"{column.beyond:.3f}" if column.beyond else "",
        "distances" if column.note else "",
    ]  # fmt: skip
