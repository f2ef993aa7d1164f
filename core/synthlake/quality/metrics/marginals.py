"""Do three, four and five columns occur together as in the real data?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from synthlake.ports import MetricKind, Score
from synthlake.quality.combinations import Counted, chosen, counted, said_of
from synthlake.quality.metric import Comparison, Direction, Metric, Scored, Subject
from synthlake.quality.settings import Tier


class _Marginals:
    """Total variation of the combinations of k columns, from counts of all rows.

    All combinations of a table's columns, or of many 100, chosen by the seed, in which columns are
    met evenly. The more columns, the fewer codes each (10, 5 and 4 intervals or values, NULL
    apart), so that there are about a thousand cells whatever k is. Two samples of few rows differ
    in that many cells by chance alone: read it beside its ceiling.

    Cost: one pass that encodes, then one grouping by a code for each combination.
    Source: k-way marginals as in McKenna, Miklau and Sheldon (2021), arXiv:2108.04978, section 2.
    """

    size: int
    codes: int
    kind: MetricKind = "fidelity"
    tier: Tier = "deep"
    best = 0.0
    direction: Direction = "low"

    def score(self, comparison: Comparison) -> Iterator[Scored]:
        """A score for each combination of columns of a table."""
        for table in comparison.ground.tables:
            yield from self._table(comparison, table.name)

    def _table(self, comparison: Comparison, table: str) -> Iterator[Scored]:
        rows, reason = comparison.rows(table), comparison.missing(table)
        bins = comparison.ground.bins(table)
        names = [b.field.name for b in bins]
        sets = chosen(names, self.size, comparison.settings.seed)
        if not reason and not sets:
            reason = f"fewer than {self.size} columns are compared"
        if reason:
            yield Subject(table), Score(None, rows=rows, reason=reason)
            return
        said = said_of(names, self.size, sets)
        if said:
            yield Subject(table), Score(None, rows=rows, reason=said)
        usable = {b.field.name for b in bins if comparison.candidate.has(b.field)}
        here = tuple(s for s in sets if usable.issuperset(s))
        real, other = (
            counted(side, bins, here, self.codes)
            for side in (comparison.reference, comparison.candidate)
        )
        for names_of in sets:
            lacking = [n for n in names_of if n not in usable]
            score = (
                Score(1.0, rows=rows, reason=f"columns are missing: {', '.join(lacking)}")
                if lacking
                else _variation(real, other, names_of, rows)
            )
            yield Subject(table, names_of), score


def _variation(
    real: Counted, other: Counted, names: tuple[str, ...], rows: tuple[int, int]
) -> Score:
    gap = real[names] / rows[0] - other[names] / rows[1]
    return Score(min(float(np.abs(gap).sum() / 2), 1.0), rows=rows)


class ThreeWay(_Marginals):
    """Total variation of combinations of three columns, in ten intervals or values each."""

    name, title = "marginals.3way", "Total variation of 3 columns"
    size, codes = 3, 10


class FourWay(_Marginals):
    """Total variation of combinations of four columns, in five intervals or values each."""

    name, title = "marginals.4way", "Total variation of 4 columns"
    size, codes = 4, 5


class FiveWay(_Marginals):
    """Total variation of combinations of five columns, in four intervals or values each."""

    name, title = "marginals.5way", "Total variation of 5 columns"
    size, codes = 5, 4


METRICS: tuple[Metric, ...] = (ThreeWay(), FourWay(), FiveWay())
