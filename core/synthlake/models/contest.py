"""How near a synthesizer's codes come to rows that it has not learned from, in a few figures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.models.marginal import coarse
from synthlake.ports import Codes, Feature, FittedSynthesizer, Redraw, TrainingTable
from synthlake.quality.intervals import Z
from synthlake.seed import Seed

Index = NDArray[np.int64]
Figures = dict[str, Any]

_PAIRS = 60  # of columns
_BINS = 10  # of a column in a pair
_QUERIES = 2_000  # rows whose nearest ones are looked up
_ROUND = 4  # decimals: what is stored is not to depend on the last digits of a processor
MEMORISED = 0.05  # above which a synthesizer is refused


@dataclass(frozen=True)
class Contest:
    """Rows to learn from and rows that nobody learns from, of different entities.

    Attributes:
        learned: what candidates are fitted to.
        unseen: what their rows are compared with, given the same context.
        seed: of all draws.
    """

    learned: TrainingTable
    unseen: TrainingTable
    seed: int

    @classmethod
    def of(cls, data: TrainingTable, rows: int, seed: int) -> Contest:
        """Two thirds and one third of some entities, which have about so many rows."""
        entities, group = np.unique(data.group, return_inverse=True)
        random = np.random.Generator(np.random.Philox(key=seed))
        rank = random.permutation(len(entities))
        size = np.bincount(group)
        ordered = np.cumsum(size[np.argsort(rank)])
        last = int(np.searchsorted(ordered, min(rows, int(ordered[-1]))))
        third = (last + 1) // 3
        place = rank[group]
        return cls(
            part_of(data, np.flatnonzero((place >= third) & (place <= last))),
            part_of(data, np.flatnonzero(place < third)), seed,
        )  # fmt: skip

    def figures(self, fitted: FittedSynthesizer) -> Figures:
        """C2ST, pairs, copies and memorised rows of a synthesizer fitted to ``learned``."""
        made = self._made(fitted)
        return {**self._told_apart(made), "pairs": self._pairs(made), **self._copied(made),
                **self._remembered(made)}  # fmt: skip

    def _made(self, fitted: FittedSynthesizer) -> TrainingTable:
        """As many rows as are unseen; UNKNOWN where those are, as nothing is known of both."""
        drawn: dict[str, Codes] = {}

        def settle(name: str, codes: Codes, redraw: Redraw) -> Codes:
            drawn[name] = codes
            return codes

        rows, seed = len(self.unseen.group), Seed(self.seed, "auto")
        fitted.sample(
            list(self.unseen.columns),
            {n: f.codes for n, f in self.unseen.context.items()},
            lambda column, number: seed.words("", column, 0, rows, number),
            settle,
        )
        columns = {
            name: replace(f, codes=np.where(f.codes == -2, np.int32(-2), drawn[name]))
            for name, f in self.unseen.columns.items()
        }
        return replace(self.unseen, columns=columns)

    def _told_apart(self, made: TrainingTable) -> Figures:
        from synthlake.quality.classifier import c2st

        score = c2st(_frame(self.unseen), _frame(made), (), Seed(self.seed, "auto"))
        if score.value is None or score.interval is None:
            return {"c2st": None, "c2st_low": None, "c2st_high": None}
        value, (low, high) = score.value, score.interval
        return {"c2st": round(value, _ROUND), "c2st_low": round(low, _ROUND),
                "c2st_high": round(high, _ROUND)}  # fmt: skip

    def _pairs(self, made: TrainingTable) -> float:
        """1 - total variation of pairs of columns in coarse bins, mean over some pairs."""
        real, other = _all(self.unseen), _all(made)
        bins = {n: _coarse(f) for n, f in _all(self.learned).items()}
        pairs = [p for p in combinations(real, 2) if p[0] in made.columns or p[1] in made.columns]
        random = np.random.Generator(np.random.Philox(key=self.seed))
        some = random.permutation(len(pairs))[:_PAIRS]
        found = [_overlap(real, other, bins, pairs[number]) for number in np.sort(some)]
        return round(float(np.mean(found)), _ROUND) if found else 1.0

    def _copied(self, made: TrainingTable) -> Figures:
        """Share of rows that equal one learned from, and that of the unseen rows."""
        known = np.unique(_packed(self.learned))
        copies, base = (float(np.isin(_packed(t), known).mean()) for t in (made, self.unseen))
        return {"copies": round(copies, _ROUND), "base": round(base, _ROUND)}

    def _remembered(self, made: TrainingTable) -> Figures:
        """How much nearer rows lie to learned than to unseen rows; 0 as unseen, 1 a copy.

        Source: as ``quality.metrics.memorised``, on codes.
        """
        from synthlake.quality.layout import Field
        from synthlake.quality.neighbours import Space, cloud, share_near

        fields = tuple(
            Field("", n, pa.int32(), "number" if f.ordered else "category", False, False)
            for n, f in _all(self.learned).items()
        )
        space = Space(fields, _frame(self.learned))
        learned, unseen = (space.place(_frame(t)) for t in (self.learned, self.unseen))
        train, holdout = cloud(learned), cloud(unseen)
        expected = len(learned) / (len(learned) + len(unseen))
        control = share_near(learned[:_QUERIES], train, holdout)[0]
        unit = control - expected
        if not unit > 0.25 * (1 - expected):
            return {"memorised": None, "memorised_low": None}
        share, rows = share_near(space.place(_frame(made))[:_QUERIES], train, holdout)
        half = Z * math.sqrt(expected * (1 - expected) / rows) / unit
        value = (share - expected) / unit
        return {"memorised": round(value, _ROUND), "memorised_low": round(value - half, _ROUND)}


def refusal(figures: Figures, rows: int) -> str:
    """Why a synthesizer with such figures is not taken; empty if it may be."""
    base, copies = figures["base"], figures["copies"]
    noise = 2 * Z * math.sqrt(max(base * (1 - base), 1 / rows) / rows)
    if copies > base + noise:
        return f"copies {copies:.4f} of the rows learned from, unseen rows {base:.4f}"
    if figures["memorised"] is not None and figures["memorised_low"] > MEMORISED:
        return f"memorised {figures['memorised']:.2f}, more than {MEMORISED}"
    return ""


def part_of(data: TrainingTable, rows: Index) -> TrainingTable:
    """Some rows of a table; what later columns see is left out, as nothing settles codes here."""
    return replace(
        data, group=data.group[rows], seen={}, told={},
        columns={n: replace(f, codes=f.codes[rows]) for n, f in data.columns.items()},
        context={n: replace(f, codes=f.codes[rows]) for n, f in data.context.items()},
    )  # fmt: skip


def _all(data: TrainingTable) -> Mapping[str, Feature]:
    return {**data.context, **data.columns}


def _frame(data: TrainingTable) -> dict[str, Any]:
    """Codes as the judge reads columns: numbers with NaN, or texts with None."""
    frame: dict[str, Any] = {}
    for name, feature in _all(data).items():
        if feature.ordered:
            frame[name] = np.where(feature.codes < 0, np.nan, feature.codes.astype(np.float64))
        else:
            texts = np.array([None, *map(str, range(feature.size))], dtype=object)
            frame[name] = texts[np.maximum(feature.codes, -1) + 1]
    return frame


def _coarse(feature: Feature) -> Index:
    """The bin of UNKNOWN, NULL and each code."""
    counts = np.bincount(feature.codes[feature.codes >= -1] + 1, minlength=feature.size + 1)
    bins = coarse(counts / max(counts.sum(), 1), _BINS, feature.ordered)
    return np.append(0, bins)


def _overlap(
    real: Mapping[str, Feature], other: Mapping[str, Feature], bins: Mapping[str, Index],
    pair: tuple[str, str],
) -> float:  # fmt: skip
    width = int(bins[pair[1]].max()) + 1
    size = (int(bins[pair[0]].max()) + 1) * width
    shares = []
    for side in (real, other):
        first, second = (bins[n][side[n].codes + 2] for n in pair)
        counts = np.bincount(first * width + second, minlength=size)
        shares.append(counts / max(counts.sum(), 1))
    return 1.0 - float(np.abs(shares[0] - shares[1]).sum()) / 2


def _packed(data: TrainingTable) -> NDArray[Any]:
    """Rows of codes as single values."""
    codes = np.stack([f.codes for f in data.columns.values()], axis=1).astype(np.int32)
    rows = np.ascontiguousarray(codes)
    return rows.view(np.dtype((np.void, 4 * rows.shape[1]))).ravel()
