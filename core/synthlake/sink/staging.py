"""The staging area of a run: parts as they become complete, beside the folder they go to.

.<name>.staging-<run>/state.json      whose it is, and whether it is about to be published
                      done/<t>/<n>    record of a complete part: rows, bytes, digest
                      data/           what becomes the target; afterwards what it replaced
                      old             what it replaced, where folders cannot be exchanged
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa

from synthlake.sink.exchange import replace, restore
from synthlake.sink.formats import ending, sync, write_file
from synthlake.source.filenames import encode
from synthlake.source.folder import MANIFEST


@dataclass(frozen=True)
class Part:
    """A complete part: its rows, and its file's octets and SHA-256."""

    rows: int
    bytes: int
    sha256: str


class PartFiles:
    """Parts of tables as files below a folder, each complete or not there.

    ``done/<table>/<n>.json`` is the record of a part, and ``data/<table>/part-<n>`` its file.
    Any number of processes may write parts at once.

    Args:
        root: the folder.
        kind: format of the files.
    """

    def __init__(self, root: Path, kind: str) -> None:
        self.root, self.kind, self._ending = root, kind, ending(kind)
        self.data, self._done, self._state = root / "data", root / "done", root / "state.json"

    def bind(self, owner: Mapping[str, Any]) -> None:
        """Find the parts again if they are this owner's, or begin anew."""
        state = _read_json(self._state)
        if state is None or state["owner"] != owner:
            self.remove()
            self.root.mkdir(parents=True, exist_ok=True)
            write_json(self._state, {"owner": owner})
        self.data.mkdir(exist_ok=True)
        self._done.mkdir(exist_ok=True)

    def part(self, table: str, number: int) -> Part | None:
        """A part that is complete and still there; None otherwise."""
        record = _read_json(self._done / encode(table) / f"{number}.json")
        path = self.find(table, number)
        if record is None or path is None or path.stat().st_size != record["bytes"]:
            return None
        return Part(**record)

    def write(
        self, table: str, number: int, schema: pa.Schema, batches: Iterable[pa.RecordBatch]
    ) -> int:
        """Write a part; returns its rows. The record comes last, and counts."""
        records = self._done / encode(table)
        path = self.path(table, number)
        for folder in (records, path.parent):
            folder.mkdir(parents=True, exist_ok=True)
        record = records / f"{number}.json"
        record.unlink(missing_ok=True)
        rows = write_file(path, table, schema, batches, self.kind)
        write_json(record, vars(Part(rows, path.stat().st_size, str(_digest(path)))))
        return rows

    def parts(self, table: str) -> dict[int, Part]:
        """All complete parts of a table by number, in order."""
        folder = self._done / encode(table)
        numbers = sorted(int(p.stem) for p in folder.glob("[0-9]*.json")) if folder.exists() else []
        return {n: part for n in numbers if (part := self.part(table, n)) is not None}

    def path(self, table: str, number: int) -> Path:
        """Where the file of a part is written."""
        return self.data / encode(table) / f"part-{number:05}{self._ending}"

    def find(self, table: str, number: int) -> Path | None:
        """Where the file of a part is; None if it is not there."""
        path = self.path(table, number)
        return path if path.exists() else None

    def remove(self) -> None:
        """Remove all of it; its state goes first, so that half of one counts as none."""
        self._state.unlink(missing_ok=True)
        shutil.rmtree(self.root, ignore_errors=True)


class Staging(PartFiles):
    """The staging area of one run. Any number of processes may write parts of it at once.

    Args:
        target: the folder that the run is published as.
        run_id: the run.
        kind: format of the files.
    """

    def __init__(self, target: Path, run_id: str, kind: str) -> None:
        super().__init__(target.with_name(f".{target.name}.staging-{encode(run_id)}"), kind)
        self.target, self._old = target, self.root / "old"

    def open(self, owner: Mapping[str, Any]) -> None:
        """Find the staging area again if it is this owner's, or begin anew."""
        restore(self.target, self._old)
        state = _read_json(self._state)
        if state is None or state["owner"] != owner or not self._unpublished(state):
            self.remove()
            self.root.mkdir(parents=True, exist_ok=True)
            write_json(self._state, {"owner": owner, "publishing": None})
        self.data.mkdir(exist_ok=True)
        self._done.mkdir(exist_ok=True)

    def _unpublished(self, state: Mapping[str, Any]) -> bool:
        # Once exchanged, data holds what was replaced; its manifest tells.
        wanted = state["publishing"]
        return wanted is None or wanted == _digest(self.data / MANIFEST)

    def write(
        self, table: str, number: int, schema: pa.Schema, batches: Iterable[pa.RecordBatch]
    ) -> int:
        """Write a part; returns its rows. A final name that its file had is gone."""
        self._flat(table).unlink(missing_ok=True)
        return super().write(table, number, schema, batches)

    def settle(self, table: str, parts: Iterable[int]) -> list[str]:
        """Give a table's files their final names; returns them, in order of the parts."""
        numbers = list(parts)
        if numbers != [0]:
            return [str(self.path(table, n).relative_to(self.data)) for n in numbers]
        flat, path = self._flat(table), self.path(table, 0)
        if path.exists():
            os.replace(path, flat)
        shutil.rmtree(path.parent, ignore_errors=True)
        return [flat.name]

    def publish(self, manifest: bytes) -> None:
        """Put data and manifest in the place of the target, in one step.

        Raises:
            OSError: the file system refused.
        """
        self._clear(manifest)
        write_bytes(self.data / MANIFEST, manifest)
        for folder in [p for p in self.data.rglob("*") if p.is_dir()]:
            sync(folder)
        sync(self.data)
        state = _read_json(self._state) or {}
        write_json(self._state, {**state, "publishing": hashlib.sha256(manifest).hexdigest()})
        replace(self.data, self.target, self._old)
        sync(self.target.parent)
        self.remove()

    def _clear(self, manifest: bytes) -> None:
        """Remove what the manifest does not name, such as a part whose record was never written."""
        named = {f["path"] for t in json.loads(manifest)["tables"].values() for f in t["files"]}
        for path in self.data.rglob("*"):
            if path.is_file() and str(path.relative_to(self.data)) not in named:
                path.unlink()

    def _flat(self, table: str) -> Path:
        return self.data / f"{encode(table)}{self._ending}"

    def find(self, table: str, number: int) -> Path | None:
        """Where the file of a part is, also once it has its final name."""
        found, flat = super().find(table, number), self._flat(table)
        return found if found or number or not flat.exists() else flat


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write JSON in one step."""
    write_bytes(path, json.dumps(value, indent=1, sort_keys=True).encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file in one step."""
    scratch = path.with_name(f".{uuid4().hex}.tmp")
    scratch.write_bytes(content)
    sync(scratch)
    os.replace(scratch, path)


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _digest(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
