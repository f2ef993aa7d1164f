"""Prints the tests of what changed since the last commit, or in it: what `make check` runs."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ALWAYS = "tests/architecture"
PLUGINS = {
    "connectors": ("connectors", "sink", "source"),
    "airflow_provider": ("airflow",),
    "spark_ext": ("spark",),
    "dbt_package": ("dbt",),
}
"""Rooms of the tests of each plugin; a room of the core has tests of its own name."""
OTHER = ("pipeline",)
"""Those of a module of the core that is in no room, and of what all share: the main job."""
SHAPES = "tests/property/test_schemas.py"
"""Databases that fuzzing found: for the rooms that keys go through."""
KEYS = ("relational", "schema", "models")


def chosen(paths: Iterable[str], root: Path = ROOT) -> list[str]:
    """Files and folders of tests, for files that changed, by paths from the root."""
    found = {ALWAYS, *(test for path in paths for test in _tests(Path(path), root))}
    whole = {test for test in found if not test.endswith(".py")}
    inside = {test for test in found - whole if whole & {str(p) for p in Path(test).parents}}
    return sorted(found - inside)


def _tests(path: Path, root: Path) -> Iterator[str]:
    """Tests of one file."""
    first, *rest = path.parts
    if first == "tests" and path.name.startswith("test_"):
        rooms: tuple[str, ...] = ()
        if (root / path).exists():
            yield str(path)
    elif first == "tests":
        rooms = tuple(rest[:1]) if len(rest) > 1 else OTHER
    elif first == "core":
        room = rest[1] if len(rest) > 1 else ""
        rooms = (room,) if (root / "tests" / room).is_dir() and room else OTHER
        if room in KEYS:
            yield SHAPES
    else:
        shared = first in ("pyproject.toml", "Makefile", "requirements.lock")
        rooms = OTHER if shared else PLUGINS.get(first, ())
    yield from (f"tests/{room}" for room in rooms if (root / "tests" / room).is_dir())


def changed(root: Path = ROOT) -> list[str]:
    """Files that differ from the last commit, and new ones; those of that commit if none does."""

    def git(*asked: str) -> list[str]:
        done = subprocess.run(["git", *asked], cwd=root, capture_output=True, text=True, check=True)
        return done.stdout.splitlines()

    now = git("diff", "--name-only", "HEAD") + git("ls-files", "--others", "--exclude-standard")
    return now or git("show", "--pretty=", "--name-only", "--first-parent", "-m", "HEAD")


if __name__ == "__main__":
    print(*chosen(changed()))
