"""Causes that lie in groups: who fares otherwise by a model of the twin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from synthlake.quality.advice.advice import Advice, Rule
from synthlake.quality.metric import Comparison
from synthlake.quality.result import Row

_FAR = 0.1  # lower end of a figure's interval


def favoured(
    comparison: Comparison, rows: Sequence[Row], found: Sequence[Advice]
) -> Iterator[Advice]:
    """Groups of which a model trained on the twin selects more or less than one of real rows."""
    for row in rows:
        interval = row.twin.interval
        if row.metric != "fairness.change" or interval is None or interval[0] <= _FAR:
            continue
        detail, (group, outcome) = row.twin.detail, row.subject.columns
        finding = (
            "trained on the twin, a model changes the share that it selects of "
            f"{detail['raised']} by {float(detail['raised by']):+.1%} and of "
            f"{detail['lowered']} by {float(detail['lowered by']):+.1%}"
        )
        remedy = (
            f"look at {group} with {outcome} among the pairs; let {group} be drawn first "
            f"(`conditions: [{group}]`), and learn from more rows (fit.max_rows)"
        )
        yield Advice("favoured", row.subject, row.metric, row.twin.value or 0.0, finding, remedy)


fairness_rules: tuple[Rule, ...] = (favoured,)
