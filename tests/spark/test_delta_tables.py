"""Delta tables as Spark writes them, read without Spark: every row right, or an error."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import synthlake
from synthlake.errors import SourceError
from synthlake.schema.model import Column, Schema, Table
from synthlake.sink import open_sink
from synthlake.source import read_table

ROWS = """
SELECT id, concat('n', id) AS name, cast(id AS double) / 3 AS x,
  cast(id % 3 AS decimal(9, 2)) AS d,
  timestamp_micros(1356998400000000 + id * 1000007) AS at,
  timestamp'1600-01-01 00:00:00' AS old, timestamp_ntz'2013-01-01 10:00:00.123456' AS naive,
  date_add(date'2013-01-01', cast(id AS int)) AS day, id % 2 = 0 AS even,
  CASE WHEN id % 4 = 3 THEN NULL ELSE concat('p ', id % 4, '/%', id % 4) END AS part
FROM range(200)
"""


@pytest.fixture(scope="module")
def lake(spark: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tables of the same rows, each written with another feature, and what becomes of them."""
    folder = tmp_path_factory.mktemp("lake")
    rows = spark.sql(ROWS)

    def write(name: str, **options: str) -> str:
        writer = rows.coalesce(1).write.format("delta").partitionBy("part")
        writer.options(**{f"delta.{k}": v for k, v in options.items()}).save(f"{folder}/{name}")
        return f"delta.`{folder}/{name}`"

    plain = write("plain")
    vectors = write("vectors", enableDeletionVectors="true")
    spark.sql(f"DELETE FROM {vectors} WHERE id % 10 = 3")
    spark.sql(f"UPDATE {vectors} SET x = -1 WHERE id = 4")
    both = write("mapped", **{"columnMapping.mode": "name", "enableDeletionVectors": "true"})
    spark.sql(f"ALTER TABLE {both} RENAME COLUMN name TO `a name`")
    spark.sql(f"ALTER TABLE {both} DROP COLUMN even")
    spark.sql(f"DELETE FROM {both} WHERE id < 7")
    wider = f"delta.`{folder}/wider`"
    spark.sql(
        f"CREATE TABLE {wider} (a int) USING delta"
        " TBLPROPERTIES ('delta.enableTypeWidening' = 'true')"
    )
    spark.sql(f"INSERT INTO {wider} VALUES (1)")
    spark.sql(f"ALTER TABLE {wider} ALTER COLUMN a TYPE bigint")
    spark.sql(f"INSERT INTO {wider} VALUES (5000000000)")
    spark.sql(f"CREATE TABLE delta.`{folder}/clone` SHALLOW CLONE {plain}")
    return folder


def rows(table: pa.Table) -> list[dict[str, Any]]:
    return sorted(table.to_pylist(), key=lambda row: row["id"])


@pytest.fixture(scope="module")
def truth(spark: Any) -> list[dict[str, Any]]:
    return rows(spark.sql(ROWS).toArrow())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["plain", "clone"])
def test_rows_are_those_of_spark(lake: Path, truth: list[dict[str, Any]], name: str) -> None:
    source = synthlake.open(f"delta://{lake}")
    found = read_table(source, name)
    assert rows(found) == [
        {**row, "at": row["at"].astimezone(dt.UTC), "old": row["old"].astimezone(dt.UTC)}
        for row in truth
    ]
    types = {f.name: str(f.type) for f in found.schema}
    assert types["at"] == types["old"] == "timestamp[us, tz=UTC]"
    assert types["naive"] == "timestamp[us]"
    counted = source.engine().query(
        f"SELECT count(*) AS n, min(year(old)) AS y, sum(id) AS s FROM {name} WHERE part = 'p 2/%2'"
    )
    assert counted.to_pylist() == [{"n": 50, "y": 1600, "s": sum(range(2, 200, 4))}]
    # the log has its greatest values in milliseconds: a reader that trusts them loses rows
    late = f"""SELECT count(*) AS n FROM {name} WHERE "at" > '2013-01-01 00:03:19.001390+00'"""
    assert source.engine().query(late)["n"].to_pylist() == [1]


def test_deleted_rows_are_gone(lake: Path, spark: Any) -> None:
    source = synthlake.open(f"delta://{lake}")
    for name, column in (("vectors", "name"), ("mapped", "a name")):
        expected = spark.read.format("delta").load(f"{lake}/{name}")
        wanted = sorted((r["id"], r[column], r["x"], r["part"]) for r in expected.collect())
        found = rows(read_table(source, name))
        assert [(r["id"], r[column], r["x"], r["part"]) for r in found] == wanted
        engine = source.engine()
        relation = engine.relation(name)
        counted = engine.query(f"SELECT count(*) AS n, sum(id) AS s FROM {relation}").to_pylist()
        assert counted == [{"n": len(wanted), "s": sum(row[0] for row in wanted)}]
    assert len(rows(read_table(source, "vectors"))) == 180
    assert [r["id"] for r in rows(read_table(source, "mapped"))] == list(range(7, 200))


def test_older_versions_have_their_rows(lake: Path) -> None:
    source = synthlake.open(f"delta://{lake}", options={"versions": {"vectors": 0, "mapped": 0}})
    assert len(rows(read_table(source, "vectors"))) == 200
    assert "name" in source.schema()["mapped"].arrow.names


def test_widened_types_are_read(lake: Path) -> None:
    source = synthlake.open(f"delta://{lake}")
    assert sorted(read_table(source, "wider")["a"].to_pylist()) == [1, 5_000_000_000]


def test_what_is_not_read_is_an_error(spark: Any, tmp_path: Path) -> None:
    table = f"delta.`{tmp_path}/t`"
    spark.sql(f"CREATE TABLE {table} (v variant) USING delta")
    spark.sql(f"INSERT INTO {table} SELECT parse_json('1')")
    with pytest.raises(SourceError, match="table t needs variantType"):
        synthlake.open(f"delta://{tmp_path}")


_MAKE = {"price": Decimal}


def test_spark_reads_what_we_write(spark: Any, tmp_path: Path) -> None:
    kinds = (
        Column("id", pa.int64(), nullable=False),
        Column("at", pa.timestamp("us", "UTC")),
        Column("naive", pa.timestamp("us")),
        Column("price", pa.decimal128(9, 2)),
        Column("big", pa.uint64()),
    )
    schema = Schema({"t.u": Table("t.u", kinds)})
    for version in range(2):
        sink = open_sink(f"delta://{tmp_path}")
        sink.open(f"r{version}", schema, fingerprint=f"f{version}")
        for part in range(2):
            numbers = list(range(10 * part, 10 * part + 10))
            columns = [pa.array(map(_MAKE.get(c.name, int), numbers), c.type) for c in kinds]
            batch = pa.RecordBatch.from_arrays(columns, schema=schema["t.u"].arrow)
            sink.write_part("t.u", part, [batch])
        sink.publish({})
    frame = spark.read.format("delta").load(f"{tmp_path}/t+2Eu")
    assert [c.dataType.simpleString() for c in frame.schema] == [
        "bigint", "timestamp", "timestamp_ntz", "decimal(9,2)", "decimal(20,0)",
    ]  # fmt: skip
    assert sorted(r["id"] for r in frame.collect()) == list(range(20))
    assert frame.count() == 20
    history = spark.sql(f"DESCRIBE HISTORY delta.`{tmp_path}/t+2Eu`").collect()
    assert [row["version"] for row in history] == [1, 0]
