"""Causes of leaks: rows passed through, or learned by heart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from synthlake.quality.advice.advice import Advice, Rule
from synthlake.quality.gates import ATTACKS
from synthlake.quality.metric import Comparison, Subject
from synthlake.quality.result import Row

_FAR = 0.05  # lower end of a figure's interval; exact copies beyond chance: a tenth of it
_THROUGH = (
    "see what passes real rows through (a fallback, a join, a sink that was not empty), and learn "
    "with a larger minimum leaf or a larger k"
)
_BY_HEART = (
    "learn with a larger minimum leaf or a larger k, and take identifying columns out (action: "
    "mask or null)"
)


def leaked(
    comparison: Comparison, rows: Sequence[Row], found: Sequence[Advice]
) -> Iterator[Advice]:
    """One finding a table, from all detectors that agree."""
    by: dict[str, dict[str, Row]] = {}
    for row in rows:
        if row.metric in ("copies", "memorised", *ATTACKS) and _flagged(row):
            worst = by.setdefault(row.subject.table, {}).get(row.metric)
            if worst is None or (row.twin.value or 0.0) > (worst.twin.value or 0.0):
                by[row.subject.table][row.metric] = row
    for table, flagged in by.items():
        yield _said(table, flagged)


def _flagged(row: Row) -> bool:
    value, interval = row.twin.value, row.twin.interval
    if value is None or interval is None:
        return False
    if row.metric == "copies":
        high = row.twin.detail.get("base_high")
        return high is not None and interval[0] > float(high) + _FAR / 10
    return interval[0] > _FAR


def _said(table: str, flagged: dict[str, Row]) -> Advice:
    names = ", ".join(flagged)
    subject = Subject(table)
    if "copies" in flagged:
        score = flagged["copies"].twin
        base = float(score.detail.get("base_rate", 0.0))
        finding = (
            f"{score.value:.1%} of the rows are rows that were learned from, where {base:.1%} "
            f"would be by chance (shown by {names})"
        )
        return Advice("copied", subject, "copies", score.value or 0.0, finding, _THROUGH)
    name, row = next(iter(flagged.items()))
    place = f", most of {row.subject.label}" if row.subject.columns else ""
    finding = f"rows that were learned from can be told from others (shown by {names}{place})"
    return Advice("learned by heart", subject, name, row.twin.value or 0.0, finding, _BY_HEART)


def identified(
    comparison: Comparison, rows: Sequence[Row], found: Sequence[Advice]
) -> Iterator[Advice]:
    """Tables of which columns were replaced, and whose people are still found."""
    for row in rows:
        score = row.twin
        low = score.interval[0] if score.interval else score.value
        if row.metric != "expected_match_risk" or low is None or low <= _FAR:
            continue
        kept, replaced = score.detail["kept"], score.detail["replaced"]
        finding = (
            f"an intruder finds {score.value:.1%} of the rows, of {score.detail['unmodified']:.1%} "
            f"if nothing had been replaced, by {', '.join([*kept, *replaced])}"
        )
        what = f"replace some of {', '.join(kept)} too" if kept else "replace the key"
        yield Advice(
            "identified", row.subject, row.metric, score.value or 0.0, finding,
            f"{what}, or release a full twin",
        )  # fmt: skip


privacy_rules: tuple[Rule, ...] = (leaked, identified)
