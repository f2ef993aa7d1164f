"""All that a sample of a table suggests, sorted by how much it says."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.constraints.discover import Structure, discover
from synthlake.constraints.discovery.flags import one_hot
from synthlake.constraints.discovery.follows import Drawn, follows
from synthlake.constraints.discovery.formulas import clocks, ratios, sums
from synthlake.constraints.discovery.grid import Grid, Numbers, build_grid
from synthlake.constraints.discovery.implications import implications
from synthlake.constraints.discovery.nulls import nulls
from synthlake.constraints.discovery.order import inequalities
from synthlake.constraints.discovery.proposal import LEAST, Proposal
from synthlake.constraints.rule import Cells, Rule
from synthlake.encode.axis import Axis, axis_for


@dataclass(frozen=True)
class Found:
    """What was found in a table.

    Attributes:
        rows: that were looked at.
        proposals: best first.
        rules: formulas that are kept without being declared and that no declaration says, such as
            the parts of a date.
    """

    rows: int
    proposals: tuple[Proposal, ...]
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True)
class Asked:
    """What is known of a table's columns.

    Attributes:
        columns: which are looked at.
        k: least entities behind anything that is stored.
        free: those that are drawn as categories; None for all that are not numbers.
        fixed: those that are keys: nothing makes them but their key.
        hidden: those of which only the NULLs count, such as texts.
    """

    columns: Sequence[str]
    k: int = 10
    free: Collection[str] | None = None
    fixed: Collection[str] = ()
    hidden: Collection[str] = ()


def propose_constraints(
    table: pa.Table, asked: Asked, group: NDArray[np.int64] | None = None
) -> Found:
    """Constraints that a sample suggests.

    Args:
        table: rows.
        asked: what is known of its columns.
        group: entities of the rows, numbered from 0; None where each row is one.

    Privacy: a declaration may repeat cells where ``Proposal.values`` says so; nothing else does.
    Cost: about 2 CPU-seconds for 56 columns of 10,000 rows.
    """
    grid = build_grid(table, asked.columns, asked.k, group, asked.hidden)
    if grid.rows < 2 * LEAST:
        return Found(grid.rows, ())
    free = [n for n in grid.names if n not in grid.numbers] if asked.free is None else asked.free
    known = _structure(table, grid, asked, free)
    computed = [*sums(grid, known.rules), *clocks(grid, _whole(table, grid), known.rules)]
    said = _said_by(known.rules, computed)
    flags = one_hot(grid)
    said |= _pairs([n for p in flags for n in p.declaration["one_hot"]])
    drawn = [n for n in grid.names
             if n not in known.made and n not in known.clocks and n not in asked.fixed]  # fmt: skip
    found = [*computed, *flags, *nulls(grid, drawn)]
    found += [p for p in follows(grid, said, Drawn(free, asked.fixed)) if not _within(p, said)]
    found += [p for p in inequalities(grid) if not _about(p, computed)]
    found += [p for p in ratios(grid) if not _about(p, computed)]
    found += implications(grid, said | _known_pairs(found))
    best = [p for p in found if p.score > 0]
    best.sort(key=lambda p: (-p.score, p.kind, str(p.declaration)))
    return Found(grid.rows, tuple(best), known.rules)


def _structure(table: pa.Table, grid: Grid, asked: Asked, free: Collection[str]) -> Structure:
    """Formulas that need no declaration."""
    axes = {n: _axis(table, n, held) for n, held in grid.numbers.items()}
    cells = {n: Cells(*axis.ticks(table[n])) for n, axis in axes.items()}
    types = {n: table.schema.field(n).type for n in cells}
    added = {n: axis for n, axis in axes.items() if n not in free and n not in asked.fixed}
    return discover(cells, types, list(asked.fixed), added)


def _axis(table: pa.Table, name: str, held: Numbers) -> Axis:
    return axis_for(table.schema.field(name).type, held.decimals, table[name])


def _whole(table: pa.Table, grid: Grid) -> list[str]:
    return [n for n in grid.numbers if pa.types.is_integer(table.schema.field(n).type)]


def _pairs(names: Sequence[str]) -> set[tuple[str, str]]:
    return {(a, b) for a in names for b in names if a != b}


def _said_by(rules: Sequence[Rule], computed: Sequence[Proposal]) -> set[tuple[str, str]]:
    """Pairs of columns of one formula: that one follows from the other says less."""
    out: set[tuple[str, str]] = set()
    for rule in rules:
        out |= _pairs([*rule.needs, *rule.makes])
    for held in computed:
        if held.kind in ("sum", "difference"):
            out |= _pairs([held.declaration[held.kind], *held.declaration["of"]])
    return out


def _within(held: Proposal, said: Collection[tuple[str, str]]) -> bool:
    names = held.declaration.get("fixed_combinations", [])
    return len(names) == 2 and tuple(names) in said


def _about(held: Proposal, computed: Sequence[Proposal]) -> bool:
    """Whether a proposal is about columns of a sum, which says it all."""
    names = set(held.declaration.get("inequality", ()) or [held.declaration["ratio"]])
    names |= set(held.declaration.get("of", ()))
    return any(
        names <= {p.declaration[p.kind], *p.declaration["of"]}
        for p in computed
        if p.kind in ("sum", "difference")
    )


def _known_pairs(found: Sequence[Proposal]) -> set[tuple[str, str]]:
    """Pairs of which a dependency or a group says more than a single value can."""
    out: set[tuple[str, str]] = set()
    for held in found:
        if held.kind == "determines":
            out |= {(g, held.declaration["column"]) for g in held.declaration["determines"]}
        for kind in ("fixed_combinations", "one_hot", "null_together", "exclusive"):
            out |= _pairs(held.declaration.get(kind, []))
    return out
