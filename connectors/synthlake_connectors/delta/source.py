"""A folder of Delta tables as a source: one version of each, fixed when it is opened."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from synthlake.api import DuckDBEngine, ScanSource, errors, nearest
from synthlake_connectors.delta.files import scan
from synthlake_connectors.delta.place import LOG, Place

_ENGINE: Final = ("memory_limit", "temp_directory", "threads")
_OPTIONS: Final = ("storage_options", "timestamp", "versions", *_ENGINE)


def read_folder(url: str, options: Mapping[str, Any]) -> ScanSource:
    """The tables of a folder; see ``open_source``.

    Raises:
        SourceError: something of it cannot be read, or is not an option.
    """
    for name in options:
        if name not in _OPTIONS:
            raise errors.SourceError(
                f"a Delta source has no option {name!r}", hint=nearest(name, _OPTIONS)
            )
    place = Place.of(url, _mapping(options, "storage_options"))
    folders = place.tables()
    versions = _versions(_mapping(options, "versions"), folders)
    moment = _moment(options.get("timestamp"))
    if versions and moment:
        raise errors.SourceError(
            "versions and timestamp both say what to read", hint="leave one of them out"
        )
    tables = {n: _load(place, n, f, versions.get(n, moment)) for n, f in folders.items()}
    scans = {name: scan(table, name, place, folders[name]) for name, table in tables.items()}
    held = {n: [str(t.metadata().id), t.version()] for n, t in tables.items()}
    digest = hashlib.sha256(json.dumps(held, sort_keys=True).encode()).hexdigest()
    engine = DuckDBEngine(**{k: v for k, v in options.items() if k in _ENGINE})
    return ScanSource(scans, version=digest, engine=engine)


def _mapping(options: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = options.get(name) or {}
    if not isinstance(found, Mapping):
        raise errors.SourceError(f"the option {name} is no mapping", hint=f"{name}: {{a: b}}")
    return found


def _versions(given: Mapping[str, Any], folders: Mapping[str, str]) -> dict[str, int]:
    for name, version in given.items():
        if name not in folders:
            raise errors.SourceMissingError(
                f"there is no table {name!r}, whose version is given", hint=nearest(name, folders)
            )
        if not isinstance(version, int) or isinstance(version, bool) or version < 0:
            raise errors.SourceError(
                f"the version of table {name} is no number", hint="versions: {flights: 3}"
            )
    return dict(given)


def _moment(given: object) -> datetime | None:
    """A point in time; without a zone it is UTC.

    Raises:
        SourceError: it cannot be read as one.
    """
    if given is None:
        return None
    found = given
    try:
        found = datetime.fromisoformat(given) if isinstance(given, str) else given
    except ValueError:
        found = None
    if not isinstance(found, datetime):
        raise errors.SourceError(
            "the option timestamp is no time", hint='timestamp: "2026-01-31T12:00:00+00:00"'
        )
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _load(place: Place, name: str, folder: str, at: int | datetime | None) -> DeltaTable:
    failed = ""
    try:
        version = at if isinstance(at, int) else None
        table = DeltaTable(place.address(folder), version, dict(place.storage) or None)
        if not isinstance(at, datetime):
            return table
        table.load_as_version(at)
        # delta-rs gives the first version for a time before it
        if (made := _made(table, place, folder)) is not None and made <= at:
            return table
        failed = f"version {table.version()}, the first that is left, is not known to be older"
    except (DeltaError, OSError, ValueError) as error:
        failed = place.safe(error)
    if at is None:
        raise errors.SourceError(
            f"the Delta table {name} cannot be read: {failed}", hint="its log may be damaged"
        )
    raise errors.SourceMissingError(
        f"there is no version of the Delta table {name} for {at}: {failed}",
        hint="a version can be read until it is vacuumed; look at the table's history",
    )


def _made(table: DeltaTable, place: Place, folder: str) -> datetime | None:
    """When the version of a table was made, as delta-rs has it; None if its log forgot."""
    said = table.history(1)[0].get("inCommitTimestamp")
    if said is not None:
        return datetime.fromtimestamp(int(said) / 1000, UTC)
    commit = f"{LOG}/{table.version():020}.json"
    made: datetime | None = place.files(folder).get_file_info(commit).mtime
    return made
