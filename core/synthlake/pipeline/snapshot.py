"""Which data a run is bound to: a digest of what the source holds."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from synthlake.ports import Source
from synthlake.schema.model import Schema, Table
from synthlake.store.canonical import digest_json

_CHUNK = 1 << 20


def snapshot(source: Source, url: str) -> str:
    """Digest of what a source holds.

    Of its version if it knows one (``version()``, a digest of all that is read); else of its files;
    else of names, types and counts.

    Cost: one read of the files, or one scan of every table by the engine that holds it; nothing
        where there is a version.

    Raises:
        SourceError, QueryError: the source cannot be read.
    """
    version = getattr(source, "version", None)
    if version is not None:
        return digest_json({"version": version()})
    place = local_path(url)
    if place is not None:
        return digest_json({"files": _files(place)})
    schema = source.schema()
    return digest_json({table.name: _facts(source, schema, table) for table in schema})


def local_path(url: str) -> Path | None:
    """The file or folder on this machine that a URL names, if there is one."""
    rest = url.partition("://")[2] or url
    # duckdb:///x is x beside the caller, duckdb:////x is /x
    candidates = [rest, rest[1:]] if rest.startswith("/") and rest != url else [rest]
    return next(
        (p for text in candidates if text and (p := Path(text).expanduser()).exists()), None
    )


def _files(place: Path) -> dict[str, Any]:
    if place.is_file():
        log = place.with_name(place.name + ".wal")
        return {p.name: file_digest(p) for p in (place, log) if p.is_file()}
    found = [p for p in sorted(place.rglob("*")) if p.is_file() and not _hidden(p, place)]
    return {str(p.relative_to(place)): file_digest(p) for p in found}


def _hidden(path: Path, root: Path) -> bool:
    return any(part.startswith((".", "_")) for part in path.relative_to(root).parts)


def file_digest(path: Path) -> str:
    """Digest of a file's bytes."""
    state = hashlib.blake2b(digest_size=20)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            state.update(chunk)
    return state.hexdigest()


def _facts(source: Source, schema: Schema, table: Table) -> list[Any]:
    from sqlglot import exp

    engine = source.engine()
    columns = [exp.column(c.name, quoted=True) for c in table.columns]
    counts: list[exp.Expression] = [exp.Count(this=exp.Star())]
    counts += [exp.Count(this=exp.Distinct(expressions=[column])) for column in columns]
    chosen = ", ".join(e.sql(dialect=engine.dialect) for e in counts)
    row = engine.query(f"SELECT {chosen} FROM {engine.relation(table.name)}")
    return [
        [column[0].as_py() for column in row.columns],
        [[c.name, str(c.type), c.nullable] for c in table.columns],
    ]
