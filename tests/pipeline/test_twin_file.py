"""A twin in one file makes the rows of the twin that was saved, whatever ranges are asked for."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import synthlake as sl
from synthlake.errors import ArtifactError
from synthlake.pipeline.twin import Twin

WANTED = {"scale": 9.0, "seed": 3}


def _tables() -> dict[str, pa.Table]:
    rng = np.random.default_rng(5)
    shops = pa.table({"shop": [f"S{i:03}" for i in range(300)], "size": rng.integers(1, 9, 300)})
    sales = pa.table(
        {
            "id": np.arange(2_000),
            "shop": [f"S{i:03}" for i in rng.integers(0, 310, 2_000)],  # ten of them are no shops
            "kind": rng.integers(0, 12, 2_000),
            "amount": rng.normal(50, 9, 2_000).round(2),
        }
    )
    kinds = pa.table({"kind": np.arange(10), "label": [f"kind {i}" for i in range(10)]})
    return {"kinds": kinds, "shops": shops, "sales": sales}


SCHEMA = {
    "kinds": {"keep": True, "primary_key": ["kind"]},
    "shops": {"primary_key": ["shop"]},
    "sales": {
        "primary_key": ["id"],
        "foreign_keys": [
            {"columns": ["shop"], "references": "shops", "mode": "own"},
            {"columns": ["kind"], "references": "kinds", "mode": "match"},
        ],
    },
}


@pytest.fixture(scope="module")
def artifact() -> sl.Artifact:
    return sl.fit(_tables(), SCHEMA, seed=7)


@pytest.fixture(scope="module")
def twin(artifact: sl.Artifact) -> Twin:
    return artifact.sample(**WANTED)


def test_a_saved_twin_makes_the_same_rows(twin: Twin, tmp_path: Path) -> None:
    saved = twin.save(tmp_path / "twin")
    opened = Twin.open_file(tmp_path / "twin")
    assert opened.to_arrow() == twin.to_arrow()
    assert opened.save(tmp_path / "again") == saved
    assert (tmp_path / "again").read_bytes() == (tmp_path / "twin").read_bytes()


@pytest.mark.parametrize("parts", [1, 2, 7, 1_000])
def test_cuts_are_the_table(twin: Twin, parts: int) -> None:
    for table in twin.values():
        cuts = table.cuts(parts)
        assert 1 <= len(cuts) <= parts
        assert [cuts[0][0], cuts[-1][1]] == [0, table.rows]
        assert [b for _, b in cuts[:-1]] == [a for a, _ in cuts[1:]]
        rows = [batch for cut in cuts for batch in table.batches(*cut)]
        assert pa.Table.from_batches(rows, table.schema) == table.to_arrow()
    assert len(twin["sales"].cuts(1_000)) > 1


def test_rows_of_any_range_are_those_of_the_whole(twin: Twin) -> None:
    sales = twin["sales"]
    whole = sales.to_arrow()
    for start, stop in [(0, 1), (17, 4_321), (5_000, sales.rows), (sales.rows, sales.rows)]:
        rows = pa.Table.from_batches(sales.batches(start, stop), sales.schema)
        assert rows == whole.slice(start, stop - start)


def test_orphan_keys_are_as_many_as_the_plan_has(twin: Twin) -> None:
    made = twin.to_arrow()
    for fk in twin.schema["sales"].foreign_keys:
        there = set(made[fk.references][fk.to[0]].to_pylist())
        missing = set(made["sales"][fk.columns[0]].to_pylist()) - there - {None}
        most = twin.orphan_keys("sales", fk)
        assert most is not None
        assert 0 < len(missing) <= most


def test_what_is_no_twin_is_an_error(twin: Twin, tmp_path: Path) -> None:
    path = tmp_path / "twin"
    with pytest.raises(ArtifactError, match="not there"):
        Twin.open_file(path)
    path.write_bytes(b"not a twin")
    with pytest.raises(ArtifactError, match="cannot be read"):
        Twin.open_file(path)
    twin.save(path)
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(ArtifactError, match="cannot be read"):
        Twin.open_file(path)


def test_a_damaged_model_is_seen(twin: Twin, tmp_path: Path) -> None:
    path = tmp_path / "twin"
    twin.save(path)
    with zipfile.ZipFile(path) as held:
        offset = held.getinfo("artifact/model.safetensors").header_offset
        size = held.getinfo("artifact/model.safetensors").file_size
    data = bytearray(path.read_bytes())
    data[offset + size] ^= 1  # near its end, within its content
    path.write_bytes(bytes(data))
    with pytest.raises(ArtifactError, match="damaged"):
        Twin.open_file(path)
