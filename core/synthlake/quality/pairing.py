"""Which pairs of a table's columns are judged: all, or of a wide table a seeded choice."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

WIDEST = 100  # columns up to which all pairs are judged
_BLOCK = 60  # columns of a wide table that are counted together
_ROUNDS = 5  # in each of which a column meets two others

Pair = tuple[str, str]


def blocks_of(names: Sequence[str], seed: int) -> list[list[Pair]]:
    """Pairs to judge, in blocks of few columns; of a pair, the first in order comes first.

    In a wide table columns are put into blocks by chance, and each meets about ten others of its
    block, so that every column is judged and every pair is as likely to be as any other.

    Args:
        names: of all columns, in their order.
        seed: of the choice.

    Cost: about five pairs a column; all pairs of 1,000 columns would be 499,500.
    """
    if len(names) <= WIDEST:
        return [list(combinations(names, 2))]
    random = np.random.Generator(np.random.Philox(key=seed))
    parts = np.array_split(random.permutation(len(names)), -(-len(names) // _BLOCK))
    out = []
    for part in parts:
        found: set[tuple[int, int]] = set()
        for _ in range(_ROUNDS):
            ring = random.permutation(part).tolist()
            ring += ring[: -len(ring) % 3]
            for at in range(0, len(ring), 3):
                found |= {(min(p), max(p)) for p in combinations(ring[at : at + 3], 2)}
        out.append([(names[a], names[b]) for a, b in sorted(found)])
    return out


def said_of(names: Sequence[str], blocks: Sequence[Sequence[Pair]]) -> str:
    """What a report has to say of the choice; empty where all pairs are judged."""
    every, judged = len(names) * (len(names) - 1) // 2, sum(map(len, blocks))
    if judged == every:
        return ""
    return (
        f"{judged:,} of {every:,} pairs of columns are judged, chosen by chance (the seed): each"
        f" of the {len(names):,} columns with about {2 * _ROUNDS} others"
    )
