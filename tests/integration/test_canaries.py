"""No value that fewer than k entities have is in anything that a run leaves behind."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.integration.canaries import (
    DEPOT_DEGREE,
    GIANT_DEGREE,
    ORPHAN_DEGREE,
    TABLES,
    Database,
    Planted,
    Search,
    planted,
)

import synthlake as sl
from synthlake.errors import SynthlakeError
from synthlake.pipeline.document import to_json
from synthlake.pipeline.learn import divide, understand
from synthlake.pipeline.run import RunResult, run
from synthlake.ports import Event
from synthlake.relational import Model
from synthlake.source import open_source
from synthlake.store.artifact import load

pytestmark = pytest.mark.slow

HUGE = 900  # children; more than any parent but three has, and than ten together


def learned(tables: Database, name: str) -> list[int]:
    """Rows of a table that are not held out."""
    schema = understand(open_source(tables), TABLES)
    train = divide(open_source(tables), schema, 0.1).train
    key = schema[name].primary_key[0]
    kept = {v for batch in train.batches(name, [key]) for v in batch.column(0).to_pylist()}
    return [row for row, value in enumerate(tables[name][key].to_pylist()) if value in kept]


@dataclass
class Bird:
    """A run on the planted database."""

    planted: Planted
    spec: dict[str, Any]
    done: RunResult
    said: str
    search: Search = field(init=False)

    def __post_init__(self) -> None:
        self.search = Search(self.planted.canaries)

    @property
    def model(self) -> Model:
        return Model.from_parts(load(self.done.artifact).parts)


@pytest.fixture(scope="module")
def database() -> Planted:
    return planted(learned)


@pytest.fixture(scope="module")
def flown(
    database: Planted, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Bird]:
    """Runs the whole pipeline, once for each k."""
    done: dict[int, Bird] = {}

    def fly(k: int) -> Bird:
        if k not in done:
            folder = tmp_path_factory.mktemp(f"k{k}")
            spec = spec_of(database.tables, folder, k=k)
            heard: list[Event] = []
            result = run(spec, on_event=heard.append)
            said = "\n".join([result.summary, *result.notes, *map(repr, heard)])
            done[k] = Bird(database, spec, result, said)
        return done[k]

    return fly


def spec_of(tables: Database, folder: Path, **changes: Any) -> dict[str, Any]:
    """Writes a database as Parquet, and makes a spec of it."""
    (folder / "data").mkdir()
    for name, table in tables.items():
        pq.write_table(table, folder / "data" / f"{name}.parquet")
    return {
        "source": str(folder / "data"),
        "sink": str(folder / "twin"),
        "seed": 7,
        "tables": TABLES,
        "evaluate": {"tier": "standard"},
        "gates": [{"metric": "primary_key", "at_most": 0}],
        **changes,
    }


def test_a_hundred_are_planted(database: Planted) -> None:
    assert len({c.texts[0] for c in database.canaries}) >= 100
    real = Search(database.canaries)
    for name, table in database.tables.items():
        real.table(table, name)
    found = set().union(*real.found.values())
    assert found == {str(c) for c in database.canaries}, "the search does not see the source"


def test_nothing_that_fewer_than_k_have_is_anywhere(flown: Callable[..., Bird]) -> None:
    bird = flown(10)
    bird.search.folder(bird.done.folder)
    bird.search.text(bird.said, "events")
    assert bird.search.found == {}


def test_the_search_finds_them_where_k_is_one(flown: Callable[..., Bird]) -> None:
    bird = flown(1)
    bird.search.folder(bird.done.folder)
    artifact = {c for n, found in bird.search.found.items() if ".artifact" in n for c in found}
    twin = {c for n, found in bird.search.found.items() if ".parquet:" in n for c in found}
    kinds = Counter(c.split(" in ")[0] for c in artifact)
    assert len(artifact) >= 60, kinds
    assert len(twin) >= 40
    assert set(kinds) >= {"category", "maximum", "minimum", "between", "key", "held by nine",
                          "match orphan", "grid key", "tiny table"}  # fmt: skip
    assert any(n.endswith("model.safetensors") for n in bird.search.found), "no number is found"
