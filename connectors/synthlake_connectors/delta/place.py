"""Where a folder of Delta tables is, and which of its sub-folders are tables."""

from __future__ import annotations

import os
import re
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pyarrow.fs as fs
from deltalake.exceptions import DeltaError
from deltalake.fs import DeltaStorageHandler

from synthlake.api import errors, mask, resolve_secret

LOG: Final = "_delta_log"
_PLAIN: Final = frozenset(string.ascii_letters + string.digits + "-_")
_LONGEST: Final = 240  # octets of a folder's name


@dataclass(frozen=True)
class Place:
    """A folder of tables.

    Attributes:
        root: the folder, absolute, or the URL of one elsewhere.
        local: whether it is on this machine's file system.
        storage: options of delta-rs with their secrets in place; never shown.
    """

    root: str
    local: bool
    storage: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, url: str, storage: Mapping[str, Any] | None = None) -> Place:
        """The place that a URL names.

        Raises:
            SourceError: the URL names none, or a secret cannot be had.
        """
        scheme, _, rest = url.partition("://")
        given = {str(k): resolve_secret(str(v)) for k, v in (storage or {}).items()}
        store = scheme.partition("+")[2]
        if not rest:
            raise errors.SourceError("the URL names no folder", hint="write delta:///folder")
        if store in ("", "file"):
            root = str(Path(rest).expanduser().absolute())
            if re.search("%[0-9A-Fa-f]{2}", root):  # which delta-rs would write elsewhere
                raise errors.SourceError(
                    f"{root} has a % with two digits after it, which delta-rs takes for one sign",
                    hint="name another folder",
                )
            return cls(root, True, given)
        return cls(f"{store}://{rest.rstrip('/')}", False, given)

    def address(self, folder: str) -> str:
        """Where a table is, as delta-rs takes it."""
        return Path(self.path(folder)).as_uri() if self.local else self.path(folder)

    def path(self, folder: str) -> str:
        """Where a table is, as its file system and its deletion vectors have it."""
        return str(Path(self.root, folder).resolve()) if self.local else f"{self.root}/{folder}"

    def files(self, folder: str) -> fs.FileSystem:
        """The files of a table, by their paths in it."""
        if self.local:
            return fs.SubTreeFileSystem(self.path(folder), fs.LocalFileSystem())
        return fs.PyFileSystem(DeltaStorageHandler(self.address(folder), dict(self.storage)))

    def tables(self) -> dict[str, str]:
        """Folders of the tables, by their names, sorted.

        Raises:
            SourceMissingError: there is no such folder.
            SourceError: it cannot be listed, or holds no table.
        """
        found = {table_of(f): f for f in self._folders() if self._is_table(f)}
        if not found:
            raise errors.SourceError(
                f"{mask(self.root)} has no Delta tables",
                hint=f"give the folder above the tables; each has a folder {LOG}",
            )
        return dict(sorted(found.items()))

    def _folders(self) -> list[str]:
        failed = ""
        try:
            here = self._top().get_file_info(fs.FileSelector("", recursive=False))
            names = [entry.base_name for entry in here if entry.type == fs.FileType.Directory]
            return [name for name in names if name and not name.startswith((".", "_"))]
        except FileNotFoundError:
            failed = "there is nothing"
        except (DeltaError, OSError, ValueError) as error:
            failed = f"cannot be listed ({self.safe(error)})"
        if failed == "there is nothing":
            raise errors.SourceMissingError(
                f"there is no folder {mask(self.root)}", hint="write delta:///absolute/folder"
            )
        raise errors.SourceError(f"{mask(self.root)} {failed}", hint="look at storage_options")

    def _top(self) -> fs.FileSystem:
        if self.local:
            return fs.SubTreeFileSystem(self.root, fs.LocalFileSystem())
        return fs.PyFileSystem(DeltaStorageHandler(self.root, dict(self.storage)))

    def _is_table(self, folder: str) -> bool:
        if self.local:
            return Path(self.root, folder, LOG).is_dir()
        below = self._top().get_file_info(fs.FileSelector(f"{folder}/{LOG}", allow_not_found=True))
        return len(below) > 0

    def safe(self, error: Exception) -> str:
        """The first line of what a store says, without a secret."""
        text = next((line for line in str(error).splitlines() if line.strip()), "")
        text = re.sub(r"\x1b\[[0-9;]*m", "", text)
        text = mask(text)
        for value in sorted(self.storage.values(), key=len, reverse=True):
            text = text.replace(value, "...") if len(value) > 3 else text
        return text[:300]


def folder_of(table: str) -> str:
    """The folder of a table that we write: letters, digits and ``-_`` stay, others are ``+XX``.

    No ``%XX``, which delta-rs decodes in some of its calls and not in others.

    Raises:
        SinkError: the name is too long for a folder.
    """
    octets = table.encode("utf-8", "surrogatepass")
    text = "".join(chr(o) if chr(o) in _PLAIN else f"+{o:02X}" for o in octets)
    if text.startswith("_"):  # which readers of folders pass over
        text = f"+5F{text[1:]}"
    if len(text) > _LONGEST:
        raise errors.SinkError(
            f"table {table[:40]}... has a name that is too long for a folder",
            hint="rename the table",
        )
    return text


def table_of(folder: str) -> str:
    """The table of a folder; names of others than ours stay as they are."""
    octets = re.sub(rb"\+([0-9A-F]{2})", lambda m: bytes([int(m[1], 16)]), os.fsencode(folder))
    name = octets.decode("utf-8", "replace")
    try:
        return name if folder_of(name) == folder else folder
    except errors.SinkError:
        return folder
