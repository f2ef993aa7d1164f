"""A folder of files as a sink: staged beside it, published by one rename or exchange."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from synthlake.errors import SinkError, SinkOccupiedError
from synthlake.schema.model import Schema
from synthlake.seed import digest
from synthlake.sink.formats import check_types, ending
from synthlake.sink.groups import promised
from synthlake.sink.staging import Part, Staging
from synthlake.sink.widening import file_schema, widened
from synthlake.source.folder import MANIFEST, read_manifest

VERSION: Final = 1


class FolderSink:
    """A folder that holds one published run. Conforms to ``ports.Sink``.

    It holds ``<table>.<ending>`` for tables of one part, ``<table>/part-00000.<ending>`` and so on
    for others, and ``manifest.json`` with each file's rows, octets and SHA-256. At any moment, and
    after any crash, it is the run before or the run after.

    Args:
        folder: the target.
        format: ``parquet``, ``csv``, ``jsonl``, ``arrow`` or ``hdf5``.

    Raises:
        SinkError: there is no such format.
    """

    def __init__(self, folder: str | Path, *, format: str = "parquet") -> None:
        ending(format)
        self.folder, self.format = Path(folder).expanduser().resolve(), format
        self._staging: Staging | None = None
        self._schema = Schema()
        self._owner: dict[str, str] = {}
        self._reused: dict[str, list[Part]] = {}

    def __repr__(self) -> str:
        return f"FolderSink({str(self.folder)!r}, format={self.format!r})"

    def open(self, run_id: str, schema: Schema, *, fingerprint: str = "") -> None:
        """Prepare the staging area of a run, or find it again.

        Args:
            run_id: the run.
            schema: its tables; those that are skipped are not written.
            fingerprint: digest of all that the rows follow from. What was staged under another one
                is thrown away; what was published under this one (not empty) is used again.

        Raises:
            SinkOccupiedError: the target holds something that Synthlake did not write.
            SinkError: the place cannot be written to.
        """
        check_free(self.folder)
        self.check(schema)
        self._schema = Schema({t.name: t for t in schema if not t.skip})
        shape = digest(*[f"{t.name}\0{t.arrow}" for t in self._schema]).hex()
        self._owner = {
            "run": run_id, "format": self.format, "fingerprint": fingerprint, "schema": shape,
        }  # fmt: skip
        staging = Staging(self.folder, run_id, self.format)
        try:
            staging.open(self._owner)
        except OSError as error:
            raise SinkError(
                f"{self.folder.parent} cannot be written to ({error.strerror})",
                hint="choose another folder, or change its permissions",
            ) from None
        self._staging = staging
        self._reused = self._published_parts() if fingerprint else {}

    def check(self, schema: Schema) -> None:
        """Refuse columns that the format cannot hold.

        Raises:
            SinkError: there is one.
        """
        check_types(schema, self.format)

    def published(self) -> dict[str, Any] | None:
        """The manifest of what is published in the folder now; None if there is nothing."""
        return read_manifest(self.folder)

    def has_part(self, table: str, part: int) -> bool:
        """Whether a part is already complete, staged or published under the same fingerprint."""
        if part < len(self._reused.get(table, [])):
            return True
        return self._open().part(table, part) is not None

    def write_part(self, table: str, part: int, batches: Iterable[pa.RecordBatch]) -> int:
        """Write one part atomically; returns its rows.

        Raises:
            SinkError: the batches are not of the table's types, or the disk refused.
        """
        schema = file_schema(self._schema[table], self.format)
        try:
            held = widened(schema, promised(self._schema[table], batches))
            return self._open().write(table, part, schema, held)
        except SinkError:
            raise
        except OSError as error:
            if error.errno is None:  # of the rows' maker, not of the disk
                raise
            raise SinkError(
                f"part {part} of table {table} cannot be written to {self.folder.parent}"
                f" ({error.strerror})",
                hint="make room, and run again with the same run id",
            ) from None

    def publish(self, manifest: Mapping[str, Any]) -> None:
        """Make the whole run visible in one step. Does nothing if just this is published.

        Args:
            manifest: of the run: seed, artifact, plan; the files are added.

        Raises:
            SinkError: a part is missing.
            SinkOccupiedError: something else came to the target meanwhile.
        """
        staging = self._open()
        if self._reused and not any(staging.parts(table.name) for table in self._schema):
            staging.remove()
            return
        text = self._manifest(staging, manifest)
        check_free(self.folder)
        if _content(self.folder / MANIFEST) == text and not _changed(self.folder):
            staging.remove()
            return
        try:
            staging.publish(text)
        except OSError as error:
            raise SinkError(
                f"{self.folder} cannot be put in place ({error.strerror})",
                hint="the run stays staged; publish it again with the same run id",
            ) from None

    def discard(self, run_id: str) -> None:
        """Remove what a run has staged; what is published stays."""
        Staging(self.folder, run_id, self.format).remove()

    def _open(self) -> Staging:
        if self._staging is None:
            raise SinkError("the sink is not open", hint="call open(run_id, schema) first")
        return self._staging

    def _manifest(self, staging: Staging, given: Mapping[str, Any]) -> bytes:
        tables = {table.name: _entry(staging, table.name) for table in self._schema}
        whole = {**given, **self._owner, "synthlake": VERSION, "tables": tables}
        return json.dumps(whole, indent=1).encode()

    def _published_parts(self) -> dict[str, list[Part]]:
        found = self.published()
        if found is None or any(found.get(k) != v for k, v in self._owner.items()):
            return {}
        if _changed(self.folder):
            return {}
        return {
            name: [Part(f["rows"], f["bytes"], f["sha256"]) for f in entry["files"]]
            for name, entry in found["tables"].items()
        }


def check_free(folder: Path) -> None:
    """Refuse a target that holds anything which Synthlake did not write.

    Raises:
        SinkOccupiedError: it does.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise SinkOccupiedError(f"{folder} is a file", hint="give a folder")
    here = {str(p.relative_to(folder)) for p in folder.rglob("*") if not p.is_dir()}
    found = read_manifest(folder)
    if found is None and here:
        raise SinkOccupiedError(
            f"{folder} is not empty and has no manifest of Synthlake",
            hint="give another folder, or empty this one",
        )
    ours = {MANIFEST, *_files(found)} if found else set()
    if foreign := sorted(here - ours):
        raise SinkOccupiedError(
            f"{folder} holds {len(foreign)} files that are not in its manifest,"
            f" such as {foreign[0]}",
            hint="move them away: publishing replaces the whole folder",
        )


def _files(manifest: Mapping[str, Any]) -> dict[str, int]:
    entries = manifest["tables"].values()
    return {file["path"]: file["bytes"] for entry in entries for file in entry["files"]}


def _changed(folder: Path) -> bool:
    """Whether a published file is not there as the manifest says."""
    files = _files(read_manifest(folder) or {"tables": {}})
    paths = {folder / path: size for path, size in files.items()}
    return any(not p.is_file() or p.stat().st_size != size for p, size in paths.items())


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _entry(staging: Staging, table: str) -> dict[str, Any]:
    parts = staging.parts(table)
    missing = next(n for n in range(len(parts) + 1) if n not in parts)
    if missing != len(parts) or not parts:
        raise SinkError(
            f"part {missing} of table {table} is missing", hint="write it, then publish again"
        )
    names = staging.settle(table, parts)
    files = [{"path": n, **vars(p)} for n, p in zip(names, parts.values(), strict=True)]
    return {"rows": sum(p.rows for p in parts.values()), "files": files}
