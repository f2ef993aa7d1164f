"""Columns that follow from others: fixed combinations, hierarchies, two determinants."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from synthlake.constraints.dependencies import Dependency, Search, broken, dense, entities_of
from synthlake.constraints.discovery.grid import Grid
from synthlake.constraints.discovery.proposal import KEPT, Proposal, reason_of, scored
from synthlake.constraints.mapping import storable

_UNDER_K = "{small:,} of {entries:,} entries have fewer than k = {k} entities"


@dataclass(frozen=True)
class Drawn:
    """How columns come about.

    Attributes:
        free: those that are drawn as categories, so that a map on them needs no declaration.
        fixed: those that only their key makes.
    """

    free: Collection[str]
    fixed: Collection[str]

    def mapped(self, given: Sequence[str], made: str) -> bool:
        """Whether a map may make a column from some others."""
        return made not in self.fixed and all(n in self.free for n in given)


def follows(grid: Grid, said: Collection[tuple[str, str]], drawn: Drawn) -> list[Proposal]:
    """Dependencies of one column on one or two others, the strongest form of each.

    Args:
        grid: the rows.
        said: pairs (determinant, dependent) of which a formula says more.
        drawn: how columns come about.
    """
    places = range(len(grid.names))
    search = Search(grid.codes, grid.group, grid.k, list(places), list(places))
    singles = [d for d in search.singles() if not _said(d, grid, said)]
    groups = _groups(singles)
    first = {member: min(group) for group in groups for member in group}
    chosen = [p for p in places if first.get(p, p) == p]
    pairs = [d for d in search.pairs(singles, chosen) if not _said(d, grid, said)]
    out = [_combination(grid, sorted(group), drawn) for group in groups]
    lone = [d for d in singles if first.get(d.made, d.made) == d.made and d.given[0] in chosen]
    both = [d for d in pairs if d.made in chosen]
    return out + [_determined(grid, d, drawn) for d in [*_without_implied(lone), *both]]


def _said(held: Dependency, grid: Grid, said: Collection[tuple[str, str]]) -> bool:
    return any((grid.names[g], grid.names[held.made]) in said for g in held.given)


def _groups(singles: Sequence[Dependency]) -> list[set[int]]:
    """Columns that follow from each other, both ways."""
    pairs = {(d.given[0], d.made) for d in singles}
    groups: list[set[int]] = []
    for a, b in sorted(pairs):
        if a < b and (b, a) in pairs:
            joined = [g for g in groups if a in g or b in g]
            groups = [g for g in groups if g not in joined]
            groups.append({a, b}.union(*joined))
    return groups


def _without_implied(singles: Sequence[Dependency]) -> list[Dependency]:
    """Dependencies that do not follow from two others, one of which holds everywhere."""
    found = {(d.given[0], d.made): d.exceptions for d in singles}

    middle = {d.made for d in singles}

    def implied(held: Dependency) -> bool:
        a, b = held.given[0], held.made
        steps = [(found.get((a, m)), found.get((m, b))) for m in middle - {a, b}]
        return any(0 in step and None not in step for step in steps)

    return [held for held in singles if not implied(held)]


def _combination(grid: Grid, group: Sequence[int], drawn: Drawn) -> Proposal:
    """Columns of which each value goes with one value of each other."""
    every = [grid.codes[:, c] for c in group]
    known = np.flatnonzero(np.all([c >= 0 for c in every], axis=0))
    gaps = int(np.any([c >= 0 for c in every], axis=0).sum()) - len(known)
    codes = [c[known] for c in every]
    key, size = dense(codes)
    alone = [dense([c]) for c in codes]
    wrong = max(broken(owner, key.astype(np.int32), entries) for owner, entries in alone)
    kinds = max(entries for _, entries in alone)
    entities = entities_of(key, grid.group[known], size)
    few = entities < grid.k
    expected = len(known) * (1 - 1 / max(kinds, 1))
    varied = 1.0 - float(np.bincount(codes[0]).max() / max(len(known), 1))
    held = Dependency((group[0],), group[1], len(known), wrong, expected, size, int(few.sum()),
                      1.0 - float(few[key].mean()), varied, gaps)  # fmt: skip
    names = [grid.names[c] for c in group]
    ways = [any(drawn.mapped([g], m) for g in names if g != m) for m in names]
    automatic = storable(held) and sum(ways) >= len(names) - 1
    return Proposal({"fixed_combinations": names}, len(known), wrong,
                    scored(len(known), wrong, expected, grid.rows), size, held.small, automatic,
                    _reason(held, grid.k, automatic))  # fmt: skip


def _determined(grid: Grid, held: Dependency, drawn: Drawn) -> Proposal:
    given = [grid.names[g] for g in held.given]
    automatic = storable(held) and drawn.mapped(given, grid.names[held.made])
    declaration = {"determines": given, "column": grid.names[held.made]}
    score = scored(held.rows, held.exceptions, held.expected, grid.rows)
    return Proposal(declaration, held.rows, held.exceptions, score, held.entries, held.small,
                    automatic, _reason(held, grid.k, automatic))  # fmt: skip


def _reason(held: Dependency, k: int, automatic: bool) -> str:
    """Why it is not taken without being declared, or for what it is."""
    under = _UNDER_K.format(small=held.small, entries=held.entries, k=k)
    if automatic:
        rest = f"; {under}, these are left out" if held.small else ""
        return f"{KEPT}{rest}"
    if held.small:
        return under
    if held.exceptions:
        return reason_of(held.exceptions)
    return "a determinant is learned as a number, or a key is determined"
