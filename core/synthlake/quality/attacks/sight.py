"""What an attacker sees of a target in a twin: how near its rows are, and how many match in part.

A target is an entity: a row of the root table and all rows of the tables below that belong to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from synthlake.quality.layout import Field
from synthlake.quality.neighbours import Space, products
from synthlake.quality.sample import Column, Frame
from synthlake.seed import Seed

NEIGHBOURS = 5
_ROWS = 10  # of a target in a table
_QUERIES = 40  # of each number of columns
_SIZES = (1, 2, 3, 4)
_CUTS = 20
_BLOCK = 256  # entities at a time
_TOUCH = 1e-3  # standard deviations below which rows are the same

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Seen:
    """A table's rows, and whom they belong to.

    Attributes:
        frame: values.
        owners: the entity of each row, shape (rows,).
    """

    frame: Frame
    owners: Ints


Rows = Mapping[str, Seen]
"""By table, the root first."""


@dataclass(frozen=True)
class _View:
    """How rows of one table are compared: places, codes, and queries by some of the columns."""

    space: Space
    coders: Mapping[str, Floats | dict[str, int]]
    queries: tuple[tuple[int, ...], ...]
    spread: float = 1.0

    def codes(self, frame: Frame) -> Ints:
        """Numbers in twenty intervals, texts as they are; shape (rows, columns); 0 is NULL."""
        return np.stack([_coded(frame[n], by) for n, by in self.coders.items()], axis=1)


def _coded(column: Column, by: Floats | dict[str, int]) -> Ints:
    if isinstance(by, dict):
        return np.array([0 if v is None else by.get(str(v), -1) for v in column], np.int64)
    numbers = column.astype(np.float64)
    return np.where(np.isnan(numbers), 0, 1 + np.searchsorted(by, numbers)).astype(np.int64)


@dataclass(frozen=True)
class Sight:
    """How twins are looked at, on scales taken from all rows that shadows are drawn from.

    Attributes:
        fields: columns that are compared, by table, the root first.
        pool: all of these rows.
        seed: of the choice of queries.
    """

    fields: Mapping[str, Sequence[Field]]
    pool: Rows
    seed: Seed
    _views: dict[str, _View] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        for table, fields in self.fields.items():
            if fields:
                self._views[table] = _view(table, fields, self.pool[table], self.seed)

    @property
    def root(self) -> str:
        """The table of the targets."""
        return next(iter(self.fields))

    def places(self, rows: Rows) -> tuple[Ints, Floats]:
        """Entities that have a root row, and their points; shapes (n,), (n, axes).

        The root's columns, and for each table below how many rows there are and their mean.
        """
        root = rows[self.root]
        ids, first = np.unique(root.owners, return_index=True)
        parts = []
        for table, view in self._views.items():
            points = view.space.place(rows[table].frame).astype(np.float64)
            if table == self.root:
                parts.append(points[first])
            else:
                parts.append(_gathered(ids, rows[table].owners, points, view.spread))
        return ids, np.concatenate(parts, axis=1)

    def exposed(self, count: int) -> tuple[Ints, Floats]:
        """The entities farthest from others, and how far: the mean of the five nearest.

        Those are told most easily. Source: Meeus, Guepin, Cretu and de Montjoye (2023), "Achilles'
        heels: vulnerable record identification in synthetic data publishing", arXiv:2306.10308.
        """
        ids, points = self.places(self.pool)
        far = _apart(points)
        order = np.lexsort((ids, -far))[:count]
        return ids[order], far[order]

    def look(self, twin: Rows, targets: Ints) -> Floats:
        """What a twin shows of targets; shape (targets, features)."""
        _, points = self.places(twin)
        ids, mine = self.places(self.pool)
        place = np.searchsorted(ids, targets)
        out = [[*self._distances(points, mine[p])] for p in place]
        for table, view in self._views.items():
            codes = view.codes(twin[table].frame)
            pool = view.codes(self.pool[table].frame)
            for number, target in enumerate(targets):
                own = pool[self.pool[table].owners == target][:_ROWS]
                out[number] += _matching(codes, own, view.queries).tolist()
        return np.array(out, np.float64)

    def shape(self, rows: int) -> tuple[Ints, Floats]:
        """Class of each feature and its least deviation, for twins of about so many rows."""
        groups, floors = [0, 1], [0.1, 0.1]
        for table, view in self._views.items():
            known = max(groups) + 1
            sizes = sorted({len(q) for q in view.queries})
            groups += [known + sizes.index(len(q)) for q in view.queries]
            share = len(self.pool[table].owners) / max(len(self.pool[self.root].owners), 1)
            floors += [0.5 / max(rows * share, 1.0)] * len(view.queries)
        return np.array(groups), np.array(floors)

    @staticmethod
    def _distances(points: Floats, target: Floats) -> tuple[float, float]:
        """Logarithms of the nearness of the nearest, and of the five nearest."""
        if not len(points):
            return np.nan, np.nan
        near = _nearest(points, target)
        return -float(np.log(near[0] + _TOUCH)), -float(np.log(near.mean() + _TOUCH))


def _view(table: str, fields: Sequence[Field], seen: Seen, seed: Seed) -> _View:
    coders = {f.name: _coder(f, seen.frame[f.name]) for f in fields}
    counts = np.unique(seen.owners, return_counts=True)[1]
    spread = float(counts.std()) if len(counts) else 0.0
    random = np.random.Generator(np.random.Philox(key=seed.key("queries", table)))
    return _View(Space(fields, seen.frame), coders, _queries(len(fields), random), spread or 1.0)


def _coder(of: Field, column: Column) -> Floats | dict[str, int]:
    if not of.ordered:
        known = sorted({str(v) for v in column if v is not None})
        return {text: i + 1 for i, text in enumerate(known)}
    numbers = column.astype(np.float64)
    numbers = numbers[np.isfinite(numbers)]
    steps = np.linspace(0, 1, _CUTS + 1)[1:-1]
    return np.unique(np.quantile(numbers, steps)) if len(numbers) else np.zeros(0)


def _queries(columns: int, random: np.random.Generator) -> tuple[tuple[int, ...], ...]:
    """Sets of columns: of each size all, or so many of them; and all columns.

    Source: Houssiau et al. (2022), "TAPAS: a toolbox for adversarial privacy auditing of synthetic
    data", arXiv:2211.06550 (counting queries); Meeus et al. (2023).
    """
    found: list[tuple[int, ...]] = []
    for length in (s for s in _SIZES if s < columns):
        every = list(combinations(range(columns), length)) if columns <= 12 or length < 3 else []
        if every and len(every) <= _QUERIES:
            found += every
            continue
        drawn: set[tuple[int, ...]] = set()
        while len(drawn) < _QUERIES:
            drawn.add(tuple(sorted(random.permutation(columns)[:length].tolist())))
        found += sorted(drawn)
    return (*found, tuple(range(columns)))


def _matching(codes: Ints, own: Ints, queries: Sequence[tuple[int, ...]]) -> Floats:
    """Share of rows that agree with a target's in each set of columns, mean over its rows."""
    if not len(own) or not len(codes):
        return np.zeros(len(queries))
    asked = np.zeros((codes.shape[1], len(queries)), np.float32)
    for number, query in enumerate(queries):
        asked[list(query), number] = 1
    shares = [((codes != row).astype(np.float32) @ asked == 0).mean(axis=0) for row in own]
    return np.asarray(np.mean(shares, axis=0), np.float64)


def _gathered(ids: Ints, owners: Ints, points: Floats, spread: float) -> Floats:
    """By entity: how many rows, and the mean of their points; zeros where there are none."""
    place = np.searchsorted(ids, owners).clip(0, max(len(ids) - 1, 0))
    known = ids[place] == owners if len(ids) else np.zeros(len(owners), bool)
    count = np.bincount(place[known], minlength=len(ids)).astype(np.float64)
    sums = np.zeros((len(ids), points.shape[1]))
    np.add.at(sums, place[known], points[known])
    return np.concatenate([count[:, None] / spread, sums / np.maximum(count, 1)[:, None]], axis=1)


def _apart(points: Floats) -> Floats:
    """Mean distance of each to its five nearest others, shape (n,).

    Cost: n**2 * axes multiplications.
    """
    norms = np.einsum("ij,ij->i", points, points)
    count = min(NEIGHBOURS, len(points) - 1)
    out = np.zeros(len(points))
    for start in range(0, len(points), _BLOCK):
        block = points[start : start + _BLOCK]
        own = start + np.arange(len(block))
        gaps = norms[own, None] + norms - 2 * products(block, points)
        gaps[np.arange(len(block)), own] = np.inf
        near = np.partition(gaps, count - 1, axis=1)[:, :count]
        out[own] = np.sqrt(np.maximum(near, 0.0)).mean(axis=1)
    return out


def _nearest(points: Floats, target: Floats) -> Floats:
    """Distances of the five nearest, ascending."""
    gaps = ((points - target) ** 2).sum(axis=1)
    count = min(NEIGHBOURS, len(gaps))
    return np.asarray(np.sqrt(np.sort(np.partition(gaps, count - 1)[:count])), np.float64)
