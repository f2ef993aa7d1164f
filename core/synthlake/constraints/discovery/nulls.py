"""What the NULLs of a table say: together, never at once, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from synthlake.constraints.discovery.grid import Grid, quoted
from synthlake.constraints.discovery.proposal import LEAST, Proposal, reason_of, scored
from synthlake.constraints.masks import (
    MaskRule,
    Masks,
    Relation,
    find_mask_rules,
    masks_of,
    without_implied,
)


def nulls(grid: Grid, drawn: Sequence[str]) -> list[Proposal]:
    """Null-together groups, exclusive columns and implications of NULLs.

    Args:
        grid: the rows.
        drawn: columns whose NULLs are drawn, so that those that follow need no declaration.
    """
    places = [grid.place(n) for n in drawn]
    rules = find_mask_rules(grid.null[:, places], drawn, grid.group, grid.k)
    return [_with_reason(p, rules) for p in _found(grid)]


def _with_reason(held: Proposal, rules: Sequence[MaskRule]) -> Proposal:
    """Whether a rule on NULLs says it without a declaration."""
    if held.kind == "null_together":
        kept = any(set(held.declaration[held.kind]) <= set(r.columns) for r in rules)
    else:
        kept = any(
            held.declaration == _implication(a, b) for r in rules for a in r.columns for b in r.then
        )
    kept = kept and not held.exceptions
    return replace(held, automatic=kept, reason=reason_of(held.exceptions, kept))


def _implication(first: str, second: str) -> dict[str, str]:
    return {"when": f"{quoted(first)} IS NULL", "then": f"{quoted(second)} IS NULL"}


def _found(grid: Grid) -> list[Proposal]:
    masks = masks_of(grid.null)
    relations = list(masks.relations())
    out = [_group(grid, members, 0) for members in masks.members if len(members) > 1]
    inside = without_implied([r for r in relations if r.kind == "implies"])
    near = [r for r in relations if r.kind == "together" and r.exceptions]
    out += [_nearly(grid, masks, r) for r in near]
    said = {(r.first, r.second) for r in near} | {(r.second, r.first) for r in near}
    out += [_implied(grid, masks, r) for r in inside
            if not r.exceptions or (r.first, r.second) not in said]  # fmt: skip
    return out + _exclusive(grid, masks, [r for r in relations if r.kind == "exclusive"])


def _group(grid: Grid, members: Sequence[int], exceptions: int) -> Proposal:
    share = float(grid.null[:, members[0]].mean())
    expected = 2 * share * (1 - share) * grid.rows
    declaration = {"null_together": [grid.names[m] for m in members]}
    score = scored(grid.rows, exceptions, expected, grid.rows)
    return Proposal(declaration, grid.rows, exceptions, score)


def _nearly(grid: Grid, masks: Masks, held: Relation) -> Proposal:
    return _group(grid, sorted(masks.members[held.first] + masks.members[held.second]),
                  held.exceptions)  # fmt: skip


def _implied(grid: Grid, masks: Masks, held: Relation) -> Proposal:
    first, second = (grid.names[masks.members[c][0]] for c in (held.first, held.second))
    score = scored(held.support, held.exceptions, held.expected, grid.rows)
    return Proposal(_implication(first, second), held.support, held.exceptions, score)


def _exclusive(grid: Grid, masks: Masks, found: Sequence[Relation]) -> list[Proposal]:
    """Columns of which no two are known at once, as large as they come."""
    pairs = {frozenset((r.first, r.second)) for r in found}
    waiting = sorted({c for pair in pairs for c in pair})
    out, used = [], set[frozenset[int]]()
    for start in waiting:
        group = [start]
        for other in waiting:
            fits = all(frozenset((other, g)) in pairs for g in group if g != other)
            if other > start and fits:
                group.append(other)
        inside = {frozenset((a, b)) for a in group for b in group if a != b}
        if len(group) > 1 and not inside <= used:
            used |= inside
            out.append(_apart(grid, masks, group))
    return out


def _apart(grid: Grid, masks: Masks, group: Sequence[int]) -> Proposal:
    known = ~masks.null[:, list(group)]
    support = int(known.any(axis=1).sum())
    wrong = int((known.sum(axis=1) > 1).sum())
    shares = known.mean(axis=0)
    none = float(np.prod(1 - shares))
    one = none * float((shares / np.maximum(1 - shares, 1 / (LEAST * grid.rows))).sum())
    expected = (1 - none - one) * grid.rows
    names = [grid.names[masks.members[c][0]] for c in group]
    score = scored(support, wrong, expected, grid.rows)
    return Proposal({"exclusive": names}, support, wrong, score)
