"""Cells are those that a search finds, rows the leaves that a walk leads to."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from synthlake.models import cart
from synthlake.models.cart import Tree
from synthlake.models.guide import CellGuide, first_codes, wide
from synthlake.models.leaves import keys_of

SHIFT = np.uint64(32)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("empty", [False, True])
def test_the_cell_is_that_of_a_search(seed: int, *, empty: bool) -> None:
    """Leaves of one cell, of hundreds of thin ones beside one that has nearly all, and of none."""
    random = np.random.default_rng(seed)
    sizes = random.integers(1, 400, 30) * (random.random(30) < (0.6 if empty else 2.0))
    sizes[-1] = 5
    leaf = np.repeat(np.arange(30), sizes)
    weight = random.random(len(leaf)) ** 20 + (random.random(len(leaf)) < 0.01)
    key = keys_of(leaf, weight, 30)
    first = random.integers(-1, 50, len(leaf)).astype(np.int32)
    last = np.where(first < 0, -1, first + random.integers(0, 2, len(leaf))).astype(np.int32)
    number = np.full(40, -1, np.int32)
    number[10:] = random.permutation(30)
    node = random.choice(10 + np.flatnonzero(sizes[number[10:]] > 0), 3_000).astype(np.int32)
    share = random.integers(0, 2**32, 3_000)
    share[:4] = (0, 1, 2**32 - 2, 2**32 - 1)
    record, cell = CellGuide.build(key, first, last, number).find(node, share)
    wanted = (number[node].astype(np.uint64) << SHIFT) | share.astype(np.uint64)
    expected = np.searchsorted(key, wanted, side="right") - 1
    assert np.array_equal(cell, expected)
    assert np.array_equal(first_codes(record), first[expected])
    assert np.array_equal(wide(record), np.flatnonzero(last[expected] > first[expected]))


def random_tree(random: np.random.Generator, features: int, nodes: int) -> Tree:
    """A tree whose leaves are split in a random order, so that some are very deep."""
    feature, threshold, left, parent = [-1], [0], [0], [-1]
    while len(feature) < nodes:
        node = int(random.choice(np.flatnonzero(np.array(feature) < 0)[-3:]))
        feature[node], threshold[node] = int(random.integers(features)), int(random.integers(400))
        left[node] = len(feature)
        for _ in range(2):
            feature.append(-1)
            threshold.append(0)
            left.append(0)
            parent.append(node)
    kinds = (np.int16, np.int32, np.int32, np.int32)
    held = zip((feature, threshold, left, parent), kinds, strict=True)
    return Tree(*(np.array(values, kind) for values, kind in held))


def walked(tree: Tree, features: NDArray[np.int32]) -> list[int]:
    """The leaf of each row, node by node."""
    found = []
    for row in features.T:
        node = 0
        while tree.feature[node] >= 0:
            node = int(tree.left[node]) + int(row[tree.feature[node]] > tree.threshold[node])
        found.append(node)
    return found


@pytest.mark.parametrize(("features", "nodes", "rows"), [(1, 1, 7), (3, 41, 700), (2_500, 81, 99)])
def test_rows_go_where_a_walk_leads(features: int, nodes: int, rows: int) -> None:
    random = np.random.default_rng(nodes)
    tree = random_tree(random, features, nodes)
    asked = random.integers(0, 400, (features, rows)).astype(np.int32)
    asked[0, :3] = (0, 65_535, 399)
    assert tree.apply(asked).tolist() == walked(tree, asked)


def test_rows_go_there_however_many_go_together(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    tree, asked = random_tree(random, 4, 61), random.integers(0, 400, (4, 1_000))
    whole = tree.apply(asked)
    monkeypatch.setattr(cart, "_AT_ONCE", 64)
    assert np.array_equal(tree.apply(asked), whole)
    assert tree.apply(asked[:, :0]).tolist() == []
