"""Causes between two columns of a table: each is right alone, together they are not."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from synthlake.quality.advice.advice import Advice, Rule
from synthlake.quality.metric import Comparison, Subject
from synthlake.quality.result import Row

_FAR = 0.1
_CELLS = 121  # of two columns in ten intervals or values, and NULL
_MOST = 5  # findings a table
_REMEDY = (
    "see whether rows were put together from columns of different order; declare what follows from "
    "what (constraints), learn from more rows, or draw each row of a table without relatives "
    "several times (synthesizer: {name: trees, tries: 8})"
)


def apart(comparison: Comparison, rows: Sequence[Row], found: Sequence[Advice]) -> Iterator[Advice]:
    """Columns that no longer go with others; of many such pairs, the column that they share."""
    said = {(a.subject.table, c) for a in found for c in a.subject.columns}
    by_table: dict[str, dict[tuple[str, str], Row]] = {}
    for row in rows:
        if row.metric != "pairs" or len(row.subject.columns) != 2 or row.twin.value is None:
            continue
        left, right = row.subject.columns
        if _beyond(row) > _FAR and not {(row.subject.table, c) for c in (left, right)} & said:
            by_table.setdefault(row.subject.table, {})[left, right] = row
    related = {r.subject: r for r in rows if r.metric == "mutual_information"}
    for table, bad in by_table.items():
        yield from _shared(table, bad, related)


def _beyond(row: Row) -> float:
    """What single columns do not explain, beyond what other real rows have."""
    value = float(row.twin.detail.get("beyond_columns", 0.0))
    if row.ceiling is not None and row.ceiling.value is not None:
        return value - float(row.ceiling.detail.get("beyond_columns", 0.0))
    a, b = (max(n, 1) for n in row.twin.rows)
    # E|p - q| of a cell is at most sqrt(2 p (1/a + 1/b) / pi), and sqrt is concave
    return value - math.sqrt(_CELLS * (1 / a + 1 / b) / (2 * math.pi))


def _shared(
    table: str, bad: dict[tuple[str, str], Row], related: dict[Subject, Row]
) -> Iterator[Advice]:
    left = dict(bad)
    for _ in range(_MOST):
        if not left:
            return
        counted = Counter(c for pair in left for c in pair)
        name, count = max(counted.items(), key=lambda item: (item[1], item[0]))
        mine = {p: r for p, r in left.items() if name in p}
        if count < 2:
            mine = dict([max(left.items(), key=lambda item: _beyond(item[1]))])
        worst = max(mine.values(), key=_beyond)
        partners = [next(c for c in p if c != name) for p in mine]
        if count < 2:
            subject, who = worst.subject, "no longer go together"
        else:
            subject = Subject(table, (name,))
            who = f"no longer goes with {', '.join(partners[:3])}"
            who += f" and {count - 3} other columns" if count > 3 else ""
        yield Advice("association", subject, "pairs", worst.twin.value or 0.0,
                     f"{who} as in the real data{_how(worst, related)}", _REMEDY)  # fmt: skip
        left = {p: r for p, r in left.items() if p not in mine}


def _how(row: Row, related: dict[Subject, Row]) -> str:
    other = related.get(row.subject)
    if other is None or other.twin.value is None:
        return ""
    real, twin = float(other.twin.detail["real"]), float(other.twin.detail["candidate"])
    if twin < real / 2:
        return ", as if independent" if twin < real / 10 else ", but more loosely"
    return ", but more closely" if twin > 2 * real else ""


pair_rules: tuple[Rule, ...] = (apart,)
