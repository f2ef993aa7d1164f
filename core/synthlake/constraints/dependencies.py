"""Which columns follow from one or two others: all candidates of a table, refuted in bulk.

Rows are sorted by the determinant; of a dependency, neighbours with equal determinants hardly ever
differ. One comparison tells it for all other columns at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthlake.constraints.discovery.grid import mixed
from synthlake.constraints.discovery.proposal import FEW, LEAST, surprising

_SINGLES = 6_000  # rows on which most single determinants are refuted
_PAIRS = 2_500
_REFUTED = 0.35  # of the changes that chance would bring
_PAIRED = 64  # determinants, those of the fewest values
_REPEATED = 4  # rows an entry of a determinant has on average, at least

Code = NDArray[np.int32]
Key = NDArray[np.int64]


@dataclass(frozen=True)
class Dependency:
    """``made`` follows from ``given``, columns by position.

    Attributes:
        rows: in which all are known.
        exceptions: rows that have another value than most rows of their determinant.
        expected: exceptions if the last determinant had nothing to do with it.
        entries: distinct determinants.
        small: of these, how many fewer than k entities have.
        covered: share of rows whose determinant k entities have.
        varied: share of rows that have not the most frequent value.
        gaps: rows in which the determinants are known and the dependent is NULL.
    """

    given: tuple[int, ...]
    made: int
    rows: int
    exceptions: int
    expected: float
    entries: int
    small: int
    covered: float
    varied: float
    gaps: int


@dataclass
class Search:
    """Looks for dependencies between the columns of one table.

    Args:
        codes: shape (rows, columns); NULL is -1.
        group: shape (rows,); entities, numbered from 0.
        k: least entities of an entry.
        given: columns that may be determinants.
        made: columns that may depend on others.

    Cost: one sort of a few thousand rows for each column and for each two of the 64 narrowest,
        and some of all rows for each dependency.
    """

    codes: Code
    group: NDArray[np.int64]
    k: int
    given: Sequence[int]
    made: Sequence[int]
    _order: Key = field(init=False)
    _whole: Neighbours = field(init=False)
    _sizes: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self._order = mixed(len(self.codes))
        sizes = [len(np.unique(c[c >= 0])) for c in self.codes.T]
        known = (self.codes >= 0).sum(axis=0)
        self.given = [g for g in self.given if 2 <= sizes[g] <= known[g] // _REPEATED]
        self.made = [m for m in self.made if sizes[m] >= 2]
        self._sizes = sizes
        self._whole = Neighbours(self.codes, self._order)

    def singles(self) -> list[Dependency]:
        """Dependencies on one column."""
        small = Neighbours(self.codes, self._order[:_SINGLES])
        found = []
        for given in self.given:
            others = [m for m in self.made if m != given]
            changes, _ = small.changes((given,), others)
            most = 2 * FEW * len(small) + 3
            for made in [m for m, c in zip(others, changes, strict=True) if c <= most]:
                held = self._counted((given,), made)
                found += [held] if held is not None else []
        return found

    def pairs(self, skipped: Sequence[Dependency], alone: Sequence[int]) -> Iterator[Dependency]:
        """Dependencies on two columns that hold on neither alone.

        Args:
            skipped: those on one column.
            alone: determinants to be paired: one of those that say the same.
        """
        small = Neighbours(self.codes, self._order[:_PAIRS])
        follows: dict[int, set[int]] = {}
        for held in skipped:
            follows.setdefault(held.given[0], set()).add(held.made)
        chosen = [g for g in self.given if g in set(alone)]
        if len(chosen) > _PAIRED:
            narrow = sorted(chosen, key=lambda g: self._sizes[g])[:_PAIRED]
            chosen = [g for g in chosen if g in set(narrow)]
        rates = {g: self._rates(g) for g in chosen}
        for a, b in combinations(chosen, 2):
            if b in follows.get(a, ()) or a in follows.get(b, ()):
                continue
            known = follows.get(a, set()) | follows.get(b, set()) | {a, b}
            left = [m for m in self.made if m not in known]
            for rows in (small, self._whole):
                left = rows.left((a, b), left, np.minimum(rates[a], rates[b]))
            for made in left:
                found = self._counted((a, b), made)
                if found is not None:
                    yield found

    def _rates(self, given: int) -> NDArray[np.float64]:
        """How often neighbours differ in each column that have one determinant in common."""
        every = list(range(self.codes.shape[1]))
        changes, pairs = self._whole.changes((given,), every)
        # what hardly ever differs says nothing
        return np.where(changes < LEAST, 0.0, changes / np.maximum(pairs, 1))

    def _counted(self, given: tuple[int, ...], made: int) -> Dependency | None:
        """The dependency as all rows show it; None if they do not."""
        parts = [self.codes[:, g] for g in given]
        codes = self.codes[:, made]
        there = np.all([p >= 0 for p in parts], axis=0)
        gaps = int((there & (codes == -1)).sum())
        known = np.flatnonzero((codes >= 0) & there)
        parts, codes = [p[known] for p in parts], codes[known]
        key, size = dense(parts)
        if not len(known) or size > len(known) // _REPEATED:
            return None
        modes = modal(key, codes, size)
        agree = modes[key] == codes
        exceptions = int(len(agree) - agree.sum())
        if exceptions > FEW * len(known):
            return None
        expected = _expected(key, size, parts, codes)
        if not surprising(len(known), exceptions, expected):
            return None
        entities = entities_of(key[agree], self.group[known][agree], size)
        few = entities < self.k
        covered = 1.0 - float(few[key].mean())
        varied = 1.0 - float(np.bincount(codes).max() / len(codes))
        return Dependency(given, made, len(known), exceptions, expected, size, int(few.sum()),
                          covered, varied, gaps)  # fmt: skip


def _expected(key: Key, size: int, parts: Sequence[Code], codes: Code) -> float:
    """Exceptions if the codes were shuffled: over all rows, or within each other determinant."""
    order = mixed(len(codes))
    if len(parts) == 1:
        return float(broken(key, codes[order], size))
    counts = []
    for part in parts:
        shuffled = np.empty_like(codes)
        within = order[np.argsort(part[order], kind="stable")]
        shuffled[np.argsort(part, kind="stable")] = codes[within]
        counts.append(broken(key, shuffled, size))
    return float(min(counts))


class Neighbours:
    """Some rows of all columns, in which candidates are refuted together."""

    def __init__(self, codes: Code, rows: Key) -> None:
        # few rows have few values: half the memory to compare
        kind: Any = np.int16 if len(rows) < 2**15 else np.int32
        self._codes: NDArray[Any] = np.empty((len(rows), codes.shape[1]), kind)
        for place in range(codes.shape[1]):
            some = np.maximum(codes[rows, place], -1)
            self._codes[:, place] = np.unique(some, return_inverse=True)[1] - int((some < 0).any())

    def __len__(self) -> int:
        return len(self._codes)

    def changes(
        self, given: tuple[int, ...], made: Sequence[int]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Neighbours with equal determinants that differ in each dependent, and all of them."""
        before, after = self._neighbours(given)
        known = np.ones(len(before), np.int64)
        rows = self._codes[:, made]
        if (rows < 0).any():
            left, right = rows[before], rows[after]
            there = (left >= 0) & (right >= 0)
            return ((left != right) & there).sum(axis=0), there.sum(axis=0)
        differ = (rows[before] != rows[after]).sum(axis=0)
        return differ, np.full(len(differ), int(known.sum()))

    def left(
        self, given: tuple[int, ...], made: Sequence[int], rates: NDArray[np.float64]
    ) -> list[int]:
        """Dependents that differ less between neighbours than their rates would have it."""
        if not made:
            return []
        changes, pairs = self.changes(given, made)
        most = np.minimum(_REFUTED * pairs * rates[made] + 2, 2 * FEW * len(self) + 3)
        fine = (changes <= most) & (rates[made] > 0) & (pairs * rates[made] >= 1)
        return [m for m, kept in zip(made, fine, strict=True) if kept]

    def _neighbours(self, given: tuple[int, ...]) -> tuple[Key, Key]:
        """Pairs of rows that share their determinants."""
        key = self._codes[:, given[0]].astype(np.int64)
        null = key < 0
        for g in given[1:]:
            part = self._codes[:, g]
            null = null | (part < 0)
            key = key * (int(part.max(initial=0)) + 1) + part
        key[null] = -1
        order = np.argsort(key, kind="stable")[int(null.sum()) :]
        same = np.flatnonzero(key[order][1:] == key[order][:-1])
        return order[same], order[same + 1]


def dense(parts: Sequence[Code]) -> tuple[Key, int]:
    """One number from 0 a distinct row of some columns without NULL, and how many there are."""
    key = parts[0].astype(np.int64)
    for part in parts[1:]:
        key = key * (int(part.max(initial=0)) + 1) + part
    owners, place = np.unique(key, return_inverse=True)
    return place.astype(np.int64), len(owners)


def _pairs(key: Key, codes: Code) -> tuple[Key, Key, int]:
    width = int(codes.max(initial=0)) + 1
    pairs, counts = np.unique(key * width + codes, return_counts=True)
    return pairs, counts, width


def modal(key: Key, codes: Code, size: int) -> Code:
    """The most frequent code of each key in [0, size)."""
    pairs, counts, width = _pairs(key, codes)
    order = np.argsort(counts, kind="stable")
    found = np.full(size, -1, np.int32)
    found[pairs[order] // width] = pairs[order] % width
    return found


def broken(key: Key, codes: Code, size: int) -> int:
    """Rows that have not the most frequent code of their key."""
    pairs, counts, width = _pairs(key, codes)
    best = np.zeros(size, np.int64)
    np.maximum.at(best, pairs // width, counts)
    return int(len(key) - best.sum())


def entities_of(key: Key, group: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Distinct entities of each key in [0, size); groups are numbers from 0."""
    pairs = np.sort(key.astype(np.int64) * (int(group.max(initial=0)) + 1) + group)
    fresh = np.append(True, pairs[1:] != pairs[:-1])[: len(pairs)]
    owner = pairs[fresh] // (int(group.max(initial=0)) + 1)
    return np.bincount(owner, minlength=size)
