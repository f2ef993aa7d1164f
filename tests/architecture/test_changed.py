"""What `make check` runs for what changed."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.changed import ALWAYS, ROOT, SHAPES, changed, chosen


def test_rooms_have_chosen_their_name_and_plugins_of_their_host() -> None:
    assert chosen(["core/synthlake/models/trees.py"]) == [ALWAYS, "tests/models", SHAPES]
    assert chosen(["spark_ext/synthlake_spark/x.py"]) == [ALWAYS, "tests/spark"]
    assert chosen(["core/synthlake/seed.py"]) == [ALWAYS, "tests/pipeline"]
    assert chosen(["tests/conftest.py", "pyproject.toml"]) == [ALWAYS, "tests/pipeline"]
    assert chosen(["README.md"]) == [ALWAYS]


def test_a_file_of_tests_is_run_alone_unless_its_room_is() -> None:
    file = "tests/models/test_trees_that_is_gone.py"
    assert chosen([file]) == [ALWAYS]
    file = "tests/models/test_histograms.py"
    assert chosen([file]) == [ALWAYS, file]
    assert chosen([file, "core/synthlake/models/trees.py"]) == [ALWAYS, "tests/models", SHAPES]


def test_every_room_of_the_core_has_tests() -> None:
    rooms = [
        p.name for p in (ROOT / "core" / "synthlake").iterdir() if (p / "__init__.py").exists()
    ]
    assert {f"tests/{room}" for room in rooms} <= set(
        chosen(f"core/synthlake/{room}/x.py" for room in rooms)
    )


def test_what_changed_is_told_by_git(tmp_path: Path) -> None:
    def git(*asked: str) -> None:
        who = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
        subprocess.run(["git", *who, *asked], cwd=tmp_path, check=True, capture_output=True)

    git("init")
    (tmp_path / "old.py").write_text("1")
    git("add", ".")
    git("commit", "-m", "one")
    assert changed(tmp_path) == ["old.py"], "nothing differs: those of the last commit"
    (tmp_path / "new.py").write_text("2")
    (tmp_path / "old.py").write_text("3")
    assert sorted(changed(tmp_path)) == ["new.py", "old.py"]
