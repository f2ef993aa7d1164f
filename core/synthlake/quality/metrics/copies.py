"""Are rows of the training data given away as they are?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from synthlake.ports import MetricKind, Score
from synthlake.quality.dataset import DataSet
from synthlake.quality.intervals import wilson
from synthlake.quality.metric import Comparison, Direction, Metric, Scored, Subject
from synthlake.quality.settings import Tier
from synthlake.sql.keys import SPACE, parts, row_hash

MAX_HASHES = 2_000_000

Hashes = tuple[NDArray[np.int64], NDArray[np.int64]]


def hashes(data: DataSet, table: str, names: Sequence[str], share: float) -> Hashes:
    """Distinct hashes of rows, ascending, and their rows; a share of all hashes by their value."""
    key = ("hashes", table, tuple(names), share)
    return data.count(key, lambda d: _hashes(d, table, names, share), _less)


def _less(whole: Hashes, part: Hashes) -> Hashes:
    counts = whole[1].copy()
    counts[np.searchsorted(whole[0], part[0])] -= part[1]
    return whole[0][counts > 0], counts[counts > 0]


def _hashes(data: DataSet, table: str, names: Sequence[str], share: float) -> Hashes:
    tables = data.tables
    expression = row_hash(tables.primitives, parts(tables, tables.schema[table], names))
    where = f"WHERE h < {int(share * SPACE)}" if share < 1 else ""
    found = data.query(
        f"SELECT h, COUNT(*) AS n FROM (SELECT {expression} AS h "
        f"FROM {data.tables.read(table)}) AS s {where} GROUP BY h"
    )
    keys = found["h"].to_numpy().astype(np.int64)
    order = np.argsort(keys)
    return keys[order], found["n"].to_numpy().astype(np.int64)[order]


class ExactCopies:
    """Share of rows that occur among the rows learned from, in all columns but keys.

    The base rate is the hold-out's share; without one, the share that unseen rows of the same
    distribution would have, 1 - (rows that occur once) / rows.

    Privacy: a rate at the base rate means no more copies than chance makes.
    Source: Good (1953), doi:10.1093/biomet/40.3-4.237.
    """

    name, title = "copies", "Exact copies of training rows"
    kind: MetricKind = "copy"
    tier: Tier = "quick"
    best = 0.0
    direction: Direction = "low"

    def score(self, comparison: Comparison) -> Iterator[Scored]:
        """A score for each table that is not kept as it is."""
        for table in comparison.ground.tables:
            yield Subject(table.name), self._one(comparison, table.name, table.keep)

    def _one(self, comparison: Comparison, table: str, keep: bool) -> Score:
        train, candidate, ground = comparison.ground.train, comparison.candidate, comparison.ground
        rows = (train.rows(table), candidate.rows(table))
        names = [f.name for f in ground.fields(table).values()
                 if not f.key and f.kind != "opaque"]  # fmt: skip
        absent = [n for n in names if not candidate.found[table].has(n)] if rows[1] else []
        reason = (
            ("kept as it is, by declaration" if keep else "")
            or comparison.missing(table)
            or ("there are no training rows" if not rows[0] else "")
            or ("all columns are keys" if not names else "")
            or (f"columns are missing: {', '.join(absent)}" if absent else "")
        )
        if reason:
            return Score(None, rows=rows, reason=reason)
        share = min(1.0, MAX_HASHES / max(rows))
        known = hashes(train, table, names, share)
        rate, hits, seen = _rate(known, hashes(candidate, table, names, share))
        detail: dict[str, object] = {"share_of_hashes": share, "rows_copied": hits}
        if comparison.role != "ceiling":
            detail |= base_rate(ground.holdout, known, table, names, share)
        return Score(rate, wilson(hits, seen), rows, detail=detail)


def _rate(known: Hashes, other: Hashes) -> tuple[float, int, int]:
    seen = int(other[1].sum())
    hits = int(other[1][np.isin(other[0], known[0], assume_unique=True)].sum())
    return (hits / seen if seen else 0.0), hits, seen


def base_rate(
    holdout: DataSet | None, known: Hashes, table: str, names: Sequence[str], share: float
) -> dict[str, object]:
    """What rows that were never learned from would score."""
    if holdout is not None and holdout.rows(table):
        rate, hits, seen = _rate(known, hashes(holdout, table, names, share))
        high = wilson(hits, seen)[1]
        return {"base_rate": rate, "base_high": high, "base_from": "hold-out"}
    once, rows = int((known[1] == 1).sum()), int(known[1].sum())
    rate = 1.0 - once / max(rows, 1)
    high = wilson(rows - once, rows)[1]
    return {"base_rate": rate, "base_high": high, "base_from": "rows that occur once"}


METRICS: tuple[Metric, ...] = (ExactCopies(),)
