"""How often each position of a column is drawn in each leaf of a tree: histograms, node by node.

A node says of its rows only what k entities stand behind; the rest it takes from the node above,
down from the whole table. Source: a Polya tree whose partition at each node is its data's own
(Lavine, Annals of Statistics 20(3), 1992).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from synthlake.models.cart import Tree
from synthlake.models.support import distinct

Floats = NDArray[np.float64]
Index = NDArray[np.int64]
Mask = NDArray[np.bool_]
_ROUNDS = 8  # of fitting what is not supported to the totals of all positions
_SURE = 10  # times k entities with numbers of their own, of whose node the rest says nothing
_LACKING = 0.95  # share of its rows below which a position may grow where it has no support
_FREQUENT = 0.1  # share of the column from which it may
_MOST = 10.0  # times that it may grow or shrink by it


@dataclass(frozen=True)
class Rows:
    """The rows of a column that fell into a tree.

    Attributes:
        node: shape (rows,), leaf of each.
        place: shape (rows,), position of each, from 0.
        group: shape (rows,), entity of each, numbered from 0.
        places: number of positions.
        ordered: whether neighbours may be counted together; else only all that is rare.
    """

    node: NDArray[np.int32]
    place: NDArray[np.int32]
    group: Index
    places: int
    ordered: bool

    @cached_property
    def lone(self) -> bool:
        """Whether every row is an entity of its own: then counts are entities."""
        return bool(np.bincount(self.group, minlength=1).max(initial=0) <= 1)

    @cached_property
    def by_place(self) -> Index:
        """Rows by position, those of an entity together."""
        return np.lexsort((self.group, self.place))

    @cached_property
    def by_group(self) -> Index:
        """Rows by entity."""
        return np.argsort(self.group, kind="stable")


def histograms(tree: Tree, rows: Rows, k: int, prior: Floats | None = None) -> Floats:
    """Rows per (leaf, position), shape (leaves, positions); fractions where support lacks.

    Args:
        tree: of the leaves.
        rows: what fell into them.
        k: least entities.
        prior: shape (nodes, positions), rows before these; None where there is no before. What
            fewer than k entities have is then expected as the node above shared it out before.

    Privacy: a number is a node's own only if k entities stand behind it: a position alone, or
    neighbours together, or all rare categories together. Within such a group the node above
    decides. Where even all of them have fewer, they count as often as the node above expects, and
    at most as a fifth of what k entities have, or, of an ordered column in a node that has much
    of its own, not at all. The whole table says how often each position is: what leaves have by
    themselves is scaled to that, as far as k entities more.
    Cost: O(levels x (rows + nodes x positions)).
    """
    path, depth = paths(tree), tree.depths
    held = np.zeros((len(tree.feature), rows.places))
    own = np.zeros(held.shape, bool)
    loose, soft = np.zeros(len(held), bool), np.zeros(held.shape, bool)
    for level in range(path.shape[1]):
        part = _Level.of(tree, rows, path[:, level], depth == level)
        at = part.nodes
        if level == 0 and prior is None:
            entities = np.count_nonzero(np.bincount(rows.group))
            own[0] = (part.people[0] >= k) | (rows.ordered & (entities >= k))
            held[0] = np.where(own[0], part.counts[0], 0.0)
            continue
        if prior is None:
            held[at], own[at], loose[at] = part.filled(held[tree.parent[at]], k)
        else:
            above = _passed(held, prior, tree, at) if level else prior[:1]
            held[at], own[at], loose[at] = part.expected(above, k)
        soft[at] = _soft(soft, own, loose, tree, at)
    leaves = np.flatnonzero(tree.feature < 0)
    if len(leaves) == 1:
        return held
    mine = own[rows.node, rows.place]
    bare = np.logical_not(own.any(axis=1), dtype=bool) & np.full(len(own), rows.places == 2)
    base, own, rest = own[0], own[leaves], np.where(own, 0.0, held)[leaves]
    # of NULL or a value, where a leaf knows neither: as the node above says
    kept = np.where(bare[leaves][:, None], rest, 0.0)
    rest -= kept
    left = _left(rows, ~mine & ~bare[rows.node], rest.sum(0), k)
    if prior is not None:
        left = np.where(base, left, held[0])
    soft = soft[leaves]
    made = np.where(own, held[leaves], _raked(rest, loose[leaves], soft, left)) + kept
    number = np.bincount(rows.node, minlength=len(tree.feature))[leaves]
    whole = np.minimum(held[0], left + kept.sum(0) + _most(rows, mine, k))
    return _balanced(made, (soft, own), number, whole)


def _soft(soft: Mask, own: Mask, loose: Mask, tree: Tree, nodes: Index) -> Mask:
    """Positions of nodes of which these, or one above, know too little to say anything."""
    above = soft[tree.parent[nodes]] & (tree.parent[nodes] >= 0)[:, None]
    found: Mask = ~own[nodes] & (loose[nodes][:, None] | above)
    return found


def _passed(held: Floats, prior: Floats, tree: Tree, nodes: Index) -> Floats:
    """Rows of the nodes above, shared among those below as before, new positions by size."""
    above = tree.parent[nodes]
    size = prior[nodes].sum(1) / np.maximum(prior[above].sum(1), 1e-300)
    part = prior[nodes] / np.maximum(prior[above], 1e-300)
    made: Floats = held[above] * np.where(prior[above] > 0, part, size[:, None])
    return made


def _most(rows: Rows, mine: Mask, k: int) -> Floats:
    """Rows of each position in leaves of which it is the own, and of k entities more."""
    place = rows.place[mine].astype(np.int64)
    people = distinct(place, rows.group[mine], rows.places)
    most: Floats = np.bincount(place, minlength=rows.places) * (1.0 + k / np.maximum(people, k))
    return most


def _balanced(
    made: Floats, support: tuple[Mask, Mask], number: Index, whole: Floats
) -> Floats:  # fmt: skip
    """Rows of leaves, scaled so that each position has its rows in all, and each leaf its own.

    What has no support (``soft``) does not grow, but for NULL and frequent positions that leaves
    hardly have by themselves: their rows have to be somewhere. What leaves have by themselves
    (``own``) is not halved or doubled for the sake of others.
    """
    soft, own = support
    span = np.where(own, made / 2, 0.0), np.where(own, made * 2, np.inf)
    scaled = _scaled(made, (soft, span), number, whole)
    known = (whole >= _FREQUENT * whole.sum()) | (len(whole) <= 2)  # two: NULL, or a value
    lacking = known & (scaled.sum(0) < _LACKING * whole)
    return _scaled(scaled, (soft & ~lacking, span), number, whole) if lacking.any() else scaled


def _scaled(
    made: Floats, bounds: tuple[Mask, tuple[Floats, Floats]], number: Index, whole: Floats
) -> Floats:
    """Some rounds of proportional fitting to leaves and positions.

    Args:
        made: shape (leaves, positions).
        bounds: what does not grow, and least and most of each.
        number: rows of each leaf.
        whole: rows of each position.
    """
    scaled, (still, span) = made, bounds
    for _ in range(_ROUNDS):
        scaled = scaled * (number / np.maximum(scaled.sum(1), 1e-300))[:, None]
        factor = whole / np.maximum(scaled.sum(0), 1e-300)
        scaled = scaled * np.where(whole > 0, np.clip(factor, 0.5, 2.0), 1.0)
        scaled = np.clip(np.where(still, np.minimum(scaled, made), scaled), *span)
    return scaled


def _left(rows: Rows, rest: Mask, given: Floats, k: int) -> Floats:
    """Rows of each position in those leaves, all together, of which it is not the own.

    Privacy: something is said only of k entities: of a position alone, or of neighbours together,
    which share it as is expected. Of any others nothing is said, whether there are some or none:
    they come in the leaves that have them by themselves, and only there.

    Args:
        rows: of all leaves.
        rest: shape (rows,), which are not their leaf's own.
        given: shape (positions,), rows as expected in those leaves.
        k: least entities.
    """
    place, group = rows.place[rest].astype(np.int64), rows.group[rest]
    few = distinct(place, group, rows.places) < k
    left = np.where(few, 0, np.bincount(place, minlength=rows.places)).astype(float)
    if rows.ordered:
        part = few[place]
        left += _joint(place[part], group[part], np.where(few, given, 0.0), k)
    return left


def _joint(place: Index, group: Index, given: Floats, k: int) -> Floats:
    """Rows of rare neighbours that k entities have together, shared as is expected."""
    entity = np.bincount(group)
    light: Floats = np.bincount(place, 1.0 / entity[group], len(given)).astype(float)
    window = _windows(light[None], k)[0]
    people, mass, share = (np.bincount(window, part) for part in
                           (light, np.bincount(place, minlength=len(given)), given))  # fmt: skip
    found: Floats = (
        np.where(people + 1e-9 >= k, mass / np.maximum(share, 1e-300), 0.0)[window] * given
    )
    return found


def paths(tree: Tree) -> NDArray[np.int32]:
    """Ancestor of each node by depth; -1 below itself."""
    depth = tree.depths
    path = np.full((len(depth), int(depth.max(initial=0)) + 1), -1, np.int32)
    for level in range(path.shape[1]):
        here = np.flatnonzero(depth == level)
        if level:
            path[here] = path[tree.parent[here]]
        path[here, level] = here
    return path


@dataclass(frozen=True)
class _Level:
    """Nodes of one depth.

    Attributes:
        nodes: shape (nodes,).
        ordered: as in ``Rows``.
        counts: shape (nodes, positions), rows.
        people: shape (nodes, positions), distinct entities.
        weight: shape (nodes, positions), sums of shares that are at most the distinct entities of
            any positions of a node together.
    """

    nodes: Index
    ordered: bool
    counts: Floats
    people: Floats
    weight: Floats

    @classmethod
    def of(cls, tree: Tree, rows: Rows, ancestor: NDArray[np.int32], here: Mask) -> _Level:
        """Count the rows of the nodes of a level."""
        nodes = np.flatnonzero(here)
        slot = np.full(len(tree.feature) + 1, -1, np.int32)
        slot[nodes] = np.arange(len(nodes))
        at = slot[ancestor[rows.node]]
        inside = at >= 0
        shape = (len(nodes), rows.places)
        key = at.astype(np.int64) * rows.places + rows.place
        cells = len(nodes) * rows.places
        counts = np.bincount(key[inside], minlength=cells).reshape(shape).astype(float)
        if rows.lone:
            return cls(nodes, rows.ordered, counts, counts, counts)
        fresh = _fresh(rows.by_place, at, inside, key, rows.group)
        people = np.bincount(key[fresh], minlength=cells).reshape(shape).astype(float)
        share = _shares(rows, at, inside)
        weight = np.bincount(key[inside], share, cells).reshape(shape)
        return cls(nodes, rows.ordered, counts, people, weight.astype(float))

    def expected(self, above: Floats, k: int) -> tuple[Floats, Mask, Mask]:
        """As ``filled``, where there were rows before.

        What fewer than k entities have together comes as often as before, but at most as often as
        k entities would, and the rest is scaled to what is left: else the difference from all rows
        would say how many there are.
        """
        made, own, light = self._shared(above, k, k)
        sure = np.where(own, made, 0.0).sum(1)
        rest = np.maximum(self.counts.sum(1) - made.sum(1) + sure, 0.0)
        scale = (rest / np.maximum(sure, 1e-300))[:, None]
        return np.where(own, made * scale, made), own, light.sum(1) + 1e-9 < k

    def filled(self, above: Floats, k: int) -> tuple[Floats, Mask, Mask]:
        """Rows of the level, which of them are its own, and which nodes' rest has no support."""
        made, alone, light = self._shared(above, k, k / 5)
        loose = light.sum(1) + 1e-9 < k
        if self.ordered:  # what is so little lies elsewhere
            sure = np.where(alone, self.weight, 0.0).sum(1) >= _SURE * k
            made *= alone | ~(loose & sure)[:, None]
        return made, alone, loose

    def _shared(self, above: Floats, k: int, most: float) -> tuple[Floats, Mask, Floats]:
        """Rows by what stands above, which are the nodes' own, and entities of the rest.

        Args:
            above: shape (nodes, positions).
            k: least entities.
            most: entities as which all that fewer than k have counts at most.
        """
        alone = self.people >= k
        light = np.where(alone, 0.0, self.weight)
        window = _windows(light, k) if self.ordered else np.zeros(light.shape, np.int64)
        width = int(window.max(initial=0)) + 1
        key = (np.arange(len(self.nodes))[:, None] * width + window)[~alone]
        rows, people, given = (
            np.bincount(key, part[~alone], len(self.nodes) * width)
            for part in (self.counts, self.weight, above)
        )
        total = np.repeat(self.counts.sum(1), width)
        share = given / np.maximum(np.repeat(above.sum(1), width), 1e-300)
        few = np.minimum(share * total, self._fewest(width, most))
        mass = np.where(people + 1e-9 >= k, rows, few) / np.where(given > 0, given, np.inf)
        made = self.counts.copy()
        made[~alone] = above[~alone] * mass[key]
        return made, alone, light

    def _fewest(self, width: int, most: float) -> Floats:
        """Rows that so many entities have, of each node's windows."""
        each = self.counts.sum(1) / np.maximum(self.weight.sum(1), 1.0)
        return np.repeat(each * most, width)


def _windows(light: Floats, k: int) -> Index:
    """Number of the window of each position: runs of rare neighbours with k entities.

    Args:
        light: shape (nodes, positions), entities of rare positions; 0 of others.
        k: least of a window.
    """
    window = np.zeros(light.shape, np.int64)
    rest = light[:, ::-1].cumsum(1)[:, ::-1]  # from here on
    have = np.zeros(len(light))
    number = np.zeros(len(light), np.int64)
    for place in range(light.shape[1]):
        # a new window begins once this one and all that follows have enough
        begins = (have + 1e-9 >= k) & (rest[:, place] + 1e-9 >= k)
        number += begins
        have = np.where(begins, 0.0, have) + light[:, place]
        window[:, place] = number
    return window


def _fresh(order: Index, at: NDArray[np.int32], inside: Mask, key: Index, group: Index) -> Index:
    """One row for each entity of each (node, position)."""
    order = order[inside[order]]
    order = order[np.argsort(at[order], kind="stable")]
    found, who = key[order], group[order]
    first = np.append(True, (found[1:] != found[:-1]) | (who[1:] != who[:-1]))[: len(order)]
    chosen: Index = order[first]
    return chosen


def _shares(rows: Rows, at: NDArray[np.int32], inside: Mask) -> Floats:
    """1 / rows that the row's entity has in its node, of the rows inside."""
    order = rows.by_group[inside[rows.by_group]]
    order = order[np.argsort(at[order], kind="stable")]
    node, who = at[order], rows.group[order]
    first = np.append(True, (node[1:] != node[:-1]) | (who[1:] != who[:-1]))[: len(order)]
    run = np.cumsum(first) - 1
    share = np.zeros(len(at))
    share[order] = (1.0 / np.bincount(run, minlength=1))[run] if len(order) else 0.0
    inner: Floats = share[inside]
    return inner


def _raked(cells: Floats, loose: Mask, soft: Mask, left: Floats) -> Floats:
    """What is not the leaves' own, scaled so that each position has its rows over all leaves.

    Leaves keep their rows, but for those whose rest has no support: that never grows.
    Source: iterative proportional fitting (Deming and Stephan 1940).

    Args:
        cells: shape (leaves, positions), rows as expected; 0 where they are the leaves' own.
        loose: shape (leaves,), whose rest has no support.
        soft: shape (leaves, positions), what has no support there or in a node above.
        left: shape (positions,), rows of each position that are not any leaf's own.
    """
    fixed, most = cells.sum(1), np.where(soft, cells, np.inf)
    for _ in range(_ROUNDS):
        given = cells.sum(0)
        factor = np.where(given > 0, left / np.maximum(given, 1e-300), 0.0)
        cells = cells * np.where(left > 0, np.clip(factor, 1 / _MOST, _MOST), factor)
        mass = cells.sum(1)
        keep = loose | (mass <= 0)
        cells *= np.where(keep, 1.0, fixed / np.maximum(mass, 1e-300))[:, None]
        cells = np.minimum(cells, most)
    return cells
