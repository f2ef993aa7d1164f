"""SQLite as a source: the declared type decides, and a cell of another kind is told."""

from __future__ import annotations

import datetime as dt
import hashlib
import sqlite3
import traceback
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from synthlake.errors import (
    QueryError,
    SourceError,
    SourceMissingError,
    SourceUnavailableError,
)
from synthlake.schema.model import ForeignKey
from synthlake.source import open_source, read_table

Made = Callable[..., Path]
ODD = 'a"; drop table x; --'


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """Makes a database file by statements."""

    def make(*statements: str) -> Path:
        path = tmp_path / "data.sqlite"
        connection = sqlite3.connect(path)
        for statement in statements:
            connection.execute(statement)
        connection.commit()
        connection.close()
        return path

    return make


@pytest.fixture
def opened() -> Iterator[Callable[..., Any]]:
    sources: list[Any] = []

    def opening(path: Path, **options: Any) -> Any:
        sources.append(open_source(f"sqlite:///{path}", options=options))
        return sources[-1]

    yield opening
    for source in sources:
        source.close()


def rows(source: Any, table: str) -> list[dict[str, Any]]:
    return read_table(source, table).to_pylist()


def test_keys_are_found_in_any_case_and_those_to_nothing_left_out(
    made: Made, opened: Callable[..., Any]
) -> None:
    path = made(
        'CREATE TABLE Parent ("Id" INTEGER PRIMARY KEY, "B, c" TEXT UNIQUE)',
        'CREATE TABLE child ("X) y" INT REFERENCES PARENT (ID), q TEXT,'
        ' FOREIGN KEY (Q) REFERENCES parent ("b, C"))',
        "CREATE TABLE broken (a INT REFERENCES missing (id), b INT REFERENCES parent (missing),"
        " FOREIGN KEY (a, b) REFERENCES parent)",
    )
    schema = opened(path).schema()
    assert set(schema["child"].foreign_keys) == {
        ForeignKey(("X) y",), "Parent", ("Id",)),
        ForeignKey(("q",), "Parent", ("B, c",)),
    }
    assert schema["broken"].foreign_keys == ()


def test_keys_and_names_are_reflected(made: Made, opened: Callable[..., Any]) -> None:
    path = made(
        'CREATE TABLE "Order" ("Year" INT, "No" INT, code TEXT UNIQUE, PRIMARY KEY ("No", "Year"))',
        f'CREATE TABLE "{ODD.replace(chr(34), chr(34) * 2)}" (id INTEGER PRIMARY KEY, y INT, n INT,'
        ' "c.d" TEXT NOT NULL REFERENCES "Order" (code),'
        ' FOREIGN KEY (y, n) REFERENCES "Order" ("Year", "No"))',
        f'CREATE TABLE "x.y" (p INTEGER REFERENCES "{ODD.replace(chr(34), chr(34) * 2)}")',
        "INSERT INTO \"Order\" VALUES (2020, 1, 'x')",
        'INSERT INTO "x.y" VALUES (7)',
    )
    source = opened(path)
    assert list(source.schema().tables) == ["Order", ODD, "x.y"]
    assert source.schema()["Order"].primary_key == ("No", "Year")
    assert set(source.schema()[ODD].foreign_keys) == {
        ForeignKey(("y", "n"), "Order", ("Year", "No")),
        ForeignKey(("c.d",), "Order", ("code",)),
    }
    assert source.schema()["x.y"].foreign_keys == (ForeignKey(("p",), ODD, ("id",)),)
    assert rows(source, "Order") == [{"Year": 2020, "No": 1, "code": "x"}]
    assert rows(source, "x.y") == [{"p": 7}]


TYPES: list[tuple[str, str, pa.DataType, Any]] = [
    ("TINYINT", "-128", pa.int8(), -128),
    ("SMALLINT", "5", pa.int16(), 5),
    ("INT", "5", pa.int32(), 5),
    ("INTEGER", "9000000000", pa.int64(), 9000000000),
    ("UNSIGNED BIG INT", "5", pa.int64(), 5),
    ("BOOLEAN", "1", pa.bool_(), True),
    ("REAL", "1", pa.float64(), 1.0),
    ("DOUBLE PRECISION", "-0.0", pa.float64(), 0.0),
    ("FLOAT4", "0.25", pa.float32(), 0.25),
    ("DECIMAL(10, 2)", "1.1", pa.decimal128(10, 2), Decimal("1.10")),
    ("NUMERIC(5)", "7", pa.decimal128(5, 0), Decimal(7)),
    ("DECIMAL(38, 2)", "1.5", pa.float64(), 1.5),
    ("NUMERIC", "7", pa.float64(), 7.0),
    ("VARCHAR(9)", "'ab '", pa.string(), "ab "),
    ("UUID", "'ab'", pa.string(), "ab"),
    ("JSON", "'{}'", pa.string(), "{}"),
    ("BLOB", "x'00ff'", pa.binary(), b"\x00\xff"),
    ("DATE", "'0001-01-01'", pa.date32(), dt.date(1, 1, 1)),
    ("TIME", "'23:59:59.5'", pa.time64("us"), dt.time(23, 59, 59, 500_000)),
    ("DATETIME", "'1900-01-01 00:00:00.000001'", pa.timestamp("us"),
     dt.datetime.fromisoformat("1900-01-01 00:00:00.000001")),
    ("TIMESTAMP", "'2020-01-01'", pa.timestamp("us"), dt.datetime.fromisoformat("2020-01-01")),
    ("TIMESTAMP WITH TIME ZONE", "'2013-03-10T02:30:00-05:00'", pa.timestamp("us", "UTC"),
     dt.datetime(2013, 3, 10, 7, 30, tzinfo=dt.UTC)),
    ("", "5", pa.int64(), 5),
    ("", "'x'", pa.string(), "x"),
    ("", "x'01'", pa.binary(), b"\x01"),
    ("STUFF", "1.5", pa.float64(), 1.5),
]  # fmt: skip


def test_declared_types_are_mapped(made: Made, opened: Callable[..., Any]) -> None:
    columns = ", ".join(f"c{n} {declared}" for n, (declared, *_) in enumerate(TYPES))
    values = ", ".join(given for _, given, *_ in TYPES)
    nulls = ", ".join(["NULL"] * len(TYPES))
    path = made(f"CREATE TABLE t ({columns})", f"INSERT INTO t VALUES ({values})",
                f"INSERT INTO t VALUES ({nulls})")  # fmt: skip
    found = read_table(opened(path), "t")
    assert found.schema.types == [kind for *_, kind, _ in TYPES]
    assert [column[0].as_py() for column in found.columns] == [value for *_, value in TYPES]
    assert all(column.null_count == 1 for column in found.columns)


@pytest.mark.parametrize(
    ("declared", "good", "bad"),
    [
        ("INT", "7", ["'x'", "1.5", "3000000000", "x'00'"]),
        ("BOOLEAN", "0", ["2", "'true'"]),
        ("DOUBLE", "1.5", ["'abc'", "x'00'"]),
        ("DECIMAL(4, 1)", "1.5", ["'x'", "1.25", "1000"]),
        ("TEXT", "'x'", ["x'00'"]),
        ("BLOB", "x'00'", ["1", "'x'"]),
        ("DATE", "'2012-02-29'", ["'2013-02-29'", "'2013-2-3'", "1.5", "'today'"]),
        ("DATETIME", "'2020-01-01 00:00'",
         ["1577836800", "'2020-01-01 00:00:00Z'", "'2020-13-01'"]),
        ("TIMESTAMPTZ", "'2020-01-01 00:00:00Z'", ["'2020-01-01 25:00:00Z'", "1"]),
        ("TIME", "'12:00'", ["'24:00:00'", "'12'"]),
        ("", "1", ["'x'"]),
    ],
)  # fmt: skip
def test_cells_of_another_kind_are_told_or_null(
    declared: str, good: str, bad: list[str], made: Made, opened: Callable[..., Any]
) -> None:
    path = made(
        f'CREATE TABLE "T" (id INT, "V" {declared})',
        *(f'INSERT INTO "T" VALUES (0, {cell})' for cell in (*bad, good, "NULL")),
    )
    source = opened(path)
    # a column without a type is read as text, if its cells do not agree on anything else
    wrong = len(bad) if declared else 1
    with pytest.raises(SourceError, match=f"T.V is read as .*, which {wrong} of its cells are not"):
        rows(source, "T")
    found = rows(opened(path, misfits="null"), "T")
    assert sum(row["V"] is None for row in found) == wrong + 1


def test_text_is_compared_as_bytes_whatever_its_collation(
    made: Made, opened: Callable[..., Any]
) -> None:
    path = made(
        "CREATE TABLE t (a TEXT COLLATE NOCASE, b TEXT COLLATE RTRIM)",
        "INSERT INTO t VALUES ('a', 'x'), ('A', 'x '), ('b', 'a')",
    )
    engine = opened(path).engine()
    read = engine.relation("t")
    found = engine.query(f"SELECT count(DISTINCT a) AS a, count(DISTINCT b) AS b FROM {read}")
    assert found.to_pylist() == [{"a": 3, "b": 3}]
    asked = f"SELECT count(*) AS n FROM {read} AS x JOIN {read} AS y ON x.a = y.b"
    assert engine.query(asked)["n"].to_pylist() == [1]
    asked = f"SELECT a FROM {read} GROUP BY a ORDER BY a"
    assert engine.query(asked)["a"].to_pylist() == ["A", "a", "b"]


def test_views_generated_columns_and_tables_without_rowid(
    made: Made, opened: Callable[..., Any]
) -> None:
    path = made(
        "CREATE TABLE t (id INT PRIMARY KEY, twice INT GENERATED ALWAYS AS (id * 2)) WITHOUT ROWID",
        "INSERT INTO t VALUES (1), (2)",
        "CREATE VIEW seen AS SELECT id + 1 AS next, id AS same FROM t",
    )
    assert list(opened(path).schema().tables) == ["t"]
    assert rows(opened(path), "t") == [{"id": 1, "twice": 2}, {"id": 2, "twice": 4}]
    source = opened(path, tables={"v": {"name": "seen"}})
    assert rows(source, "v") == [{"next": 2, "same": 1}, {"next": 3, "same": 2}]
    assert [c.type for c in source.schema()["v"].columns] == [pa.int64(), pa.int32()]


def test_results_are_typed_by_what_they_hold(made: Made, opened: Callable[..., Any]) -> None:
    path = made("CREATE TABLE t (v REAL)", "INSERT INTO t VALUES (1.5), (NULL)")
    engine = opened(path).engine()
    found = engine.query("SELECT CASE WHEN v > 1 THEN v ELSE 0 END AS v, NULL AS n FROM t")
    assert found.schema.types == [pa.float64(), pa.null()]
    with pytest.raises(QueryError, match="values of several types"):
        engine.query("SELECT 1 AS a UNION ALL SELECT 'x'")
    with pytest.raises(QueryError, match="values of several types"):
        list(engine.batches("SELECT 1 AS a UNION ALL SELECT 'x'"))


def test_streams_run_beside_other_statements(made: Made, opened: Callable[..., Any]) -> None:
    path = made(
        "CREATE TABLE t (i INT, d DOUBLE)",
        "WITH RECURSIVE r (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r WHERE i < 150000)"
        " INSERT INTO t SELECT i, CASE WHEN i > 100000 THEN i / 4.0 END FROM r",
    )
    source = opened(path)
    engine = source.engine()
    stream = source.batches("t")
    first = next(stream)
    assert first.num_rows < 150_000
    assert first.schema.types == [pa.int32(), pa.float64()]
    engine.query('CREATE TEMPORARY TABLE "x" AS SELECT 1 AS one')
    engine.query('DROP TABLE temp."x"')
    asked = f"SELECT count(*) AS n FROM {engine.relation('t')}"
    assert engine.query(asked)["n"].to_pylist() == [150_000]
    assert first.num_rows + sum(batch.num_rows for batch in stream) == 150_000


def test_a_snapshot_does_not_see_later_writes_and_survives_errors(
    made: Made, opened: Callable[..., Any]
) -> None:
    path = made("CREATE TABLE t (v INT)", "INSERT INTO t VALUES (1)")
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("PRAGMA journal_mode = WAL")
    source = opened(path)
    engine = source.engine()
    name = engine.derive(f"SELECT v + 1 AS v FROM {engine.relation('t')}")
    writer.execute("INSERT INTO t VALUES (2)")
    with pytest.raises(QueryError, match="no such column: nope"):
        engine.query("SELECT nope FROM t")
    with pytest.raises(QueryError, match="no such table"):
        engine.derive("SELECT * FROM nope")
    assert engine.query(f"SELECT v FROM {name}")["v"].to_pylist() == [2]
    assert rows(source, "t") == [{"v": 1}]
    writer.close()


def test_the_file_stays_as_it_is(made: Made, opened: Callable[..., Any]) -> None:
    path = made("CREATE TABLE t (v INT)", "INSERT INTO t VALUES (1)")
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    source = opened(path)
    engine = source.engine()
    engine.derive("SELECT 1 AS one")
    engine.query('CREATE TEMPORARY TABLE "x" AS SELECT 1 AS one')
    with pytest.raises(QueryError, match="readonly"):
        engine.query("INSERT INTO main.t VALUES (2)")
    source.close()
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_a_writer_is_waited_for_or_told(
    made: Made, opened: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = made("CREATE TABLE t (v INT)")
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")
    with pytest.raises(SourceUnavailableError, match="locked"):
        opened(f"{path}?timeout=0.01")
    writer.execute("ROLLBACK")
    assert rows(opened(path), "t") == []
    writer.close()


def test_errors_hold_no_value(made: Made, opened: Callable[..., Any]) -> None:
    path = made(
        "CREATE TABLE t (v TEXT)", "INSERT INTO t VALUES (CAST(x'68756e74657232ff' AS TEXT))"
    )
    source = opened(path)
    for action in (
        lambda: rows(source, "t"),
        lambda: source.engine().query("SELECT v FROM main.t"),
        lambda: source.engine().query("SELECT json_extract(v, '$.a') AS j FROM main.t"),
    ):
        with pytest.raises((QueryError, SourceError)) as caught:
            action()
        assert "hunter2" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "sqlite:////nowhere/x.db"])
def test_a_file_that_is_not_there_is_not_made(url: str) -> None:
    with pytest.raises(SourceMissingError):
        open_source(url)
    assert not Path("/nowhere").exists()


def test_what_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_text("this is no database, whatever its name may say of it" * 20)
    with pytest.raises((QueryError, SourceError), match="not a database"):
        open_source(f"sqlite:///{tmp_path}/x.db")
    empty = tmp_path / "empty.db"
    sqlite3.connect(empty).close()
    empty.touch()
    with pytest.raises(SourceError, match="no tables"):
        open_source(f"sqlite:///{empty}")
