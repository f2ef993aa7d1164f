"""Rows per leaf and category, where fewer than k entities take what the node above says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthlake.models.cart import Tree
from synthlake.models.support import distinct, entity_share

Floats = NDArray[np.float64]
_ROUNDS = 4  # of fitting folded cells to the categories' totals
_MOST = 10.0  # times that a folded cell may grow or shrink by it


@dataclass(frozen=True)
class Counted:
    """What nodes hold of each category.

    Attributes:
        rows: shape (nodes, categories).
        entities: shape (nodes,), a lower bound of each node's.
        supported: shape (nodes, categories), whether k entities are known to stand behind a cell.
        rest: shape (nodes,), whether they are known to stand behind all other cells together.
    """

    rows: Floats
    entities: Floats
    supported: NDArray[np.bool_]
    rest: NDArray[np.bool_]


def folded(
    tree: Tree, node: NDArray[np.int32], category: NDArray[np.int32], group: NDArray[np.int64],
    k: int, size: int,
) -> Floats:  # fmt: skip
    """Rows per (leaf, category), shape (leaves, size).

    Privacy: a cell is its own count only if k entities stand behind it. The others of a leaf take
    the rates of the node above; all of them together keep their count only if k entities stand
    behind that, and else count as half of what k entities have at most.
    """
    held = _counted(tree, node, category, group, k, size)
    made = np.zeros_like(held.rows)
    made[0] = np.where(held.supported[0], held.rows[0], 0.0)
    mass = np.zeros(len(tree.feature))
    for level in _levels(tree):
        made[level], mass[level] = _filled(held, level, made[tree.parent[level]], k)
    leaves = np.flatnonzero(tree.feature < 0)
    if len(leaves) == 1:
        return made
    fixed = np.where(held.rest[leaves], mass[leaves], np.nan)
    return _raked(held, made[leaves], leaves, fixed)


def _counted(
    tree: Tree, node: NDArray[np.int32], category: NDArray[np.int32], group: NDArray[np.int64],
    k: int, size: int,
) -> Counted:  # fmt: skip
    """Rows and support of all nodes; an inner node has at least what either child has."""
    nodes = len(tree.feature)
    key = node.astype(np.int64) * size + category
    rows = np.bincount(key, minlength=nodes * size).reshape(nodes, size).astype(float)
    people = distinct(key, group, nodes * size).reshape(nodes, size).astype(float)
    least = np.bincount(key, entity_share(group), nodes * size).reshape(nodes, size)
    for level in reversed([np.zeros(1, np.int64), *_levels(tree)]):
        inner = level[tree.feature[level] >= 0]
        left, right = tree.left[inner], tree.left[inner] + 1
        rows[inner], least[inner] = rows[left] + rows[right], least[left] + least[right]
        known = np.maximum(people[left], people[right])
        people[inner] = np.maximum(known, np.floor(least[inner] + 1e-9))
    people[0] = distinct(category.astype(np.int64), group, size)
    supported = people >= k
    rest = np.where(supported, 0.0, least).sum(1) + 1e-9 >= k
    return Counted(rows, np.maximum(people.max(1, initial=0.0), least.sum(1)), supported, rest)


def _levels(tree: Tree) -> Iterator[NDArray[np.int64]]:
    """Nodes by depth, without the root."""
    depth = np.zeros(len(tree.parent), np.int64)
    for child in range(1, len(tree.parent)):  # parents come before children
        depth[child] = depth[tree.parent[child]] + 1
    for level in range(1, int(depth.max(initial=0)) + 1):
        yield np.flatnonzero(depth == level)


def _filled(
    held: Counted, level: NDArray[np.int64], above: Floats, k: int
) -> tuple[Floats, Floats]:
    """Rows of nodes whose parents are done, and how many of them are folded."""
    rows, supported = held.rows[level], held.supported[level]
    total = rows.sum(1)
    rate = np.where(supported, 0.0, above / np.maximum(above.sum(1, keepdims=True), 1e-300))
    share = rate.sum(1)
    few = total / np.maximum(held.entities[level], 1.0) * k / 2
    mass = np.where(
        held.rest[level], np.where(supported, 0.0, rows).sum(1), np.minimum(share * total, few)
    )
    mass = np.where(share > 0, mass, 0.0)
    spread = rate / np.maximum(share, 1e-300)[:, None] * mass[:, None]
    return np.where(supported, rows, spread), mass


def _raked(held: Counted, made: Floats, leaves: NDArray[np.int64], fixed: Floats) -> Floats:
    """Folded cells scaled so that each category has as many rows over all leaves as it has.

    Source: iterative proportional fitting (Deming and Stephan 1940).
    """
    own = held.supported[leaves]
    wanted = np.where(held.supported[0], held.rows[0], 0.0)
    wanted = np.maximum(wanted - np.where(own, held.rows[leaves], 0.0).sum(0), 0.0)
    cells = np.where(own, 0.0, made)
    for _ in range(_ROUNDS):
        given = cells.sum(0)
        factor = np.where(given > 0, wanted / np.maximum(given, 1e-300), 0.0)
        cells = cells * np.where(wanted > 0, np.clip(factor, 1 / _MOST, _MOST), factor)
        mass = cells.sum(1)
        keep = np.isnan(fixed) | (mass <= 0)
        cells = cells * np.where(keep, 1.0, fixed / np.maximum(mass, 1e-300))[:, None]
    return np.where(own, made, cells)
