"""CSV files, read once into Parquet: the types are found in all rows, not in the first ones."""

from __future__ import annotations

import csv
import re
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa

from synthlake.errors import SourceError
from synthlake.source.filenames import pattern_free
from synthlake.source.files import ParquetSource
from synthlake.source.names import check_columns, check_tables
from synthlake.sql.duckdb_engine import DuckDBEngine, literal, quoted

ENDINGS: Final = (".csv", ".csv.gz", ".csv.zst")
_READER: Final = {
    "comment", "dateformat", "decimal_separator", "delim", "encoding", "escape", "header", "null",
    "quote", "skip", "timestampformat",
}  # fmt: skip
OPTIONS: Final = frozenset(_READER | {"quoted_null", "types"})
_HEAD_OCTETS: Final = 65_536
_WHOLE: Final = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "DOUBLE")


def csv_source(
    files: Mapping[str, Sequence[Path]],
    options: Mapping[str, Any] | None = None,
    engine: DuckDBEngine | None = None,
) -> ParquetSource:
    """Tables in CSV files.

    An empty field is NULL. Numbers with leading zeros stay text, as codes and not numbers.

    Args:
        files: the parts of each table, in order.
        options: DuckDB's ``delim`` (default: of ``,``, ``;``, ``|`` and tab the one that the header
            has most of), ``quote``, ``escape``, ``header`` (default true), ``skip`` (rows),
            ``comment``, ``encoding``, ``dateformat``, ``timestampformat``, ``decimal_separator``;
            ``null`` (a text or several that stand for NULL), ``quoted_null`` (default true: an
            empty field in quotes is NULL too), ``types`` ({table: {column: SQL type}}).
        engine: session to read with; None for a new one.

    Cost: two passes over the text, and its size as Parquet in the system's temporary folder.

    Raises:
        SourceError: a file is not CSV, or its rows differ from each other.
    """
    check_tables(files)
    options = options or {}
    folder = tempfile.mkdtemp(prefix="synthlake-csv-")
    with_engine = engine or DuckDBEngine()
    # The views outlive the source where only its engine is held.
    weakref.finalize(with_engine, shutil.rmtree, folder, ignore_errors=True)
    written: dict[str, Sequence[Path]] = {}
    for number, (name, paths) in enumerate(files.items()):
        target = Path(folder) / f"{number}.parquet"
        _convert(with_engine, name, paths, target, options)
        written[name] = [target]
    return ParquetSource(written, engine=with_engine)


def _convert(
    engine: DuckDBEngine,
    table: str,
    paths: Sequence[Path],
    target: Path,
    options: Mapping[str, Any],
) -> None:
    given = dict((options.get("types") or {}).get(table, {}))
    for path in paths:
        if path.stat().st_size == 0:
            raise SourceError(f"{path} is empty", hint="a CSV file begins with its header")
        if written := _header(path, options):
            check_columns(table, written)
    scan = _scan(paths, options, given)
    columns = _run(engine, table, f"DESCRIBE SELECT * FROM {scan}").to_pylist()
    names = [row["column_name"] for row in columns]
    check_columns(table, names)
    numbers = [r["column_name"] for r in columns if r["column_type"] in _WHOLE]
    bare = _scan(paths, options, dict.fromkeys(names, "VARCHAR"), whole=False)
    codes = _codes(engine, table, bare, [n for n in numbers if n not in given])
    if codes:
        scan = _scan(paths, options, given | dict.fromkeys(codes, "VARCHAR"))
    _run(engine, table, f"COPY (SELECT * FROM {scan}) TO {literal(str(target))} (FORMAT PARQUET)")


def _codes(engine: DuckDBEngine, table: str, scan: str, columns: Sequence[str]) -> list[str]:
    """Columns of digits some of which begin with a zero, such as postal codes."""
    if not columns:
        return []
    tests = ", ".join(
        f"coalesce(bool_or(regexp_matches({quoted(c)}, '^[-+]?0[0-9]')), false) AS c{n}"
        for n, c in enumerate(columns)
    )
    row = _run(engine, table, f"SELECT {tests} FROM {scan}").to_pylist()[0]
    return [c for n, c in enumerate(columns) if row[f"c{n}"]]


def _run(engine: DuckDBEngine, table: str, sql: str) -> Any:
    where = ""
    try:
        return engine.raw(sql)
    except duckdb.Error as error:
        line = re.search(r"Line: (\d+)", str(error))
        where = f" at line {line[1]}" if line else ""
    raise SourceError(
        f"the CSV of table {table} cannot be read{where}",
        hint="give delim, quote, header, encoding or types as options of the source",
    )


def _scan(
    paths: Sequence[Path],
    options: Mapping[str, Any],
    given: Mapping[str, str],
    *,
    whole: bool = True,
) -> str:
    # What DuckDB would guess, it also guesses for ragged files: by skipping rows, in silence.
    settings: dict[str, str] = {
        "delim": literal(_delimiter(paths[0], int(options.get("skip", 0)))),
        "quote": literal('"'),
        "escape": literal('"'),
        "header": "true",
        "skip": "0",
    }
    if whole:
        settings["sample_size"] = "-1"  # types of all rows, not of the first ones
    for name, value in options.items():
        if name in _READER and name != "null":
            settings[name] = _value(value)
    null = options.get("null", "")
    settings["nullstr"] = _list([null] if isinstance(null, str) else [*null])
    settings["allow_quoted_nulls"] = _value(options.get("quoted_null", True))
    if given:
        pairs = ", ".join(f"{literal(k)}: {literal(v)}" for k, v in given.items())
        settings["types"] = f"{{{pairs}}}"
    text = ", ".join(f"{name} = {value}" for name, value in settings.items())
    return f"read_csv({_list(map(pattern_free, paths))}, {text})"


def _delimiter(path: Path, skip: int) -> str:
    """The delimiter that the header has most of, outside of quotes; a comma if it has none."""
    bare = re.sub(r'"(?:[^"]|"")*"', "", _head(path, skip)).lstrip("\r\n").partition("\n")[0]
    return max(",;\t|", key=bare.count)


def _header(path: Path, options: Mapping[str, Any]) -> list[str]:
    """Names of columns as they are written; DuckDB would make two of one name different."""
    if not options.get("header", True):
        return []
    skip = int(options.get("skip", 0))
    delimiter = str(options.get("delim") or _delimiter(path, skip))
    if len(delimiter) != 1:
        return []
    rows = csv.reader(_head(path, skip).splitlines(keepends=True), delimiter=delimiter)
    return [name for name in next(rows, []) if name]


def _head(path: Path, skip: int) -> str:
    try:
        with pa.input_stream(str(path), compression="detect") as file:
            text = file.read(_HEAD_OCTETS).decode("utf-8", "replace").removeprefix("\ufeff")
    except (OSError, pa.ArrowException):
        return ""
    return "".join(text.splitlines(keepends=True)[skip:]).lstrip("\r\n")


def _list(texts: Iterable[str]) -> str:
    return f"[{', '.join(map(literal, texts))}]"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int) else literal(str(value))
