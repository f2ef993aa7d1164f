"""The default synthesizer: one tree a column, each given the columns before it.

Source: sequential CART synthesis (Reiter, J. Official Statistics 21(3), 2005), with histograms of
k-supported cells in the leaves in place of donors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from numpy.typing import NDArray

from synthlake.encode.categorical import ABSENT
from synthlake.errors import ArtifactError
from synthlake.late import late
from synthlake.models.cart import Index, Tree, at_once
from synthlake.models.concurrent import side_by_side
from synthlake.models.conditional import LeafRows
from synthlake.models.embed import Recode, company, ordered_recode, sorted_recode, target_of
from synthlake.models.growth import Growth, grow
from synthlake.models.leafsize import Nodes, choose
from synthlake.models.leaves import Leaves, build_leaves
from synthlake.models.screening import ROWS as SCREENED_ROWS
from synthlake.models.screening import Screen
from synthlake.models.stratified import spread
from synthlake.models.support import dense
from synthlake.models.support import known as supported
from synthlake.ports import Codes, Distribution, Draw, Feature, Guide, Settle, TrainingTable
from synthlake.seed import Words

if TYPE_CHECKING:
    import pydantic
else:
    pydantic = late("pydantic")

MOST_TRIES = 64
MAX_GROWTH_ROWS = 150_000  # rows that decide the splits; all rows fill the leaves
_TREE = ("feature", "threshold", "left", "parent")
_LEAVES = ("key", "first", "last", "number", "cumulative", "code")
_SIZES = "rows"  # of leaves; older artifacts lack them


@dataclass(frozen=True)
class Ask:
    """A feature of a tree: the codes of a column, as positions."""

    column: str
    recode: Recode


@dataclass(frozen=True)
class Step:
    """How one column is drawn."""

    column: str
    asks: tuple[Ask, ...]
    tree: Tree
    leaves: Leaves
    even: bool = False

    def node(self, seen: Mapping[str, Codes], rows: int) -> Index:
        """The leaf of each row."""
        return leaf_of(self.tree, self.asks, seen, rows)


def leaf_of(tree: Tree, asks: Sequence[Ask], seen: Mapping[str, Codes], rows: int) -> Index:
    """The leaf of each row by the codes of columns."""
    if not asks:
        return np.zeros(rows, np.int32)
    codes, out = [seen[ask.column] for ask in asks], np.empty(rows, np.int32)
    for some, places in at_once(rows, len(asks)):
        here = some.stop - some.start
        for at, ask, held in zip(places, asks, codes, strict=True):
            ask.recode.into(held[some], at[:here])
        out[some] = tree.descend(places, here)
    return out


class _Seen(dict[str, Codes]):
    """Codes by feature; what is told of settled columns is looked up when it is asked for."""

    def __init__(self, context: Mapping[str, Codes], held: Mapping[str, Codes]) -> None:
        super().__init__(held)
        self._context = context

    def __missing__(self, name: str) -> Codes:
        return self._context[name]


class _Unguided:
    """Takes what is drawn."""

    def alone(self, column: str) -> bool:
        """Rows that are made together share the draws."""
        return False

    def draw(self, column: str, given: Distribution, words: Words) -> Codes:
        """A code for each row."""
        return given.draw(words)

    def chosen(self, column: str) -> None:
        """All rows stay."""


@dataclass(frozen=True)
class FittedTrees:
    """Trees of all columns in order. Holds no training row."""

    steps: tuple[Step, ...]

    def sample(
        self, columns: Sequence[str], context: Mapping[str, Codes], draw: Draw, settle: Settle
    ) -> None:
        """Draw columns in their order and hand each to ``settle``.

        Cost: about 1 microsecond a cell.
        """
        self.sample_guided(columns, context, draw, settle, _Unguided())

    def sample_guided(
        self, columns: Sequence[str], context: Mapping[str, Codes], draw: Draw, settle: Settle,
        guide: Guide,
    ) -> None:  # fmt: skip
        """As ``sample``, each column drawn by ``guide``, which may choose among the rows."""
        seen, before = _Seen(context, context), ""
        for step in self.steps[: len(columns)]:
            words = draw(step.column, 0)
            node = step.node(seen, len(words))
            if step.even and not guide.alone(step.column):
                words = spread(words, node, seen.get(before))

            def redraw(
                rows: NDArray[np.int64], number: int, step: Step = step, node: Index = node
            ) -> Codes:
                return step.leaves.draw(node[rows], draw(step.column, number)[rows])

            codes = guide.draw(step.column, LeafRows(step.leaves, node), words)
            seen[step.column] = settle(step.column, codes, redraw)
            before = step.column
            chosen = guide.chosen(step.column)
            if chosen is not None:
                seen = _Seen(context, {name: held[chosen] for name, held in seen.items()})

    def to_artifact(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Columns and their features; trees, leaves and positions as tensors."""
        steps, tensors = [], {}
        for number, step in enumerate(self.steps):
            asks = [a.column for a in step.asks]
            steps.append({"column": step.column, "asks": asks, "even": step.even})
            for name in _TREE:
                tensors[f"{number}/tree/{name}"] = getattr(step.tree, name)
            for name in _LEAVES:
                tensors[f"{number}/leaves/{name}"] = getattr(step.leaves, name)
            if len(step.leaves.rows):
                tensors[f"{number}/leaves/{_SIZES}"] = step.leaves.rows
            for place, ask in enumerate(step.asks):
                tensors[f"{number}/ask/{place}"] = ask.recode.place
        return {"steps": steps}, tensors


@dataclass(frozen=True)
class Trees:
    """Settings of the autoregressive trees.

    Attributes:
        min_leaf: least rows of a leaf; None chooses by rows that are not learned from.
        max_depth: most levels of a tree.
        tries: draws of each row, of which the one is kept that is most like real rows
            (``models.ratio``): nearer, and so many times slower.
    """

    min_leaf: int | None = None
    max_depth: int = 16
    tries: Annotated[int, pydantic.Field(ge=1, le=MOST_TRIES)] = 1
    name: str = "trees"

    def fit(self, data: TrainingTable, seed: int) -> FittedTrees:
        """Learn all columns in the order given.

        Privacy: every leaf has k entities or more, and every cell within it.
        Cost: O(columns x features x rows x depth); features are the columns before, or as many as
            ``screening`` leaves of them.
        """
        data = replace(data, group=dense(data.group))
        sized = self if self.min_leaf else replace(self, min_leaf=self._least(data, seed))
        screen = _screen(data, seed)

        def learned(name: str) -> Step:
            column = data.columns[name]
            before = screen.of(column, _before(data, name))
            even = data.stratified or name in data.even
            return replace(sized._step(name, column, before, data, seed), even=even)

        return FittedTrees(tuple(side_by_side(learned, list(data.columns))))

    def _least(self, data: TrainingTable, seed: int) -> int:
        """Least rows of a leaf: as unseen rows like best, but no more than a group has."""
        codes = max((data.columns[n].size for n in data.groups & set(data.columns)), default=1)
        group = max(2 * data.k, len(data.group) // max(codes, 1))
        return min(choose(data, self._column, seed), group)

    def step(
        self, name: str, column: Feature, before: Mapping[str, Feature], data: TrainingTable,
        seed: int,
    ) -> Step:  # fmt: skip
        """One column alone, given features that need not be columns of the table.

        Args:
            name: of the column.
            column: what is drawn.
            before: what is known then.
            data: its groups and k count.
            seed: which rows decide the splits of a large table.

        Privacy: as ``fit``.
        """
        data = replace(data, group=dense(data.group))
        least = self.min_leaf or 2 * data.k
        return replace(self, min_leaf=least)._step(name, column, before, data, seed)

    def _column(self, least: int, data: TrainingTable, name: str) -> tuple[Leaves, Nodes]:
        """One column with leaves of a size, and what leads rows to them."""
        before = _screen(data, 0).of(data.columns[name], _before(data, name))
        step = replace(self, min_leaf=least)._step(name, data.columns[name], before, data, 0)

        def nodes(other: TrainingTable) -> Index:
            there = _before(other, name)
            seen = {ask.column: there[ask.column].codes for ask in step.asks}
            return step.node(seen, len(other.group))

        return step.leaves, nodes

    def _step(
        self, name: str, column: Feature, done: Mapping[str, Feature], data: TrainingTable,
        seed: int,
    ) -> Step:  # fmt: skip
        """The tree and the leaves of one column."""
        there = np.flatnonzero(column.codes != ABSENT)
        if len(there) < len(column.codes):
            column = replace(column, codes=column.codes[there])
            done = {n: replace(f, codes=f.codes[there]) for n, f in done.items()}
            data = replace(data, group=data.group[there])
        known = np.flatnonzero(column.codes >= -1)
        others = {n: replace(f, codes=f.codes[known]) for n, f in done.items()}
        if not others or len(known) < 2 * data.k:
            tree, node = stump(len(column.codes))
            return Step(name, (), tree, build_leaves(tree, node, column, data.group, data.k))
        people = data.group[known]
        lone = bool(np.bincount(people).max() == 1)
        held = replace(column, codes=column.codes[known])
        # of a code of a dozen parents, most bins have fewer than k: nothing would be told
        target = target_of(held, list(others.values()), data.k if lone else 0)
        asks = _asks(others, target, data.group[known], data.k)
        features = np.stack([a.recode(others[a.column].codes) for a in asks])
        chosen = _some(len(known), MAX_GROWTH_ROWS, seed)
        limits = self._growth(len(known), len(chosen), data.k)
        goal = target[:, chosen]
        if lone and column.ordered:
            goal = _accompanied(goal, column, done, known[chosen], data.k)
        whose = None if lone else people[chosen]
        tree, used = _used(grow(features[:, chosen], goal, whose, limits)[0])
        asks = tuple(asks[i] for i in used)
        node = leaf_of(tree, asks, {n: f.codes for n, f in done.items()}, len(column.codes))
        axis = _axis(column, known, target[0])
        leaves = build_leaves(tree, node, column, data.group, data.k, axis)
        return Step(name, asks, tree, leaves)

    def _growth(self, rows: int, chosen: int, k: int) -> Growth:
        """Limits of a tree; the least leaf is in all rows, and scaled to those that decide."""
        leaf = self.min_leaf or 2 * k
        part = chosen / rows
        return Growth(max(int(leaf * part), 5), float(k), self.max_depth)

    def from_artifact(
        self, settings: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]
    ) -> FittedTrees:
        """The model that ``to_artifact`` described.

        Raises:
            ArtifactError: a tensor is missing.
        """
        try:
            return FittedTrees(
                tuple(_load(n, step, tensors) for n, step in enumerate(settings["steps"]))
            )
        except KeyError as error:
            raise ArtifactError(f"the model lacks {error}", hint="fit it again") from error


def _load(number: int, step: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]) -> Step:
    """One column's tree from tensors."""
    tree = Tree(*(tensors[f"{number}/tree/{name}"] for name in _TREE))
    leaves = Leaves(*(tensors[f"{number}/leaves/{name}"] for name in _LEAVES))
    if f"{number}/leaves/{_SIZES}" in tensors:
        leaves = replace(leaves, rows=tensors[f"{number}/leaves/{_SIZES}"])
    asks = tuple(
        Ask(column, Recode(tensors[f"{number}/ask/{place}"]))
        for place, column in enumerate(step["asks"])
    )
    return Step(step["column"], asks, tree, leaves, step["even"])


def _accompanied(
    target: NDArray[np.float64], column: Feature, done: Mapping[str, Feature],
    rows: NDArray[np.int64], k: int,
) -> NDArray[np.float64]:  # fmt: skip
    """A target, and what the values of an ordered column occur with in some rows."""
    known = [replace(feature, codes=feature.codes[rows]) for feature in done.values()]
    return np.concatenate([target, company(replace(column, codes=column.codes[rows]), known, k)])


def _asks(
    done: Mapping[str, Feature], target: NDArray[np.float64], group: NDArray[np.int64], k: int
) -> tuple[Ask, ...]:
    """The features of a tree; a category is sorted by the first two outputs of the target."""
    asks = []
    for name, feature in done.items():
        if feature.ordered:
            asks.append(Ask(name, ordered_recode(feature)))
            continue
        there = supported(feature.codes.astype(np.int64) + 2, group, feature.size + 2, k)
        for output in target[: 1 if feature.size <= 2 else 2]:
            asks.append(Ask(name, sorted_recode(feature, output, there)))
    return tuple(asks)


def _before(data: TrainingTable, name: str) -> dict[str, Feature]:
    """What is known when a column is drawn."""
    names = list(data.columns)
    earlier = names[: names.index(name)]
    told = {n: f for column in earlier for n, f in data.told.get(column, {}).items()}
    return {**data.context, **{n: data.seen.get(n, data.columns[n]) for n in earlier}, **told}


def _screen(data: TrainingTable, seed: int) -> Screen:
    """What chooses among many columns, on some rows of a table."""
    return Screen(_some(len(data.group), SCREENED_ROWS, seed), data.context)


def _axis(
    column: Feature, known: NDArray[np.int64], target: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Mean of a target by code."""
    codes = column.codes[known]
    there = codes >= 0
    rows = np.bincount(codes[there], minlength=column.size)
    return np.bincount(codes[there], target[there], column.size) / np.maximum(rows, 1)


def _used(tree: Tree) -> tuple[Tree, list[int]]:
    """The tree with its features renumbered to those it asks, and these."""
    used = sorted({int(f) for f in tree.feature if f >= 0})
    place = np.full(max(used, default=0) + 2, -1, np.int16)
    for new, old in enumerate(used):
        place[old] = new
    return replace(tree, feature=np.where(tree.feature < 0, -1, place[tree.feature])), used


def stump(rows: int) -> tuple[Tree, NDArray[np.int32]]:
    """A tree of one leaf, and the leaf of each row."""
    tree = Tree(np.array([-1], np.int16), np.zeros(1, np.int32), np.zeros(1, np.int32),
                np.array([-1], np.int32))  # fmt: skip
    return tree, np.zeros(rows, np.int32)


def _some(rows: int, most: int, seed: int) -> NDArray[np.int64]:
    """All rows, or a seeded choice of them in their order."""
    if rows <= most:
        return np.arange(rows)
    return np.sort(np.random.Generator(np.random.Philox(key=seed)).permutation(rows)[:most])
