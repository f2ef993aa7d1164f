"""Are rows of the training data given away as they are?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.ports import MetricKind, Score
from synthlake.quality.dataset import DataSet
from synthlake.quality.intervals import wilson
from synthlake.quality.metric import Comparison, Direction, Metric, Scored, Subject
from synthlake.quality.settings import Tier
from synthlake.quality.streamed import streams
from synthlake.sql.dialects.duckdb import quick_hash
from synthlake.sql.keys import SPACE, parts, row_hash
from synthlake.sql.keys import counts as counted
from synthlake.sql.kinds import kind

MAX_HASHES, MAX_QUICK = 2_000_000, 20_000_000  # by all engines, and by DuckDB in 16 bytes each
_QUICK_SPACE = 2**64
_WIDEST = pa.uint64()  # holds what no other integer does

Hashes = tuple[NDArray[Any], NDArray[np.int64]]


@dataclass(frozen=True)
class Rows:
    """The rows of a table by their hash.

    Attributes:
        table: the table.
        names: columns that count.
        quick: whether by the engine's own hash, which is the same only within one.
        share: of all hashes, by their value.
    """

    table: str
    names: tuple[str, ...]
    quick: bool
    share: float


def rows_of(data: Sequence[DataSet], table: str, names: Sequence[str]) -> Rows:
    """How the rows of some data sets are compared."""
    quick = all(_is_quick(one, table, names) for one in data)
    most = MAX_QUICK if quick else MAX_HASHES
    share = min(1.0, most / max(1, *(one.rows(table) for one in data)))
    return Rows(table, tuple(names), quick, share)


def _is_quick(data: DataSet, table: str, names: Sequence[str]) -> bool:
    """Whether the engine has a hash, and all columns are read as what they are declared to be."""
    if not streams(data) or table not in data.found:
        return False
    compared = [(data.found[table].column(n).type, data.schema[table].column(n).type)
                for n in names]  # fmt: skip
    alike = all(kind(a) == kind(b) and (a == _WIDEST) == (b == _WIDEST) for a, b in compared)
    return alike and any(counted(p) for p in parts(data.tables, data.schema[table], names))


def hashes(data: DataSet, rows: Rows) -> Hashes:
    """Distinct hashes of rows, ascending, and their rows."""
    count = _streamed if rows.quick else _grouped
    return data.count(("hashes", rows.table, rows), lambda d: count(d, rows), _less)


def _less(whole: Hashes, part: Hashes) -> Hashes:
    counts = whole[1].copy()
    counts[np.searchsorted(whole[0], part[0])] -= part[1]
    return whole[0][counts > 0], counts[counts > 0]


def _grouped(data: DataSet, rows: Rows) -> Hashes:
    tables = data.tables
    expression = row_hash(tables.primitives, parts(tables, tables.schema[rows.table], rows.names))
    where = f"WHERE h < {int(rows.share * SPACE)}" if rows.share < 1 else ""
    found = data.query(
        f"SELECT h, COUNT(*) AS n FROM (SELECT {expression} AS h "
        f"FROM {data.tables.read(rows.table)}) AS s {where} GROUP BY h"
    )
    keys = found["h"].to_numpy().astype(np.int64)
    order = np.argsort(keys)
    return keys[order], found["n"].to_numpy().astype(np.int64)[order]


def _streamed(data: DataSet, rows: Rows) -> Hashes:
    """Cost: 8 bytes a row and 16 a distinct one, and a sort."""
    tables = data.tables
    own = parts(tables, tables.schema[rows.table], rows.names)
    expression = quick_hash([(p.value, p.type) for p in own if counted(p)])
    where = f"WHERE h < {int(rows.share * _QUICK_SPACE)}" if rows.share < 1 else ""
    sql = f"SELECT h FROM (SELECT {expression} AS h FROM {tables.read(rows.table)}) AS s {where}"
    found = [batch.column(0).to_numpy() for batch in tables.engine.batches(sql)]
    keys = np.sort(np.concatenate([np.zeros(0, np.uint64), *found]))
    first = np.flatnonzero(np.append(True, keys[1:] != keys[:-1])[: len(keys)])
    return keys[first], np.diff(first, append=len(keys))


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
        compared = rows_of([d for d in (train, candidate, ground.holdout) if d], table, names)
        known = hashes(train, compared)
        rate, hits, seen = _rate(known, hashes(candidate, compared))
        detail: dict[str, object] = {"share_of_hashes": compared.share, "rows_copied": hits}
        if comparison.role != "ceiling":
            detail |= base_rate(ground.holdout, known, compared)
        return Score(rate, wilson(hits, seen), rows, detail=detail)


def _rate(known: Hashes, other: Hashes) -> tuple[float, int, int]:
    seen = int(other[1].sum())
    at = np.searchsorted(known[0], other[0])
    at[at == len(known[0])] = 0
    found = known[0][at] == other[0] if len(known[0]) else np.zeros(len(at), bool)
    hits = int(other[1][found].sum())
    return (hits / seen if seen else 0.0), hits, seen


def base_rate(holdout: DataSet | None, known: Hashes, compared: Rows) -> dict[str, object]:
    """What rows that were never learned from would score."""
    if holdout is not None and holdout.rows(compared.table):
        rate, hits, seen = _rate(known, hashes(holdout, compared))
        high = wilson(hits, seen)[1]
        return {"base_rate": rate, "base_high": high, "base_from": "hold-out"}
    once, rows = int((known[1] == 1).sum()), int(known[1].sum())
    rate = 1.0 - once / max(rows, 1)
    high = wilson(rows - once, rows)[1]
    return {"base_rate": rate, "base_high": high, "base_from": "rows that occur once"}


METRICS: tuple[Metric, ...] = (ExactCopies(),)
