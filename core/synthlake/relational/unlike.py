"""Columns in which siblings are less alike than chance would have it: two cars of each team a race.

Rows drawn one by one repeat a value of their family by chance. Where real siblings do so less, the
draws of a family are spread evenly: each value comes about as often as its shares add up to.

Source: systematic sampling with a random start (Madow & Madow, Annals of Mathematical Statistics
15, 1944).
"""

from __future__ import annotations

from math import isqrt

import numpy as np
from numpy.typing import NDArray

from synthlake.models.support import dense
from synthlake.models.trees import FittedTrees
from synthlake.ports import TrainingTable
from synthlake.relational.kin import pairs, shared
from synthlake.seed import Words, unit

_FEWEST = 200  # pairs of siblings below which nothing is told
_ROOTS = (5, 2, 3, 7, 13, 11, 17, 19)  # so many columns at most; no two multiples of each other
_HALF = np.uint64(0xFFFFFFFF)

Index = NDArray[np.int64]


def find_unlike(
    trees: FittedTrees, training: TrainingTable, family: Index, seed: int
) -> tuple[str, ...]:
    """Categories and references whose siblings are nearer to truth if spread than if drawn freely.

    Args:
        trees: of the table.
        training: what they were learned from.
        family: of each row, shape (rows,); -1 for none.
        seed: of the words by which that is tried.

    Privacy: names of columns, by counts of all pairs of siblings, of k entities and more.
    Cost: draws each such column twice.
    """
    told = {n: f for held in training.told.values() for n, f in held.items()}
    seen = {n: f.codes for n, f in {**training.context, **told, **training.seen}.items()}
    random = np.random.Generator(np.random.Philox(key=seed))
    found: list[str] = []
    for step in trees.steps:
        column, name = training.columns[step.column], step.column
        known = (family >= 0) & (column.codes >= 0)
        if column.ordered or column.size < 3 or len(found) == len(_ROOTS):
            continue
        if (
            len(np.unique(training.group[known])) < training.k
            or pairs(dense(family[known])) < _FEWEST
        ):
            continue
        node = step.node(seen, len(family))
        words = random.integers(0, 2**64, len(node), np.uint64)
        drawn = (words, over_families(words, family, len(found)))
        free, even = (shared(family[known], step.leaves.draw(node, w)[known]) for w in drawn)
        true = shared(family[known], column.codes[known])
        if true < free and abs(even - true) < abs(free - true):
            found.append(name)
    return tuple(found)


def over_families(words: Words, family: Index, column: int) -> Words:
    """Words that are spread evenly over each family, in the order of those that are given.

    Args:
        words: shape (rows,), uniform.
        family: of each row, shape (rows,).
        column: number of the column among those whose words are spread so.

    Families in a row begin at points that are spread evenly themselves: multiples of a quadratic
    irrational (Weyl 1916).
    """
    if not len(words):
        return words
    order = np.lexsort((words, family))
    numbers, first, sizes = np.unique(family[order], return_index=True, return_counts=True)
    step = isqrt(_ROOTS[column] << 128) % 2**64  # the digits of the root behind its point
    start = unit(numbers.astype(np.uint64) * np.uint64(step))
    place = np.arange(len(order)) - np.repeat(first, sizes)
    at = (place + np.repeat(start, sizes)) / np.repeat(sizes, sizes)
    out = np.empty(len(words), np.uint64)
    out[order] = np.minimum(at, 1 - 2.0**-33) * 2.0**64
    return (out & ~_HALF) | (words & _HALF)
