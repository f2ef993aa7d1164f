"""A folder of Delta tables as a sink.

FOLDER/_runs/<run>/         parts, until the run is published
FOLDER/<table>/             a Delta table: its files, and its log
FOLDER/_synthlake.json      manifest of the run that is published
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from synthlake.api import PartFiles, Schema, errors
from synthlake_connectors.delta import commits, types
from synthlake_connectors.delta.commits import Found, Owner, Rows
from synthlake_connectors.delta.place import LOG, Place, folder_of

MANIFEST: Final = "_synthlake.json"
RUNS: Final = "_runs"
VERSION: Final = 1


def write_folder(url: str, options: Mapping[str, Any]) -> DeltaSink:
    """The sink of a URL; see ``open_sink``.

    Raises:
        SinkError: it is none, or has options.
    """
    for name in options:
        raise errors.SinkError(f"a Delta sink has no option {name!r}", hint="leave it out")
    failed = ""
    place = None
    try:
        place = Place.of(url)
    except errors.SourceError as error:
        failed = error.message
    if place is None or not place.local:
        raise errors.SinkError(
            failed or "a Delta sink writes to folders of this machine",
            hint="write delta:///folder; to stores such as S3 write from Spark",
        )
    return DeltaSink(Path(place.root))


class DeltaSink:
    """A folder of Delta tables that holds one published run. Conforms to ``ports.Sink``.

    Each table changes by one commit. The commits of a run follow each other directly, once all of
    its files are in place; a reader of several tables may see them mixed for that moment. Versions
    before stay readable until they are vacuumed. A publication that was cut off goes on where it
    was when it is called again.

    Args:
        folder: of the tables.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._parts: PartFiles | None = None
        self._schema, self._kinds = Schema(), dict[str, pa.Schema]()
        self._owner = Owner("", "")
        self._current, self._told = False, True

    def __repr__(self) -> str:
        return f"DeltaSink({str(self.folder)!r})"

    def check(self, schema: Schema) -> None:
        """Whether such tables may be put there, as far as can be said before they are made.

        Raises:
            SinkOccupiedError, SinkError: as ``open`` would.
        """
        for table in schema:
            if not table.skip:
                types.held(table)
                self._free(table.name, told=False)

    def open(self, run_id: str, schema: Schema, *, fingerprint: str = "") -> None:
        """Prepare the staging area of a run, or find it again.

        Args:
            run_id: the run.
            schema: its tables; those that are skipped are not written.
            fingerprint: digest of all that the rows follow from.

        Raises:
            SinkOccupiedError: a table of the folder is not ours.
            SinkError: Delta cannot hold a column, the run id was published with other rows, or the
                place cannot be written to.
        """
        self._schema = Schema({t.name: t for t in schema if not t.skip})
        self._kinds = {t.name: types.held(t) for t in self._schema}
        self._owner, self._told = Owner(run_id, self._print(fingerprint)), bool(fingerprint)
        found = {name: self._free(name, self._told) for name in self._kinds}
        self._current = self._told and self._is_published(found)
        parts = PartFiles(self._staging(run_id), "parquet")
        try:
            if not self._current:
                parts.bind({"run": run_id, "fingerprint": self._owner.fingerprint})
        except OSError as error:
            raise _unwritable(self.folder, error) from None
        self._parts = parts

    def has_part(self, table: str, part: int) -> bool:
        """Whether a part is already complete, staged or published under the same fingerprint."""
        if self._current:
            return part < len(((self.published() or {}).get("tables") or {})[table]["files"])
        return self._open().part(table, part) is not None

    def write_part(self, table: str, part: int, batches: Iterable[pa.RecordBatch]) -> int:
        """Write one part atomically; returns its rows.

        Raises:
            SinkError: the batches are not of the table's types, or the disk refused.
        """
        kinds, parts = self._kinds[table], self._open()
        if self._current:
            parts.bind({"run": self._owner.run, "fingerprint": self._owner.fingerprint})
        converted = types.convert(self._schema[table], kinds, batches)
        try:
            return parts.write(table, part, kinds, converted)
        except errors.SinkError:
            raise
        except OSError as error:
            if error.errno is None:  # of the rows' maker, not of the disk
                raise
            raise _unwritable(self.folder, error) from None

    def publish(self, manifest: Mapping[str, Any]) -> None:
        """Make the run visible: one commit a table, then the manifest.

        Does nothing to tables that are as this run leaves them.

        Raises:
            SinkError: a part is missing, or a commit was refused.
            SinkBusyError: another run is being published there, or somebody else wrote to a table.
            SinkOccupiedError: somebody else wrote to a table before.
        """
        with _alone(self.folder):
            self._publish(manifest)

    def _publish(self, manifest: Mapping[str, Any]) -> None:
        if not self._told:  # what the rows follow from is not known, so the rows themselves count
            self._owner = Owner(self._owner.run, self._print(json.dumps(self._digests())))
            self._told = True
        found = {name: self._free(name) for name in self._kinds}
        if self._is_published(found):
            entries = (self.published() or {})["tables"]
        else:
            entries = self._commit(found)
        whole = {
            **manifest,
            "synthlake": VERSION,
            "format": "delta",
            "run": self._owner.run,
            "fingerprint": self._owner.fingerprint,
            "tables": entries,
        }
        _write(self.folder / MANIFEST, json.dumps(whole, indent=1).encode())
        self.discard(self._owner.run)

    def discard(self, run_id: str) -> None:
        """Remove what a run has staged; what is published stays."""
        PartFiles(self._staging(run_id), "parquet").remove()
        try:
            (self.folder / RUNS).rmdir()
        except OSError:
            return  # another run is at work there, or there was none

    def published(self) -> dict[str, Any] | None:
        """The manifest of what is published there now; None if there is nothing of ours."""
        try:
            found = json.loads((self.folder / MANIFEST).read_bytes())
        except (OSError, ValueError):
            return None
        ours = isinstance(found, dict) and "synthlake" in found
        return found if ours and isinstance(found.get("tables"), dict) else None

    def _open(self) -> PartFiles:
        if self._parts is None:
            raise errors.SinkError("the sink is not open", hint="call open(run_id, schema) first")
        return self._parts

    def _print(self, fingerprint: str) -> str:
        shapes = [[name, [[f.name, str(f.type)] for f in k]] for name, k in self._kinds.items()]
        return sha256(json.dumps([fingerprint, shapes]).encode()).hexdigest()

    def _staging(self, run_id: str) -> Path:
        return self.folder / RUNS / folder_of(run_id)

    def _path(self, table: str) -> Path:
        return self.folder / folder_of(table)

    def _free(self, table: str, told: bool = True) -> Found | None:
        """The table as it is, if we may replace it; what the run is of need not be known yet."""
        path = self._path(table)
        entry = ((self.published() or {}).get("tables") or {}).get(table) or {}
        found = commits.find(path, entry)
        strange = found is None and path.exists() and self._holds_more(path)
        if strange or (found is not None and found.owner is None):
            raise errors.SinkOccupiedError(
                f"{path} holds {'files' if strange else 'a Delta table'} that Synthlake did not"
                " write",
                hint="name another folder, or move it away",
            )
        if found is not None and told:
            commits.check_run(path, self._owner)
        return found

    def _holds_more(self, path: Path) -> bool:
        # Files, and a log without a commit, of a run that was cut off are ours.
        if not path.is_dir():
            return True
        return any(not p.name.startswith("synthlake-") and p.name != LOG for p in path.iterdir())

    def _is_published(self, found: Mapping[str, Found | None]) -> bool:
        whole = self.published() or {}
        if [whole.get("run"), whole.get("fingerprint")] != [*vars(self._owner).values()]:
            return False
        return all(f is not None and f.owner == self._owner for f in found.values())

    def _commit(self, found: Mapping[str, Found | None]) -> dict[str, Any]:
        entries = {name: self._entry(name, found[name]) for name in self._kinds}
        for name, entry in entries.items():
            self._place(name, entry)
        for name, entry in entries.items():
            before = found[name]
            if before is not None and before.owner == self._owner:  # of a publication cut off
                made = before.identity
            else:
                files = {file["path"]: file["rows"] for file in entry["files"]}
                rows = Rows(self._kinds[name], files)
                made = commits.commit(self._path(name), rows, self._owner, before)
            entry["id"], entry["version"] = made
        return entries

    def _digests(self) -> dict[str, list[str]]:
        parts = self._open()
        return {name: [p.sha256 for p in parts.parts(name).values()] for name in self._kinds}

    def _entry(self, table: str, before: Found | None) -> dict[str, Any]:
        parts = self._open().parts(table)
        missing = next(n for n in range(len(parts) + 1) if n not in parts)
        if missing != len(parts) or not parts:
            raise errors.SinkError(
                f"part {missing} of table {table} is missing", hint="write it, then publish again"
            )
        # New names in each version, as a commit cannot remove and add the same file.
        again = before is not None and before.owner == self._owner
        version = 0 if before is None else before.identity[1] + (0 if again else 1)
        made = sha256(json.dumps([*vars(self._owner).values()]).encode()).hexdigest()[:12]
        files = [
            {"path": f"synthlake-{made}-{version}-{number:05}.parquet", **vars(part)}
            for number, part in parts.items()
        ]
        return {"rows": sum(part.rows for part in parts.values()), "files": files}

    def _place(self, table: str, entry: Mapping[str, Any]) -> None:
        """Link the staged files into the table's folder, where no reader sees them yet."""
        folder = self._path(table)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for number, file in enumerate(entry["files"]):
                staged = self._open().find(table, number)
                assert staged is not None  # the entry is made of parts that are there
                _link(staged, folder / file["path"])
            _sync(folder)
        except OSError as error:
            raise _unwritable(folder, error) from None


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold a folder for one publication on this machine; a killed process lets go by itself.

    Two at once would leave tables of the one run beside tables of the other.

    Raises:
        SinkBusyError: another process is publishing there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise _unwritable(folder, error) from None
    try:
        _lock(handle, folder)
        yield
    finally:
        os.close(handle)


def _lock(handle: int, folder: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise errors.SinkBusyError(
            f"another run is being published to {folder}",
            hint="run again with the same run id, when that is done",
        ) from None
    except OSError:
        return  # a file system without locks; commits refuse versions that they do not expect


def _link(path: Path, to: Path) -> None:
    if to.exists():
        return  # of this run and version, whose rows are the same; a commit may name it already
    scratch = to.with_name(f"synthlake-{os.getpid()}.tmp")
    scratch.unlink(missing_ok=True)
    try:
        os.link(path, scratch)
    except OSError:
        shutil.copyfile(path, scratch)
        _sync(scratch)
    os.replace(scratch, to)


def _write(path: Path, content: bytes) -> None:
    scratch = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        scratch.write_bytes(content)
        _sync(scratch)
        os.replace(scratch, path)
        _sync(path.parent)
    except OSError as error:
        raise _unwritable(path.parent, error) from None


def _sync(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _unwritable(folder: Path, error: OSError) -> errors.SinkError:
    return errors.SinkError(
        f"{folder} cannot be written to ({error.strerror})",
        hint="make room or choose another folder, and run again with the same run id",
    )
