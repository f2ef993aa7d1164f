"""Rows that are drawn several times, of which those are kept that are most like real rows.

What a row is to others is drawn once, as ever: its references, its number of children, what makes
its key distinct. The other columns are drawn several times, given these and the parent's row.

Source: sampling importance resampling (Rubin, Bayesian Statistics 3, 1988) within each row, by the
ratio of ``models.ratio``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from synthlake.constraints.rule import Cells
from synthlake.encode.axis import indices
from synthlake.errors import LearnError
from synthlake.models.ratio import Refinement, learn_ratio
from synthlake.ports import Codes, Feature, Redraw, TrainingTable
from synthlake.relational.dated import Live
from synthlake.relational.model import family_of, link_id
from synthlake.relational.plan import ROOT_BLOCK
from synthlake.relational.rows import Block
from synthlake.seed import Seed, Words

if TYPE_CHECKING:
    from synthlake.relational.columns import TableData
    from synthlake.relational.model import TableModel

Index = NDArray[np.int64]
_ROWS, _TIMES = 80_000, 4  # real rows that are told apart, and made ones for each
_DRAWS = 8 * ROOT_BLOCK  # that are held at once
_LEVELLING = 6  # rounds in which new categories become as frequent as they are drawn
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
class Draws(Fixed):
    """All draws of some rows of a block, one row's after another's, by words of their own."""

    def words(self, column: str, number: int) -> Words:
        """Words of draws, which are counted through the table."""
        name = f"{self.model.table.name}!tries"
        return self.seed.words(name, column, self.start, self.rows, number)


@dataclass
class Tried(Block):
    """Rows of a block, each drawn several times; then the draws that are kept.

    A row is a function of the block's words, as any is.
    """

    def draw(self, columns: Sequence[str]) -> None:
        """Draw the first columns, or all and keep one draw of each row.

        Cost: memory of ``_DRAWS`` rows at once, beside those of the block.
        """
        first = once(self.model)
        super().draw(first)
        if len(columns) <= len(first) or not self.rows:
            return
        assert self.model.refined is not None
        size = max(_DRAWS // self.model.refined.tries, 1)
        choice = (self.words("choice", 0) >> _HALF).astype(np.int64)
        parts = [
            self._chosen(np.arange(at, min(at + size, self.rows)), choice[at : at + size])
            for at in range(0, self.rows, size)
        ]
        self.codes = {n: np.concatenate([p.codes[n] for p in parts]) for n in parts[0].codes}
        self.drawn = {n: np.concatenate([p.drawn[n] for p in parts]) for n in parts[0].drawn}
        self.cells = {n: _joined([p.cells[n] for p in parts]) for n in parts[0].cells}

    def _chosen(self, rows: Index, choice: Index) -> _Drawn:
        """The draws of some rows that are kept."""
        refined = self.model.refined
        assert refined is not None
        made = self._draws(rows, refined.tries)
        made.draw(self.model.order)
        seen = Live({**made.context, **made.given, **made.codes}, made)
        total = np.cumsum(refined.ratio.weights(seen).reshape(len(rows), -1), axis=1)
        wanted = (total[:, -1] * choice) >> 32
        kept = np.arange(len(rows)) * refined.tries + (total <= wanted[:, None]).sum(1)
        return _Drawn(made.codes, made.drawn, made.cells).take(kept)

    def _draws(self, rows: Index, tries: int) -> Draws:
        """Draws of some rows, of which the first columns are as they are."""
        each = np.repeat(rows, tries)
        held = _Drawn(self.codes, self.drawn, self.cells).take(each)
        return Draws(
            self.model, self.seed, (self.start + int(rows[0])) * tries, len(each),
            {n: array.take(indices(each)) for n, array in self.known.items()},
            {n: codes[each] for n, codes in self.context.items()},
            None if self.family is None else self.family[each],
            self.often, codes=held.codes, drawn=held.drawn, cells=held.cells,
            uppers={n: upper.take(each) for n, upper in self.uppers.items()},
            fixed={n: (held.drawn[n], held.codes[n]) for n in once(self.model)},
        )  # fmt: skip


@dataclass(frozen=True)
class _Drawn:
    """What is drawn of a block's rows: as ``Block`` has it."""

    codes: dict[str, Codes]
    drawn: dict[str, Codes]
    cells: dict[str, Cells]

    def take(self, rows: Index) -> _Drawn:
        """The same of some rows."""
        return _Drawn(
            {n: c[rows] for n, c in self.codes.items()},
            {n: c[rows] for n, c in self.drawn.items()},
            {n: c.take(rows) for n, c in self.cells.items()},
        )


def _joined(parts: Sequence[Cells]) -> Cells:
    """Cells one after another."""
    return Cells(np.concatenate([p.ticks for p in parts]), np.concatenate([p.null for p in parts]))


def kind_of(model: TableModel) -> type[Block]:
    """How the rows of a table are made."""
    return Block if model.refined is None else Tried


def once(model: TableModel) -> list[str]:
    """Features that are drawn once: what a row is to others, and what makes its key distinct.

    And parents whose children stay with what they share, which the block's rows decide together.
    """
    apart = {*model.distinct, *model.apart}
    for number, link in enumerate(model.links):
        apart |= {link_id(number)} if link.slices else set()
        apart |= {link.kin.name} if link.kin is not None else set()
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
    if tries < 2:
        return model
    tied = (across.copies, across.marks, across.totals, across.balances)
    if model.sequence is not None or any(tied):
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


def levelled(model: TableModel, names: Sequence[str], seed: int) -> TableModel:
    """The model after a refit, whose new categories are kept as often as they are drawn.

    Nothing was learned of these, good or bad, which alone would favour them.

    Args:
        model: of a table without references.
        names: features with new categories.
        seed: of the rows that are made to see how many are kept.

    Cost: a block of rows, drawn several times in each of six rounds.
    """
    if model.refined is None:
        return model
    names = [name for name in names if name in model.refined.ratio.names]
    if not names:
        return model
    drawn = _odds(Block(model, Seed(seed, "refine"), 0, ROOT_BLOCK, {}, {}), names)
    for _ in range(_LEVELLING):
        kept = _odds(Tried(model, Seed(seed, "refine"), 0, ROOT_BLOCK, {}, {}), names)
        assert model.refined is not None
        ratio = model.refined.ratio.shifted({n: drawn[n] - kept[n] for n in names})
        model = replace(model, refined=replace(model.refined, ratio=ratio))
    return model


def _odds(block: Block, names: Sequence[str]) -> dict[str, float]:
    """Logarithm of the odds of what is unknown, by feature."""
    block.draw(block.model.order)
    refined = block.model.refined
    assert refined is not None
    found = {n: refined.ratio.unknown(n, block.codes[n]) for n in names}
    return {n: math.log((new + 0.5) / (block.rows - new + 0.5)) for n, new in found.items()}
