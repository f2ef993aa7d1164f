"""Columns of 0 and 1 of which exactly one is 1."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.constraints.discovery.grid import Grid
from synthlake.constraints.discovery.proposal import FEW, LEAST, Proposal, reason_of, scored


def one_hot(grid: Grid) -> list[Proposal]:
    """Groups of flags, each flag in at most one of them."""
    flags = {n: f for n in grid.names if (f := _flag(grid, n)) is not None}
    names = list(flags)
    if len(names) < 2:
        return []
    held = np.stack([flags[n] for n in names], axis=1)
    both = (held.T.astype(np.float32) @ held.astype(np.float32)).astype(np.int64)
    ones = np.diag(both)
    used: set[int] = set()
    out = []
    for start in range(len(names)):
        group = _grown(start, both, ones, used)
        wrong = int((held[:, group].sum(axis=1) != 1).sum())
        if len(group) < 2 or wrong > FEW * grid.rows:
            continue
        used |= set(group)
        chance = _by_chance(ones[group] / grid.rows) * grid.rows
        score = scored(grid.rows, wrong, chance, grid.rows)
        declaration = {"one_hot": [names[n] for n in group]}
        out.append(Proposal(declaration, grid.rows, wrong, score, reason=reason_of(wrong)))
    return out


def _grown(
    start: int, both: NDArray[np.int64], ones: NDArray[np.int64], used: set[int]
) -> list[int]:
    """A flag and all later ones that are hardly ever 1 with any before."""
    if start in used:
        return []
    group = [start]
    for other in range(start + 1, len(ones)):
        clash = both[other, group] > FEW * np.minimum(ones[other], ones[group])
        if other not in used and not clash.any():
            group.append(other)
    return group


def _by_chance(shares: NDArray[np.float64]) -> float:
    """Share of rows without exactly one flag, were they independent."""
    none = np.prod(1 - shares)
    one = none * (shares / np.maximum(1 - shares, 1e-12)).sum()
    return float(1 - one)


def _flag(grid: Grid, name: str) -> NDArray[np.bool_] | None:
    """Where a column is 1 or true; None for what is no flag, or hardly ever set or unset."""
    if grid.null[:, grid.place(name)].any() or name not in grid.arrays:
        return None
    array: Any = grid.arrays[name]
    if pa.types.is_boolean(array.type):
        found = np.asarray(array).astype(bool)
    elif name in grid.numbers and grid.numbers[name].family == "number":
        values = grid.numbers[name].values
        if not np.isin(values, (0.0, 1.0)).all():
            return None
        found = values == 1.0
    else:
        return None
    enough = LEAST <= found.sum() <= grid.rows - LEAST
    return found if enough else None
