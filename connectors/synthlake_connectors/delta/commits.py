"""Commits of a run to Delta tables: one a table, which says whose it is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Schema, Transaction
from deltalake.exceptions import CommitFailedError, DeltaError
from deltalake.transaction import AddAction, create_table_with_add_actions

from synthlake.api import errors

_OURS: Final = "synthlake"
# What maintenance leaves in the log; it changes no row.
_QUIET: Final = ("OPTIMIZE", "VACUUM START", "VACUUM END", "FSCK", "SET TBLPROPERTIES")
_LOOK_BACK: Final = 50


@dataclass(frozen=True)
class Owner:
    """A run, as commits name it.

    Attributes:
        run: its id.
        fingerprint: digest of all that the rows follow from.
    """

    run: str
    fingerprint: str

    @property
    def number(self) -> int:
        """The fingerprint as a version of the log's transactions, which are numbers."""
        return int.from_bytes(sha256(self.fingerprint.encode()).digest()[:7], "big")

    @property
    def application(self) -> str:
        """The run as an application of the log's transactions."""
        return f"{_OURS}:{self.run}"


@dataclass(frozen=True)
class Found:
    """A table as it is.

    Attributes:
        identity: its id, and its version.
        owner: the run that wrote its rows; None if somebody else did.
    """

    identity: list[Any]
    owner: Owner | None


def find(path: Path, known: Mapping[str, Any]) -> Found | None:
    """The table at a path; None if there is none.

    Args:
        path: of the table.
        known: what our manifest says of it, should its log have forgotten our commit.

    Raises:
        SinkError: its log cannot be read.
    """
    if not (path / "_delta_log").is_dir():
        return None
    table = _open(path)
    owner = None
    for commit in table.history(_LOOK_BACK):
        if isinstance(said := commit.get(_OURS), Mapping):
            owner = Owner(str(said["run"]), str(said["fingerprint"]))
        if commit.get("operation") not in _QUIET or owner is not None:
            break
    if owner is None and [known.get("id"), known.get("version")] == identity(table):
        owner = Owner("", "")
    return Found(identity(table), owner)


def identity(table: DeltaTable) -> list[Any]:
    """Id and version of a table."""
    return [str(table.metadata().id), int(table.version())]


def check_run(path: Path, owner: Owner) -> None:
    """Refuse a run id that was published with other rows, however long ago.

    Raises:
        SinkError: it was.
    """
    if not (path / "_delta_log").is_dir():
        return
    before = _open(path).transaction_version(owner.application)
    if before not in (None, owner.number):
        raise errors.SinkError(
            f"run {owner.run} was published to {path.parent} before, with other rows",
            hint="give another run id",
        )


def commit(path: Path, kinds: pa.Schema, files: Mapping[str, int], owner: Owner) -> list[Any]:
    """Make files of a table's folder all of its rows, in one commit.

    Returns:
        Id and version of the table.

    Args:
        path: of the table.
        kinds: its columns.
        files: rows by the name of each file.
        owner: the run.

    Raises:
        SinkBusyError: somebody else wrote to the table at this moment.
        SinkError: delta-rs refused.
    """
    adds = [_add(path, name, rows) for name, rows in files.items()]
    said = {"run": owner.run, "fingerprint": owner.fingerprint}
    properties = CommitProperties(
        custom_metadata={_OURS: said},
        max_commit_retries=0,
        app_transactions=[Transaction(owner.application, owner.number)],
    )
    try:
        _write(path, kinds, adds, properties)
        return identity(_open(path))
    except (DeltaError, OSError) as error:
        failed: Exception = error
    busy = isinstance(failed, CommitFailedError)
    raise (errors.SinkBusyError if busy else errors.SinkError)(
        f"table {path.name} cannot be committed: {_said(failed)}",
        hint="run again with the same run id" + (", when nobody else writes" if busy else ""),
    )


def _write(
    path: Path, kinds: pa.Schema, adds: Sequence[AddAction], properties: CommitProperties
) -> None:
    wanted = Schema.from_arrow(kinds)
    table = _open(path) if (path / "_delta_log").is_dir() else None
    if table is not None and table.schema() == wanted and not table.metadata().partition_columns:
        table.create_write_transaction(
            list(adds), "overwrite", wanted, commit_properties=properties
        )
        return
    create_table_with_add_actions(
        path.as_uri(), wanted, list(adds), mode="overwrite", commit_properties=properties
    )


def _add(path: Path, name: str, rows: int) -> AddAction:
    status = (path / name).stat()
    return AddAction(
        path=name,
        size=status.st_size,
        partition_values={},
        modification_time=status.st_mtime_ns // 1_000_000,
        data_change=True,
        stats=json.dumps({"numRecords": rows}),
    )


def _open(path: Path) -> Any:
    failed = ""
    try:
        return DeltaTable(path.as_uri())
    except (DeltaError, OSError) as error:
        failed = _said(error)
    raise errors.SinkError(
        f"{path} holds a Delta log that cannot be read: {failed}",
        hint="move it away, or name another folder",
    )


def _said(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
