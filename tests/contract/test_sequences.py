"""Rows in an order, judged in every engine that the judge runs in: the same figures, to the bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.contract.engines import ENGINES
from tests.quality import test_sequences as sequences

from synthlake.ports import Source
from synthlake.quality.evaluate import evaluate
from synthlake.quality.settings import EvaluationSettings
from synthlake.schema.model import Schema, Sequenced
from synthlake.source import open_source

TABLES = sequences.machines(1, 60)


def figures(real: Source, schema: Schema) -> list[Any]:
    twin = open_source(sequences.mixed_within(sequences.machines(2, 60)))
    report = evaluate(
        real, twin, schema,
        settings=EvaluationSettings("quick", metrics=sequences.METRICS, gates=()),
    )  # fmt: skip
    return [(row.metric, row.subject, row.twin) for m in sequences.METRICS for row in report.of(m)]


@pytest.mark.parametrize("engine", ["duckdb", "postgres"])
def test_figures_of_order_are_the_same(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    source = ENGINES[engine](request, TABLES, tmp_path)
    for said in ({}, {"sequence": Sequenced("at")}):
        schema = sequences.schema_of(TABLES, **said)
        found = figures(source, schema)
        assert any(score.value for _, _, score in found)
        assert found == figures(open_source(TABLES), schema)
