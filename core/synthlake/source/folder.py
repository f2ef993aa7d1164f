"""Which tables a folder holds: those of its manifest, or those that its files are named after."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from synthlake.errors import SourceError
from synthlake.source.filenames import data_files, decode

Endings = Mapping[str, Sequence[str]]
Tables = dict[str, list[Path]]
MANIFEST = "manifest.json"


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest of a folder that Synthlake published; None if it is of another or damaged."""
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return None
    ours = isinstance(manifest, dict) and "synthlake" in manifest
    return manifest if ours and isinstance(manifest.get("tables"), dict) else None


def find_tables(folder: Path, endings: Endings, kind: str = "") -> tuple[str, Tables]:
    """The kind of files in a folder, and the files of each table.

    Args:
        folder: the folder.
        endings: of each kind of file.
        kind: to read this kind alone; empty for the one that is there.

    Raises:
        SourceError: there is no table, kinds are mixed, or two tables have one name.
    """
    if (manifest := read_manifest(folder)) is not None:
        return _published(folder, manifest, endings)
    found = {k: t for k, e in endings.items() if kind in ("", k) and (t := _tables(folder, e))}
    if not found:
        what = " or ".join([kind] if kind else endings)
        raise SourceError(
            f"{folder} has no {what} files",
            hint="a table is a file such as flights.parquet, or a folder of parts",
        )
    if len(found) > 1:
        raise SourceError(
            f"{folder} has files of several kinds: {', '.join(found)}",
            hint=f"say which with {next(iter(found))}://{folder}",
        )
    return next(iter(found.items()))


def table_name(path: Path) -> str:
    """The table that a file is named after."""
    name = path.name
    for ending in (".gz", ".zst"):
        name = name.removesuffix(ending)
    return decode(name.rsplit(".", 1)[0] if "." in name.lstrip(".") else name)


def _tables(folder: Path, endings: Sequence[str]) -> Tables:
    found: Tables = {}
    for path in data_files(folder, endings):
        name = table_name(path)
        if name in found:
            raise SourceError(
                f"{folder} has the table {name} twice: {found[name][0].name} and {path.name}",
                hint="remove one of them",
            )
        found[name] = [path]
    for entry in sorted(folder.iterdir()):
        if not entry.is_dir() or entry.name.startswith((".", "_")):
            continue
        parts, name = data_files(entry, endings), decode(entry.name)
        if parts and name in found:
            raise SourceError(
                f"{folder} has the table {name} as a file and as a folder",
                hint="remove one of them",
            )
        if parts:
            found[name] = parts
    return dict(sorted(found.items()))


def _published(folder: Path, manifest: dict[str, Any], endings: Endings) -> tuple[str, Tables]:
    kind = str(manifest.get("format"))
    if kind not in endings:
        raise SourceError(
            f"{folder} was published as {kind}, which is no format of a source",
            hint=f"publish it as {' or '.join(endings)}",
        )
    tables = {
        name: [folder / file["path"] for file in entry["files"]]
        for name, entry in manifest["tables"].items()
    }
    for name, paths in tables.items():
        for path in paths:
            if not path.is_file():
                raise SourceError(
                    f"{path.name} of table {name} is in the manifest of {folder}, and not there",
                    hint="the folder was changed after it was published; publish it again",
                )
    return kind, tables
