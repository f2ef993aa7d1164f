"""All that an artifact holds, as a list that a person can read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthlake.schema.identity import schema_from_json
from synthlake.store.artifact import Stored, load
from synthlake.store.contents import Entry, contents


@dataclass(frozen=True)
class HeldColumn:
    """A column that the artifact knows."""

    table: str
    name: str
    type: str
    role: str
    action: str


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
    return Inspection(
        id=stored.id,
        k=int(manifest.get("k", manifest.get("settings", {}).get("k", 0))),
        columns=tuple(_columns(manifest)),
        entries=tuple(contents(manifest, stored.parts.tensors)),
        kept=tuple(Kept(name, table.num_rows) for name, table in stored.parts.tables.items()),
        files=stored.sizes,
        provenance=stored.provenance,
    )


def _columns(manifest: Mapping[str, Any]) -> Iterator[HeldColumn]:
    for table in schema_from_json(manifest["schema"]):
        if not table.skip:
            for c in table.columns:
                yield HeldColumn(table.name, c.name, str(c.type), c.role or "", c.action)
