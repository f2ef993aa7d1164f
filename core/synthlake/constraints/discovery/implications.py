"""What a single value says about another column: its value, or that it is NULL."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.constraints.dependencies import entities_of
from synthlake.constraints.discovery.grid import Grid, quoted
from synthlake.constraints.discovery.proposal import BETTER, FEW, LEAST, Proposal, reason_of, scored

_KINDS = 12  # values of a column that is a category here
_MASS = 0.1  # share of rows that a single number has, from which it is looked at
_LEAST_SCORE = 0.002
_MOST = 400  # statements that are compared with each other


@dataclass(frozen=True)
class Statement:
    """Something that is true of some rows: ``column = value``, ``<> value``, or (not) NULL.

    Attributes:
        code: of the value; -1 for NULL.
        other: whether it is the opposite.
    """

    column: int
    code: int
    other: bool

    def text(self, grid: Grid, values: bool) -> str:
        """In SQL; the value only if asked."""
        name = quoted(grid.names[self.column])
        if self.code < 0:
            return f"{name} IS {'NOT ' if self.other else ''}NULL"
        return f"{name} {'<>' if self.other else '='} {self._value(grid) if values else '...'}"

    def _value(self, grid: Grid) -> str:
        row = int(np.argmax(grid.codes[:, self.column] == self.code))
        return literal(grid.arrays[grid.names[self.column]][row])


def literal(value: pa.Scalar[Any]) -> str:
    """A value in SQL."""
    held = value.as_py()
    if isinstance(held, bool | int | float):
        return str(held).upper() if isinstance(held, bool) else str(held)
    return "'" + str(held).replace("'", "''") + "'"


def implications(grid: Grid, known: Collection[tuple[str, str]]) -> list[Proposal]:
    """``when a = x then b is NULL``, or has one value.

    Args:
        grid: the rows.
        known: pairs of columns of which another proposal says more.
    """
    statements = _statements(grid)
    if not statements:
        return []
    truth = np.stack([_true(grid, s) for s in statements], axis=1)
    kept = _different(truth)
    statements, truth = [statements[n] for n in kept], truth[:, kept]
    found = _held(truth, grid)
    out: dict[frozenset[object], Proposal] = {}
    columns = np.array([s.column for s in statements])
    for a, b in zip(*np.nonzero(_strongest(found, truth, columns)), strict=True):
        given, then = statements[a], statements[b]
        pair = (grid.names[given.column], grid.names[then.column])
        if given.column == then.column or pair in known or (given.code < 0 and then.code < 0):
            continue
        # a -> b is also not b -> not a: the first is enough
        said = frozenset((_key(given, True), _key(then, False)))
        turned = frozenset((_key(given, False), _key(then, True)))
        support, wrong = int(truth[:, a].sum()), int((truth[:, a] & ~truth[:, b]).sum())
        held = _proposal(grid, (given, then), (support, wrong), _chance(truth, a, b))
        if held.score >= _LEAST_SCORE and turned not in out:
            out.setdefault(said, held)
    return list(out.values())


def _different(truth: NDArray[np.bool_]) -> list[int]:
    """The first of statements that are true of the same rows."""
    first: dict[bytes, int] = {}
    for place, rows in enumerate(truth.T):
        first.setdefault(np.packbits(rows).tobytes(), place)
    return list(first.values())


def _chance(truth: NDArray[np.bool_], a: int, b: int) -> float:
    return float(truth[:, a].sum() * (1 - truth[:, b].mean()))


def _held(truth: NDArray[np.bool_], grid: Grid) -> NDArray[np.bool_]:
    """Which statement implies which, shape (statements, statements); no accidents."""
    held = truth.astype(np.float32)
    both = (held.T @ held).astype(np.int64)
    count = np.diag(both)
    wrong = count[:, None] - both
    chance = count[:, None] * (1 - count[None, :] / grid.rows)
    few = (wrong <= FEW * count[:, None]) & (wrong <= BETTER * chance) & (chance >= LEAST)
    enough = _entities(truth, grid) >= max(grid.k, 1)
    found: NDArray[np.bool_] = few & enough[:, None]
    np.fill_diagonal(found, False)
    return found


def _strongest(
    found: NDArray[np.bool_], truth: NDArray[np.bool_], columns: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Implications that do not follow from two others, one of which holds in every row."""
    held = truth.astype(np.float32)
    exact = (held.T @ held) == truth.sum(axis=0)[:, None]
    # a value of a column implies that it is not NULL, which is no accident
    exact &= found | (columns[:, None] == columns)
    np.fill_diagonal(exact, False)
    steps = exact.astype(np.float32) @ (found | exact).astype(np.float32)
    steps += found.astype(np.float32) @ exact.astype(np.float32)
    strongest: NDArray[np.bool_] = found & (steps == 0)
    return strongest


def _key(statement: Statement, given: bool) -> tuple[object, ...]:
    return (statement.column, statement.code, statement.other != given)


def _proposal(
    grid: Grid, pair: tuple[Statement, Statement], counts: tuple[int, int], chance: float
) -> Proposal:
    (given, then), (support, wrong) = pair, counts

    def written(values: bool) -> dict[str, str]:
        return {"when": given.text(grid, values), "then": then.text(grid, values)}

    hidden = written(False)
    shown = f"{{when: {hidden['when']}, then: {hidden['then']}}}"
    return Proposal(written(True), support, wrong, scored(support, wrong, chance, grid.rows),
                    entries=1, reason=reason_of(wrong), shown=shown)  # fmt: skip


def _entities(truth: NDArray[np.bool_], grid: Grid) -> NDArray[np.int64]:
    """Entities of which each statement is true."""
    if len(np.unique(grid.group)) == grid.rows:
        every: NDArray[np.int64] = truth.sum(axis=0)
        return every
    rows, of = np.nonzero(truth)
    found: NDArray[np.int64] = entities_of(of.astype(np.int64), grid.group[rows], truth.shape[1])
    return found


def _true(grid: Grid, statement: Statement) -> NDArray[np.bool_]:
    if statement.code < 0:
        null = grid.null[:, statement.column]
        return ~null if statement.other else null
    codes = grid.codes[:, statement.column]
    found: NDArray[np.bool_] = codes == statement.code
    if statement.other:  # neither is true of NULL
        found = ~found & ~grid.null[:, statement.column]
    return found


def _statements(grid: Grid) -> list[Statement]:
    """Values of categories, numbers that many rows have, and NULL, as long as there is room."""
    out: list[Statement] = []
    for place, name in enumerate(grid.names):
        codes, null = grid.codes[:, place], grid.null[:, place]
        counts = np.bincount(codes[codes >= 0]) if (codes >= 0).any() else np.zeros(0, int)
        kinds = int((counts > 0).sum())
        if LEAST <= null.sum() <= grid.rows - LEAST:
            out += [Statement(place, -1, False), Statement(place, -1, True)]
        if 2 <= kinds <= _KINDS:
            out += [Statement(place, int(c), False)
                    for c in np.flatnonzero(counts >= LEAST)]  # fmt: skip
        elif kinds and name in grid.numbers and counts.max() >= _MASS * grid.rows:
            mass = int(np.argmax(counts))
            out += [Statement(place, mass, False), Statement(place, mass, True)]
    return out[:_MOST]
