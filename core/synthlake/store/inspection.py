"""All that an artifact holds, as a list that a person can read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthlake.schema.identity import schema_from_json
from synthlake.store.artifact import Stored, load
from synthlake.store.canonical import canonical_json

_DEPTH = 6  # of the manifest's tree; what lies deeper is counted with its branch


@dataclass(frozen=True)
class HeldColumn:
    """A column that the artifact knows."""

    table: str
    name: str
    type: str
    role: str
    action: str


@dataclass(frozen=True)
class Entry:
    """Something that is stored.

    Attributes:
        table: that it belongs to; empty for the whole.
        place: path in the manifest, or name of the tensor.
        what: ``values``, ``settings``, or type and shape of a tensor.
        count: of values.
        bytes: that it takes.
    """

    table: str
    place: str
    what: str
    count: int
    bytes: int


@dataclass(frozen=True)
class Kept:
    """A table that is stored as it is."""

    table: str
    rows: int


@dataclass(frozen=True)
class Inspection:
    """All that an artifact holds.

    Attributes:
        id: of the artifact.
        k: least number of entities behind anything that is stored.
        columns: by table.
        entries: everything that was learned.
        kept: tables that are stored as they are.
        files: bytes by file.
        provenance: when, where and from what.
    """

    id: str
    k: int
    columns: tuple[HeldColumn, ...]
    entries: tuple[Entry, ...]
    kept: tuple[Kept, ...]
    files: Mapping[str, int]
    provenance: Mapping[str, Any]

    @property
    def bytes(self) -> int:
        """Of all files."""
        return sum(self.files.values())


def inspect(directory: str | Path) -> Inspection:
    """List all that an artifact holds.

    Raises:
        ArtifactError: there is no artifact, or it is damaged.
    """
    return inspection_of(load(directory))


def inspection_of(stored: Stored) -> Inspection:
    """List all that a loaded artifact holds."""
    manifest = stored.parts.manifest
    entries = [*_tensors(stored), *_values(manifest)]
    return Inspection(
        id=stored.id,
        k=int(manifest.get("k", manifest.get("settings", {}).get("k", 0))),
        columns=tuple(_columns(manifest)),
        entries=tuple(sorted(entries, key=lambda e: (e.table, e.place))),
        kept=tuple(Kept(name, table.num_rows) for name, table in stored.parts.tables.items()),
        files=stored.sizes,
        provenance=stored.provenance,
    )


def _columns(manifest: Mapping[str, Any]) -> Iterator[HeldColumn]:
    for table in schema_from_json(manifest["schema"]):
        if not table.skip:
            for c in table.columns:
                yield HeldColumn(table.name, c.name, str(c.type), c.role or "", c.action)


def _tensors(stored: Stored) -> Iterator[Entry]:
    for name, held in stored.parts.tensors.items():
        table, _, place = name.partition("/")
        shape = "×".join(map(str, held.shape)) or "1"
        what = f"{held.dtype} {shape}"
        yield Entry(table if place else "", place or name, what, int(held.size), held.nbytes)


def _values(manifest: Mapping[str, Any]) -> Iterator[Entry]:
    tables = manifest.get("tables", {})
    for table, held in tables.items() if isinstance(tables, Mapping) else ():
        for place, branch in _branches(held, ()):
            yield _entry(table, place, branch)
    for key, held in manifest.items():
        if key not in ("tables", "schema"):
            yield _entry("", (key,), held)


def _branches(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, Mapping) and value and len(path) < _DEPTH:
        for key, held in value.items():
            yield from _branches(held, (*path, str(key)))
    else:
        yield path, value


def _entry(table: str, path: tuple[str, ...], value: Any) -> Entry:
    what = "values" if isinstance(value, list) else "setting"
    return Entry(table, ".".join(path), what, _leaves(value), len(canonical_json(value)))


def _leaves(value: Any) -> int:
    if isinstance(value, Mapping):
        return sum(map(_leaves, value.values()))
    return sum(map(_leaves, value)) if isinstance(value, list) else 1
