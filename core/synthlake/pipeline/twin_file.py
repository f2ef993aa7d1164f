"""A twin in one file: artifact and sample plan, for workers that share nothing else.

    twin.json            what was wanted, which tables, the digest that all rows follow from
    plan.safetensors     the sample plan
    artifact/...         the files of the artifact

A zip archive without compression, so that kept tables are mapped into memory where they lie.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from synthlake.errors import ArtifactError
from synthlake.pipeline.wanted import Wanted, fingerprint
from synthlake.store import artifact as store
from synthlake.store.canonical import canonical_json, digest_bytes
from synthlake.store.directory import staged_file
from synthlake.store.parts import Parts
from synthlake.store.tensors import save_tensors, tensors_of

if TYPE_CHECKING:
    from synthlake.relational import Model, SamplePlan

KIND = "synthlake.twin"
FORMAT = 1
_DOCUMENT, _PLAN, _ARTIFACT = "twin.json", "plan.safetensors", "artifact/"
_TENSORS, _MANIFEST = f"{_ARTIFACT}{store.TENSORS}", f"{_ARTIFACT}manifest.json"
_ALIGNED = 64  # octets; Arrow reads mapped buffers only where they are aligned
_HEADER = 30  # octets of a local file header of a zip archive, without name and extra field
_PADDING = b"\x53\x4c"  # id of an extra field that only fills
_REMEDY = "save the twin again"


@dataclass(frozen=True)
class TwinParts:
    """What a twin's file holds.

    Attributes:
        fingerprint: digest of artifact and plan, from which all rows follow.
        tables: names of those that are made.
    """

    model: Model
    plan: SamplePlan
    wanted: Wanted
    tables: tuple[str, ...]
    fingerprint: str


@dataclass(frozen=True)
class SavedTwin:
    """What a twin's rows follow from.

    Attributes:
        artifact: its id.
        fingerprint: digest of artifact and plan: equal ones make equal rows.
    """

    artifact: str
    fingerprint: str


def save_twin(
    model: Model, plan: SamplePlan, wanted: Wanted, tables: Sequence[str], path: Path
) -> SavedTwin:
    """Write a twin into one file, atomically; equal twins give equal files."""
    with tempfile.TemporaryDirectory(prefix="synthlake-") as scratch:
        folder, planned = Path(scratch) / "artifact", Path(scratch) / _PLAN
        identity = store.save(model.to_parts(), folder)
        save_tensors(planned, *plan.to_parts())
        digest = fingerprint(identity, planned)
        document = {
            "kind": KIND, "format": FORMAT, "fingerprint": digest, "tables": list(tables),
            "wanted": {**asdict(wanted), "rows": dict(wanted.rows)},
        }  # fmt: skip
        files = {_PLAN: planned, _MANIFEST: folder / "manifest.json"}
        listed = json.loads((folder / "manifest.json").read_bytes())["files"]
        files |= {f"{_ARTIFACT}{name}": folder / name for name in sorted(listed)}
        with staged_file(path) as staged, zipfile.ZipFile(staged, "w") as out:
            out.writestr(zipfile.ZipInfo(_DOCUMENT), canonical_json(document))
            for name, file in files.items():
                _append(out, name, file)
    return SavedTwin(identity, digest)


def _append(out: zipfile.ZipFile, name: str, file: Path) -> None:
    """Add a file so that its content begins at an aligned place."""
    entry = zipfile.ZipInfo(name)  # of a fixed date, so that equal twins give equal files
    entry.file_size = file.stat().st_size
    assert out.fp is not None
    begins = out.fp.tell() + _HEADER + len(name.encode()) + 4
    gap = -begins % _ALIGNED
    entry.extra = _PADDING + gap.to_bytes(2, "little") + b"\0" * gap
    with file.open("rb") as content, out.open(entry, "w") as target:
        shutil.copyfileobj(content, target, 1 << 20)


def load_twin(path: Path) -> TwinParts:
    """What ``save_twin`` wrote; kept tables are mapped into memory, not read.

    Raises:
        ArtifactError: it is no twin, it is damaged, or a newer version wrote it.
    """
    from synthlake.relational import Model, SamplePlan

    if not path.is_file():
        raise ArtifactError(f"{path} is not there", hint="name the file that Twin.save wrote")
    try:
        regions = _regions(path)
        document = _document(path, regions)
        manifest = json.loads(regions[_MANIFEST].to_pybytes())
        parts = Parts(manifest["model"], _tensors(manifest, regions), _kept(manifest, regions))
        plan = SamplePlan.from_parts(*tensors_of(regions[_PLAN].to_pybytes()))
        wanted = Wanted(**document["wanted"])
        tables, digest = tuple(document["tables"]), str(document["fingerprint"])
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError, pa.ArrowException) as error:
        if isinstance(error, ArtifactError):
            raise
        raise ArtifactError(
            f"{path} cannot be read: {type(error).__name__}", hint=_REMEDY
        ) from error
    return TwinParts(Model.from_parts(parts), plan, wanted, tables, digest)


def is_twin_file(path: Path) -> bool:
    """Whether a path is a file that may be a twin's."""
    return path.is_file() and zipfile.is_zipfile(path)


def _regions(path: Path) -> dict[str, pa.Buffer]:
    """The content of each entry, where it lies in the file."""
    memory = pa.memory_map(str(path))
    out: dict[str, pa.Buffer] = {}
    with zipfile.ZipFile(path) as held:
        for entry in held.infolist():
            memory.seek(entry.header_offset + _HEADER - 4)
            lengths = memory.read(4)
            name, extra = (int.from_bytes(lengths[i : i + 2], "little") for i in (0, 2))
            memory.seek(entry.header_offset + _HEADER + name + extra)
            out[entry.filename] = memory.read_buffer(entry.file_size)
    return out


def _document(path: Path, regions: Mapping[str, pa.Buffer]) -> dict[str, Any]:
    held: dict[str, Any] = json.loads(regions[_DOCUMENT].to_pybytes())
    if held.get("kind") != KIND:
        raise ArtifactError(f"{path} is not a twin", hint=_REMEDY)
    if held.get("format") != FORMAT:
        raise ArtifactError(
            f"{path} has format {held.get('format')}, this version of Synthlake reads {FORMAT}",
            hint="save the twin again with this version",
        )
    return held


def _tensors(manifest: Mapping[str, Any], regions: Mapping[str, pa.Buffer]) -> dict[str, Any]:
    from safetensors.numpy import load

    data = regions[_TENSORS].to_pybytes()
    if digest_bytes(data) != manifest["files"][store.TENSORS]["digest"]:
        raise ArtifactError("the model of the twin is damaged", hint=_REMEDY)
    return dict(load(data))


def _kept(manifest: Mapping[str, Any], regions: Mapping[str, pa.Buffer]) -> dict[str, pa.Table]:
    """Kept tables; their octets are read from the disk when, and as far as, rows are."""
    out = {}
    for entry in manifest["keep"]:
        region = regions[f"{_ARTIFACT}{entry['file']}"]
        if region.size != manifest["files"][entry["file"]]["bytes"]:
            raise ArtifactError(f"table {entry['table']} of the twin is damaged", hint=_REMEDY)
        out[entry["table"]] = pa.ipc.open_file(pa.BufferReader(region)).read_all()
    return out
