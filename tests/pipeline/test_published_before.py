"""What becomes of a run id that was published before, for the same data and for other data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.databases import into_sqlite

from synthlake.api import find_run, load
from synthlake.errors import SinkBusyError, SinkOccupiedError, SpecError
from synthlake.pipeline import run as module
from synthlake.pipeline.run import RunResult, RunSettings, if_published_of, run
from synthlake.pipeline.work import Work, lock


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


def test_what_was_put_aside_was_not_published(tmp_path: Path, data: Path, out: str) -> None:
    spec = {"source": str(data), "evaluate": {"tier": "quick"}, "sink": out}
    gates = [{"metric": "schema", "at_least": 2}]
    assert not run({**spec, "gates": gates}, RunSettings("nightly")).passed
    aside = run({**spec, "gates": gates}, RunSettings("nightly"))
    assert (aside.passed, aside.reused) == (False, True)
    for choice in ("fail", "reuse"):
        made = run({**spec, "gates": []}, RunSettings("nightly", if_published=choice))
        assert made.passed
        assert made.reused == (choice == "reuse")


def test_who_waited_for_the_lock_does_not_make_it_again(
    data: Path, out: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def late(work: Work) -> Iterator[None]:
        """Another process publishes between the look and the lock."""
        monkeypatch.undo()
        assert not call(data, out).reused
        with lock(work):
            yield

    monkeypatch.setattr(module, "lock", late)
    assert call(data, out).reused


def test_steps_of_a_run_at_work_are_not_removed_by_who_finds_it_published(
    data: Path, out: str
) -> None:
    call(data, out)
    work = Work("nightly/2026", Path(out), "of other data")
    with lock(work):
        work.bind()
        with pytest.raises(SinkBusyError):
            call(data, out)
        assert work.folder.is_dir()


class TestInDatabase:
    """A schema that holds the twins of many runs."""

    @pytest.fixture
    def spec(self, tmp_path: Path, data: Path) -> dict[str, Any]:
        return {
            "source": str(data), "sink": f"duckdb:///{tmp_path}/twin.duckdb",
            "runs": str(tmp_path / "runs"), "evaluate": {"tier": "quick"}, "gates": [],
        }  # fmt: skip

    def test_killed_after_delivery_it_keeps_its_report(
        self, spec: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def killed(work: Work, accepted: bool) -> Path:
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(Work, "publish", killed)
            with pytest.raises(KeyboardInterrupt):
                run(spec, RunSettings("nightly"))
        assert find_run(spec["sink"], "nightly") is not None, "it is delivered"
        again = run(spec, RunSettings("nightly"))
        assert again.reused
        assert again.report.is_file()
        assert load(again.artifact).schema.tables
        assert [p.name for p in Path(spec["runs"]).iterdir()] == ["nightly"]

    def test_a_later_run_beside_it_does_not_hide_it(
        self, spec: dict[str, Any], data: Path, tmp_path: Path
    ) -> None:
        run(spec, RunSettings("first"))
        (tmp_path / "others").mkdir()
        pq.write_table(pa.table({"x": list(range(300))}), tmp_path / "others" / "others.parquet")
        run({**spec, "source": str(tmp_path / "others")}, RunSettings("second"))

        found = find_run(spec["sink"], "first")
        assert found is not None
        assert set(found.rows) == {"things"}
        write(data, 800)
        with pytest.raises(SpecError, match="published with another spec, other data"):
            run(spec, RunSettings("first"))
        assert run(spec, RunSettings("first", if_published="reuse")).reused
        assert not run(spec, RunSettings("first", if_published="replace")).reused

    def test_what_is_gone_is_made_again(self, spec: dict[str, Any], tmp_path: Path) -> None:
        run(spec, RunSettings("nightly"))
        with duckdb.connect(tmp_path / "twin.duckdb") as connection:
            connection.execute("DROP TABLE things")
        assert find_run(spec["sink"], "nightly") is None
        assert not run(spec, RunSettings("nightly")).reused


@pytest.mark.parametrize("scheme", ["duckdb", "sqlite", "delta"])
def test_a_sink_that_will_refuse_says_so_before_anything_is_learned(
    data: Path, tmp_path: Path, scheme: str
) -> None:
    theirs = pa.table({"theirs": [1]})
    if scheme == "delta":
        import deltalake

        deltalake.write_deltalake(tmp_path / "there" / "things", theirs)
    elif scheme == "duckdb":
        with duckdb.connect(tmp_path / "there") as connection:
            connection.execute("CREATE TABLE things AS SELECT * FROM theirs")
    else:
        into_sqlite(tmp_path / "there", {"things": theirs})
    spec = {"source": str(data), "sink": f"{scheme}:///{tmp_path}/there",
            "runs": str(tmp_path / "runs"), "evaluate": {"tier": "quick"}, "gates": []}  # fmt: skip
    steps: list[str] = []
    with pytest.raises(SinkOccupiedError, match="did not"):
        run(spec, on_event=lambda event: steps.append(event.step))
    assert "fit" not in steps
