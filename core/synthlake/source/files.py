"""A folder of Parquet files as a source; each table is one file or several."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from synthlake.errors import SourceError
from synthlake.schema.model import Schema, Table
from synthlake.source import types
from synthlake.source.filenames import pattern_free
from synthlake.source.names import check_columns, check_tables
from synthlake.sql.duckdb_engine import DuckDBEngine, literal

_BATCH_ROWS = 65_536


class ParquetSource:
    """Tables in Parquet files. Conforms to ``ports.Source``.

    Every footer is read, and every part compared, before anything else happens. The files are one
    snapshot: if one changes, the next read fails.

    Args:
        files: the parts of each table, in order.
        engine: session to define the views in; None for a new one.

    Raises:
        SourceError: a file is damaged, parts disagree, or names clash.
    """

    def __init__(
        self,
        files: Mapping[str, Sequence[Path]],
        *,
        engine: DuckDBEngine | None = None,
    ) -> None:
        self._files = {name: tuple(paths) for name, paths in files.items()}
        check_tables(self._files)
        stamps = {p: _stamp(p) for paths in self._files.values() for p in paths}
        self._check = partial(_check, stamps)
        arrow = {name: _read_schema(name, paths) for name, paths in self._files.items()}
        self._schema = Schema({name: types.table(name, s) for name, s in arrow.items()})
        self._engine = engine or DuckDBEngine()
        self._engine.guard = self._check
        for table in self._schema:
            self._engine.view(
                table.name, f"SELECT {types.normal(table)} FROM {self._relation(table)}"
            )

    def __repr__(self) -> str:
        return f"ParquetSource({', '.join(self._files)})"

    def _relation(self, table: Table) -> str:
        """The files, read by DuckDB, or by Arrow where DuckDB would round what they hold."""
        paths = self._files[table.name]
        if not any(types.is_wide(column.type) for column in table.columns):
            return _scan(paths)
        number = list(self._files).index(table.name)
        wanted = types.chosen(table, None)
        return self._engine.scan(f"__synthlake_files_{number}", _Scan(paths, wanted))

    def schema(self) -> Schema:
        """Tables with the Arrow types of their files; Parquet declares no keys."""
        return self._schema

    def engine(self) -> DuckDBEngine:
        """DuckDB, reading the files; a relation a table."""
        return self._engine

    def batches(self, table: str, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Typed batches of a table, in the order of its files.

        Raises:
            SourceError: a file is damaged or was changed since the source was opened.
        """
        wanted = types.chosen(self._schema[table], columns)
        for path in self._files[table]:
            self._check()
            yield from _read(path, wanted)


@dataclass(frozen=True)
class _Scan:
    """Files as DuckDB takes them, read anew by each statement."""

    paths: Sequence[Path]
    wanted: pa.Schema

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        fields = [pa.field(f.name, types.duckdb_type(f.type)) for f in self.wanted]
        batches = (
            types.for_duckdb(pa.Table.from_batches([batch])).to_batches()
            for path in self.paths
            for batch in _read(path, self.wanted)
        )
        flat = (batch for some in batches for batch in some)
        reader = pa.RecordBatchReader.from_batches(pa.schema(fields), flat)
        stream: object = reader.__arrow_c_stream__(requested_schema)  # type: ignore[no-untyped-call]
        return stream


_Stamp = tuple[int, int, int] | None


def _check(stamps: Mapping[Path, _Stamp]) -> None:
    for path, stamp in stamps.items():
        if _stamp(path) != stamp:
            raise SourceError(
                f"{path} changed while being read",
                hint="read from a copy, or when nothing writes to the source",
            )


def _stamp(path: Path) -> _Stamp:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def _scan(paths: Sequence[Path]) -> str:
    names = [literal(pattern_free(path)) for path in paths]
    return f"read_parquet([{', '.join(names)}], hive_partitioning = false)"


def _read_schema(table: str, paths: Sequence[Path]) -> pa.Schema:
    schemas = [_footer(path) for path in paths]
    first = schemas[0]
    for path, schema in zip(paths[1:], schemas[1:], strict=True):
        if schema.names != first.names or schema.types != first.types:
            raise SourceError(
                f"the parts {paths[0].name} and {path.name} of table {table} have different columns"
                f" or types ({_difference(first, schema)})",
                hint="give the parts one schema, or different tables",
            )
    check_columns(table, first.names)
    loose = [any(s.field(n).nullable for s in schemas) for n in range(len(first))]
    fields = [f.with_nullable(n).remove_metadata() for f, n in zip(first, loose, strict=True)]
    return types.plain(pa.schema(fields))


def _difference(left: pa.Schema, right: pa.Schema) -> str:
    if left.names != right.names:
        only = sorted(set(left.names) ^ set(right.names))
        return f"not in both: {', '.join(only)}" if only else "the order differs"
    field = next(f for f, g in zip(left, right, strict=True) if f.type != g.type)
    return f"{field.name} is {field.type} and {right.field(field.name).type}"


def _footer(path: Path) -> pa.Schema:
    try:
        with pq.ParquetFile(path) as file:
            return file.schema_arrow
    except (OSError, pa.ArrowException):
        pass
    raise SourceError(
        f"{path} is not a readable Parquet file ({path.stat().st_size:,} bytes)",
        hint="it is damaged, cut off, or of another format; write it again",
    )


def _read(path: Path, wanted: pa.Schema) -> Iterator[pa.RecordBatch]:
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(_BATCH_ROWS, columns=wanted.names):
                # By name, as Parquet also finds "a.b" when asked for "a".
                found = [batch.column(name) for name in wanted.names]
                yield types.batch(found, wanted, batch.num_rows)
        return
    except (OSError, pa.ArrowException):
        pass
    raise SourceError(f"{path} cannot be read to its end", hint="it is damaged; write it again")
