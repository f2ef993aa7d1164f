"""Any schema, with any dirt in its data: what is made of it is whole, and any part alone is."""

from __future__ import annotations

import os
from collections import Counter
from math import inf
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from tests.property.found import FOUND
from tests.property.integrity import Told, wrongs
from tests.property.polymorphic import split, without_parts, wrong_pairs
from tests.property.schemas import Database, DatabaseShape, build, database_shapes

import synthlake as sl
from synthlake.errors import LearnError, SampleError, SchemaError
from synthlake.relational import Generator, Model

EXAMPLES = int(os.environ.get("SYNTHLAKE_FUZZ", "300"))
REFUSED = 0.25  # share of examples that may end with an error


def learned(shape: DatabaseShape, held: Database) -> Any:
    """The artifact of a database."""
    return sl.fit(
        held.tables, held.declared, k=shape.k, seed=shape.seed, holdout=0.0,
        synthesizer=shape.synthesizer,
    )  # fmt: skip


def least_leaf(shape: DatabaseShape) -> float:
    """The fewest rows that tell trees of so small tables how often something is."""
    return max(5.0, 2.0 * shape.k) if shape.synthesizer == "trees" else inf


def check_refusal(error: Exception, held: Database) -> None:
    """An error says where it is, and what to do."""
    assert isinstance(error, LearnError | SampleError | SchemaError)
    assert error.hint, error
    assert any(name in f"{error.message} {error.hint}" for name in held.tables), error


def check_parts(twin: Any, tables: dict[str, pa.Table], random: np.random.Generator) -> None:
    """Any range of any table, and any table, is the same whoever makes it."""
    copied = Model.from_parts(twin.model.to_parts())
    for name, table in tables.items():
        alone = Generator(copied, twin.plan)
        cuts = sorted(random.integers(0, table.num_rows + 1, 2).tolist())
        made = pa.Table.from_batches(alone.batches(name, *cuts), table.schema)
        assert made.equals(table.slice(cuts[0], cuts[1] - cuts[0])), f"rows {cuts} of {name}"


def check(shape: DatabaseShape) -> str:
    """One example; returns how it ended."""
    held = build(shape)
    try:
        artifact = learned(shape, held)
        twin = artifact.sample(shape.scale, seed=shape.seed)
        tables = twin.to_arrow()
    except (LearnError, SampleError, SchemaError) as error:
        check_refusal(error, held)
        return f"{type(error).__name__}: {error.message}"
    (real, declared), (made, _) = split(held.tables, held.declared), split(tables, held.declared)
    owns = {
        name: {"columns": list(own.columns), "references": own.references, "to": list(own.to)}
        for name in real if (own := twin.model.schema[name].own) is not None
    }  # fmt: skip
    told = Told(" ".join(twin.notes), shape.k, owns, least_leaf(shape))
    found = without_parts(list(wrongs(real, made, declared, told, shape.scale)))
    found += wrong_pairs(held.tables, tables, held.declared)
    assert not found, f"{found}\n{held.text}\n{twin.notes}"
    random = np.random.default_rng(shape.seed)
    check_parts(twin, tables, random)
    one = str(random.choice(list(tables)))
    assert (
        artifact.sample(shape.scale, seed=shape.seed, tables=[one])
        .to_arrow()[one]
        .equals(tables[one])
    )
    return "made"


@pytest.mark.slow
def test_schemas() -> None:
    ends: Counter[str] = Counter()

    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=EXAMPLES <= 300,
        suppress_health_check=list(HealthCheck), print_blob=True,
    )  # fmt: skip
    @given(database_shapes())
    def one(shape: DatabaseShape) -> None:
        ends[check(shape)] += 1

    one()
    refused = sum(n for end, n in ends.items() if end != "made")
    assert refused <= REFUSED * sum(ends.values()), ends.most_common(20)


@pytest.mark.parametrize("shape", FOUND.values(), ids=FOUND)
def test_shapes_that_fuzzing_found(shape: DatabaseShape) -> None:
    assert check(shape) == "made"
