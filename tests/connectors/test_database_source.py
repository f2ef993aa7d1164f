"""PostgreSQL as a source: what is reflected, how it is read, and what it says when it cannot."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from tests.postgres import PASSWORD, USER

import synthlake as sl
from synthlake.errors import (
    QueryError,
    SourceError,
    SourceUnavailableError,
    SynthlakeError,
    Transient,
)
from synthlake.schema.model import ForeignKey
from synthlake.source import open_source, read_table

ODD = 'a"; drop table x; --'
Execute = Callable[..., list[tuple[Any, ...]]]
Opened = Callable[..., Any]


@pytest.fixture
def execute(postgres_database: str) -> Iterator[Execute]:
    """Runs statements in the fresh database, each committed at once."""
    with psycopg.connect(postgres_database.replace("+psycopg", ""), autocommit=True) as connection:

        def run(*statements: str) -> list[tuple[Any, ...]]:
            for statement in statements:
                cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

        yield run


@pytest.fixture
def opened(postgres_database: str) -> Iterator[Opened]:
    """Opens the fresh database; all is closed at the end."""
    sources: list[Any] = []

    def made(schema: str | None = None, **options: Any) -> Any:
        sources.append(open_source(postgres_database, schema=schema, options=options))
        return sources[-1]

    yield made
    for source in sources:
        source.close()


def rows(source: Any, table: str) -> list[dict[str, Any]]:
    return read_table(source, table).to_pylist()


def test_keys_and_names_are_reflected(execute: Execute, opened: Opened) -> None:
    execute(
        'CREATE SCHEMA "My Schema"',
        'CREATE TABLE "My Schema"."Order" ("Year" int, "No" int, code text UNIQUE,'
        ' PRIMARY KEY ("No", "Year"))',
        f'CREATE TABLE "My Schema"."{ODD.replace(chr(34), chr(34) * 2)}" (y int, "N"" o" int,'
        ' c text NOT NULL REFERENCES "My Schema"."Order" (code),'
        ' FOREIGN KEY (y, "N"" o") REFERENCES "My Schema"."Order" ("Year", "No"))',
        "CREATE TABLE elsewhere (id int)",
        'INSERT INTO "My Schema"."Order" VALUES (2020, 1, \'x\')',
    )
    source = opened("My Schema")
    assert list(source.schema().tables) == ["Order", ODD]
    order, odd = source.schema()["Order"], source.schema()[ODD]
    assert order.primary_key == ("No", "Year")
    assert set(odd.foreign_keys) == {
        ForeignKey(("y", 'N" o'), "Order", ("Year", "No")),
        ForeignKey(("c",), "Order", ("code",)),
    }
    assert [(c.name, c.nullable) for c in odd.columns] == [
        ("y", True),
        ('N" o', True),
        ("c", False),
    ]
    assert rows(source, "Order") == [{"Year": 2020, "No": 1, "code": "x"}]
    assert rows(source, ODD) == []
    assert execute("SELECT count(*) FROM elsewhere") == [(0,)]


def test_a_key_to_a_table_that_is_not_read_is_left_out(execute: Execute, opened: Opened) -> None:
    execute(
        "CREATE SCHEMA other",
        "CREATE TABLE other.parent (id int PRIMARY KEY)",
        "CREATE TABLE parent (id int PRIMARY KEY)",
        "CREATE TABLE child (a int REFERENCES other.parent, b int REFERENCES parent)",
    )
    source = opened()
    assert source.schema()["child"].foreign_keys == (ForeignKey(("b",), "parent", ("id",)),)
    both = opened(tables={"p": {"schema": "other", "name": "parent"}, "child": {}})
    assert both.schema()["child"].foreign_keys == (ForeignKey(("a",), "p", ("id",)),)


def test_partitions_are_one_table_and_views_are_read_if_named(
    execute: Execute, opened: Opened
) -> None:
    execute(
        "CREATE TABLE part (id int, at date) PARTITION BY RANGE (at)",
        "CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM ('2020-01-01') TO ('2021-01-01')",
        "INSERT INTO part VALUES (1, '2020-05-05')",
        "CREATE VIEW seen AS SELECT id AS number FROM part",
        "CREATE MATERIALIZED VIEW kept AS SELECT id AS number FROM part",
    )
    assert list(opened().schema().tables) == ["part"]
    source = opened(tables={"v": {"name": "seen"}, "kept": {}})
    assert list(source.schema().tables) == ["kept", "v"]
    assert rows(source, "v") == rows(source, "kept") == [{"number": 1}]
    with pytest.raises(SourceError, match="no table 'sen' in its schema public") as caught:
        opened(tables={"v": {"name": "sen"}})
    assert "seen" in caught.value.hint


TYPES: list[tuple[str, str, pa.DataType, Any]] = [
    ("smallint", "-32768", pa.int16(), -32768),
    ("oid", "4294967295", pa.int64(), 4294967295),
    ("boolean", "true", pa.bool_(), True),
    ("real", "'0.1'", pa.float32(), pytest.approx(0.1)),
    ("double precision", "'-0'", pa.float64(), 0.0),
    ("numeric(10,2)", "1.1", pa.decimal128(10, 2), Decimal("1.10")),
    ("numeric", "12.345", pa.decimal128(38, 3), Decimal("12.345")),
    ("numeric(50,1)", "12.5", pa.decimal128(38, 1), Decimal("12.5")),
    ("money", "'-3.20'", pa.decimal128(19, 2), Decimal("-3.20")),
    ("char(5)", "'ab'", pa.string(), "ab"),
    ("varchar(9)", "'ab '", pa.string(), "ab "),
    ("name", "'n'", pa.string(), "n"),
    ("mood", "'sad'", pa.string(), "sad"),
    ("positive", "7", pa.int32(), 7),
    ("uuid", "'ABCDEF00-0000-0000-0000-000000000001'", pa.string(),
     "abcdef00-0000-0000-0000-000000000001"),
    ("bytea", r"'\x00ff'", pa.binary(), b"\x00\xff"),
    ("date", "'0044-03-15 BC'", pa.date32(), None),
    ("date", "'1969-12-31'", pa.date32(), dt.date(1969, 12, 31)),
    ("time", "'23:59:59.5'", pa.time64("us"), dt.time(23, 59, 59, 500_000)),
    ("timestamp", "'1900-01-01 00:00:00.000001'", pa.timestamp("us"),
     dt.datetime.fromisoformat("1900-01-01 00:00:00.000001")),
    ("timestamptz", "'2013-03-10 02:30:00 America/New_York'", pa.timestamp("us", "UTC"),
     dt.datetime(2013, 3, 10, 7, 30, tzinfo=dt.UTC)),
    ("interval", "'1 day -1 sec'", pa.duration("us"), dt.timedelta(days=1, seconds=-1)),
    ("jsonb", """'{"a":1}'""", pa.string(), '{"a": 1}'),
    ("int[]", "'{1,NULL}'", pa.string(), "{1,NULL}"),
    ("inet", "'::1'", pa.string(), "::1/128"),
    ("int4range", "'[1,3)'", pa.string(), "[1,3)"),
]  # fmt: skip


def test_types_are_mapped(execute: Execute, opened: Opened) -> None:
    execute(
        "CREATE TYPE mood AS ENUM ('sad', 'ok')", "CREATE DOMAIN positive AS int CHECK (value > 0)"
    )
    columns = ", ".join(f"c{n} {declared}" for n, (declared, *_) in enumerate(TYPES))
    values = ", ".join(given for _, given, *_ in TYPES)
    execute(f"CREATE TABLE t ({columns})", f"INSERT INTO t VALUES ({values})",
            f"INSERT INTO t VALUES ({', '.join(['NULL'] * len(TYPES))})")  # fmt: skip
    source = opened()
    found = read_table(source, "t")
    assert found.schema.types == [kind for *_, kind, _ in TYPES]
    for number, (declared, _, _, value) in enumerate(TYPES):
        column = found.column(number)
        if value is not None:  # Python has no such date, Arrow has
            assert column[0].as_py() == value, declared
        assert column.null_count == 1, declared
    assert (
        found.column(16).cast(pa.int32())[0].as_py() == -735516 + 0 or found.column(16)[0].is_valid
    )


@pytest.mark.parametrize(
    ("declared", "cells", "kept"),
    [
        ("date", ["'infinity'", "'-infinity'", "'2020-01-01'"], dt.date(2020, 1, 1)),
        ("timestamp", ["'infinity'", "'2020-01-01'"], dt.datetime(2020, 1, 1)),  # noqa: DTZ001
        ("timestamptz", ["'infinity'", "'2020-01-01 00:00Z'"],
         dt.datetime(2020, 1, 1, tzinfo=dt.UTC)),
        ("time", ["'24:00'", "'01:00'"], dt.time(1)),
        ("interval", ["'1 month'", "'1 year 1 day'", "'1 day'"], dt.timedelta(days=1)),
        ("numeric(5,2)", ["'NaN'", "1"], Decimal(1)),
        ("numeric", ["'NaN'", "'Infinity'", "1e37", "1.05"], Decimal("1.05")),
    ],
)  # fmt: skip
def test_cells_that_arrow_cannot_hold_are_told_or_null(
    declared: str, cells: list[str], kept: Any, execute: Execute, opened: Opened
) -> None:
    execute(f'CREATE TABLE "T" (id serial, "V" {declared} NOT NULL)')
    execute(*(f'INSERT INTO "T" ("V") VALUES ({cell})' for cell in cells))
    source = opened()
    with pytest.raises(SourceError) as caught:
        rows(source, "T")
    with pytest.raises(SourceError):
        source.engine().relation("T")
    assert f"T.V is read as {_arrow(declared)}, which {len(cells) - 1} of its cells" in str(
        caught.value
    )
    source = opened(misfits="null")
    assert [row["V"] for row in rows(source, "T")] == [None] * (len(cells) - 1) + [kept]
    assert source.schema()["T"].column("V").nullable
    found = source.engine().query(f'SELECT "V" FROM {source.engine().relation("T")}')
    assert found["V"].null_count == len(cells) - 1


def _arrow(declared: str) -> str:
    names = {"date": "date32[day]", "timestamp": "timestamp[us]", "time": "time64[us]",
             "timestamptz": "timestamp[us, tz=UTC]", "interval": "duration[us]",
             "numeric(5,2)": "decimal128(5, 2)", "numeric": "decimal128(38, 2)"}  # fmt: skip
    return names[declared]


def test_text_is_compared_as_bytes_whatever_its_collation(execute: Execute, opened: Opened) -> None:
    execute(
        "CREATE COLLATION same (provider = icu, locale = 'und-u-ks-level1', deterministic = false)",
        "CREATE TABLE t (a text COLLATE same, b text)",
        "INSERT INTO t VALUES ('a', '_a'), ('A', '-1'), ('á', 'a'), ('a', 'B'), ('b', NULL)",
    )
    assert execute("SELECT count(DISTINCT a) FROM t") == [(2,)]
    engine = opened().engine()
    read = engine.relation("t")
    assert engine.query(f"SELECT count(DISTINCT a) AS n FROM {read}")["n"].to_pylist() == [4]
    found = engine.query(f"SELECT min(b) AS low, max(b) AS high FROM {read}").to_pylist()
    assert found == [{"low": "-1", "high": "a"}]
    joined = f"SELECT count(*) AS n FROM {read} AS x JOIN {read} AS y ON x.a = y.b"
    assert engine.query(joined)["n"].to_pylist() == [2]


def test_texts_arrive_as_they_are(execute: Execute, opened: Opened) -> None:
    texts = ["", None, " ", "a,b", 'say "x"', "line\nfeed", "\r\n", "back\\slash", "\\.", "\\N",
             "NULL", "t", "é日\U0001f600", "%s", None]  # fmt: skip
    execute("CREATE TABLE t (v text)")
    for text in texts:
        execute(f"INSERT INTO t VALUES ({'NULL' if text is None else psycopg.sql.quote(text)})")
    source = opened()
    assert [row["v"] for row in rows(source, "t")] == texts
    engine = source.engine()
    one = engine.query(f"SELECT v, 1 AS one FROM {engine.relation('t')}")
    assert one["v"].to_pylist() == texts


def test_results_are_typed(execute: Execute, opened: Opened) -> None:
    execute("CREATE TABLE t (v int)")
    engine = opened().engine()
    found = engine.query(
        "SELECT count(*) AS n, sum(x) AS s, 1.50 AS d, NULL AS nothing, true AS b,"
        " CAST(NULL AS bytea) AS r FROM (VALUES (CAST(1 AS bigint)), (2)) AS v (x)"
    )
    assert found.to_pylist() == [
        {"n": 2, "s": Decimal(3), "d": Decimal("1.50"), "nothing": None, "b": True, "r": None}
    ]
    assert found.schema.types == [
        pa.int64(), pa.decimal128(38, 0), pa.decimal128(38, 2), pa.string(), pa.bool_(), pa.binary()
    ]  # fmt: skip
    empty = engine.query(f"SELECT v, 1.5 AS d FROM {engine.relation('t')}")
    assert empty.schema.types == [pa.int32(), pa.decimal128(38, 0)]
    assert engine.query("SET LOCAL work_mem = '1MB'").num_rows == 0


def test_a_snapshot_of_all_tables_survives_errors(execute: Execute, opened: Opened) -> None:
    execute("CREATE TABLE a (v int)", "CREATE TABLE b (v int)", "INSERT INTO a VALUES (1)")
    source = opened()
    engine = source.engine()
    name = engine.derive(f"SELECT v + 1 AS v FROM {engine.relation('a')}")
    execute("INSERT INTO a VALUES (2)", "INSERT INTO b VALUES (3)")
    with pytest.raises(QueryError, match="does not exist"):
        engine.query("SELECT nope FROM a")
    with pytest.raises(QueryError):
        engine.derive("SELECT nope")
    assert engine.query(f"SELECT v FROM {name}")["v"].to_pylist() == [2]
    assert rows(source, "a") == [{"v": 1}]
    assert rows(source, "b") == []
    source.close()
    assert rows(opened(), "b") == [{"v": 3}]


def test_streams_run_beside_other_statements_and_in_parts(
    execute: Execute, opened: Opened, tmp_path: Any
) -> None:
    execute(
        "CREATE TABLE t AS SELECT i, repeat('x', 100) AS s, i / 4.0 AS d"
        " FROM generate_series(1, 200000) AS i"
    )
    source = opened(temp_directory=str(tmp_path))
    engine = source.engine()
    first = engine.batches(f"SELECT i, s FROM {engine.relation('t')}")
    second = source.batches("t", ["d"])
    seen = next(first).num_rows
    assert seen < 200_000
    assert next(second).schema.types == [pa.decimal128(38, 20)]
    asked = f"SELECT count(*) AS n FROM {engine.relation('t')}"
    assert engine.query(asked)["n"].to_pylist() == [200_000]
    assert seen + sum(batch.num_rows for batch in first) == 200_000
    second.close()
    assert list(tmp_path.iterdir()) == []


def test_a_session_is_ours_whatever_the_role_has_set(execute: Execute, opened: Opened) -> None:
    (name,) = execute("SELECT current_database()")[0]
    for setting in ("timezone = 'Asia/Tokyo'", "datestyle = 'German'", "bytea_output = 'escape'",
                    "extra_float_digits = -5", "standard_conforming_strings = off"):  # fmt: skip
        execute(f"ALTER ROLE {USER} IN DATABASE {name} SET {setting}")
    execute(
        "CREATE TABLE t (at timestamptz, f float8, b bytea, s text)",
        r"INSERT INTO t VALUES ('2020-01-01 00:00Z', 1.0/3, '\x00', 'a\\b')",
    )
    assert rows(opened(), "t") == [
        {"at": dt.datetime(2020, 1, 1, tzinfo=dt.UTC), "f": 1 / 3, "b": b"\x00", "s": "a\\\\b"}
    ]


def test_nothing_is_left_in_the_database(execute: Execute, opened: Opened) -> None:
    execute("CREATE TABLE t (v int)", "INSERT INTO t VALUES (1)")
    count = "SELECT count(*) FROM pg_class WHERE relname LIKE '\\_\\_synthlake%' OR relname = 't'"
    source = opened()
    engine = source.engine()
    engine.derive("SELECT 1 AS one")
    engine.query('CREATE TEMPORARY TABLE "__synthlake_x" AS SELECT 1 AS one')
    source.close()
    assert execute(count) == [(1,)]
    with pytest.raises(SourceUnavailableError):
        engine.query("SELECT 1 AS one")


SECRET = "hunter2"


@pytest.mark.parametrize(
    "sql",
    ["SELECT CAST(s AS int) FROM {t}", "SELECT CAST(s AS date) FROM {t}", "SELECT n * n FROM {t}",
     "SELECT CAST(s AS json) FROM {t}", "SELECT 1 / (n - 72727272727272) FROM {t}"],
)  # fmt: skip
@pytest.mark.parametrize("how", ["query", "batches"])
def test_errors_have_their_sql_and_no_value(
    how: str, sql: str, execute: Execute, opened: Opened
) -> None:
    execute(
        "CREATE TABLE t (s text, n bigint)", f"INSERT INTO t VALUES ('{SECRET}', 72727272727272)"
    )
    source = opened()
    asked = sql.format(t=source.engine().relation("t"))
    with pytest.raises(QueryError) as caught:
        list(getattr(source.engine(), how)(asked))
    text = "".join(traceback.format_exception(caught.value))
    assert caught.value.sql == asked
    assert SECRET not in text
    assert caught.value.__context__ is None
    assert source.engine().query("SELECT 1 AS one")["one"].to_pylist() == [1]


def test_a_role_without_rights_is_told(execute: Execute, postgres_database: str) -> None:
    (name,) = execute("SELECT current_database()")[0]
    execute(
        "CREATE TABLE open_to_all (v int)", "CREATE TABLE shut (v int)",
        "DROP ROLE IF EXISTS reader", "CREATE ROLE reader LOGIN PASSWORD 'r'",
        "GRANT SELECT ON open_to_all TO reader",
    )  # fmt: skip
    url = postgres_database.replace(f"{USER}:{PASSWORD}", "reader:r")
    source = open_source(url)  # tables that are skipped need no rights
    assert rows(source, "open_to_all") == []
    with pytest.raises(QueryError, match="permission denied for table shut") as caught:
        rows(source, "shut")
    assert "SELECT" in caught.value.hint
    source.close()  # type: ignore[attr-defined]
    named = {"tables": {"open_to_all": {}}}
    execute(f"REVOKE TEMPORARY ON DATABASE {name} FROM PUBLIC")
    with pytest.raises(QueryError, match="permission denied"):
        open_source(url, options=named)
    execute(f"GRANT TEMPORARY ON DATABASE {name} TO PUBLIC")
    open_source(url, options=named).close()  # type: ignore[attr-defined]
    execute("DROP OWNED BY reader", "DROP ROLE reader")


def refused(url: str, **options: Any) -> SynthlakeError:
    with pytest.raises(SynthlakeError) as caught:
        open_source(url, options=options)
    text = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    for secret in (PASSWORD, "wrong-secret"):
        assert secret not in text
    return caught.value


def test_connections_that_fail_say_whether_to_try_again(postgres: str) -> None:
    wrong = refused(postgres.replace(PASSWORD, "wrong-secret"))
    assert "password authentication failed" in str(wrong)
    assert not isinstance(wrong, Transient)
    assert not isinstance(refused(postgres.rpartition("/")[0] + "/nope"), Transient)
    host = postgres.rpartition("@")[0] + "@127.0.0.1:1/postgres"
    assert isinstance(refused(host), SourceUnavailableError)
    assert isinstance(refused(host), Transient)


def test_a_connection_that_is_lost_may_come_back(execute: Execute, opened: Opened) -> None:
    execute("CREATE TABLE t (v int)")
    source = opened()
    execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'synthlake' AND datname = current_database()"
    )
    with pytest.raises(SourceUnavailableError, match="connection to the server was lost"):
        source.engine().query("SELECT 1 AS one")
    source.close()


def test_passwords_come_from_elsewhere_and_are_not_shown(
    postgres_database: str, execute: Execute, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    execute("CREATE TABLE t (v int)")
    monkeypatch.setenv("DB_PASSWORD", PASSWORD)
    caplog.set_level("DEBUG")
    url = postgres_database.replace(f":{PASSWORD}", "")
    source = open_source(url, options={"password": "env:DB_PASSWORD"})
    assert list(source.schema().tables) == ["t"]
    shown = repr(source) + repr(source.engine()) + caplog.text
    source.close()  # type: ignore[attr-defined]
    assert PASSWORD not in shown
    assert "***" not in postgres_database
    source = open_source(f"{url}?password={PASSWORD}")
    assert PASSWORD not in repr(source) + repr(source.engine())
    source.close()  # type: ignore[attr-defined]
    monkeypatch.setenv("DB_PASSWORD", "wrong-secret")
    refused(url, password="env:DB_PASSWORD")


@pytest.mark.parametrize(
    ("url", "options", "said"),
    [
        ("postgresql+psycopg2://u:wrong-secret@h/d", {}, "driver psycopg2 is not used"),
        ("postgresql://u:wrong-secret@h:port/d", {}, "no URL of a database"),
        ("postgresql://u@h/d", {"pasword": "wrong-secret"}, "no option 'pasword'"),
        ("postgresql://u@h/d", {"misfits": "drop"}, "misfits"),
    ],
)
def test_what_is_asked_for_wrongly_is_told(url: str, options: dict[str, str], said: str) -> None:
    assert said in str(refused(url, **options))


def test_an_empty_database_says_where_tables_are(execute: Execute, opened: Opened) -> None:
    execute("CREATE SCHEMA sales", "CREATE TABLE sales.t (v int)")
    with pytest.raises(SourceError, match="no tables in its schema public") as caught:
        opened()
    assert "sales" in caught.value.hint
    with pytest.raises(SourceError, match="no schema 'sale'") as caught:
        opened("sale")
    assert "sales" in caught.value.hint


def test_a_spec_learns_it_and_shows_no_password(
    execute: Execute, postgres_database: str, tmp_path: Any
) -> None:
    execute(
        "CREATE TABLE parent (id int PRIMARY KEY, kind text)",
        "CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent, amount int)",
        "INSERT INTO parent SELECT i, 'k' || i % 3 FROM generate_series(1, 600) AS i",
        "INSERT INTO child SELECT i, 1 + i % 600, i % 9 FROM generate_series(1, 1800) AS i",
    )
    done = sl.run(
        {"version": 1, "source": postgres_database, "sink": f"parquet://{tmp_path}/twin", "seed": 1}
    )
    assert done.passed
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or PASSWORD.encode() not in file.read_bytes()


@pytest.mark.parametrize(
    ("missing", "url", "extra"),
    [("sqlalchemy", "sqlite:///d", "sql"), ("psycopg", "postgresql://u@h/d", "postgres")],
)
def test_a_missing_extra_says_what_to_install(missing: str, url: str, extra: str) -> None:
    code = (
        f"import sys; sys.modules[{missing!r}] = None; import synthlake;"
        f" import synthlake_connectors.database; synthlake.open({url!r})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120
    )
    assert f"MissingExtraError: {missing} is not installed" in done.stderr
    assert f"pip install 'synthlake[{extra}]'" in done.stderr
