"""What becomes of a run id that was published before, for the same data and for other data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synthlake.errors import SpecError
from synthlake.pipeline.run import RunResult, RunSettings, if_published_of, run


def write(folder: Path, rows: int) -> Path:
    folder.mkdir(exist_ok=True)
    table = pa.table({"id": range(rows), "kind": ["a", "b", "c", "d"] * (rows // 4)})
    pq.write_table(table, folder / "things.parquet")
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write(tmp_path / "real", 400)


def call(data: Path, out: str, **given: Any) -> RunResult:
    spec = {"source": str(data), "evaluate": {"tier": "quick"}, "gates": []}
    return run(spec, RunSettings("nightly/2026", out=out, **given))


def content(out: str) -> bytes:
    return (Path(out) / "things.parquet").read_bytes()


@pytest.fixture
def out(tmp_path: Path) -> str:
    return str(tmp_path / "twin")


def test_the_same_data_is_never_done_twice(data: Path, out: str) -> None:
    assert not call(data, out).reused
    for choice in ("fail", "reuse", "replace"):
        assert call(data, out, if_published=choice).reused


def test_other_data_under_the_same_id(data: Path, out: str) -> None:
    call(data, out)
    before = content(out)
    write(data, 800)
    with pytest.raises(SpecError, match="published with another spec, other data"):
        call(data, out)
    assert content(out) == before
    reused = call(data, out, if_published="reuse")
    assert reused.reused
    assert content(out) == before
    replaced = call(data, out, if_published="replace")
    assert not replaced.reused
    assert pq.read_table(Path(out) / "things.parquet").num_rows == 800
    assert call(data, out).reused  # it is bound to the new data now


def test_only_three_words_are_known() -> None:
    with pytest.raises(SpecError, match="if_published: 'repalce' is not known"):
        if_published_of("repalce")
