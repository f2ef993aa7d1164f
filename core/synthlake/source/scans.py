"""Tables that live elsewhere and are read as Arrow, any number of times: a source over scans."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from synthlake.errors import SourceError
from synthlake.schema.model import Schema
from synthlake.source import types
from synthlake.source.names import check_columns, check_tables
from synthlake.sql.duckdb_engine import DuckDBEngine, quoted

_BATCH_ROWS = 65_536


@dataclass(frozen=True)
class Scan:
    """A table as that which reads it, batch by batch and as often as it is asked.

    Attributes:
        schema: columns of the table.
        parts: what is read, one after the other: Arrow datasets, of which only the columns that are
            needed are read, or anything whose ``__arrow_c_stream__`` can be called again and again.
        names: of columns in the parts, where they differ from those of the table.
    """

    schema: pa.Schema
    parts: Sequence[Any]
    names: Mapping[str, str] = field(default_factory=dict)

    def name(self, column: str) -> str:
        """Of a column, in the parts."""
        return self.names.get(column, column)


class ScanSource:
    """Tables as scans, counted by DuckDB. Conforms to ``ports.Source``.

    Args:
        scans: by table; each reads the same rows however often it is read.
        version: digest of all that is read.
        engine: session to define the views in; None for a new one.

    Raises:
        SourceError: names clash.
    """

    def __init__(
        self, scans: Mapping[str, Scan], *, version: str, engine: DuckDBEngine | None = None
    ) -> None:
        check_tables(scans)
        self._scans, self._version = dict(scans), version
        self._schema = Schema({name: _table(name, scan) for name, scan in self._scans.items()})
        self._engine = engine or DuckDBEngine()
        numbered = enumerate(self._scans.items())
        for number, (name, scan) in numbered:
            columns = types.normal(self._schema[name])
            union = " UNION ALL ".join(self._define(f"__synthlake_scan_{number}", scan))
            self._engine.view(name, f"SELECT {columns} FROM ({union})")

    def __repr__(self) -> str:
        return f"ScanSource({', '.join(self._scans)})"

    def schema(self) -> Schema:
        """Tables with the Arrow types of their scans; scans declare no keys."""
        return self._schema

    def engine(self) -> DuckDBEngine:
        """DuckDB, reading the scans."""
        return self._engine

    def version(self) -> str:
        """Digest of all that is read."""
        return self._version

    def batches(self, table: str, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Typed batches of a table, in the order of its parts.

        Raises:
            SourceError: a part cannot be read.
        """
        wanted = types.chosen(self._schema[table], columns)
        scan = self._scans[table]
        failed = ""
        try:
            for part in scan.parts:
                yield from _read(part, [scan.name(name) for name in wanted.names], wanted)
        except (OSError, pa.ArrowException) as error:
            failed = type(error).__name__
        if failed:  # raised outside, as Arrow's message may quote a value
            raise SourceError(
                f"table {table} cannot be read to its end ({failed})",
                hint="files of it are gone or damaged",
            )

    def close(self) -> None:
        """Close the session."""
        self._engine.close()

    def _define(self, prefix: str, scan: Scan) -> Iterator[str]:
        select = ", ".join(
            f"{quoted(scan.name(name))} AS {quoted(name)}" for name in scan.schema.names
        )
        for number, part in enumerate(scan.parts):
            yield f"SELECT {select} FROM {self._engine.scan(f'{prefix}_{number}', part)}"


def _table(name: str, scan: Scan) -> Any:
    check_columns(name, scan.schema.names)
    return types.table(name, types.plain(scan.schema))


def _read(part: Any, names: Sequence[str], wanted: pa.Schema) -> Iterator[pa.RecordBatch]:
    from pyarrow.dataset import Dataset

    if isinstance(part, Dataset):
        found = part.to_batches(
            columns=list(names), batch_size=_BATCH_ROWS, batch_readahead=2, fragment_readahead=1
        )
    else:
        found = iter(pa.RecordBatchReader.from_stream(part))
    for batch in found:
        values = [batch.column(name) for name in names]
        yield types.batch(values, wanted, batch.num_rows)
