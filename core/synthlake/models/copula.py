"""A Gaussian copula over codes: every column a cut of a normal number, these correlated.

Source: Nelsen, An Introduction to Copulas (2006), sec. 2.3; distributional transform of codes with
ties (Rüschendorf, J. Stat. Planning and Inference 139, 2009).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthlake.errors import ArtifactError
from synthlake.models.latent import Cuts, correlations, cut
from synthlake.models.normal import between, normal
from synthlake.models.stratified import spread
from synthlake.models.support import dense
from synthlake.ports import Codes, Draw, Feature, Settle, TrainingTable
from synthlake.seed import Words, unit

Floats = NDArray[np.float64]

MAX_ROWS = 100_000  # that correlations and the order of categories are learned from
_OTHERS = 40  # columns that decide the order of categories
_GIVEN = 200  # number of the draw within the range of a code that is given
_FAR = 3.5  # an independent number beyond says that the context is not as in any Gaussian
_TINY = 1e-3  # weights below are left out


@dataclass(frozen=True)
class _Number:
    """One normal number of a row.

    Attributes:
        column: that it stands for.
        kind: ``given`` by the context, ``drawn``, or ``seen``: what later columns see of a column
            whose drawn codes become other ones.
        cuts: the codes that it means.
    """

    column: str
    kind: str
    cuts: Cuts


@dataclass(frozen=True)
class FittedCopula:
    """Cuts of all columns and how their numbers go together. Holds no training row.

    Attributes:
        numbers: those that are given first, then columns in their order.
        weights: shape (numbers, numbers), lower triangular: a number is the sum of these times
            independent ones.
        even: columns whose draws are spread evenly over the rows that are made together.
    """

    numbers: tuple[_Number, ...]
    weights: Floats
    even: frozenset[str] = frozenset()

    def sample(
        self, columns: Sequence[str], context: Mapping[str, Codes], draw: Draw, settle: Settle
    ) -> None:
        """Draw columns in their order and hand each to ``settle``.

        Only sums and products of single elements are used, in a fixed order: a row comes out the
        same whichever rows are made with it.

        Cost: about 0.1 microseconds a cell.
        """
        codes = dict(context)
        wanted, free = set(columns), list[Floats]()
        for place, number in enumerate(self.numbers):
            if number.kind != "given" and number.column not in wanted:
                break
            words = draw(number.column, 0 if number.kind == "drawn" else _GIVEN)
            mean = self._mean(place, free, len(words))
            drawn = _Drawn(number, mean, float(self.weights[place, place]), draw)
            if number.kind == "drawn":
                if number.column in self.even:
                    words = spread(words, np.unique(mean, return_inverse=True)[1].astype(np.int32))
                own = normal(words)
                made = drawn.codes(own)
                codes[number.column] = settle(number.column, made, drawn.again)
                if not self._seen(place):
                    drawn.adjust(own, made, codes[number.column])
                free.append(own)
            else:
                free.append(drawn.inside(codes[number.column], mean, words))

    def _seen(self, place: int) -> bool:
        """Whether a number of its own stands for what later columns see of a drawn one."""
        return place + 1 < len(self.numbers) and self.numbers[place + 1].kind == "seen"

    def _mean(self, place: int, free: Sequence[Floats], rows: int) -> Floats:
        """What the numbers before one say of it, shape (rows,)."""
        mean = np.zeros(rows)
        for other, weight in zip(free, self.weights[place], strict=False):
            if abs(weight) > _TINY:
                mean += other * weight
        return mean

    def to_artifact(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Columns in order; their cells and the weights as tensors."""
        tensors: dict[str, NDArray[Any]] = {"weights": self.weights}
        for place, number in enumerate(self.numbers):
            tensors[f"{place}/codes"] = number.cuts.codes
            tensors[f"{place}/edges"] = number.cuts.edges
        columns, kinds = [n.column for n in self.numbers], [n.kind for n in self.numbers]
        return {"columns": columns, "kinds": kinds, "even": sorted(self.even)}, tensors


@dataclass(frozen=True)
class _Drawn:
    """One number of some rows.

    Attributes:
        mean: shape (rows,), of the number, by those before it.
        spread: of the number around its mean.
    """

    number: _Number
    mean: Floats
    spread: float
    draw: Draw

    def codes(self, own: Floats) -> Codes:
        """The codes that independent normal numbers mean."""
        return self.number.cuts.code(self.mean + self.spread * own)

    def again(self, rows: NDArray[np.int64], number: int) -> Codes:
        """Codes of some rows by the words of another draw."""
        own = normal(self.draw(self.number.column, number)[rows])
        return self.number.cuts.code(self.mean[rows] + self.spread * own)

    def adjust(self, own: Floats, made: Codes, seen: Codes) -> None:
        """Let independent numbers mean what was settled, where that is not what was drawn."""
        other = np.flatnonzero(seen != made)
        if len(other):
            words = self.draw(self.number.column, _GIVEN)[other]
            own[other] = self.inside(seen[other], self.mean[other], words)

    def inside(self, codes: Codes, mean: Floats, words: Words) -> Floats:
        """Independent normal numbers that mean just these codes."""
        low, high = self.number.cuts.bounds(codes)
        made = between((low - mean) / self.spread, (high - mean) / self.spread, unit(words))
        return np.minimum(np.maximum(made, -_FAR), _FAR)


@dataclass(frozen=True)
class Copula:
    """Gaussian copula: a fast baseline, every pair of columns by one correlation."""

    name: str = "copula"

    def fit(self, data: TrainingTable, seed: int) -> FittedCopula:
        """Learn all columns in the order given.

        Privacy: cells have k entities or more; a correlation is a sum over all rows.
        Cost: O(columns^2 x rows).
        """
        group, asked = dense(data.group), _asked(data)
        some = _some(len(group), MAX_ROWS, seed)
        part = [_Asked(a.column, a.kind, _rows(a.feature, some)) for a in asked]
        numbers = []
        for one in asked:
            others = [p.feature for p in part if p.column != one.column][:_OTHERS]
            cuts = cut(one.feature, others, (group, some), data.k)
            numbers.append(_Number(one.column, one.kind, cuts))
        rho = correlations([n.cuts for n in numbers], [p.feature.codes for p in part])
        weights = np.linalg.cholesky(rho) if len(rho) else np.zeros((0, 0))
        return FittedCopula(tuple(numbers), np.round(weights, 6), data.even)

    def from_artifact(
        self, settings: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]
    ) -> FittedCopula:
        """The model that ``to_artifact`` described.

        Raises:
            ArtifactError: a tensor is missing.
        """
        try:
            named = zip(settings["columns"], settings["kinds"], strict=True)
            numbers = tuple(
                _Number(column, kind, Cuts(tensors[f"{n}/codes"], tensors[f"{n}/edges"]))
                for n, (column, kind) in enumerate(named)
            )
            return FittedCopula(numbers, tensors["weights"], frozenset(settings["even"]))
        except KeyError as error:
            raise ArtifactError(f"the model lacks {error}", hint="fit it again") from error


@dataclass(frozen=True)
class _Asked:
    """What a number is to stand for."""

    column: str
    kind: str
    feature: Feature


def _asked(data: TrainingTable) -> list[_Asked]:
    """Context, then each column, and what later ones see of it where that differs."""
    asked = [_Asked(name, "given", feature) for name, feature in data.context.items()]
    for name, column in data.columns.items():
        asked.append(_Asked(name, "drawn", column))
        seen = data.seen.get(name, column)
        if seen.size != column.size or not np.array_equal(seen.codes, column.codes):
            asked.append(_Asked(name, "seen", seen))
    return asked


def _rows(feature: Feature, some: NDArray[np.int64]) -> Feature:
    return replace(feature, codes=feature.codes[some])


def _some(rows: int, most: int, seed: int) -> NDArray[np.int64]:
    """All rows, or a seeded choice of them in their order."""
    if rows <= most:
        return np.arange(rows)
    return np.sort(np.random.Generator(np.random.Philox(key=seed)).permutation(rows)[:most])
