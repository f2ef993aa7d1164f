"""Bounds that a twin has to keep, and what to do where it does not."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from synthlake.errors import SpecError
from synthlake.ports import Score
from synthlake.quality.metric import Metric
from synthlake.quality.result import Row

Decision = Literal["PASS", "WARN", "FAIL"]

ATTACKS = ("membership", "membership.tpr", "membership.exposed", "attribute", "singling_out",
           "linkability", "tcap")  # fmt: skip

_TOLD = (*ATTACKS, "copies", "memorised", "tstr", "fairness.change")
"""Default gates that are shown untested too: without a key, there is nothing to test of one."""

DEFAULTS: tuple[Mapping[str, Any], ...] = (
    {"metric": "schema", "at_most": 0, "otherwise": "fail"},
    {"metric": "primary_key", "at_most": 0, "otherwise": "fail"},
    {"metric": "constraints", "at_most": 0, "otherwise": "fail"},
    {"metric": "orphans", "at_most": 0.01, "otherwise": "fail"},
    {"metric": "ks", "at_most": 0.15, "otherwise": "fail"},
    {"metric": "copies", "at_most": "base", "otherwise": "fail"},
    {"metric": "memorised", "at_most": "noise + 0.05", "otherwise": "warn"},
    {"metric": "tstr", "at_least": 0.8, "otherwise": "fail"},
    {"metric": "fairness.change", "at_most": "noise + 0.1", "otherwise": "warn"},
    *({"metric": name, "at_most": "noise + 0.05", "otherwise": "fail"} for name in ATTACKS),
)
"""Gates of a spec that names none."""

_KEYS = ("metric", "at_most", "at_least", "otherwise", "table", "column")
_BOUND = re.compile(
    r"^\s*(ceiling|floor|base|noise)\s*(?:([+-])\s*(\d*\.?\d+(?:[eE][+-]?\d+)?))?\s*$"
)

_REMEDIES: Mapping[str, str] = {
    "schema": "compare the column's type and nullability with the source; "
    "write the twin through the same schema",
    "primary_key": "declare the key's columns and their pattern in the schema, "
    "or lower the scale: the key may have no room left",
    "constraints": "look at the rule in the real data: what made these rows does not keep it",
    "orphans": "set the policy of this foreign key (orphans: keep, null or drop)",
    "null_keys": "set the policy of this foreign key, or learn it from all rows",
    "ks": "check the column's role, learn from more rows (fit.max_rows), "
    "or declare the rule that it follows from",
    "tvd": "check the column's role; declare categories that follow from another column",
    "copies": "learn with a larger minimum leaf or a larger k, "
    "and take identifying columns out (action: mask or null)",
    **dict.fromkeys(
        ("memorised", "authenticity"), "learn with a larger minimum leaf or a larger k"
    ),
    **dict.fromkeys(
        ATTACKS,
        "the twin tells more of rows that were learned from than of others: learn with a larger "
        "minimum leaf or a larger k, and see whether rows were copied",
    ),
    "tstr": "look at the worst pairs with the target below; learn from more rows",
    "c2st.joined": "look at the worst pairs below, and at the keys: a parent's columns "
    "must fit its children",
    "c2st.table": "look at the worst pairs of the table below",
    "c2st.parent": "look at the children per parent below",
    "degrees": "choose the foreign key as own (mode: own) if its siblings are alike",
    "pairs": "declare what follows from what, or learn from more rows",
    **dict.fromkeys(
        ("autocorrelation", "transitions", "inter_event_times"),
        "declare the order of the rows (sequence: {by: ...}), among the children of their own "
        "parent (mode: own) or along a key",
    ),
    **dict.fromkeys(
        (
            "fairness.change",
            "fairness.demographic_parity",
            "fairness.equalized_odds",
            "fairness.equal_opportunity",
        ),
        "look at the protected column with the target among the pairs; let it be drawn first "
        "(conditions: [...]), and learn from more rows",
    ),
    **dict.fromkeys(
        ("expected_match_risk", "true_match_rate", "false_match_rate"),
        "replace more of the columns that an intruder knows, or release a full twin",
    ),
    "coverage": "learn from more rows, or lower k if the data is public",
}


@dataclass(frozen=True)
class Gate:
    """A bound on a metric.

    Attributes:
        metric: its name.
        side: ``at_most`` or ``at_least``.
        bound: a number, or an expression of ceiling, floor, base (upper end of the base
            rate of copies) or noise (half of the figure's interval).
        otherwise: what becomes of the decision where the bound is not kept.
        table: the only table that it is for; empty for all.
        column: the only column that it is for; empty for all.
    """

    metric: str
    side: Literal["at_most", "at_least"]
    bound: float | str
    otherwise: Decision
    table: str = ""
    column: str = ""

    @property
    def text(self) -> str:
        """As in a report."""
        bound = f"{self.bound:g}" if isinstance(self.bound, float) else self.bound
        return f"{self.metric} {'≤' if self.side == 'at_most' else '≥'} {bound}"

    def covers(self, row: Row) -> bool:
        """Whether it is about a score."""
        subject = row.subject
        return (
            row.metric == self.metric
            and self.table in ("", subject.table)
            and (not self.column or self.column in subject.columns)
        )


@dataclass(frozen=True)
class GateResult:
    """What became of a gate.

    Attributes:
        gate: the gate.
        decision: PASS, or what the gate says otherwise; PASS too of a default gate that could not
            be tested.
        subject: where the bound is missed most, or kept most closely.
        value: the figure there.
        bound: the bound there; None where it is unknown.
        tested: how many figures were tested.
        missed: how many of them missed it.
        advice: what to do.
    """

    gate: Gate
    decision: Decision
    subject: str = ""
    value: float | None = None
    bound: float | None = None
    tested: int = 0
    missed: int = 0
    advice: str = ""


def parse(items: Iterable[Mapping[str, Any]], metrics: Mapping[str, Metric]) -> list[Gate]:
    """Gates from a spec's list.

    Raises:
        SpecError: a key, metric or bound is not known.
    """
    return [_gate(item, metrics) for item in items]


def _gate(item: Mapping[str, Any], metrics: Mapping[str, Metric]) -> Gate:
    for key in item:
        if key not in _KEYS:
            raise SpecError(f"a gate has no {key!r}", hint=f"it has {', '.join(_KEYS)}")
    name = str(item.get("metric", ""))
    if name not in metrics:
        near = difflib.get_close_matches(name, metrics, 1, 0.0)
        raise SpecError(f"a gate names no known metric: {name!r}", hint=f"did you mean {near[0]}?")
    sides = [s for s in ("at_most", "at_least") if item.get(s) is not None]
    if len(sides) != 1:
        raise SpecError(f"the gate on {name} needs one bound", hint="give at_most or at_least")
    otherwise = str(item.get("otherwise", "fail")).upper()
    if otherwise not in ("FAIL", "WARN"):
        raise SpecError(f"the gate on {name} cannot {otherwise.lower()}", hint="use fail or warn")
    side: Literal["at_most", "at_least"] = "at_most" if sides[0] == "at_most" else "at_least"
    return Gate(
        name, side, _bound(name, item[side]), "FAIL" if otherwise == "FAIL" else "WARN",
        str(item.get("table") or ""), str(item.get("column") or ""),
    )  # fmt: skip


def _bound(name: str, given: Any) -> float | str:
    if not isinstance(given, bool):
        try:
            return float(given)
        except (TypeError, ValueError):
            pass
    if not isinstance(given, str) or not _BOUND.match(given):
        raise SpecError(
            f"the bound of the gate on {name} cannot be read",
            hint="give a number, or ceiling, floor, base or noise with a number: ceiling + 0.05",
        )
    return " ".join(given.split())


def bound_of(gate: Gate, row: Row) -> float | None:
    """The bound as a number for one score; None where what it refers to is unknown."""
    if isinstance(gate.bound, float):
        return gate.bound
    match = _BOUND.match(gate.bound)
    assert match is not None
    what, sign, number = match.groups()
    base = _reference(what, row)
    if base is None:
        return None
    return base + float(number or 0) * (-1 if sign == "-" else 1)


def _reference(what: str, row: Row) -> float | None:
    if what == "base":
        high = row.twin.detail.get("base_high")
        return None if high is None else float(high)
    if what == "noise":
        value, interval = row.twin.value, row.twin.interval
        return interval[1] - value if interval and value is not None else 0.0
    score: Score | None = row.ceiling if what == "ceiling" else row.floor
    return score.value if score else None


def decide(gates: Sequence[Gate], rows: Sequence[Row], asked: bool) -> list[GateResult]:
    """Test all gates.

    Args:
        gates: what is tested.
        rows: all scores.
        asked: whether the gates come from a spec; one without a figure is then a warning.
    """
    results = []
    for gate in gates:
        covered = [r for r in rows if gate.covers(r)]
        if covered or asked:
            result = _decide(gate, covered, asked)
            if result is not None:
                results.append(result)
    return results


def _decide(gate: Gate, rows: Sequence[Row], asked: bool) -> GateResult | None:
    sign = 1.0 if gate.side == "at_most" else -1.0
    scored = [(r, r.twin.value) for r in rows if r.twin.value is not None]
    known = [(sign * (v - b), r, v, b) for r, v in scored if (b := bound_of(gate, r)) is not None]
    if not known:
        if not asked:
            return _untested(gate, rows) if not scored else None
        what = "what its bound refers to is not known" if scored else "there is no figure for it"
        return GateResult(gate, "WARN", advice=f"not tested: {what}")
    known.sort(key=lambda item: -item[0])
    _, row, value, bound = known[0]
    missed = sum(1 for item in known if item[0] > 1e-12)
    decision: Decision = gate.otherwise if missed else "PASS"
    advice = f"{row.subject.label}: {_REMEDIES.get(gate.metric, 'see the scores')}"
    return GateResult(
        gate, decision, row.subject.label, value, bound, len(known), missed,
        advice if missed else "",
    )  # fmt: skip


def _untested(gate: Gate, rows: Sequence[Row]) -> GateResult | None:
    """A default gate that has reasons alone: shown, without a word in the verdict."""
    reasons = sorted({r.twin.reason for r in rows if r.twin.reason})
    if not reasons or gate.metric not in _TOLD:
        return None
    more = f" (and {len(reasons) - 1} more reasons)" if reasons[1:] else ""
    return GateResult(gate, "PASS", advice=f"not tested: {reasons[0]}{more}")


def overall(results: Sequence[GateResult]) -> Decision:
    """The worst decision."""
    order: tuple[Decision, ...] = ("FAIL", "WARN", "PASS")
    return next((d for d in order if any(r.decision == d for r in results)), "PASS")
