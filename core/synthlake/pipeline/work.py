"""The work folder of a run: finished steps lie in it until the run is published.

OUT.parent/.OUT.synthlake/<run id>/
    run.json        what the run is bound to
    <step>/ ...     finished steps, each put there by one rename
    out/            what becomes OUT
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthlake.errors import SinkBusyError, SinkError, SpecError
from synthlake.sink.exchange import restore
from synthlake.source.filenames import encode
from synthlake.source.folder import read_manifest
from synthlake.store.directory import manifest_of, publish, write_file

RUN = "of_run"  # what a run adds to the manifest of its twin
ARTIFACT = "twin.artifact"  # tables' files have no dots within their names
AUDIT = "audit.json"  # may be written beside a run that is published
PROVENANCE = f"{ARTIFACT}/provenance.json"  # has times in it, so that its digest is not listed


@dataclass(frozen=True)
class Work:
    """Folders of one run.

    Attributes:
        run_id: name of the run.
        target: the folder that the run publishes.
        binding: digest of what the run id stands for: spec, data, version.
    """

    run_id: str
    target: Path
    binding: str

    @property
    def home(self) -> Path:
        """Work folders of all runs that publish to the target."""
        absolute = self.target.absolute()
        return absolute.parent / f".{absolute.name}.synthlake"

    @property
    def folder(self) -> Path:
        """Where finished steps lie."""
        return self.home / encode(self.run_id)

    @property
    def out(self) -> Path:
        """What becomes the target."""
        return self.folder / "out"

    @property
    def rejected(self) -> Path:
        """Where a run goes whose gate failed."""
        return rejected_of(self.target)

    def bind(self, anew: bool = False) -> None:
        """Tie the run id to what it is started with.

        Args:
            anew: throw away what was started with another spec or other data.

        Raises:
            SpecError: it was, and is not to be thrown away.
        """
        restore(self.target.absolute(), self.out.with_name("out.old"))
        path = self.folder / "run.json"
        if path.is_file() and json.loads(path.read_bytes()).get("binding") != self.binding:
            if not anew:
                raise SpecError(
                    f"run {self.run_id} was started with another spec, other data or another"
                    " version",
                    hint=f"give another run id, or delete {self.folder}",
                )
            self.remove()
        write_file(path, json.dumps({"binding": self.binding}).encode())

    def publish(self, accepted: bool) -> Path:
        """Make the run visible by one rename; returns where."""
        place = self.target if accepted else self.rejected
        publish(self.out, place, is_twin)
        return place

    def remove(self) -> None:
        """Delete the steps of a run that is published."""
        shutil.rmtree(self.folder, ignore_errors=True)


def rejected_of(target: Path) -> Path:
    """Where a run goes that would have been published in a folder, and whose gate failed."""
    absolute = target.absolute()
    return absolute.with_name(absolute.name + ".rejected")


def is_twin(folder: Path) -> bool:
    """Whether a folder holds a twin that we wrote and no more than its audit: may be replaced."""
    manifest = read_manifest(folder)
    if manifest is None:
        return False
    listed = {file["path"] for entry in manifest["tables"].values() for file in entry["files"]}
    audits = {AUDIT, f".{AUDIT}.part"}  # the latter of one that was killed
    listed |= {"manifest.json", *audits, *_files_of_run(manifest)}
    here = {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}
    return here <= listed


def _files_of_run(manifest: Mapping[str, Any]) -> set[str]:
    held = manifest.get(RUN)
    return {*held["files"], PROVENANCE} if isinstance(held, dict) else set()


def published(folder: Path, run_id: str) -> dict[str, Any] | None:
    """What the manifest of a folder says of a run, if it is that one and its files are there."""
    held = manifest_of(folder).get(RUN)
    if not isinstance(held, dict) or held.get("run_id") != run_id:
        return None
    files = held.get("files", {})
    whole = all(_size(folder / name) == facts["bytes"] for name, facts in files.items())
    return held if whole else None


@contextmanager
def lock(work: Work) -> Iterator[None]:
    """Hold a run alone on this machine; a killed process lets go by itself.

    Raises:
        SinkBusyError: another process is at work on the same run.
    """
    path = work.folder.with_name(work.folder.name + ".lock")
    handle = _acquire(path, work.run_id)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(handle)
        _remove_if_empty(work.home)


def _acquire(path: Path, run_id: str) -> int:
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except FileNotFoundError:
            continue  # another run removed the empty folder in between
        except OSError as error:
            raise SinkError(
                f"{path.parent} cannot be written to: {error.strerror}", hint="name another folder"
            ) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(handle)
            raise SinkBusyError(
                f"another process is at work on run {run_id}",
                hint="wait for it, or give another --run-id",
            ) from error
        if _same_file(handle, path):
            return handle
        os.close(handle)  # its holder removed it while we opened it


def _same_file(handle: int, path: Path) -> bool:
    try:
        return os.fstat(handle).st_ino == path.stat().st_ino
    except FileNotFoundError:
        return False


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return  # another run is at work there
