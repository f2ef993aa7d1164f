"""Rows that are drawn several times, of which those are kept that are most like real rows.

What a row is to others is drawn once, as ever: its references, its number of children, what makes
its key distinct. The other columns are drawn several times, given these and the parent's row.

Source: sampling importance resampling (Rubin, Bayesian Statistics 3, 1988) within each row, by the
ratio of ``models.ratio``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from synthlake.encode.axis import indices
from synthlake.errors import LearnError
from synthlake.models.ratio import Refinement, learn_ratio
from synthlake.ports import Codes, Feature, Redraw, TrainingTable
from synthlake.relational.dated import Live
from synthlake.relational.model import family_of
from synthlake.relational.plan import ROOT_BLOCK
from synthlake.relational.rows import Block
from synthlake.seed import Seed, Words

if TYPE_CHECKING:
    from synthlake.relational.columns import TableData
    from synthlake.relational.model import TableModel

Index = NDArray[np.int64]
_ROWS, _TIMES = 80_000, 4  # real rows that are told apart, and made ones for each
_HALF = np.uint64(32)


@dataclass
class Fixed(Block):
    """Rows of which the first columns are known.

    Attributes:
        fixed: by feature, what is drawn of it and what later columns see.
    """

    fixed: Mapping[str, tuple[Codes, Codes]] = field(default_factory=dict)

    def _settle(self, name: str, codes: Codes, redraw: Redraw) -> Codes:
        held = self.fixed.get(name)
        if held is None:
            return super()._settle(name, codes, redraw)
        self.drawn[name], self.codes[name] = held
        return held[1]


@dataclass
class Tried(Fixed):
    """Rows of a block, each drawn several times; then the draws that are kept.

    A row is a function of the block's words, as any is: its draws are rows of a longer block.
    """

    trying: bool = False

    def draw(self, columns: Sequence[str]) -> None:
        """Draw the first columns, or all and keep one draw of each row."""
        self.fixed = {}
        first = once(self.model)
        super().draw(first)
        if len(columns) <= len(first) or not self.rows:
            return
        refined = self.model.refined
        assert refined is not None
        rows, held = self.rows, (self.known, self.context, self.family, self.uppers)
        each = np.repeat(np.arange(rows), refined.tries)
        self._take(each)
        self.fixed = {n: (self.drawn[n], self.codes[n]) for n in first}
        self.known = {n: array.take(indices(each)) for n, array in self.known.items()}
        self.context = {n: codes[each] for n, codes in self.context.items()}
        self.family = None if self.family is None else self.family[each]
        self.uppers = {n: upper.take(each) for n, upper in self.uppers.items()}
        self.trying, self.rows = True, len(each)
        super().draw(self.model.order)
        seen = Live({**self.context, **self.given, **self.codes}, self)
        weight = refined.ratio.weights(seen).reshape(rows, refined.tries)
        self.known, self.context, self.family, self.uppers = held
        self.trying, self.rows, self.fixed = False, rows, {}
        total = np.cumsum(weight, axis=1)
        wanted = (total[:, -1] * (self.words("choice", 0) >> _HALF).astype(np.int64)) >> 32
        kept = np.arange(rows) * refined.tries + (total <= wanted[:, None]).sum(1)
        self._take(kept)
        self.given = {n: codes[kept] for n, codes in self.given.items()}

    def _take(self, rows: Index) -> None:
        self.codes = {n: c[rows] for n, c in self.codes.items()}
        self.drawn = {n: c[rows] for n, c in self.drawn.items()}
        self.cells = {n: c.take(rows) for n, c in self.cells.items()}

    def words(self, column: str, number: int) -> Words:
        """Words of all draws, or of the rows as long as there is one draw of each."""
        if not self.trying:
            return super().words(column, number)
        assert self.model.refined is not None
        first = self.start * self.model.refined.tries
        return self.seed.words(f"{self.model.table.name}!tries", column, first, self.rows, number)


def kind_of(model: TableModel) -> type[Block]:
    """How the rows of a table are made."""
    return Block if model.refined is None else Tried


def once(model: TableModel) -> list[str]:
    """Features that are drawn once: what a row is to others, and what makes its key distinct."""
    apart = {*model.distinct, *model.apart}
    last = max((n for n, name in enumerate(model.order) if name in apart), default=-1)
    return list(model.order[: max(last + 1, len(family_of(model)))])


def refine(
    model: TableModel, training: TrainingTable, data: TableData, tries: int, seed: int
) -> TableModel:
    """The model with what tells real rows from its own; as it was where nothing does.

    Args:
        model: of a table whose rows do not follow each other.
        training: what it was learned from.
        data: the same rows.
        tries: draws of a row, of which one is kept.
        seed: of the made rows.

    Raises:
        LearnError: rows have an order, or are tied to those of other tables by rules.

    Privacy: see ``Ratio``.
    Cost: four made rows for each real one, of 80,000 at most, and ``learn_ratio``.
    """
    across = model.across
    if model.sequence is not None or across.copies or across.marks or across.totals:
        raise LearnError(
            f"{model.table.name}: rows that follow each other, or are tied to their parents' rows"
            f" by rules, are drawn once each, not tries: {tries} times",
            hint="leave tries out of its synthesizer",
        )
    random = np.random.Generator(np.random.Philox(key=seed))
    rows: Index = np.sort(random.permutation(len(training.group))[:_ROWS])
    told = {n: f for held in training.told.values() for n, f in held.items()}
    seen = {n: training.seen.get(n, f) for n, f in training.columns.items()}
    real = {n: _part(f, rows) for n, f in {**training.context, **seen, **told}.items()}
    if len(once(model)) == len(model.order):
        return model
    made = _made(model, training, data, np.tile(rows, _TIMES), Seed(seed, "refine"), list(real))
    given = {*training.context, *once(model)}
    ratio = learn_ratio(real, made, training.group[rows], training.k, seed, given)
    return model if ratio is None else replace(model, refined=Refinement(tries, ratio))


def _part(feature: Feature, rows: Index) -> Feature:
    return replace(feature, codes=feature.codes[rows])


def _made(
    model: TableModel, training: TrainingTable, data: TableData, rows: Index, seed: Seed,
    names: Sequence[str],
) -> dict[str, Codes]:  # fmt: skip
    """Codes of made rows that are to others what some real ones are."""
    parts: list[dict[str, Codes]] = []
    first = once(model)
    for start in range(0, len(rows), ROOT_BLOCK):
        some = rows[start : start + ROOT_BLOCK]
        seen = {n: training.seen.get(n, training.columns[n]) for n in first}
        block = Fixed(
            model, seed, start, len(some),
            {c.column: data.sample[c.column].combine_chunks().take(indices(some))
             for c in model.calendars},
            {n: f.codes[some] for n, f in training.context.items()},
            uppers={n: held.upper.take(some) for n, held in data.above.items()},
            fixed={n: (training.columns[n].codes[some], seen[n].codes[some]) for n in first},
        )  # fmt: skip
        block.draw(model.order)
        held = Live({**block.context, **block.given, **block.codes}, block)
        parts.append({n: held[n] for n in names})
    return {n: np.concatenate([p[n] for p in parts]) for n in names}
