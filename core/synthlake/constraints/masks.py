"""Which columns are NULL together, or never at once: rules on masks, which hold no value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from synthlake.constraints.discovery.proposal import LEAST, surprising

Mask = NDArray[np.bool_]
Kind = Literal["together", "implies"]
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
        kind: ``together``: all of ``columns`` are NULL or none is; ``implies``: where the first is
            NULL, the second is.
        columns: their names.

    Privacy: says which columns, and nothing of any row.
    """

    kind: Kind
    columns: tuple[str, ...]

    def demands(self, column: str, null: Mapping[str, Mask]) -> Iterator[tuple[Mask, bool]]:
        """Rows in which a column must be NULL (True) or known (False), as others are drawn.

        Args:
            column: one of the rule's.
            null: shape (rows,) each, of the columns that are drawn already.
        """
        for other in self.columns:
            if other == column or other not in null:
                continue
            if self.kind == "together":
                yield null[other], True
                yield ~null[other], False
            elif column == self.columns[1]:
                yield null[other], True
            else:
                yield ~null[other], False

    def to_json(self) -> dict[str, Any]:
        """The rule, for the artifact."""
        return {"kind": self.kind, "columns": list(self.columns)}


def mask_rule_from_json(form: Mapping[str, Any]) -> MaskRule:
    """The rule that ``to_json`` described."""
    return MaskRule(form["kind"], tuple(form["columns"]))


def find_mask_rules(
    null: Mask, names: Sequence[str], group: NDArray[np.int64], k: int
) -> tuple[MaskRule, ...]:
    """Rules on the NULLs of a table that hold in every row.

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
    null, names = null[:, wide], [names[n] for n in wide]
    masks = masks_of(null)
    exact = [r for r in masks.relations() if r.kind == "implies" and not r.exceptions]
    rules = [MaskRule("together", tuple(names[c] for c in m)) for m in masks.members if len(m) > 1]
    first = [names[m[0]] for m in masks.members]
    rules += [MaskRule("implies", (first[r.first], first[r.second]))
              for r in without_implied(exact)]  # fmt: skip
    return tuple(rules)


def with_masks(
    column: str, null: Mask, rules: Sequence[MaskRule], others: Mapping[str, Mask]
) -> tuple[Mask, Mask]:
    """Rows in which a column must be NULL, and rows in which it is and must not be."""
    must, known = np.zeros_like(null), np.zeros_like(null)
    for rule in rules:
        if column in rule.columns:
            for rows, empty in rule.demands(column, others):
                if empty:
                    must |= rows
                else:
                    known |= rows
    return must, known & ~must & null
