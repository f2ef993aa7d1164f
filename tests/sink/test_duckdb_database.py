"""A DuckDB file as a sink: its types, a source in the same file, and who else has it open."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from synthlake.errors import SinkBusyError, SinkError, SinkOccupiedError
from synthlake.schema.model import Column, ForeignKey, Schema, Table
from synthlake.sink import open_sink
from synthlake.source import open_source, read_table

SCHEMA = Schema({"t": Table("t", (Column("a", pa.int32()),))})
KINDS: dict[str, tuple[Any, list[Any]]] = {
    "bool": (pa.bool_(), [True, None]),
    "int8": (pa.int8(), [-128, None]),
    "uint8": (pa.uint8(), [255, None]),
    "uint16": (pa.uint16(), [65535, None]),
    "uint32": (pa.uint32(), [2**32 - 1, None]),
    "uint64": (pa.uint64(), [2**64 - 1, None]),
    "float32": (pa.float32(), [1.5, None]),
    "float64": (pa.float64(), [float("inf"), 5e-324]),
    "decimal": (pa.decimal128(38, 3), [None, 12]),
    "text": (pa.string(), ["é\0\\'", None]),
    "bytes": (pa.binary(), [b"\0\xff", b""]),
    "date": (pa.date32(), [dt.date(1, 1, 1), None]),
    "time": (pa.time64("us"), [dt.time(23, 59, 59, 1), None]),
    "s": (pa.timestamp("s"), [0, None]),
    "ms": (pa.timestamp("ms"), [-1, None]),
    "us": (pa.timestamp("us"), [-1, None]),
    "ns": (pa.timestamp("ns"), [1, None]),
    "zone": (pa.timestamp("us", "UTC"), [-1, None]),
    "list": (pa.list_(pa.int32()), [[1, None], None]),
    "struct": (pa.struct({"x y": pa.string(), 'q"': pa.int64()}), [{"x y": "a", 'q"': 1}, None]),
    "map": (pa.map_(pa.string(), pa.int64()), [[("k", 1)], None]),
}


def rows(*numbers: int) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array(numbers, pa.int32())], schema=SCHEMA["t"].arrow)


def publish(url: str, run: str = "run", schema: str | None = "twin", **options: Any) -> None:
    sink = open_sink(url, schema=schema, options=options)
    sink.open(run, SCHEMA, fingerprint=run)
    sink.write_part("t", 0, [rows(1, 2)])
    sink.publish({})


def test_rows_that_others_refer_to_are_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute("CREATE TABLE T (a INTEGER PRIMARY KEY); INSERT INTO T VALUES (7)")
        connection.execute("CREATE TABLE child (a INTEGER REFERENCES t)")
        connection.execute("INSERT INTO child VALUES (7)")
    with pytest.raises(SinkOccupiedError, match="child refers to it"):
        publish(f"duckdb:///{path}", schema=None, into_existing=True)
    with duckdb.connect(path) as connection:
        assert connection.execute("SELECT a FROM T").fetchall() == [(7,)]
        connection.execute("DELETE FROM child")
    publish(f"duckdb:///{path}", schema=None, into_existing=True)
    with duckdb.connect(path) as connection:
        assert connection.execute("SELECT a FROM T ORDER BY a").fetchall() == [(1,), (2,)]


def test_every_type_comes_back_as_it_was(tmp_path: Path) -> None:
    columns = tuple(Column(name, kind) for name, (kind, _) in KINDS.items())
    schema = Schema({"v": Table("v", columns)})
    arrays = [pa.array(values, kind) for kind, values in KINDS.values()]
    batch = pa.RecordBatch.from_arrays(arrays, schema=schema["v"].arrow)
    sink = open_sink(f"duckdb:///{tmp_path}/t.duckdb")
    sink.open("run", schema, fingerprint="f")
    sink.write_part("v", 0, [batch])
    sink.publish({})
    source = open_source(tmp_path / "t.duckdb")
    held = read_table(source, "v")
    assert list(source.schema().tables) == ["v"]  # the record of runs is no table of the twin
    for name, (kind, _) in KINDS.items():
        assert held.schema.field(name).type == kind, name
        assert held[name].to_pylist() == batch.column(name).to_pylist(), name


def test_types_that_duckdb_has_not_are_carried_or_refused(tmp_path: Path) -> None:
    enum = pa.dictionary(pa.int8(), pa.string())
    columns = (Column("enum", enum), Column("half", pa.float16()), Column("span", pa.duration("s")))
    schema = Schema({"v": Table("v", columns)})
    arrays = [
        pa.array(["x", None, "y"]).dictionary_encode().cast(enum),
        pa.array([0.5, None, -2.0], pa.float16()),
        pa.array([90, None, -1], pa.duration("s")),
    ]
    sink = open_sink(f"duckdb:///{tmp_path}/t.duckdb")
    sink.open("run", schema, fingerprint="f")
    batch = pa.RecordBatch.from_arrays(arrays, schema=schema["v"].arrow)
    sink.write_part("v", 0, [batch.slice(0, 1), batch.slice(1)])
    sink.publish({})
    held = read_table(open_source(tmp_path / "t.duckdb"), "v").to_pydict()
    assert held == {"enum": ["x", None, "y"], "half": [0.5, None, -2.0], "span": [90, None, -1]}
    nanos = Schema({"n": Table("n", (Column("at", pa.timestamp("ns", "UTC")),))})
    sink.open("next", nanos, fingerprint="f")
    part = pa.RecordBatch.from_arrays(
        [pa.array([1], pa.timestamp("ns", "UTC"))], schema=nanos["n"].arrow
    )
    with pytest.raises(SinkError, match=r"n\.at is timestamp\[ns, tz=UTC\].*without loss"):
        sink.write_part("n", 0, [part])


def test_keys_are_found_in_any_case(tmp_path: Path) -> None:
    path = tmp_path / "shop.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute('CREATE TABLE Parent ("Id" INTEGER PRIMARY KEY)')
        connection.execute("CREATE TABLE child (p INTEGER REFERENCES PARENT (ID))")
    source = open_source(path)
    assert source.schema()["child"].foreign_keys == (ForeignKey(("p",), "Parent", ("Id",)),)
    source.close()  # type: ignore[attr-defined]


def test_a_source_of_the_same_file_is_closed_first(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE real AS SELECT 1::INTEGER AS a")
    source = open_source(path)
    url = f"duckdb:///{path}"
    sink = open_sink(url, schema="twin")
    assert sink.published() is None  # what is published can be read beside it
    with pytest.raises(SinkError, match="cannot be opened for writing") as caught:
        sink.open("run", SCHEMA)
    assert "source.close()" in caught.value.hint
    source.close()  # type: ignore[attr-defined]
    publish(url)
    again = open_source(path)
    assert read_table(again, "real")["a"].to_pylist() == [1]
    assert (open_sink(url, schema="twin").published() or {})["run"] == "run"


def test_a_connection_of_the_users_may_stay_open(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        reader = connection.cursor()
        publish(f"duckdb:///{path}", "one")
        reader.execute("BEGIN TRANSACTION")
        assert reader.execute("SELECT count(*) FROM twin.t").fetchone() == (2,)
        sink = open_sink(f"duckdb:///{path}", schema="twin")
        sink.open("two", SCHEMA, fingerprint="two")
        sink.write_part("t", 0, [rows(1, 2, 3)])
        sink.publish({})
        assert reader.execute("SELECT count(*) FROM twin.t").fetchone() == (2,)
        reader.execute("COMMIT")
        assert reader.execute("SELECT count(*) FROM twin.t").fetchone() == (3,)


def test_another_process_keeps_the_file_busy(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    code = f"import duckdb; c = duckdb.connect({str(path)!r}); print('open', flush=True); input()"
    command = [sys.executable, "-c", code]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(SinkBusyError, match="is open in another process"):
            publish(f"duckdb:///{path}")
        other.communicate("\n")
    publish(f"duckdb:///{path}")


def test_a_schema_may_be_called_like_its_file(tmp_path: Path) -> None:
    for run in ("one", "two"):
        publish(f"duckdb:///{tmp_path}/twin.duckdb", run)
    with duckdb.connect(str(tmp_path / "twin.duckdb")) as connection:
        assert connection.execute("SELECT count(*) FROM twin.twin.t").fetchone() == (2,)


def test_urls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    publish("duckdb:///near.duckdb")
    assert (tmp_path / "near.duckdb").exists()
    with pytest.raises(SinkError, match="names no file"):
        open_sink("duckdb://")
    with pytest.raises(SinkError, match="no option 'threads'"):
        open_sink("duckdb:///near.duckdb", options={"threads": 2})
