"""What leaves say of their rows, and what they leave to the node above."""

from __future__ import annotations

import numpy as np

from synthlake.models.cart import Tree
from synthlake.models.histograms import Rows, histograms

K = 5
# nodes 1 and 2 lie below 0, 3 and 4 below 1: the leaves are 2, 3 and 4
TREE = Tree(
    np.array([0, 0, -1, -1, -1], np.int16),
    np.zeros(5, np.int64),
    np.array([1, 3, 0, 0, 0]),
    np.array([-1, 0, 0, 1, 1]),
)


def made(cells: dict[int, list[list[int]]], ordered: bool = False) -> np.ndarray:
    """Histograms of leaves: for each leaf and position, how many rows each of its people has."""
    node, place, group, people = [], [], [], 0
    for leaf, positions in cells.items():
        for at, rows in enumerate(positions):
            for count in rows:
                node += [leaf] * count
                place += [at] * count
                group += [people] * count
                people += 1
    places = max(len(positions) for positions in cells.values())
    held = np.array(node, np.int32), np.array(place, np.int32), np.array(group)
    return histograms(TREE, Rows(*held, places, ordered), K)


def test_leaves_keep_what_enough_people_have() -> None:
    cells = {2: [[1] * 9, [1] * 6], 3: [[1] * 20, [1] * 30], 4: [[1] * 8, [1] * 40]}
    assert np.allclose(made(cells), [[9, 6], [20, 30], [8, 40]])


def test_a_dependency_without_exception_stays_one() -> None:
    cells = {2: [[1] * 40, []], 3: [[], [1] * 30], 4: [[1] * 20, []]}
    assert np.allclose(made(cells), [[40, 0], [0, 30], [20, 0]])


def test_rows_of_few_do_not_take_what_other_leaves_have_by_themselves() -> None:
    # leaf 3: three people have 60 rows, of which nobody may tell, so all is of position 0
    cells = {2: [[1] * 12, [1] * 14], 3: [[2] * 8, [20] * 3], 4: [[], [1] * 40]}
    found = made(cells)
    assert found[1, 1] == 0
    assert found[0, 0] >= 6
    assert found[0, 0] + found[0, 1] >= 20


def test_a_leaf_that_knows_neither_null_nor_values_is_as_the_node_above() -> None:
    # leaf 3: three people without a value, four with 36 of 47 rows, so neither is its own
    cells = {2: [[1] * 40, [1] * 60], 3: [[4, 4, 3], [9] * 4], 4: [[1] * 30, [1] * 30]}
    found = made(cells)
    share = found[:, 0] / found.sum(1)
    assert abs(share[0] - 0.4) < 0.05
    assert (
        0.3 < share[1] < 0.55
    )  # it was 1: values have fewer than K outside of leaves of their own
    assert abs(share[2] - 0.5) < 0.05
