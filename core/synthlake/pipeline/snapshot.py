"""Which data a run is bound to: a digest of what the source holds."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from synthlake.ports import QueryEngine, Source
from synthlake.schema.model import Schema, Table
from synthlake.source.open import DATABASE
from synthlake.store.canonical import digest_json

_CHUNK = 1 << 20
_SUMMED = 1 << 31  # of a row's hash; 4 billion rows add up to less than an int64


def snapshot(source: Source, url: str) -> str:
    """Digest of what a source holds.

    Of its version if it knows one (``version()``, a digest of all that is read); else of its files;
    else, as in a database, whose files also hold what is not read and change with whatever is
    written beside it (a twin, say), of names, types and the sum of the rows' hashes.

    Cost: one read of the files, or one scan of every table by the engine that holds it; nothing
        where there is a version.

    Raises:
        SourceError, QueryError: the source cannot be read.
    """
    version = getattr(source, "version", None)
    if version is not None:
        return digest_json({"version": version()})
    place = local_path(url)
    if place is not None and _holds_files(url, place):
        return digest_json({"files": _files(place)})
    schema = source.schema()
    engine = source.engine()
    return digest_json({table.name: facts(engine, schema, table) for table in schema})


def local_path(url: str) -> Path | None:
    """The file or folder on this machine that a URL names, if there is one."""
    rest = url.partition("://")[2] or url
    # duckdb:///x is x beside the caller, duckdb:////x is /x
    candidates = [rest, rest[1:]] if rest.startswith("/") and rest != url else [rest]
    return next(
        (p for text in candidates if text and (p := Path(text).expanduser()).exists()), None
    )


def _holds_files(url: str, place: Path) -> bool:
    """Whether the data are files of rows, and not a database."""
    scheme = url.partition("://")[0] if "://" in url else ""
    database = place.is_file() and place.name.lower().endswith(DATABASE)
    return scheme.lower() in ("", "parquet", "csv") and not database


def _files(place: Path) -> dict[str, Any]:
    if place.is_file():
        return {place.name: file_digest(place)}
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


def facts(engine: QueryEngine, schema: Schema, table: Table) -> list[Any]:
    """What a digest of a table is made of: its rows in any order, its columns and its keys.

    Cost: one scan.
    """
    from synthlake.sql import keys
    from synthlake.sql.dialect import bigint
    from synthlake.sql.tables import Tables

    tables = Tables(engine, schema)
    parts = keys.parts(tables, table, [c.name for c in table.columns])
    # the sum of all rows' hashes does not depend on their order, and fits whatever their number
    rows = f"SUM({keys.row_hash(tables.primitives, parts)} % {_SUMMED})"
    chosen = [bigint("COUNT(*)"), bigint(rows)]
    chosen += [bigint(f"COUNT(DISTINCT {p.value})") for p in parts if not keys.counts(p)]
    named = ", ".join(f"{text} AS n{number}" for number, text in enumerate(chosen))
    row = tables.engine.query(f"SELECT {named} FROM {tables.read(table.name)}")
    return [
        [column[0].as_py() for column in row.columns],
        [[c.name, str(c.type), c.nullable] for c in table.columns],
        list(table.primary_key),
        [[list(fk.columns), fk.references, list(fk.to)] for fk in table.foreign_keys],
    ]
