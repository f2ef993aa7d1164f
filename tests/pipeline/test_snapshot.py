"""What a run is bound to: the data, not its address."""

from __future__ import annotations

import shutil
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
    other = [one.slice(0, 1), one.rename_columns(["b", "c"]), one.set_column(0, "a", [[1, 1]])]
    assert len({taken(table) for table in [one, *other]}) == 4


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
