"""Causes that lie in one column, or in two that were exchanged."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from synthlake.quality.advice.advice import Advice, Rule, excess, ks_noise
from synthlake.quality.layout import Field
from synthlake.quality.marginal import Marginal
from synthlake.quality.metric import Comparison
from synthlake.quality.result import Row

FAR = 0.05  # distance beyond other real rows that is worth a word
_EXPECTED = 20  # rows that a category should have before its absence is no accident
_QUANTILES = np.linspace(0.05, 0.95, 19)

_REMEDIES = {
    "exchanged": "see in which order columns are written, and whether the sink goes by name",
    "shifted": "look for another unit, time zone or origin between source and twin",
    "scaled": "look for another unit or currency between source and twin",
    "narrower": "learn from more rows (fit.max_rows), or lower k if the data is public",
    "wider": "check the column's role, and declare its range (constraints)",
    "differs": "check the column's role, learn from more rows (fit.max_rows), or declare the rule "
    "that it follows from",
    "dropped category": "learn from more rows, lower k if the data is public, and see what filters "
    "rows on the way",
    "invented category": "compare case, spaces and encoding on the way, and check the column's "
    "role: a text that is made anew is no category",
    "null rate": "see whether the column is cast on the way, and declare what its NULL depends on",
}


def _noise(row: Row) -> float:
    return ks_noise(*row.twin.rows)


def _far(rows: Sequence[Row], metrics: tuple[str, ...]) -> Iterator[Row]:
    for row in rows:
        there = len(row.subject.columns) == 1 and row.twin.rows[1] and not row.twin.reason
        if row.metric in metrics and there and excess(row, _noise(row)) > FAR:
            yield row


def _field(comparison: Comparison, row: Row) -> Field:
    return comparison.ground.fields(row.subject.table)[row.subject.columns[0]]


def _said(cause: str, row: Row, finding: str) -> Advice:
    return Advice(cause, row.subject, row.metric, row.twin.value or 0.0, finding, _REMEDIES[cause])


def _known(row: Row, found: Sequence[Advice]) -> bool:
    return any(row.subject.table == a.subject.table and row.subject.columns[0] in a.subject.columns
               for a in found)  # fmt: skip


def exchanged(
    comparison: Comparison, rows: Sequence[Row], found: Sequence[Advice]
) -> Iterator[Advice]:
    """Two columns each of which is distributed as the other should be."""
    for one, two in combinations(list(_far(rows, ("ks", "tvd"))), 2):
        if one.subject.table != two.subject.table or one.metric != two.metric:
            continue
        a, b = _field(comparison, one), _field(comparison, two)
        if a.kind != b.kind or not comparison.candidate.has(a) or not comparison.candidate.has(b):
            continue
        real = [comparison.reference.marginal(f) for f in (a, b)]
        twin = [comparison.candidate.marginal(f) for f in (a, b)]
        crossed = max(distance(real[0], twin[1]), distance(real[1], twin[0]))
        if crossed < 0.5 * min(one.twin.value or 0.0, two.twin.value or 0.0):
            for row, other in ((one, b), (two, a)):
                yield _said("exchanged", row, f"holds what belongs to {other.name}")


def distance(real: Marginal, other: Marginal) -> float:
    """KS distance of the known values of two ordered columns, total variation of two others."""
    if real.texts or other.texts:
        shares = [
            dict(zip(m.texts, (m.counts / max(m.known, 1)).tolist(), strict=True))
            for m in (real, other)
        ]
        every = {*shares[0], *shares[1]}
        return float(sum(abs(shares[0].get(t, 0.0) - shares[1].get(t, 0.0)) for t in every) / 2)
    if not len(real.values) or not len(other.values):
        return 1.0
    places = np.union1d(real.values, other.values)
    upto = [
        np.concatenate([[0.0], np.cumsum(m.counts) / m.counts.sum()])[
            np.searchsorted(m.values, places, side="right")
        ]
        for m in (real, other)
    ]
    return float(np.abs(upto[0] - upto[1]).max())


def moved(comparison: Comparison, rows: Sequence[Row], found: Sequence[Advice]) -> Iterator[Advice]:
    """Numbers and times that lie elsewhere."""
    for row in _far(rows, ("ks",)):
        if _known(row, found):
            continue
        field = _field(comparison, row)
        sides = comparison.reference.marginal(field), comparison.candidate.marginal(field)
        if all(m.known for m in sides) and field.kind != "name":
            yield _said(*_moved(row, *(_quantiles(m) for m in sides)))
        elif abs(_null_gap(comparison, field)) <= FAR:
            yield _said("differs", row, "is distributed otherwise")


def _quantiles(marginal: Marginal) -> NDArray[np.float64]:
    upto = np.cumsum(marginal.counts) / marginal.counts.sum()
    place = np.minimum(np.searchsorted(upto, _QUANTILES), len(upto) - 1)
    return np.asarray(marginal.values[place].clip(-1e140, 1e140), np.float64)


def _moved(row: Row, real: NDArray[np.float64], twin: NDArray[np.float64]) -> tuple[str, Row, str]:
    spread = float(real[16] - real[2]) / 2  # from 15 to 85 %: about two standard deviations
    gaps = twin - real
    middle = float(np.median(gaps))
    if spread and abs(middle) > 0.15 * spread and np.abs(gaps - middle).max() < 0.3 * abs(middle):
        side = "high" if middle > 0 else "low"
        return "shifted", row, f"lies {abs(middle) / spread:.2g} standard deviations too {side}"
    if (real > 0).all() and (twin > 0).all():
        factors = twin / real
        factor = float(np.median(factors))
        size = abs(math.log(factor))
        if size > 0.1 and np.abs(np.log(factors / factor)).max() < 0.25 * size:
            return "scaled", row, f"is multiplied by {factor:.3g}"
    wide = (twin[16] - twin[2]) / (2 * spread) if spread else math.inf
    if wide < 0.8:
        return "narrower", row, f"spreads {wide:.2f} times as far as it should"
    if wide > 1.25 and math.isfinite(wide):
        return "wider", row, f"spreads {wide:.2f} times as far as it should"
    return "differs", row, "is distributed otherwise"


def categories(
    comparison: Comparison, rows: Sequence[Row], found: Sequence[Advice]
) -> Iterator[Advice]:
    """Categories that are gone, or that the real column does not have."""
    for row in rows:
        if row.metric != "coverage" or row.twin.value is None or row.twin.reason:
            continue
        if _known(row, found) or not row.twin.rows[1]:
            continue
        both = comparison.aligned(_field(comparison, row))
        real, twin = (max(n, 1) for n in row.twin.rows)
        old, new = both.real[:-1], both.other[:-1]
        gone = (new == 0) & (old * (twin / real) >= _EXPECTED)
        if gone.any():
            share = old[gone].sum() / real
            yield _said("dropped category", row, f"{_categories(int(gone.sum()))} that {share:.1%} "
                        "of the real rows hold never occur")  # fmt: skip
        made = int(new[old == 0].sum()) / twin
        usual = _unseen(row)
        if made > usual + 0.02 and both.exact:
            times = ((new > 0).sum()) / max((old > 0).sum(), 1)
            said = (
                f"{made:.1%} of the rows hold categories that no real row has, "
                f"{times:.1f} times as many categories"
            )
            seen = (r for r in rows if r.metric == "tvd" and r.subject == row.subject)
            yield _said("invented category", next(seen, row), said)


def _categories(count: int) -> str:
    return "a category" if count == 1 else f"{count} categories"


def _unseen(row: Row) -> float:
    """Share of held-out rows whose category is not among the rest."""
    if row.ceiling is None or row.ceiling.value is None:
        return 0.0
    rows = max(row.ceiling.rows[1], 1)
    return float(row.ceiling.detail.get("rows_unseen", 0)) / rows


def frequencies(
    comparison: Comparison, rows: Sequence[Row], found: Sequence[Advice]
) -> Iterator[Advice]:
    """Categories that are all there, in other shares."""
    for row in _far(rows, ("tvd",)):
        if not _known(row, found) and abs(_null_gap(comparison, _field(comparison, row))) <= FAR:
            yield _said("differs", row, "has its categories in other shares")


def nulls(comparison: Comparison, rows: Sequence[Row], found: Sequence[Advice]) -> Iterator[Advice]:
    """NULL where there was a value, or the other way round."""
    for row in rows:
        if row.metric != "null_rate" or row.twin.value is None or _known(row, found):
            continue
        if excess(row, _noise(row)) > FAR:
            real, twin = (float(row.twin.detail[side]) for side in ("real", "candidate"))
            yield _said("null rate", row, f"is NULL in {twin:.1%} of the rows, not {real:.1%}")


def _null_gap(comparison: Comparison, field: Field) -> float:
    sides = (comparison.reference, comparison.candidate)
    a, b = (s.nulls(field.table)[field.name] / max(s.rows(field.table), 1) for s in sides)
    return a - b


column_rules: tuple[Rule, ...] = (exchanged, nulls, moved, categories, frequencies)
