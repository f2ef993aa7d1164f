"""What the report draws: shares of bins, prepared so that no rare value shows.

Privacy: an end of a bin is a round number between values that at least k real rows lie beyond, a
category is named if at least k entities hold it, and a bar of fewer than k real rows is empty.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthlake.quality.dataset import DataSet
from synthlake.quality.layout import Field
from synthlake.quality.marginal import Aligned
from synthlake.quality.metric import Comparison, Subject
from synthlake.quality.result import Row, worst_first
from synthlake.sql.entities import select_with_entity
from synthlake.sql.kinds import kind

WORST = 6
_BARS = 32
_NAMED = 10
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_TIME_STEPS = tuple(
    s * 1_000_000
    for s in (1, 5, 15, 60, 300, 900, 3_600, 10_800, 21_600, 43_200,
              *(86_400 * d for d in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000)))
)  # fmt: skip
_DEGREES = (0, 1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000,
            100_000, 200_000, 500_000, 1_000_000)  # fmt: skip

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Bars:
    """Shares of two data sets in the same bins.

    Attributes:
        labels: one for each bar (categories), or for each end of a bin (numbers).
        real: shares of real rows.
        twin: shares of the twin's rows.
        ordered: whether bins follow each other on an axis.
        note: what is drawn.
    """

    labels: tuple[str, ...]
    real: tuple[float, ...]
    twin: tuple[float, ...]
    ordered: bool
    note: str = ""


@dataclass(frozen=True)
class Cells:
    """Shares of the pairs of codes of two columns, real and twin."""

    names: tuple[str, str]
    real: tuple[tuple[float, ...], ...]
    twin: tuple[tuple[float, ...], ...]


Picture = Bars | Cells
Pictures = Mapping[Subject, Picture]


def pictures_of(comparison: Comparison, rows: Sequence[Row]) -> dict[Subject, Picture]:
    """Pictures of the worst columns and pairs of each table, and of all foreign keys."""
    out: dict[Subject, Picture] = {}
    for table in comparison.ground.tables:
        if comparison.missing(table.name):
            continue
        mine = [r for r in rows if r.subject.table == table.name]
        pairs = worst_pairs(mine)
        degrees = [r for r in mine if r.metric == "degrees" and r.twin.value is not None]
        drawn: list[tuple[Subject, Picture | None]] = [
            *((r.subject, _column(comparison, r.subject)) for r in worst_columns(mine)[:WORST]),
            *((r.subject, _cells(comparison, r.subject)) for r in pairs[:WORST]),
            *((r.subject, _degrees(comparison, r.subject)) for r in degrees),
        ]
        out |= {subject: picture for subject, picture in drawn if picture is not None}
    return out


def _column(comparison: Comparison, subject: Subject) -> Bars | None:
    field = comparison.ground.fields(subject.table)[subject.columns[0]]
    if not comparison.candidate.has(field):
        return None
    k = comparison.settings.k
    shared = None if field.ordered else _shared(comparison.reference, field, k)
    return column_bars(comparison.aligned(field), field, k, shared)


def _shared(data: DataSet, field: Field, k: int) -> frozenset[str]:
    """The most frequent values that at least k entities hold; rows are entities without a key."""
    table = data.schema[field.table]
    source = select_with_entity(data.tables, table, [f"{data.value(field)} AS v"])
    people = "COUNT(DISTINCT e)" if table.primary_key or table.own else "COUNT(*)"
    found = data.query(
        f"SELECT v FROM ({source}) AS s WHERE v IS NOT NULL GROUP BY v HAVING {people} >= {k} "
        f"ORDER BY COUNT(*) DESC, {data.tables.primitives.hashed('v')} LIMIT {4 * _NAMED}"
    )
    return frozenset(str(v) for v in found["v"].to_pylist())


def _degrees(comparison: Comparison, subject: Subject) -> Bars | None:
    table = comparison.schema[subject.table]
    fk = next(fk for fk in table.references if fk.label(table.name) == subject.key)
    real, other = (
        side.degrees(table.name, fk) for side in (comparison.reference, comparison.candidate)
    )
    return degree_bars(real, other, comparison.settings.k)


def worst_columns(rows: Iterable[Row]) -> list[Row]:
    """Columns by their KS or total variation distance, worst first."""
    return worst_first([r for r in rows if r.metric in ("ks", "tvd")], "low")


def worst_pairs(rows: Iterable[Row]) -> list[Row]:
    """Pairs by what their columns alone do not explain, worst first."""
    pairs = worst_first([r for r in rows if r.metric == "pairs"], "low")
    return sorted(pairs, key=lambda r: -float(r.twin.detail["beyond_columns"]))


def column_bars(
    both: Aligned, field: Field, k: int, shared: Collection[str] | None = None
) -> Bars | None:
    """Bars of a column; None if too few real rows support any.

    Categories are named only if they are ``shared``; None stands for all with k rows.
    """
    return _number_bars(both, field, k) if field.ordered else _category_bars(both, k, shared)


def _category_bars(both: Aligned, k: int, shared: Collection[str] | None) -> Bars | None:
    totals = [
        int(c.sum()) + sum(e) for c, e in zip((both.real, both.other), both.ends, strict=True)
    ]
    listed = [i for i in range(len(both.real) - 1) if both.real[i] >= k]
    listed = [i for i in listed if shared is None or both.values[i] in shared]
    listed = sorted(listed, key=lambda i: (-int(both.real[i]), both.values[i]))[:_NAMED]
    if not listed:
        return None
    labels = [str(both.values[i]) for i in listed]
    shares = []
    for counts, ends, total in zip((both.real, both.other), both.ends, totals, strict=True):
        bars = [int(counts[i]) for i in listed]
        rest = int(counts.sum()) - sum(bars)
        shares.append([x / max(total, 1) for x in (*bars, rest, ends[0])])
    keep = [i for i in range(len(listed) + 2)
            if i < len(listed) or shares[0][i] > 0 or shares[1][i] > 0]  # fmt: skip
    labels += ["all others", "NULL"]
    return Bars(
        tuple(labels[i] for i in keep), tuple(shares[0][i] for i in keep),
        tuple(shares[1][i] for i in keep), ordered=False,
    )  # fmt: skip


def _number_bars(both: Aligned, field: Field, k: int) -> Bars | None:
    finite = np.isfinite(both.values)
    values, real = both.values[finite], both.real[finite]
    upto = np.cumsum(real)
    if not len(upto) or upto[-1] < 2 * k:
        return None
    low = float(values[np.searchsorted(upto, k)])
    high = float(values[np.searchsorted(upto, upto[-1] - k)])
    edges = _edges(low, high, field)
    shares, beyond = [], []
    for counts, ends in zip((both.real, both.other), both.ends, strict=True):
        inside, _ = np.histogram(values, edges, weights=counts[finite])
        total = max(int(counts.sum()) + sum(ends), 1)
        if counts is both.real:
            inside = np.where(inside < k, 0, inside)
        shares.append(inside / total)
        beyond.append((ends[0] / total, float(counts.sum()) / total - float(inside.sum()) / total))
    notes = ["length of the text"] if field.kind == "name" else []
    if max(b[0] for b in beyond) > 0:
        notes.append(f"NULL: real {beyond[0][0]:.1%}, twin {beyond[1][0]:.1%}")
    if max(b[1] for b in beyond) >= 0.0005:
        notes.append(f"not drawn: real {beyond[0][1]:.1%}, twin {beyond[1][1]:.1%}")
    labels = tuple(_label(e, field) for e in edges)
    return Bars(labels, tuple(shares[0]), tuple(shares[1]), True, "; ".join(notes))


def _edges(low: float, high: float, field: Field) -> Floats:
    """Round ends of bins of equal width from below ``low`` to above ``high``."""
    raw = (high - low) / _BARS
    if field.kind == "time":
        step = float(next((s for s in _TIME_STEPS if s >= raw), raw))
    elif raw > 0:
        unit = 10.0 ** math.floor(math.log10(raw))
        step = next(s * unit for s in _STEPS if s * unit >= raw * (1 - 1e-9))
    else:
        step = 10.0 ** math.floor(math.log10(abs(low))) if low else 1.0
    whole = kind(field.type) == "integer" or field.kind == "name"
    step = max(step, 1.0) if whole else step
    if whole:
        step = float(math.ceil(step))
    first = math.floor(low / step)
    count = min(max(math.floor(high / step) - first + 1, 1), 400)
    return np.round((first + np.arange(count + 1)) * step, 12)


def _label(edge: float, field: Field) -> str:
    if field.kind != "time":
        return f"{edge:.6g}"
    of = kind(field.type)
    if of in ("time", "duration"):
        return str(timedelta(microseconds=edge))
    try:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=edge)
    except OverflowError:
        return f"{edge:.3g}"
    day = f"{moment:%Y-%m-%d}"
    return day if not edge % 86_400_000_000 or of == "date" else f"{day} {moment:%H:%M}"


def _cells(comparison: Comparison, subject: Subject) -> Cells | None:
    k = comparison.settings.k
    real, other = comparison.pairs(subject.table)
    pair = (subject.columns[0], subject.columns[1])
    if pair not in real:
        return None
    shown = np.where(real[pair] < k, 0, real[pair])
    if not shown.any():
        return None
    used = np.ix_(real[pair].sum(axis=1) + other[pair].sum(axis=1) > 0,
                  real[pair].sum(axis=0) + other[pair].sum(axis=0) > 0)  # fmt: skip
    rows = comparison.rows(subject.table)
    a, b = (m[used] / max(n, 1) for m, n in zip((shown, other[pair]), rows, strict=True))
    return Cells(pair, _nested(a), _nested(b))


def _nested(matrix: Floats) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(v) for v in row) for row in matrix)


def degree_bars(real: tuple[Any, Any], other: tuple[Any, Any], k: int) -> Bars | None:
    """Children per parent in round bins of at least k real parents each; None if too few."""
    sides = [np.histogram(found, [*_DEGREES, np.inf], weights=counts)[0]
             for found, counts in (real, other)]  # fmt: skip
    groups: list[list[int]] = [[]]
    held = 0.0
    for i in range(len(_DEGREES)):
        groups[-1].append(i)
        held += sides[0][i]
        if held >= k:
            groups.append([])
            held = 0.0
    rest = groups.pop()
    if not groups or len(groups) < 2:
        return None
    labels = [_span(_DEGREES[g[0]], _DEGREES[g[-1] + 1] - 1) for g in groups[:-1]]
    groups[-1] += rest
    labels.append(f"{_DEGREES[groups[-1][0]]}+")
    shares = [[float(side[g].sum() / max(side.sum(), 1)) for g in groups] for side in sides]
    return Bars(tuple(labels), tuple(shares[0]), tuple(shares[1]), ordered=False)


def _span(low: int, high: int) -> str:
    return str(low) if low == high else f"{low}-{high}"
