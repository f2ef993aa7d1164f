"""How large leaves have to be: as large as rows that were not learned from like best."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from synthlake.models.concurrent import side_by_side
from synthlake.models.leaves import Leaves
from synthlake.ports import Feature, TrainingTable

FIRST = 250
_STEP = 2  # candidates are this many times larger than each other
_SMALLEST, _LARGEST = 25, 3_200
_ROWS, _COLUMNS = 30_000, 3  # that decide
_HELD = 0.15  # share of entities that judge
_LEAST = 1_500  # rows from which there is something to choose
_FLOOR = 1e-3  # share of the whole table's distribution that every leaf is given when judged

Fit = Callable[[int, TrainingTable, str], "tuple[Leaves, Nodes]"]
"""``fit(least rows, data, column)``: leaves of one column, and what leads to them."""
Nodes = Callable[[TrainingTable], NDArray[np.int32]]
"""The leaf of each row of a table."""


def choose(data: TrainingTable, fit: Fit, seed: int) -> int:
    """Least rows of a leaf under which held-out rows are most likely.

    Leaves that are too small learn rows by heart, and those too large say too little: both make
    unseen rows less likely (on UCI Adult the best size is also the least that leaves no memory of
    single rows). Some columns and rows decide; sizes are tried downward and upward from ``FIRST``
    (less for few rows) for as long as they get better by more than chance.

    Args:
        data: whole table.
        fit: learns one column of a table.
        seed: which rows judge.

    Cost: three or four trees for each of ``_COLUMNS`` columns.
    """
    rows = len(data.group)
    columns = _some(data)
    first = start(rows, data.k)
    if rows < _LEAST or not columns:
        return min(first, 4 * data.k)
    learned, held = _parts(data, seed)

    def scores(size: int) -> NDArray[np.float64]:
        found = side_by_side(lambda c: _likelihood(*fit(size, learned, c), held, c), columns)
        return sum(found, np.zeros(len(held.group)))

    best, top = first, scores(first)
    for times in (1 / _STEP, float(_STEP)):
        size, found = first, False
        while _SMALLEST <= (size := int(size * times)) <= min(_LARGEST, rows // 10):
            if size < 2 * data.k or not _better(tried := scores(size), top):
                break
            best, top, found = size, tried, True
        if found:
            break
    return best


def start(rows: int, k: int) -> int:
    """The size that is tried first: what leaves of a table of so many rows have, unless told."""
    most = FIRST if rows >= _LEAST else 4 * k
    return int(np.clip(rows // 50, 2 * k, max(most, 2 * k)))


def _better(tried: NDArray[np.float64], top: NDArray[np.float64]) -> bool:
    """Whether rows are more likely by more than chance: two standard errors of the difference."""
    more = tried - top
    return bool(more.mean() > 2 * more.std() / np.sqrt(max(len(more), 1)))


def _some(data: TrainingTable) -> list[str]:
    """Columns that have others before them, evenly over the order, the last one among them."""
    names = [n for n in data.columns if data.columns[n].size > 1]
    names = names if data.context else names[1:]
    step = max(1, len(names) // _COLUMNS)
    return names[::-1][::step][:_COLUMNS]


def _parts(data: TrainingTable, seed: int) -> tuple[TrainingTable, TrainingTable]:
    """Rows to learn from and rows to judge by, without a common entity."""
    order = np.random.Generator(np.random.Philox(key=seed)).permutation(int(data.group.max()) + 1)
    rank = order[data.group]
    share = min(1.0, _ROWS / len(rank)) * (int(data.group.max()) + 1)
    held = rank < _HELD * share
    learned = ~held & (rank < share)
    return _cut(data, np.flatnonzero(learned)), _cut(data, np.flatnonzero(held))


def _cut(data: TrainingTable, rows: NDArray[np.int64]) -> TrainingTable:
    """Some rows of a table."""

    def cut(feature: Feature) -> Feature:
        return replace(feature, codes=feature.codes[rows])

    return replace(
        data,
        columns={n: cut(f) for n, f in data.columns.items()},
        context={n: cut(f) for n, f in data.context.items()},
        seen={n: cut(f) for n, f in data.seen.items()},
        told={n: {m: cut(f) for m, f in held.items()} for n, held in data.told.items()},
        group=np.unique(data.group[rows], return_inverse=True)[1].astype(np.int64),
    )


def _likelihood(
    leaves: Leaves, nodes: Nodes, held: TrainingTable, column: str
) -> NDArray[np.float64]:
    """Logarithm of each held row's probability; 0 where the value is unknown."""
    codes = held.columns[column].codes
    there = np.flatnonzero(codes >= -1)
    node, known = nodes(held)[there], codes[there]
    share = (1 - _FLOOR) * leaves.probability(node, known) + _FLOOR * leaves.frequency(known)
    out = np.zeros(len(codes))
    out[there] = np.log(np.maximum(share, 1e-9))
    return out
