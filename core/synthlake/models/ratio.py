"""How much likelier a row is among real rows than among those of a model.

Each column of a model is near, given those before it; what all of them together leave is learned
here, by telling real rows from made ones. Rows that are drawn several times are then kept in this
ratio.

Source: density ratios by classification (Qin, Biometrika 85(3), 1998; Azadi et al., ICLR 2019, for
generators); generalised additive models with pairwise interactions, GA2M (Lou, Caruana, Gehrke and
Hooker, KDD 2013), fitted by Newton steps on shrunken cells.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthlake.models.support import dense, known
from synthlake.ports import Codes, Feature

Floats = NDArray[np.float64]
Index = NDArray[np.int64]
Bins = NDArray[np.uint8]
_FINE, _COARSE = 64, 16  # bins of a feature by itself and in a pair
_CELLS = _COARSE * _COARSE
_PAIRS, _PAIRED = 128, 48  # pairs that are learned, features of which they may be
_CHOOSING = 40_000  # rows of either side that choose pairs
_ROUNDS, _PATIENCE, _RATE = 24, 2, 0.5
_MAIN, _PAIR = 50.0, 100.0  # curvature that is added to each cell: 200 and 400 rows without effect
_UNIT = 1024  # steps of log-odds that effects are stored in
_MOST, _LEAST = 2, -6  # log-odds beyond which they count no more
_GAIN = 0.004  # log-loss by which unseen rows must be told apart better than by chance


@dataclass(frozen=True)
class Ratio:
    """Effects of bins of features and of pairs of coarse bins on the log-odds of being real.

    Attributes:
        names: of the features.
        place: shape (codes + 2,) each, bin of unknown, NULL and each code.
        coarse: shape (features, fine bins), coarse bin of each bin.
        main: shape (features, fine bins), int16, in steps of 1/1024.
        pair: shape (pairs, 2), which features.
        table: shape (pairs, cells), int16.

    Privacy: every effect is of a cell that k entities or more share, or says no more than that
        fewer do. All are shrunken.
    """

    names: tuple[str, ...]
    place: tuple[Bins, ...]
    coarse: Bins
    main: NDArray[np.int16]
    pair: NDArray[np.int16]
    table: NDArray[np.int16]

    def weights(self, codes: Mapping[str, Codes]) -> Index:
        """How much each row counts: whole numbers, so that they are the same on any machine.

        Cost: about 3 nanoseconds a row, feature and pair.
        """
        total: NDArray[np.int32] | None = None
        bins = []
        for name, place, main, coarse in zip(
            self.names, self.place, self.main, self.coarse, strict=True
        ):
            fine = place.take(codes[name].astype(np.intp) + 2, mode="clip").astype(np.intp)
            own = main.take(fine).astype(np.int32)
            total = own if total is None else np.add(total, own, out=total)
            bins.append(coarse.take(fine).astype(np.intp))
        assert total is not None
        for (one, other), effects in zip(self.pair.tolist(), self.table, strict=True):
            at = bins[one] * _COARSE
            at += bins[other]
            total += effects.take(at)
        step = np.clip(total, _LEAST * _UNIT, _MOST * _UNIT) >> 4
        weights: Index = _WEIGHTS.take(step - _LOWEST)
        return weights

    def moved(self, like: Mapping[str, Index]) -> Ratio:
        """The same in other codes: ``like`` has the old code of each new one, by feature."""
        place = tuple(
            np.concatenate([own[:2], own[like[name] + 2]]) if name in like else own
            for name, own in zip(self.names, self.place, strict=True)
        )
        return replace(self, place=place)

    def unknown(self, name: str, codes: Codes) -> int:
        """How many of a feature's codes are of values of which nothing was learned."""
        place = self.place[self.names.index(name)]
        return int((place.take(codes.astype(np.intp) + 2, mode="clip") == 0).sum())

    def shifted(self, gains: Mapping[str, float]) -> Ratio:
        """The same, but rows with unknown values of features have other log-odds, by feature."""
        main = self.main.copy()
        for name, gain in gains.items():
            main[self.names.index(name), 0] += round(_UNIT * gain)
        return replace(self, main=main)

    def to_artifact(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Names of features, and the rest as tensors."""
        tensors: dict[str, NDArray[Any]] = {n: getattr(self, n) for n in _TENSORS}
        tensors |= {f"place/{n}": place for n, place in enumerate(self.place)}
        return {"names": list(self.names)}, tensors

    @classmethod
    def from_artifact(cls, held: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]) -> Ratio:
        """What ``to_artifact`` gave."""
        place = tuple(tensors[f"place/{n}"] for n in range(len(held["names"])))
        return cls(tuple(held["names"]), place, *(tensors[name] for name in _TENSORS))


@dataclass(frozen=True)
class Refinement:
    """How many draws a row has, and how much each counts."""

    tries: int
    ratio: Ratio


_TENSORS = ("coarse", "main", "pair", "table")
_LOWEST = (_LEAST * _UNIT) >> 4
_WEIGHTS = np.array(
    [round(2**20 * math.exp(16 * n / _UNIT)) for n in range(_LOWEST, ((_MOST * _UNIT) >> 4) + 1)],
    np.int64,
)


@dataclass
class _Side:
    """Rows that are real, or made: their bins, and the log-odds that they have so far.

    Attributes:
        fine, coarse: shape (features, rows).
        odds: shape (rows,).
        held: shape (rows,), which rows only judge.
    """

    fine: Bins
    coarse: Bins
    odds: Floats
    held: NDArray[np.bool_]

    def cell(self, term: tuple[int, ...]) -> Index:
        """The cell of each row."""
        if len(term) == 1:
            alone: Index = self.fine[term[0]].astype(np.int64)
            return alone
        both: Index = self.coarse[term[0]].astype(np.int64) * _COARSE + self.coarse[term[1]]
        return both

    def some(self, rows: int) -> _Side:
        """The first rows that are learned from."""
        at = np.flatnonzero(~self.held)[:rows]
        return _Side(self.fine[:, at], self.coarse[:, at], self.odds[at], self.held[at])


def learn_ratio(
    real: Mapping[str, Feature], made: Mapping[str, Codes], group: Index, k: int, seed: int,
    given: Collection[str] = (),
) -> Ratio | None:  # fmt: skip
    """What tells real rows from made ones; None where unseen rows are not told apart by it.

    Args:
        real: columns of real rows.
        made: the same of made rows, which count as much as the real ones together: the more there
            are, the less of what is learned is chance.
        group: shape (rows,), entities of the real rows.
        k: least entities of a cell.
        seed: which entities judge when to stop.
        given: columns of which made rows have what the real ones have, over and over in their
            order; they matter only together with others.

    Cost: some 5 nanoseconds a row, effect and round.
    """
    if not real or not len(group):
        return None
    names = sorted(real, key=lambda name: name in given)  # given ones come last
    features = [real[name] for name in names]
    place = [_binned(f) for f in features]
    coarse = np.stack([_coarse(p, f) for p, f in zip(place, features, strict=True)])
    group, random = dense(group), np.random.Generator(np.random.Philox(key=seed))
    judges = (random.permutation(int(group.max()) + 1) % 5 == 0)[group]
    if not 0 < judges.sum() < len(group):
        return None
    others = np.resize(judges, len(made[names[0]]))
    sides = (
        _side([f.codes for f in features], place, coarse, judges),
        _side([made[n] for n in names], place, coarse, others),
    )
    fitted = _Fit(sides, group, k, len(names) - len(set(names) & set(given)))
    if not fitted.run():
        return None
    alone = [fitted.best.get((n,), np.zeros(_FINE)) for n in range(len(names))]
    pairs = [t for t in fitted.terms if len(t) == 2]
    table = np.stack([fitted.best[t] for t in pairs]) if pairs else np.zeros((0, _CELLS))
    return Ratio(
        tuple(names), tuple(place), coarse, _whole(np.stack(alone)),
        np.asarray(pairs, np.int16).reshape(-1, 2), _whole(table),
    )  # fmt: skip


class _Fit:
    """Effects of all terms, learned in rounds until unseen rows are told apart no better.

    The first ``features`` matter by themselves, the others only together with one of them.
    """

    def __init__(self, sides: tuple[_Side, _Side], group: Index, k: int, features: int) -> None:
        self.real, self.made = sides
        self._group, self._k, self._features = group[~self.real.held], k, features
        self._even = float((~self.real.held).sum() / max((~self.made.held).sum(), 1))
        self.terms: list[tuple[int, ...]] = [(n,) for n in range(features)]
        self.effects = {t: np.zeros(_FINE) for t in self.terms}
        self.best = {t: e.copy() for t, e in self.effects.items()}

    def run(self) -> bool:
        """Learn; False where unseen rows are not told apart."""
        least, since = math.log(2) - _GAIN, 0
        found = False
        for number in range(_ROUNDS):
            for term in self.terms[: self._features]:
                self._learn(term)
            if not number:
                self._pair_up()
            for term in self.terms[self._features :]:
                self._learn(term)
            loss = self._loss()
            since += 1
            if loss < least:
                found, least, since = True, loss, 0
                self.best = {t: e.copy() for t, e in self.effects.items()}
            if since >= _PATIENCE:
                break
        return found

    def _pair_up(self) -> None:
        """Take the pairs that explain most of what features by themselves leave."""
        real, made = self.real.some(_CHOOSING), self.made.some(_CHOOSING)
        alone = [_gain(real, made, (n,), _FINE) for n in range(len(self.real.fine))]
        few = sorted(np.argsort(-np.asarray(alone), kind="stable")[:_PAIRED].tolist())
        pairs: list[tuple[int, ...]] = [p for p in combinations(few, 2) if p[0] < self._features]
        gains = [_gain(real, made, pair, _CELLS) for pair in pairs]
        for at in np.argsort(-np.asarray(gains), kind="stable")[:_PAIRS]:
            self.terms.append(pairs[at])
            self.effects[pairs[at]] = np.zeros(_CELLS)

    def _learn(self, term: tuple[int, ...]) -> None:
        """One Newton step of one term."""
        size, shrunk = (_FINE, _MAIN) if len(term) == 1 else (_CELLS, _PAIR)
        real, made = self.real.cell(term), self.made.cell(term)
        learned, other = ~self.real.held, ~self.made.held
        slope, bend = _derivatives(real[learned], self.real.odds[learned], size, 1.0)
        there = known(real[learned], self._group, size, self._k)
        # of what fewer than k entities have, it is said that fewer do and no more
        slope, bend = np.where(there, slope, self._k / 4), np.where(there, bend, self._k / 8)
        down, more = _derivatives(made[other], self.made.odds[other], size, 0.0)
        step = _RATE * (slope + self._even * down) / (bend + self._even * more + shrunk)
        step = np.where(there, step, np.minimum(step, 0.0))
        self.effects[term] += step
        self.real.odds += step[real]
        self.made.odds += step[made]

    def _loss(self) -> float:
        """Mean log-loss of the rows that judge, both sides alike."""
        real, made = self.real.odds[self.real.held], self.made.odds[self.made.held]
        sides = (np.logaddexp(0, -real), np.logaddexp(0, made))
        return float(np.mean([side.mean() for side in sides if len(side)]))


def _derivatives(cell: Index, odds: Floats, size: int, label: float) -> tuple[Floats, Floats]:
    """Slope and curvature of the log-likelihood in each cell."""
    share = 1 / (1 + np.exp(-odds))
    slope: Floats = np.bincount(cell, label - share, size).astype(np.float64)
    return slope, np.bincount(cell, share * (1 - share), size).astype(np.float64)


def _gain(real: _Side, made: _Side, term: tuple[int, ...], size: int) -> float:
    """How much a term would explain of what is left."""
    up, one = _derivatives(real.cell(term), real.odds, size, 1.0)
    down, other = _derivatives(made.cell(term), made.odds, size, 0.0)
    even = len(real.odds) / max(len(made.odds), 1)
    return float(((up + even * down) ** 2 / (one + even * other + _PAIR)).sum())


def _side(
    codes: Sequence[Codes], place: Sequence[Bins], coarse: Bins, held: NDArray[np.bool_]
) -> _Side:
    fine = np.stack([p.take(c.astype(np.intp) + 2, mode="clip")
                     for p, c in zip(place, codes, strict=True)])  # fmt: skip
    return _Side(fine, np.stack([c[f] for c, f in zip(coarse, fine, strict=True)]),
                 np.zeros(fine.shape[1]), held)  # fmt: skip


def _binned(feature: Feature) -> Bins:
    """Unknown and NULL, then bins of about as many rows, or the most frequent codes and others."""
    counts = np.bincount(np.maximum(feature.codes, -1) + 1, minlength=feature.size + 1)[1:]
    free = _FINE - 2
    if feature.size <= free:
        own = np.arange(feature.size)
    elif feature.ordered:
        before = np.cumsum(counts) - counts / 2
        own = np.minimum(before * free / max(int(counts.sum()), 1), free - 1).astype(np.int64)
    else:
        own = np.full(feature.size, free - 1)
        own[np.argsort(-counts, kind="stable")[: free - 1]] = np.arange(free - 1)
    return np.concatenate([[0, 1], own + 2]).astype(np.uint8)


def _coarse(place: Bins, feature: Feature) -> Bins:
    """Fewer bins: runs of neighbours, or the most frequent ones and the rest."""
    counts = np.bincount(place.take(feature.codes.astype(np.intp) + 2, mode="clip"),
                         minlength=_FINE).astype(np.float64)  # fmt: skip
    counts[:2] = 0
    free = _COARSE - 1
    out = np.full(_FINE, free)
    if feature.ordered:
        before = np.cumsum(counts) - counts / 2
        out = 1 + np.minimum(before * free / max(counts.sum(), 1), free - 1).astype(np.int64)
    else:
        out[np.argsort(-counts, kind="stable")[: free - 1]] = 1 + np.arange(free - 1)
    out[:2] = 0
    return out.astype(np.uint8)


def _whole(effects: Floats) -> NDArray[np.int16]:
    """Effects in steps."""
    return np.clip(np.rint(effects * _UNIT), -(2**15), 2**15 - 1).astype(np.int16)
