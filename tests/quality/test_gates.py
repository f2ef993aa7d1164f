"""Bounds, decisions and what they recommend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from synthlake.errors import SpecError
from synthlake.ports import Score
from synthlake.quality.gates import DEFAULTS, decide, overall, parse
from synthlake.quality.metric import Subject, metrics
from synthlake.quality.result import Row
from synthlake.quality.settings import EvaluationSettings

ROWS = (
    Row("ks", Subject("t", ("a",)), Score(0.1), Score(0.04), Score(0.6)),
    Row("ks", Subject("t", ("b",)), Score(0.2), Score(0.02), Score(0.5)),
    Row("ks", Subject("u", ("a",)), Score(None, reason="constant")),
    Row("degrees", Subject("t", key="t(a) -> u"), Score(0.8)),
    Row("copies", Subject("t"), Score(0.1, detail={"base_rate": 0.1, "base_high": 0.12})),
    Row("memorised", Subject("t"), Score(0.1, (0.02, 0.18))),
)


def decision(gate: Mapping[str, Any]) -> tuple[str, int]:
    result = decide(parse([gate], metrics()), ROWS, asked=True)[0]
    return result.decision, result.missed


@pytest.mark.parametrize(
    ("gate", "wanted"),
    [
        ({"metric": "ks", "at_most": 0.2}, ("PASS", 0)),
        ({"metric": "ks", "at_most": 0.15}, ("FAIL", 1)),
        ({"metric": "ks", "at_most": 0.05, "otherwise": "warn"}, ("WARN", 2)),
        ({"metric": "ks", "at_most": "ceiling + 0.07"}, ("FAIL", 1)),
        ({"metric": "ks", "at_most": "floor - 0.3"}, ("PASS", 0)),
        ({"metric": "ks", "at_most": 0.15, "column": "a"}, ("PASS", 0)),
        ({"metric": "ks", "at_most": 0.0, "table": "u"}, ("WARN", 0)),
        ({"metric": "degrees", "at_least": 0.9}, ("FAIL", 1)),
        ({"metric": "degrees", "at_least": "ceiling - 0.1"}, ("WARN", 0)),
        ({"metric": "copies", "at_most": "base"}, ("PASS", 0)),
        ({"metric": "memorised", "at_most": "noise + 0.05"}, ("PASS", 0)),
        ({"metric": "memorised", "at_most": 0.05}, ("FAIL", 1)),
    ],
)
def test_decisions(gate: Mapping[str, Any], wanted: tuple[str, int]) -> None:
    assert decision(gate) == wanted


def test_a_default_gate_with_reasons_alone_is_shown_and_decides_nothing() -> None:
    gates = parse(DEFAULTS, metrics())
    why = Score(None, reason="there is no hold-out to compare with")
    rows = (*ROWS[:1], Row("membership", Subject("t"), why), Row("tcap", Subject("t"), why),
            Row("primary_key", Subject("t"), Score(None, reason="no primary key")))  # fmt: skip
    found = {r.gate.metric: r for r in decide(gates, rows, asked=False)}
    assert set(found) == {"ks", "membership", "tcap"}  # no line for what was not computed
    assert found["membership"].advice == f"not tested: {why.reason}"
    assert (found["membership"].value, found["membership"].tested) == (None, 0)
    assert overall(list(found.values())) == "PASS"
    named = parse([{"metric": "membership", "at_most": 0.1}], metrics())
    assert overall(decide(named, rows, asked=True)) == "WARN"  # a spec that asks is told


def test_the_worst_place_and_a_remedy_are_named() -> None:
    results = decide(parse([{"metric": "ks", "at_most": 0.05}], metrics()), ROWS, asked=True)
    assert results[0].subject == "t.b"
    assert "t.b" in results[0].advice
    assert overall(results) == "FAIL"


@pytest.mark.parametrize(
    "gate",
    [
        {"metric": "kss", "at_most": 1},
        {"metric": "ks"},
        {"metric": "ks", "at_most": 1, "at_least": 0},
        {"metric": "ks", "at_most": "__import__('os')"},
        {"metric": "ks", "at_most": "ceiling * 2"},
        {"metric": "ks", "at_most": True},
        {"metric": "ks", "at_most": 1, "otherwise": "ignore"},
        {"metric": "ks", "at_most": 1, "colum": "a"},
    ],
)
def test_what_cannot_be_read_is_refused(gate: Mapping[str, Any]) -> None:
    with pytest.raises(SpecError, match="gate") as raised:
        parse([gate], metrics())
    assert raised.value.hint


@pytest.mark.parametrize("given", [{"tier": "slow"}, {"target": "amount"}])
def test_settings_that_cannot_be_kept_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(SpecError):
        EvaluationSettings(**given)
