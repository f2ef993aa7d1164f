"""DuckDB's engine: types of results, quoting, errors without values, streams and snapshots."""

from __future__ import annotations

import os
import traceback
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from synthlake.errors import QueryError
from synthlake.sql.duckdb_engine import DuckDBEngine, literal, quoted

ODD = 'select "x"; drop'


@pytest.fixture
def engine() -> DuckDBEngine:
    return DuckDBEngine(threads=1)


def test_results_have_plain_strings_and_utc(engine: DuckDBEngine) -> None:
    found = engine.query(
        "SELECT 'a' AS s, 'x'::ENUM('x', 'y') AS e, TIMESTAMPTZ '2020-01-01 00:00:00+02' AS z,"
        " TIMESTAMP '2020-01-01' AS n"
    )
    utc = pa.timestamp("us", "UTC")
    assert found.schema.types == [pa.string(), pa.string(), utc, pa.timestamp("us")]
    assert str(found["z"][0].cast(pa.string())) == "2019-12-31 22:00:00.000000Z"
    assert engine.dialect == "duckdb"


def test_views_of_strings_come_back_as_strings(engine: DuckDBEngine) -> None:
    engine.register("v", pa.table({"a": pa.array(["x"], pa.string_view())}))
    assert engine.query("SELECT a FROM v").schema.types == [pa.string()]


def test_any_name_is_quoted(engine: DuckDBEngine) -> None:
    engine.register(ODD, pa.table({ODD: [1, 2]}))
    found = engine.query(f"SELECT {quoted(ODD)} FROM {engine.relation(ODD)}")
    assert found.column_names == [ODD]
    assert engine.view("it's", f"SELECT * FROM {engine.relation(ODD)}") == '"it\'s"'
    assert engine.query("SELECT " + literal("it's") + " AS a")["a"].to_pylist() == ["it's"]


@pytest.mark.parametrize(
    ("sql", "kept"),
    [
        ("SELECT secret::INT FROM t", "INT32"),
        ("SELECT error(secret) FROM t", ""),
        ("SELECT strptime(secret, '%Y') FROM t", ""),
        ("SELECT (n * 10000000000)::INT FROM t", "INT32"),
        ("SELECT n * 9223372036854775 FROM t", "INT64"),
        ("SELECT json_extract(secret, '$.a') FROM t", ""),
        ("SELECT ('[' || secret || ']')::INT[] FROM t", ""),
    ],
)
def test_errors_have_their_sql_and_no_value(engine: DuckDBEngine, sql: str, kept: str) -> None:
    engine.register("t", pa.table({"secret": ["hunter2 to DATE 'x'"], "n": [72727272]}))
    with pytest.raises(QueryError) as caught:
        engine.query(sql)
    text = "".join(traceback.format_exception(caught.value))
    assert sql in str(caught.value)
    assert caught.value.sql == sql
    assert kept in caught.value.message.splitlines()[0]
    assert "hunter2" not in text
    assert "72727272" not in text
    assert caught.value.__context__ is None


def test_errors_of_the_statement_say_what_is_wrong(engine: DuckDBEngine) -> None:
    with pytest.raises(QueryError, match="Table with name nope does not exist"):
        engine.query("SELECT * FROM nope")
    with pytest.raises(QueryError, match="syntax error"):
        engine.query("SELEC 1")
    with pytest.raises(QueryError, match="does not exist"):
        engine.view("v", "SELECT * FROM nope")


def test_variables_of_the_program_are_no_tables(engine: DuckDBEngine) -> None:
    local = pa.table({"a": [1]})
    with pytest.raises(QueryError, match="does not exist"):
        engine.query("SELECT * FROM local")
    assert local.num_rows == 1


def test_streams_run_beside_other_statements(engine: DuckDBEngine) -> None:
    engine.register("t", pa.table({"a": range(200_000)}))
    engine.view("v", "SELECT a + 1 AS b FROM t")
    first, second = engine.batches("SELECT b FROM v"), engine.batches("SELECT a FROM t")
    rows = next(first).num_rows
    assert next(second).num_rows < 200_000
    assert engine.query("SELECT count(*) AS n FROM v")["n"].to_pylist() == [200_000]
    assert rows + sum(b.num_rows for b in first) == 200_000


def test_temporary_tables_are_streamed_beside_other_statements(engine: DuckDBEngine) -> None:
    engine.query("CREATE TEMP TABLE made AS SELECT range AS a FROM range(200_000)")
    stream = engine.batches("SELECT a FROM made ORDER BY a DESC")
    first = next(stream)
    assert first["a"][0].as_py() == 199_999
    assert engine.query("SELECT count(*) AS n FROM made")["n"].to_pylist() == [200_000]
    assert first.num_rows + sum(batch.num_rows for batch in stream) == 200_000


def test_a_stream_that_fails_says_no_value(engine: DuckDBEngine) -> None:
    engine.register("t", pa.table({"a": ["1"] * 100_000 + ["hunter2"]}))
    with pytest.raises(QueryError) as caught:
        list(engine.batches("SELECT a::INT FROM t"))
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_views_may_be_given_anew(engine: DuckDBEngine) -> None:
    engine.view("a", "SELECT 1 AS x")
    engine.view("b", "SELECT x FROM a")
    engine.view("a", "SELECT 2 AS x")
    assert [b["x"].to_pylist() for b in engine.batches("SELECT x FROM b")] == [[2]]


def test_derived_names_are_new(engine: DuckDBEngine) -> None:
    engine.view("__synthlake_1", "SELECT 7 AS x")
    names = [engine.derive(f"SELECT {n} AS x") for n in range(3)]
    assert len({*names, '"__synthlake_1"'}) == 4
    assert engine.query('SELECT x FROM "__synthlake_1"')["x"].to_pylist() == [7]


def test_a_users_connection_is_left_as_it_was() -> None:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'America/New_York'")
        connection.execute("CREATE TABLE t AS SELECT 1 AS a")
        engine = DuckDBEngine(connection, snapshot=True)
        engine.view("v", "SELECT * FROM t")
        engine.query("SELECT current_setting('TimeZone')")
        engine.close()
        views = connection.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal")
        assert views.fetchall() == []
        zone = connection.execute("SELECT current_setting('TimeZone')").fetchall()
        assert zone == [("America/New_York",)]


def test_a_snapshot_does_not_see_later_writes_and_survives_errors() -> None:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t AS SELECT range AS a FROM range(10)")
        engine = DuckDBEngine(connection, snapshot=True)
        engine.view("v", "SELECT a FROM t")
        assert engine.query("SELECT count(*) AS n FROM v")["n"].to_pylist() == [10]
        stream = engine.batches("SELECT a FROM v")
        connection.execute("INSERT INTO t VALUES (99)")
        assert sum(b.num_rows for b in stream) == 10
        assert engine.query("SELECT count(*) AS n FROM v")["n"].to_pylist() == [10]
        with pytest.raises(QueryError):
            engine.query("SELECT * FROM nope")
        assert engine.query("SELECT a FROM v WHERE a = 3")["a"].to_pylist() == [3]
        engine.close()


def test_more_than_memory_spills_into_the_given_folder(tmp_path: Path) -> None:
    engine = DuckDBEngine(threads=1, memory_limit="60MB", temp_directory=tmp_path)
    sql = "SELECT count(*) AS n FROM (SELECT range::VARCHAR AS a FROM range(2000000) ORDER BY a)"
    assert engine.query(sql)["n"].to_pylist() == [2_000_000]
    engine.close()
    assert os.listdir(tmp_path) == []
    assert not Path(".tmp").exists()
