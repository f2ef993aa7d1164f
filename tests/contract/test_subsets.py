"""Subsets of the hard database: the same rows from every engine, in the same order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.contract.conftest import Both

from synthlake.errors import SourceError
from synthlake.ports import Source
from synthlake.schema.model import ForeignKey, Schema
from synthlake.sql.subset import HASH, Wanted, choose
from synthlake.sql.tally import tally


def taken(source: Source, schema: Schema, wanted: Wanted) -> tuple[Any, ...]:
    """Hashes of the rows by table, which are of all values but near floats; and the counts."""
    chosen = choose(source, schema, wanted)
    counts, references = tally(source, schema, chosen)
    hashes = {
        table.name: chosen.engine.query(
            f"SELECT {HASH} FROM {chosen.engine.relation(table.name)} ORDER BY {HASH}"
        )[HASH].to_pylist()
        for table in schema
    }
    chosen.close()
    return hashes, counts, references


@pytest.mark.slow
@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(("Place",), fraction=0.2, seed=1),
        Wanted(("seen", "note"), rows=50, others="none"),
        Wanted(("Place",), fraction=0.5, others="all", max_children=2),
    ],
)
def test_subsets_are_the_same(both: Both, wanted: Wanted) -> None:
    ours = taken(both.source, both.schema, wanted)
    assert ours == taken(both.memory, both.schema, wanted)
    assert not any(key.created for key in ours[2])
    assert sum(count.rows for count in ours[1]) > 50


def test_cycles_of_texts_and_numbers_are_the_same(both: Both) -> None:
    seen = both.schema["seen"]
    more = (
        ForeignKey(("small",), "seen", ("id",)),
        ForeignKey(("text",), "seen", ("code",)),
        ForeignKey(("big", "price"), "seen", ("big", "price")),
    )
    schema = both.schema.with_table(replace(seen, foreign_keys=(*seen.foreign_keys, *more)))
    wanted = Wanted(("Place",), fraction=0.02, max_children=3)
    if both.engine == "spark":
        with pytest.raises(SourceError, match="form a cycle"):
            choose(both.source, schema, wanted)
        return
    ours = taken(both.source, schema, wanted)
    assert ours == taken(both.memory, schema, wanted)
    assert not any(key.created for key in ours[2])
    assert next(count.rows for count in ours[1] if count.name == "seen") > 0
