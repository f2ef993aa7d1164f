"""Nearest rows, exactly, block by block.

A sample thins out what a copy would lie next to. So where tables are large, all data sets are cut
down to the same region (a seeded share of the combinations of a few columns' codes): a copy's
original is then in the region whenever the copy is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from itertools import product
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from synthlake.quality.bins import Bins, code
from synthlake.quality.dataset import DataSet
from synthlake.quality.layout import Field
from synthlake.quality.marginal import MOST
from synthlake.quality.sample import Choice, Frame, Wanted, draw, size
from synthlake.sql.keys import SPACE

_BLOCK = 256  # queries at a time
_VALUES = 50  # categories with a place of their own

Floats = NDArray[np.float32]
_Real = TypeVar("_Real", bound=np.floating[Any])


@dataclass(frozen=True)
class Region:
    """A share of all rows that depends on what they hold alone.

    Attributes:
        bins: the columns whose codes decide.
        share: of the combinations of codes.
        seed: of the choice.
    """

    bins: Sequence[Bins]
    share: float
    seed: int

    def where(self, data: DataSet) -> str:
        """The SQL clause; empty for all rows."""
        if self.share >= 1 or not self.bins:
            return ""
        number = ""
        for one in self.bins:
            here = f"({code(data, one)})"
            number = f"({number} * {one.size} + {here})" if number else here
        cells = ", ".join(map(str, self.cells))
        return f"WHERE {number} IN ({cells})" if cells else "WHERE 1 = 0"

    @cached_property
    def cells(self) -> list[int]:
        """Combinations of codes that are in, by number: their ``row_hash`` is below the share."""
        below, found = int(self.share * SPACE), []
        sizes = [b.size for b in self.bins]
        parts = [f"{len(str(n))}:{n};".encode() for n in range(max(sizes))]
        salt = f"{len(str(int(self.seed)))}:{int(self.seed)};".encode()
        for number, codes in enumerate(product(*map(range, sizes))):
            text = salt + b"".join([parts[c] for c in codes])
            if int.from_bytes(sha256(text).digest()[:8]) >> 4 < below:  # 15 hex digits
                found.append(number)
        return found


def region_of(bins: Sequence[Bins], rows: int, limit: int, seed: int) -> Region:
    """The region that leaves about ``limit`` of ``rows`` rows."""
    share = min(1.0, limit / max(rows, 1))
    chosen: list[Bins] = []
    cells = 1
    for candidate in sorted(bins, key=lambda b: (-b.size, b.field.name)):
        if cells * share >= 200 or len(chosen) == 4:
            break
        chosen.append(candidate)
        cells *= candidate.size
    return Region(tuple(chosen), share, seed)


def points(data: DataSet, table: str, fields: Sequence[Field], region: Region, limit: int) -> Frame:
    """The rows of the region, at most ``limit``."""
    wanted = [Wanted(f.name, f) for f in fields]
    return draw(data, table, wanted, Choice(limit, region.seed, region.where(data)))


class Space:
    """Rows as points, on scales taken from the training rows.

    A number is in standard deviations, NULL at the mean and one unit off in a column of its own;
    two categories are one unit apart.
    """

    def __init__(self, fields: Sequence[Field], train: Frame) -> None:
        self._fields = fields
        self._scales: dict[str, tuple[float, float]] = {}
        self._values: dict[str, dict[str, int]] = {}
        for field in fields:
            column = train[field.name]
            if field.ordered:
                numbers = column.astype(np.float64)
                known = numbers[np.isfinite(numbers)].clip(-MOST, MOST)
                spread = float(known.std()) if len(known) else 0.0
                self._scales[field.name] = (float(known.mean()) if len(known) else 0.0,
                                            spread or 1.0)  # fmt: skip
            else:
                found, counts = np.unique([str(v) for v in column], return_counts=True)
                first = found[np.argsort(-counts, kind="stable")[:_VALUES]]
                self._values[field.name] = {str(v): i for i, v in enumerate(first)}

    def place(self, frame: Frame) -> Floats:
        """Points of rows; shape (rows, dimensions)."""
        width = [2 if f.ordered else len(self._values[f.name]) + 1 for f in self._fields]
        out = np.zeros((size(frame), sum(width)), np.float32)
        rows = np.arange(len(out))
        for field, at in zip(self._fields, np.cumsum([0, *width]), strict=False):
            column = frame[field.name]
            if field.ordered:
                mean, spread = self._scales[field.name]
                numbers = column.astype(np.float64)
                null = ~np.isfinite(numbers)
                places = (numbers.clip(-MOST, MOST) - mean) / spread
                out[:, at] = np.where(null, 0.0, places)
                out[:, at + 1] = null
                continue
            values = self._values[field.name]
            rest = len(values)
            held: dict[Any, int] = {**values, None: values.get("None", rest)}
            codes = np.array([held.get(v, rest) for v in column.tolist()], dtype=np.int64)
            out[rows, at + codes] = np.sqrt(0.5)
        return out


@dataclass(frozen=True)
class Cloud:
    """Distinct points with the number of rows at each."""

    points: Floats
    rows: NDArray[np.int64]


def cloud(placed: Floats) -> Cloud:
    """Points without repetition."""
    if not len(placed):
        return Cloud(placed, np.zeros(0, np.int64))
    # to sort whole rows takes several copies, which of a thousand columns are large
    digests = [sha256(row.data).digest() for row in np.ascontiguousarray(placed)]
    _, first, counts = np.unique(np.array(digests), return_index=True, return_counts=True)
    return Cloud(placed if len(first) == len(placed) else placed[np.sort(first)],
                 counts[np.argsort(first)])  # fmt: skip


def nearest(queries: Floats, among: Cloud, second: bool = False) -> NDArray[np.float64]:
    """Distance to the nearest point, rows at it, distance to the second, its number; (n, 4).

    Cost: len(queries) * len(among) * dimensions multiplications.
    """
    norms = np.einsum("ij,ij->i", among.points, among.points)
    out = np.zeros((len(queries), 4))
    for start in range(0, len(queries), _BLOCK):
        block = queries[start : start + _BLOCK]
        gaps = products(block, among.points)
        gaps *= -2
        gaps += norms
        best = gaps.argmin(axis=1)
        # the expansion above loses digits where points nearly meet
        exact = ((block - among.points[best]) ** 2).sum(axis=1, dtype=np.float64)
        out[start : start + len(block), 0] = np.sqrt(exact)
        out[start : start + len(block), 1] = among.rows[best]
        out[start : start + len(block), 3] = best
        if second and len(norms) > 1:
            gaps[np.arange(len(block)), best] = np.inf
            next_best = gaps.argmin(axis=1)
            exact = ((block - among.points[next_best]) ** 2).sum(axis=1, dtype=np.float64)
            repeated = among.rows[best] > 1
            out[start : start + len(block), 2] = np.where(
                repeated, out[start : start + len(block), 0], np.sqrt(exact)
            )
    return out


def share_near(queries: Floats, train: Cloud, holdout: Cloud) -> tuple[float, float]:
    """Share of queries that lie nearer to a training row, and how many queries that rests on.

    Equally near rows share the credit. Queries with the same nearest row say the same: they count
    as (sum of n)**2 / (sum of n**2), n being the queries of each such row.
    """
    near, far = nearest(queries, train), nearest(queries, holdout)
    tie = np.abs(near[:, 0] - far[:, 0]) <= 1e-6
    credit = near[:, 1] / (near[:, 1] + far[:, 1])
    closer = near[:, 0] < far[:, 0]
    share = float(np.mean(np.where(tie, credit, closer)))
    met = np.where(closer | tie, near[:, 3], -1 - far[:, 3])
    _, alike = np.unique(met, return_counts=True)
    return share, float(len(queries) ** 2 / np.sum(alike.astype(np.float64) ** 2))


def products(rows: NDArray[_Real], among: NDArray[_Real]) -> NDArray[_Real]:
    """Inner products, shape (rows, among).

    BLAS may flag what lies beyond the numbers as invalid now and then, whatever these are (numpy's
    issue 24067).
    """
    with np.errstate(invalid="ignore"):
        made: NDArray[_Real] = rows @ among.T
    return made
