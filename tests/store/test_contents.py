"""`inspect` lists all that an artifact holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import synthlake
from synthlake.store.artifact import load
from synthlake.store.canonical import canonical_json
from synthlake.store.contents import Entry
from synthlake.store.inspection import inspect, inspection_of
from synthlake.store.parts import Parts

PARENTS, CHILDREN = 400, 3_000


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop: a public table, an own and a match reference, orphans, a derived column."""
    random = np.random.default_rng(3)
    price = random.integers(1, 60, CHILDREN)
    tables = {
        "shops": pa.table({"shop": ["a", "b", "c"]}),
        "customers": pa.table({"id": np.arange(PARENTS), "age": random.integers(18, 80, PARENTS)}),
        "orders": pa.table(
            {
                "order": np.arange(CHILDREN),
                "customer": random.integers(0, PARENTS + 60, CHILDREN),
                "shop": np.array(["a", "b", "c"])[random.integers(0, 3, CHILDREN)],
                "price": price,
                "note": [f"{w:06d}" for w in random.integers(0, 999_999, CHILDREN)],
            }
        ),
    }
    schema = {
        "shops": {"keep": True, "primary_key": ["shop"]},
        "customers": {"primary_key": ["id"]},
        "orders": {
            "primary_key": ["order"],
            "foreign_keys": [
                {"columns": ["customer"], "references": "customers", "mode": "own"},
                {"columns": ["shop"], "references": "shops", "mode": "match"},
            ],
        },
    }
    return synthlake.fit(tables, schema, seed=1).save(tmp_path_factory.mktemp("a") / "artifact")


def test_columns_and_references_are_listed(artifact: Path) -> None:
    found = inspect(artifact)
    said = {(e.table, e.place, e.what.split(":")[0]) for e in found.entries}
    assert ("orders", "price", "ranges of values") in said
    assert ("orders", "orders(customer) -> customers", "reference") in said
    assert ("orders", "orders(customer) -> customers", "parents that are missing") in said
    assert ("orders", "orders(shop) -> shops", "public keys that k entities refer to") in said
    assert ("orders", "order", "key") in said
    assert ("customers", "children by orders(customer) -> customers", "ranges of values") in said
    assert any(e.what.startswith("tree over") and e.place == "age" for e in found.entries)
    assert [(k.table, k.rows) for k in found.kept] == [("shops", 3)]
    assert found.k == 10


def test_nothing_is_left_out(artifact: Path) -> None:
    stored = load(artifact)
    tensors = sum(t.nbytes for t in stored.parts.tensors.values())
    listed = sum(e.bytes for e in inspect(artifact).entries)
    assert tensors <= listed <= tensors + len(canonical_json(stored.parts.manifest))


def test_what_has_no_words_is_listed_by_name(artifact: Path) -> None:
    stored = load(artifact)
    tensors = {**stored.parts.tensors, "orders/odd": np.zeros(7), "alone": np.ones(2)}
    manifest = {**stored.parts.manifest, "odd": [1, 2, 3]}
    parts = Parts(manifest, tensors, stored.parts.tables)
    found = inspection_of(type(stored)(stored.id, parts)).entries
    assert Entry("orders", "odd", "float64 7", 7, 56) in found
    assert Entry("", "alone", "float64 2", 2, 16) in found
    assert ("", "odd", 3) in {(e.table, e.place, e.count) for e in found}


def test_parts_of_dates_and_several_draws_of_a_row_are_said(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    angle = random.uniform(0, 2 * np.pi, 4_000)
    table = pa.table({
        "at": np.datetime64("2020-01-01T00", "s") + random.integers(0, 10**8, 4_000),
        "x": np.round(1_000 * np.cos(angle)).astype(np.int64),
        "y": np.round(1_000 * np.sin(2 * angle)).astype(np.int64),
    })  # fmt: skip
    settings = {"name": "trees", "min_leaf": 1_500, "tries": 4}
    fitted = synthlake.fit({"t": table}, {"t": {"primary_key": []}}, seed=1, synthesizer=settings)
    found = inspect(fitted.save(tmp_path / "a"))
    said = {(e.place, e.what) for e in found.entries}
    assert ("at", "known of it to columns after it: day of the year, weekday, hour") in said
    assert ("", "which of 4 draws of a row is kept, by its columns and pairs") in said
    assert not [e for e in found.entries if "refined" in e.place or e.what == "dates"]
