"""Causes that lie in the order of rows: what no longer follows the row before it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from synthlake.quality.advice.advice import Advice, Rule, excess, ks_noise
from synthlake.quality.metric import Comparison, Subject
from synthlake.quality.result import Row
from synthlake.quality.sequences import Order, order_of

_FAR = 0.1
_KEYS = ("cardinality", "dangling", "assignment")  # causes after which no family is whole


def out_of_order(
    comparison: Comparison, rows: Sequence[Row], found: Sequence[Advice]
) -> Iterator[Advice]:
    """One finding a table: the column that is worst, and which others do not follow either."""
    by: dict[str, dict[str, tuple[float, Row]]] = {}
    for row in rows:
        beyond = _beyond(row) if len(row.subject.columns) == 1 else 0.0
        if beyond <= _FAR:
            continue
        held, column = by.setdefault(row.subject.table, {}), row.subject.columns[0]
        held[column] = max(held.get(column, (0.0, row)), (beyond, row), key=lambda f: f[0])
    for table, columns in by.items():
        order = order_of(comparison.ground, table)
        mine = [a for a in found if a.subject.table == table]
        known = {c for a in mine for c in a.subject.columns}
        left = {c: r for c, r in columns.items() if c not in known}
        lost = any(a.cause in _KEYS for a in mine)
        if order is not None and left and not lost and order.by.name not in known:
            yield _said(order, left)


def _beyond(row: Row) -> float:
    """How much worse a figure of order is than chance and other real rows."""
    score = row.twin
    if score.value is None:
        return 0.0
    if row.metric == "inter_event_times":
        return excess(row, ks_noise(*score.rows))
    if row.metric == "autocorrelation":
        return excess(row, float(score.detail["noise"]))
    if row.metric == "transitions":
        there = row.ceiling is not None and row.ceiling.value is not None
        usual = float(row.ceiling.detail["beyond_column"]) if there and row.ceiling else 0.0
        return float(score.detail["beyond_column"]) - max(float(score.detail["noise"]), usual)
    return 0.0


def _said(order: Order, columns: dict[str, tuple[float, Row]]) -> Advice:
    first = max(columns, key=lambda c: (columns[c][0], c))
    row = columns[first][1]
    others = [c for c in columns if c != first]
    listed = ", ".join(others[:3]) + (f" and {len(others) - 3} more" if len(others) > 3 else "")
    finding = _found(row) + (f"; the same of {listed}" if others else "")
    return Advice(
        "order", Subject(order.table, (first,)), row.metric, row.twin.value or 0.0, finding,
        _remedy(order),
    )  # fmt: skip


def _found(row: Row) -> str:
    detail = row.twin.detail
    if row.metric == "inter_event_times":
        return "steps from row to row are distributed otherwise"
    said = "does not follow the row before it as in the real data"
    if row.metric == "transitions":
        return said
    return (
        f"{said} (autocorrelation at lag {detail['lag']} {float(detail['candidate']):.2f}, "
        f"not {float(detail['real']):.2f})"
    )


def _remedy(order: Order) -> str:
    declared = f"`sequence: {{by: {order.by.name}}}`"
    if order.declared:
        return (
            "see whether rows are shuffled, or keys dealt anew, on the way; learn from more rows "
            "(fit.max_rows)"
        )
    if order.kind == "match":
        return (
            f"declare `mode: own` for {order.label} with {declared}: only children that are made "
            "with their parent follow each other"
        )
    return f"declare {declared} for {order.table}, and see whether rows are shuffled on the way"


sequence_rules: tuple[Rule, ...] = (out_of_order,)
