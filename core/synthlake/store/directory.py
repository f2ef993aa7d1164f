"""Folders that appear whole or not at all: staged beside the target, then one rename."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from synthlake.errors import SinkError, SinkOccupiedError
from synthlake.sink.exchange import replace

Ours = Callable[[Path], bool]
"""Whether a folder that is not empty may be replaced."""


def write_file(path: Path, data: bytes) -> None:
    """Write a file so that it is whole, and on the disk, once it has its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = path.with_name(f".{path.name}.{os.getpid()}")
    with staged.open("wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    staged.replace(path)
    sync_directory(path.parent)


@contextmanager
def staged_file(path: Path) -> Iterator[Path]:
    """A path beside a file that takes its place, whole and on the disk, when the block ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield staged
        sync_directory(staged)
        staged.replace(path)
        sync_directory(path.parent)
    finally:
        staged.unlink(missing_ok=True)


def sync_directory(path: Path) -> None:
    """Make the names in a folder survive a loss of power."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def manifest_of(directory: Path) -> dict[str, Any]:
    """The manifest of a folder; empty if there is none that can be read."""
    try:
        manifest = json.loads((directory / "manifest.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return manifest if isinstance(manifest, dict) else {}


def check_target(target: Path, ours: Ours) -> None:
    """Refuse a target whose loss nobody asked for.

    Args:
        target: a folder that may be replaced.
        ours: whether it may be, if it is not empty.

    Raises:
        SinkOccupiedError: it is a file, or a folder that holds something else.
        SinkError: it cannot be made there.
    """
    if target.is_dir():
        if any(target.iterdir()) and not ours(target):
            raise SinkOccupiedError(
                f"{target} is not empty and Synthlake did not write it",
                hint="name another folder, or empty this one yourself",
            )
    elif target.exists() or target.is_symlink():
        raise SinkOccupiedError(f"{target} is a file", hint="name a folder")
    elif target.absolute().parent.exists() and not os.access(target.absolute().parent, os.W_OK):
        raise SinkError(f"{target.parent} cannot be written to", hint="name another folder")


def publish(staged: Path, target: Path, ours: Ours) -> None:
    """Put a staged folder in the place of a target by one rename; what was there is removed.

    Raises:
        SinkOccupiedError: the target holds something that is not ours.
    """
    check_target(target, ours)
    target.absolute().parent.mkdir(parents=True, exist_ok=True)
    _sync_tree(staged)
    old = staged.with_name(staged.name + ".old")
    replace(staged, target, old)
    sync_directory(target.absolute().parent)
    for left in (staged, old):
        shutil.rmtree(left, ignore_errors=True)


@contextmanager
def staging(target: Path, ours: Ours) -> Iterator[Path]:
    """A folder beside the target that becomes the target when the block ends without an error.

    Raises:
        SinkOccupiedError: the target holds something that is not ours.
    """
    check_target(target, ours)
    staged = target.absolute().parent / f".{target.name}.staged.{os.getpid()}"
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(parents=True)
    try:
        yield staged
        publish(staged, target, ours)
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _sync_tree(root: Path) -> None:
    for folder, _, names in os.walk(root):
        for name in names:
            sync_directory(Path(folder) / name)
        sync_directory(Path(folder))
