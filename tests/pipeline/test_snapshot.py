"""What a run is bound to: the data, not its address."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synthlake.pipeline.snapshot import local_path, snapshot
from synthlake.source import open_source


def test_files_that_change_are_other_data(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()

    def taken(place: Path = folder) -> str:
        return snapshot(open_source(str(place)), str(place))

    pq.write_table(pa.table({"a": [1, 2]}), folder / "t.parquet")
    first = taken()
    (folder / ".hidden").write_text("x")
    assert taken() == first
    assert taken(Path(shutil.copytree(folder, tmp_path / "copy"))) == first
    pq.write_table(pa.table({"a": [1, 3]}), folder / "t.parquet")
    assert taken() != first
    pq.write_table(pa.table({"a": [1, 2]}), folder / "t.parquet")
    assert taken() == first
    pq.write_table(pa.table({"b": [1]}), folder / "u.parquet")
    assert taken() != first


def test_what_has_no_files_is_counted() -> None:
    def taken(table: pa.Table) -> str:
        return snapshot(open_source({"t": table}), "somewhere://else")

    one = pa.table({"a": [1, 2], 'select "x"; drop': ["p", "q"]})
    assert taken(one) == taken(one)
    assert taken(one) == taken(one.take([1, 0]))
    other = [
        one.slice(0, 1), one.rename_columns(["b", "c"]), one.set_column(0, "a", [[1, 1]]),
        one.set_column(0, "a", [[2, 1]]),  # rows changed, counts did not
        one.set_column(0, "a", [[2, 3]]), one.set_column(0, "a", [[None, 1]]),
        one.set_column(0, "a", pa.array([[1], [2]])), one.set_column(0, "a", pa.array([1.0, 2.5])),
    ]  # fmt: skip
    assert len({taken(table) for table in [one, *other]}) == 9


def test_rows_that_change_in_a_database_are_other_data(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    url = f"sqlite:///{path}"

    def taken() -> str:
        source = open_source(url)
        try:
            return snapshot(source, url)
        finally:
            source.close()  # type: ignore[attr-defined]

    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE t (a INTEGER, b REAL)")
        connection.execute("INSERT INTO t VALUES (1, 0.5), (2, NULL)")
        connection.commit()
        first = taken()
        connection.execute("UPDATE t SET a = a + 1")
        connection.commit()
        assert taken() != first, "what lies in the log counts"
        connection.execute("UPDATE t SET a = a - 1")
        connection.commit()
        assert taken() == first


def test_what_is_written_beside_the_data_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    duckdb.connect(path).execute("CREATE TABLE t AS SELECT 1 AS a").close()
    first = snapshot(open_source(path), str(path))
    twin = "CREATE SCHEMA twin; CREATE TABLE twin.t AS SELECT 2 AS a"
    duckdb.connect(path).execute(twin).close()
    assert snapshot(open_source(path), str(path)) == first
    duckdb.connect(path).execute("UPDATE t SET a = 3").close()
    assert snapshot(open_source(path), str(path)) != first


@pytest.mark.parametrize("form", ["{path}", "parquet://{path}", "duckdb:///{path}"])
def test_the_file_behind_a_url_is_found(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    duckdb.connect("w.duckdb").close()
    found = local_path(form.format(path="w.duckdb"))
    assert found is not None
    assert found.samefile(tmp_path / "w.duckdb")
    absolute = local_path(form.format(path=tmp_path / "w.duckdb"))
    assert absolute is not None
    assert absolute.samefile(tmp_path / "w.duckdb")
    assert local_path(form.format(path="none")) is None
    assert local_path("postgresql://host/db") is None
