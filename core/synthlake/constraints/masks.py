"""Which columns are NULL together, or never at once: rules on masks, which hold no value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from synthlake.constraints.discovery.proposal import LEAST, surprising

Mask = NDArray[np.bool_]
_ENOUGH = 200  # rows of a table from which a mask is a rule without being declared


@dataclass(frozen=True)
class Relation:
    """How the NULLs of two classes of columns stand to each other.

    Attributes:
        kind: ``together``; ``implies``: where ``first`` is NULL, ``second`` is; ``exclusive``: not
            both are known.
        first, second: classes of columns, by position.
        support: rows it applies to.
        exceptions: rows of these that break it.
        expected: such rows if they had nothing to do with each other.
    """

    kind: Literal["together", "implies", "exclusive"]
    first: int
    second: int
    support: int
    exceptions: int
    expected: float


@dataclass(frozen=True)
class Masks:
    """The NULLs of a table, each distinct mask once.

    Attributes:
        members: columns of each class, by position.
        null: shape (rows, classes).
    """

    members: tuple[tuple[int, ...], ...]
    null: Mask

    def relations(self) -> Iterator[Relation]:
        """All relations between two classes that are no accident."""
        rows = len(self.null)
        if not rows:
            return
        held = self.null.astype(np.float32)
        both = (held.T @ held).astype(np.int64)
        count = np.diag(both)
        for a in range(len(count)):
            for b in range(len(count)):
                if a != b:
                    yield from _between(rows, (a, b), (int(count[a]), int(count[b])),
                                        int(both[a, b]))  # fmt: skip


def _between(
    rows: int, pair: tuple[int, int], counts: tuple[int, int], both: int
) -> Iterator[Relation]:
    """Relations between two classes of so many NULLs each."""
    (a, b), (first, second) = pair, counts
    chance = first * second / rows
    apart = first + second - 2 * both
    inside = Relation("implies", a, b, first, first - both, first - chance)
    if surprising(first, inside.exceptions, inside.expected):
        yield inside
    if a < b:
        near = Relation("together", a, b, rows, apart, first + second - 2 * chance)
        if surprising(max(min(first, second), 1), apart, near.expected):
            yield near
        known = rows - first - second + both
        free = Relation("exclusive", a, b, rows, known, (rows - first) * (rows - second) / rows)
        if surprising(max(rows - max(first, second), 1), known, free.expected):
            yield free


def masks_of(null: Mask) -> Masks:
    """Classes of columns that are sometimes NULL and sometimes not.

    Args:
        null: shape (rows, columns).
    """
    count = null.sum(axis=0)
    classes: dict[bytes, list[int]] = {}
    for place in np.flatnonzero((count >= LEAST) & (len(null) - count >= LEAST)):
        classes.setdefault(np.packbits(null[:, place]).tobytes(), []).append(int(place))
    members = tuple(tuple(c) for c in classes.values())
    return Masks(members, null[:, [c[0] for c in members]])


def without_implied(found: Sequence[Relation]) -> list[Relation]:
    """Implications that do not follow from two others that hold everywhere."""
    exact = {(r.first, r.second) for r in found if not r.exceptions}
    middle = {r.second for r in found} | {r.first for r in found}

    def follows(held: Relation) -> bool:
        return any(
            (held.first, m) in exact and (m, held.second) in exact
            for m in middle
            if m not in (held.first, held.second)
        )

    return [held for held in found if not follows(held)]


@dataclass(frozen=True)
class MaskRule:
    """Columns whose NULLs follow from each other in every row.

    Attributes:
        columns: all of them are NULL or none is.
        then: these are NULL where ``columns`` are; may be empty.

    Privacy: says which columns, and nothing of any row.
    """

    columns: tuple[str, ...]
    then: tuple[str, ...] = ()

    def demands(self, column: str, null: Mapping[str, Mask]) -> Iterator[tuple[Mask, bool]]:
        """Rows in which a column must be NULL (True) or known (False), as others are drawn.

        Args:
            column: any.
            null: shape (rows,) each, of the columns that are drawn already.
        """
        if column in self.columns:
            for other in (n for n in self.columns if n != column and n in null):
                yield null[other], True
                yield ~null[other], False
            for other in (n for n in self.then if n in null):
                yield ~null[other], False
        elif column in self.then:
            for other in (n for n in self.columns if n in null):
                yield null[other], True

    def to_json(self) -> dict[str, Any]:
        """The rule, for the artifact."""
        return {"columns": list(self.columns), "then": list(self.then)}


def mask_rule_from_json(form: Mapping[str, Any]) -> MaskRule:
    """The rule that ``to_json`` described."""
    return MaskRule(tuple(form["columns"]), tuple(form["then"]))


def find_mask_rules(
    null: Mask, names: Sequence[str], group: NDArray[np.int64], k: int
) -> tuple[MaskRule, ...]:
    """Rules on the NULLs of a table that hold in every row.

    With each two that follow from each other comes the third, so that columns can be drawn in any
    order: what is known of some then never contradicts itself.

    Args:
        null: shape (rows, columns).
        names: of the columns.
        group: shape (rows,); entities.
        k: least entities in which a column is NULL, and in which it is not.
    """
    if len(null) < _ENOUGH:
        return ()
    wide = [n for n, mask in enumerate(null.T)
            if min(len(np.unique(group[mask])), len(np.unique(group[~mask]))) >= k]  # fmt: skip
    masks = masks_of(null[:, wide])
    members = [tuple(names[wide[c]] for c in m) for m in masks.members]
    inside = np.zeros((len(members), len(members)), bool)
    for held in masks.relations():
        if held.kind == "implies" and not held.exceptions:
            inside[held.first, held.second] = True
    for middle in range(len(members)):
        inside |= inside[:, [middle]] & inside[[middle], :]
    rules = [MaskRule(m) for m in members if len(m) > 1]
    rules += [MaskRule(members[a], members[b]) for a, b in zip(*np.nonzero(inside), strict=True)]
    return tuple(rules)


def with_masks(
    column: str, null: Mask, rules: Sequence[MaskRule], others: Mapping[str, Mask]
) -> tuple[Mask, Mask]:
    """Rows in which a column must be NULL, and rows in which it is and must not be."""
    must, known = np.zeros_like(null), np.zeros_like(null)
    for rule in rules:
        for rows, empty in rule.demands(column, others):
            if empty:
                must |= rows
            else:
                known |= rows
    return must, known & ~must & null
