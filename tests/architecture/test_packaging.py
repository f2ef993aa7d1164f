"""The frame around the code agrees with itself."""

from __future__ import annotations

import re
import subprocess
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
REQUIREMENTS = [
    *PROJECT["dependencies"],
    *(each for extra in PROJECT["optional-dependencies"].values() for each in extra),
]
UNLOCKED = {"sdv"}  # see its extra: tests/bench/sdv_bridge.py runs in an environment of its own
DOCS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def _name(requirement: str) -> str:
    return re.split(r"[\[<>=!~ ;]", requirement)[0].lower().replace(".", "-").replace("_", "-")


def test_the_lock_holds_every_requirement() -> None:
    locked = {_name(line) for line in LOCK.splitlines()}
    assert {_name(each) for each in REQUIREMENTS} - locked == {"synthlake", *UNLOCKED}


def test_every_requirement_has_a_lower_bound() -> None:
    assert [e for e in REQUIREMENTS if ">=" not in e and _name(e) != "synthlake"] == []


def test_the_lock_names_packages_only() -> None:
    pin = re.compile(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+")
    assert [line for line in LOCK.splitlines() if not pin.fullmatch(line)] == []


def test_the_installed_version_is_the_declared_one() -> None:
    assert version("synthlake") == PROJECT["version"]


def test_the_changelog_knows_the_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "## [Unreleased]" in changelog or f"## [{PROJECT['version']}]" in changelog


def test_packages_say_that_they_are_typed() -> None:
    assert (ROOT / "core" / "synthlake" / "py.typed").exists()


@pytest.mark.parametrize("doc", DOCS, ids=lambda p: str(p.relative_to(ROOT)))
def test_docs_name_only_extras_and_targets_that_exist(doc: Path) -> None:
    text = doc.read_text(encoding="utf-8")
    named = {
        e.strip() for found in re.findall(r"synthlake\[([^\]]+)\]", text) for e in found.split(",")
    }
    assert named <= set(PROJECT["optional-dependencies"])
    for target in set(re.findall(r"^make ([a-z]+)|`make ([a-z]+)`", text, re.MULTILINE)):
        subprocess.run(["make", "-n", "".join(target)], cwd=ROOT, capture_output=True, check=True)


@pytest.mark.parametrize("doc", DOCS, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(doc: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)", doc.read_text(encoding="utf-8"))
    inside = [t for t in targets if not re.match(r"[a-z]+:", t)]
    assert [t for t in inside if not (doc.parent / t).exists()] == []
