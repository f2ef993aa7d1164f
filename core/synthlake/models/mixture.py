"""A mixture of classes: rows of one class share their distributions, column by column.

Source: latent class models for categorical data (Vermunt et al., Sociological Methodology 38,
2008).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthlake.errors import ArtifactError
from synthlake.models.classes import Binned, assign, fit_classes
from synthlake.models.marginal import coarse, shares
from synthlake.models.stratified import spread
from synthlake.models.support import dense, distinct, entity_share
from synthlake.ports import Codes, Draw, Feature, Settle, TrainingTable
from synthlake.seed import Words, unit

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

MAX_ROWS = 30_000  # that classes are found from; all rows fill them
_BINS = 32  # of a column
_PER_CLASS = 5  # times k: rows that a class has on average at least
_CLASS = "mixture:class"  # whose words draw the class
_SHIFT, _LOW = np.uint64(32), np.uint64(0xFFFFFFFF)
_TENSORS = ("key", "bin", "codes", "edge", "cumulative")


@dataclass(frozen=True)
class _Column:
    """How a column is drawn: the class gives the bin, the whole table the code in it.

    Attributes:
        key: shape (cells,), uint64 ascending: number of the class << 32 | share drawn before it.
        bin: shape (cells,), the bin of each.
        codes: codes bin after bin; -1 is NULL.
        edge: shape (bins + 1,), where the codes of a bin begin.
        cumulative: shape (codes + 1,), weights before each code.

    Privacy: a cell has k entities or more, or has the rate of the whole table.
    """

    key: NDArray[np.uint64]
    bin: Index
    codes: Codes
    edge: Index
    cumulative: NDArray[np.uint64]

    def draw(self, classes: NDArray[np.uint64], words: Words) -> Codes:
        """A code for each row: the upper half of its word picks the bin, the lower the code."""
        cell = np.searchsorted(self.key, (classes << _SHIFT) | (words >> _SHIFT), side="right") - 1
        bins = self.bin[cell]
        first, last = self.edge[bins], self.edge[bins + 1] - 1
        found = first.copy()
        wide = np.flatnonzero(last > first)
        if len(wide):
            start = self.cumulative[first[wide]]
            mass = self.cumulative[last[wide] + 1] - start
            at = start + (((words[wide] & _LOW) * mass) >> _SHIFT)
            found[wide] = np.searchsorted(self.cumulative, at, side="right") - 1
        return self.codes[found]


@dataclass(frozen=True)
class _Given:
    """What a given column says of the class.

    Attributes:
        place: shape (size + 2,), the bin of UNKNOWN, NULL and each code; -1 if it says nothing.
        share: shape (classes, bins).
    """

    place: Index
    share: Floats

    def weigh(self, weights: list[Floats], codes: Codes) -> list[Floats]:
        """Weights of classes, by row, once the column is known."""
        place = self.place[codes + 2]
        factors = np.where(place < 0, 1.0, self.share[:, place])
        made = [w * f for w, f in zip(weights, factors, strict=True)]
        total = _added(made)[-1]
        return [w / total for w in made]


@dataclass(frozen=True)
class FittedMixture:
    """Classes of rows. Holds no training row.

    Attributes:
        given: by name of a context column.
        columns: by name, in order.
        rows: shape (classes,), of each.
        even: columns whose draws are spread evenly over the rows that are made together.
    """

    given: Mapping[str, _Given]
    columns: Mapping[str, _Column]
    rows: Floats
    even: frozenset[str] = frozenset()

    def sample(
        self, columns: Sequence[str], context: Mapping[str, Codes], draw: Draw, settle: Settle
    ) -> None:
        """Draw columns in their order and hand each to ``settle``.

        Cost: about 0.05 microseconds a cell.
        """
        if not columns:
            return
        classes = self._classes(context, draw(_CLASS, 0))
        for name in columns:
            column = self.columns[name]

            def redraw(
                rows: Index, number: int, name: str = name, column: _Column = column
            ) -> Codes:
                return column.draw(classes[rows], draw(name, number)[rows])

            words = draw(name, 0)
            if name in self.even:
                words = spread(words, classes.astype(np.int32))
            settle(name, column.draw(classes, words), redraw)

    def _classes(self, context: Mapping[str, Codes], words: Words) -> NDArray[np.uint64]:
        """The class of each row; sums and products of single elements in a fixed order."""
        weights = [np.full(len(words), share) for share in self.rows / self.rows.sum()]
        for name, held in self.given.items():
            weights = held.weigh(weights, context[name])
        sums = _added(weights)
        wanted, found = unit(words) * sums[-1], np.zeros(len(words), np.uint64)
        for before in sums[:-1]:
            found += wanted >= before
        return found

    def to_artifact(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Names of columns; their cells, and shares by class, as tensors."""
        tensors: dict[str, NDArray[Any]] = {"rows": self.rows}
        names = [*self.given, *self.columns]
        for number, name in enumerate(names):
            held: Any = self.given.get(name, self.columns.get(name))
            for part in ("place", "share") if name in self.given else _TENSORS:
                tensors[f"{number}/{part}"] = getattr(held, part)
        held = {"given": len(self.given), "classes": len(self.rows), "even": sorted(self.even)}
        return {"columns": names, **held}, tensors


def _added(weights: Sequence[Floats]) -> list[Floats]:
    """Sums of the first one, two, ... of some arrays."""
    sums = [weights[0]]
    for weight in weights[1:]:
        sums.append(sums[-1] + weight)
    return sums


@dataclass(frozen=True)
class Mixture:
    """Mixture of latent classes, each with k entities or more.

    Attributes:
        classes: how many; None chooses by rows that were not learned from.
    """

    classes: int | None = None
    name: str = "mixture"

    def fit(self, data: TrainingTable, seed: int) -> FittedMixture:
        """Learn all columns; rows of a class share their bins, the whole table what lies in them.

        Privacy: classes, and cells of classes, have k entities or more; others are folded.
        Cost: O(rows x columns x classes).
        """
        group = dense(data.group)
        binned = [_bins(f, group, data.k) for f in [*data.context.values(), *data.columns.values()]]
        names = [*data.context, *data.columns]
        classes = self._assigned(binned, group, data.k, seed)
        count = int(classes.max(initial=0)) + 1
        rows = np.bincount(classes, minlength=count).astype(np.float64)
        held = [_weights(b, classes, group, data.k, count) for b in binned]
        given = {
            name: _Given(b.place, _shares(weights, b))
            for name, b, weights in zip(names, binned, held, strict=True) if name in data.context
        }  # fmt: skip
        columns = {
            name: _column(b, weights)
            for name, b, weights in zip(names, binned, held, strict=True) if name in data.columns
        }  # fmt: skip
        return FittedMixture(given, columns, np.maximum(rows, 1e-9), data.even)

    def _assigned(self, binned: Sequence[_Bins], group: Index, k: int, seed: int) -> Index:
        """The class of each row."""
        rows = len(group)
        most = max(min(rows, MAX_ROWS) // (_PER_CLASS * k), 1)
        if not binned or rows < 2:
            return np.zeros(rows, np.int64)
        data = Binned.of([b.rows for b in binned], [b.share for b in binned])
        some = np.arange(rows)
        if rows > MAX_ROWS:
            random = np.random.Generator(np.random.Philox(key=seed + 2))
            some = np.sort(random.permutation(rows)[:MAX_ROWS])
        found = fit_classes(data.rows(some), self.classes, most, seed)
        return assign(data, found, group, k, seed)

    def from_artifact(
        self, settings: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]
    ) -> FittedMixture:
        """The model that ``to_artifact`` described.

        Raises:
            ArtifactError: a tensor is missing.
        """
        names, split = settings["columns"], settings["given"]
        try:
            given = {
                name: _Given(tensors[f"{n}/place"], tensors[f"{n}/share"])
                for n, name in enumerate(names[:split])
            }
            columns = {
                name: _Column(*(tensors[f"{n}/{part}"] for part in _TENSORS))
                for n, name in enumerate(names[split:], split)
            }
            return FittedMixture(given, columns, tensors["rows"], frozenset(settings["even"]))
        except KeyError as error:
            raise ArtifactError(f"the model lacks {error}", hint="fit it again") from error


@dataclass(frozen=True)
class _Bins:
    """A column in bins.

    Attributes:
        place: shape (size + 2,), the bin of UNKNOWN, NULL and each code; -1 without support.
        rows: shape (rows,), the bin of each row.
        share: shape (bins,), of each bin.
        codes: shape (size + 1,), shares of NULL and each code.
    """

    place: Index
    rows: Index
    share: Floats
    codes: Floats


def _bins(feature: Feature, group: Index, k: int) -> _Bins:
    held = shares(feature, group, k)
    bins = coarse(held, _BINS, feature.ordered)
    kept, number = np.unique(bins[held > 0], return_inverse=True)
    place = np.full(len(held) + 1, -1, np.int64)
    place[np.flatnonzero(held > 0) + 1] = number
    share: Floats = np.bincount(number, held[held > 0], len(kept)).astype(np.float64)
    return _Bins(place, place[feature.codes + 2], share, held)


def _weights(bins: _Bins, classes: Index, group: Index, k: int, count: int) -> Floats:
    """Weights of bins by class, shape (classes, bins): NULL or not first, then the values."""
    null = int(bins.place[1])
    if count == 1:
        return bins.share[None, :]
    if null < 0 or len(bins.share) == 1:
        return _folded((bins.rows, bins.share), classes, group, k, count)
    said = np.array([1.0 - bins.share[null], bins.share[null]])
    either = _folded(((bins.rows == null).astype(np.int64), said), classes, group, k, count)
    value = np.where(np.arange(len(bins.share)) == null, 0.0, bins.share)
    rows = np.where(bins.rows == null, -1, bins.rows)
    made = _folded((rows, value), classes, group, k, count)
    whole: Floats = made / made.sum(1, keepdims=True) * either[:, :1]
    whole[:, null] = either[:, 1]
    return whole


def _folded(
    cells: tuple[Index, Floats], classes: Index, group: Index, k: int, count: int
) -> Floats:
    """Rows of cells by class, shape (classes, cells).

    Args:
        cells: of each row, -1 for none; and their shares in the whole table.
        classes: of each row.
        group: entity of each row.
        k: least entities.
        count: of classes.

    Privacy: a cell is its own count only if k entities stand behind it. The others of a class take
    the rates of the whole table; all of them together keep their count only if k entities stand
    behind that, and else count as half of what k entities have at most.
    """
    found, shares_of = cells
    width, known = len(shares_of), found >= 0
    key = classes[known] * width + found[known]
    rows = np.bincount(key, minlength=count * width).reshape(count, width).astype(np.float64)
    people = distinct(key, group[known], count * width).reshape(count, width)
    least = np.bincount(key, entity_share(group)[known], count * width).reshape(count, width)
    own = people >= k
    rate = np.where(own, 0.0, shares_of)
    share, total = rate.sum(1), rows.sum(1)
    few = total / np.maximum(least.sum(1), 1.0) * k / 2
    rest = np.where(own, 0.0, least).sum(1) + 1e-9 >= k
    mass = np.where(rest, np.where(own, 0.0, rows).sum(1), np.minimum(share * total, few))
    folded = np.where(own, rows, rate / np.maximum(share, 1e-300)[:, None] * mass[:, None])
    made: Floats = np.where((folded.sum(1) <= 0)[:, None], shares_of, folded)
    return made


def _shares(weights: Floats, bins: _Bins) -> Floats:
    """Shares by class, a little of the whole in each, so that no class is impossible."""
    share = weights / weights.sum(1, keepdims=True)
    mixed: Floats = 0.99 * share + 0.01 * bins.share
    return mixed


def _column(bins: _Bins, weights: Floats) -> _Column:
    """Cells of classes, and codes by bin."""
    classes, found = np.nonzero(weights)
    share = (weights / weights.sum(1, keepdims=True))[classes, found]
    before = np.cumsum(share) - share
    first = np.append(True, classes[1:] != classes[:-1])
    start = np.maximum.accumulate(np.where(first, before, 0.0))
    part = np.where(first, 0.0, np.clip((before - start) * 2.0**32, 0, 2.0**32 - 1))
    key = (classes.astype(np.uint64) << _SHIFT) | part.astype(np.uint64)
    held = np.flatnonzero(bins.codes > 0)
    order = held[np.argsort(bins.place[held + 1], kind="stable")]
    edge = np.searchsorted(bins.place[order + 1], np.arange(len(bins.share) + 1))
    whole = np.concatenate([[0.0], np.cumsum(bins.codes[order])])
    weight = np.round(whole / whole[-1] * 2.0**31).astype(np.uint64)
    return _Column(key, found.astype(np.int64), (order - 1).astype(np.int32), edge, weight)
