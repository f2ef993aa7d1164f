"""Any schema, with any dirt in its data: what is made of it is whole, and any part alone is."""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from tests.property.integrity import Told, wrongs
from tests.property.polymorphic import split, without_parts, wrong_pairs
from tests.property.schemas import (
    Database,
    DatabaseShape,
    LoopShape,
    ReferenceShape,
    TableShape,
    build,
    database_shapes,
)

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
    told = Told(" ".join(twin.notes), shape.k, owns)
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


def _table(rows: int, key: str, *references: ReferenceShape, **more: Any) -> TableShape:
    given = {"attributes": (), "loops": (), "unique": False, "keep": False, **more}
    return TableShape(rows=rows, key=key, references=references, **given)


def _reference(parent: int, **more: Any) -> ReferenceShape:
    plain = {"group": False, "nulls": 0.0, "orphans": 0.0, "policy": "keep", "mode": None}
    rest = {"skew": 0.0, "through": False, "partial": False}
    return ReferenceShape(parent=parent, **{**plain, **rest, **more})


def test_shapes_that_fuzzing_found() -> None:
    """What is wrong in small.

    A key of one text, of which missing parents want more; a number below two keys at once; children
    of rows that have no parent themselves; one row, whose key refers to a table that is kept;
    keys to a kept table that are NULL in part; a bridge, one side of which is a relative; the same
    where relatives of nobody are any, so that two of them are written alike; children of few
    entities, of which no k have parents of one code, but k have some; the same where it takes
    orphans to be k; orphans of a kept table, of whose keys none may be told.
    """
    loop = LoopShape(target=1, kind="tree", orphans=0.2)
    one = (
        _table(60, "part", loops=(loop,)),
        _table(1, "text"),
        _table(60, "number", _reference(2)),
    )
    two = (
        _table(60, "part"), _table(60, "part", _reference(1)),
        _table(60, "part", _reference(1, through=True)),
    )  # fmt: skip
    three = (
        _table(60, "number"), _table(60, "part", _reference(1, orphans=0.2)),
        _table(60, "part", _reference(1, through=True)),
    )  # fmt: skip
    four = (_table(60, "number", keep=True), _table(1, "part", _reference(1)))
    partly = _reference(2, nulls=1.0, partial=True)
    five = (
        _table(60, "grid", keep=True), _table(60, "part"), _table(60, "part", _reference(1), partly)
    )  # fmt: skip
    six = (
        _table(60, "number"), _table(120, "part", _reference(1)),
        _table(60, "bridge", _reference(1, skew=3.0), _reference(1, through=True)),
    )  # fmt: skip
    relative = _reference(1, through=True, partial=True, orphans=0.2)
    seven = (
        _table(90, "number"), _table(120, "number"),
        _table(120, "number", _reference(2, group=True), _reference(1)),
        _table(120, "part", _reference(1)),
        _table(60, "bridge", _reference(2, skew=3.0), relative),
    )  # fmt: skip
    few = _reference(2, skew=3.0, mode="own")
    eight, nine = (
        (
            _table(60, "number"), _table(60, "number"),
            _table(120, "number", few, _reference(1, nulls=0.25, orphans=orphans)),
        )
        for orphans in (0.0, 0.2)
    )  # fmt: skip
    ten = (
        _table(60, "text", keep=True), _table(300, "number", _reference(1, orphans=0.5)),
    )  # fmt: skip
    made = [(tables, 0, 1, "trees") for tables in (one, two, three, five, six)]
    made += [(four, 0, 3, "independent"), (seven, 10, 1, "trees")]
    made += [(eight, 7, 5, "trees"), (nine, 7, 5, "trees"), (ten, 0, 10, "trees")]
    for tables, seed, k, name in made:
        shape = DatabaseShape(tables=tables, seed=seed, k=k, synthesizer=name, scale=1.0)
        assert check(shape) == "made"
