"""Work folders: one process a run, one spec a run id, one rename to publish."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from synthlake.errors import SinkError, SinkOccupiedError, SpecError
from synthlake.pipeline.work import Work, is_twin, lock


def test_a_run_id_stands_for_one_spec(tmp_path: Path) -> None:
    Work("r", tmp_path / "out", "first").bind()
    Work("r", tmp_path / "out", "first").bind()
    with pytest.raises(SpecError, match="started with another spec"):
        Work("r", tmp_path / "out", "second").bind()
    Work("other", tmp_path / "out", "second").bind()


@pytest.mark.parametrize("run_id", ["a/b:c", "..", ".", "é", "x" * 400])
def test_any_run_id_is_a_folder_of_its_own(tmp_path: Path, run_id: str) -> None:
    work = Work(run_id, tmp_path / "out", "b")
    with lock(work):
        work.bind()
        assert work.folder.parent == work.home
        assert (work.folder / "run.json").is_file()
        work.remove()
    assert list(tmp_path.iterdir()) == []


def test_two_processes_do_not_share_a_run(tmp_path: Path) -> None:
    work = Work("r", tmp_path / "out", "b")
    code = (
        "import sys; from pathlib import Path; from synthlake.pipeline.work import Work, lock\n"
        "with lock(Work('r', Path(sys.argv[1]), 'b')): print('held')"
    )
    again = [sys.executable, "-c", code, str(tmp_path / "out")]
    with lock(work):
        done = subprocess.run(again, capture_output=True, text=True, check=False)
        assert "another process is at work on run r" in done.stderr
        with lock(Work("s", tmp_path / "out", "b")):
            pass
    assert subprocess.run(again, capture_output=True, text=True, check=True).stdout == "held\n"


def test_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from synthlake.pipeline.work import Work, lock\n"
        "with lock(Work('r', Path(sys.argv[1]), 'b')): os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "out")], check=False)
    with lock(Work("r", tmp_path / "out", "b")):
        pass
    assert list(tmp_path.iterdir()) == []


def test_only_a_twin_of_ours_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"x")
    assert not is_twin(tmp_path)
    (tmp_path / "manifest.json").write_text(
        '{"synthlake": 1, "tables": {"a": {"files": [{"path": "a.parquet"}]}},'
        ' "of_run": {"files": {"report.html": {}}}}'
    )
    (tmp_path / "report.html").write_text("x")
    assert is_twin(tmp_path)
    (tmp_path / "mine.txt").write_text("x")
    assert not is_twin(tmp_path)


def test_what_is_not_ours_is_not_published_over(tmp_path: Path) -> None:
    work = Work("r", tmp_path / "out", "b")
    work.out.mkdir(parents=True)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("x")
    with pytest.raises(SinkOccupiedError):
        work.publish(accepted=True)
    assert (tmp_path / "out" / "mine").read_text() == "x"
    assert work.publish(accepted=False) == tmp_path / "out.rejected"


def test_a_place_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with (
        pytest.raises(SinkError, match="cannot be written"),
        lock(Work("r", tmp_path / "file" / "out", "b")),
    ):
        pass
