"""Learning rows in an order: which columns depend on the row before, and how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from synthlake.constraints.rule import Cells
from synthlake.encode.categorical import ABSENT, UNKNOWN
from synthlake.encode.numeric import NumericCodec
from synthlake.errors import LearnError
from synthlake.models.chained import before_id
from synthlake.models.screening import ROWS as SCREENED_ROWS
from synthlake.models.screening import Screen
from synthlake.models.support import dense
from synthlake.models.trees import FittedTrees, Step, Trees
from synthlake.ports import Feature, TrainingTable
from synthlake.relational.attributes import Frame
from synthlake.relational.columns import TableData, cells_of, codec_of_cells
from synthlake.relational.model import Attribute, column_id
from synthlake.relational.ordering import Order
from synthlake.relational.sequence import Increment, Sequence, shifted
from synthlake.schema.model import Table

_ROWS = 20_000  # that decide
_HELD = 0.25  # share of entities that judge
_LEAST_GAIN = 0.02  # of a held row's log-likelihood, in nats, from which a column is in sequence
_LEAST_EVEN = (
    0.5  # of a reference: in waves, rare parents no longer come out as often as they should
)
_SIZES = (100, 40)  # least rows of a leaf that are tried
_FLOOR = 1e-3  # share of the whole table's distribution that every leaf is given when judged
_MONOTONE = 0.999  # share of steps that must not go back
_MOVES = 0.1  # share of steps that must go on

Index = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Chained:
    """A table with an order, before its synthesizer is fitted.

    Attributes:
        order: of the rows.
        training: what is learned, with places in families among what is given.
        columns: that depend on the row before.
        least: rows of a leaf.
    """

    order: Order
    training: TrainingTable
    columns: tuple[str, ...]
    least: int


def find_chained(
    order: Order | None, training: TrainingTable, mapped: frozenset[str], seed: int
) -> Chained | None:
    """What depends on the row before, told by rows of entities that are not learned from.

    None where no column but the one that orders the rows is more likely given the row before.

    Args:
        order: of the rows.
        training: without it.
        mapped: columns that follow from others of the row.
        seed: which entities judge.

    Cost: three trees a column, on 20,000 rows.
    """
    if order is None:
        return None
    trial = _Trial.of(order, training, seed)
    gains = {}
    for name in training.columns:
        counted = name.startswith(
            ("n:", "p:", "m:")
        )  # drawn evenly over all rows, for their sums' sake
        if not counted and name not in mapped and training.columns[name].size > 1:
            gains[name] = trial.gain(name, _LEAST_EVEN if name in training.even else _LEAST_GAIN)
    by = column_id(order.by)
    chosen = [n for n, found in gains.items() if found is not None or n == by]
    others = [n for n in chosen if n != by]
    if not others and not order.declared and not order.made:
        return None
    with_places = {**training.context, **order.places.features()}
    return Chained(order, replace(training, context=with_places), tuple(chosen), trial.size(chosen))


def fit_sequence(
    chained: Chained, data: TableData, table: Table, frame: Frame, seed: int
) -> Sequence:
    """The columns that depend on the row before, given it.

    Privacy: as ``Trees.fit``; rows before belong to the same parent, or are of the same grid.
    """
    order, training = chained.order, chained.training
    found = find_increments(chained, data, table, frame)
    increments = {name: made for name, (made, _) in found.items()}
    for told in _declared(order, table):
        if column_id(told) not in increments:
            raise LearnError(
                f"{table.name}.sequence: {told} has NULLs, is NaN or too fine, follows from other"
                f" columns, or has no steps of k = {training.k} entities: it cannot be made in"
                " order",
                hint=f"leave {told}, or the rules on it, out",
            )
    rows = np.flatnonzero(order.places.before >= 0)
    steps: list[Step] = []
    given = _Given(training, order)
    for name in training.columns:
        if name in chained.columns or name in increments:
            column = found[name][1] if name in found else training.columns[name]
            before = given.of(name, steps=name in found)
            step = _step(name, column, before, (training, rows), (chained.least, seed))
            even = training.stratified or name in training.even
            steps.append(replace(step, even=even))
    return Sequence(order.kind, order.by, order.start, FittedTrees(tuple(steps)), increments)


def _declared(order: Order, table: Table) -> tuple[str, ...]:
    """Columns that the schema declares to go on from row to row."""
    said = table.sequence
    if said is None:
        return ()
    return (*([order.by] if order.kind == "values" else []), *said.increasing)


def _step(
    name: str, column: Feature, before: Mapping[str, Feature],
    some: tuple[TrainingTable, Index], settings: tuple[int, int],
) -> Step:  # fmt: skip
    """One column on some rows."""
    training, rows = some
    least, seed = settings

    def cut(feature: Feature) -> Feature:
        return replace(feature, codes=feature.codes[rows])

    column, before = cut(column), {n: cut(f) for n, f in before.items()}
    data = TrainingTable({}, {}, dense(training.group[rows]), training.k)
    always = [n for n in before if n in training.context or n == before_id(name)]
    screen = Screen(np.arange(len(rows))[:: max(len(rows) // SCREENED_ROWS, 1)], always)
    return Trees(min_leaf=least).step(name, column, screen.of(column, before), data, seed)


class _Given:
    """What is known when a column of a row is drawn that has one before it."""

    def __init__(self, training: TrainingTable, order: Order) -> None:
        self._training, self._before = training, order.places.before
        self._places = {**order.places.features(), **order.places.later()}
        self._seen = {n: training.seen.get(n, f) for n, f in training.columns.items()}
        self._lags = {n: self._shifted(f) for n, f in self._seen.items()}

    def _shifted(self, feature: Feature) -> Feature:
        return replace(feature, codes=shifted(feature.codes, self._before))

    def of(self, name: str, *, steps: bool = False) -> dict[str, Feature]:
        """Features of the row and of the one before it.

        Args:
            name: of the column.
            steps: whether it is drawn as steps, so that of the row before its value is seen and, of
                a date, the hour and the weekday.
        """
        out = {**self._training.context, **self._places}
        names = list(self._training.columns)
        drawn = _settled(self._training.columns[name])
        out[before_id(name)] = self._shifted(
            self._training.seen.get(name, drawn) if steps else drawn
        )
        told = self._training.told.get(name, {}) if steps else {}
        out |= {before_id(part): self._shifted(feature) for part, feature in told.items()}
        for other in names[: names.index(name)]:
            out[other] = self._seen[other]
            out[before_id(other)] = self._lags[other]
            out |= self._training.told.get(other, {})
        return out

    def alone(self, name: str) -> dict[str, Feature]:
        """Features of the row without its place."""
        names = list(self._training.columns)
        earlier = names[: names.index(name)]
        told = {n: f for c in earlier for n, f in self._training.told.get(c, {}).items()}
        return {**self._training.context, **{n: self._seen[n] for n in earlier}, **told}


def _settled(feature: Feature) -> Feature:
    """What is drawn of a column as the rows that are made have it: NULL where nothing can be."""
    return replace(feature, codes=np.where(feature.codes == ABSENT, -1, feature.codes))


@dataclass
class _Trial:
    """Entities to learn from, and entities that judge."""

    training: TrainingTable
    given: _Given
    learned: Index
    later: Index
    held: Index
    scores: dict[str, dict[int, float]]

    @classmethod
    def of(cls, order: Order, training: TrainingTable, seed: int) -> _Trial:
        """Two sets of rows without a common entity; of both, those with a row before them."""
        group = dense(training.group)
        size = int(group.max(initial=0)) + 1
        rank = np.random.Generator(np.random.Philox(key=seed)).permutation(size)[group]
        share = min(1.0, _ROWS / max(len(group), 1)) * size
        has = order.places.before >= 0
        learned, held = (rank >= _HELD * share) & (rank < share), rank < _HELD * share
        return cls(
            training, _Given(training, order), np.flatnonzero(learned),
            np.flatnonzero(learned & has), np.flatnonzero(held & has), {},
        )  # fmt: skip

    def gain(self, name: str, least: float) -> float | None:
        """How much more likely held rows are given the row before; None for less than ``least``."""
        if not len(self.held) or len(self.later) < 2 * self.training.k:
            return None
        usual = max(len(self.learned) // 50, 2 * self.training.k)
        sizes = sorted({min(size, usual) for size in _SIZES if size >= 2 * self.training.k})
        sizes = sizes or [2 * self.training.k]
        alone = self.given.alone(name)
        base = self._likely(name, alone, self.learned, sizes[-1])
        before, best = self.given.of(name), None
        self.scores[name] = {}
        for size in sizes:
            found = self._likely(name, before, self.later, size) - base
            self.scores[name][size] = float(found.mean())
            if best is None or found.mean() > best.mean():
                best = found
        assert best is not None
        error = self._error(best)
        mean = float(best.mean())
        return mean if mean > max(2 * error, least) else None

    def size(self, columns: list[str]) -> int:
        """The size of leaves that is best for some columns together."""
        sizes = set.intersection(*(set(self.scores.get(n, {})) for n in columns)) if columns else ()
        total = {s: sum(self.scores[n][s] for n in columns) for s in sizes}
        return max(total, key=lambda s: total[s]) if total else 2 * self.training.k

    def _likely(self, name: str, given: Mapping[str, Feature], rows: Index, least: int) -> Floats:
        """Logarithm of each held row's probability."""
        column = self.training.columns[name]
        step = _step(name, column, given, (self.training, rows), (least, 0))
        node = step.node(
            {a.column: given[a.column].codes[self.held] for a in step.asks}, len(self.held)
        )
        codes = column.codes[self.held]
        known = np.maximum(codes, -1)
        share = (1 - _FLOOR) * step.leaves.probability(node, known)
        share += _FLOOR * step.leaves.frequency(known)
        return np.where(codes >= -1, np.log(np.maximum(share, 1e-9)), 0.0)

    def _error(self, more: Floats) -> float:
        """Standard error of a mean over rows of which those of one entity are not independent."""
        group = dense(self.training.group[self.held])
        sums = np.bincount(group, more - more.mean())
        return float(np.sqrt((sums**2).sum()) / max(len(more), 1))


def find_increments(
    chained: Chained, data: TableData, table: Table, frame: Frame
) -> dict[str, tuple[Increment, Feature]]:
    """Columns that only grow, or only fall, from row to row: their steps, as learned and as codes.

    Privacy: bins of steps have k entities, as those of values.
    """
    if chained.order.kind == "grid":
        return {}
    before = chained.order.places.before
    rows = np.flatnonzero(before >= 0)
    out = {}
    for attribute in frame.attributes:
        name = column_id(attribute.column)
        if name not in chained.training.columns or not _steppable(attribute):
            continue
        cells = cells_of(data, table.column(attribute.column))
        if cells is None or cells.null.any() or not len(rows):
            continue
        steps = cells.ticks[rows] - cells.ticks[before[rows]]
        forced = attribute.column in (chained.order.by, *_declared(chained.order, table))
        sign = _sign(steps, forced)
        if sign == 0 or (not forced and frame.enforced is not None and frame.enforced.tried):
            continue
        strict = bool(np.mean(steps != 0) >= _MONOTONE)
        whole = np.full(len(cells.ticks), -1, np.int64)
        whole[rows] = sign * steps
        null = whole < int(strict)  # a step back is no step, and nothing is learned of it
        codec = codec_of_cells(Cells(whole, null), data.group, data.k)
        if not len(codec.low):
            continue
        codes = codec.encode_ticks(whole, null)
        codes[null] = UNKNOWN
        out[name] = (Increment(codec, sign, strict), Feature(codes, codec.size, True))
    return out


def _steppable(attribute: Attribute) -> bool:
    """Whether a column's values are drawn as they are, as whole numbers."""
    codec = attribute.codec
    plain = attribute.drawn is None and attribute.base is None and attribute.gap is None
    return (
        isinstance(codec, NumericCodec) and attribute.learned and plain
        and attribute.linear is None and not codec.axis.continuous and not codec.special
    )  # fmt: skip


def _sign(steps: NDArray[np.int64], forced: bool) -> int:
    """1 for a column that grows, -1 for one that falls, 0 for neither."""
    if forced:
        return 1
    if np.mean(steps != 0) < _MOVES:
        return 0
    if np.mean(steps >= 0) >= _MONOTONE:
        return 1
    return -1 if np.mean(steps <= 0) >= _MONOTONE else 0
