"""A profile as tables for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console

from synthlake.cli.render import add_row, new_table, say

if TYPE_CHECKING:
    from synthlake.pipeline.profile import Profile, TableProfile


def show_profile(found: Profile, console: Console, *, show_values: bool) -> None:
    """Print what was inferred, table by table, and the constraints that the data suggests."""
    for table in found.tables.values():
        _columns(found, table, console)
        if table.found is None:
            say(console, f"No constraints were looked for: {table.note}", "")
        else:
            _constraints(table, console, show_values)


def _columns(found: Profile, table: TableProfile, console: Console) -> None:
    known, said = found.inference.schema[table.name], found.inference.evidence
    say(console, f"{table.name}: {found.inference.rows.get(table.name, 0):,} rows")
    if known.primary_key:
        say(console, f"primary key {', '.join(known.primary_key)}")
    for fk in known.foreign_keys:
        path = f"{table.name}.foreign_keys[{','.join(fk.columns)}]"
        say(console, f"foreign key {fk.label(table.name)}: {said.get(path, '')}".rstrip(": "))
    columns = new_table("column", "type", "role", "why")
    for c in known.columns:
        why = said.get(f"{table.name}.columns.{c.name}", "")
        add_row(columns, c.name, str(c.type), c.role or c.action, why)
    console.print(columns)


def _constraints(table: TableProfile, console: Console, show_values: bool) -> None:
    from synthlake.schema.draft import flow

    assert table.found is not None
    if not table.found.proposals:
        say(console, f"No constraints were found in {table.found.rows:,} rows.", "")
        return
    say(console, f"Constraints that {table.found.rows:,} rows suggest, best first:")
    listed = new_table("constraint", ">rows", ">exceptions", ">score", ">under k", "note")
    hidden = 0
    for p in table.found.proposals:
        hidden += p.values and not show_values
        text = flow(dict(p.declaration)) if show_values or p.shown is None else p.shown
        small = f"{p.small:,} of {p.entries:,}" if p.entries else ""
        note = p.reason if p.automatic or not (p.small or p.exceptions) else ""
        add_row(listed, text, f"{p.support:,}", f"{p.exceptions:,}", f"{p.score:.3f}", small, note)
    console.print(listed)
    if hidden:
        say(console, f"{hidden} repeat values of cells, here as ...; --show-values writes them.")
    say(console, "")
