"""One column's values and how often each occurs; two of them side by side."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST = 1e140  # numbers are taken as this where they are squared, which beyond has no float
MAX_VALUES = 20_000  # that are listed
MAX_NUMBERS = 500_000  # of a column of numbers or times, where listing costs no transfer
MAX_CUTS = 1_024

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def _none() -> Floats:
    return np.zeros(0)


@dataclass(frozen=True)
class Marginal:
    """Counts of one column of one data set. Held in memory while judging, never shown.

    Attributes:
        rows: all rows.
        nulls: of these, NULL.
        nans: of these, NaN.
        distinct: distinct values; NULL and NaN not counted.
        values: for ordered columns: the values, ascending, shape (n,); with ``complete`` False
            upper ends of intervals.
        texts: for others: the values, in binary order; at most ``MAX_VALUES``, most frequent ones.
        counts: rows of each, shape (n,).
        complete: whether every value is listed.
        least: smallest value.
        most: largest value.
    """

    rows: int
    nulls: int
    nans: int = 0
    distinct: int = 0
    values: Floats = field(default_factory=_none)
    texts: tuple[str, ...] = ()
    counts: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    complete: bool = True
    least: float = 0.0
    most: float = 0.0

    @property
    def known(self) -> int:
        """Rows that hold a value."""
        return self.rows - self.nulls - self.nans

    @property
    def pooled(self) -> int:
        """Rows whose text is not among the listed."""
        return self.known - int(self.counts.sum())


@dataclass(frozen=True)
class Aligned:
    """Counts of the same values in two data sets.

    Attributes:
        values: ascending numbers, or texts; shape (n,).
        real: rows of the reference, shape (n,).
        other: rows of the candidate, shape (n,).
        ends: NULL and NaN of the reference, and of the candidate.
        exact: False where values were put into intervals first.
    """

    values: Any
    real: Ints
    other: Ints
    ends: tuple[tuple[int, int], tuple[int, int]]
    exact: bool = True

    def shares(self) -> tuple[Floats, Floats]:
        """Shares of all rows: NULL first, NaN last; shape (n + 2,) each."""
        out = []
        for counts, (nulls, nans) in zip((self.real, self.other), self.ends, strict=True):
            full = np.concatenate([[nulls], counts, [nans]]).astype(np.float64)
            out.append(full / max(full.sum(), 1.0))
        return out[0], out[1]


def align_values(real: Marginal, other: Marginal) -> Aligned:
    """Two complete marginals of an ordered column."""
    values = np.union1d(real.values, other.values)
    counts = []
    for side in (real, other):
        found = np.zeros(len(values), np.int64)
        found[np.searchsorted(values, side.values)] = side.counts
        counts.append(found)
    return Aligned(values, counts[0], counts[1], _ends(real, other))


def align_texts(real: Marginal, other: Marginal) -> Aligned:
    """Two marginals of a column without order; what is not listed is one value."""
    values = sorted({*real.texts, *other.texts}, key=str.encode)
    place = {text: i for i, text in enumerate(values)}
    counts = []
    for side in (real, other):
        found = np.zeros(len(values) + 1, np.int64)
        found[[place[t] for t in side.texts]] = side.counts
        found[-1] = side.pooled
        counts.append(found)
    exact = real.complete and other.complete
    return Aligned([*values, ""], counts[0], counts[1], _ends(real, other), exact)


def _ends(real: Marginal, other: Marginal) -> tuple[tuple[int, int], tuple[int, int]]:
    return (real.nulls, real.nans), (other.nulls, other.nans)


def thinned(marginal: Marginal, cuts: int = MAX_CUTS) -> Marginal:
    """The same column in at most ``cuts`` intervals of about equally many rows."""
    if len(marginal.values) <= cuts:
        return marginal
    upto = np.cumsum(marginal.counts)
    wanted = np.searchsorted(upto, np.linspace(0, upto[-1], cuts + 1)[1:])
    last = np.unique(np.minimum(wanted, len(upto) - 1))
    counts = np.diff(upto[last], prepend=0)
    return Marginal(
        marginal.rows, marginal.nulls, marginal.nans, marginal.distinct,
        marginal.values[last], (), counts, False, marginal.least, marginal.most,
    )  # fmt: skip


def less_marginal(whole: Marginal, part: Marginal) -> Marginal | None:
    """The marginal of the rows that are not in ``part``; None where values are missing for it."""
    if not (whole.complete and part.complete):
        return None
    both = align_texts(whole, part) if whole.texts or part.texts else align_values(whole, part)
    counts = (both.real - both.other)[: len(both.values) - bool(whole.texts)]
    there = np.flatnonzero(counts > 0)
    ends = (whole.rows - part.rows, whole.nulls - part.nulls, whole.nans - part.nans)
    if whole.texts:
        texts = tuple(both.values[i] for i in there)
        return Marginal(*ends, len(there), texts=texts, counts=counts[there])
    values = both.values[there]
    least, most = (float(values[0]), float(values[-1])) if len(values) else (0.0, 0.0)
    return Marginal(*ends, len(there), values, (), counts[there], True, least, most)
