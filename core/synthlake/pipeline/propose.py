"""The spec that `synthlake init` proposes for a source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synthlake.ports import Source

if TYPE_CHECKING:
    from synthlake.constraints.discovery.proposal import Proposal
    from synthlake.pipeline.profile import TableProfile
    from synthlake.schema.draft import Suggestions

_SHOWN = 25  # constraints of a table


def propose(
    source: str | Source, sink: str = "parquet://twin", *, show_values: bool = False
) -> str:
    """A spec in YAML that says all that can be inferred, with counts as evidence.

    Args:
        source: a folder, a file or a URL, or what was opened from one.
        sink: where the twin is to go.
        show_values: whether constraints that repeat values of cells are among the proposals.

    Privacy: the evidence holds counts and rates, never a cell's value unless asked for.

    Raises:
        SourceError: the source cannot be read.
    """
    from synthlake.pipeline.profile import profile
    from synthlake.schema.draft import render

    found = profile(source, pairs=True)
    schema = found.inference.schema
    suggested = {
        name: _suggestions(t, show_values, {n for p in schema[name].polymorphic for n in p.flat})
        for name, t in found.tables.items()
    }
    return render(found.inference, str(source), sink, suggested)


def _suggestions(table: TableProfile, show_values: bool, flat: set[str]) -> Suggestions:
    """Lines for the spec: the best first, what holds values only if asked for.

    Rules on flat columns of polymorphic references, which a spec does not name, are left out.
    """
    from synthlake.schema.draft import Suggestions, flow

    if table.found is None:
        return Suggestions((), f"no constraints were looked for: {table.note}")
    proposals = [p for p in table.found.proposals if not (p.automatic and p.kind == "when")]
    proposals = [p for p in proposals if not any(n in flow(dict(p.declaration)) for n in flat)]
    open_ones = [p for p in proposals if show_values or not p.values]
    shown = open_ones[:_SHOWN]
    said = [f"found in {table.found.rows:,} rows; uncomment this line and the rules you accept"]
    if len(open_ones) > len(shown):
        said.append(f"{len(open_ones) - len(shown)} weaker ones: synthlake profile")
    if len(proposals) > len(open_ones):
        said.append(f"{len(proposals) - len(open_ones)} repeat values of cells: --show-values")
    lines = [(flow(dict(p.declaration)), evidence(p)) for p in shown]
    return Suggestions(lines, "; ".join(said) if lines or len(said) > 1 else "")


def evidence(found: Proposal) -> str:
    """Counts of a proposal in words."""
    held, support = found.support - found.exceptions, found.support
    parts = [f"holds in {held:,} of {support:,} rows"]
    if found.exceptions:
        parts.append(f"{found.exceptions:,} exceptions" if found.exceptions > 1 else "1 exception")
    if found.automatic or found.small or found.inexact:
        parts.append(found.reason)
    return ", ".join(parts)
