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

from synthlake.errors import LearnError
from synthlake.models.ratio import Refinement, learn_ratio
from synthlake.ports import Codes, Feature
from synthlake.relational.dated import Live
from synthlake.relational.plan import ROOT_BLOCK
from synthlake.relational.rows import Block
from synthlake.seed import Seed, Words

if TYPE_CHECKING:
    from synthlake.relational.columns import TableData
    from synthlake.relational.model import TableModel

_ROWS, _TIMES = 80_000, 4  # real rows that are told apart, and made ones for each
_HALF = np.uint64(32)


@dataclass
class Tried(Block):
    """Rows of a block, each drawn several times; then the draws that are kept.

    A row is a function of the block's words, as any is: its draws are rows of a longer block.
    """

    trying: bool = False

    def draw(self, columns: Sequence[str]) -> None:
        """Draw all columns, and keep one draw of each row."""
        refined = self.model.refined
        assert refined is not None
        rows, known = self.rows, self.known
        self.trying, self.rows, self.known = True, rows * refined.tries, {}
        super().draw(self.model.order)
        weight = refined.ratio.weights(Live(self.codes, self)).reshape(rows, refined.tries)
        self.trying, self.rows, self.known = False, rows, known
        total = np.cumsum(weight, axis=1)
        wanted = (total[:, -1] * (self.words("choice", 0) >> _HALF).astype(np.int64)) >> 32
        kept = np.arange(rows) * refined.tries + (total <= wanted[:, None]).sum(1)
        self.codes = {n: c[kept] for n, c in self.codes.items()}
        self.drawn = {n: c[kept] for n, c in self.drawn.items()}
        self.cells = {n: c.take(kept) for n, c in self.cells.items()}

    def words(self, column: str, number: int) -> Words:
        """Words of all draws, or of the rows once they are chosen."""
        if not self.trying:
            return super().words(column, number)
        assert self.model.refined is not None
        first = self.start * self.model.refined.tries
        return self.seed.words(f"{self.model.table.name}!tries", column, first, self.rows, number)


def refine(
    model: TableModel, seen: Mapping[str, Feature], data: TableData, tries: int, seed: int
) -> TableModel:
    """The model with what tells real rows from its own; as it was where nothing does.

    Args:
        model: of a table that no other refers to and that refers to none.
        seen: columns of the rows that it was learned from, and parts of their dates.
        data: their entities, and k.
        tries: draws of a row, of which one is kept.
        seed: of the made rows.

    Raises:
        LearnError: the table has relatives or an order.

    Privacy: see ``Ratio``.
    Cost: four made rows for each real one, of 80,000 at most, and ``learn_ratio``.
    """
    if model.links or model.degrees or model.codes or model.sequence or model.calendars:
        raise LearnError(
            f"{model.table.name}: rows that have parents, children or an order are drawn once each,"
            f" not tries: {tries} times",
            hint="leave tries out of its synthesizer",
        )
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
