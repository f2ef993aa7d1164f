"""Commits of a run to Delta tables: one a table, which says whose it is."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Literal

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Schema, Transaction
from deltalake.exceptions import DeltaError
from deltalake.transaction import AddAction, create_table_with_add_actions

from synthlake.api import errors

_OURS: Final = "synthlake"
# What maintenance leaves in the log; it changes no row.
_QUIET: Final = ("OPTIMIZE", "VACUUM START", "VACUUM END", "FSCK", "SET TBLPROPERTIES")
_LOOK_BACK: Final = 50
Added = tuple[pa.Schema, Sequence[AddAction]]
_COMMIT: Final = re.compile(r"\d{20}\.(json|checkpoint\..+)")


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


def is_table(path: Path) -> bool:
    """Whether a folder has a commit; a first one that was cut off leaves a log without any."""
    log = path / "_delta_log"
    return log.is_dir() and any(_COMMIT.fullmatch(found.name) for found in log.iterdir())


def find(path: Path, known: Mapping[str, Any]) -> Found | None:
    """The table at a path; None if there is none.

    Args:
        path: of the table.
        known: what our manifest says of it, should its log have forgotten our commit.

    Raises:
        SinkError: its log cannot be read.
    """
    if not is_table(path):
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
    if not is_table(path):
        return
    before = _open(path).transaction_version(owner.application)
    if before not in (None, owner.number):
        raise errors.SinkError(
            f"run {owner.run} was published to {path.parent} before, with other rows",
            hint="give another run id",
        )


@dataclass(frozen=True)
class Rows:
    """What is to be all rows of a table.

    Attributes:
        kinds: its columns.
        files: rows by the name of each file of its folder.
    """

    kinds: pa.Schema
    files: Mapping[str, int]


def commit(path: Path, rows: Rows, owner: Owner, before: Found | None) -> list[Any]:
    """Make files of a table's folder all of its rows, in one commit.

    Returns:
        Id and version of the table.

    Args:
        path: of the table.
        rows: what it is to hold.
        owner: the run.
        before: the table as it was found; it is replaced only if it is still that.

    Raises:
        SinkBusyError: somebody else wrote to the table meanwhile.
        SinkError: delta-rs refused.
    """
    adds = [_add(path, name, count) for name, count in rows.files.items()]
    said = {"run": owner.run, "fingerprint": owner.fingerprint}
    properties = CommitProperties(
        custom_metadata={_OURS: said},
        max_commit_retries=0,
        app_transactions=[Transaction(owner.application, owner.number)],
    )
    failed = ""
    table = _now(path)
    try:
        if _is_as(table, before):
            _write(path, table, (rows.kinds, adds), properties)
            return identity(_open(path))
    except (DeltaError, OSError) as error:
        failed = _said(error)
    if not _is_as(_now(path), before):
        raise errors.SinkBusyError(
            f"table {path.name} cannot be committed: somebody else wrote to it at this moment",
            hint="run again with the same run id, when nobody else writes",
        )
    raise errors.SinkError(
        f"table {path.name} cannot be committed: {failed}",
        hint="mend that, and run again with the same run id",
    )


def _now(path: Path) -> DeltaTable | None:
    table: DeltaTable | None = _open(path) if is_table(path) else None
    return table


def _is_as(table: DeltaTable | None, before: Found | None) -> bool:
    if table is None or before is None:
        return table is before
    return identity(table) == before.identity


def _write(path: Path, table: DeltaTable | None, rows: Added, properties: CommitProperties) -> None:
    kinds, adds = rows
    wanted = Schema.from_arrow(kinds)
    if table is not None and _holds(table, kinds):  # refused if there is a newer version than this
        table.create_write_transaction(
            list(adds), "overwrite", wanted, commit_properties=properties
        )
        return
    # a table that came into being meanwhile is not ours to replace
    mode: Literal["error", "overwrite"] = "error" if table is None else "overwrite"
    create_table_with_add_actions(
        path.as_uri(), wanted, list(adds), mode=mode, commit_properties=properties
    )


def _holds(table: DeltaTable, kinds: pa.Schema) -> bool:
    """Whether the table's protocol, which a write leaves as it is, has what the columns need."""
    if table.metadata().partition_columns:
        return False
    naive = any(pa.types.is_timestamp(kind) and kind.tz is None for kind in kinds.types)
    return not naive or "timestampNtz" in (table.protocol().writer_features or ())


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
