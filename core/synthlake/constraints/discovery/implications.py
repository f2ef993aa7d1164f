"""What a single value says about another column: its value, or that it is NULL."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.constraints.dependencies import entities_of
from synthlake.constraints.discovery.grid import Grid, quoted
from synthlake.constraints.discovery.proposal import LEAST, Proposal, scored, surprising

_KINDS = 12  # values of a column that is a category here
_MASS = 0.1  # share of rows that a single number has, from which it is looked at
_MOST = 400  # statements that are compared with each other
_REASON = "the owner must say whether it is a rule"


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
    use: Literal["if", "then", "both"]

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
    held = truth.astype(np.float32)
    both = (held.T @ held).astype(np.int64)
    count = np.diag(both)
    enough = distinct_rows(truth, grid) >= max(grid.k, 1)
    out: dict[frozenset[object], Proposal] = {}
    for a, given in enumerate(statements):
        for b, then in enumerate(statements):
            pair = (grid.names[given.column], grid.names[then.column])
            allowed = given.use != "then" and then.use != "if" and given.column != then.column
            if not allowed or not enough[a] or pair in known or (given.code < 0 > then.code):
                continue
            support, wrong = int(count[a]), int(count[a] - both[a, b])
            chance = support * (1 - count[b] / grid.rows)
            if surprising(support, wrong, chance):
                # a -> b is also not b -> not a: the first is enough
                said = frozenset((_key(given, True), _key(then, False)))
                turned = frozenset((_key(given, False), _key(then, True)))
                if turned not in out:
                    out.setdefault(said, _proposal(grid, (given, then), (support, wrong), chance))
    return list(out.values())


def _key(statement: Statement, given: bool) -> tuple[object, ...]:
    return (statement.column, statement.code, statement.other != given)


def _proposal(
    grid: Grid, pair: tuple[Statement, Statement], counts: tuple[int, int], chance: float
) -> Proposal:
    (given, then), (support, wrong) = pair, counts

    def written(values: bool) -> dict[str, str]:
        return {"when": given.text(grid, values), "then": then.text(grid, values)}

    hidden = written(False)
    reason = f"{wrong:,} rows break it" if wrong else _REASON
    shown = f'{{when: {hidden["when"]}, then: {hidden["then"]}}}'
    return Proposal(written(True), support, wrong, scored(support, wrong, chance, grid.rows),
                    entries=1, reason=reason, shown=shown)  # fmt: skip


def distinct_rows(truth: NDArray[np.bool_], grid: Grid) -> NDArray[np.int64]:
    """Entities of which each statement is true."""
    rows, of = np.nonzero(truth)
    found: NDArray[np.int64] = entities_of(of.astype(np.int64), grid.group[rows], truth.shape[1])
    return found


def _true(grid: Grid, statement: Statement) -> NDArray[np.bool_]:
    if statement.code < 0:
        null = grid.null[:, statement.column]
        return ~null if statement.other else null
    codes = grid.codes[:, statement.column]
    if statement.other:  # neither of NULL
        return (codes != statement.code) & ~grid.null[:, statement.column]
    found: NDArray[np.bool_] = codes == statement.code
    return found


def _statements(grid: Grid) -> list[Statement]:
    """Values of categories, numbers that many rows have, and NULL, as long as there is room."""
    out: list[Statement] = []
    for place, name in enumerate(grid.names):
        codes, null = grid.codes[:, place], grid.null[:, place]
        counts = np.bincount(codes[codes >= 0]) if (codes >= 0).any() else np.zeros(0, int)
        kinds = int((counts > 0).sum())
        if LEAST <= null.sum() <= grid.rows - LEAST:
            out += [Statement(place, -1, False, "both"), Statement(place, -1, True, "both")]
        if 2 <= kinds <= _KINDS:
            out += [Statement(place, int(c), False, "both")
                    for c in np.flatnonzero(counts >= LEAST)]  # fmt: skip
        elif kinds and name in grid.numbers and counts.max() >= _MASS * grid.rows:
            mass = int(np.argmax(counts))
            out += [Statement(place, mass, False, "both"), Statement(place, mass, True, "both")]
    return out[:_MOST]
