"""Columns that follow from others: fixed combinations, hierarchies, two determinants."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from synthlake.constraints.dependencies import Dependency, Search, broken, dense, entities_of
from synthlake.constraints.discovery.grid import Grid
from synthlake.constraints.discovery.proposal import Proposal, scored
from synthlake.constraints.mapping import storable

_UNDER_K = "{small:,} of {entries:,} entries have fewer than k = {k} entities"


def follows(grid: Grid, said: Collection[tuple[str, str]], free: Collection[str]) -> list[Proposal]:
    """Dependencies of one column on one or two others, the strongest form of each.

    Args:
        grid: the rows.
        said: pairs (determinant, dependent) of which a formula says more.
        free: columns that are drawn as categories, so that a map on them needs no declaration.
    """
    places = range(len(grid.names))
    search = Search(grid.codes, grid.group, grid.k, list(places), list(places))
    singles = [d for d in search.singles() if not _said(d, grid, said)]
    groups = _groups(singles)
    first = {member: min(group) for group in groups for member in group}
    chosen = [p for p in places if first.get(p, p) == p]
    pairs = [d for d in search.pairs(singles, chosen) if not _said(d, grid, said)]
    out = [_combination(grid, sorted(group), free) for group in groups]
    lone = [d for d in singles if first.get(d.made, d.made) == d.made and d.given[0] in chosen]
    both = [d for d in pairs if d.made in chosen]
    return out + [_determined(grid, d, free) for d in [*_without_implied(lone), *both]]


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
    """Dependencies that do not follow from two others that hold everywhere."""
    exact = {(d.given[0], d.made) for d in singles if not d.exceptions}
    middle = {d.made for d in singles}
    return [
        d
        for d in singles
        if not any(
            (d.given[0], m) in exact and (m, d.made) in exact
            for m in middle
            if m not in (d.given[0], d.made)
        )
    ]


def _combination(grid: Grid, group: Sequence[int], free: Collection[str]) -> Proposal:
    """Columns of which each value goes with one value of each other."""
    codes = [grid.codes[:, c] for c in group]
    known = np.flatnonzero(np.all([c >= 0 for c in codes], axis=0))
    codes = [c[known] for c in codes]
    key, size = dense(codes)
    alone = [dense([c]) for c in codes]
    wrong = max(broken(owner, key.astype(np.int32), entries) for owner, entries in alone)
    chance = max(entries for _, entries in alone)
    entities = entities_of(key, grid.group[known], size)
    # only what most rows of a value have would be stored
    often = np.bincount(key, minlength=size) * chance >= 0.01 * len(known)
    small = int((entities[often | (entities >= grid.k)] < grid.k).sum()) if wrong else int(
        (entities < grid.k).sum()
    )  # fmt: skip
    covered = float((entities >= grid.k)[key].mean())
    expected = len(known) * (1 - 1 / max(chance, 1))
    names = [grid.names[c] for c in group]
    held = Dependency((group[0],), group[1], len(known), wrong, expected, size, small, covered)
    automatic = storable(held) and all(n in free for n in names[:1])
    return Proposal({"fixed_combinations": names}, len(known), wrong,
                    scored(len(known), wrong, expected, grid.rows), size, small, automatic,
                    _reason(held, grid.k, automatic))  # fmt: skip


def _determined(grid: Grid, held: Dependency, free: Collection[str]) -> Proposal:
    given = [grid.names[g] for g in held.given]
    automatic = storable(held) and all(n in free for n in given)
    declaration = {"determines": given, "column": grid.names[held.made]}
    score = scored(held.rows, held.exceptions, held.expected, grid.rows)
    return Proposal(declaration, held.rows, held.exceptions, score, held.entries, held.small,
                    automatic, _reason(held, grid.k, automatic))  # fmt: skip


def _reason(held: Dependency, k: int, automatic: bool) -> str:
    """Why it is not taken without being declared, or for what it is."""
    under = _UNDER_K.format(small=held.small, entries=held.entries, k=k)
    if automatic:
        rest = f"; {under}, these are left out" if held.small else ""
        return f"kept without being declared{rest}"
    if held.small:
        return under
    if held.exceptions:
        return f"{held.exceptions:,} rows break it"
    return "its determinant is learned as a number"
