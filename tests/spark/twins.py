"""Artifacts that the tests of generation share, and comparisons of tables."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pyarrow as pa

import synthlake as sl
from synthlake_spark.output_types import OutputTypes

NO_SHUFFLE = ("Exchange", "Join", "Sort")


def expected(artifact: sl.Artifact, **wanted: Any) -> dict[str, pa.Table]:
    """The cells of the plain API, in the types of Spark."""
    made = artifact.sample(**wanted)
    return {
        name: pa.Table.from_batches(
            [OutputTypes.of(name, table.schema).batch(batch) for batch in table],
            OutputTypes.of(name, table.schema).arrow,
        )
        for name, table in made.items()
    }


def cells(frame: Any) -> pa.Table:
    """All rows of a frame, times in UTC."""
    found: pa.Table = frame.toArrow()
    fields = [
        pa.field(f.name, pa.timestamp("us", "UTC") if getattr(f.type, "tz", None) else f.type)
        for f in found.schema
    ]
    return found.cast(pa.schema(fields))


def digest(table: pa.Table) -> str:
    """Digest of the rows of a table in any order."""
    rows = sorted(map(repr, table.to_pylist()))
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def delta_rows(folder: Path, table: str) -> pa.Table:
    """Rows of a Delta table as a reader sees them that knows nothing of Spark."""
    from deltalake import DeltaTable

    return DeltaTable(str(folder / table)).to_pyarrow_table()


def versions(folder: Path, tables: list[str]) -> dict[str, int]:
    """Newest version of each Delta table."""
    from deltalake import DeltaTable

    return {name: DeltaTable(str(folder / name)).version() for name in tables}
