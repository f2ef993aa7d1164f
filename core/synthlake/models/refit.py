"""Trees that take in further rows without those they were learned from.

The further rows fall down the trees as they are. What they say of each leaf is worked out as in a
fit of these rows alone, with the old shares above the root, and then added to what the leaf had.

Source: sums of sufficient statistics (Fayyad, Piatetsky-Shapiro and Smyth 1996); what is common to
several leaves is shared among them as before (Jeffrey's rule, The Logic of Decision, 1965).

Exact: trees, and the leaf and code of each further row. Approximate, as an artifact holds no rows:
splits stay those of the first rows; leaves weigh as many rows as the artifact says, a multiple of
k; within a cell of several codes, a leaf had as many of each as the whole table; neighbours of
almost equal density are one cell again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from synthlake.encode.extend import Move
from synthlake.errors import LearnError
from synthlake.models.cart import Tree
from synthlake.models.embed import Recode
from synthlake.models.histograms import Floats, Index, Mask, Rows, histograms, paths
from synthlake.models.leaves import Leaves, Places, cells_of, packed, rounded
from synthlake.models.support import dense, distinct
from synthlake.models.trees import Ask, FittedTrees, Step, stump
from synthlake.ports import Codes, TrainingTable

_CHUNK = 2_000_000  # codes of cells that are written out at a time


@dataclass(frozen=True)
class Weights:
    """How much rows count.

    Attributes:
        old: what an old row counts, in (0, 1].
        new: what a further row counts.
    """

    old: float = 1.0
    new: float = 1.0


@dataclass(frozen=True)
class Shares:
    """A column before and in further rows.

    Attributes:
        old: shape (codes,), rows of each code as learned.
        new: shape (codes,), rows of each among the further ones, where support lacks as before.
        nulls: rows that are NULL, as learned and among the further ones.
        known: shape (codes,), which codes k entities have among the further rows.
        entities: further entities a further row, as rows of one entity are alike.
    """

    old: Floats
    new: Floats
    nulls: tuple[float, float]
    known: Mask
    entities: float


def widened(
    fitted: FittedTrees, drawn: Mapping[str, Move], seen: Mapping[str, Move]
) -> FittedTrees:
    """The same model in the codes of extended codecs.

    Args:
        fitted: trees.
        drawn: of columns whose drawn codes have moved.
        seen: of columns whose codes, as later ones see them, have moved.
    """
    steps = []
    for step in fitted.steps:
        asks = tuple(
            Ask(a.column, _placed(a.recode, seen[a.column])) if a.column in seen else a
            for a in step.asks
        )
        move = drawn.get(step.column)
        leaves = step.leaves if move is None else _moved(step.leaves, move)
        steps.append(replace(step, asks=asks, leaves=leaves))
    return FittedTrees(tuple(steps))


def _placed(recode: Recode, move: Move) -> Recode:
    """Positions of the new codes: those of the old ones that they are like."""
    return Recode(np.concatenate([recode.place[:2], recode.place[move.like + 2]]))


def _moved(leaves: Leaves, move: Move) -> Leaves:
    """Leaves that draw the old codes under their new numbers, and no new one yet."""
    rows = np.diff(leaves.cumulative)
    if len(leaves.code):
        code = np.concatenate([move.place[leaves.code], move.fresh]).astype(np.int32)
        counts = np.concatenate([rows, np.zeros(len(move.fresh), np.int64)])
        return replace(leaves, code=code, cumulative=_cumulated(counts))
    counts = np.zeros(move.size, np.int64)
    counts[move.place] = rows
    spot = np.append(move.place, -1).astype(np.int32)  # -1, which is NULL, stays
    return replace(leaves, first=spot[leaves.first], last=spot[leaves.last],
                   cumulative=_cumulated(counts))  # fmt: skip


def _cumulated(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def refitted(
    fitted: FittedTrees, data: TrainingTable, weights: Weights
) -> tuple[FittedTrees, dict[str, Shares]]:
    """The trees with the leaves of old and further rows, and how columns have changed.

    Args:
        fitted: as ``widened`` gave it.
        data: further rows; all columns of ``fitted``, in its codes.
        weights: how much rows count.

    Raises:
        LearnError: the artifact does not say how many rows its leaves have.

    Privacy: what is added is a function of what a fit of the further rows alone would store:
        leaves of fewer than k of their entities are taken together until they have k, and a number
        is said only of k. So whoever has both artifacts learns of the further rows no more than
        from an artifact of these alone.
    Cost: one pass a column over the further rows, and O(leaves x codes).
    """
    group = dense(data.group)
    told = {n: f for held in data.told.values() for n, f in held.items()}
    seen = {n: f.codes for n, f in {**data.context, **told, **data.columns, **data.seen}.items()}
    steps, shares = [], {}
    for step in fitted.steps:
        if not len(step.leaves.rows):
            raise LearnError(
                "the artifact does not say how much its leaves weigh: it was written before there"
                " was a refit",
                hint="fit it again",
            )
        codes = data.columns[step.column].codes
        rows = Further.of(step, codes, step.node(seen, len(codes)), group, data.k)
        leaves, found = _merged(step.leaves, rows, data.columns[step.column].ordered, weights)
        steps.append(replace(step, leaves=leaves))
        shares[step.column] = found
    return FittedTrees(tuple(steps)), shares


@dataclass(frozen=True)
class Further:
    """Further rows in a tree that was cut to what k of their entities stand behind.

    Attributes:
        tree: each leaf has k entities of them, if they have as many in all.
        node: shape (rows,), leaf of each row, a node of ``tree``.
        owner: shape (leaves as they were,), number of the leaf of ``tree`` that each is in.
        code: shape (rows,), number of each row's code among the leaves' own; -1 is NULL.
        group: shape (rows,), entities.
        k: least of them.
    """

    tree: Tree
    node: NDArray[np.int32]
    owner: Index
    code: Codes
    group: Index
    k: int

    @classmethod
    def of(cls, step: Step, codes: Codes, node: NDArray[np.int32], group: Index, k: int) -> Further:
        """Cut the tree of a step to the rows that fell into it."""
        tree, place, owner = cut_to(step.tree, node, group, k)
        return cls(tree, place[node], owner, step.leaves.numbers(codes), group, k)

    @property
    def many(self) -> bool:
        """Whether they have k entities at all."""
        return bool(len(np.unique(self.group)) >= self.k)

    def nulls(self, prior: Floats, whole: bool = False) -> Floats:
        """Rows that are known and that are NULL, shape (leaves, 2), or (1, 2) of the whole.

        Args:
            prior: shape (leaves as they were, 2), the same as learned.
            whole: whether the table is meant, not its leaves.
        """
        place = (self.code == -1).astype(np.int32)
        return self._found(np.ones(len(place), bool), place, prior, False, whole)

    def places(self, of: Codes, prior: Floats, ordered: bool, whole: bool = False) -> Floats:
        """Known rows by position, shape (leaves, positions), or (1, positions) of the whole.

        Args:
            of: shape (codes,), position of each.
            prior: shape (leaves as they were, positions), rows as learned; of the whole, of all.
            ordered: whether neighbours may be counted together.
            whole: whether the table is meant, not its leaves.
        """
        held = self.code >= 0
        return self._found(held, of[self.code[held]], prior, ordered, whole)

    def total(self, old: NDArray[np.int64], known: float, ordered: bool) -> Floats:
        """Rows of each code, shape (codes,).

        Args:
            old: shape (codes,), rows as learned.
            known: rows in all that are not NULL.
            ordered: whether neighbours may be counted together.
        """
        everyone = np.arange(len(old), dtype=np.int32)
        found = self.places(everyone, old[None].astype(np.float64), ordered, whole=True)
        fresh = _scaled(found, np.full(1, known))[0]
        # what is a code's own is whole, so that shares say no more than numbers of rows do
        made: Floats = np.where(fresh >= self.k - 0.5, np.rint(fresh), fresh)
        return made

    def _found(self, held: Mask, place: Codes, prior: Floats, ordered: bool, whole: bool) -> Floats:
        tree, node = stump(int(held.sum())) if whole else (self.tree, self.node[held])
        rows = Rows(node, place, self.group[held], prior.shape[1], ordered)
        before = prior.sum(0, keepdims=True) if whole else self._upward(prior)
        return histograms(tree, rows, self.k, before)

    def _upward(self, leaves: Floats) -> Floats:
        """What leaves had, by node of ``tree``."""
        out = np.zeros((len(self.tree.feature), leaves.shape[1]))
        np.add.at(out, np.flatnonzero(self.tree.feature < 0)[self.owner], leaves)
        for at in range(len(out) - 1, 0, -1):  # children come after their parents
            out[self.tree.parent[at]] += out[at]
        return out

    @property
    def size(self) -> Floats:
        """Rows of each leaf of ``tree``."""
        rows = np.bincount(self.node, minlength=len(self.tree.feature))
        return rows[self.tree.feature < 0].astype(np.float64)


def cut_to(
    tree: Tree, node: NDArray[np.int32], group: Index, k: int
) -> tuple[Tree, NDArray[np.int32], Index]:
    """The upper part of a tree in which both sides of every split have k entities of some rows.

    Args:
        tree: any.
        node: shape (rows,), leaf of each row.
        group: shape (rows,), entities, numbered from 0.
        k: least of them.

    Returns:
        It; shape (nodes,): the node of it that each old node is, or lies below; and the same for
        old leaves alone, as numbers of its leaves.
    """
    size, path = len(tree.feature), paths(tree)
    people = np.zeros(size, np.int64)
    for level in range(path.shape[1]):
        at = path[node, level].astype(np.int64)
        people += distinct(at[at >= 0], group[at >= 0], size)
    inner, enough = tree.feature >= 0, people >= k
    split = inner & enough[tree.left] & enough[np.minimum(tree.left + 1, size - 1)]
    kept, above = np.zeros(size, bool), np.arange(size)
    kept[0] = True
    for at in range(1, size):  # parents come first
        parent = tree.parent[at]
        kept[at] = kept[parent] and split[parent]
        above[at] = at if kept[at] else above[parent]
    number = (np.cumsum(kept) - 1).astype(np.int32)
    split = (split & kept)[kept]
    made = Tree(
        feature=np.where(split, tree.feature[kept], np.int16(-1)),
        threshold=np.where(split, tree.threshold[kept], np.int32(0)),
        left=np.where(split, number[tree.left[kept]], np.int32(0)),
        parent=np.where(tree.parent[kept] < 0, np.int32(-1), number[tree.parent[kept]]),
    )
    place = number[above]
    leaf = np.cumsum(made.feature < 0) - 1
    return made, place, leaf[place[~inner]].astype(np.int64)


def _merged(
    leaves: Leaves, rows: Further, ordered: bool, weights: Weights
) -> tuple[Leaves, Shares]:
    """The leaves of old and further rows; as they were where these have fewer than k entities."""
    old, before = np.diff(leaves.cumulative), np.maximum(leaves.rows, 1).astype(np.float64)
    null_share = _null_shares(leaves)
    gone = np.stack([before * (1 - null_share), before * null_share], axis=1)
    nulls_old = float(gone[:, 1].sum())
    if not rows.many:
        return leaves, _compared(leaves, rows, (old, np.zeros(len(old))), (nulls_old, 0.0))
    size, ordered = rows.size, ordered or bool(len(leaves.code))
    nulls = _scaled(rows.nulls(gone, whole=True), size.sum(keepdims=True))[0]
    fresh = rows.total(old, float(nulls[0]), ordered)
    counts = _whole(weights.old * old + weights.new * fresh)
    places = Places.build(counts, ordered)
    held = weights.old * gone[:, :1] * _shares(leaves, places)
    missing = _scaled(rows.nulls(gone), size)
    if len(rows.tree.feature) == 1:  # one leaf: just what the whole table has
        there = np.bincount(places.of, fresh, len(places.first)).astype(np.float64)[None]
    else:
        there = rows.places(places.of, held, ordered)
    there = _scaled(there, missing[:, 0])
    held = held + weights.new * _apart(there, held, rows.owner, before)
    held = np.where(held.sum(1, keepdims=True) > 0, held, held.sum(0))
    total = weights.old * gone
    total = total + weights.new * _apart(missing, total, rows.owner, before)
    weight = weights.old * before
    weight += weights.new * _apart(size[:, None], before[:, None], rows.owner, before)[:, 0]
    sized = np.where(leaves.rows > 0, rounded(weight, rows.k), 0)
    whole = _cumulated(_with_all(counts, places, held)), leaves.code, sized
    share = total[:, 1] / np.maximum(total.sum(1), 1e-300)
    made = packed(cells_of(held, places), share, leaves.number, whole)
    return made, _compared(leaves, rows, (old, fresh), (nulls_old, float(nulls[1])))


def _compared(
    leaves: Leaves, rows: Further, counts: tuple[NDArray[np.int64], Floats],
    nulls: tuple[float, float],
) -> Shares:  # fmt: skip
    """What is said of a column, in its own codes."""
    size = len(counts[0])
    code = leaves.code if len(leaves.code) else np.arange(size)
    held = rows.code >= 0
    people = distinct(rows.code[held].astype(np.int64), rows.group[held], size)
    old, new, known = np.zeros(size), np.zeros(size), np.zeros(size, bool)
    old[code], new[code], known[code] = counts[0], counts[1], people >= rows.k
    each = len(np.unique(rows.group)) / max(len(rows.group), 1)
    return Shares(old, new, nulls, known, each)


def _null_shares(leaves: Leaves) -> Floats:
    """The share of NULL of each leaf."""
    gone = leaves.first < 0
    leaf = (leaves.key[gone] >> np.uint64(32)).astype(np.int64)
    return np.bincount(leaf, leaves.weights[gone], len(leaves.rows)).astype(np.float64)


def _scaled(found: Floats, total: Floats) -> Floats:
    """Rows scaled to the total of each leaf, which is known better."""
    scale = total / np.maximum(found.sum(1), 1e-300)
    made: Floats = found * np.where(found.sum(1) > 0, scale, 0.0)[:, None]
    return made


def _whole(rows: Floats) -> NDArray[np.int64]:
    """Whole rows, as many in all and in any run of codes; of what has any, at least one."""
    whole = np.diff(np.rint(np.append(0.0, np.cumsum(rows))))
    return np.where(rows > 0, np.maximum(whole, 1), 0).astype(np.int64)


def _with_all(counts: NDArray[np.int64], places: Places, held: Floats) -> NDArray[np.int64]:
    """Rows of codes, in which no position that a leaf draws has none."""
    if not len(counts):
        return counts
    empty = np.bincount(places.of, counts, len(places.first)) == 0
    lacking = empty & (held.sum(0) > 0)
    return np.where(lacking[places.of], 1, counts).astype(np.int64)


def _shares(leaves: Leaves, places: Places) -> Floats:
    """The share of each position in what a leaf draws but NULL, shape (leaves, positions)."""
    size, width = len(leaves.rows), len(places.first)
    rows = np.diff(leaves.cumulative).astype(np.float64)
    cells = np.flatnonzero(leaves.first >= 0)
    leaf = (leaves.key[cells] >> np.uint64(32)).astype(np.int64)
    length = (leaves.last[cells] - leaves.first[cells] + 1).astype(np.int64)
    out = np.zeros(size * width)
    ends = np.cumsum(length)
    at = 0
    while at < len(cells):
        done = int(ends[at - 1]) if at else 0
        stop = max(int(np.searchsorted(ends, done + _CHUNK, side="right")), at + 1)
        part = slice(at, stop)
        cell = np.repeat(np.arange(stop - at), length[part])
        start = np.cumsum(length[part]) - length[part]
        code = leaves.first[cells[part]][cell] + np.arange(len(cell)) - start[cell]
        own = np.where(length[part][cell] > 1, rows[code], 1.0)
        mass = np.bincount(cell, own, stop - at)
        weight = leaves.weights[cells[part]][cell] * own / np.maximum(mass, 1e-300)[cell]
        out += np.bincount(leaf[part][cell] * width + places.of[code], weight, size * width)
        at = stop
    made: Floats = out.reshape(size, width)
    made /= np.maximum(made.sum(1, keepdims=True), 1e-300)
    return made


def _apart(found: Floats, before: Floats, owner: Index, size: Floats) -> Floats:
    """What leaves have together, shared among them as before, or by size where nobody had any.

    Args:
        found: shape (owners, positions).
        before: shape (leaves, positions).
        owner: shape (leaves,).
        size: shape (leaves,), rows.
    """
    base, rows = np.zeros_like(found), np.bincount(owner, size, len(found))
    np.add.at(base, owner, before)
    part = np.where(
        base[owner] > 0,
        before / np.maximum(base[owner], 1e-300),
        (size / np.maximum(rows[owner], 1e-300))[:, None],
    )
    made: Floats = found[owner] * part
    return made
