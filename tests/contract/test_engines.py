"""What every engine must agree on, to the last row: executed, over the same hard data."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from tests.contract.conftest import Both, keyed

from synthlake.ports import Source
from synthlake.schema.infer import infer
from synthlake.source import read_table
from synthlake.sql import columns, trees
from synthlake.sql.draw import draw
from synthlake.sql.measure import measure
from synthlake.sql.split import split


def shown(tables: dict[str, pa.Table]) -> dict[str, Any]:
    """Rows in their order; NaN is equal to itself as text, and -0.0 is not 0.0."""
    return {name: (str(t.schema), list(map(repr, t.to_pylist()))) for name, t in tables.items()}


def in_any_order(source: Source) -> dict[str, Any]:
    # rows that are not learned from keep the sign of a zero where the engine has one
    return {
        table.name: sorted(
            repr(row).replace(": -0.0", ": 0.0")
            for row in read_table(source, table.name).to_pylist()
        )
        for table in source.schema()
    }


def test_types_and_rows_come_back(both: Both) -> None:
    assert [(t.name, [(c.name, c.type) for c in t.columns]) for t in keyed(both.source)] == [
        (t.name, [(c.name, c.type) for c in t.columns]) for t in both.schema
    ]
    assert in_any_order(both.source) == in_any_order(both.memory)


@pytest.mark.slow
def test_inference_asks_the_same(both: Both) -> None:
    ours, theirs = infer(both.source), infer(both.memory)
    assert ours.evidence == theirs.evidence
    assert ours.rows == theirs.rows
    assert {t.name: (t.primary_key, t.foreign_keys) for t in ours.schema} == {
        t.name: (t.primary_key, t.foreign_keys) for t in theirs.schema
    }


def test_the_hold_out_is_the_same(both: Both) -> None:
    ours = split(both.source, both.schema, 0.3, min_roots=100)
    theirs = split(both.memory, both.schema, 0.3, min_roots=100)
    assert ours.tables == theirs.tables
    assert ours.holdout is not None
    assert theirs.holdout is not None
    assert in_any_order(ours.holdout) == in_any_order(theirs.holdout)
    assert in_any_order(ours.train) == in_any_order(theirs.train)


@pytest.mark.slow
@pytest.mark.parametrize("most", [20_000, 20])
def test_statistics_are_the_same(both: Both, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "MAX_VALUES", most)
    monkeypatch.setattr(columns, "MAX_CUTS", 16)
    monkeypatch.setattr(columns, "MAX_SHAPES", 12)
    found = []
    for source in (both.source, both.memory):
        parts = split(source, both.schema, 0.3, min_roots=100)
        found.append(measure(parts.train, parts.whole, both.schema))
    ours, theirs = found
    for table in both.schema:
        for name in ours[table.name].columns:
            of, expected = ours[table.name].columns[name], theirs[table.name].columns[name]
            assert of == expected, f"{table.name}.{name}"
        assert ours[table.name] == theirs[table.name]


@pytest.mark.slow
@pytest.mark.parametrize("limit", [10**6, 700])
def test_samples_are_the_same(both: Both, limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trees, "LARGE", 500)
    monkeypatch.setattr(trees, "FAMILIES", 100)
    found = []
    for source in (both.source, both.memory):
        parts = split(source, both.schema, 0.3, min_roots=100)
        found.append(shown(draw(parts.train, both.schema, limit, parts.whole)))
    assert found[0] == found[1]
