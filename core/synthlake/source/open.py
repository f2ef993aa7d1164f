"""The door for data: whatever a user calls a source, as a ``Source``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa

from synthlake.errors import SourceError, SourceMissingError
from synthlake.plugins import door, schemes
from synthlake.ports import Source
from synthlake.source.arrow import ArrowSource
from synthlake.source.csv_files import ENDINGS as CSV
from synthlake.source.csv_files import OPTIONS as CSV_OPTIONS
from synthlake.source.csv_files import csv_source
from synthlake.source.database import DuckDBSource
from synthlake.source.files import ParquetSource
from synthlake.source.folder import find_tables, read_manifest, table_name
from synthlake.source.names import nearest
from synthlake.source.relations import relations
from synthlake.source.secrets import resolve, resolved
from synthlake.sql.duckdb_engine import DuckDBEngine

PARQUET: Final = (".parquet", ".pq")
DATABASE: Final = (".duckdb", ".ddb", ".db")
_SCHEMES: Final = ("csv", "duckdb", "parquet")
_ENGINE_OPTIONS: Final = frozenset({"memory_limit", "temp_directory", "threads"})
_URL: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)


def open_source(
    target: object, *, schema: str | None = None, options: Mapping[str, Any] | None = None
) -> Source:
    """Open a source for reading.

    Args:
        target: a folder of Parquet or CSV files (``<table>.parquet``, or a folder of parts), one
            such file, a DuckDB file or connection, ``duckdb:///path``, ``parquet://folder``,
            ``csv://folder``, a URL whose scheme a connector knows (``postgresql+psycopg://``,
            ``sqlite:///``, ``delta://``), a mapping of tables (Arrow, pandas, polars, ...), a
            mapping ``{url, schema, options}``, or a source, which is returned as it is.
        schema: of a database, instead of its default.
        options: ``threads``, ``memory_limit``, ``temp_directory``; of a DuckDB file
            ``encryption_key`` and ``tables`` (see ``source.relations``); of CSV files those of
            ``csv_source``. A text may be ``env:NAME`` or ``file:PATH``.

    Raises:
        SourceMissingError: there is nothing at the address.
        SourceError: it cannot be read as a source.
    """
    options = options or {}
    if isinstance(target, str | Path):
        return _open_address(str(target), schema, options)
    if isinstance(target, duckdb.DuckDBPyConnection):
        resolved(options, (), "a connection")
        return DuckDBSource.from_connection(target, schema)
    if isinstance(target, Mapping):
        return _open_mapping(target, options)
    if all(hasattr(target, name) for name in ("schema", "engine", "batches")):
        return target  # type: ignore[return-value]
    raise SourceError(
        f"a {type(target).__name__} is not a source",
        hint="give a folder, a file, a URL, a DuckDB connection or a mapping of tables",
    )


def read_table(source: Source, table: str) -> pa.Table:
    """A whole table in memory, in the types of the source.

    Cost: memory of the table; for small tables.
    """
    columns = source.schema()[table].columns
    fields = [pa.field(c.name, c.type, c.nullable) for c in columns]
    return pa.Table.from_batches(source.batches(table), pa.schema(fields))


def _open_mapping(target: Mapping[str, Any], options: Mapping[str, Any]) -> Source:
    if not isinstance(target.get("url"), str):
        if not target:
            raise SourceError("the mapping has no tables", hint="give {name: table}")
        engine = _engine(resolved(options, _ENGINE_OPTIONS, "a mapping of tables"))
        return ArrowSource(target, engine=engine)
    for name in target:
        if name not in ("url", "schema", "options"):
            raise SourceError(
                f"a source has no {name!r}", hint=nearest(name, ["url", "schema", "options"])
            )
    given = {**(target.get("options") or {}), **options}
    return _open_address(target["url"], target.get("schema"), given)


def _open_address(address: str, schema: str | None, options: Mapping[str, Any]) -> Source:
    kind, text = "", address
    if (url := _URL.fullmatch(address)) is not None:
        kind, text = url[1].lower(), url[2]
        if kind not in _SCHEMES:
            return _open_connector(kind, address, schema, options)
        if kind == "duckdb":
            text = text.removeprefix("/")  # as in SQLAlchemy: the fourth slash makes it absolute
    path = Path(text).expanduser()
    if not text or not path.exists():
        raise _missing(address, path, kind)
    return _open_path(path, kind or _kind(path), schema, options)


def _open_connector(
    kind: str, address: str, schema: str | None, options: Mapping[str, Any]
) -> Source:
    opened = door(kind, "open_source")
    if opened is None:
        hint = nearest(kind, [*_SCHEMES, *schemes()])
        raise SourceError(f"no source is known for {kind}://", hint=hint)
    given = {k: resolve(v) if isinstance(v, str) else v for k, v in options.items()}
    source: Source = opened(address, schema, given)
    return source


def _kind(path: Path) -> str:
    """Parquet or CSV for files, by their ending; empty for a folder of either."""
    name = path.name.lower()
    for kind, endings in (("parquet", PARQUET), ("csv", CSV), ("duckdb", DATABASE)):
        if path.is_file() and name.endswith(endings):
            return kind
    if path.is_dir():
        return ""
    raise SourceError(
        f"{path} has an ending that no source has",
        hint=f"there are {', '.join((*PARQUET, *CSV, *DATABASE))}; or give a URL such as parquet://",
    )


def _open_path(path: Path, kind: str, schema: str | None, options: Mapping[str, Any]) -> Source:
    if kind == "duckdb":
        return _open_database(path, schema, options)
    tables = {table_name(path): [path]}
    if path.is_dir():
        kind, tables = find_tables(path, {"parquet": PARQUET, "csv": CSV}, kind)
    known = _ENGINE_OPTIONS | (CSV_OPTIONS if kind == "csv" else frozenset())
    given = resolved(options, known, f"a source of {kind}")
    engine = _engine(given)
    if kind == "csv" and read_manifest(path) is not None:
        given = {"quoted_null": False, **given}  # our own sink writes an empty text as ""
    if kind == "csv":
        return csv_source(tables, given, engine)
    return ParquetSource(tables, engine=engine)


def _open_database(path: Path, schema: str | None, options: Mapping[str, Any]) -> Source:
    known = _ENGINE_OPTIONS | {"encryption_key", "tables"}
    given = resolved(options, known, "a DuckDB database")
    key = given.pop("encryption_key", None)
    tables = relations(given["tables"]) if "tables" in given else None
    return DuckDBSource.from_file(path, schema, key, _engine(given), tables)


def _engine(options: Mapping[str, Any]) -> DuckDBEngine:
    return DuckDBEngine(**{k: v for k, v in options.items() if k in _ENGINE_OPTIONS})


def _missing(address: str, path: Path, kind: str) -> SourceMissingError:
    parent = path.parent
    if kind == "duckdb" and Path("/", path).exists():
        hint = f"an absolute path has four slashes: duckdb:////{path}"
    elif parent.is_dir():
        hint = nearest(path.name, [entry.name for entry in parent.iterdir()])
    else:
        hint = f"there is no folder {parent} either"
    return SourceMissingError(f"there is nothing at {address}", hint=hint)
