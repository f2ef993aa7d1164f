"""PostgreSQL as a sink: exact values, readers that see one publication, one publisher at a time."""

from __future__ import annotations

import datetime as dt
import math
import threading
import traceback
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pyarrow as pa
import pytest
from tests.connectors.database_places import (
    SMALL,
    Place,
    batch,
    deliver,
    parents_and_children,
    postgres_place,
)

from synthlake.api import Column, Schema, Table
from synthlake.errors import SinkBusyError, SinkError, SinkOccupiedError
from synthlake.sink import open_sink

SCHEMA = parents_and_children()
NASTY = [
    "",
    " ",
    "\\N",
    "\\.",
    "a\tb\nc\r\\d",
    "é漢😀",
    "'\"%s{}",
    "\\x41",
    None,
    "NULL",
    "\x01\x7f",
]
UTC = dt.UTC
DAY = dt.date(1, 1, 1), dt.date(9999, 12, 31), dt.date(1969, 12, 31), None
MOMENT = dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31, 23, 59, 59, 999999), None  # noqa: DTZ001
ZONED = dt.datetime(1960, 2, 29, 1, 2, 3, 4, UTC), dt.datetime(2013, 7, 1, tzinfo=UTC), None
CASES: dict[str, tuple[pa.DataType, list[Any]]] = {
    "bool": (pa.bool_(), [True, False, None]),
    "int8": (pa.int8(), [-128, 127, None]),
    "int16": (pa.int16(), [-(2**15), 2**15 - 1, None]),
    "int32": (pa.int32(), [-(2**31), 2**31 - 1, None]),
    "int64": (pa.int64(), [-(2**63), 2**63 - 1, None]),
    "uint32": (pa.uint32(), [0, 2**32 - 1, None]),
    "uint64": (pa.uint64(), [0, 2**64 - 1, None]),
    "float32": (pa.float32(), [1.1, -0.0, math.inf, 1e-45, None]),
    "float64": (pa.float64(), [0.1, -0.0, math.nan, math.inf, -math.inf, 5e-324, 1.7e308, None]),
    "decimal": (
        pa.decimal128(38, 10),
        [Decimal("-1234567890123456789012345678.0123456789"), Decimal("1E-10"), Decimal(0), None],
    ),
    "text": (pa.string(), NASTY),
    "large": (pa.large_string(), NASTY),
    "enum": (pa.dictionary(pa.int8(), pa.string()), ["x", "y\\", "x", None]),
    "bytes": (pa.binary(), [b"", b"\0\\x\n\t\xff", None, b"\\N"]),
    "fixed": (pa.binary(2), [b"\0\1", None]),
    "date": (pa.date32(), list(DAY)),
    "naive": (pa.timestamp("us"), list(MOMENT)),
    "seconds": (pa.timestamp("s"), [dt.datetime(2013, 3, 10, 2, 30), None]),  # noqa: DTZ001
    "zoned": (pa.timestamp("us", "America/New_York"), list(ZONED)),
    "time": (pa.time64("us"), [dt.time(23, 59, 59, 999999), dt.time(), None]),
    "span": (pa.duration("ms"), [dt.timedelta(days=-3, milliseconds=5), None]),
    "uuid": (pa.uuid(), [UUID(int=7).bytes, None]),
}


@pytest.fixture
def place(postgres_database: str) -> Place:
    return postgres_place(postgres_database)


def _plain(value: Any) -> Any:
    if isinstance(value, float) and math.isnan(value):
        return "nan"
    if isinstance(value, float) and value == 0:
        return math.copysign(1, value), "zero"
    return value


def test_every_value_arrives_as_it_is(place: Place) -> None:
    length = max(len(values) for _, values in CASES.values())
    types = {name: kind for name, (kind, _) in CASES.items()}
    schema = Schema({"v": Table("v", tuple(Column(n, kind) for n, kind in types.items()))})
    given = {n: (v + [None] * length)[:length] for n, (_, v) in CASES.items()}
    arrays = [pa.array(given[name], kind) for name, kind in types.items()]
    rows = pa.RecordBatch.from_arrays(arrays, schema=schema["v"].arrow)
    sink = place.sink()
    sink.open("run", schema, fingerprint="f")
    sink.write_part("v", 0, [rows.slice(0, 3), rows.slice(3)])
    sink.publish({})
    with psycopg.connect(place.url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("SET TimeZone = 'Asia/Kolkata'")
        cursor = connection.cursor(row_factory=psycopg.rows.dict_row)
        found = cursor.execute('SELECT * FROM twin."v"').fetchall()
    assert len(found) == length
    for name in types:
        expected = [UUID(bytes=v) if name == "uuid" and v else v for v in given[name]]
        got = [row[name] for row in found]
        assert [_plain(v) for v in got] == [_plain(v) for v in expected], name


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        (pa.string(), ["a", "b\0c", None], r"t\.c: 1 texts have a NUL"),
        (pa.timestamp("ns"), [1, 1000, None], r"t\.c is timestamp\[ns\].*without loss"),
        (pa.date32(), [-800_000, None], r"t\.c has dates outside of the years 1 to 9999"),
    ],
)
def test_values_that_cannot_be_held_are_refused_by_column(
    place: Place, kind: Any, values: list[Any], message: str
) -> None:
    schema = Schema({"t": Table("t", (Column("c", kind),))})
    sink = place.sink()
    sink.open("run", schema, fingerprint="f")
    whole = pa.RecordBatch.from_arrays([pa.array(values, kind)], schema=schema["t"].arrow)
    with pytest.raises(SinkError, match=message) as caught:
        sink.write_part("t", 0, [whole])
    assert "b\0c" not in str(caught.value)
    assert not sink.has_part("t", 0)


def test_a_held_snapshot_sees_all_old_rows_and_a_new_one_all_new(place: Place) -> None:
    deliver(place.sink(), SCHEMA, SMALL, "0", "0")
    tables = ["Parent", "child"]
    before = 3
    for number, order in enumerate([tables, tables[::-1], tables, tables[::-1]], start=1):
        rows: dict[str, Any] = {
            "Parent": [(n, "x") for n in range(10 * number)],
            "child": [(n, n, 1.0) for n in range(10 * number)],
        }
        with psycopg.connect(place.url.replace("+psycopg", "")) as reader:
            reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ

            def count(table: str, reader: psycopg.Connection[Any] = reader) -> int:
                row = reader.execute(f'SELECT count(*) FROM twin."{table}"').fetchone()
                return int(row[0]) if row else -1

            assert count(order[0]) == before
            deliver(place.sink(), SCHEMA, rows, str(number), str(number))
            assert [count(table) for table in order[::-1]] == [before, before]
            reader.rollback()
            assert [count(table) for table in order] == [10 * number] * 2
        before = 10 * number


@pytest.mark.parametrize("isolation", ["read committed", "repeatable read"])
def test_publishers_at_the_same_time_wait_for_each_other(place: Place, isolation: str) -> None:
    database = place.url.rpartition("/")[2]
    place.run(f"ALTER DATABASE {database} SET default_transaction_isolation = '{isolation}'")
    sinks = []
    for run in range(4):
        sink = place.sink()
        sink.open(f"run{run}", SCHEMA, fingerprint=str(run))
        parents = [(n, str(run)) for n in range(500)]
        sink.write_part("Parent", 0, [batch(SCHEMA["Parent"], *parents)])
        children = [(n, n % 500, float(run)) for n in range(2000)]
        sink.write_part("child", 0, [batch(SCHEMA["child"], *children)])
        sinks.append(sink)
    failures: list[BaseException] = []

    def publish(number: int) -> None:
        try:
            sinks[number].publish({"seed": number})
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=publish, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    last = (place.sink().published() or {})["seed"]
    assert place.run('SELECT DISTINCT n FROM twin."Parent"') == [(str(last),)]
    assert place.run("SELECT DISTINCT x, count(*) FROM twin.child GROUP BY x") == [(last, 2000)]
    assert place.run("SELECT count(*) FROM twin._synthlake_runs") == [(4,)]
    assert place.staged() == set()


def test_the_database_that_refuses_quotes_no_values_and_no_password(place: Place) -> None:
    place.run("CREATE SCHEMA twin")
    place.run("CREATE TABLE twin.\"Parent\" (id bigint, n text CHECK (n <> 'secret-cell'))")
    rows: dict[str, Any] = {**SMALL, "Parent": [(1, "secret-cell")], "child": []}
    with pytest.raises(SinkError, match=r"CheckViolation \(Parent") as caught:
        deliver(place.sink(into_existing=True), SCHEMA, rows)
    shown = "".join(traceback.format_exception(caught.value))
    assert "secret-cell" not in shown.replace("n <> 'secret-cell'", "")
    assert "Passw0rd" not in shown + repr(place.sink())
    assert place.rows("Parent") == []


def test_identities_of_a_users_table_are_written_as_they_are(place: Place) -> None:
    place.run("CREATE SCHEMA twin")
    identity = "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY"
    place.run(f'CREATE TABLE twin."Parent" (id {identity}, n text)')
    deliver(place.sink(into_existing=True), SCHEMA, SMALL)
    assert place.rows("Parent") == sorted(SMALL["Parent"], key=repr)


@pytest.mark.parametrize("action", ["CASCADE", "SET NULL", "SET DEFAULT"])
@pytest.mark.parametrize("made", [True, False], ids=["ours", "the user's"])
def test_rows_of_other_tables_do_not_go_with_those_that_are_replaced(
    place: Place, action: str, made: bool
) -> None:
    if made:
        deliver(place.sink(), SCHEMA, SMALL)
    else:
        place.run("CREATE SCHEMA twin")
        place.run('CREATE TABLE twin."Parent" (id bigint PRIMARY KEY, n text)')
        place.run("""INSERT INTO twin."Parent" VALUES (1, 'a')""")
    place.run(
        'CREATE TABLE public."my; rows" (id bigint, parent bigint DEFAULT 2'
        f' REFERENCES twin."Parent" ON DELETE {action})'
    )
    place.run('INSERT INTO public."my; rows" VALUES (1, 1)')
    with pytest.raises(SinkOccupiedError, match=r'rows of Parent would delete or .*"my; rows"'):
        deliver(place.sink(into_existing=True), SCHEMA, SMALL, "next", "two")
    assert place.run('SELECT * FROM public."my; rows"') == [(1, 1)]


def test_actions_between_the_tables_of_the_twin_are_no_danger(place: Place) -> None:
    place.run("CREATE SCHEMA twin")
    place.run('CREATE TABLE twin."Parent" (id bigint PRIMARY KEY, n text)')
    place.run(
        'CREATE TABLE twin.child (id bigint, parent bigint REFERENCES twin."Parent"'
        " ON DELETE CASCADE, x double precision) PARTITION BY RANGE (id)"
    )
    place.run("CREATE TABLE twin.child_0 PARTITION OF twin.child DEFAULT")
    for run in ("one", "two"):
        deliver(place.sink(into_existing=True), SCHEMA, SMALL, run, run)
        assert place.rows("child") == sorted(SMALL["child"], key=repr)


def test_servers_that_cannot_be_reached_or_refuse(place: Place) -> None:
    wrong = place.url.replace("Passw0rd", "Wr0ng")
    with pytest.raises(SinkError, match="authentication failed") as caught:
        open_sink(wrong, schema="twin").published()
    assert not isinstance(caught.value, SinkBusyError)
    assert "Wr0ng" not in "".join(traceback.format_exception(caught.value))
    port = place.url.rpartition(":")[2].partition("/")[0]
    with pytest.raises(SinkBusyError, match="cannot be reached"):
        open_sink(place.url.replace(f":{port}/", ":1/"), schema="twin").published()
    given = open_sink(
        wrong, schema="twin", options={"password": place.url.split(":")[2].split("@")[0]}
    )
    assert given.published() is None


def test_a_role_without_the_right_to_create_is_told(place: Place, tmp_path: Path) -> None:
    place.run("CREATE ROLE reader LOGIN PASSWORD 'r'") if not place.run(
        "SELECT 1 FROM pg_roles WHERE rolname = 'reader'"
    ) else None
    url = place.url.replace(place.url.partition("://")[2].partition("@")[0], "reader:r")
    with pytest.raises(SinkError, match="permission denied for database") as caught:
        open_sink(url, schema="twin").open("run", SCHEMA)
    assert "right to create schemas" in caught.value.hint


def test_the_default_schema_is_the_first_of_the_search_path(postgres_database: str) -> None:
    place = postgres_place(postgres_database, None)
    deliver(place.sink(), SCHEMA, SMALL)
    assert len(place.run('SELECT * FROM public."Parent"')) == 3


def test_staging_that_a_crash_of_the_server_emptied_is_made_anew(place: Place) -> None:
    sink = place.sink()
    sink.open("run", SCHEMA, fingerprint="f")
    sink.write_part("Parent", 0, [batch(SCHEMA["Parent"], (1, "a"))])
    (area,) = place.staged()
    for table in ("owner", "parts", "rows_0", "rows_1"):  # as recovery does to unlogged tables
        place.run(f'TRUNCATE "{area}"."{table}"')
    with pytest.raises(SinkError, match="staging area of run run is not there"):
        sink.publish({})
    deliver(place.sink(), SCHEMA, SMALL, "run", "f")
    assert place.rows("Parent") == sorted(SMALL["Parent"], key=repr)
