"""An artifact on a disk: JSON, tensors and public tables; no code runs when it is read."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from synthlake.errors import ArtifactError
from synthlake.store.canonical import (
    canonical_json,
    digest_array,
    digest_bytes,
    digest_json,
    table_bytes,
)
from synthlake.store.directory import manifest_of, staging, write_file
from synthlake.store.parts import Parts
from synthlake.store.tensors import arrays_of

KIND = "synthlake.artifact"
FORMAT = 1
TENSORS = "model.safetensors"
_REMEDY = "fit it again, or copy it again from where it was whole"


@dataclass(frozen=True)
class Stored:
    """An artifact as it was read.

    Attributes:
        id: digest of model, tensors and kept tables; the same for the same model anywhere.
        parts: what it holds.
        provenance: when, where, from what and by which versions; outside the id.
        sizes: bytes by file.
    """

    id: str
    parts: Parts
    provenance: Mapping[str, Any] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)


def identity(parts: Parts) -> str:
    """The id of an artifact: what it holds, and nothing of where it lies."""
    return digest_json(
        {
            "format": FORMAT,
            "model": parts.manifest,
            "tensors": {name: digest_array(held) for name, held in parts.tensors.items()},
            "keep": {name: digest_bytes(table_bytes(t)) for name, t in parts.tables.items()},
        }
    )


def save(parts: Parts, directory: str | Path, provenance: Mapping[str, Any] | None = None) -> str:
    """Write an artifact atomically; returns its id.

    Raises:
        SinkOccupiedError: the folder holds something that is not an artifact.
    """
    # imported late so that listing commands start fast
    from safetensors.numpy import save as tensor_bytes

    files: dict[str, bytes] = {
        TENSORS: tensor_bytes({n: _contiguous(held) for n, held in parts.tensors.items()})
    }
    keep = []
    for number, (name, table) in enumerate(parts.tables.items()):
        path = f"keep/{number}.arrow"
        files[path] = table_bytes(table)
        keep.append({"table": name, "file": path, "rows": table.num_rows})
    artifact_id = identity(parts)
    manifest = {
        "kind": KIND,
        "format": FORMAT,
        "id": artifact_id,
        "model": parts.manifest,
        "keep": keep,
        "files": {
            path: {"bytes": len(data), "digest": digest_bytes(data)} for path, data in files.items()
        },
    }
    with staging(Path(directory), is_artifact) as staged:
        for path, data in files.items():
            write_file(staged / path, data)
        write_file(staged / "provenance.json", _readable(provenance or {}))
        write_file(staged / "manifest.json", canonical_json(manifest))
    return artifact_id


def is_artifact(folder: Path) -> bool:
    """Whether a folder is an artifact's."""
    return manifest_of(folder).get("kind") == KIND


def load(directory: str | Path) -> Stored:
    """Read an artifact and check that it is whole.

    Raises:
        ArtifactError: there is none, it is damaged, or a newer version wrote it.
    """
    folder = Path(directory)
    manifest, size = read_manifest(folder)
    sizes = {"manifest.json": size}
    held: dict[str, bytes] = {}
    for path, facts in manifest["files"].items():
        held[path] = _read(folder, path, facts)
        sizes[path] = len(held[path])
        if path != TENSORS:  # what these hold is in the id, and need not be read twice
            _check(folder, path, held[path], facts)
    try:
        parts = Parts(manifest["model"], _tensors(held[TENSORS]), _tables(manifest, held))
    except (KeyError, TypeError, ValueError, pa.ArrowException) as error:
        _check_all(folder, held, manifest)
        raise ArtifactError(
            f"{folder} cannot be read: {type(error).__name__}", hint=_REMEDY
        ) from error
    if identity(parts) != manifest["id"]:
        _check_all(folder, held, manifest)
        raise ArtifactError(f"{folder} does not hold what its id says", hint=_REMEDY)
    return Stored(manifest["id"], parts, _provenance(folder), sizes)


def read_manifest(folder: Path) -> tuple[dict[str, Any], int]:
    """The manifest of an artifact, and its bytes.

    Raises:
        ArtifactError: there is none, or not of a version that can be read.
    """
    path = folder / "manifest.json"
    if not path.is_file():
        raise ArtifactError(
            f"{folder} is not an artifact: it has no manifest.json",
            hint="name the folder that `synthlake fit --artifact` wrote",
        )
    data = path.read_bytes()
    try:
        manifest = json.loads(data)
    except ValueError as error:
        raise ArtifactError(f"{path} is not JSON", hint=_REMEDY) from error
    if not isinstance(manifest, dict) or manifest.get("kind") != KIND:
        inside = sorted(folder.glob("*.artifact"))  # a published run holds its artifact
        raise ArtifactError(
            f"{path} is not the manifest of an artifact",
            hint=f"name {inside[0]}" if inside else _REMEDY,
        )
    version = manifest.get("format")
    if not isinstance(version, int) or version > FORMAT:
        raise ArtifactError(
            f"{folder} has format {version}, this version of Synthlake reads up to {FORMAT}",
            hint="install a newer Synthlake, or fit again with this one",
        )
    form = {"id": str, "model": dict, "keep": list, "files": dict}
    if not all(isinstance(manifest.get(key), kind) for key, kind in form.items()):
        raise ArtifactError(f"{path} misses entries", hint=_REMEDY)
    return manifest, len(data)


def _read(folder: Path, path: str, facts: Mapping[str, Any]) -> bytes:
    if Path(path).is_absolute() or ".." in Path(path).parts:
        raise ArtifactError(f"{folder} names a file outside of itself", hint=_REMEDY)
    try:
        data = (folder / path).read_bytes()
    except OSError as error:
        raise ArtifactError(f"{folder / path} is missing", hint=_REMEDY) from error
    if len(data) != facts.get("bytes"):
        raise ArtifactError(f"{folder / path} is damaged", hint=_REMEDY)
    return data


def _check(folder: Path, path: str, data: bytes, facts: Mapping[str, Any]) -> None:
    if digest_bytes(data) != facts.get("digest"):
        raise ArtifactError(f"{folder / path} is damaged", hint=_REMEDY)


def _check_all(folder: Path, held: Mapping[str, bytes], manifest: Mapping[str, Any]) -> None:
    for path, data in held.items():
        _check(folder, path, data, manifest["files"][path])


def _tensors(data: bytes) -> dict[str, Any]:
    return arrays_of(data)


def _tables(manifest: Mapping[str, Any], held: Mapping[str, bytes]) -> dict[str, pa.Table]:
    return {
        entry["table"]: pa.ipc.open_file(io.BytesIO(held[entry["file"]])).read_all()
        for entry in manifest["keep"]
    }


def _provenance(folder: Path) -> dict[str, Any]:
    try:
        held = json.loads((folder / "provenance.json").read_bytes())
    except (OSError, ValueError):
        return {}  # outside the id: an artifact without it is whole
    return held if isinstance(held, dict) else {}


def _readable(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, sort_keys=True, indent=2, default=str) + "\n").encode()


def _contiguous(array: Any) -> Any:
    import numpy as np

    return np.ascontiguousarray(array)
