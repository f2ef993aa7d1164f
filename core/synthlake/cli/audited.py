"""An audit as a table for a terminal, and as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from synthlake.cli.render import add_row, new_table, say
from synthlake.errors import SpecError
from synthlake.pipeline.work import AUDIT

if TYPE_CHECKING:
    from rich.console import Console

    from synthlake.pipeline.audit import Audit
    from synthlake.pipeline.audited import Audited


def show_audit(found: Audit, console: Console) -> None:
    """Print what the attack reaches beside its controls."""
    from synthlake.quality.report.audited import shown

    view = shown(found.to_json())
    assert view is not None
    table = new_table(
        "membership attack on", ">AUC", ">told at 1 % false alarms", ">at 10 %",
        ">epsilon at least", ">members / others",
    )  # fmt: skip
    for line in view["lines"]:
        add_row(table, *line.values())
    console.print(table)
    say(
        console,
        f"{found.entities:,} entities of {', '.join(found.tables)} in {found.rows:,} rows, each in"
        f" about half of the shadows",
        f"synthesizer {found.synthesizer.get('name', '')}, k = {found.k}",
        f"{found.verdict}: {found.said}",
    )


def write_audit(done: Audited, console: Console, json: Path | None, html: Path | None) -> None:
    """Write the files that were asked for, and say where all of them are.

    Raises:
        SpecError: a report is asked for, and there is no run.
    """
    if done.folder is not None:
        say(console, f"audit    {done.folder / AUDIT}")
    if json is not None:
        say(console, f"figures  {done.audit.save(json)}")
    if html is None:
        return
    report = done.report()
    if report is None:
        raise SpecError(
            "there is no run whose report could hold the audit",
            hint="run the spec before, or name the folder of a run",
        )
    say(console, f"report   {report.save(html)}")


def surely_above(found: Audit, most: float | None) -> bool:
    """Whether even the lower end of the AUC is above a bound, or the audit could not tell."""
    if most is None:
        return False
    return found.verdict == "inconclusive" or float(found.attack["auc_interval"][0]) > most
