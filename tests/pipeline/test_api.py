"""The Python door, as the README shows it."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import synthlake as sl
from synthlake.errors import SampleError, SchemaError, SpecError

CUSTOMERS, ORDERS = 600, 2_000


def shop() -> dict[str, pa.Table]:
    random = np.random.default_rng(5)
    cities = np.array(["Oslo", "Rome", "Kyiv"])
    return {
        "customers": pa.table(
            {
                "customer_id": np.arange(CUSTOMERS),
                "city": cities[random.integers(0, 3, CUSTOMERS)],
                "income": random.integers(20, 90, CUSTOMERS),
            }
        ),
        "orders": pa.table(
            {
                "order_id": np.arange(ORDERS),
                "customer_id": random.integers(0, CUSTOMERS, ORDERS),
                "amount": random.integers(1, 40, ORDERS),
            }
        ),
    }


@pytest.fixture(scope="module")
def tables() -> dict[str, pa.Table]:
    return shop()


@pytest.fixture(scope="module")
def artifact(tables: dict[str, pa.Table]) -> sl.Artifact:
    return sl.fit(sl.open(tables), seed=7)


def test_a_twin_is_a_mapping_of_streams(artifact: sl.Artifact, tables: dict[str, Any]) -> None:
    twin = artifact.sample(seed=1)
    assert set(twin) == {"customers", "orders"}
    assert len(twin["customers"]) == CUSTOMERS
    made = twin.to_arrow()
    assert pa.Table.from_batches(list(twin["orders"])).equals(made["orders"])
    for name, real in tables.items():
        assert made[name].schema.types == real.schema.types
        assert made[name].num_rows == twin[name].rows
    parents = set(made["customers"]["customer_id"].to_pylist())
    assert set(made["orders"]["customer_id"].to_pylist()) <= parents
    assert twin.to_pandas()["orders"].shape == (twin["orders"].rows, 3)
    assert "customers: 600" in repr(twin)


def test_any_cut_of_the_rows_gives_the_same_rows(artifact: sl.Artifact) -> None:
    stream = artifact.sample(seed=1)["orders"]
    edges = [0, 1, 7, 500, 501, 1500, stream.rows]
    cut = [batch for start, stop in pairwise(edges) for batch in stream.batches(start, stop)]
    assert pa.Table.from_batches(cut, stream.schema).equals(stream.to_arrow())


def test_seeds_and_sizes(artifact: sl.Artifact) -> None:
    first = artifact.sample(seed=1).to_arrow()["orders"]
    assert artifact.sample(seed=1).to_arrow()["orders"].equals(first)
    assert not artifact.sample(seed=2).to_arrow()["orders"].equals(first)
    double = artifact.sample(2.0, tables=["customers"])
    assert list(double) == ["customers"]
    assert double["customers"].rows == 2 * CUSTOMERS
    assert artifact.sample(rows={"customers": 50})["customers"].rows == 50


def test_an_artifact_survives_the_disk(artifact: sl.Artifact, tmp_path: Path) -> None:
    artifact.save(tmp_path / "a")
    loaded = sl.load(tmp_path / "a")
    assert loaded.id == artifact.id
    assert loaded.provenance["fit"]["holdout"] == 0.1
    assert loaded.schema == artifact.schema
    made, again = (a.sample(seed=3).to_arrow()["orders"] for a in (artifact, loaded))
    assert made.equals(again)


def test_a_twin_is_written_whole_and_read_again(artifact: sl.Artifact, tmp_path: Path) -> None:
    twin = artifact.sample(seed=1)
    folder = twin.write(tmp_path / "out")
    found = sl.open(folder)
    assert set(found.schema().tables) == {"customers", "orders"}
    read = pa.Table.from_batches(found.batches("orders"))
    assert read.equals(twin["orders"].to_arrow())
    before = (folder / "orders.parquet").read_bytes()
    twin.write(tmp_path / "out")
    twin.write(tmp_path / "two", workers=2)
    assert (folder / "orders.parquet").read_bytes() == before
    assert (tmp_path / "two" / "orders.parquet").read_bytes() == before


@pytest.mark.parametrize("tier", ["quick", "standard"])
def test_a_twin_is_judged_with_floor_and_ceiling(
    artifact: sl.Artifact, tables: dict[str, Any], tier: Any, tmp_path: Path
) -> None:
    report = sl.evaluate(tables, artifact.sample(seed=1), tier=tier)
    assert report.decision in ("PASS", "WARN", "FAIL")
    assert "ceiling" in report.roles
    assert ("floor" in report.roles) == (tier == "standard")
    assert report.save(tmp_path / "r.html").is_file()
    assert isinstance(report, sl.Report)


def test_a_schema_may_be_given_in_part(tables: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "schema.yml"
    path.write_text("tables: {customers: {columns: {city: {action: 'null'}}}}")
    artifact = sl.fit(tables, sl.Schema.load(path), synthesizer="independent", holdout=0.0)
    made = artifact.sample().to_arrow()
    assert made["customers"]["city"].null_count == CUSTOMERS
    assert artifact.schema["orders"].own is not None


@pytest.mark.parametrize(
    "given", [{"k": 0}, {"holdout": 1.0}, {"max_rows": 0}, {"synthesizer": "oracle"}]
)
def test_settings_are_checked(tables: dict[str, Any], given: Any) -> None:
    with pytest.raises(SpecError):
        sl.fit(tables, **given)


def test_options_that_there_are_not_are_refused_by_name(tables: dict[str, Any]) -> None:
    """A misspelt ``k`` would be learned with 10, and look as if all were well."""
    misspelt: dict[str, Any] = {"max_row": 50}
    unknown: Any = {"privacy": {"k": 20}}
    with pytest.raises(SpecError, match="fit has no option 'max_row'") as caught:
        sl.fit(tables, **misspelt)
    assert "'max_rows'" in str(caught.value.hint)
    with pytest.raises(SpecError, match="fit has no option 'privacy'"):
        sl.audit(tables, fit=unknown)


def test_what_is_not_there_cannot_be_sampled(artifact: sl.Artifact) -> None:
    with pytest.raises(SchemaError):
        artifact.sample(tables=["custmers"])
    with pytest.raises((SampleError, SchemaError)):
        artifact.sample(rows={"orders": 5})


def test_events_tell_what_happens(tables: dict[str, Any]) -> None:
    told: list[sl.api.Event] = []  # type: ignore[name-defined]
    sl.fit(tables, synthesizer="independent", on_event=told.append)
    steps = [event.step for event in told]
    assert steps.index("schema") < steps.index("profile") < steps.index("draw")
    assert "fit" in steps
