"""The hard limits of the house on files, functions, classes and names."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("core", "connectors", "airflow_provider", "spark_ext", "dbt_package")
FOLDERS = (*ROOMS, "examples", "tests")
FILES = sorted(file for folder in FOLDERS for file in (ROOT / folder).rglob("*.py"))

MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 50
MAX_PUBLIC_METHODS = 12
VAGUE = {"base", "common", "helper", "helpers", "manager", "managers", "util", "utils"}
# A comment in the code excuses nobody from these.
HARD_RULES = "C901,PLR0913,TID251,TID253,S301,S302,S307,D100,D101,D102,D103,D104"

Function = ast.FunctionDef | ast.AsyncFunctionDef


def _place(file: Path) -> str:
    return str(file.relative_to(ROOT))


def _nodes(kind: type[ast.AST] | object) -> Iterator[tuple[Path, ast.AST]]:
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, kind):  # type: ignore[arg-type]
                yield file, node


def code_lines(function: Function) -> int:
    """Lines from ``def`` to the end; the docstring is free."""
    lines = (function.end_lineno or 0) - function.lineno + 1
    if ast.get_docstring(function, clean=False) is None:
        return lines
    return lines - ((function.body[0].end_lineno or 0) - function.body[0].lineno + 1)


def public_methods(node: ast.ClassDef) -> list[str]:
    """Names of methods and properties; a setter or an overload is the same name."""
    names = [n.name for n in node.body if isinstance(n, Function) and not n.name.startswith("_")]
    return sorted(set(names))


def test_there_is_code_to_judge() -> None:
    assert len([file for file in FILES if "core/synthlake" in _place(file)]) > 10


def test_files_are_short() -> None:
    lengths = {_place(f): len(f.read_text(encoding="utf-8").splitlines()) for f in FILES}
    assert {f: n for f, n in lengths.items() if n > MAX_FILE_LINES} == {}


def test_functions_are_short() -> None:
    lengths = {
        f"{_place(file)}:{node.lineno} {node.name}": code_lines(node)
        for file, node in _nodes(Function)
        if isinstance(node, Function)
    }
    assert {f: n for f, n in lengths.items() if n > MAX_FUNCTION_LINES} == {}


def test_classes_are_narrow() -> None:
    widths = {
        f"{_place(file)}:{node.lineno} {node.name}": len(public_methods(node))
        for file, node in _nodes(ast.ClassDef)
        if isinstance(node, ast.ClassDef)
    }
    assert {c: n for c, n in widths.items() if n > MAX_PUBLIC_METHODS} == {}


def test_names_say_what_a_file_holds() -> None:
    parts = {
        _place(file): {word for part in file.relative_to(ROOT).parts for word in _words(part)}
        for file in FILES
    }
    assert {file: sorted(words & VAGUE) for file, words in parts.items() if words & VAGUE} == {}


def _words(part: str) -> list[str]:
    return part.removesuffix(".py").lower().split("_")


def test_hard_rules_hold_without_excuses() -> None:
    """Complexity, parameters, slow or forbidden imports, pickles, docstrings: by ruff."""
    command = [sys.executable, "-m", "ruff", "check", "core", "--select", HARD_RULES]
    command += ["--ignore-noqa", "--no-cache", "--output-format", "json", "--exit-zero"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found = [
        f"{Path(hit['filename']).relative_to(ROOT)}:{hit['location']['row']} {hit['message']}"
        for hit in json.loads(done.stdout)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("def f():\n    return 1\n", 2),
        ('def f():\n    """Say.\n\n    More.\n    """\n    return 1\n', 2),
    ],
)
def test_a_docstring_is_free(source: str, lines: int) -> None:
    function = ast.parse(source).body[0]
    assert isinstance(function, Function)
    assert code_lines(function) == lines
