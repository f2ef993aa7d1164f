"""Rows that are drawn several times, of which those are kept that are most like real rows.

Source: sampling importance resampling (Rubin, Bayesian Statistics 3, 1988) within each row, by the
ratio of ``models.ratio``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from synthlake.constraints.rule import Cells
from synthlake.errors import LearnError
from synthlake.models.ratio import Refinement, learn_ratio
from synthlake.ports import Codes, Feature
from synthlake.relational.dated import Live
from synthlake.relational.keys import SlotKey
from synthlake.relational.plan import ROOT_BLOCK
from synthlake.relational.rows import Block
from synthlake.seed import Seed, Words

if TYPE_CHECKING:
    from synthlake.relational.columns import TableData
    from synthlake.relational.draft import Draft
    from synthlake.relational.model import TableModel

_ROWS, _TIMES = 80_000, 4  # real rows that are told apart, and made ones for each
_DRAWS = 8 * ROOT_BLOCK  # that are held at once
_HALF = np.uint64(32)


class Draws(Block):
    """All draws of some rows of a block, one row's after another's: words of their own."""

    def words(self, column: str, number: int) -> Words:
        """Words of draws, which are counted through the table."""
        name = f"{self.model.table.name}!tries"
        return self.seed.words(name, column, self.start, self.rows, number)


class Tried(Block):
    """Rows of a block, each drawn several times; the draws that are kept.

    A row is a function of the block's words, as any is.
    """

    def draw(self, columns: Sequence[str]) -> None:
        """Draw all columns, whichever are asked for, and keep one draw of each row.

        Cost: memory of ``_DRAWS`` rows at once, beside the block.
        """
        if self.model.synthesizer is None or not self.rows:
            return
        assert self.model.refined is not None
        ratio, tries = self.model.refined.ratio, self.model.refined.tries
        choice = (self.words("choice", 0) >> _HALF).astype(np.int64)
        size, parts = max(_DRAWS // tries, 1), []
        for at in range(0, self.rows, size):
            chosen = choice[at : at + size]
            first, rows = (self.start + at) * tries, len(chosen) * tries
            made = Draws(self.model, self.seed, first, rows, {}, {})
            made.draw(self.model.order)
            total = np.cumsum(ratio.weights(Live(made.codes, made)).reshape(-1, tries), axis=1)
            wanted = (total[:, -1] * chosen) >> 32
            kept = np.arange(0, rows, tries) + (total <= wanted[:, None]).sum(1)
            parts.append(_Kept.of(made, kept))
        self.codes = {n: np.concatenate([p.codes[n] for p in parts]) for n in parts[0].codes}
        self.drawn = {n: np.concatenate([p.drawn[n] for p in parts]) for n in parts[0].drawn}
        self.cells = {n: _joined([p.cells[n] for p in parts]) for n in parts[0].cells}
        self._know()


@dataclass(frozen=True)
class _Kept:
    """What stands of some draws."""

    codes: dict[str, Codes]
    drawn: dict[str, Codes]
    cells: dict[str, Cells]

    @classmethod
    def of(cls, made: Block, kept: NDArray[np.int64]) -> _Kept:
        """Some rows of a block."""
        codes = {n: c[kept] for n, c in made.codes.items()}
        drawn = {n: c[kept] for n, c in made.drawn.items()}
        return cls(codes, drawn, {n: c.take(kept) for n, c in made.cells.items()})


def _joined(parts: Sequence[Cells]) -> Cells:
    """Cells one after another."""
    return Cells(np.concatenate([p.ticks for p in parts]), np.concatenate([p.null for p in parts]))


def check_tries(draft: Draft, tries: int) -> None:
    """Refuse several draws of a row before anything is learned.

    Raises:
        LearnError: the table has relatives or an order, or a key that its columns go by.
    """
    tied = draft.table.foreign_keys or draft.degrees or draft.groups
    if tries > 1 and (tied or draft.order is not None or isinstance(draft.key, SlotKey)):
        raise LearnError(
            f"{draft.table.name}: rows that have parents, children or an order are drawn once each,"
            f" not tries: {tries} times",
            hint="leave tries out of its synthesizer",
        )


def refine(
    model: TableModel, seen: Mapping[str, Feature], data: TableData, tries: int, seed: int
) -> TableModel:
    """The model with what tells real rows from its own; as it was where nothing does.

    Args:
        model: of a table that ``check_tries`` takes.
        seen: columns of the rows that it was learned from, and parts of their dates.
        data: their entities, and k.
        tries: draws of a row, of which one is kept.
        seed: of the made rows.

    Privacy: see ``Ratio``.
    Cost: four made rows for each real one, of 80,000 at most, and ``learn_ratio``.
    """
    random = np.random.Generator(np.random.Philox(key=seed))
    rows: NDArray[np.int64] = np.sort(random.permutation(len(data.group))[:_ROWS])
    real = {n: replace(f, codes=f.codes[rows]) for n, f in seen.items()}
    made = _made(model, list(real), _TIMES * len(rows), Seed(seed, "refine"))
    ratio = learn_ratio(real, made, data.group[rows], data.k, seed)
    return model if ratio is None else replace(model, refined=Refinement(tries, ratio))


def _made(model: TableModel, names: Sequence[str], rows: int, seed: Seed) -> dict[str, Codes]:
    """Codes of rows of a model."""
    parts: list[dict[str, Codes]] = []
    for start in range(0, rows, ROOT_BLOCK):
        block = Block(model, seed, start, min(ROOT_BLOCK, rows - start), {}, {})
        block.draw(model.order)
        held = Live(block.codes, block)
        parts.append({n: held[n] for n in names})
    return {n: np.concatenate([p[n] for p in parts]) for n in names}
